//! `Frontend`: queues and jobs.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prost_types::{ListValue, Value, value};
use pulsewire_wire::frontend as f;
use pulsewire_wire::frontend::is_job_acquiring_data_response::AcquiringStatus;
use pulsewire_wire::frontend::job_execution_status as s;
use pulsewire_wire::frontend::job_execution_status::{Pending, Status as WireStatus, Unknown};
use pulsewire_wire::qm_manager as m;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::fast_path::frame::Streamed;
use super::messages::compiler_messages;
use super::service::{Call, Gateway, error_message, stopped};
use crate::compiler::SourceProgram;
use crate::control::{Job, Phase, Query, Registry};

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

fn string_value(text: String) -> Value {
    Value { kind: Some(value::Kind::StringValue(text)) }
}

/// A job's phase as the clients read it; the oneof, the time and the user are always set.
fn status_of(registry: &Registry, job: &Job) -> WireStatus {
    let time_added = Some(job.added.into());
    let added_by = job.added_by.clone();
    let stamp = |time: SystemTime| Some(time.into());
    match job.phase() {
        Phase::Pending => {
            let machine = registry.machine(&job.machine_id);
            let position = machine.and_then(|machine| machine.position(job));
            match position {
                Some(position) => WireStatus::Pending(s::Pending {
                    position_in_queue: position as i32,
                    time_added,
                    added_by,
                }),
                // It left the queue between the two looks.
                None => WireStatus::Loading(s::Loading { time_added, added_by }),
            }
        }
        Phase::Loading => WireStatus::Loading(s::Loading { time_added, added_by }),
        Phase::Running { started } => {
            WireStatus::Running(s::Running { time_added, added_by, time_started: stamp(started) })
        }
        Phase::Completed { started, completed } => WireStatus::Completed(s::Completed {
            time_added,
            added_by,
            time_started: stamp(started),
            time_completed: stamp(completed),
        }),
        Phase::Canceled { at } => {
            WireStatus::Canceled(s::Canceled { time_added, added_by, time_canceled: stamp(at) })
        }
        Phase::Error { messages } => WireStatus::Error(s::Error {
            error_messages: Some(ListValue {
                values: messages.into_iter().map(string_value).collect(),
            }),
            added_by,
        }),
    }
}

/// How long a job may take from the front of the queue to its first statement, until it counts as one that does
/// not run.
const START_PATIENCE: Duration = Duration::from_secs(1);

impl Gateway {
    /// A job's status; `unknown` when there is no such job, or not on that machine.
    fn status(&self, request: &f::GetJobExecutionStatusRequest) -> WireStatus {
        let job = self.registry.jobs.job(&request.job_id);
        let meant = job.filter(|job| {
            request.quantum_machine_id.is_empty() || request.quantum_machine_id == job.machine_id
        });
        meant.map_or(WireStatus::Unknown(Unknown {}), |job| status_of(&self.registry, &job))
    }

    pub(super) async fn add_to_queue(
        &self,
        request: Call<f::AddToQueueRequest>,
    ) -> Result<f::AddToQueueResponse, Status> {
        let user = request.user();
        let request = request.message;
        let added = self
            .aside(move |gateway| {
                let machine = gateway.machine(&request.quantum_machine_id)?;
                let program = request.high_level_program.unwrap_or_default();
                machine.add(
                    &SourceProgram::from_wire(program),
                    to_start(request.queue_position.as_ref()),
                    &user,
                )
            })
            .await?;
        Ok(match added {
            Ok(job) => f::AddToQueueResponse { ok: true, job_id: job.id.clone(), messages: vec![] },
            Err(error) => f::AddToQueueResponse {
                ok: false,
                job_id: String::new(),
                messages: compiler_messages(&error),
            },
        })
    }

    pub(super) async fn compile(
        &self,
        request: Call<f::CompileRequest>,
    ) -> Result<f::CompileResponse, Status> {
        let request = request.message;
        let compiled = self
            .aside(move |gateway| {
                let machine = gateway.machine(&request.quantum_machine_id)?;
                machine.compile(&SourceProgram::from_wire(
                    request.high_level_program.unwrap_or_default(),
                ))
            })
            .await?;
        Ok(match compiled {
            Ok(program_id) => f::CompileResponse { ok: true, program_id, messages: vec![] },
            Err(error) => f::CompileResponse {
                ok: false,
                program_id: String::new(),
                messages: compiler_messages(&error),
            },
        })
    }

    pub(super) async fn add_compiled_to_queue(
        &self,
        request: Call<f::AddCompiledToQueueRequest>,
    ) -> Result<f::AddCompiledToQueueResponse, Status> {
        let user = request.user();
        let request = request.message;
        let overrides = request.execution_overrides.unwrap_or_default().waveforms;
        let overrides = overrides.into_iter().map(|(name, wave)| (name, wave.samples)).collect();
        let start = to_start(request.queue_position.as_ref());
        let added = self
            .machine(&request.quantum_machine_id)
            .and_then(|machine| machine.add_compiled(&request.program_id, overrides, start, &user));
        Ok(match added {
            Ok(job) => {
                f::AddCompiledToQueueResponse { ok: true, job_id: job.id.clone(), errors: vec![] }
            }
            Err(error) => f::AddCompiledToQueueResponse {
                ok: false,
                job_id: String::new(),
                errors: vec![error_message(&error)],
            },
        })
    }

