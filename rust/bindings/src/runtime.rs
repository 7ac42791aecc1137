//! The tokio runtimes that this process owns: made on first use, shut down at exit with a bound,
//! made anew in the child of a fork.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;

/// How long the exit of the interpreter may take for what is under way.
const EXIT_PATIENCE: Duration = Duration::from_millis(200);

/// How often idle connections get a turn: well within the 20 s that gateways wait for an answer to
/// a keepalive.
const TURN_EVERY: Duration = Duration::from_secs(2);
/// How long it is.
const TURN: Duration = Duration::from_millis(1);

/// Counts the forks between this process and the one that loaded the module.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Locked only while attached to the interpreter and never across a wait, so that a fork, which
/// needs the interpreter too, cannot happen while another thread holds it.
static CURRENT: Mutex<Option<(u64, Arc<Runtimes>)>> = Mutex::new(None);

/// Threads that are in a call, detached.
static OUTSIDE: AtomicUsize = AtomicUsize::new(0);
/// Whether the interpreter exits.
static CLOSING: AtomicBool = AtomicBool::new(false);
/// The thread that runs the exit handlers.
static EXITING: OnceLock<ThreadId> = OnceLock::new();

/// What belongs to the process that made it: in the child of a fork it can neither be used nor dropped,
/// as its locks may be held by threads that do not exist there.
#[derive(Debug)]
pub(crate) struct OfProcess<T> {
    generation: u64,
    value: Option<T>,
}

impl<T> OfProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { generation: generation(), value: Some(value) }
    }

    /// The value, in the process that made it.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.generation == generation())
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
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if self.generation != generation() {
            std::mem::forget(self.value.take());
        }
    }
}

/// What a connection is for: each has a runtime of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Everything that is small.
    Calls,
    /// Large results, which would keep the calls of other threads waiting.
    Bulk,
}

/// One runtime for each kind of connection.
#[derive(Debug)]
pub(crate) struct Runtimes {
    calls: Runtime,
    bulk: Runtime,
    /// Driven by a thread of its own, which ends with the sender.
    background: OnceLock<(Handle, oneshot::Sender<()>)>,
}

impl Runtimes {
    /// Driven by whoever waits for an answer: the thread that sends a request also reads the socket,
    /// and no wake-up crosses threads.
    fn new() -> std::io::Result<Self> {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self { calls: runtime()?, bulk: runtime()?, background: OnceLock::new() })
    }

    pub(crate) fn lane(&self, lane: Lane) -> &Runtime {
        match lane {
            Lane::Calls => &self.calls,
            Lane::Bulk => &self.bulk,
        }
    }

    /// The runtime of what goes on while nobody calls; its thread starts with the first use.
    pub(crate) fn background(&self) -> PyResult<&Handle> {
        if self.background.get().is_none() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| cannot_start(&error))?;
            let handle = runtime.handle().clone();
            let (stop, stopped) = oneshot::channel::<()>();
            std::thread::Builder::new()
                .name("pulsewire-writer".to_owned())
                // Ends when the sender is dropped.
                .spawn(move || drop(runtime.block_on(stopped)))
                .map_err(|error| cannot_start(&error))?;
            // Whoever was first, a second thread ends with its sender.
            let _ = self.background.set((handle, stop));
        }
        let (handle, _) = self
            .background
            .get()
            .ok_or_else(|| PyRuntimeError::new_err("pulsewire has no thread for its writers"))?;
        Ok(handle)
    }
}

/// The number of this process since the module was loaded.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// The runtimes of this process.
pub(crate) fn current(_py: Python<'_>) -> PyResult<Arc<Runtimes>> {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    let generation = generation();
    if let Some((of, runtime)) = current.as_ref()
        && *of == generation
    {
        return Ok(Arc::clone(runtime));
    }
    // The threads of an inherited runtime do not exist here: it can neither be used nor dropped.
    std::mem::forget(current.take());
    let runtime = Arc::new(Runtimes::new().map_err(|error| cannot_start(&error))?);
    let kept = Arc::downgrade(&runtime);
    std::thread::Builder::new()
        .name("pulsewire".to_owned())
        .spawn(move || keep(&kept))
        .map_err(|error| cannot_start(&error))?;
    *current = Some((generation, Arc::clone(&runtime)));
    Ok(runtime)
}

fn cannot_start(error: &std::io::Error) -> PyErr {
    PyRuntimeError::new_err(format!("pulsewire cannot start its threads: {error}"))
}

/// Gives the connections a turn now and then while nobody calls, so that they answer the gateway's
/// keepalive. Ends with the runtime.
fn keep(runtime: &Weak<Runtimes>) {
    loop {
        std::thread::sleep(TURN_EVERY);
        let Some(runtime) = runtime.upgrade() else { return };
        if CLOSING.load(Ordering::SeqCst) {
            return;
        }
        for lane in [Lane::Calls, Lane::Bulk] {
            runtime.lane(lane).block_on(async { tokio::time::sleep(TURN).await });
        }
    }
}

/// Called in the child of a fork; touches atomics only.
#[pyfunction]
pub(crate) fn _after_fork() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    // The other threads do not exist here.
    OUTSIDE.store(0, Ordering::Relaxed);
}

/// Runs something detached from the interpreter.
///
/// While the interpreter exits, a thread must not attach again: CPython would end it in the middle
/// of Rust's frames. Such a thread stays here until the process is gone; the one that runs the exit
/// handlers goes on.
pub(crate) fn outside<T>(work: impl FnOnce() -> T) -> T {
    /// Counts down also when the work panics.
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            OUTSIDE.fetch_sub(1, Ordering::SeqCst);
        }
    }
    OUTSIDE.fetch_add(1, Ordering::SeqCst);
    let inside = Inside;
    let result = work();
    drop(inside);
    if CLOSING.load(Ordering::SeqCst) && EXITING.get() != Some(&std::thread::current().id()) {
        loop {
            std::thread::park();
        }
    }
    result
}

/// Called when the interpreter exits.
#[pyfunction]
pub(crate) fn _shut_down(py: Python<'_>) {
    // A second exit handler finds the first one's word.
    let _ = EXITING.set(std::thread::current().id());
    CLOSING.store(true, Ordering::SeqCst);
    // Threads that wait for the interpreter now get it, and every one in a call comes to rest.
    py.detach(|| {
        let ends = Instant::now() + EXIT_PATIENCE;
        while OUTSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < ends {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let taken = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some((of, runtime)) = taken else { return };
    if of != generation() {
        std::mem::forget(runtime);
        return;
    }
    // A call that still runs on another thread holds the runtime: it ends with the process.
    if let Ok(Runtimes { calls, bulk, .. }) = Arc::try_unwrap(runtime) {
        py.detach(|| {
            calls.shutdown_timeout(EXIT_PATIENCE);
            bulk.shutdown_timeout(EXIT_PATIENCE);
        });
    }
}
