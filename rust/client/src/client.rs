//! A connection to a gateway: its capabilities, machines and queues.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pulsewire_wire::frontend as f;
use pulsewire_wire::frontend::frontend_client::FrontendClient;
use pulsewire_wire::general_messages::ErrorMessage;
use pulsewire_wire::info::GetInfoRequest;
use pulsewire_wire::info::info_service_client::InfoServiceClient;
use pulsewire_wire::job_manager::job_manager_service_client::JobManagerServiceClient;
use pulsewire_wire::job_manager_legacy::job_manager_service_client::JobManagerServiceClient as LegacyClient;
use pulsewire_wire::qm_manager as m;
use pulsewire_wire::qua::QuaProgram;
use pulsewire_wire::qua_config::QuaConfig;
use pulsewire_wire::results::job_results_service_client::JobResultsServiceClient;
use tonic::{Request, Response, Status};

use crate::channel;
use crate::closed_loop::Ledgers;
use crate::config::{ConnectOptions, MESSAGE_BYTES};
use crate::error::{CompilerMessage, Error, Level, Result, ValidationMessage};
use crate::job::Job;
use crate::link::{self, Link};
use crate::retry;
use crate::status::{compiler_messages, failure, joined};
use crate::wait::Timeout;

/// Gateways without it serve the JobManager under its older path (F1.10).
pub(crate) const NEW_STRUCTURE: &str = "qm.new_grpc_structure";

/// A call of the JobManager, on the path that the gateway serves.
macro_rules! call_job_manager {
    ($client:expr, $action:expr, $method:ident($request:expr)) => {
        if $client.has_capability($crate::client::NEW_STRUCTURE) {
            let mut manager = $client.job_manager();
            $client.call($action, None, manager.$method($request)).await?
        } else {
            let mut manager = $client.legacy_job_manager();
            $client.call($action, None, manager.$method($request)).await?
        }
    };
}
pub(crate) use call_job_manager;

/// A connected client; clones share the connection.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: ConnectOptions,
    address: String,
    link: Link,
    /// What became of the pushes of closed loops.
    ledgers: Arc<Ledgers>,
    version: String,
    capabilities: Vec<String>,
}

/// Which pending jobs are meant; all conditions that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PendingQuery {
    /// The job's id.
    pub job_id: Option<String>,
    /// Who added it.
    pub user_id: Option<String>,
    /// Its place in the queue, from 1.
    pub position: Option<u32>,
}

impl PendingQuery {
    fn into_params(self, machine: &str) -> f::JobQueryParams {
        let matcher = |value: String| f::QueryValueMatcher {
            value_type: Some(f::query_value_matcher::ValueType::Value(value)),
        };
        f::JobQueryParams {
            quantum_machine_id: machine.to_owned(),
            job_id: self.job_id.map(matcher),
            user_id: self.user_id.map(matcher),
            position: self.position,
        }
    }
}

impl Client {
    /// Connects: redirection, capabilities, health (F1.2).
    ///
    /// # Errors
    /// [`Error::Detection`], [`Error::Location`], [`Error::HealthCheck`] and those of any call.
    pub async fn connect(options: ConnectOptions) -> Result<Self> {
        let (timeout, address) =
            (options.timeout, channel::address_of(&options.host, options.port));
        tokio::time::timeout(timeout, Self::connect_unbounded(options)).await.unwrap_or_else(|_| {
            let reason = format!("no answer within {} s", timeout.as_secs_f64());
            Err(Error::Detection { address, reason })
        })
    }

    async fn connect_unbounded(options: ConnectOptions) -> Result<Self> {
        let headers = channel::headers(&options)?;
        let address = channel::locate(&options, &headers).await?;
        let link = channel::open(&options, &address, headers).await?;
        let mut inner = Inner {
            options,
            address,
            link,
            ledgers: Arc::default(),
            version: String::new(),
            capabilities: Vec::new(),
        };
        inner.introduce().await?;
        Ok(Self(Arc::new(inner)))
    }

