//! Threads that are detached from the interpreter, and its exit.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::generation;

/// How long the exit of the interpreter may take for what is under way.
pub(super) const PATIENCE: Duration = Duration::from_millis(200);

/// Threads that are in a call, detached.
static DETACHED: AtomicUsize = AtomicUsize::new(0);
/// Whether the interpreter exits.
static CLOSING: AtomicBool = AtomicBool::new(false);
/// The thread that runs the exit handlers.
static EXITING: OnceLock<ThreadId> = OnceLock::new();

/// Counts a thread down, also when its work panics.
struct Counted;

impl Counted {
    fn new() -> Self {
        DETACHED.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        DETACHED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs a call that is detached from the interpreter.
///
/// While the interpreter exits, its thread stays here until the process is gone; the one that runs the exit
/// handlers goes on.
pub(super) fn detached_call<T>(work: impl FnOnce() -> T) -> T {
    let counted = Counted::new();
    let result = work();
    drop(counted);
    if is_closing() && EXITING.get() != Some(&std::thread::current().id()) {
        loop {
            std::thread::park();
        }
    }
    result
}

/// Whether the interpreter exits.
pub(super) fn is_closing() -> bool {
    CLOSING.load(Ordering::SeqCst)
}

/// The interpreter exits: threads that wait for it now get it, and every one in a call comes to rest.
pub(super) fn begin(py: Python<'_>) {
    // A second exit handler finds the first one's word.
    let _ = EXITING.set(std::thread::current().id());
    CLOSING.store(true, Ordering::SeqCst);
    py.detach(|| {
        let ends = Instant::now() + PATIENCE;
        while DETACHED.load(Ordering::SeqCst) > 0 && Instant::now() < ends {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}

/// Called in the child of a fork; touches atomics only.
#[pyfunction]
pub(crate) fn _after_fork() {
    generation::begin_next();
    // The other threads do not exist here.
    DETACHED.store(0, Ordering::Relaxed);
}
