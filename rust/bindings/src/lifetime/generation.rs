//! Which process this is, and what belongs to one.

use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// Counts the forks between this process and the one that loaded the module.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// The number of this process since the module was loaded.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// The child of a fork is another process.
pub(super) fn begin_next() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// What belongs to the process that made it: in the child of a fork it can neither be used nor dropped,
/// as its locks may be held by threads that do not exist there.
#[derive(Debug)]
pub(crate) struct ProcessBound<T> {
    generation: u64,
    value: Option<T>,
}

impl<T> ProcessBound<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { generation: generation(), value: Some(value) }
    }

    /// The value, in the process that made it.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.generation == generation())
    }

    /// As [`Self::get`], to be changed.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.value.as_mut().filter(|_| self.generation == generation())
    }

    /// As [`Self::get`]; `what` is named in the exception that says what to do.
    pub(crate) fn own(&self, what: impl Fn() -> String) -> PyResult<&T> {
        self.get().ok_or_else(|| {
            PyRuntimeError::new_err(format!(
                "{} belongs to the process that made it, not to its fork; make a new one",
                what()
            ))
        })
    }

    /// The value, in the process that made it; in another it is leaked.
    pub(crate) fn take(mut self) -> Option<T> {
        let here = self.generation == generation();
        if here { self.value.take() } else { None }
    }
}

impl<T> Drop for ProcessBound<T> {
    fn drop(&mut self) {
        if self.generation != generation() {
            std::mem::forget(self.value.take());
        }
    }
}
