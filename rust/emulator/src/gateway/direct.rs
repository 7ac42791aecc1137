//! Calls that are answered beside tonic's codec, which copies what it sends and reads numbers one by
//! one: the framing of gRPC, for [`super::uncopied`] and [`super::entries`].

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Limited};
use tonic::Status;
use tonic::body::Body;

/// The compression flag and the length in front of each message.
pub(super) const PREFIX: usize = 5;

/// The one message of a request.
pub(super) async fn message(request: Request<Body>, most_bytes: usize) -> Result<Bytes, Status> {
    let body = Limited::new(request.into_body(), most_bytes.saturating_add(PREFIX)).collect().await;
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
    Ok(bytes.slice(PREFIX..))
}

/// What a message that `put` writes begins with; its last `behind` bytes are sent apart from it.
pub(super) fn front(behind: usize, put: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut front = BytesMut::with_capacity(32);
    front.put_bytes(0, PREFIX);
    put(&mut front);
    let len = (front.len() - PREFIX + behind) as u32;
    front[1..PREFIX].copy_from_slice(&len.to_be_bytes());
    front.freeze()
}

/// A response of a body that ends with trailers.
pub(super) fn response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", kind);
    response
}

/// The trailers of an answer that went well.
pub(super) fn all_well() -> http::HeaderMap {
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers
}
