//! Closed loops: a step is one call.

use std::sync::Arc;

use pulsewire_client::{ClosedLoop, Timeout};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::blocking::block_on;
use crate::errors;
use crate::input_stream::Input;
use crate::results::allocate;
use crate::runtime::OfProcess;

/// The steps of a closed loop over some input streams and results of a job.
#[pyclass(name = "ClosedLoop", module = "pulsewire._native", frozen)]
pub(crate) struct PyClosedLoop {
    inputs: Vec<Arc<Input>>,
    steps: OfProcess<ClosedLoop>,
}

impl PyClosedLoop {
    pub(crate) fn new(inputs: Vec<Arc<Input>>, steps: ClosedLoop) -> Self {
        Self { inputs, steps: OfProcess::new(steps) }
    }

    fn steps(&self) -> PyResult<&ClosedLoop> {
        self.steps.own(|| "the closed loop".to_owned())
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
            entries.push(input.entry(input.stream(py)?.get()?, &value)?);
        }
        self.answers(py, Some(entries), timeout)
    }

    /// Waits for the next item of each result.
    fn receive<'py>(
        &self,
        py: Python<'py>,
        timeout: f64,
    ) -> PyResult<Vec<(Bound<'py, PyAny>, bool)>> {
        self.answers(py, None, timeout)
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
    fn answers<'py>(
        &self,
        py: Python<'py>,
        entries: Option<Vec<pulsewire_client::Entry>>,
        timeout: f64,
    ) -> PyResult<Vec<(Bound<'py, PyAny>, bool)>> {
        let steps = self.steps()?;
        let answers = block_on(py, async {
            let timeout = Timeout::from_seconds(timeout);
            match entries {
                Some(entries) => steps.exchange(entries, timeout).await,
                None => steps.receive(timeout).await,
            }
        })?;
        let results: Vec<String> = steps.results().map(str::to_owned).collect();
        let job = steps.job().to_owned();
        let mut items = Vec::with_capacity(answers.len());
        for (answer, name) in answers.into_iter().zip(&results) {
            let scalar = answer.header.shape == [1];
            let mut array = allocate(py, name, &job, &answer.header, 1)?;
            array.fill(&answer.bytes)?;
            let array = array.finish();
            let item = if scalar { array.get_item(0)? } else { array };
            items.push((item, answer.header.has_execution_errors));
        }
        Ok(items)
    }
}
