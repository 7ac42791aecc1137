//! `JobResultsService`: schemas, headers, data, errors.

use std::sync::Arc;

use pulsewire_wire::results::get_job_errors_response::{
    Error as WireError, ExecutionErrorSeverity,
};
use pulsewire_wire::results::get_job_result_schema_response::Item;
use pulsewire_wire::results::job_results_service_server::JobResultsService;
use pulsewire_wire::results::{
    GetJobErrorsRequest, GetJobErrorsResponse, GetJobNamedResultHeaderRequest,
    GetJobNamedResultHeaderResponse, GetJobNamedResultRequest, GetJobNamedResultResponse,
    GetJobResultSchemaRequest, GetJobResultSchemaResponse, GetJobStateRequest, GetJobStateResponse,
};
use tonic::{Request, Response, Status};

use super::{Streamed, no_job};
use crate::machine::{Hub, Job};
use crate::streams::store::{Output, Progress};

/// The code of every runtime error of the emulator; the real ones are not documented (F8.3).
const FAULT_CODE: i32 = 10_900;

#[derive(Clone, Debug)]
pub(super) struct JobResults(pub(super) Arc<Hub>);

impl JobResults {
    fn job(&self, id: &str) -> Result<Arc<Job>, Status> {
        self.0.job(id).ok_or_else(|| no_job(id))
    }
}

fn output<'a>(job: &'a Job, name: &str) -> Result<&'a Output, Status> {
    job.results
        .output(name)
        .ok_or_else(|| Status::not_found(format!("the job '{}' has no result '{name}'", job.id)))
}

#[tonic::async_trait]
impl JobResultsService for JobResults {
    async fn get_job_result_schema(
        &self,
        request: Request<GetJobResultSchemaRequest>,
    ) -> Result<Response<GetJobResultSchemaResponse>, Status> {
        let job = self.job(&request.get_ref().job_id)?;
        let item = |output: &Output| Item {
            name: output.name.clone(),
            simple_d_type: output.ty.structured_dtype(),
            is_single: output.single,
            expected_count: 0,
            shape: vec![1],
        };
        let items = job.results.outputs().iter().map(item).collect();
        Ok(Response::new(GetJobResultSchemaResponse { items }))
    }

    async fn get_job_state(
        &self,
        request: Request<GetJobStateRequest>,
    ) -> Result<Response<GetJobStateResponse>, Status> {
        let job = self.job(&request.get_ref().job_id)?;
        let progress = job.results.progress();
        Ok(Response::new(GetJobStateResponse {
            done: progress == Progress::Done,
            closed: progress == Progress::Closed,
            has_dataloss: job.results.data_loss(),
        }))
    }

    async fn get_job_named_result_header(
        &self,
        request: Request<GetJobNamedResultHeaderRequest>,
    ) -> Result<Response<GetJobNamedResultHeaderResponse>, Status> {
        let request = request.get_ref();
        let job = self.job(&request.job_id)?;
        let output = output(&job, &request.output_name)?;
        // Before the count: a reader that sees `done` must find everything in the count.
        let progress = job.results.progress();
        let (simple_d_type, shape) = if request.flat_format {
            output.ty.flat()
        } else {
            (output.ty.structured_dtype(), vec![1])
        };
        Ok(Response::new(GetJobNamedResultHeaderResponse {
            is_single: output.single,
            count_so_far: i32::try_from(output.count()).unwrap_or(i32::MAX),
            simple_d_type,
            done: progress == Progress::Done,
            closed: progress == Progress::Closed,
            has_dataloss: job.results.data_loss(),
            shape,
            has_execution_errors: Some(job.has_errors()),
        }))
    }

    type GetJobNamedResultStream = Streamed<GetJobNamedResultResponse>;

    async fn get_job_named_result(
        &self,
        request: Request<GetJobNamedResultRequest>,
    ) -> Result<Response<Self::GetJobNamedResultStream>, Status> {
        let request = request.get_ref();
        let job = self.job(&request.job_id)?;
        let output = output(&job, &request.output_name)?;
        let offset = request.long_offset.unwrap_or_else(|| i64::from(request.offset));
        let pieces = output.read(offset, i64::from(request.limit));
        let messages = pieces.into_iter().map(|piece| {
            let count_of_items = i32::try_from(piece.count).unwrap_or(i32::MAX);
            Ok(GetJobNamedResultResponse { count_of_items, data: piece.data })
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
    }

    async fn get_job_errors(
        &self,
        request: Request<GetJobErrorsRequest>,
    ) -> Result<Response<GetJobErrorsResponse>, Status> {
        let job = self.job(&request.get_ref().job_id)?;
        let errors = job.faults().into_iter().map(|fault| WireError {
            error_code: FAULT_CODE,
            error_severity: if fault.warning {
                ExecutionErrorSeverity::Warning as i32
            } else {
                ExecutionErrorSeverity::Error as i32
            },
            message: fault.message,
        });
        Ok(Response::new(GetJobErrorsResponse { errors: errors.collect(), job_id: job.id.clone() }))
    }
}
