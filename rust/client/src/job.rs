//! One job: status, queue position, halt, pause, resume, cancel, waits, corrections, errors.

use std::time::SystemTime;

use prost_types::Timestamp;
use pulsewire_wire::errors::{
    ConfigQueryErrorTypes, JobManagerErrorTypes, JobOperationSpecificErrorTypes,
};
use pulsewire_wire::frontend as f;
use pulsewire_wire::frontend::job_execution_status::Status as WireStatus;
use pulsewire_wire::general_messages::Matrix as WireMatrix;
use pulsewire_wire::job_manager as jm;
use pulsewire_wire::job_manager::job_error_details::ErrorType;
use pulsewire_wire::results as r;
use pulsewire_wire::results::get_job_errors_response::ExecutionErrorSeverity;

use crate::client::{Client, PendingQuery, call_job_manager};
use crate::correction::{self, Matrix};
use crate::error::{Error, JobManagerError, Result, short};
use crate::retry;
use crate::status::MOST_SAID;
use crate::wait::{self, Timeout};

/// The state of a job, without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The gateway does not know it.
    Unknown,
    /// In the queue.
    Pending,
    /// The program runs (or is paused).
    Running,
    /// The program ended.
    Completed,
    /// Removed before it ran.
    Canceled,
    /// About to run.
    Loading,
    /// It failed.
    Error,
    /// The program ended, its results are still on their way.
    Processing,
}

impl State {
    /// The documented text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Canceled => "canceled",
            Self::Loading => "loading",
            Self::Error => "error",
            Self::Processing => "processing",
        }
    }
}

/// What the gateway tells of a job besides its state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusDetails {
    /// Who added it.
    pub added_by: Option<String>,
    /// When it was added; some gateways leave it out of some states.
    pub time_added: Option<SystemTime>,
    /// Its place in the queue, from 1.
    pub position: Option<i32>,
    /// Why it failed.
    pub errors: Vec<String>,
}

/// A job's status at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatus {
    /// Where it is.
    pub state: State,
    /// The rest.
    pub details: StatusDetails,
}

/// Whether a job acquires data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquiring {
    /// No more data comes.
    Stopped,
    /// The program saves nothing.
    Nothing,
    /// There is, or will be, data.
    Data,
}

/// How serious a runtime error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something went wrong.
    Error,
    /// Something may have gone wrong.
    Warning,
}

/// A runtime error of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionError {
    /// Its number.
    pub code: i32,
    /// How serious it is.
    pub severity: Severity,
    /// Its text.
    pub message: String,
}

fn time(stamp: Option<Timestamp>) -> Option<SystemTime> {
    stamp.and_then(|stamp| SystemTime::try_from(stamp).ok())
}

impl From<f::JobExecutionStatus> for JobStatus {
    fn from(status: f::JobExecutionStatus) -> Self {
        let known = |state, added_by: String, added: Option<Timestamp>| Self {
            state,
            details: StatusDetails {
                added_by: Some(added_by),
                // An unset time reads as the epoch, as in the vendor's client (F2.2).
                time_added: time(added.or_else(|| Some(Timestamp::default()))),
                ..Default::default()
            },
        };
        let bare = |state| Self { state, details: StatusDetails::default() };
        match status.status {
            None | Some(WireStatus::Unknown(_)) => bare(State::Unknown),
            Some(WireStatus::Pending(s)) => {
                let mut status = known(State::Pending, s.added_by, s.time_added);
                status.details.position = Some(s.position_in_queue);
                status
            }
            Some(WireStatus::Running(s)) => known(State::Running, s.added_by, s.time_added),
            Some(WireStatus::Completed(s)) => known(State::Completed, s.added_by, s.time_added),
            Some(WireStatus::Canceled(_)) => bare(State::Canceled),
            Some(WireStatus::Loading(s)) => known(State::Loading, s.added_by, s.time_added),
            Some(WireStatus::Processing(s)) => known(State::Processing, s.added_by, s.time_added),
            Some(WireStatus::Error(s)) => {
                let texts = s.error_messages.unwrap_or_default().values.into_iter();
                let errors = texts.filter_map(|value| match value.kind {
                    Some(prost_types::value::Kind::StringValue(text)) => Some(text),
                    _ => None,
                });
                let mut status = bare(State::Error);
                status.details.errors = errors.collect();
                status
            }
        }
    }
}

