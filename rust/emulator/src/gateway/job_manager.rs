//! `JobManagerService`, under both of its paths.

use std::sync::Arc;

use pulsewire_common::correction::Matrix;
use pulsewire_wire::errors::{
    ConfigQueryErrorTypes, JobManagerErrorTypes, JobOperationSpecificErrorTypes,
};
use pulsewire_wire::general_messages::Matrix as WireMatrix;
use pulsewire_wire::job_manager::insert_input_stream_request::StreamDataOneof;
use pulsewire_wire::job_manager::job_error_details::ErrorType;
use pulsewire_wire::job_manager::{
    GetElementCorrectionRequest, GetElementCorrectionResponse, InsertInputStreamRequest,
    InsertInputStreamResponse, JobErrorDetails, JobManagerResponseHeader,
    SetElementCorrectionRequest, SetElementCorrectionResponse,
};
use tonic::Status;

use super::service::{Call, Gateway};
use crate::config::CorrectionError;
use crate::control::Job;
use crate::runtime::{InputEntry, PushError};

/// A header that says what went wrong.
struct Refusal {
    kind: JobManagerErrorTypes,
    details: Option<JobErrorDetails>,
}

impl Refusal {
    fn new(kind: JobManagerErrorTypes, message: String) -> Self {
        Self { kind, details: Some(JobErrorDetails { error_type: None, message }) }
    }
}

impl From<CorrectionError> for Refusal {
    fn from(error: CorrectionError) -> Self {
        use JobOperationSpecificErrorTypes as Specific;
        let operation = |specific: Specific| {
            let detail = ErrorType::JobOperationSpecificErrorType(specific as i32);
            (JobManagerErrorTypes::JobOperationSpecificError, detail)
        };
        let (kind, detail) = match &error {
            CorrectionError::MissingElement(_) => (
                JobManagerErrorTypes::ConfigQueryError,
                ErrorType::ConfigQueryErrorType(ConfigQueryErrorTypes::MissingElementError as i32),
            ),
            CorrectionError::SingleInput(_) => operation(Specific::SingleInputElementError),
            CorrectionError::NoIntermediateFrequency(_) => {
                operation(Specific::ElementWithoutIntermediateFrequencyError)
            }
            CorrectionError::Invalid { .. } => operation(Specific::InvalidCorrectionMatrixError),
        };
        let message = error.to_string();
        Self { kind, details: Some(JobErrorDetails { error_type: Some(detail), message }) }
    }
}

fn header(job_id: &str, outcome: &Result<impl Sized, Refusal>) -> Option<JobManagerResponseHeader> {
    let (kind, job_error_details) = match outcome {
        Ok(_) => (JobManagerErrorTypes::JobManagerUnspecifiedError, None),
        Err(refusal) => (refusal.kind, refusal.details.clone()),
    };
    Some(JobManagerResponseHeader {
        success: outcome.is_ok(),
        job_id: job_id.to_owned(),
        job_manager_error_type: kind as i32,
        job_error_details,
    })
}

impl Gateway {
    /// A job that can still be acted on.
    fn live_job(&self, id: &str) -> Result<Arc<Job>, Refusal> {
        let job = self.registry.jobs.job(id).ok_or_else(|| {
            Refusal::new(JobManagerErrorTypes::MissingJobError, format!("there is no job '{id}'"))
        })?;
        if job.simulated.is_some() {
            return Err(Refusal::new(
                JobManagerErrorTypes::InvalidOperationOnSimulatorJobError,
                format!("the job '{id}' is a simulation"),
            ));
        }
        if job.phase().is_final() {
            return Err(Refusal::new(
                JobManagerErrorTypes::InvalidJobExecutionStatusError,
                format!("the job '{id}' has ended"),
            ));
        }
        Ok(job)
    }

    /// An entry of an input stream.
    pub(super) fn insert(&self, request: InsertInputStreamRequest) -> InsertInputStreamResponse {
        let outcome = self.live_job(&request.job_id).and_then(|job| {
            let entry = match request.stream_data_oneof {
                Some(StreamDataOneof::IntStreamData(data)) => InputEntry::Ints(data.data),
                Some(StreamDataOneof::FixedStreamData(data)) => InputEntry::Fixed(data.data),
                Some(StreamDataOneof::BoolStreamData(data)) => InputEntry::Bools(data.data),
                None => InputEntry::Bools(Vec::new()),
            };
            job.control.push(&request.stream_name, entry).map_err(|error| {
                let kind = match error {
                    PushError::Unknown { .. } => JobManagerErrorTypes::UnknownInputStreamError,
                    PushError::Mismatch(_) | PushError::Full(_) => {
                        JobManagerErrorTypes::JobManagerUnspecifiedError
                    }
                };
                Refusal::new(kind, error.to_string())
            })
        });
        InsertInputStreamResponse { job_manager_response_header: header(&request.job_id, &outcome) }
    }

    pub(super) async fn get_element_correction(
        &self,
        request: Call<GetElementCorrectionRequest>,
    ) -> Result<GetElementCorrectionResponse, Status> {
        let request = &request.message;
        let job = self.live_job(&request.job_id);
        let outcome = job.and_then(|job| Ok(job.correction(&request.qe_name)?));
        Ok(GetElementCorrectionResponse {
            job_manager_response_header: header(&request.job_id, &outcome),
            correction: outcome.ok().map(to_wire),
        })
    }

    pub(super) async fn set_element_correction(
        &self,
        request: Call<SetElementCorrectionRequest>,
    ) -> Result<SetElementCorrectionResponse, Status> {
        let request = &request.message;
        // Without a matrix there is none to set: refused as one that is no number.
        let nothing = WireMatrix { v00: f64::NAN, ..Default::default() };
        let matrix = request.correction.unwrap_or(nothing);
        let matrix = [matrix.v00, matrix.v01, matrix.v10, matrix.v11];
        let job = self.live_job(&request.job_id);
        let outcome = job.and_then(|job| Ok(job.set_correction(&request.qe_name, matrix)?));
        Ok(SetElementCorrectionResponse {
            job_manager_response_header: header(&request.job_id, &outcome),
            correction: outcome.ok().map(to_wire),
        })
    }
}

fn to_wire([v00, v01, v10, v11]: Matrix) -> WireMatrix {
    WireMatrix { v00, v01, v10, v11 }
}