    /// How it was connected.
    pub fn options(&self) -> &ConnectOptions {
        &self.0.options
    }

    /// Where it is connected to, after redirection.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The gateway's version.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Whether the gateway has a capability, by its name on the wire.
    pub fn has_capability(&self, name: &str) -> bool {
        self.0.capabilities.iter().any(|capability| capability == name)
    }

    /// All capabilities of the gateway, by their names on the wire.
    pub fn capabilities(&self) -> &[String] {
        &self.0.capabilities
    }

    pub(crate) fn require(
        &self,
        action: impl Fn() -> String,
        capability: &'static str,
    ) -> Result<()> {
        if self.has_capability(capability) {
            return Ok(());
        }
        Err(Error::Unsupported { action: action(), capability })
    }

    pub(crate) fn frontend(&self) -> FrontendClient<Link> {
        self.0.frontend()
    }

    pub(crate) fn results_service(&self) -> JobResultsServiceClient<Link> {
        JobResultsServiceClient::new(self.0.link.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    pub(crate) fn job_manager(&self) -> JobManagerServiceClient<Link> {
        JobManagerServiceClient::new(self.0.link.clone()).max_encoding_message_size(MESSAGE_BYTES)
    }

    pub(crate) fn legacy_job_manager(&self) -> LegacyClient<Link> {
        LegacyClient::new(self.0.link.clone()).max_encoding_message_size(MESSAGE_BYTES)
    }

    /// Runs a call within a time of its own, or the connection's.
    pub(crate) async fn call<T>(
        &self,
        action: impl Fn() -> String,
        timeout: Option<Duration>,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T> {
        self.0.call(action, timeout, call).await
    }

    /// A call of one message for another, on the connection itself.
    pub(crate) async fn ask<A: prost::Message + Default>(
        &self,
        action: impl Fn() -> String,
        timeout: Option<Duration>,
        path: &'static str,
        request: &impl prost::Message,
    ) -> Result<A> {
        self.ask_framed(action, timeout, path, link::framed(request)).await
    }

    /// [`Self::ask`] with a message that is framed already.
    pub(crate) async fn ask_framed<A: prost::Message + Default>(
        &self,
        action: impl Fn() -> String,
        timeout: Option<Duration>,
        path: &'static str,
        frame: bytes::Bytes,
    ) -> Result<A> {
        self.ask_noting(action, timeout, path, frame, None).await
    }

    /// [`Self::ask_framed`]; `sent` is set as soon as anything may have left.
    pub(crate) async fn ask_noting<A: prost::Message + Default>(
        &self,
        action: impl Fn() -> String,
        timeout: Option<Duration>,
        path: &'static str,
        frame: bytes::Bytes,
        sent: Option<&AtomicBool>,
    ) -> Result<A> {
        let answer = async {
            let answer = self.0.link.unary(path, frame, sent).await?;
            A::decode(answer)
                .map(Response::new)
                .map_err(|error| Status::internal(format!("an unreadable answer: {error}")))
        };
        self.call(action, timeout, answer).await
    }

    /// What a status of a call on the link itself means.
    pub(crate) fn failure(&self, action: String, timeout: Duration, status: &Status) -> Error {
        self.0.failure(action, timeout, status)
    }

    pub(crate) fn link(&self) -> &Link {
        &self.0.link
    }

    pub(crate) fn ledgers(&self) -> &Ledgers {
        &self.0.ledgers
    }

    /// Ends the connection once the calls under way are over; later ones fail, whoever makes them.
    pub fn close(&self) {
        self.0.link.close();
    }

    /// A second connection to the same gateway, for what must not stand in the way of the first.
    ///
    /// # Errors
    /// [`Error::Detection`].
    pub async fn sibling(&self) -> Result<Self> {
        let Inner { options, address, ledgers, version, capabilities, .. } = &*self.0;
        let lost = |reason: String| Error::Detection { address: address.clone(), reason };
        let link = tokio::time::timeout(options.timeout, self.0.link.sibling())
            .await
            .map_err(|_| lost(format!("no answer within {} s", options.timeout.as_secs_f64())))?
            .map_err(|error| channel::detection(address, &*error, options.tls.is_some()))?;
        Ok(Self(Arc::new(Inner {
            options: options.clone(),
            address: address.clone(),
            link,
            ledgers: Arc::clone(ledgers),
            version: version.clone(),
            capabilities: capabilities.clone(),
        })))
    }

    /// A job by its id; nothing is asked yet. The machine may be left empty.
    pub fn job(&self, id: impl Into<String>, machine: impl Into<String>) -> Job {
        Job::new(self.clone(), id.into(), machine.into())
    }

    /// Opens a quantum machine; gives its id.
    ///
    /// # Errors
    /// [`Error::OpenMachine`] with everything that is wrong with the configuration.
    pub async fn open_machine(
        &self,
        config: QuaConfig,
        close_others: bool,
    ) -> Result<(String, Vec<String>)> {
        use m::open_quantum_machine_request::OneOfCloseOtherMachines as Others;
        let others = if close_others { Others::Always(true) } else { Others::Never(true) };
        let request = m::OpenQuantumMachineRequest {
            config: Some(config),
            one_of_close_other_machines: Some(others),
            ..Default::default()
        };
        let mut frontend = self.frontend();
        let call = frontend.open_quantum_machine(request);
        let response = self.call(|| "open a quantum machine".to_owned(), None, call).await?;
        if !response.success {
            let of_config = response
                .config_validation_errors
                .into_iter()
                .map(|e| ValidationMessage { path: e.path, group: e.group, message: e.message });
            let physical = response
                .physical_validation_errors
                .into_iter()
                .map(|e| ValidationMessage { path: e.path, group: e.group, message: e.message });
            return Err(Error::OpenMachine { errors: of_config.chain(physical).collect() });
        }
        let warnings = response.open_qm_warnings.into_iter().map(|w| w.message).collect();
        Ok((response.machine_id, warnings))
    }

    /// Closes a machine; its queue is cancelled and its running job halted.
    ///
    /// # Errors
    /// [`Error::CloseMachine`] when there is none of that id.
    pub async fn close_machine(&self, machine: &str) -> Result<()> {
        let request = m::CloseQuantumMachineRequest { machine_id: machine.to_owned() };
        let mut frontend = self.frontend();
        let call = frontend.close_quantum_machine(request);
        let action = || format!("close the quantum machine '{machine}'");
        let response = self.call(action, None, call).await?;
        if response.success {
            return Ok(());
        }
        let message = joined(response.errors);
        Err(Error::CloseMachine { machine: machine.to_owned(), message })
    }

    /// The ids of the open machines.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn list_machines(&self) -> Result<Vec<String>> {
        let action = || "list the open quantum machines".to_owned();
        retry::reading(|| async {
            let mut frontend = self.frontend();
            let call = frontend.list_open_quantum_machines(());
            Ok(self.call(action, None, call).await?.machine_i_ds)
        })
        .await
    }

    /// Compiles a program for later; gives its id and what the compiler says.
    ///
    /// # Errors
    /// [`Error::Compilation`] with every mistake and its source line.
    pub async fn compile(
        &self,
        machine: &str,
        program: QuaProgram,
    ) -> Result<(String, Vec<CompilerMessage>)> {
        let request = f::CompileRequest {
            quantum_machine_id: machine.to_owned(),
            high_level_program: Some(program),
        };
        let mut frontend = self.frontend();
        let call = frontend.compile(request);
        let action = || format!("compile a program for '{machine}'");
        let response = self.call(action, None, call).await?;
        let messages = compiler_messages(response.messages);
        if response.ok {
            return Ok((response.program_id, messages));
        }
        Err(Error::Compilation { machine: machine.to_owned(), messages })
    }

    /// Queues a program; gives the job and what the compiler says.
    ///
    /// # Errors
    /// [`Error::AddToQueue`] with every mistake and its source line.
    pub async fn add_to_queue(
        &self,
        machine: &str,
        program: QuaProgram,
        to_start: bool,
    ) -> Result<(Job, Vec<CompilerMessage>)> {
        let request = f::AddToQueueRequest {
            quantum_machine_id: machine.to_owned(),
            high_level_program: Some(program),
            queue_position: Some(queue_position(to_start)),
        };
        let mut frontend = self.frontend();
        let call = frontend.add_to_queue(request);
        let action = || format!("add a program to the queue of '{machine}'");
        let response = self.call(action, None, call).await?;
        let messages = compiler_messages(response.messages);
        if response.ok {
            return Ok((self.job(response.job_id, machine), messages));
        }
        Err(Error::AddToQueue { machine: machine.to_owned(), messages })
    }

    /// Queues a compiled program, with some waveforms replaced.
    ///
    /// # Errors
    /// [`Error::AddToQueue`] when the program or a waveform is not what it should be.
    pub async fn add_compiled(
        &self,
        machine: &str,
        program_id: &str,
        overrides: Vec<(String, Vec<f64>)>,
    ) -> Result<Job> {
        let waveforms = overrides
            .into_iter()
            .map(|(name, samples)| (name, f::WaveformOverride { samples }))
            .collect();
        let request = f::AddCompiledToQueueRequest {
            quantum_machine_id: machine.to_owned(),
            program_id: program_id.to_owned(),
            queue_position: Some(queue_position(false)),
            execution_overrides: Some(f::ExecutionOverrides { waveforms }),
        };
        let mut frontend = self.frontend();
        let call = frontend.add_compiled_to_queue(request);
        let action =
            || format!("add the compiled program '{program_id}' to the queue of '{machine}'");
        let response = self.call(action, None, call).await?;
        if response.ok {
            return Ok(self.job(response.job_id, machine));
        }
        let read =
            |error: ErrorMessage| CompilerMessage { level: Level::Error, text: error.message };
        let messages = response.errors.into_iter().map(read).collect();
        Err(Error::AddToQueue { machine: machine.to_owned(), messages })
    }

    /// Empties the queue of a machine, halts its running job and runs a program at once.
    ///
    /// # Errors
    /// [`Error::AddToQueue`], or those of [`Job::wait_for_execution`]; in the latter case the job
    /// stays queued.
    pub async fn execute(
        &self,
        machine: &str,
        program: QuaProgram,
        timeout: Timeout,
    ) -> Result<(Job, Vec<CompilerMessage>)> {
        self.remove_pending(machine, PendingQuery::default()).await?;
        if let Some(running) = self.running_job(machine).await? {
            running.halt().await?;
        }
        let (job, messages) = self.add_to_queue(machine, program, false).await?;
        job.wait_for_execution(timeout).await?;
        Ok((job, messages))
    }

    /// The job that a machine runs, if any.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn running_job(&self, machine: &str) -> Result<Option<Job>> {
        let action = || format!("look for the running job of '{machine}'");
        retry::reading(|| async {
            let mut frontend = self.frontend();
            let call = frontend
                .get_running_job(m::GetRunningJobRequest { machine_id: machine.to_owned() });
            let id = self.call(action, None, call).await?.job_id;
            Ok((!id.is_empty()).then(|| self.job(id, machine)))
        })
        .await
    }

    /// The ids of the pending jobs that are meant, sorted as text (F2.8).
    ///
    /// # Errors
    /// Those of any call.
    pub async fn pending_jobs(&self, machine: &str, query: PendingQuery) -> Result<Vec<String>> {
        let action = || format!("look into the queue of '{machine}'");
        let jobs = retry::reading(|| async {
            let mut frontend = self.frontend();
            let call = frontend.get_pending_jobs(query.clone().into_params(machine));
            Ok(self.call(action, None, call).await?.pending_jobs)
        })
        .await?;
        let mut ids: Vec<_> = jobs.into_keys().collect();
        ids.sort();
        Ok(ids)
    }

    /// The ids of all pending jobs, in the order in which they will run.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn queued_jobs(&self, machine: &str) -> Result<Vec<String>> {
        let action = || format!("look into the queue of '{machine}'");
        let jobs = retry::reading(|| async {
            let mut frontend = self.frontend();
            let call = frontend.get_pending_jobs(PendingQuery::default().into_params(machine));
            Ok(self.call(action, None, call).await?.pending_jobs)
        })
        .await?;
        let mut placed: Vec<_> =
            jobs.into_iter().map(|(id, job)| (job.position_in_queue, id)).collect();
        placed.sort();
        Ok(placed.into_iter().map(|(_, id)| id).collect())
    }

