//! `GetJobNamedResult` without copies: each message goes to the socket as a few bytes of framing and
//! the stored bytes themselves, by reference.
//!
//! tonic's encoder would copy each message into a buffer of its own for each request.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Limited, StreamBody};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use pulsewire_wire::results::job_results_service_server::{
    JobResultsService, JobResultsServiceServer,
};
use pulsewire_wire::results::{GetJobNamedResultRequest, GetJobNamedResultResponse};
use tokio_stream::{Stream, StreamExt};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

use super::job_results::JobResults;

const PATH: &str = "/qm.grpc.results_analyser.JobResultsService/GetJobNamedResult";
/// Fields of the response.
const COUNT: u32 = 1;
const DATA: u32 = 2;
/// The compression flag and the length in front of each message.
const PREFIX: usize = 5;

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
            let answer = match asked(request, most_bytes).await {
                Ok(asked) => results.get_job_named_result(tonic::Request::new(asked)).await,
                Err(status) => Err(status),
            };
            Ok(match answer {
                Ok(messages) => respond(messages.into_inner()),
                Err(status) => status.into_http(),
            })
        })
    }
}

async fn asked(
    request: Request<Body>,
    most_bytes: usize,
) -> Result<GetJobNamedResultRequest, Status> {
    let body = Limited::new(request.into_body(), most_bytes).collect().await;
    let bytes = body.map_err(|error| Status::out_of_range(error.to_string()))?.to_bytes();
    let bad = |what: &str| Status::internal(format!("the request is not one message: {what}"));
    let prefix = bytes.get(..PREFIX).ok_or_else(|| bad("it is too short"))?;
    let len = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
    if prefix[0] != 0 {
        return Err(Status::unimplemented("compressed requests are not taken"));
    }
    if bytes.len() - PREFIX != len {
        return Err(bad("its length is wrong"));
    }
    GetJobNamedResultRequest::decode(bytes.slice(PREFIX..)).map_err(|error| bad(&error.to_string()))
}

type Messages = dyn Stream<Item = Result<GetJobNamedResultResponse, Status>> + Send;

fn respond(messages: Pin<Box<Messages>>) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let frames = messages
        .map(|message| match message {
            Ok(message) => Vec::from(framed(message).map(Frame::data)),
            Err(status) => {
                // A failure in the middle ends the answer with its status.
                let headers = status.into_http::<()>().into_parts().0.headers;
                vec![Frame::trailers(headers)]
            }
        })
        .chain(tokio_stream::once(vec![Frame::trailers(trailers)]));
    let frames = futures_util::StreamExt::flat_map(frames, |frames| {
        tokio_stream::iter(frames.into_iter().map(Ok::<_, Infallible>))
    });
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static("application/grpc"));
    response
}

/// A message as it stands on the wire: the framing, and the data as it is.
fn framed(message: GetJobNamedResultResponse) -> [Bytes; 2] {
    let mut front = BytesMut::with_capacity(32);
    front.put_bytes(0, PREFIX);
    if message.count_of_items != 0 {
        encode_key(COUNT, WireType::Varint, &mut front);
        encode_varint(message.count_of_items as u64, &mut front);
    }
    if !message.data.is_empty() {
        encode_key(DATA, WireType::LengthDelimited, &mut front);
        encode_varint(message.data.len() as u64, &mut front);
    }
    let len = (front.len() - PREFIX + message.data.len()) as u32;
    front[1..PREFIX].copy_from_slice(&len.to_be_bytes());
    [front.freeze(), message.data]
}

#[cfg(test)]
mod tests {
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
