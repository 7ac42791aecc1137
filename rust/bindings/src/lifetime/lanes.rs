//! The tokio runtimes that this process owns: made on first use, shut down at exit with a bound,
//! made anew in the child of a fork.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;

use super::exit;
use super::generation::ProcessBound;

/// How often idle connections get a turn: well within the 20 s that gateways wait for an answer to
/// a keepalive.
const TURN_EVERY: Duration = Duration::from_secs(2);
/// How long it is.
const TURN: Duration = Duration::from_millis(1);

static CURRENT: Mutex<Option<ProcessBound<Arc<Runtimes>>>> = Mutex::new(None);

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
        let runtime = tokio::runtime::Builder::new_current_thread;
        let calls = runtime().enable_all().build()?;
        // Whoever copies what arrived gets a turn behind each sip of the connection's: what is read lies in memory
        // until then.
        let bulk = runtime().enable_all().event_interval(1).build()?;
        Ok(Self { calls, bulk, background: OnceLock::new() })
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

/// The runtimes of this process.
pub(crate) fn current(_py: Python<'_>) -> PyResult<Arc<Runtimes>> {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtimes) = current.as_ref().and_then(ProcessBound::get) {
        return Ok(Arc::clone(runtimes));
    }
    let runtimes = Arc::new(Runtimes::new().map_err(|error| cannot_start(&error))?);
    let kept = Arc::downgrade(&runtimes);
    std::thread::Builder::new()
        .name("pulsewire".to_owned())
        .spawn(move || keep(&kept))
        .map_err(|error| cannot_start(&error))?;
    *current = Some(ProcessBound::new(Arc::clone(&runtimes)));
    Ok(runtimes)
}

fn cannot_start(error: &std::io::Error) -> PyErr {
    PyRuntimeError::new_err(format!("pulsewire cannot start its threads: {error}"))
}

/// Gives the connections a turn now and then while nobody calls, so that they answer the gateway's
/// keepalive. Ends with the runtimes.
fn keep(runtimes: &Weak<Runtimes>) {
    loop {
        std::thread::sleep(TURN_EVERY);
        let Some(runtimes) = runtimes.upgrade() else { return };
        if exit::is_closing() {
            return;
        }
        for lane in [Lane::Calls, Lane::Bulk] {
            runtimes.lane(lane).block_on(async { tokio::time::sleep(TURN).await });
        }
    }
}

/// Called when the interpreter exits.
#[pyfunction]
pub(crate) fn _shut_down(py: Python<'_>) {
    exit::begin(py);
    let taken = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(runtimes) = taken.and_then(ProcessBound::take) else { return };
    // A call that still runs on another thread holds the runtimes: they end with the process.
    if let Ok(Runtimes { calls, bulk, .. }) = Arc::try_unwrap(runtimes) {
        py.detach(|| {
            calls.shutdown_timeout(exit::PATIENCE);
            bulk.shutdown_timeout(exit::PATIENCE);
        });
    }
}
