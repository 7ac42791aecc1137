//! Connected clients.

use std::sync::Arc;
use std::time::Duration;

use pulsewire_client::{
    Configuration, ConnectOptions, Error, Program, Timeout, TlsOptions, quantize,
};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::connection::{Connection, Link};
use crate::convert::bound;
use crate::job::PyJob;
use crate::lifetime::block_on;
use crate::machine::PyMachine;
use crate::simulation::{self, PySamplePort, PySimulation, SimulationRequest};
use crate::{array, errors};

/// The longest that every system takes.
const KEEPALIVE_MOST: f64 = 32_767.0;

/// How to connect, as the attributes of an object of Python.
#[derive(FromPyObject)]
pub(crate) struct ConnectionOptions {
    host: String,
    port: u16,
    cluster_name: Option<String>,
    timeout: f64,
    token: Option<String>,
    headers: Vec<(String, String)>,
    tls: Option<TlsMaterial>,
    follow_redirects: bool,
    in_order: Option<bool>,
    keepalive: Option<f64>,
}

/// PEM texts, and the name that the certificate is for.
#[derive(FromPyObject)]
struct TlsMaterial {
    ca_certificate: Option<String>,
    identity: Option<(String, String)>,
    domain: Option<String>,
}

impl ConnectionOptions {
    fn into_client(self, py: Python<'_>) -> PyResult<ConnectOptions> {
        let mut options = ConnectOptions::new(self.host, self.port);
        options.cluster_name = self.cluster_name;
        options.timeout = Timeout::from_seconds(self.timeout).duration();
        if options.timeout < Duration::from_millis(1) {
            let text =
                format!("connect: a timeout of {} s leaves no time for any call", self.timeout);
            return Err(errors::to_python(py, Error::Value(text)));
        }
        options.token = self.token;
        options.headers = self.headers;
        options.tls = self.tls.map(|tls| TlsOptions {
            ca_certificate: tls.ca_certificate,
            identity: tls.identity,
            domain: tls.domain,
        });
        options.follow_redirects = self.follow_redirects;
        options.in_order = self.in_order;
        options.keepalive = match self.keepalive {
            None => None,
            Some(seconds) if (1.0..=KEEPALIVE_MOST).contains(&seconds) => {
                Some(Duration::from_secs_f64(seconds))
            }
            Some(seconds) => {
                let text = format!(
                    "connect: a keepalive of {seconds} s cannot be: give 1 to {KEEPALIVE_MOST}, or None for none"
                );
                return Err(errors::to_python(py, Error::Value(text)));
            }
        };
        Ok(options)
    }
}

#[pyfunction]
pub(crate) fn connect(py: Python<'_>, options: ConnectionOptions) -> PyResult<PyLink> {
    Ok(PyLink(Link::open(py, options.into_client(py)?)?))
}

/// A gateway that this process is connected to.
#[pyclass(name = "Link", module = "pulsewire._native", frozen)]
pub(crate) struct PyLink(Arc<Link>);

#[pymethods]
impl PyLink {
    /// One more client of it; the last one that is closed shuts the link.
    fn client(&self, py: Python<'_>) -> PyResult<PyClient> {
        Ok(PyClient { connection: Arc::new(self.0.hold(py)?) })
    }
}

/// A machine that was opened.
#[pyclass(name = "OpenedMachine", module = "pulsewire._native", frozen, get_all)]
pub(crate) struct PyOpenedMachine {
    id: String,
    warnings: Py<PyList>,
}

/// A connected client.
#[pyclass(name = "Client", module = "pulsewire._native", frozen)]
pub(crate) struct PyClient {
    connection: Arc<Connection>,
}

#[pymethods]
impl PyClient {
    #[getter]
    fn address(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.connection.client(py)?.address().to_owned())
    }

    #[getter]
    fn version(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.connection.client(py)?.version().to_owned())
    }

    #[getter]
    fn capabilities(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.connection.client(py)?.capabilities().to_vec())
    }

    fn close(&self) {
        self.connection.close();
    }

    /// Asks the gateway anew who it is and how it is; false when it is another one.
    fn check(&self, py: Python<'_>) -> PyResult<bool> {
        let client = self.connection.client(py)?;
        block_on(py, client.check())
    }

    fn open_qm(
        &self,
        py: Python<'_>,
        config: &[u8],
        close_others: bool,
    ) -> PyResult<PyOpenedMachine> {
        let config = Configuration::from_bytes(config.to_vec());
        let client = self.connection.client(py)?;
        let opened = block_on(py, client.open_machine(&config, close_others))?;
        let warnings = PyList::new(py, opened.warnings)?.unbind();
        Ok(PyOpenedMachine { id: opened.machine, warnings })
    }

    fn list_open_qms(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let client = self.connection.client(py)?;
        block_on(py, client.list_machines())
    }

    fn machine(&self, id: String) -> PyMachine {
        PyMachine::new(Arc::clone(&self.connection), id)
    }

    fn job(&self, id: String, machine: String) -> PyJob {
        PyJob::new(Arc::clone(&self.connection), id, machine)
    }

    fn simulate(
        &self,
        py: Python<'_>,
        config: &[u8],
        program: &[u8],
        request: SimulationRequest,
    ) -> PyResult<PySimulation> {
        let config = Configuration::from_bytes(config.to_vec());
        let program = Program::from_bytes(program.to_vec());
        simulation::simulate(py, &self.connection.client(py)?, &config, &program, request)
    }

    #[pyo3(signature = (job, analog, digital, timeout=None))]
    fn pull_samples(
        &self,
        py: Python<'_>,
        job: &str,
        analog: bool,
        digital: bool,
        timeout: Option<f64>,
    ) -> PyResult<Vec<PySamplePort>> {
        let client = self.connection.bulk(py, None)?;
        simulation::samples(py, &client, job, (analog, digital), bound(timeout))
    }
}

/// Corrections as the hardware holds them.
#[pyfunction]
pub(crate) fn quantize_correction<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let (rows, shape) = array::matrices(value)?;
    let mut out = Vec::with_capacity(rows.len() * 4);
    for (index, row) in rows.into_iter().enumerate() {
        let held = quantize(row).map_err(|error| {
            let what =
                if shape.len() == 1 { "the matrix".to_owned() } else { format!("row {index}") };
            errors::refused_value(py, format!("the correction of {what}: {error}"))
        })?;
        out.extend(held);
    }
    array::doubles(py, &out, &shape)
}
