//! The extension module `pulsewire._native`: module registration only.
#![allow(missing_docs)]

mod array;
mod client;
mod closed_loop;
mod connection;
mod convert;
mod emulator;
mod errors;
mod input_stream;
mod job;
mod lifetime;
mod logging;
mod machine;
mod results;
mod simulation;

use pyo3::prelude::*;

/// Received frames come and go by the hundred: glibc's gives each back to the system, and gets it anew page by page
/// (benches/README.md, "Allocators").
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::client::{PyClient, PyLink, PyOpenedMachine, connect, quantize_correction};
    #[pymodule_export]
    use super::closed_loop::{PyClosedLoop, PyLoopItem};
    #[pymodule_export]
    use super::convert::PyMessage;
    #[pymodule_export]
    use super::emulator::PyEmulator;
    #[pymodule_export]
    use super::input_stream::PyWriter;
    #[pymodule_export]
    use super::job::{PyExecutionError, PyJob, PyJobStatus};
    #[pymodule_export]
    use super::lifetime::{_after_fork, _shut_down};
    #[pymodule_export]
    use super::machine::{
        PyDigitalInputSettings, PyDigitalInputTiming, PyElementSettings, PyIoValues, PyMachine,
        PyMachineSettings, PyTakenProgram,
    };
    #[pymodule_export]
    use super::results::{
        PyFetchPlan, PyFetchedItems, PyResultCount, PyResultState, PyResults, PySchema,
    };
    #[pymodule_export]
    use super::simulation::{PySamplePort, PySimulation, PyStructure};

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::logging::install();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("DEBUG_BUILD", cfg!(debug_assertions))
    }
}
