//! `Frontend`: machines, queues, jobs.

use std::sync::Arc;
use std::time::Duration;

use pulsewire_wire::compiler::{QuaValues, ValidationResponse};
use pulsewire_wire::frontend as f;
use pulsewire_wire::frontend::frontend_server::Frontend as Service;
use pulsewire_wire::frontend::is_job_acquiring_data_response::AcquiringStatus;
use pulsewire_wire::frontend::job_execution_status::{Pending, Status as WireStatus, Unknown};
use pulsewire_wire::general_messages::ErrorMessage;
use pulsewire_wire::qm_api::high_qm_api_request::ApiOneof;
use pulsewire_wire::qm_api::high_qm_api_request::io_value_set_data::OneofIoType;
use pulsewire_wire::qm_api::{HighQmApiRequest, HighQmApiResponse};
use pulsewire_wire::qm_manager as m;
use pulsewire_wire::qua_config::QuaConfig;
use pulsewire_wire::results::{PullSimulatorSamplesRequest, SimulatorSamplesResponse};
use tokio::runtime::Handle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::info::VERSION;
use super::{
    Streamed, compiler_messages, error_message, no_job, report, samples, status_of, validation,
};
use crate::machine::{self, AddError, Finding, Hub, Job, QuantumMachine, Query, apply_change};
use crate::program::value::{fixed_from_f64, fixed_to_f64};

/// How long `Halt` waits for the program to be gone.
const HALT_PATIENCE: Duration = Duration::from_secs(5);
/// Metadata key that says who adds a job; no client sends it by itself.
const USER_KEY: &str = "x-user-id";
const DEFAULT_USER: &str = "pulsewire";

#[derive(Clone, Debug)]
pub(super) struct Frontend {
    hub: Arc<Hub>,
    /// Where long work is done: on few threads, the same for all connections.
    aside: Handle,
}

