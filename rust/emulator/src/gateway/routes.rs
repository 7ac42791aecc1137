//! Which call is answered by what: one table of all paths.

use std::pin::Pin;

use http::Request;
use hyper::body::Incoming;
use pulsewire_wire::WholeMessage;
use tonic::Status;

use super::fast_path::frame::{self, Body};
use super::fast_path::{insert, results};
use super::service::{Call, Gateway};

/// An answer on its way.
pub(super) type Answering = Pin<Box<dyn Future<Output = http::Response<Body>> + Send>>;
type Handler = fn(Gateway, Request<Incoming>) -> Answering;

/// One message for another.
macro_rules! unary {
    ($method:ident) => {
        |gateway, request| {
            Box::pin(async move {
                let answer = async { gateway.$method(read(&gateway, request).await?).await };
                frame::unary(answer.await.map(|answer| answer.framed()))
            })
        }
    };
}

/// The same for calls about queues: those of one connection are answered in the order in which they were sent, so
/// that a client need not wait for one before the next.
macro_rules! in_turn {
    ($method:ident) => {
        |gateway, request| {
            Box::pin(async move {
                // Before anything of it is read: polled once when it arrives.
                let _turn = gateway.queues.clone().lock_owned().await;
                let answer = async { gateway.$method(read(&gateway, request).await?).await };
                frame::unary(answer.await.map(|answer| answer.framed()))
            })
        }
    };
}

/// One message for many, each framed by a function.
macro_rules! stream {
    ($method:ident, $framed:expr) => {
        |gateway, request| {
            Box::pin(async move {
                let answer = async { gateway.$method(read(&gateway, request).await?).await };
                frame::messages(answer.await, $framed)
            })
        }
    };
}

/// A call that no client of QOP 2 makes.
macro_rules! unimplemented {
    ($says:literal) => {
        |_, _| Box::pin(async { frame::failure(&Status::unimplemented($says)) })
    };
}

async fn read<T: WholeMessage>(
    gateway: &Gateway,
    request: Request<Incoming>,
) -> Result<Call<T>, Status> {
    let headers = request.headers().clone();
    let message = frame::message(request, gateway.message_bytes()).await?;
    let message = T::from_bytes(message).map_err(|error| Status::internal(error.to_string()))?;
    Ok(Call { message, headers })
}

/// An entry, with its many ints read in one go.
fn insert_input_stream(gateway: Gateway, request: Request<Incoming>) -> Answering {
    Box::pin(async move {
        // A short entry does not overtake a long one that was sent before.
        let _turn = gateway.pushes.clone().lock_owned().await;
        let message = frame::message(request, gateway.message_bytes()).await;
        let request = message.and_then(|message| insert::read(&message));
        frame::unary(request.map(|request| gateway.insert(request).framed()))
    })
}

fn frontend(method: &str) -> Option<Handler> {
    Some(match method {
        "GetVersion" => unary!(get_version),
        "HealthCheck" => unary!(health_check),
        "Execute" => unimplemented!("Execute: clients of QOP 2 use AddToQueue"),
        "AddToQueue" => in_turn!(add_to_queue),
        "Compile" => unary!(compile),
        "AddCompiledToQueue" => in_turn!(add_compiled_to_queue),
        "RemovePendingJobs" => in_turn!(remove_pending_jobs),
        "GetPendingJobs" => in_turn!(get_pending_jobs),
        "GetJobExecutionStatus" => unary!(get_job_execution_status),
        "GetJobStatusUpdates" => stream!(get_job_status_updates, frame::whole),
        "PausedStatus" => unary!(paused_status),
        "Resume" => unary!(resume),
        "Halt" => unary!(halt),
        "ResetDataProcessing" => unary!(reset_data_processing),
        "ValidateConfig" => unimplemented!("ValidateConfig: no client of QOP 2 calls it"),
        "Init" => unimplemented!("Init: no client of QOP 2 calls it"),
        "PerformQmRequest" => unary!(perform_qm_request),
        "RequestData" => unary!(request_data),
        "PullSimulatorSamples" => stream!(pull_simulator_samples, results::samples),
        "OpenQuantumMachine" => unary!(open_quantum_machine),
        "CloseQuantumMachine" => unary!(close_quantum_machine),
        "GetQuantumMachine" => unary!(get_quantum_machine),
        "GetRunningJob" => in_turn!(get_running_job),
        "ListOpenQuantumMachines" => unary!(list_open_quantum_machines),
        "CloseAllQuantumMachines" => unary!(close_all_quantum_machines),
        "GetControllers" => unary!(get_controllers),
        "IsJobRunning" => unary!(is_job_running),
        "IsJobAcquiringData" => unary!(is_job_acquiring_data),
        "Simulate" => unary!(simulate),
        "ClearAllJobResults" => unary!(clear_all_job_results),
        "PerformHalDebugCommand" => unary!(perform_hal_debug_command),
        "GetSimulatedQuantumState" => {
            unimplemented!("GetSimulatedQuantumState: no client of QOP 2 calls it")
        }
        _ => return None,
    })
}

fn job_results(method: &str) -> Option<Handler> {
    Some(match method {
        "GetJobResultSchema" => unary!(get_job_result_schema),
        "GetJobState" => unary!(get_job_state),
        "GetJobNamedResultHeader" => unary!(get_job_named_result_header),
        "GetJobNamedResult" => stream!(get_job_named_result, results::result),
        "GetJobErrors" => unary!(get_job_errors),
        _ => return None,
    })
}

fn job_manager(method: &str) -> Option<Handler> {
    Some(match method {
        "GetElementCorrection" => unary!(get_element_correction),
        "SetElementCorrection" => unary!(set_element_correction),
        "InsertInputStream" => insert_input_stream,
        _ => return None,
    })
}

fn octave(method: &str) -> Option<Handler> {
    Some(match method {
        "GetVersion" => unary!(octave_version),
        "Control" => unary!(octave_control),
        "Update" => unary!(octave_update),
        "Aquire" => unary!(octave_acquire),
        "Identify" => unary!(octave_identify),
        "Monitor" => unary!(octave_monitor),
        "Explore" => unary!(octave_explore),
        "Save" => unary!(octave_save),
        "Recall" | "Reset" => unary!(octave_recall),
        "List" => unary!(octave_list),
        "Health" => stream!(octave_health, frame::whole),
        _ => return None,
    })
}

/// What answers a path.
fn route(path: &str) -> Option<Handler> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    match service {
        "io.qualang.api.v1.InfoService" if method == "GetInfo" => Some(unary!(get_info)),
        "qm.grpc.frontend.Frontend" => frontend(method),
        "qm.grpc.results_analyser.JobResultsService" => job_results(method),
        "qm.grpc.job_manager.JobManagerService" if method == "UpdateOscillatorFrequency" => {
            Some(unimplemented!("UpdateOscillatorFrequency: no client of QOP 2 calls it"))
        }
        // The older path of the same service.
        "qm.grpc.job_manager.JobManagerService" | "qm.grpc.jobManager.JobManagerService" => {
            job_manager(method)
        }
        "quantummachines.octave.api.v1.OctaveService" => octave(method),
        _ => None,
    }
}

impl Gateway {
    fn message_bytes(&self) -> usize {
        self.registry.jobs.limits.message_bytes
    }

    /// Answers a call.
    pub(super) fn answer(self, request: Request<Incoming>) -> Answering {
        match route(request.uri().path()) {
            Some(handler) => handler(self, request),
            None => Box::pin(async { frame::failure(&Status::unimplemented("")) }),
        }
    }
}
