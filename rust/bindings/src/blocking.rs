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
/// Signal handlers run between two turns of the runtime, so that they may call pulsewire
/// themselves. One that raises ends the wait: the future is dropped, which cancels its request and
/// leaves the connection usable.
pub(crate) fn block_on<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send,
) -> PyResult<T> {
    let runtime = runtime::current(py)?;
    let mut future = pin!(future);
    loop {
        let turn = py.detach(|| {
            runtime::outside(|| {
                runtime.block_on(async { tokio::time::timeout(TICK, &mut future).await })
            })
        });
        match turn {
            Ok(outcome) => return outcome.map_err(|error| errors::to_python(py, error)),
            Err(_) => py.check_signals()?,
        }
    }
}
