//! The emulator inside this process, on its own threads.

use std::collections::HashMap;
use std::mem::ManuallyDrop;

use pulsewire_emulator::{Emulator, Limits};
use pyo3::exceptions::{PyOSError, PyTypeError};
use pyo3::prelude::*;

use crate::runtime;

/// A running emulator.
#[pyclass(name = "Emulator", module = "pulsewire._native", frozen)]
pub(crate) struct PyEmulator {
    /// Dropped only in the process whose threads it has.
    emulator: ManuallyDrop<Emulator>,
    generation: u64,
}

impl Drop for PyEmulator {
    fn drop(&mut self) {
        if self.is_here() {
            self.emulator.stop();
        }
    }
}

impl PyEmulator {
    /// Whether its threads exist in this process, or were left behind by a fork.
    fn is_here(&self) -> bool {
        self.generation == runtime::generation()
    }
}

fn limits(given: HashMap<String, usize>) -> PyResult<Limits> {
    let mut limits = Limits::default();
    for (name, value) in given {
        let field = match name.as_str() {
            "clients" => &mut limits.clients,
            "message_bytes" => &mut limits.message_bytes,
            "machines" => &mut limits.machines,
            "pending_jobs" => &mut limits.pending_jobs,
            "ended_jobs" => &mut limits.ended_jobs,
            "compiled_programs" => &mut limits.compiled_programs,
            "program_memory" => &mut limits.program_memory,
            "result_bytes" => &mut limits.result_bytes,
            "buffered_values" => &mut limits.buffered_values,
            "input_bytes" => &mut limits.input_bytes,
            _ => {
                return Err(PyTypeError::new_err(format!("the emulator has no limit '{name}'")));
            }
        };
        *field = value;
    }
    Ok(limits)
}

#[pymethods]
impl PyEmulator {
    #[new]
    #[pyo3(signature = (host, port, realtime, limits=None))]
    fn start(
        py: Python<'_>,
        host: String,
        port: u16,
        realtime: bool,
        limits: Option<HashMap<String, usize>>,
    ) -> PyResult<Self> {
        let limits = self::limits(limits.unwrap_or_default())?;
        let builder = Emulator::builder().host(&*host).port(port).realtime(realtime).limits(limits);
        let emulator = py.detach(|| builder.start()).map_err(|error| {
            PyOSError::new_err(format!("the emulator cannot listen on {host}:{port}: {error}"))
        })?;
        Ok(Self { emulator: ManuallyDrop::new(emulator), generation: runtime::generation() })
    }

    #[getter]
    fn host(&self) -> String {
        self.emulator.address().ip().to_string()
    }

    #[getter]
    fn port(&self) -> u16 {
        self.emulator.address().port()
    }

    fn stop(&self, py: Python<'_>) {
        if self.is_here() {
            py.detach(|| self.emulator.stop());
        }
    }
}