impl Frontend {
    pub(super) fn new(hub: Arc<Hub>, aside: Handle) -> Self {
        Self { hub, aside }
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn user_of<T>(request: &Request<T>) -> String {
    let given = request.metadata().get(USER_KEY).and_then(|value| value.to_str().ok());
    given.unwrap_or(DEFAULT_USER).to_owned()
}

fn to_start(position: Option<&f::QueuePosition>) -> bool {
    let position = position.and_then(|position| position.position.as_ref());
    matches!(position, Some(f::queue_position::Position::Start(())))
}

fn query_of(params: &f::JobQueryParams) -> Query {
    let text = |matcher: Option<&f::QueryValueMatcher>| match matcher
        .and_then(|matcher| matcher.value_type.as_ref())
    {
        Some(f::query_value_matcher::ValueType::Value(value)) => Some(value.clone()),
        _ => None,
    };
    Query {
        job_id: text(params.job_id.as_ref()),
        user_id: text(params.user_id.as_ref()),
        position: params.position,
    }
}

/// What is said of an element of the readout model that no open machine has.
fn unmodelled(name: &str) -> m::OpenQmWarning {
    let message = format!(
        "the readout model of the emulator has an element '{name}', which no configuration has"
    );
    m::OpenQmWarning { code: 0, message }
}

/// A job that was told to halt has done so.
async fn stopped(job: &Job) -> Result<(), Status> {
    let mut life = job.watch();
    let over = life.wait_for(machine::Phase::is_final);
    match tokio::time::timeout(HALT_PATIENCE, over).await {
        Ok(_) => Ok(()),
        Err(_) => Err(Status::internal(format!("the job '{}' did not stop", job.id))),
    }
}

impl Frontend {
    fn job(&self, id: &str) -> Result<Arc<Job>, Status> {
        self.hub.job(id).ok_or_else(|| no_job(id))
    }

    fn machine(&self, id: &str) -> Result<Arc<QuantumMachine>, String> {
        self.open_machine(id).map_err(|error| error.to_string())
    }

    fn open_machine(&self, id: &str) -> Result<Arc<QuantumMachine>, AddError> {
        self.hub.machine(id).ok_or_else(|| AddError::NoMachine(id.to_owned()))
    }

    /// Work that may take long, such as compiling a large program, away from the gateway's threads.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let frontend = self.clone();
        let done = self.aside.spawn_blocking(move || work(&frontend)).await;
        done.map_err(|_| Status::internal("the emulator failed; please report it"))
    }

    /// A job's status; `unknown` for a job, or a job on a machine, that there is not.
    fn status(&self, request: &f::GetJobExecutionStatusRequest) -> WireStatus {
        let job = self.hub.job(&request.job_id);
        let meant = job.filter(|job| {
            request.quantum_machine_id.is_empty() || request.quantum_machine_id == job.machine_id
        });
        meant.map_or(WireStatus::Unknown(Unknown {}), |job| status_of(&self.hub, &job))
    }

    /// The register and the bits that a request sets.
    fn io_bits(number: i32, value: Option<OneofIoType>) -> Result<(usize, i32), String> {
        if !matches!(number, 1 | 2) {
            return Err(format!("there is no IO{number}: the registers are IO1 and IO2"));
        }
        let bits = match value {
            Some(OneofIoType::IntValue(value)) => value,
            Some(OneofIoType::BooleanValue(value)) => i32::from(value),
            Some(OneofIoType::DoubleValue(value)) if (-8.0..8.0).contains(&value) => {
                fixed_from_f64(value).unwrap_or(0)
            }
            Some(OneofIoType::DoubleValue(value)) => {
                return Err(format!("IO{number}: {value} does not fit a fixed, [-8, 8)"));
            }
            None => return Err(format!("IO{number}: the request carries no value")),
        };
        Ok((number as usize - 1, bits))
    }

    fn perform(&self, request: HighQmApiRequest) -> Result<(), ErrorMessage> {
        let machine = self.machine(&request.quantum_machine_id).map_err(error_message)?;
        match request.api_oneof {
            Some(ApiOneof::SetIoValues(set)) => {
                let wanted = set.io_value_set_data.into_iter();
                let wanted: Vec<_> = wanted
                    .map(|data| Self::io_bits(data.io_number, data.oneof_io_type))
                    .collect::<Result<_, _>>()
                    .map_err(error_message)?;
                wanted.into_iter().for_each(|(register, bits)| machine.io.set(register, bits));
                Ok(())
            }
            Some(change) => machine
                .change(|config| apply_change(config, &change))
                .map_err(|error| ErrorMessage { code: error.code, message: error.message }),
            None => Err(error_message("the request asks for nothing")),
        }
    }

    fn read_io(&self, request: &f::IoValueRequest) -> Result<QuaValues, String> {
        use f::io_value_request::IdentifierOneOf;
        let machine = match &request.identifier_one_of {
            Some(IdentifierOneOf::QuantumMachineId(id)) => self.machine(id)?,
            Some(IdentifierOneOf::JobId(id)) => {
                let job = self.hub.job(id).ok_or_else(|| format!("there is no job '{id}'"))?;
                self.machine(&job.machine_id)?
            }
            None => return Err("the request names no machine".to_owned()),
        };
        if !matches!(request.io_number, 1 | 2) {
            return Err(format!("there is no IO{}", request.io_number));
        }
        let bits = machine.io.get(request.io_number as usize - 1);
        Ok(QuaValues {
            int_value: bits as u32,
            double_value: fixed_to_f64(bits),
            boolean_value: bits != 0,
        })
    }
}

#[tonic::async_trait]
impl Service for Frontend {
    async fn get_version(&self, _: Request<()>) -> Answer<String> {
        Ok(Response::new(VERSION.to_owned()))
    }

    async fn health_check(&self, _: Request<()>) -> Answer<f::HealthCheckResponse> {
        Ok(Response::new(f::HealthCheckResponse { ok: true, ..Default::default() }))
    }

    async fn execute(&self, _: Request<f::ExecutionRequest>) -> Answer<f::ExecutionResponse> {
        Err(Status::unimplemented("Execute: clients of QOP 2 use AddToQueue"))
    }

