//! The connection: gRPC calls on HTTP/2 streams, on the `h2` that tonic stands on as well.
//!
//! tonic's own channel passes each call through a buffer, a reconnecting layer, a dispatcher and
//! two tasks. Calls that users make thousands of times a second are made here on the stream
//! itself; the generated stubs, for all others, run over the same connection, as [`Link`] is a
//! service like tonic's channel.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::{Code, Status};

use crate::config::MESSAGE_BYTES;
use crate::tls::Tls;

/// How far the gateway runs ahead of the reader, and how much it sends at a time; chosen by
/// measurement (benches/README.md).
const STREAM_WINDOW: u32 = 16 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;
const FRAME: u32 = 256 << 10;

const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
/// After so long without a call, a look is taken whether the connection is still there.
const IDLE: Duration = Duration::from_millis(10);
/// The compression flag and the length before each message.
pub(crate) const PREFIX: usize = 5;

const DETAILS: &str = "grpc-status-details-bin";
const MESSAGE: &str = "grpc-message";

/// Takes out of headers or trailers what tonic cannot read: it panics on details that are no base64, which
/// nobody reads, and forgets the status beside a message that is no text.
fn clean(headers: &mut HeaderMap) {
    headers.remove(DETAILS);
    if headers.get(MESSAGE).is_some_and(|message| !is_text(message.as_bytes())) {
        headers.remove(MESSAGE);
    }
}

