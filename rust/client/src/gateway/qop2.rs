//! The gateway of QOP 2.

// Deprecated for QOP 3: a client of QOP 2 reads and fills them.
#![allow(deprecated)]

mod job;
mod machine;
mod results;
mod simulation;

use bytes::Bytes;
use pulsewire_common::correction::Matrix;
use pulsewire_wire::WholeMessage;
use pulsewire_wire::compiler as wire_compiler;
use pulsewire_wire::frontend as f;
use pulsewire_wire::frontend::execution_request::Simulate;
use pulsewire_wire::general_messages::{Matrix as WireMatrix, MessageLevel};
use pulsewire_wire::job_manager as jm;
use pulsewire_wire::qm_manager as m;
use pulsewire_wire::qua::QuaProgram;
use pulsewire_wire::qua_config::QuaConfig;
use pulsewire_wire::results as r;
use pulsewire_wire::results::get_job_errors_response::ExecutionErrorSeverity;

use super::dialect::{
    Call, Dialect, Health, PushFields, PushTemplate, Read, Refusal, ResultHeader, SamplesHeader,
    SimulationAnswer, StreamCall, Taken, Unreadable,
};
use super::structure::Structure;
use crate::error::{Error, Result};
use crate::transport::Layout;
use crate::types::{
    Acquiring, AnnouncedResult, CompilerMessage, Configuration, ExecutionError, IoValues,
    JobStatus, Level, MachineChange, MachineError, MachineSettings, Opened, PendingQuery, Program,
    ResultState, Severity, SimulateOptions, ValidationMessage,
};
use job::{job_status, matrix, refusal};
use machine::joined;
use results::WideHeader;
use simulation::{connection, interface};

/// A path of the frontend.
macro_rules! frontend {
    ($method:literal) => {
        concat!("/qm.grpc.frontend.Frontend/", $method)
    };
}

/// A path of the results.
macro_rules! results {
    ($method:literal) => {
        concat!("/qm.grpc.results_analyser.JobResultsService/", $method)
    };
}

/// `GetJobNamedResultResponse`.
const RESULT: Layout = Layout { count: 1, data: 2, within: 0, ok: 0 };
/// `SimulatorSamplesResponse`, behind its header.
const SAMPLES: Layout = Layout { count: 0, data: 8, within: 7, ok: 5 };
/// The fields of `InsertInputStreamRequest`.
const PUSH_FIELDS: PushFields = PushFields { ints: 3, fixed: 4, bools: 5, data: 1 };

/// What the gateway says that it can.
#[derive(Clone, Debug)]
pub(super) struct Qop2 {
    /// Whether the JobManager is under its newer path.
    new_structure: bool,
    input_streams: bool,
    result_state: bool,
}

impl Qop2 {
    pub(super) fn new(capabilities: &[String]) -> Self {
        let has = |name: &str| capabilities.iter().any(|capability| capability == name);
        Self {
            new_structure: has("qm.new_grpc_structure"),
            input_streams: has(INPUT_STREAMS),
            result_state: has("qm.job_streaming_state"),
        }
    }

    /// The path of a call of the JobManager: newer gateways have another package.
    fn job_manager(&self, new: &'static str, old: &'static str) -> &'static str {
        if self.new_structure { new } else { old }
    }
}

/// A path of the JobManager, on the package that the gateway serves.
macro_rules! job_manager {
    ($dialect:expr, $method:literal) => {
        $dialect.job_manager(
            concat!("/qm.grpc.job_manager.JobManagerService/", $method),
            concat!("/qm.grpc.jobManager.JobManagerService/", $method),
        )
    };
}

const INPUT_STREAMS: &str = "qm.input_stream";

/// A configuration as the message that it must be.
fn config(given: &Configuration) -> Result<QuaConfig> {
    QuaConfig::from_bytes(given.0.clone())
        .map_err(|error| Error::Value(format!("these bytes are no configuration: {error}")))
}

/// A program as the message that it must be.
fn program(given: &Program) -> Result<QuaProgram> {
    QuaProgram::from_bytes(given.0.clone())
        .map_err(|error| Error::Value(format!("these bytes are no QUA program: {error}")))
}

fn queue_position(to_start: bool) -> f::QueuePosition {
    use f::queue_position::Position;
    let position = if to_start { Position::Start(()) } else { Position::End(()) };
    f::QueuePosition { position: Some(position) }
}