    async fn add_to_queue(
        &self,
        request: Request<f::AddToQueueRequest>,
    ) -> Answer<f::AddToQueueResponse> {
        let user = user_of(&request);
        let request = request.into_inner();
        let added = self
            .aside(move |frontend| {
                let machine = frontend.open_machine(&request.quantum_machine_id)?;
                let program = request.high_level_program.unwrap_or_default();
                machine.add(&program, to_start(request.queue_position.as_ref()), &user)
            })
            .await?;
        Ok(Response::new(match added {
            Ok(job) => f::AddToQueueResponse { ok: true, job_id: job.id.clone(), messages: vec![] },
            Err(error) => f::AddToQueueResponse {
                ok: false,
                job_id: String::new(),
                messages: compiler_messages(&error),
            },
        }))
    }

    async fn compile(&self, request: Request<f::CompileRequest>) -> Answer<f::CompileResponse> {
        let request = request.into_inner();
        let compiled = self
            .aside(move |frontend| {
                let machine = frontend.open_machine(&request.quantum_machine_id)?;
                machine.compile(&request.high_level_program.unwrap_or_default())
            })
            .await?;
        Ok(Response::new(match compiled {
            Ok(program_id) => f::CompileResponse { ok: true, program_id, messages: vec![] },
            Err(error) => f::CompileResponse {
                ok: false,
                program_id: String::new(),
                messages: compiler_messages(&error),
            },
        }))
    }

    async fn add_compiled_to_queue(
        &self,
        request: Request<f::AddCompiledToQueueRequest>,
    ) -> Answer<f::AddCompiledToQueueResponse> {
        let user = user_of(&request);
        let request = request.into_inner();
        let overrides = request.execution_overrides.unwrap_or_default().waveforms;
        let overrides = overrides.into_iter().map(|(name, wave)| (name, wave.samples)).collect();
        let start = to_start(request.queue_position.as_ref());
        let added = self.open_machine(&request.quantum_machine_id).and_then(|machine| {
            machine.add_compiled(&request.program_id, &overrides, start, &user)
        });
        Ok(Response::new(match added {
            Ok(job) => {
                f::AddCompiledToQueueResponse { ok: true, job_id: job.id.clone(), errors: vec![] }
            }
            Err(error) => f::AddCompiledToQueueResponse {
                ok: false,
                job_id: String::new(),
                errors: vec![error_message(error.to_string())],
            },
        }))
    }

    async fn remove_pending_jobs(
        &self,
        request: Request<f::JobQueryParams>,
    ) -> Answer<f::RemovePendingJobsResponse> {
        let params = request.get_ref();
        let machine = self.hub.machine(&params.quantum_machine_id);
        let removed = machine.map_or(0, |machine| machine.remove(&query_of(params)));
        Ok(Response::new(f::RemovePendingJobsResponse { numbers_of_jobs_removed: removed as i32 }))
    }

    async fn get_pending_jobs(
        &self,
        request: Request<f::JobQueryParams>,
    ) -> Answer<f::GetPendingJobsResponse> {
        let params = request.get_ref();
        let machine = self.hub.machine(&params.quantum_machine_id);
        let found = machine.map_or_else(Vec::new, |machine| machine.pending(&query_of(params)));
        let entry = |(place, job): (u32, Arc<Job>)| {
            let pending = Pending {
                position_in_queue: place as i32,
                time_added: Some(job.added.into()),
                added_by: job.added_by.clone(),
            };
            (job.id.clone(), pending)
        };
        let pending_jobs = found.into_iter().map(entry).collect();
        Ok(Response::new(f::GetPendingJobsResponse { pending_jobs }))
    }

    async fn get_job_execution_status(
        &self,
        request: Request<f::GetJobExecutionStatusRequest>,
    ) -> Answer<f::GetJobExecutionStatusResponse> {
        let status = Some(f::JobExecutionStatus { status: Some(self.status(request.get_ref())) });
        Ok(Response::new(f::GetJobExecutionStatusResponse { status }))
    }

    type GetJobStatusUpdatesStream = Streamed<f::GetJobExecutionStatusResponse>;

