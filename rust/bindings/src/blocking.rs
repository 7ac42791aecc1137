//! The one way to block: detached from the interpreter, and Ctrl-C heard.

use std::pin::pin;
use std::time::Duration;

use pulsewire_client::Result;
use pyo3::prelude::*;

use crate::errors;
use crate::runtime;

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(40);

/// Drives a future to its end on this thread.
///
/// A signal whose handler raises ends the wait: the future is dropped, which cancels its request
/// and leaves the connection usable.
pub(crate) fn block_on<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send,
) -> PyResult<T> {
    let runtime = runtime::current(py)?;
    let outcome: PyResult<Result<T>> = py.detach(|| {
        runtime.block_on(async {
            let mut future = pin!(future);
            loop {
                tokio::select! {
                    biased;
                    outcome = &mut future => return Ok(outcome),
                    () = tokio::time::sleep(TICK) => Python::attach(|py| py.check_signals())?,
                }
            }
        })
    });
    outcome?.map_err(|error| errors::to_python(py, error))
}