/// Whether bytes in percent-encoding are UTF-8.
fn is_text(bytes: &[u8]) -> bool {
    let hex = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (mut decoded, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
    while let [byte, behind @ ..] = rest {
        let code = match behind {
            [high, low, ..] if *byte == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        decoded.push(code.map_or(*byte, |(high, low)| high << 4 | low));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    std::str::from_utf8(&decoded).is_ok()
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A connection that is made anew when it is lost; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Link(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    scheme: Scheme,
    authority: Authority,
    tls: Option<Tls>,
    /// On every call.
    headers: HeaderMap,
    current: Mutex<Option<Open>>,
    closed: AtomicBool,
    /// The connection that is being made, for all calls that wait for it.
    connecting: Mutex<Option<Arc<watch::Sender<Made>>>>,
}

/// What came of making a connection, once it is over.
type Made = Option<Result<(), Status>>;

#[derive(Clone, Debug)]
struct Open {
    sender: SendRequest<Bytes>,
    used: Instant,
}

/// A message as it stands in a body.
pub(crate) fn framed(message: &impl Message) -> Bytes {
    let len = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + len);
    frame.put_bytes(0, PREFIX);
    // The buffer has room for it.
    let _ = message.encode(&mut frame);
    finish_frame(&mut frame);
    frame.freeze()
}

/// Writes the length in front of a message that was put behind an empty prefix.
pub(crate) fn finish_frame(frame: &mut BytesMut) {
    let len = (frame.len() - PREFIX) as u32;
    frame[1..PREFIX].copy_from_slice(&len.to_be_bytes());
}

/// Whether a message of that many bytes may be sent.
pub(crate) fn check_size(frame: &Bytes) -> Result<(), Status> {
    if frame.len() <= PREFIX + MESSAGE_BYTES {
        return Ok(());
    }
    let len = frame.len() - PREFIX;
    Err(Status::out_of_range(format!(
        "a message of {len} bytes is more than the {MESSAGE_BYTES} that gateways take"
    )))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the peer says that it did not look at a request: it refused the stream, or went away before it.
fn was_not_taken(error: &h2::Error) -> bool {
    error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
}

fn broken(error: impl Into<BoxError>) -> Status {
    Status::from_error(error.into())
}

impl Link {
    /// Connects; later calls connect anew where they must.
    pub(crate) async fn connect(
        address: &str,
        tls: Option<Tls>,
        headers: HeaderMap,
    ) -> Result<Self, BoxError> {
        let link = Self(Arc::new(Shared {
            scheme: if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP },
            authority: address.parse()?,
            tls,
            headers,
            current: Mutex::new(None),
            closed: AtomicBool::new(false),
            connecting: Mutex::new(None),
        }));
        let sender = link.open().await?;
        link.keep(sender)?;
        Ok(link)
    }

    /// Another connection to the same place.
    pub(crate) async fn sibling(&self) -> Result<Self, BoxError> {
        self.current()?;
        let Shared { authority, tls, headers, .. } = &*self.0;
        Self::connect(authority.as_str(), tls.clone(), headers.clone()).await
    }

    /// Ends the connection once the calls under way are over; later ones fail.
    pub(crate) fn close(&self) {
        let mut current = self.lock();
        // Under the lock: a connection that is being made is not kept behind this.
        self.0.closed.store(true, Ordering::Relaxed);
        current.take();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        lock(&self.0.current)
    }

    /// Whether calls may still be made; looked at under the lock.
    fn alive(&self) -> Result<(), Status> {
        if self.0.closed.load(Ordering::Relaxed) {
            return Err(Status::failed_precondition("the client was closed; connect() again"));
        }
        Ok(())
    }

    fn current(&self) -> Result<Option<Open>, Status> {
        let mut current = self.lock();
        self.alive()?;
        Ok(current.as_mut().map(|open| {
            let found = open.clone();
            open.used = Instant::now();
            found
        }))
    }

    /// Keeps a connection, unless the client was closed while it was made.
    fn keep(&self, sender: SendRequest<Bytes>) -> Result<(), Status> {
        let mut current = self.lock();
        self.alive()?;
        *current = Some(Open { sender, used: Instant::now() });
        Ok(())
    }

    async fn open(&self) -> Result<SendRequest<Bytes>, BoxError> {
        let Shared { authority, tls, .. } = &*self.0;
        let stream = TcpStream::connect(authority.as_str()).await?;
        stream.set_nodelay(true)?;
        let keepalive = socket2::TcpKeepalive::new().with_time(TCP_KEEPALIVE);
        socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        match tls {
            None => handshake(stream).await,
            Some(tls) => handshake(tls.wrap(stream).await?).await,
        }
    }

    /// The connection, ready for one more call.
    async fn ready(&self) -> Result<SendRequest<Bytes>, Status> {
        if let Some(open) = self.current()? {
            if open.used.elapsed() > IDLE {
                // One that was lost while nobody read from it is seen to be lost now, before
                // anything is sent that must not be sent twice.
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            }
            if let Ok(sender) = open.sender.ready().await {
                return Ok(sender);
            }
        }
        self.made().await?;
        let Some(open) = self.current()? else {
            return Err(Status::unavailable("the connection was lost at once"));
        };
        open.sender.ready().await.map_err(broken)
    }

    /// Makes the connection anew, once for all calls that wait for it.
    ///
    /// In a task of its own, which whoever drives the runtime drives: a call that is suspended to let a
    /// signal handler run must not hold what the handler's own calls wait for.
    async fn made(&self) -> Result<(), Status> {
        let mut outcome = {
            let mut connecting = lock(&self.0.connecting);
            if let Some(under_way) = &*connecting {
                under_way.subscribe()
            } else {
                let (tell, outcome) = watch::channel(None);
                let tell = Arc::new(tell);
                *connecting = Some(Arc::clone(&tell));
                tokio::spawn(self.clone().make(tell));
                outcome
            }
        };
        let made = outcome.wait_for(Option::is_some).await.map(|made| made.clone());
        // The task ends without a word only when its runtime does.
        made.ok()
            .flatten()
            .unwrap_or_else(|| Err(Status::unavailable("the connection was given up")))
    }

    async fn make(self, tell: Arc<watch::Sender<Made>>) {
        let opened = async { self.keep(self.open().await.map_err(broken)?) };
        let mut opened = std::pin::pin!(opened);
        let made = loop {
            tokio::select! {
                made = &mut opened => break Some(made),
                () = tell.closed() => {
                    // Under the lock, so that nobody begins to wait for what is given up.
                    let mut connecting = lock(&self.0.connecting);
                    if tell.receiver_count() == 0 {
                        connecting.take();
                        break None;
                    }
                }
            }
        };
        if made.is_some() {
            lock(&self.0.connecting).take();
            tell.send_replace(made);
        }
    }

    /// Those of a call that is not made by a stub.
    fn own_headers(&self) -> HeaderMap {
        let mut headers = self.0.headers.clone();
        headers.insert("te", HeaderValue::from_static("trailers"));
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        headers
    }

    fn head(&self, path: PathAndQuery, own: HeaderMap) -> Request<()> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(self.0.scheme.clone());
        uri.authority = Some(self.0.authority.clone());
        uri.path_and_query = Some(path);
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        // Complete, by the three lines above.
        *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
        *request.headers_mut() = own;
        request
    }

    /// Begins a call whose request is one message, in a frame as [`framed`] makes it. `sent` is set as soon
    /// as anything of it may have left.
    async fn begin(
        &self,
        path: &'static str,
        frame: Bytes,
        sent: Option<&AtomicBool>,
    ) -> Result<ResponseFuture, Status> {
        check_size(&frame)?;
        let mut sender = self.ready().await?;
        let head = self.head(PathAndQuery::from_static(path), self.own_headers());
        let (response, mut body) = sender.send_request(head, false).map_err(broken)?;
        if let Some(sent) = sent {
            sent.store(true, Ordering::Relaxed);
        }
        // One that the gateway ended already tells why in its response.
        let _ = body.send_data(frame, true);
        Ok(response)
    }

    /// The messages of an answer, as they arrive.
    pub(crate) async fn stream(
        &self,
        path: &'static str,
        frame: Bytes,
    ) -> Result<Incoming, Status> {
        let response = self.begin(path, frame, None).await?.await.map_err(broken)?;
        Incoming::new(response)
    }

    /// One message for another; `sent` as for [`Self::begin`].
    pub(crate) async fn unary(
        &self,
        path: &'static str,
        frame: Bytes,
        sent: Option<&AtomicBool>,
    ) -> Result<Bytes, Status> {
        let bad = || Status::internal("the answer is not one message of gRPC");
        let response = self.begin(path, frame, sent).await?.await.map_err(|error| {
            if let Some(sent) = sent.filter(|_| was_not_taken(&error)) {
                sent.store(false, Ordering::Relaxed);
            }
            broken(error)
        })?;
        let mut incoming = Incoming::new(response)?;
        // Most answers come in one piece, and stay where they lie.
        let (mut first, mut all) = (Bytes::new(), BytesMut::new());
        while let Some(data) = incoming.data().await? {
            if first.is_empty() && all.is_empty() {
                first = data;
            } else {
                if all.is_empty() {
                    all.extend_from_slice(&std::mem::take(&mut first));
                }
                all.extend_from_slice(&data);
            }
            let have: &[u8] = if all.is_empty() { &first } else { &all };
            if let Some([flag, len @ ..]) = have.first_chunk::<PREFIX>() {
                let len = u32::from_be_bytes(*len) as usize;
                if len > MESSAGE_BYTES {
                    return Err(Status::internal("the answer is larger than 100 MiB"));
                }
                if *flag != 0 || have.len() > PREFIX + len {
                    return Err(bad());
                }
            }
        }
        let message = if all.is_empty() { first } else { all.freeze() };
        let prefix = message.get(..PREFIX).ok_or_else(bad)?;
        let len = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
        if prefix[0] != 0 || message.len() - PREFIX != len as usize {
            return Err(bad());
        }
        Ok(message.slice(PREFIX..))
    }
}

async fn handshake(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<SendRequest<Bytes>, BoxError> {
    let (sender, connection) = h2::client::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .enable_push(false)
        // Waits drop what they asked for too early: frames of it that come late are no attack.
        .max_concurrent_reset_streams(1000)
        .max_local_error_reset_streams(None)
        .handshake(io)
        .await?;
    tokio::spawn(async move {
        // What broke it, each call on it is told as well.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the gateway broke");
        }
    });
    Ok(sender)
}

/// The status that headers or trailers carry.
fn status_in(headers: &HeaderMap) -> Option<Result<(), Status>> {
    let status = if headers.contains_key(DETAILS) || headers.contains_key(MESSAGE) {
        let mut headers = headers.clone();
        clean(&mut headers);
        Status::from_header_map(&headers)?
    } else {
        Status::from_header_map(headers)?
    };
    Some(if status.code() == Code::Ok { Ok(()) } else { Err(status) })
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct Incoming {
    body: RecvStream,
    over: bool,
}

impl Incoming {
    fn new(response: Response<RecvStream>) -> Result<Self, Status> {
        // An answer without messages carries its status in its headers.
        let over = match status_in(response.headers()) {
            Some(status) => status.map(|()| true)?,
            None if !response.status().is_success() => {
                return Err(status_of_http(response.status()));
            }
            None => {
                let kind = response.headers().get("content-type");
                let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("nothing");
                if !kind.starts_with("application/grpc") {
                    return Err(Status::unknown(format!("the answer is {kind}, not gRPC")));
                }
                false
            }
        };
        Ok(Self { body: response.into_body(), over })
    }

    /// The next bytes; `None` at the end, once the gateway said that all went well.
    pub(crate) async fn data(&mut self) -> Result<Option<Bytes>, Status> {
        if self.over {
            return Ok(None);
        }
        // Frames that are all there already would keep timers and signals from their turn.
        tokio::task::coop::consume_budget().await;
        if let Some(data) = self.body.data().await {
            let data = data.map_err(broken)?;
            // Fails on a stream that is over, whose window nobody needs.
            let _ = self.body.flow_control().release_capacity(data.len());
            return Ok(Some(data));
        }
        self.over = true;
        let trailers = self.body.trailers().await.map_err(broken)?;
        let status = trailers.as_ref().and_then(status_in);
        status.unwrap_or_else(|| Err(Status::unknown("the answer ended without a status")))?;
        Ok(None)
    }
}

fn status_of_http(status: http::StatusCode) -> Status {
    let code = match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    Status::new(code, format!("the gateway answered with the HTTP status {status}"))
}

impl tower_service::Service<Request<tonic::body::Body>> for Link {
    type Response = Response<StubBody>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let link = self.clone();
        Box::pin(async move {
            let mut sender = link.ready().await?;
            let (parts, mut body) = request.into_parts();
            let mut headers = parts.headers;
            headers.extend(link.0.headers.clone());
            let path = parts.uri.path_and_query().cloned();
            let head = link.head(path.unwrap_or(PathAndQuery::from_static("/")), headers);
            let (response, mut stream) = sender.send_request(head, false)?;
            while let Some(frame) = body.frame().await {
                if let Ok(data) = frame?.into_data() {
                    // As in `begin`.
                    let _ = stream.send_data(data, false);
                }
            }
            let _ = stream.send_data(Bytes::new(), true);
            let mut response = response.await?;
            clean(response.headers_mut());
            Ok(response.map(StubBody))
        })
    }
}

/// A body as tonic's stubs read it.
#[derive(Debug)]
pub(crate) struct StubBody(RecvStream);

impl Body for StubBody {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        // As in `Incoming::data`.
        let coop = std::task::ready!(tokio::task::coop::poll_proceed(cx));
        let data = std::task::ready!(self.0.poll_data(cx));
        coop.made_progress();
        match data {
            Some(Ok(data)) => {
                // As in `Incoming::data`.
                let _ = self.0.flow_control().release_capacity(data.len());
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => {
                let trailers = std::task::ready!(self.0.poll_trailers(cx));
                let cleaned = |mut trailers: HeaderMap| {
                    clean(&mut trailers);
                    Frame::trailers(trailers)
                };
                Poll::Ready(trailers.map(|trailers| trailers.map(cleaned)).transpose())
            }
        }
    }
}

/// The answer of a server to an empty call, by its HTTP status and headers alone.
pub(crate) async fn probe(address: &str, headers: HeaderMap) -> Result<Response<()>, BoxError> {
    let link = Link::connect(address, None, headers).await?;
    let mut sender = link.ready().await?;
    let head = link.head(PathAndQuery::from_static("/"), link.own_headers());
    let (response, _) = sender.send_request(head, true)?;
    Ok(response.await?.map(drop))
}