    async fn get_job_status_updates(
        &self,
        request: Request<f::GetJobExecutionStatusRequest>,
    ) -> Answer<Self::GetJobStatusUpdatesStream> {
        let job = self.job(&request.get_ref().job_id)?;
        let hub = Arc::clone(&self.hub);
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        let mut life = job.watch();
        tokio::spawn(async move {
            loop {
                let over = life.borrow_and_update().is_final();
                let status = Some(f::JobExecutionStatus { status: Some(status_of(&hub, &job)) });
                let told = sender.send(Ok(f::GetJobExecutionStatusResponse { status })).await;
                // Nobody listens any more, or nothing more will happen.
                if told.is_err() || over {
                    return;
                }
                tokio::select! {
                    changed = life.changed() => if changed.is_err() { return },
                    () = sender.closed() => return,
                }
            }
        });
        let updates = ReceiverStream::new(receiver);
        Ok(Response::new(Box::pin(updates)))
    }

    async fn paused_status(
        &self,
        request: Request<f::PausedStatusRequest>,
    ) -> Answer<f::PausedStatusResponse> {
        let job = self.hub.job(&request.get_ref().job_id);
        Ok(Response::new(f::PausedStatusResponse {
            pulsers_bitmap: 0,
            ok: job.is_some(),
            is_paused: job.is_some_and(|job| job.is_running() && job.control.is_paused()),
        }))
    }

    async fn resume(&self, request: Request<f::ResumeRequest>) -> Answer<f::ResumeResponse> {
        self.job(&request.get_ref().job_id)?.control.resume();
        Ok(Response::new(f::ResumeResponse {}))
    }

    async fn halt(&self, request: Request<f::HaltRequest>) -> Answer<f::HaltResponse> {
        let Some(job) = self.hub.job(&request.get_ref().job_id) else {
            return Ok(Response::new(f::HaltResponse { ok: false }));
        };
        let running = job.is_running() || matches!(job.phase(), machine::Phase::Loading);
        if running {
            job.control.halt();
            stopped(&job).await?;
        }
        Ok(Response::new(f::HaltResponse { ok: running }))
    }

    async fn reset_data_processing(
        &self,
        _: Request<f::ResetDataProcessingRequest>,
    ) -> Answer<f::ResetDataProcessingResponse> {
        self.hub.reset_processing();
        Ok(Response::new(f::ResetDataProcessingResponse {}))
    }

    async fn validate_config(&self, _: Request<QuaConfig>) -> Answer<ValidationResponse> {
        Err(Status::unimplemented("ValidateConfig: no client of QOP 2 calls it"))
    }

    async fn init(&self, _: Request<()>) -> Answer<()> {
        Err(Status::unimplemented("Init: no client of QOP 2 calls it"))
    }

    async fn perform_qm_request(
        &self,
        request: Request<HighQmApiRequest>,
    ) -> Answer<HighQmApiResponse> {
        let outcome = self.perform(request.into_inner());
        Ok(Response::new(HighQmApiResponse {
            ok: outcome.is_ok(),
            errors: outcome.err().into_iter().collect(),
        }))
    }

    async fn request_data(&self, request: Request<f::QmDataRequest>) -> Answer<f::QmDataResponse> {
        let requests = request.into_inner().io_value_request;
        let values: Result<Vec<_>, String> = requests
            .into_iter()
            .map(|request| {
                let values = Some(self.read_io(&request)?);
                Ok(f::qm_data_response::IoValueResponse { request: Some(request), values })
            })
            .collect();
        Ok(Response::new(match values {
            Ok(io_value_response) => {
                f::QmDataResponse { io_value_response, success: true, errors: vec![] }
            }
            Err(text) => f::QmDataResponse {
                io_value_response: vec![],
                success: false,
                errors: vec![error_message(text)],
            },
        }))
    }

    type PullSimulatorSamplesStream = Streamed<SimulatorSamplesResponse>;

    async fn pull_simulator_samples(
        &self,
        request: Request<PullSimulatorSamplesRequest>,
    ) -> Answer<Self::PullSimulatorSamplesStream> {
        let request = request.get_ref();
        let job = self.job(&request.job_id)?;
        let Some(simulation) = job.simulation() else {
            let refused =
                SimulatorSamplesResponse { job_id: job.id.clone(), ok: false, body: None };
            return Ok(Response::new(Box::pin(tokio_stream::once(Ok(refused)))));
        };
        let (analog, digital) = (request.include_analog, request.include_digital);
        let messages = samples::messages(job.id.clone(), &simulation, analog, digital);
        Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
    }

