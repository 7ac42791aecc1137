//! Connections, machines and queues.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prost::Message;
use pulsewire_client::{
    Client, CompilerMessage, ConnectOptions, Error, Level, PendingQuery, Timeout, TlsOptions,
    quantize,
};
use pulsewire_wire::qua::QuaProgram;
use pulsewire_wire::qua_config::QuaConfig;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::blocking::{block_on, block_on_lane};
use crate::job::PyJob;
use crate::runtime::Lane;
use crate::simulation::Surroundings;
use crate::{array, errors, runtime, simulation};

/// A connection that survives a fork: the child gets one of its own on first use.
#[derive(Debug)]
pub(crate) struct Connection {
    options: ConnectOptions,
    /// Locked only while attached, never across a wait: see [`runtime`].
    current: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Open { generation: u64, client: Client, bulk: Option<Client>, background: Option<Client> },
    Closed,
}

impl State {
    fn open(generation: u64, client: Client) -> Self {
        Self::Open { generation, client, bulk: None, background: None }
    }
}

impl State {
    /// Does something with the connections of this process; those of its parent are left alone.
    fn end(self, with: impl Fn(&Client)) {
        let Self::Open { generation, client, bulk, background } = self else { return };
        if generation != runtime::generation() {
            std::mem::forget((client, bulk, background));
            return;
        }
        [Some(client), bulk, background].iter().flatten().for_each(with);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        std::mem::replace(&mut *self.lock(), State::Closed).end(|_| {});
    }
}

fn closed(py: Python<'_>) -> PyErr {
    let error = Error::Connection {
        action: "use a closed client".to_owned(),
        reason: "the client was closed; connect() again".to_owned(),
        status: "CLOSED",
    };
    errors::to_python(py, error)
}

