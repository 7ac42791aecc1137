//! Work that nobody waits for any more.

use std::sync::{Arc, Mutex, Weak};

use super::job::Job;
use crate::lock::lock;

/// Whether somebody still waits for what is computed; clones are of the same work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancellation(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cancelled: bool,
    /// What runs for it.
    jobs: Vec<Weak<Job>>,
}

impl Cancellation {
    /// Nobody waits any more: what runs is halted, and nothing begins.
    pub(crate) fn cancel(&self) {
        let mut state = lock(&self.0);
        state.cancelled = true;
        state.jobs.iter().filter_map(Weak::upgrade).for_each(|job| job.control.halt());
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        lock(&self.0).cancelled
    }

    /// Halts a job when the work is cancelled.
    pub(super) fn watch(&self, job: &Arc<Job>) {
        let mut state = lock(&self.0);
        state.jobs.retain(|job| job.strong_count() > 0);
        state.jobs.push(Arc::downgrade(job));
        if state.cancelled {
            job.control.halt();
        }
    }

    /// The work is over: what ran for it is left alone.
    pub(super) fn done(&self) {
        lock(&self.0).jobs.clear();
    }

    /// Cancels when it is dropped.
    pub(crate) fn guard(&self) -> Guard {
        Guard(self.clone())
    }
}

/// Held by whoever waits.
#[derive(Debug)]
pub(crate) struct Guard(Cancellation);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
