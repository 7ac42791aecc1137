//! The one way to block: detached from the interpreter, and Ctrl-C heard.

use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use pulsewire_client::{Driven, Result, drive};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::Runtime;

use super::exit::detached_call;
use super::lanes::{Lane, current};
use crate::{errors, logging};

const FAILED: &str = "pulsewire failed; please report it";

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(40);

/// A future that keeps its outcome for itself, whatever it is: all calls are driven by the same code, which is
/// compiled once.
type Work<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send + 'a)>;

/// How a turn of the runtime ended.
enum Turn {
    Done,
    /// Time to look for signals.
    Over,
    Panicked,
}

/// Drives a future for a while.
fn turn(runtime: &Runtime, work: &mut Work<'_>) -> Turn {
    let ends = Instant::now() + TICK;
    loop {
        let left = ends.saturating_duration_since(Instant::now());
        // A panic does not cross into Python, where it would be no Exception. The future is not touched
        // again.
        let driven = std::panic::AssertUnwindSafe(|| {
            runtime.block_on(async { tokio::time::timeout(left, drive(work.as_mut())).await })
        });
        let Ok(driven) = std::panic::catch_unwind(driven) else { return Turn::Panicked };
        match driven {
            Ok(Driven::Done(())) => return Turn::Done,
            // Outside the runtime, so that another thread may drive it meanwhile.
            Ok(Driven::Nap(until)) => {
                std::thread::sleep(until.min(ends).saturating_duration_since(Instant::now()));
            }
            Err(_) => return Turn::Over,
        }
    }
}

/// Drives a future to its end on this thread; signal handlers run between two turns of the runtime.
fn finish(py: Python<'_>, lane: Lane, mut work: Work<'_>) -> PyResult<()> {
    let runtimes = current(py)?;
    let runtime = runtimes.lane(lane);
    loop {
        let turn = py.detach(|| detached_call(|| turn(runtime, &mut work)));
        match turn {
            Turn::Done => return logging::tell(py),
            Turn::Panicked => {
                return Err(PyRuntimeError::new_err(FAILED));
            }
            Turn::Over => {
                logging::tell(py)?;
                py.check_signals()?;
            }
        }
    }
}

/// Drives a future to its end on this thread.
pub(crate) fn block_on<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send,
) -> PyResult<T> {
    block_on_lane(py, Lane::Calls, future)
}

/// Drives a future that uses the connection of a lane to its end on this thread.
///
/// Signal handlers run between two turns of the runtime, so that they may call pulsewire
/// themselves. One that raises ends the wait: the future is dropped, which cancels its request and
/// leaves the connection usable.
pub(crate) fn block_on_lane<T: Send>(
    py: Python<'_>,
    lane: Lane,
    future: impl Future<Output = Result<T>> + Send,
) -> PyResult<T> {
    let mut outcome = None;
    let finished = finish(py, lane, pin!(async { outcome = Some(future.await) }));
    finished?;
    let outcome = outcome.ok_or_else(|| PyRuntimeError::new_err(FAILED))?;
    outcome.map_err(|error| errors::to_python(py, error))
}
