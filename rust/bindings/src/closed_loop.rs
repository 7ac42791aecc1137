//! Closed loops: a step is one call.

use std::sync::Arc;

use pulsewire_client::{ClosedLoop, Entry, Timeout};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::convert::new_array;
use crate::errors;
use crate::input_stream::Input;
use crate::lifetime::{ProcessBound, block_on};

/// The next item of a result, as a scalar or an array.
#[pyclass(name = "LoopItem", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyLoopItem {
    value: Py<PyAny>,
    has_execution_errors: bool,
}

/// The steps of a closed loop over some input streams and results of a job.
#[pyclass(name = "ClosedLoop", module = "pulsewire._native", frozen)]
pub(crate) struct PyClosedLoop {
    inputs: Vec<Arc<Input>>,
    steps: ProcessBound<ClosedLoop>,
}

impl PyClosedLoop {
    pub(crate) fn new(inputs: Vec<Arc<Input>>, steps: ClosedLoop) -> Self {
        Self { inputs, steps: ProcessBound::new(steps) }
    }

    fn steps(&self) -> PyResult<&ClosedLoop> {
        self.steps.own(|| "the closed loop".to_owned())
    }
}

#[pymethods]
impl PyClosedLoop {
    /// Pushes a value to each input, then waits for the next item of each result.
    fn exchange(
        &self,
        py: Python<'_>,
        values: &Bound<'_, PyTuple>,
        timeout: f64,
    ) -> PyResult<Vec<PyLoopItem>> {
        if values.len() != self.inputs.len() {
            let names: Vec<_> = self.inputs.iter().map(|input| input.name()).collect();
            let text = format!(
                "a step of the closed loop takes a value for each of {}, not {}",
                names.join(", "),
                values.len()
            );
            return Err(errors::refused_value(py, text));
        }
        let mut entries = Vec::with_capacity(self.inputs.len());
        for (input, value) in self.inputs.iter().zip(values.iter()) {
            entries.push(input.entry(input.stream(py)?.get()?, &value)?);
        }
        self.items(py, Some(entries), timeout)
    }

    /// Waits for the next item of each result.
    fn receive(&self, py: Python<'_>, timeout: f64) -> PyResult<Vec<PyLoopItem>> {
        self.items(py, None, timeout)
    }

    fn skip(&self, py: Python<'_>) -> PyResult<()> {
        block_on(py, self.steps()?.skip())
    }

    fn positions(&self) -> PyResult<Vec<u64>> {
        Ok(self.steps()?.positions())
    }

    /// Pushes of which it is not known whether they were taken.
    fn in_doubt(&self) -> PyResult<u64> {
        Ok(self.steps()?.in_doubt())
    }
}

impl PyClosedLoop {
    fn items(
        &self,
        py: Python<'_>,
        entries: Option<Vec<Entry>>,
        timeout: f64,
    ) -> PyResult<Vec<PyLoopItem>> {
        let steps = self.steps()?;
        let received = block_on(py, async {
            let timeout = Timeout::from_seconds(timeout);
            match entries {
                Some(entries) => steps.exchange(entries, timeout).await,
                None => steps.receive(timeout).await,
            }
        })?;
        let mut items = Vec::with_capacity(received.len());
        for (item, name) in received.into_iter().zip(steps.results()) {
            let header = item.header;
            let shape = header.array_shape(1);
            let mut array = new_array(py, name, steps.job(), &header, shape)?;
            array.fill(&item.bytes)?;
            let array = array.finish();
            let value = if header.shape == [1] { array.get_item(0)? } else { array };
            let has_execution_errors = header.has_execution_errors;
            items.push(PyLoopItem { value: value.unbind(), has_execution_errors });
        }
        Ok(items)
    }
}
