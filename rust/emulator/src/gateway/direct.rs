//! Calls that are answered beside tonic's codec, which copies what it sends and reads numbers one by
//! one: the framing of gRPC, for [`super::uncopied`] and [`super::entries`].

use std::convert::Infallible;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio_stream::{Stream, StreamExt};
use tonic::Status;
use tonic::body::Body;

/// The compression flag and the length in front of each message.
pub(super) const PREFIX: usize = 5;
/// Bytes that are made room for at once.
const FIRST_BYTES: usize = 1 << 20;

/// The one message of a request.
///
/// The announced length is looked at first, and what comes in many pieces is gathered in one: a hostile
/// peer makes nobody hold more than it sends.
pub(super) async fn message(request: Request<Body>, most_bytes: usize) -> Result<Bytes, Status> {
    let bad = |what: &str| Status::internal(format!("the request is not one message: {what}"));
    let mut body = request.into_body();
    let mut first = Bytes::new();
    let mut gathered = BytesMut::new();
    let mut expected = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|status| Status::cancelled(status.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.is_empty() && gathered.is_empty() {
            first = data;
        } else {
            if gathered.is_empty() {
                gathered.extend_from_slice(&std::mem::take(&mut first));
            }
            gathered.extend_from_slice(&data);
        }
        let have: &[u8] = if gathered.is_empty() { &first } else { &gathered };
        if let (None, Some(prefix)) = (expected, have.first_chunk::<PREFIX>()) {
            let [flag, len @ ..] = *prefix;
            let len = u32::from_be_bytes(len) as usize;
            if flag != 0 {
                return Err(Status::unimplemented("compressed requests are not taken"));
            }
            if len > most_bytes {
                return Err(Status::out_of_range(format!(
                    "a message of {len} bytes is more than the {most_bytes} that are taken"
                )));
            }
            let missing = (len + PREFIX).saturating_sub(have.len());
            // Not all that is announced: a peer may announce much and send little.
            gathered.reserve(if gathered.is_empty() { 0 } else { missing.min(FIRST_BYTES) });
            expected = Some(len + PREFIX);
        }
        let len = if gathered.is_empty() { first.len() } else { gathered.len() };
        if expected.is_some_and(|expected| len > expected) {
            return Err(bad("it is longer than it says"));
        }
    }
    let bytes = if gathered.is_empty() { first } else { gathered.freeze() };
    match expected {
        None => Err(bad("it is too short")),
        Some(expected) if bytes.len() != expected => Err(bad("it is shorter than it says")),
        Some(_) => Ok(bytes.slice(PREFIX..)),
    }
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

/// An answer of many messages, each with what it begins with apart.
pub(super) fn messages(
    messages: impl Stream<Item = Result<[Bytes; 2], Status>> + Send + 'static,
) -> Response<Body> {
    let frames = messages
        .map(|message| match message {
            // grpclib, below qm-qua 1.2.6, takes an empty frame for the end of all.
            Ok(message) => {
                message.into_iter().filter(|part| !part.is_empty()).map(Frame::data).collect()
            }
            // A failure in the middle ends the answer with its status.
            Err(status) => vec![Frame::trailers(status.into_http::<()>().into_parts().0.headers)],
        })
        .chain(tokio_stream::once(vec![Frame::trailers(all_well())]));
    let frames = futures_util::StreamExt::flat_map(frames, |frames| {
        tokio_stream::iter(frames.into_iter().map(Ok::<_, Infallible>))
    });
    response(Body::new(StreamBody::new(frames)))
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

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    async fn read(pieces: Vec<Vec<u8>>) -> Result<Bytes, Code> {
        let frames = pieces.into_iter().map(|piece| Ok::<_, Status>(Frame::data(piece.into())));
        let body = Body::new(StreamBody::new(tokio_stream::iter(frames)));
        message(Request::new(body), 8).await.map_err(|status| status.code())
    }

    /// All ways to cut some bytes into pieces, each also with empty pieces between.
    fn cuts(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        for places in 0..1u32 << bytes.len().saturating_sub(1) {
            let mut pieces = vec![Vec::new()];
            for (index, byte) in bytes.iter().enumerate() {
                if index > 0 && places >> (index - 1) & 1 == 1 {
                    pieces.push(Vec::new());
                }
                pieces.last_mut().unwrap().push(*byte);
            }
            let spaced = pieces.iter().flat_map(|piece| [Vec::new(), piece.clone()]).collect();
            all.extend([pieces, spaced]);
        }
        all
    }

    #[tokio::test]
    async fn a_message_is_read_however_it_comes() {
        for pieces in cuts(b"\0\0\0\0\x03abc") {
            let said = format!("{pieces:?}");
            assert_eq!(read(pieces).await.as_deref(), Ok(&b"abc"[..]), "{said}");
        }
        assert_eq!(read(vec![vec![0; 5]]).await.as_deref(), Ok(&b""[..]));
    }

    #[tokio::test]
    async fn what_is_no_message_is_refused() {
        for (bytes, code) in [
            (&b""[..], Code::Internal),
            (b"\0\0\0", Code::Internal),
            (b"\0\0\0\0\x03ab", Code::Internal),
            (b"\0\0\0\0\x03abcd", Code::Internal),
            (b"\x01\0\0\0\x03abc", Code::Unimplemented),
            (b"\0\0\0\0\x09", Code::OutOfRange),
            (b"\0\xff\xff\xff\xff", Code::OutOfRange),
        ] {
            for pieces in cuts(bytes) {
                assert_eq!(read(pieces).await, Err(code), "{bytes:?}");
            }
        }
    }
}