/// A job; it lives in the gateway whether or not anybody holds this.
#[derive(Clone, Debug)]
pub struct Job {
    client: Client,
    id: String,
    machine: String,
}

impl Job {
    pub(crate) fn new(client: Client, id: String, machine: String) -> Self {
        Self { client, id, machine }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of its machine; may be empty.
    pub fn machine(&self) -> &str {
        &self.machine
    }

    /// The connection it is reached through.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn action(&self, what: &str) -> String {
        format!("{what} the job '{}'", self.id)
    }

    /// Where it is now.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn status(&self) -> Result<JobStatus> {
        retry::reading(|| async {
            let mut frontend = self.client.frontend();
            let call = frontend.get_job_execution_status(f::GetJobExecutionStatusRequest {
                quantum_machine_id: self.machine.clone(),
                job_id: self.id.clone(),
            });
            let action = || self.action("ask for the status of");
            let response = self.client.call(action, None, call).await?;
            Ok(response.status.unwrap_or_default().into())
        })
        .await
        .map_err(Self::or_missing)
    }

    /// Waits until the program runs or has run.
    ///
    /// # Errors
    /// [`Error::WaitTimeout`]; [`Error::JobFailed`], [`Error::JobCancelled`] or
    /// [`Error::UnknownState`] as soon as the job cannot run any more.
    pub async fn wait_for_execution(&self, timeout: Timeout) -> Result<()> {
        let action = || self.action("wait for the start of");
        let started = wait::until(timeout, || async {
            let status = self.status().await?;
            match status.state {
                State::Running | State::Completed | State::Processing => Ok(Some(())),
                State::Pending | State::Loading => Ok(None),
                State::Error => Err(Error::JobFailed {
                    action: action(),
                    job: self.id.clone(),
                    messages: status.details.errors,
                }),
                State::Canceled => {
                    Err(Error::JobCancelled { action: action(), job: self.id.clone() })
                }
                State::Unknown => {
                    Err(Error::UnknownState { action: action(), job: self.id.clone() })
                }
            }
        });
        let timeout = timeout.duration();
        started.await?.ok_or_else(|| Error::WaitTimeout { action: action(), timeout })
    }

    /// Takes it out of the queue; false when it is not in it (any more).
    ///
    /// # Errors
    /// Those of any call.
    pub async fn cancel_pending(&self) -> Result<bool> {
        let query = PendingQuery { job_id: Some(self.id.clone()), ..Default::default() };
        Ok(self.client.remove_pending(&self.machine, query).await? > 0)
    }

    /// A gateway that finds nothing knows no such job: these calls name nothing else.
    pub(crate) fn or_missing(error: Error) -> Error {
        match error {
            Error::Connection { action, reason, status: "NOT_FOUND" } => {
                Error::JobManager { action, kind: JobManagerError::MissingJob, message: reason }
            }
            other => other,
        }
    }

    /// Stops it; false when it does not run.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn halt(&self) -> Result<bool> {
        let mut frontend = self.client.frontend();
        let call = frontend.halt(f::HaltRequest { job_id: self.id.clone() });
        let answer = self.client.call(|| self.action("halt"), None, call).await;
        Ok(answer.map_err(Self::or_missing)?.ok)
    }

    /// Lets it go on after a `pause()`.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn resume(&self) -> Result<()> {
        let mut frontend = self.client.frontend();
        let request = f::ResumeRequest { job_id: self.id.clone(), pulsers_bitmap: 0 };
        let call = frontend.resume(request);
        let answer = self.client.call(|| self.action("resume"), None, call).await;
        answer.map(drop).map_err(Self::or_missing)
    }

    /// Whether it stands at a `pause()`.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn is_paused(&self) -> Result<bool> {
        retry::reading(|| async {
            let mut frontend = self.client.frontend();
            let call = frontend.paused_status(f::PausedStatusRequest { job_id: self.id.clone() });
            let action = || self.action("ask for a pause of");
            Ok(self.client.call(action, None, call).await?.is_paused)
        })
        .await
        .map_err(Self::or_missing)
    }

    /// Whether its program runs.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn is_running(&self) -> Result<bool> {
        retry::reading(|| async {
            let mut frontend = self.client.frontend();
            let call = frontend.is_job_running(f::IsJobRunningRequest { job_id: self.id.clone() });
            let action = || self.action("ask for the running of");
            Ok(self.client.call(action, None, call).await?.is_running)
        })
        .await
        .map_err(Self::or_missing)
    }

    /// Whether it acquires data.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn acquiring(&self) -> Result<Acquiring> {
        use f::is_job_acquiring_data_response::AcquiringStatus;
        retry::reading(|| async {
            let mut frontend = self.client.frontend();
            let request = f::IsJobAcquiringDataRequest { job_id: self.id.clone() };
            let call = frontend.is_job_acquiring_data(request);
            let action = || self.action("ask for the acquisition of");
            let status = self.client.call(action, None, call).await?.acquiring_status;
            Ok(match AcquiringStatus::try_from(status) {
                Ok(AcquiringStatus::HasDataToAcquire) => Acquiring::Data,
                Ok(AcquiringStatus::NoDataToAcquire) => Acquiring::Nothing,
                Ok(AcquiringStatus::AcquireStopped) | Err(_) => Acquiring::Stopped,
            })
        })
        .await
        .map_err(Self::or_missing)
    }

    /// Its runtime errors.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn errors(&self) -> Result<Vec<ExecutionError>> {
        let errors = retry::reading(|| async {
            let mut results = self.client.results_service();
            let call = results.get_job_errors(r::GetJobErrorsRequest { job_id: self.id.clone() });
            let action = || self.action("ask for the runtime errors of");
            Ok(self.client.call(action, None, call).await?.errors)
        })
        .await
        .map_err(Self::or_missing)?;
        let read = |error: r::get_job_errors_response::Error| ExecutionError {
            code: error.error_code,
            severity: match ExecutionErrorSeverity::try_from(error.error_severity) {
                Ok(ExecutionErrorSeverity::Warning) => Severity::Warning,
                Ok(ExecutionErrorSeverity::Error) | Err(_) => Severity::Error,
            },
            message: error.message,
        };
        Ok(errors.into_iter().map(read).collect())
    }

    /// The correction matrix of an element in this job.
    ///
    /// # Errors
    /// [`Error::JobManager`] when the element can have none.
    pub async fn correction(&self, element: &str) -> Result<Matrix> {
        let request = jm::GetElementCorrectionRequest {
            job_id: self.id.clone(),
            qe_name: element.to_owned(),
            correction: None,
        };
        let action = || self.action(&format!("get the correction of '{element}' in"));
        let response = call_job_manager!(self.client, action, get_element_correction(request));
        check(response.job_manager_response_header, action, element, [0.0; 4])?;
        Ok(matrix(response.correction))
    }

    /// Sets the correction matrix of an element in this job; gives it as the hardware holds it.
    ///
    /// # Errors
    /// [`Error::Value`] for an entry out of range, before anything is sent; [`Error::JobManager`]
    /// when the element can have none.
    pub async fn set_correction(&self, element: &str, wanted: Matrix) -> Result<Matrix> {
        let action = || self.action(&format!("set the correction of '{element}' in"));
        let exact =
            correction::quantize(&format!("the element '{element}'"), wanted).map_err(|error| {
                Error::JobManager {
                    action: action(),
                    kind: JobManagerError::InvalidElementCorrection {
                        element: element.to_owned(),
                        correction: wanted,
                    },
                    message: error.to_string(),
                }
            })?;
        let [v00, v01, v10, v11] = exact;
        let request = jm::SetElementCorrectionRequest {
            job_id: self.id.clone(),
            qe_name: element.to_owned(),
            correction: Some(WireMatrix { v00, v01, v10, v11 }),
        };
        let response = call_job_manager!(self.client, action, set_element_correction(request));
        check(response.job_manager_response_header, action, element, wanted)?;
        Ok(matrix(response.correction))
    }
}

