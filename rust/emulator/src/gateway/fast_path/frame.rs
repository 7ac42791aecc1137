//! gRPC's framing of requests and answers. Answers are sent as the parts that they are made of: what is stored is
//! handed on by reference.

use std::convert::Infallible;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use pulsewire_common::frame::{FrameError, Gather};
use pulsewire_wire::WholeMessage;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

/// The body of an answer.
pub(in crate::gateway) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Messages that are made while they are sent.
pub(in crate::gateway) type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The one message of a request.
pub(in crate::gateway) async fn message<B>(
    request: Request<B>,
    most_bytes: usize,
) -> Result<Bytes, Status>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let mut body = std::pin::pin!(request.into_body());
    let mut message = Gather::new(most_bytes);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Status::cancelled(error.to_string()))?;
        if let Ok(data) = frame.into_data() {
            message.push(data).map_err(refused)?;
        }
    }
    message.finish().map_err(refused)
}

fn refused(error: FrameError) -> Status {
    match error {
        FrameError::Compressed => Status::unimplemented("compressed requests are not taken"),
        FrameError::TooLarge { .. } => Status::out_of_range(error.to_string()),
        _ => Status::internal(format!("the request is not one message: {error}")),
    }
}

/// An answer of one message, which is framed.
pub(in crate::gateway) fn unary(answer: Result<Bytes, Status>) -> Response<Body> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(status) => return failure(&status),
    };
    let frames = [Frame::data(answer), Frame::trailers(all_well())];
    response(StreamBody::new(tokio_stream::iter(frames.map(Ok::<_, Infallible>))))
}

/// An answer that is a failure from the beginning.
pub(in crate::gateway) fn failure(status: &Status) -> Response<Body> {
    let mut response = Response::new(Body::default());
    headers(&mut response);
    // A text that no header can carry leaves the code.
    if status.add_header(response.headers_mut()).is_err() {
        let bare = Status::new(status.code(), "");
        let _ = bare.add_header(response.headers_mut());
    }
    response
}

/// An answer of many messages, each as what it begins with and what is behind that.
pub(in crate::gateway) fn messages<T: 'static>(
    messages: Result<Streamed<T>, Status>,
    framed: fn(T) -> [Bytes; 2],
) -> Response<Body> {
    let messages = match messages {
        Ok(messages) => messages,
        Err(status) => return failure(&status),
    };
    let frames = messages
        .map(move |message| match message {
            // grpclib, below qm-qua 1.2.6, takes an empty frame for the end of all.
            Ok(message) => {
                let parts = framed(message).into_iter();
                parts.filter(|part| !part.is_empty()).map(Frame::data).collect()
            }
            // A failure in the middle ends the answer with its status.
            Err(status) => {
                vec![Frame::trailers(failure(&status).into_parts().0.headers)]
            }
        })
        .chain(tokio_stream::once(vec![Frame::trailers(all_well())]));
    let frames = futures_util::StreamExt::flat_map(frames, |frames| {
        tokio_stream::iter(frames.into_iter().map(Ok::<_, Infallible>))
    });
    response(StreamBody::new(frames))
}

/// A message as it stands in a body, in one part.
pub(in crate::gateway) fn whole(message: impl WholeMessage) -> [Bytes; 2] {
    [message.framed(), Bytes::new()]
}

fn headers(response: &mut Response<Body>) {
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", kind);
}

/// A response of a body that ends with trailers.
fn response(
    body: impl hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
) -> Response<Body> {
    let mut response = Response::new(body.boxed_unsync());
    headers(&mut response);
    response
}

/// The trailers of an answer that went well.
fn all_well() -> http::HeaderMap {
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers
}