    /// Takes the pending jobs that are meant out of a queue; gives how many they were.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn remove_pending(&self, machine: &str, query: PendingQuery) -> Result<i32> {
        let mut frontend = self.frontend();
        let call = frontend.remove_pending_jobs(query.into_params(machine));
        let action = || format!("remove jobs from the queue of '{machine}'");
        Ok(self.call(action, None, call).await?.numbers_of_jobs_removed)
    }
}

fn queue_position(to_start: bool) -> f::QueuePosition {
    use f::queue_position::Position;
    f::QueuePosition {
        position: Some(if to_start { Position::Start(()) } else { Position::End(()) }),
    }
}

impl Inner {
    /// What a status means, and where to look when nobody answered.
    fn failure(&self, action: String, timeout: Duration, status: &Status) -> Error {
        match failure(action, timeout, status) {
            Error::Connection { action, reason, status: "UNAVAILABLE" } => Error::Connection {
                action,
                reason: format!("{reason}; the gateway at {}: is it started?", self.address),
                status: "UNAVAILABLE",
            },
            other => other,
        }
    }

    fn frontend(&self) -> FrontendClient<Link> {
        FrontendClient::new(self.link.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES)
    }

    async fn call<T>(
        &self,
        action: impl Fn() -> String,
        timeout: Option<Duration>,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T> {
        let timeout = timeout.unwrap_or(self.options.timeout);
        match tokio::time::timeout(timeout, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(self.failure(action(), timeout, &status)),
            Err(_) => Err(Error::Timeout { action: action(), timeout }),
        }
    }

    /// Asks who is there and how it is.
    async fn introduce(&mut self) -> Result<()> {
        let mut info = InfoServiceClient::new(self.link.clone());
        let asked = || format!("ask the gateway at {} for its version", self.address);
        let anonymous = self.options.tls.as_ref().is_some_and(|tls| tls.identity.is_none());
        let detection = |mut reason: String| {
            if anonymous && reason.contains("UNAVAILABLE") {
                // Of TLS 1.3 it is known only here, and by nothing else.
                reason.push_str(
                    "; if it asks for a certificate of the client, give certificate and key in tls",
                );
            }
            Error::Detection { address: self.address.clone(), reason }
        };
        let answer = self
            .call(asked, None, info.get_info(Request::new(GetInfoRequest {})))
            .await
            .map_err(|error| detection(error.to_string()))?;
        let mut version = answer.implementation.unwrap_or_default().version;
        let mut frontend = self.frontend();
        if version.is_empty() {
            version = self
                .call(asked, None, frontend.get_version(()))
                .await
                .map_err(|error| detection(error.to_string()))?;
        }
        if version.is_empty() {
            return Err(detection("it does not tell its version".to_owned()));
        }
        let asked = || format!("ask the gateway at {} for its health", self.address);
        let health = self.call(asked, None, frontend.health_check(())).await?;
        for warning in &health.warning_messages {
            tracing::warn!("the gateway at {}: {warning}", self.address);
        }
        if health.ok {
            for message in &health.message {
                tracing::info!("the gateway at {}: {message}", self.address);
            }
        }
        if !health.ok {
            let messages = health.message.into_iter().chain(health.error_messages).collect();
            return Err(Error::HealthCheck { address: self.address.clone(), messages });
        }
        self.version = version;
        self.capabilities = answer.capabilities;
        Ok(())
    }
}