fn matrix(matrix: Option<WireMatrix>) -> Matrix {
    let matrix = matrix.unwrap_or_default();
    [matrix.v00, matrix.v01, matrix.v10, matrix.v11]
}

/// Reads the header of a JobManager answer (F2.7).
pub(crate) fn check(
    header: Option<jm::JobManagerResponseHeader>,
    action: impl Fn() -> String,
    element: &str,
    wanted: Matrix,
) -> Result<()> {
    use JobOperationSpecificErrorTypes as Specific;
    // Without one nobody knows what became of the call.
    let Some(header) = header else {
        return Err(Error::Connection {
            action: action(),
            reason: "the answer does not say whether it was done".to_owned(),
            status: "INTERNAL",
        });
    };
    if header.success {
        return Ok(());
    }
    let details = header.job_error_details.unwrap_or_default();
    let element = element.to_owned();
    let kind = match JobManagerErrorTypes::try_from(header.job_manager_error_type) {
        Ok(JobManagerErrorTypes::MissingJobError) => JobManagerError::MissingJob,
        Ok(JobManagerErrorTypes::InvalidJobExecutionStatusError) => {
            JobManagerError::InvalidJobExecutionStatus
        }
        Ok(JobManagerErrorTypes::InvalidOperationOnSimulatorJobError) => {
            JobManagerError::InvalidOperationOnSimulatorJob
        }
        Ok(JobManagerErrorTypes::InvalidOperationOnRealJobError) => {
            JobManagerError::InvalidOperationOnRealJob
        }
        Ok(JobManagerErrorTypes::UnknownInputStreamError) => JobManagerError::UnknownInputStream,
        Ok(JobManagerErrorTypes::JobOperationSpecificError) => match details.error_type {
            Some(ErrorType::JobOperationSpecificErrorType(number)) => {
                match Specific::try_from(number) {
                    Ok(Specific::SingleInputElementError) => {
                        JobManagerError::ElementWithSingleInput { element }
                    }
                    Ok(Specific::InvalidCorrectionMatrixError) => {
                        JobManagerError::InvalidElementCorrection { element, correction: wanted }
                    }
                    Ok(Specific::ElementWithoutIntermediateFrequencyError) => {
                        JobManagerError::ElementWithoutIntermediateFrequency { element }
                    }
                    _ => JobManagerError::Unspecified,
                }
            }
            _ => JobManagerError::Unspecified,
        },
        Ok(JobManagerErrorTypes::ConfigQueryError) => match details.error_type {
            Some(ErrorType::ConfigQueryErrorType(number))
                if number == ConfigQueryErrorTypes::MissingElementError as i32 =>
            {
                JobManagerError::MissingElement
            }
            _ => JobManagerError::Unspecified,
        },
        Ok(JobManagerErrorTypes::JobManagerUnspecifiedError) | Err(_) => {
            JobManagerError::Unspecified
        }
    };
    // The wire's names of input streams are not the user's.
    let message = details.message.replace("'input_stream_", "'");
    let message = short(&message, MOST_SAID).into_owned();
    Err(Error::JobManager { action: action(), kind, message })
}
