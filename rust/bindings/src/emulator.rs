//! The emulator inside this process, on its own threads.

use std::collections::HashMap;
use std::net::SocketAddr;

use pulsewire_emulator::{
    ArgumentError, Builder, Command, Emulator, Limits, Models, Msb, Qubit, Readout, Timing, usage,
};
use pyo3::exceptions::{PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::errors;
use crate::lifetime::ProcessBound;

/// A running emulator.
#[pyclass(name = "Emulator", module = "pulsewire._native", frozen)]
pub(crate) struct PyEmulator {
    /// Its threads do not exist in the child of a fork.
    emulator: ProcessBound<Emulator>,
    address: SocketAddr,
}

fn limits(given: HashMap<String, usize>) -> PyResult<Limits> {
    let mut limits = Limits::default();
    for (name, value) in given {
        let unknown = || PyTypeError::new_err(format!("the emulator has no limit '{name}'"));
        *limits.by_name(&name).ok_or_else(unknown)? = value;
    }
    Ok(limits)
}

/// The model of a readout element, as Python gives it.
#[derive(FromPyObject)]
pub(crate) struct GivenReadout {
    #[pyo3(item)]
    ground: [f64; 2],
    #[pyo3(item)]
    excited: [f64; 2],
    #[pyo3(item)]
    noise: f64,
    #[pyo3(item)]
    frequency: Option<f64>,
    #[pyo3(item)]
    linewidth: f64,
    #[pyo3(item)]
    shift: f64,
    #[pyo3(item)]
    photons: [f64; 2],
    #[pyo3(item)]
    qubit: Option<GivenQubit>,
}

/// The model of a qubit, as Python gives it; times in nanoseconds.
#[derive(FromPyObject)]
pub(crate) struct GivenQubit {
    #[pyo3(item)]
    element: String,
    #[pyo3(item)]
    pi: String,
    #[pyo3(item)]
    frequency: Option<f64>,
    #[pyo3(item)]
    t1: f64,
    #[pyo3(item)]
    t2: f64,
    #[pyo3(item)]
    t2_star: f64,
}

impl From<GivenReadout> for Readout {
    fn from(given: GivenReadout) -> Self {
        Self {
            ground: given.ground,
            excited: given.excited,
            noise: given.noise,
            frequency: given.frequency,
            linewidth: given.linewidth,
            shift: given.shift,
            photons: given.photons,
            qubit: given.qubit.map(|qubit| Qubit {
                element: qubit.element,
                pi: qubit.pi,
                frequency: qubit.frequency,
                t1: qubit.t1,
                t2: qubit.t2,
                t2_star: qubit.t2_star,
            }),
        }
    }
}

/// What a command line starts.
#[derive(IntoPyObject)]
pub(crate) enum Started {
    Emulator(Py<PyEmulator>),
    Help(String),
}

impl PyEmulator {
    fn run(py: Python<'_>, builder: Builder, address: &str) -> PyResult<Self> {
        let emulator = py.detach(|| builder.start()).map_err(|error| {
            PyOSError::new_err(format!("the emulator cannot listen on {address}: {error}"))
        })?;
        let address = emulator.address();
        Ok(Self { emulator: ProcessBound::new(emulator), address })
    }
}

#[pymethods]
impl PyEmulator {
    #[new]
    #[pyo3(signature = (host, port, realtime, limits=None, readout=None, seed=0, timing="qop-2.4", msb="manual"))]
    #[expect(clippy::too_many_arguments, reason = "the options of an emulator")]
    fn start(
        py: Python<'_>,
        host: String,
        port: u16,
        realtime: bool,
        limits: Option<HashMap<String, usize>>,
        readout: Option<HashMap<String, GivenReadout>>,
        seed: u64,
        timing: &str,
        msb: &str,
    ) -> PyResult<Self> {
        let wrong = |what: &str, given: &str, known: &[&str]| {
            let known = known.join("', '");
            PyValueError::new_err(format!(
                "the emulator's {what} is one of '{known}', not '{given}'"
            ))
        };
        let timing =
            Timing::named(timing).ok_or_else(|| wrong("timing", timing, &Timing::NAMES))?;
        let msb = Msb::named(msb).ok_or_else(|| wrong("msb", msb, &Msb::NAMES))?;
        let limits = self::limits(limits.unwrap_or_default())?;
        let readouts = readout.unwrap_or_default().into_iter();
        let readouts = readouts.map(|(name, given)| (name, given.into())).collect();
        let models = Models { readouts, seed };
        models.check().map_err(|error| errors::refused_value(py, error.to_string()))?;
        let builder = Emulator::builder()
            .host(&*host)
            .port(port)
            .realtime(realtime)
            .timing(timing)
            .msb(msb)
            .limits(limits)
            .readout(models);
        Self::run(py, builder, &format!("{host}:{port}"))
    }

    /// The emulator of a command line; its help, where that was asked for.
    #[staticmethod]
    fn of_arguments(py: Python<'_>, program: &str, arguments: Vec<String>) -> PyResult<Started> {
        match Command::parse(arguments) {
            Ok(Command::Help) => Ok(Started::Help(usage(program))),
            Ok(Command::Run(builder)) => {
                let emulator = Self::run(py, *builder, "the address")?;
                Ok(Started::Emulator(Py::new(py, emulator)?))
            }
            Err(error @ ArgumentError::Usage(_)) => {
                let told = format!("{program}: {error}\n\n{}", usage(program));
                Err(PyValueError::new_err(told))
            }
            Err(error @ ArgumentError::Model { .. }) => {
                Err(PyOSError::new_err(format!("{program}: {error}")))
            }
        }
    }

    #[getter]
    fn host(&self) -> String {
        self.address.ip().to_string()
    }

    #[getter]
    fn port(&self) -> u16 {
        self.address.port()
    }

    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(emulator) = self.emulator.get() {
            py.detach(|| emulator.stop());
            crate::logging::tell(py)?;
        }
        Ok(())
    }
}