fn query(machine: &str, query: &PendingQuery) -> f::JobQueryParams {
    let matcher = |value: &Option<String>| {
        value.clone().map(|value| f::QueryValueMatcher {
            value_type: Some(f::query_value_matcher::ValueType::Value(value)),
        })
    };
    f::JobQueryParams {
        quantum_machine_id: machine.to_owned(),
        job_id: matcher(&query.job_id),
        user_id: matcher(&query.user_id),
        position: query.position,
    }
}

fn compiler_messages(messages: Vec<wire_compiler::CompilerMessage>) -> Vec<CompilerMessage> {
    let read = |message: wire_compiler::CompilerMessage| CompilerMessage {
        level: level(message.level),
        text: message.message,
    };
    messages.into_iter().map(read).collect()
}

fn level(number: i32) -> Level {
    match MessageLevel::try_from(number) {
        Ok(MessageLevel::Info) => Level::Info,
        Ok(MessageLevel::Warning) => Level::Warning,
        Ok(MessageLevel::Error) | Err(_) => Level::Error,
    }
}

/// What is wrong with a configuration, of both lists that an answer has.
fn findings(
    of_config: Vec<m::ConfigValidationMessage>,
    physical: Vec<m::PhysicalValidationMessage>,
) -> Vec<ValidationMessage> {
    let of_config = of_config.into_iter().map(|e| ValidationMessage {
        path: e.path,
        group: e.group,
        message: e.message,
    });
    let physical = physical.into_iter().map(|e| ValidationMessage {
        path: e.path,
        group: e.group,
        message: e.message,
    });
    of_config.chain(physical).collect()
}

impl Dialect for Qop2 {
    fn version(&self) -> Call<String> {
        Call::new(frontend!("GetVersion"), &(), |answer| Ok(String::from_bytes(answer)?))
    }

    fn health(&self) -> Call<Health> {
        Call::new(frontend!("HealthCheck"), &(), |answer| {
            let answer = f::HealthCheckResponse::from_bytes(answer)?;
            Ok(Health {
                ok: answer.ok,
                messages: answer.message.into_iter().collect(),
                warnings: answer.warning_messages,
                errors: answer.error_messages,
            })
        })
    }

    fn open_machine(
        &self,
        given: &Configuration,
        close_others: bool,
    ) -> Result<Call<Result<Opened, Vec<ValidationMessage>>>> {
        use m::open_quantum_machine_request::OneOfCloseOtherMachines as Others;
        let others = if close_others { Others::Always(true) } else { Others::Never(true) };
        let request = m::OpenQuantumMachineRequest {
            config: Some(config(given)?),
            one_of_close_other_machines: Some(others),
            ..Default::default()
        };
        Ok(Call::new(frontend!("OpenQuantumMachine"), &request, |answer| {
            let answer = m::OpenQuantumMachineResponse::from_bytes(answer)?;
            if !answer.success {
                let config = answer.config_validation_errors;
                return Ok(Err(findings(config, answer.physical_validation_errors)));
            }
            let warnings = answer.open_qm_warnings.into_iter().map(|w| w.message).collect();
            Ok(Ok(Opened { machine: answer.machine_id, warnings }))
        }))
    }

    fn close_machine(&self, machine: &str) -> Call<Result<(), String>> {
        let request = m::CloseQuantumMachineRequest { machine_id: machine.to_owned() };
        Call::new(frontend!("CloseQuantumMachine"), &request, |answer| {
            let answer = m::CloseQuantumMachineResponse::from_bytes(answer)?;
            Ok(if answer.success { Ok(()) } else { Err(joined(answer.errors)) })
        })
    }

    fn list_machines(&self) -> Call<Vec<String>> {
        Call::new(frontend!("ListOpenQuantumMachines"), &(), |answer| {
            Ok(m::ListOpenQuantumMachinesResponse::from_bytes(answer)?.machine_i_ds)
        })
    }

    fn change_machine(
        &self,
        machine: &str,
        change: &MachineChange,
    ) -> Call<Result<(), Vec<MachineError>>> {
        machine::change(frontend!("PerformQmRequest"), machine, change)
    }

    fn configuration(&self, machine: &str) -> Call<Result<Configuration, String>> {
        machine::configuration(frontend!("GetQuantumMachine"), machine)
    }

    fn machine_settings(&self, machine: &str) -> Call<Result<MachineSettings, String>> {
        machine::settings(frontend!("GetQuantumMachine"), machine)
    }

    fn io_values(&self, machine: &str) -> Call<Result<[IoValues; 2], String>> {
        machine::io_values(frontend!("RequestData"), machine)
    }