impl Connection {
    fn open(py: Python<'_>, options: ConnectOptions) -> PyResult<Self> {
        let generation = runtime::generation();
        let client = block_on(py, Client::connect(options.clone()))?;
        Ok(Self { options, current: Mutex::new(State::open(generation, client)) })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client of this process.
    pub(crate) fn client(&self, py: Python<'_>) -> PyResult<Client> {
        let now = runtime::generation();
        let is_closed = match &*self.lock() {
            State::Open { generation, client, .. } if *generation == now => {
                return Ok(client.clone());
            }
            State::Open { .. } => false,
            State::Closed => true,
        };
        // Not under the lock, as Python runs to make the exception.
        if is_closed {
            return Err(closed(py));
        }
        let opened = block_on(py, Client::connect(self.options.clone()))?;
        let found = {
            let mut current = self.lock();
            match &*current {
                State::Closed => None,
                // Another thread was faster.
                State::Open { generation, client, .. } if *generation == now => {
                    Some(client.clone())
                }
                State::Open { .. } => {
                    let ours = State::open(now, opened.clone());
                    // Its tasks belong to the parent's runtime, whose threads do not exist here.
                    std::mem::forget(std::mem::replace(&mut *current, ours));
                    return Ok(opened);
                }
            }
        };
        opened.close();
        found.ok_or_else(|| closed(py))
    }

    /// Keeps a connection that was made for a lane, unless another thread was faster or the client was
    /// closed meanwhile: gives the one that counts.
    fn kept(
        &self,
        py: Python<'_>,
        opened: Client,
        lane: impl Fn(&mut State) -> Option<&mut Option<Client>>,
    ) -> PyResult<Client> {
        let found = {
            let mut current = self.lock();
            match lane(&mut current) {
                None => None,
                Some(place) => match place {
                    Some(first) => Some(first.clone()),
                    None => {
                        *place = Some(opened.clone());
                        return Ok(opened);
                    }
                },
            }
        };
        opened.close();
        found.ok_or_else(|| closed(py))
    }

    /// The client of this process for large results, on [`Lane::Bulk`]; connects within `timeout`.
    pub(crate) fn bulk(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<Client> {
        let client = self.client(py)?;
        if let State::Open { bulk: Some(bulk), .. } = &*self.lock() {
            return Ok(bulk.clone());
        }
        let timeout = timeout.unwrap_or(self.options.timeout);
        let opened = block_on_lane(py, Lane::Bulk, async {
            tokio::time::timeout(timeout, client.sibling()).await.unwrap_or_else(|_| {
                let action = "open a second connection for a large result".to_owned();
                Err(Error::Timeout { action, timeout })
            })
        })?;
        self.kept(py, opened, |state| match state {
            State::Open { bulk, .. } => Some(bulk),
            State::Closed => None,
        })
    }

    /// The client of this process for what is sent in the background, and where it is driven.
    pub(crate) fn background(&self, py: Python<'_>) -> PyResult<(Client, Handle)> {
        let client = self.client(py)?;
        let handle = runtime::current(py)?.background()?.clone();
        if let State::Open { background: Some(background), .. } = &*self.lock() {
            return Ok((background.clone(), handle));
        }
        let (send, opened) = oneshot::channel();
        handle.spawn(async move {
            // Nobody hears it who was interrupted.
            let _ = send.send(client.sibling().await);
        });
        let opened = block_on(py, async move {
            opened.await.unwrap_or_else(|_| {
                Err(Error::Value("the thread of pulsewire's writers has ended".to_owned()))
            })
        })?;
        let kept = self.kept(py, opened, |state| match state {
            State::Open { background, .. } => Some(background),
            State::Closed => None,
        })?;
        Ok((kept, handle))
    }
}

/// A connected client.
#[pyclass(name = "Client", module = "pulsewire._native", frozen)]
pub(crate) struct PyClient {
    connection: Arc<Connection>,
}

/// TLS as given by Python: CA, certificate and key (PEM texts), domain.
type Tls = (Option<String>, Option<(String, String)>, Option<String>);

#[pyfunction]
#[pyo3(signature = (host, port, *, cluster_name, timeout, token, headers, tls, follow_redirects))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn connect(
    py: Python<'_>,
    host: String,
    port: u16,
    cluster_name: Option<String>,
    timeout: f64,
    token: Option<String>,
    headers: Vec<(String, String)>,
    tls: Option<Tls>,
    follow_redirects: bool,
) -> PyResult<PyClient> {
    let mut options = ConnectOptions::new(host, port);
    options.cluster_name = cluster_name;
    options.timeout = Timeout::from_seconds(timeout).duration();
    if options.timeout < Duration::from_millis(1) {
        let text = format!("connect: a timeout of {timeout} s leaves no time for any call");
        return Err(errors::to_python(py, Error::Value(text)));
    }
    options.token = token;
    options.headers = headers;
    options.tls = tls.map(|(ca_certificate, identity, domain)| TlsOptions {
        ca_certificate,
        identity,
        domain,
    });
    options.follow_redirects = follow_redirects;
    Ok(PyClient { connection: Arc::new(Connection::open(py, options)?) })
}

fn decode<M: Message + Default>(py: Python<'_>, what: &str, bytes: &[u8]) -> PyResult<M> {
    M::decode(bytes).map_err(|error| {
        errors::to_python(py, Error::Value(format!("these bytes are no {what}: {error}")))
    })
}

/// Messages of the compiler as (level, text), the level one of "error", "warning", "info".
pub(crate) fn messages(given: Vec<CompilerMessage>) -> Vec<(&'static str, String)> {
    let level = |level| match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
    };
    given.into_iter().map(|message| (level(message.level), message.text)).collect()
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
        let before = std::mem::replace(&mut *self.connection.lock(), State::Closed);
        before.end(|client| client.close());
    }

    fn open_qm(
        &self,
        py: Python<'_>,
        config: &[u8],
        close_others: bool,
    ) -> PyResult<(String, Vec<String>)> {
        let config: QuaConfig = decode(py, "configuration", config)?;
        let client = self.connection.client(py)?;
        block_on(py, client.open_machine(config, close_others))
    }

    fn close_qm(&self, py: Python<'_>, machine: &str) -> PyResult<()> {
        let client = self.connection.client(py)?;
        block_on(py, client.close_machine(machine))
    }

    fn list_open_qms(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let client = self.connection.client(py)?;
        block_on(py, client.list_machines())
    }

    fn compile(
        &self,
        py: Python<'_>,
        machine: &str,
        program: &[u8],
    ) -> PyResult<(String, Vec<(&'static str, String)>)> {
        let program: QuaProgram = decode(py, "QUA program", program)?;
        let client = self.connection.client(py)?;
        let (id, said) = block_on(py, client.compile(machine, program))?;
        Ok((id, messages(said)))
    }

    fn add_to_queue(
        &self,
        py: Python<'_>,
        machine: &str,
        program: &[u8],
        to_start: bool,
    ) -> PyResult<(String, Vec<(&'static str, String)>)> {
        let program: QuaProgram = decode(py, "QUA program", program)?;
        let client = self.connection.client(py)?;
        let (job, said) = block_on(py, client.add_to_queue(machine, program, to_start))?;
        Ok((job.id().to_owned(), messages(said)))
    }

    fn add_compiled(
        &self,
        py: Python<'_>,
        machine: &str,
        program_id: &str,
        overrides: Vec<(String, Vec<f64>)>,
    ) -> PyResult<String> {
        let client = self.connection.client(py)?;
        let job = block_on(py, client.add_compiled(machine, program_id, overrides))?;
        Ok(job.id().to_owned())
    }

    fn execute(
        &self,
        py: Python<'_>,
        machine: &str,
        program: &[u8],
        timeout: f64,
    ) -> PyResult<(String, Vec<(&'static str, String)>)> {
        let program: QuaProgram = decode(py, "QUA program", program)?;
        let client = self.connection.client(py)?;
        let timeout = Timeout::from_seconds(timeout);
        let (job, said) = block_on(py, client.execute(machine, program, timeout))?;
        Ok((job.id().to_owned(), messages(said)))
    }

    fn simulate(
        &self,
        py: Python<'_>,
        config: &[u8],
        program: &[u8],
        surroundings: Surroundings,
    ) -> PyResult<simulation::Answer> {
        let config: QuaConfig = decode(py, "configuration", config)?;
        let program: QuaProgram = decode(py, "QUA program", program)?;
        let client = self.connection.client(py)?;
        simulation::simulate(py, &client, config, program, surroundings)
    }

    fn pull_samples<'py>(
        &self,
        py: Python<'py>,
        job: &str,
        analog: bool,
        digital: bool,
    ) -> PyResult<Vec<simulation::Port<'py>>> {
        let client = self.connection.bulk(py, None)?;
        simulation::samples(py, &client, job, analog, digital)
    }

    fn running_job(&self, py: Python<'_>, machine: &str) -> PyResult<Option<String>> {
        let client = self.connection.client(py)?;
        let job = block_on(py, client.running_job(machine))?;
        Ok(job.map(|job| job.id().to_owned()))
    }

    #[pyo3(signature = (machine, job_id=None, user_id=None, position=None))]
    fn pending_jobs(
        &self,
        py: Python<'_>,
        machine: &str,
        job_id: Option<String>,
        user_id: Option<String>,
        position: Option<u32>,
    ) -> PyResult<Vec<String>> {
        let client = self.connection.client(py)?;
        block_on(py, client.pending_jobs(machine, PendingQuery { job_id, user_id, position }))
    }

    fn queued_jobs(&self, py: Python<'_>, machine: &str) -> PyResult<Vec<String>> {
        let client = self.connection.client(py)?;
        block_on(py, client.queued_jobs(machine))
    }

    #[pyo3(signature = (machine, job_id=None, user_id=None, position=None))]
    fn remove_pending(
        &self,
        py: Python<'_>,
        machine: &str,
        job_id: Option<String>,
        user_id: Option<String>,
        position: Option<u32>,
    ) -> PyResult<i32> {
        let client = self.connection.client(py)?;
        block_on(py, client.remove_pending(machine, PendingQuery { job_id, user_id, position }))
    }

    fn job(&self, job_id: String, machine: String) -> PyJob {
        PyJob::new(Arc::clone(&self.connection), job_id, machine)
    }
}

/// Corrections as the hardware holds them.
#[pyfunction]
pub(crate) fn quantize_correction<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let (rows, shape) = array::matrices(value)?;
    let mut out = Vec::with_capacity(rows.len() * 4);
    for (index, row) in rows.into_iter().enumerate() {
        let what = if shape.len() == 1 { "the matrix".to_owned() } else { format!("row {index}") };
        out.extend(quantize(&what, row).map_err(|error| errors::to_python(py, error))?);
    }
    array::doubles(py, &out, &shape)
}

/// The descriptors of the wire interface, for the test that compares them with the vendor's.
#[pyfunction]
#[pyo3(name = "_descriptor_set")]
pub(crate) fn descriptor_set(py: Python<'_>) -> Bound<'_, PyBytes> {
    PyBytes::new(py, pulsewire_wire::FILE_DESCRIPTOR_SET)
}
