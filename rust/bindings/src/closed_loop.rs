//! Closed loops: a step is one call.

use std::sync::Arc;

use pulsewire_client::{ClosedLoop, Entry, Timeout};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::convert::new_array;
use crate::input_stream::Input;
use crate::lifetime::{ProcessBound, block_on};
use crate::{array, errors};

/// The next item of a result, as a scalar or an array.
#[pyclass(name = "LoopItem", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyLoopItem {
    value: Py<PyAny>,
    has_execution_errors: bool,
}

/// The items of each result as one array, whether the job met runtime errors, and what stopped the steps.
type Answered = (Vec<Option<Py<PyAny>>>, bool, Option<PyErr>);

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
            let what = "a step of the closed loop takes a value";
            return Err(self.wrong_number(py, what, values.len()));
        }
        let mut entries = Vec::with_capacity(self.inputs.len());
        for (input, value) in self.inputs.iter().zip(values.iter()) {
            entries.push(input.entry(input.stream(py)?.get()?, &value)?);
        }
        self.items(py, Some(entries), timeout)
    }

    /// Makes a step of each entry of some batches, one for each input. Gives the items of each result as one array
    /// (`None` where there are none), and what stopped it.
    fn exchange_many(
        &self,
        py: Python<'_>,
        batches: &Bound<'_, PyTuple>,
        ahead: usize,
        timeout: f64,
    ) -> PyResult<Answered> {
        if batches.len() != self.inputs.len() {
            return Err(self.wrong_number(py, "the closed loop takes a batch", batches.len()));
        }
        let mut columns = Vec::with_capacity(self.inputs.len());
        for (input, batch) in self.inputs.iter().zip(batches.iter()) {
            let (stream, batch) = (input.stream(py)?, array::entries(input.name(), &batch)?);
            let stream = stream.get()?;
            let entries = batch.values().into_iter().map(|values| stream.entry(values));
            let entries = entries.collect::<Result<Vec<_>, _>>();
            columns.push(entries.map_err(|error| errors::to_python(py, error))?.into_iter());
        }
        let count = columns.first().map_or(0, ExactSizeIterator::len);
        if let Some(other) = columns.iter().find(|column| column.len() != count) {
            let text = format!(
                "a step of the closed loop takes one entry of each batch: one has {count}, another {}",
                other.len()
            );
            return Err(errors::refused_value(py, text));
        }
        let steps = (0..count).map(|_| columns.iter_mut().filter_map(Iterator::next).collect());
        let (steps, mut answers) = (steps.collect(), Vec::with_capacity(count));
        let loops = self.steps()?;
        let timeout = Timeout::from_seconds(timeout);
        let made = block_on(py, loops.exchange_many(steps, ahead, timeout, &mut answers));
        let errors = answers.iter().flatten().any(|item| item.header.has_execution_errors);
        let mut arrays = Vec::new();
        for (at, name) in loops.results().enumerate() {
            let items: Vec<_> = answers.iter().filter_map(|items| items.get(at)).collect();
            let Some(last) = items.last() else {
                arrays.push(None);
                continue;
            };
            let shape = last.header.rows_shape(items.len() as u64);
            let bytes: Vec<u8> = items.iter().flat_map(|item| &item.bytes).copied().collect();
            let mut array = new_array(py, name, loops.job(), &last.header, shape)?;
            array.fill(&bytes)?;
            arrays.push(Some(array.finish().unbind()));
        }
        Ok((arrays, errors, made.err()))
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
    fn wrong_number(&self, py: Python<'_>, what: &str, given: usize) -> PyErr {
        let names: Vec<_> = self.inputs.iter().map(|input| input.name()).collect();
        let text = format!("{what} for each of {}, not {given}", names.join(", "));
        errors::refused_value(py, text)
    }

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