    fn compile(&self, machine: &str, given: &Program) -> Result<Call<Taken>> {
        let request = f::CompileRequest {
            quantum_machine_id: machine.to_owned(),
            high_level_program: Some(program(given)?),
        };
        Ok(Call::new(frontend!("Compile"), &request, |answer| {
            let answer = f::CompileResponse::from_bytes(answer)?;
            let id = answer.ok.then_some(answer.program_id);
            Ok(Taken { id, messages: compiler_messages(answer.messages) })
        }))
    }

    fn add_to_queue(&self, machine: &str, given: &Program, to_start: bool) -> Result<Call<Taken>> {
        let request = f::AddToQueueRequest {
            quantum_machine_id: machine.to_owned(),
            high_level_program: Some(program(given)?),
            queue_position: Some(queue_position(to_start)),
        };
        Ok(Call::new(frontend!("AddToQueue"), &request, |answer| {
            let answer = f::AddToQueueResponse::from_bytes(answer)?;
            let id = answer.ok.then_some(answer.job_id);
            Ok(Taken { id, messages: compiler_messages(answer.messages) })
        }))
    }

    fn add_compiled(
        &self,
        machine: &str,
        program_id: &str,
        overrides: Vec<(String, Vec<f64>)>,
    ) -> Call<Taken> {
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
        Call::new(frontend!("AddCompiledToQueue"), &request, |answer| {
            let answer = f::AddCompiledToQueueResponse::from_bytes(answer)?;
            let errors = answer.errors.into_iter();
            let messages = errors.map(|error| CompilerMessage::error(error.message)).collect();
            Ok(Taken { id: answer.ok.then_some(answer.job_id), messages })
        })
    }

    fn saved_by(&self, given: &Program) -> Vec<(String, bool)> {
        let analysis = program(given).ok().and_then(|program| program.result_analysis);
        analysis.iter().flat_map(|analysis| &analysis.model).filter_map(results::saved).collect()
    }

    fn running_job(&self, machine: &str) -> Call<Option<String>> {
        let request = m::GetRunningJobRequest { machine_id: machine.to_owned() };
        Call::new(frontend!("GetRunningJob"), &request, |answer| {
            let id = m::GetRunningJobResponse::from_bytes(answer)?.job_id;
            Ok((!id.is_empty()).then_some(id))
        })
    }

    fn pending_jobs(&self, machine: &str, given: &PendingQuery) -> Call<Vec<(i32, String)>> {
        Call::new(frontend!("GetPendingJobs"), &query(machine, given), |answer| {
            let jobs = f::GetPendingJobsResponse::from_bytes(answer)?.pending_jobs;
            Ok(jobs.into_iter().map(|(id, job)| (job.position_in_queue, id)).collect())
        })
    }

    fn remove_pending(&self, machine: &str, given: &PendingQuery) -> Call<i32> {
        Call::new(frontend!("RemovePendingJobs"), &query(machine, given), |answer| {
            Ok(f::RemovePendingJobsResponse::from_bytes(answer)?.numbers_of_jobs_removed)
        })
    }

    fn job_status(&self, job: &str, machine: &str) -> Call<JobStatus> {
        let request = f::GetJobExecutionStatusRequest {
            quantum_machine_id: machine.to_owned(),
            job_id: job.to_owned(),
        };
        Call::new(frontend!("GetJobExecutionStatus"), &request, |answer| {
            let answer = f::GetJobExecutionStatusResponse::from_bytes(answer)?;
            Ok(job_status(answer.status.unwrap_or_default()))
        })
    }

    fn halt(&self, job: &str) -> Call<bool> {
        let request = f::HaltRequest { job_id: job.to_owned() };
        Call::new(frontend!("Halt"), &request, |answer| Ok(f::HaltResponse::from_bytes(answer)?.ok))
    }

    fn resume(&self, job: &str) -> Call<()> {
        let request = f::ResumeRequest { job_id: job.to_owned(), pulsers_bitmap: 0 };
        Call::new(frontend!("Resume"), &request, |answer| {
            f::ResumeResponse::from_bytes(answer)?;
            Ok(())
        })
    }

    fn is_paused(&self, job: &str) -> Call<bool> {
        let request = f::PausedStatusRequest { job_id: job.to_owned() };
        Call::new(frontend!("PausedStatus"), &request, |answer| {
            Ok(f::PausedStatusResponse::from_bytes(answer)?.is_paused)
        })
    }

    fn is_running(&self, job: &str) -> Call<bool> {
        let request = f::IsJobRunningRequest { job_id: job.to_owned() };
        Call::new(frontend!("IsJobRunning"), &request, |answer| {
            Ok(f::IsJobRunningResponse::from_bytes(answer)?.is_running)
        })
    }

