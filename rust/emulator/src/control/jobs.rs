//! What all machines of an emulator share: its options, its jobs, its identifiers.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use super::job::Job;
use crate::compiler::Msb;
use crate::limits::Limits;
use crate::lock::lock;
use crate::qua::timing::Timing;
use crate::runtime::Pace;
use crate::signal::readout::Models;

/// What differs from release to release of the system, and by what is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Release {
    pub timing: Timing,
    pub msb: Msb,
}

/// How many emulators this process has had.
static EMULATORS: AtomicU64 = AtomicU64::new(0);

/// Milliseconds since the epoch.
pub(super) fn epoch_millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

/// Options and jobs of an emulator.
#[derive(Debug)]
pub(crate) struct Jobs {
    /// What clients may make it hold.
    pub limits: Limits,
    /// Virtual or real time.
    pub(super) pace: Pace,
    /// Which release of the system it is like.
    pub(super) release: Release,
    /// What answers in the place of an instrument.
    pub(super) models: Models,
    jobs: Mutex<HashMap<String, Arc<Job>>>,
    /// Runs of simulations that nobody hears of.
    trials: Mutex<Vec<Weak<Job>>>,
    ended: Mutex<VecDeque<String>>,
    removed: Mutex<VecDeque<String>>,
    /// Distinguishes this emulator from every other.
    nonce: String,
    counter: AtomicU64,
    /// Set once, under the lock of the machines: nothing is opened or run from then on.
    closed: AtomicBool,
}

impl Jobs {
    /// An emulator without jobs.
    pub(super) fn new(limits: Limits, pace: Pace, release: Release, models: Models) -> Arc<Self> {
        Arc::new(Self {
            limits,
            pace,
            release,
            models,
            jobs: Mutex::default(),
            trials: Mutex::default(),
            ended: Mutex::default(),
            removed: Mutex::default(),
            nonce: format!(
                "{}-{:x}-{}",
                epoch_millis(),
                std::process::id(),
                EMULATORS.fetch_add(1, Ordering::Relaxed)
            ),
            counter: AtomicU64::new(1),
            closed: AtomicBool::new(false),
        })
    }

    /// An identifier that no other of this or an earlier emulator has; they sort by age.
    pub(super) fn fresh_id(&self, prefix: &str) -> String {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        format!("{prefix}-{}-{number:09}", self.nonce)
    }

    /// A job, whatever became of its machine.
    pub(crate) fn job(&self, id: &str) -> Option<Arc<Job>> {
        lock(&self.jobs).get(id).cloned()
    }

    /// Keeps a job, which is halted when the emulator is being stopped.
    pub(super) fn keep(&self, job: &Arc<Job>) {
        lock(&self.jobs).insert(job.id.clone(), Arc::clone(job));
        if self.is_closed() {
            job.control.halt();
        }
    }

    /// Forgets a job that nobody was told of.
    pub(super) fn forget(&self, id: &str) {
        lock(&self.jobs).remove(id);
    }

    /// Halts a run that nobody hears of when the emulator ends.
    pub(super) fn watch_trial(&self, trial: &Arc<Job>) {
        let mut trials = lock(&self.trials);
        trials.retain(|trial| trial.strong_count() > 0);
        trials.push(Arc::downgrade(trial));
        // Under the lock: whoever shuts down sees it, or has closed already.
        if self.is_closed() {
            trial.control.halt();
        }
    }

    /// Notes that a job ended; the oldest ended ones are forgotten past the limit.
    pub(super) fn ended(&self, id: &str) {
        self.remember(&self.ended, id);
    }

    /// Notes that a pending job was removed; these have no results, and push out none.
    pub(super) fn removed(&self, id: &str) {
        self.remember(&self.removed, id);
    }

    fn remember(&self, list: &Mutex<VecDeque<String>>, id: &str) {
        let mut list = lock(list);
        list.push_back(id.to_owned());
        while list.len() > self.limits.ended_jobs {
            if let Some(oldest) = list.pop_front() {
                lock(&self.jobs).remove(&oldest);
            }
        }
    }

    fn all(&self) -> Vec<Arc<Job>> {
        lock(&self.jobs).values().cloned().collect()
    }

    /// Drops the stored results of all jobs.
    pub(crate) fn clear_results(&self) {
        self.all().iter().for_each(|job| job.results.clear());
    }

    /// Drops the result processing of all running jobs: their results end where they are.
    pub(crate) fn reset_processing(&self) {
        let jobs = self.all();
        jobs.iter().filter(|job| job.is_running()).for_each(|job| job.results.finish(false));
    }

    /// Nothing is kept from now on.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Halts everything and waits for the jobs' threads; what is kept meanwhile is halted by whoever keeps it.
    pub(super) fn shut_down(&self) {
        let jobs = self.all();
        jobs.iter().for_each(|job| job.control.halt());
        let trials = std::mem::take(&mut *lock(&self.trials));
        trials.iter().filter_map(Weak::upgrade).for_each(|trial| trial.control.halt());
        jobs.iter().for_each(|job| job.join());
    }

    /// Whether the emulator is being stopped.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}
