//! The extension module `pulsewire._native`: module registration only.
#![allow(missing_docs)]

mod array;
mod blocking;
mod client;
mod closed_loop;
mod emulator;
mod errors;
mod input_stream;
mod job;
mod logging;
mod results;
mod runtime;
mod simulation;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::client::{PyClient, connect, descriptor_set, quantize_correction};
    #[pymodule_export]
    use super::closed_loop::PyClosedLoop;
    #[pymodule_export]
    use super::emulator::PyEmulator;
    #[pymodule_export]
    use super::input_stream::PyWriter;
    #[pymodule_export]
    use super::job::PyJob;
    #[pymodule_export]
    use super::results::PyResults;
    #[pymodule_export]
    use super::runtime::{_after_fork, _shut_down};
    #[pymodule_export]
    use super::simulation::PyStructure;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::logging::install();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("DEBUG_BUILD", cfg!(debug_assertions))
    }
}