    fn acquiring(&self, job: &str) -> Call<Acquiring> {
        use f::is_job_acquiring_data_response::AcquiringStatus;
        let request = f::IsJobAcquiringDataRequest { job_id: job.to_owned() };
        Call::new(frontend!("IsJobAcquiringData"), &request, |answer| {
            let status = f::IsJobAcquiringDataResponse::from_bytes(answer)?.acquiring_status;
            Ok(match AcquiringStatus::try_from(status) {
                Ok(AcquiringStatus::HasDataToAcquire) => Acquiring::Data,
                Ok(AcquiringStatus::NoDataToAcquire) => Acquiring::Nothing,
                Ok(AcquiringStatus::AcquireStopped) | Err(_) => Acquiring::Stopped,
            })
        })
    }

    fn job_errors(&self, job: &str) -> Call<Vec<ExecutionError>> {
        let request = r::GetJobErrorsRequest { job_id: job.to_owned() };
        Call::new(results!("GetJobErrors"), &request, |answer| {
            let read = |error: r::get_job_errors_response::Error| ExecutionError {
                code: error.error_code,
                severity: match ExecutionErrorSeverity::try_from(error.error_severity) {
                    Ok(ExecutionErrorSeverity::Warning) => Severity::Warning,
                    Ok(ExecutionErrorSeverity::Error) | Err(_) => Severity::Error,
                },
                message: error.message,
            };
            let errors = r::GetJobErrorsResponse::from_bytes(answer)?.errors;
            Ok(errors.into_iter().map(read).collect())
        })
    }

    fn correction(&self, job: &str, element: &str) -> Call<Result<Matrix, Refusal>> {
        let request = jm::GetElementCorrectionRequest {
            job_id: job.to_owned(),
            qe_name: element.to_owned(),
            correction: None,
        };
        Call::new(job_manager!(self, "GetElementCorrection"), &request, |answer| {
            let answer = jm::GetElementCorrectionResponse::from_bytes(answer)?;
            Ok(refusal(answer.job_manager_response_header)?.map(|()| matrix(answer.correction)))
        })
    }

    fn set_correction(
        &self,
        job: &str,
        element: &str,
        [v00, v01, v10, v11]: Matrix,
    ) -> Call<Result<Matrix, Refusal>> {
        let request = jm::SetElementCorrectionRequest {
            job_id: job.to_owned(),
            qe_name: element.to_owned(),
            correction: Some(WireMatrix { v00, v01, v10, v11 }),
        };
        Call::new(job_manager!(self, "SetElementCorrection"), &request, |answer| {
            let answer = jm::SetElementCorrectionResponse::from_bytes(answer)?;
            Ok(refusal(answer.job_manager_response_header)?.map(|()| matrix(answer.correction)))
        })
    }

