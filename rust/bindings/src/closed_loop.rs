//! Closed loops: a step is one call.

use std::sync::Arc;

use pulsewire_client::{ClosedLoop, Timeout};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::sync::Mutex;

use crate::blocking::block_on;
use crate::errors;
use crate::input_stream::Input;
use crate::results::allocate;
use crate::runtime;

/// The steps of a closed loop over some input streams and results of a job.
#[pyclass(name = "ClosedLoop", module = "pulsewire._native", frozen)]
pub(crate) struct PyClosedLoop {
    generation: u64,
    inputs: Vec<Arc<Input>>,
    /// One step at a time.
    steps: Mutex<ClosedLoop>,
}

impl PyClosedLoop {
    pub(crate) fn new(inputs: Vec<Arc<Input>>, steps: ClosedLoop) -> Self {
        let generation = runtime::generation();
        Self { generation, inputs, steps: Mutex::new(steps) }
    }

    fn check(&self) -> PyResult<()> {
        if self.generation == runtime::generation() {
            return Ok(());
        }
        Err(pyo3::exceptions::PyRuntimeError::new_err(
            "the closed loop belongs to the process that made it, not to its fork; make a new one",
        ))
    }
}

#[pymethods]
impl PyClosedLoop {
    /// Pushes a value to each input, then waits for the next item of each result; (item, whether
    /// the job met runtime errors) of each.
    fn exchange<'py>(
        &self,
        py: Python<'py>,
        values: &Bound<'py, PyTuple>,
        timeout: f64,
    ) -> PyResult<Vec<(Bound<'py, PyAny>, bool)>> {
        self.check()?;
        if values.len() != self.inputs.len() {
            let names: Vec<_> = self.inputs.iter().map(|input| input.name()).collect();
            let text = format!(
                "a step of the closed loop takes a value for each of {}, not {}",
                names.join(", "),
                values.len()
            );
            return Err(errors::to_python(py, pulsewire_client::Error::Value(text)));
        }
        let mut entries = Vec::with_capacity(self.inputs.len());
        for (input, value) in self.inputs.iter().zip(values.iter()) {
            entries.push(input.entry(&*input.stream(py)?, &value)?);
        }
        self.answers(py, Some(entries), timeout)
    }

    /// Waits for the next item of each result.
    fn receive<'py>(
        &self,
        py: Python<'py>,
        timeout: f64,
    ) -> PyResult<Vec<(Bound<'py, PyAny>, bool)>> {
        self.check()?;
        self.answers(py, None, timeout)
    }

    fn skip(&self, py: Python<'_>) -> PyResult<()> {
        self.check()?;
        block_on(py, async { self.steps.lock().await.skip().await })
    }

    fn positions(&self, py: Python<'_>) -> PyResult<Vec<u64>> {
        self.check()?;
        block_on(py, async { Ok(self.steps.lock().await.positions()) })
    }
}

impl PyClosedLoop {
    fn answers<'py>(
        &self,
        py: Python<'py>,
        entries: Option<Vec<pulsewire_client::Entry>>,
        timeout: f64,
    ) -> PyResult<Vec<(Bound<'py, PyAny>, bool)>> {
        let answers = block_on(py, async {
            let mut steps = self.steps.lock().await;
            if let Some(entries) = entries {
                steps.push(entries).await?;
            }
            steps.receive(Timeout::from_seconds(timeout)).await
        })?;
        let mut items = Vec::with_capacity(answers.len());
        for answer in answers {
            let scalar = answer.header.shape == [1];
            let mut array = allocate(py, &answer.header, 1)?;
            array.fill(&answer.bytes)?;
            let array = array.finish();
            let item = if scalar { array.get_item(0)? } else { array };
            items.push((item, answer.header.has_execution_errors));
        }
        Ok(items)
    }
}