    async fn open_quantum_machine(
        &self,
        request: Request<m::OpenQuantumMachineRequest>,
    ) -> Answer<m::OpenQuantumMachineResponse> {
        use m::open_quantum_machine_request::OneOfCloseOtherMachines as Others;
        let request = request.into_inner();
        let keeps = matches!(request.one_of_close_other_machines, None | Some(Others::Never(true)));
        let opened = self.hub.open(request.config.unwrap_or_default(), !keeps);
        if let Ok(opened) = &opened {
            for job in &opened.halted {
                stopped(job).await?;
            }
        }
        Ok(Response::new(match opened {
            Ok(opened) => m::OpenQuantumMachineResponse {
                machine_id: opened.id,
                success: true,
                open_qm_warnings: opened.unknown.iter().map(|name| unmodelled(name)).collect(),
                ..Default::default()
            },
            Err(error) => {
                let findings = match error {
                    machine::OpenError::Config(findings) => findings,
                    other => vec![Finding {
                        path: String::new(),
                        group: "configuration",
                        message: other.to_string(),
                        physical: false,
                    }],
                };
                let (config_validation_errors, physical_validation_errors) = validation(findings);
                m::OpenQuantumMachineResponse {
                    config_validation_errors,
                    physical_validation_errors,
                    ..Default::default()
                }
            }
        }))
    }

    async fn close_quantum_machine(
        &self,
        request: Request<m::CloseQuantumMachineRequest>,
    ) -> Answer<m::CloseQuantumMachineResponse> {
        let id = &request.get_ref().machine_id;
        let running = self.hub.machine(id).and_then(|machine| machine.running());
        let success = self.hub.close(id);
        if let Some(job) = running {
            stopped(&job).await?;
        }
        let errors = if success {
            vec![]
        } else {
            vec![error_message(AddError::NoMachine(id.clone()).to_string())]
        };
        Ok(Response::new(m::CloseQuantumMachineResponse { success, errors }))
    }

    async fn get_quantum_machine(
        &self,
        request: Request<m::GetQuantumMachineRequest>,
    ) -> Answer<m::GetQuantumMachineResponse> {
        let machine_id = request.into_inner().machine_id;
        Ok(Response::new(match self.machine(&machine_id) {
            Ok(machine) => m::GetQuantumMachineResponse {
                machine_id,
                config: Some(QuaConfig::clone(&machine.config())),
                success: true,
                errors: vec![],
            },
            Err(text) => m::GetQuantumMachineResponse {
                machine_id,
                config: None,
                success: false,
                errors: vec![error_message(text)],
            },
        }))
    }

    async fn get_running_job(
        &self,
        request: Request<m::GetRunningJobRequest>,
    ) -> Answer<m::GetRunningJobResponse> {
        let machine_id = request.into_inner().machine_id;
        let running = self.hub.machine(&machine_id).and_then(|machine| machine.running());
        let job_id = running.map_or_else(String::new, |job| job.id.clone());
        Ok(Response::new(m::GetRunningJobResponse { machine_id, job_id }))
    }

    async fn list_open_quantum_machines(
        &self,
        _: Request<()>,
    ) -> Answer<m::ListOpenQuantumMachinesResponse> {
        let machine_i_ds = self.hub.machines().iter().map(|machine| machine.id.clone()).collect();
        Ok(Response::new(m::ListOpenQuantumMachinesResponse { machine_i_ds }))
    }

    async fn close_all_quantum_machines(
        &self,
        _: Request<()>,
    ) -> Answer<m::CloseAllQuantumMachinesResponse> {
        let running: Vec<_> =
            self.hub.machines().iter().filter_map(|machine| machine.running()).collect();
        self.hub.close_all();
        for job in running {
            stopped(&job).await?;
        }
        Ok(Response::new(m::CloseAllQuantumMachinesResponse { success: true, errors: vec![] }))
    }