    pub(super) async fn remove_pending_jobs(
        &self,
        request: Call<f::JobQueryParams>,
    ) -> Result<f::RemovePendingJobsResponse, Status> {
        let params = &request.message;
        let machine = self.registry.machine(&params.quantum_machine_id);
        let removed = machine.map_or(0, |machine| machine.remove(&query_of(params)));
        Ok(f::RemovePendingJobsResponse { numbers_of_jobs_removed: removed as i32 })
    }

    pub(super) async fn get_pending_jobs(
        &self,
        request: Call<f::JobQueryParams>,
    ) -> Result<f::GetPendingJobsResponse, Status> {
        let params = &request.message;
        let machine = self.registry.machine(&params.quantum_machine_id);
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
        Ok(f::GetPendingJobsResponse { pending_jobs })
    }

    pub(super) async fn get_job_execution_status(
        &self,
        request: Call<f::GetJobExecutionStatusRequest>,
    ) -> Result<f::GetJobExecutionStatusResponse, Status> {
        let status = Some(f::JobExecutionStatus { status: Some(self.status(&request.message)) });
        Ok(f::GetJobExecutionStatusResponse { status })
    }

    pub(super) async fn get_job_status_updates(
        &self,
        request: Call<f::GetJobExecutionStatusRequest>,
    ) -> Result<Streamed<f::GetJobExecutionStatusResponse>, Status> {
        let job = self.job(&request.message.job_id)?;
        let registry = Arc::clone(&self.registry);
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        let mut life = job.watch();
        tokio::spawn(async move {
            loop {
                let over = life.borrow_and_update().is_final();
                let status =
                    Some(f::JobExecutionStatus { status: Some(status_of(&registry, &job)) });
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
        Ok(Box::pin(updates))
    }

    pub(super) async fn paused_status(
        &self,
        request: Call<f::PausedStatusRequest>,
    ) -> Result<f::PausedStatusResponse, Status> {
        let job = self.registry.jobs.job(&request.message.job_id);
        Ok(f::PausedStatusResponse {
            pulsers_bitmap: 0,
            ok: job.is_some(),
            is_paused: job.is_some_and(|job| job.is_running() && job.control.is_paused()),
        })
    }

    pub(super) async fn resume(
        &self,
        request: Call<f::ResumeRequest>,
    ) -> Result<f::ResumeResponse, Status> {
        self.job(&request.message.job_id)?.control.resume();
        Ok(f::ResumeResponse {})
    }

    pub(super) async fn halt(
        &self,
        request: Call<f::HaltRequest>,
    ) -> Result<f::HaltResponse, Status> {
        let Some(job) = self.registry.jobs.job(&request.message.job_id) else {
            return Ok(f::HaltResponse { ok: false });
        };
        let running = job.is_running() || matches!(job.phase(), Phase::Loading);
        if running {
            job.control.halt();
            stopped(&job).await?;
        }
        Ok(f::HaltResponse { ok: running })
    }

    pub(super) async fn reset_data_processing(
        &self,
        _: Call<f::ResetDataProcessingRequest>,
    ) -> Result<f::ResetDataProcessingResponse, Status> {
        self.registry.jobs.reset_processing();
        Ok(f::ResetDataProcessingResponse {})
    }

    pub(super) async fn get_running_job(
        &self,
        request: Call<m::GetRunningJobRequest>,
    ) -> Result<m::GetRunningJobResponse, Status> {
        let machine_id = request.message.machine_id;
        let mut running = self.registry.machine(&machine_id).and_then(|machine| machine.running());
        if let Some(job) = &running {
            // One that is about to start runs in a moment, or turns out to be impossible.
            let mut life = job.watch();
            let started = life.wait_for(|phase| !matches!(phase, Phase::Loading));
            let runs = tokio::time::timeout(START_PATIENCE, started).await;
            let runs = matches!(runs, Ok(Ok(phase)) if !phase.is_final());
            running = running.filter(|_| runs);
        }
        let job_id = running.map_or_else(String::new, |job| job.id.clone());
        Ok(m::GetRunningJobResponse { machine_id, job_id })
    }

    pub(super) async fn is_job_running(
        &self,
        request: Call<f::IsJobRunningRequest>,
    ) -> Result<f::IsJobRunningResponse, Status> {
        let job_id = request.message.job_id;
        let is_running = self.job(&job_id)?.is_running();
        Ok(f::IsJobRunningResponse { job_id, is_running })
    }

    pub(super) async fn is_job_acquiring_data(
        &self,
        request: Call<f::IsJobAcquiringDataRequest>,
    ) -> Result<f::IsJobAcquiringDataResponse, Status> {
        let job_id = request.message.job_id;
        let job = self.job(&job_id)?;
        let status = match (job.is_running(), job.results.outputs().is_empty()) {
            (false, _) => AcquiringStatus::AcquireStopped,
            (true, true) => AcquiringStatus::NoDataToAcquire,
            (true, false) => AcquiringStatus::HasDataToAcquire,
        };
        Ok(f::IsJobAcquiringDataResponse { job_id, acquiring_status: status as i32 })
    }

    pub(super) async fn clear_all_job_results(&self, _: Call<()>) -> Result<(), Status> {
        self.registry.jobs.clear_results();
        Ok(())
    }
}