    fn missing_for_input_streams(&self) -> Option<&'static str> {
        (!self.input_streams).then_some(INPUT_STREAMS)
    }

    fn push(&self, job: &str, stream: &str) -> PushTemplate {
        let request = jm::InsertInputStreamRequest {
            job_id: job.to_owned(),
            stream_name: format!("input_stream_{stream}"),
            stream_data_oneof: None,
        };
        let read: Read<Result<(), Refusal>> = |answer| {
            refusal(jm::InsertInputStreamResponse::from_bytes(answer)?.job_manager_response_header)
        };
        PushTemplate {
            path: job_manager!(self, "InsertInputStream"),
            start: request.framed(),
            fields: PUSH_FIELDS,
            read,
        }
    }

    fn result_schema(&self, job: &str) -> Call<Vec<AnnouncedResult>> {
        let request = r::GetJobResultSchemaRequest { job_id: job.to_owned() };
        Call::new(results!("GetJobResultSchema"), &request, |answer| {
            let read = |item: r::get_job_result_schema_response::Item| AnnouncedResult {
                name: item.name,
                dtype: item.simple_d_type,
                is_single: item.is_single,
                expected_count: item.expected_count,
                shape: item.shape.into_iter().map(i64::from).collect(),
            };
            let items = r::GetJobResultSchemaResponse::from_bytes(answer)?.items;
            Ok(items.into_iter().map(read).collect())
        })
    }

    fn result_header(&self, job: &str, name: &str, flat: bool) -> Call<ResultHeader> {
        let request = r::GetJobNamedResultHeaderRequest {
            job_id: job.to_owned(),
            output_name: name.to_owned(),
            flat_format: flat,
        };
        Call::new(results!("GetJobNamedResultHeader"), &request, |answer| {
            let answer = WideHeader::from_bytes(answer)?;
            Ok(ResultHeader {
                dtype: answer.simple_d_type,
                shape: answer.shape,
                count: answer.count_so_far,
                has_dataloss: answer.has_dataloss,
                has_execution_errors: answer.has_execution_errors.unwrap_or(false),
                done: answer.done,
                closed: answer.closed,
            })
        })
    }

    fn result_state(&self, job: &str) -> Option<Call<ResultState>> {
        let request = r::GetJobStateRequest { job_id: job.to_owned() };
        self.result_state.then(|| {
            Call::new(results!("GetJobState"), &request, |answer| {
                let answer = r::GetJobStateResponse::from_bytes(answer)?;
                let r::GetJobStateResponse { done, closed, has_dataloss } = answer;
                Ok(ResultState { done, closed, has_dataloss })
            })
        })
    }

    fn items(&self, job: &str, name: &str, first: u64, count: u64) -> StreamCall {
        let request = r::GetJobNamedResultRequest {
            job_id: job.to_owned(),
            output_name: name.to_owned(),
            offset: 0,
            limit: i32::try_from(count).unwrap_or(i32::MAX),
            long_offset: Some(first as i64),
        };
        let path = results!("GetJobNamedResult");
        StreamCall { path, frame: request.framed(), layout: RESULT }
    }

    fn simulate(
        &self,
        given: &Configuration,
        source: &Program,
        options: SimulateOptions,
    ) -> Result<Call<SimulationAnswer>> {
        let mut program = program(source)?;
        // Beside those that the program carries itself.
        program.compiler_options.get_or_insert_default().flags.extend(options.flags);
        let request = f::SimulationRequest {
            config: Some(config(given)?),
            high_level_program: Some(program),
            simulate: Some(Simulate {
                duration: options.cycles,
                include_analog_waveforms: options.analog_waveforms,
                include_digital_waveforms: options.digital_waveforms,
                simulation_interface: Some(interface(options.interface)),
                extra_processing_timeout_ms: options.extra_processing_ms,
                ..Default::default()
            }),
            controller_connections: options.connections.into_iter().map(connection).collect(),
        };
        Ok(Call::new(frontend!("Simulate"), &request, |answer| {
            let answer = f::SimulationResponse::from_bytes(answer)?;
            let part = answer.simulated.unwrap_or_default();
            // An empty structure is one that nobody filled.
            let given = |given: Option<prost_types::Struct>| {
                given.filter(|given| !given.fields.is_empty()).map(Structure)
            };
            Ok(SimulationAnswer {
                success: answer.success,
                job: answer.job_id,
                messages: compiler_messages(answer.messages),
                findings: findings(
                    answer.config_validation_errors,
                    answer.physical_validation_errors,
                ),
                errors: part.errors,
                report: given(part.waveform_report),
                analog: given(part.analog_outputs),
                digital: given(part.digital_outputs),
            })
        }))
    }

    fn samples(&self, job: &str, analog: bool, digital: bool) -> StreamCall {
        let request = r::PullSimulatorSamplesRequest {
            job_id: job.to_owned(),
            include_analog: analog,
            include_digital: digital,
            include_all_connections: true,
            ..Default::default()
        };
        let path = frontend!("PullSimulatorSamples");
        StreamCall { path, frame: request.framed(), layout: SAMPLES }
    }

    fn read_samples_header(&self, message: Bytes) -> Result<SamplesHeader, Unreadable> {
        use r::simulator_samples_response::Body;
        let message = r::SimulatorSamplesResponse::from_bytes(message)?;
        Ok(match (message.ok, message.body) {
            (true, Some(Body::Header(header))) => {
                SamplesHeader::Ports { dtype: header.simple_d_type, count: header.count_of_items }
            }
            (false, _) => SamplesHeader::None,
            _ => SamplesHeader::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_messages_are_read() {
        assert_eq!(
            [0, 1, 2, 9].map(level),
            [Level::Error, Level::Warning, Level::Info, Level::Error]
        );
    }

    #[test]
    fn the_job_manager_is_called_on_the_path_that_is_served() {
        let of = |capabilities: &[&str]| {
            let capabilities: Vec<_> = capabilities.iter().map(|c| (*c).to_owned()).collect();
            Qop2::new(&capabilities).push("j", "x").path
        };
        assert_eq!(of(&[]), "/qm.grpc.jobManager.JobManagerService/InsertInputStream");
        assert_eq!(
            of(&["qm.new_grpc_structure"]),
            "/qm.grpc.job_manager.JobManagerService/InsertInputStream"
        );
    }
}