    async fn get_controllers(&self, _: Request<()>) -> Answer<m::GetControllersResponse> {
        let names = self.hub.controllers().into_iter();
        let controllers = names.map(|name| m::Controller { name, temperature: None }).collect();
        Ok(Response::new(m::GetControllersResponse { controllers }))
    }

    async fn is_job_running(
        &self,
        request: Request<f::IsJobRunningRequest>,
    ) -> Answer<f::IsJobRunningResponse> {
        let job_id = request.into_inner().job_id;
        let is_running = self.job(&job_id)?.is_running();
        Ok(Response::new(f::IsJobRunningResponse { job_id, is_running }))
    }

    async fn is_job_acquiring_data(
        &self,
        request: Request<f::IsJobAcquiringDataRequest>,
    ) -> Answer<f::IsJobAcquiringDataResponse> {
        let job_id = request.into_inner().job_id;
        let job = self.job(&job_id)?;
        let status = match (job.is_running(), job.results.outputs().is_empty()) {
            (false, _) => AcquiringStatus::AcquireStopped,
            (true, true) => AcquiringStatus::NoDataToAcquire,
            (true, false) => AcquiringStatus::HasDataToAcquire,
        };
        Ok(Response::new(f::IsJobAcquiringDataResponse { job_id, acquiring_status: status as i32 }))
    }

    async fn simulate(
        &self,
        request: Request<f::SimulationRequest>,
    ) -> Answer<f::SimulationResponse> {
        let user = user_of(&request);
        let request = request.into_inner();
        let outcome = self
            .aside(move |frontend| {
                let simulate = request.simulate.unwrap_or_default();
                let asked = machine::Request {
                    config: request.config.unwrap_or_default(),
                    program: request.high_level_program.unwrap_or_default(),
                    cycles: simulate.duration,
                    interface: simulate.simulation_interface,
                    structured: simulate.include_analog_waveforms
                        || simulate.include_digital_waveforms,
                };
                let job = machine::simulate(&frontend.hub, asked, &user)?;
                let simulation = job.simulation();
                let score = simulation.as_deref().map(|simulation| &*simulation.score);
                let wanted = |wanted: bool| score.filter(|_| wanted);
                let part = f::SimulatedResponsePart {
                    analog_outputs: wanted(simulate.include_analog_waveforms)
                        .map(report::analog_outputs),
                    digital_outputs: wanted(simulate.include_digital_waveforms)
                        .map(report::digital_outputs),
                    waveform_report: score.map(report::waveforms),
                    errors: match job.phase() {
                        machine::Phase::Error { messages } => messages,
                        _ => Vec::new(),
                    },
                };
                Ok::<_, AddError>((job.id.clone(), part))
            })
            .await?;
        Ok(Response::new(match outcome {
            Ok((job_id, part)) => f::SimulationResponse {
                success: true,
                job_id,
                simulated: Some(part),
                ..Default::default()
            },
            Err(AddError::Config(findings)) => {
                // qm-qua shows no others of a simulation.
                let shown = findings.into_iter().map(|found| Finding { physical: false, ..found });
                let (config_validation_errors, _) = validation(shown.collect());
                f::SimulationResponse { config_validation_errors, ..Default::default() }
            }
            Err(error) => {
                f::SimulationResponse { messages: compiler_messages(&error), ..Default::default() }
            }
        }))
    }

    async fn clear_all_job_results(&self, _: Request<()>) -> Answer<()> {
        self.hub.clear_results();
        Ok(Response::new(()))
    }

    async fn perform_hal_debug_command(
        &self,
        _: Request<f::PerformHalDebugCommandRequest>,
    ) -> Answer<f::PerformHalDebugCommandResponse> {
        let response = "the emulator has no hardware to debug".to_owned();
        Ok(Response::new(f::PerformHalDebugCommandResponse { success: false, response }))
    }

    async fn get_simulated_quantum_state(
        &self,
        _: Request<f::GetSimulatedQuantumStateRequest>,
    ) -> Answer<f::GetSimulatedQuantumStateResponse> {
        Err(Status::unimplemented("GetSimulatedQuantumState: no client of QOP 2 calls it"))
    }
}
