//! `JobResultsService`: schemas, headers, data, errors.

use pulsewire_wire::results::get_job_errors_response::{
    Error as WireError, ExecutionErrorSeverity,
};
use pulsewire_wire::results::get_job_result_schema_response::Item;
use pulsewire_wire::results::{
    GetJobErrorsRequest, GetJobErrorsResponse, GetJobNamedResultHeaderRequest,
    GetJobNamedResultHeaderResponse, GetJobNamedResultRequest, GetJobNamedResultResponse,
    GetJobResultSchemaRequest, GetJobResultSchemaResponse, GetJobStateRequest, GetJobStateResponse,
};
use tonic::Status;

use super::fast_path::frame::Streamed;
use super::service::{Call, Gateway};
use crate::control::Job;
use crate::streams::{Output, Progress};

/// The code of every runtime error of the emulator; the real ones are not documented.
const FAULT_CODE: i32 = 10_900;

fn output<'a>(job: &'a Job, name: &str) -> Result<&'a Output, Status> {
    job.results
        .output(name)
        .ok_or_else(|| Status::not_found(format!("the job '{}' has no result '{name}'", job.id)))
}

impl Gateway {
    pub(super) async fn get_job_result_schema(
        &self,
        request: Call<GetJobResultSchemaRequest>,
    ) -> Result<GetJobResultSchemaResponse, Status> {
        let job = self.job(&request.message.job_id)?;
        let item = |output: &Output| Item {
            name: output.name.clone(),
            simple_d_type: output.ty.structured_dtype(),
            is_single: output.single,
            expected_count: 0,
            shape: vec![1],
        };
        let items = job.results.outputs().iter().map(item).collect();
        Ok(GetJobResultSchemaResponse { items })
    }

    pub(super) async fn get_job_state(
        &self,
        request: Call<GetJobStateRequest>,
    ) -> Result<GetJobStateResponse, Status> {
        let job = self.job(&request.message.job_id)?;
        let progress = job.results.progress();
        Ok(GetJobStateResponse {
            done: progress == Progress::Done,
            closed: progress == Progress::Closed,
            has_dataloss: job.results.data_loss(),
        })
    }

    pub(super) async fn get_job_named_result_header(
        &self,
        request: Call<GetJobNamedResultHeaderRequest>,
    ) -> Result<GetJobNamedResultHeaderResponse, Status> {
        let request = &request.message;
        let job = self.job(&request.job_id)?;
        let output = output(&job, &request.output_name)?;
        // Before the count: a reader that sees `done` must find everything in the count.
        let progress = job.results.progress();
        let (simple_d_type, shape) = if request.flat_format {
            output.ty.flat()
        } else {
            (output.ty.structured_dtype(), vec![1])
        };
        Ok(GetJobNamedResultHeaderResponse {
            is_single: output.single,
            count_so_far: i32::try_from(output.count()).unwrap_or(i32::MAX),
            simple_d_type,
            done: progress == Progress::Done,
            closed: progress == Progress::Closed,
            has_dataloss: job.results.data_loss(),
            shape,
            has_execution_errors: Some(job.has_errors()),
        })
    }

    pub(super) async fn get_job_named_result(
        &self,
        request: Call<GetJobNamedResultRequest>,
    ) -> Result<Streamed<GetJobNamedResultResponse>, Status> {
        let request = &request.message;
        let job = self.job(&request.job_id)?;
        let output = output(&job, &request.output_name)?;
        let offset = request.long_offset.unwrap_or_else(|| i64::from(request.offset));
        let pieces = output.read(offset, i64::from(request.limit));
        let messages = pieces.into_iter().map(|piece| {
            let count_of_items = i32::try_from(piece.count).unwrap_or(i32::MAX);
            Ok(GetJobNamedResultResponse { count_of_items, data: piece.data })
        });
        Ok(Box::pin(tokio_stream::iter(messages)))
    }

    pub(super) async fn get_job_errors(
        &self,
        request: Call<GetJobErrorsRequest>,
    ) -> Result<GetJobErrorsResponse, Status> {
        let job = self.job(&request.message.job_id)?;
        let errors = job.faults().into_iter().map(|fault| WireError {
            error_code: FAULT_CODE,
            error_severity: if fault.warning {
                ExecutionErrorSeverity::Warning as i32
            } else {
                ExecutionErrorSeverity::Error as i32
            },
            message: fault.message,
        });
        Ok(GetJobErrorsResponse { errors: errors.collect(), job_id: job.id.clone() })
    }
}
