//! `GetJobNamedResult` without copies: each message goes to the socket as a few bytes of framing and
//! the stored bytes themselves, by reference.
//!
//! tonic's encoder would copy each message into a buffer of its own for each request.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use pulsewire_wire::results::job_results_service_server::{
    JobResultsService, JobResultsServiceServer,
};
use pulsewire_wire::results::{GetJobNamedResultRequest, GetJobNamedResultResponse};
use tokio_stream::StreamExt;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

use super::direct;
use super::job_results::JobResults;

const PATH: &str = "/qm.grpc.results_analyser.JobResultsService/GetJobNamedResult";
/// Fields of the response.
const COUNT: u32 = 1;
const DATA: u32 = 2;

/// The generated server, but for one method.
#[derive(Clone, Debug)]
pub(super) struct Uncopied {
    results: JobResults,
    others: JobResultsServiceServer<JobResults>,
    most_bytes: usize,
}

impl Uncopied {
    pub(super) fn new(results: JobResults, most_bytes: usize) -> Self {
        let others = JobResultsServiceServer::new(results.clone());
        Self { results, others: others.max_decoding_message_size(most_bytes), most_bytes }
    }
}

impl NamedService for Uncopied {
    const NAME: &'static str = <JobResultsServiceServer<JobResults> as NamedService>::NAME;
}

impl Service<Request<Body>> for Uncopied {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path() != PATH {
            return self.others.call(request);
        }
        let (results, most_bytes) = (self.results.clone(), self.most_bytes);
        Box::pin(async move {
            let answer = async {
                let asked =
                    GetJobNamedResultRequest::decode(direct::message(request, most_bytes).await?);
                let asked = asked.map_err(|error| Status::internal(error.to_string()))?;
                results.get_job_named_result(tonic::Request::new(asked)).await
            };
            Ok(match answer.await {
                Ok(messages) => {
                    direct::messages(messages.into_inner().map(|message| message.map(framed)))
                }
                Err(status) => status.into_http(),
            })
        })
    }
}

/// A message as it stands on the wire: the framing, and the data as it is.
fn framed(message: GetJobNamedResultResponse) -> [Bytes; 2] {
    let front = direct::front(message.data.len(), |front| {
        if message.count_of_items != 0 {
            encode_key(COUNT, WireType::Varint, front);
            encode_varint(message.count_of_items as u64, front);
        }
        if !message.data.is_empty() {
            encode_key(DATA, WireType::LengthDelimited, front);
            encode_varint(message.data.len() as u64, front);
        }
    });
    [front, message.data]
}

#[cfg(test)]
mod tests {
    use super::direct::PREFIX;
    use super::*;

    #[test]
    fn messages_are_what_prost_would_send() {
        for (count_of_items, data) in [(0, ""), (3, "abc"), (0, "ab"), (-1, "x"), (i32::MAX, "")] {
            let data = Bytes::from_static(data.as_bytes());
            let message = GetJobNamedResultResponse { count_of_items, data };
            let bytes = framed(message.clone()).concat();
            let len = u32::from_be_bytes(bytes[1..PREFIX].try_into().unwrap()) as usize;
            assert_eq!((bytes[0], len), (0, bytes.len() - PREFIX));
            assert_eq!(bytes[PREFIX..], message.encode_to_vec());
        }
    }
}
