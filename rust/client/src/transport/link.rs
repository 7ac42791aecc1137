//! The connection: gRPC calls on HTTP/2 streams, on the `h2` that tonic stands on as well.
//!
//! tonic's own channel passes each call through a buffer, a reconnecting layer, a dispatcher and
//! two tasks. Here a call is made on the stream itself.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version};
use pulsewire_common::frame::{FrameError, Gather, PREFIX};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::{Code, Status};

use super::doubt::Doubt;
use super::keepalive::keep_alive;
use super::sips::Sips;
use super::tls::Tls;
use crate::config::MESSAGE_BYTES;

/// How far the gateway runs ahead of the reader, where it is near, and at most; chosen by measurement
/// (benches/README.md). What lies there unread is memory of this process.
const LEAST_WINDOW: u32 = 4 << 20;
const MOST_WINDOW: u32 = 512 << 20;
/// Bytes that a link may carry in a second.
const RATE: f64 = 3e9;
/// How much the gateway sends at a time.
const FRAME: u32 = 256 << 10;

/// After so long without a call, a look is taken whether the connection is still there.
const IDLE: Duration = Duration::from_millis(10);

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

/// A future whose code is made here, once. That of an `async fn` is made in every crate that drives it, and the
/// bindings drive most of them: half of what was compiled there was HTTP/2.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A connection that is made anew when it is lost; clones share it, and are one holder of it.
#[derive(Clone, Debug)]
pub(crate) struct Link(Arc<Holder>);

/// One of those that hold a connection: it is closed by itself, and the last one shuts the connection.
#[derive(Debug)]
struct Holder {
    shared: Arc<Shared>,
    closed: AtomicBool,
}

impl Holder {
    fn new(shared: Arc<Shared>) -> Self {
        shared.holders.fetch_add(1, Ordering::SeqCst);
        Self { shared, closed: AtomicBool::new(false) }
    }

    /// Lets go of the connection; once is enough.
    fn close(&self) {
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut current = lock(&self.shared.current);
        // Under the lock: a connection that is being made is not kept behind this.
        if self.shared.holders.fetch_sub(1, Ordering::SeqCst) == 1 {
            current.take();
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.close();
    }
}

#[derive(Debug)]
struct Shared {
    scheme: Scheme,
    authority: Authority,
    tls: Option<Tls>,
    /// On every call.
    headers: HeaderMap,
    keepalive: Option<Duration>,
    /// How far the gateway runs ahead of the reader of one answer.
    window: u32,
    current: Mutex<Option<Open>>,
    /// Connections so far.
    opened: AtomicU64,
    /// With none left it is shut.
    holders: AtomicUsize,
    /// The connection that is being made, for all calls that wait for it.
    connecting: Mutex<Option<Arc<watch::Sender<Made>>>>,
}

/// What came of making a connection, once it is over.
type Made = Option<Result<(), Status>>;

#[derive(Clone, Debug)]
struct Open {
    sender: SendRequest<Bytes>,
    /// Which of the link's connections it is.
    number: u64,
    used: Instant,
    doubt: Doubt,
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

fn closed() -> Status {
    Status::failed_precondition("the client was closed; connect() again")
}

fn broken(error: impl Into<BoxError>) -> Status {
    Status::from_error(error.into())
}

impl Link {
    /// Connects; later calls connect anew where they must.
    pub(crate) fn connect(
        address: &str,
        tls: Option<Tls>,
        headers: HeaderMap,
        keepalive: Option<Duration>,
    ) -> Boxed<'_, Result<Self, BoxError>> {
        Box::pin(Self::connect_to(address, tls, headers, keepalive, LEAST_WINDOW))
    }

    async fn connect_to(
        address: &str,
        tls: Option<Tls>,
        headers: HeaderMap,
        keepalive: Option<Duration>,
        window: u32,
    ) -> Result<Self, BoxError> {
        let shared = Arc::new(Shared {
            scheme: if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP },
            authority: address.parse()?,
            tls,
            headers,
            keepalive,
            window,
            current: Mutex::new(None),
            opened: AtomicU64::new(0),
            holders: AtomicUsize::new(0),
            connecting: Mutex::new(None),
        });
        let link = Self(Arc::new(Holder::new(shared)));
        let opened = link.open().await?;
        link.keep(opened)?;
        Ok(link)
    }

    /// Another connection to the same place, which is so far away.
    pub(crate) async fn sibling(&self, round_trip: Duration) -> Result<Self, BoxError> {
        self.current()?;
        let Shared { authority, tls, headers, keepalive, .. } = &*self.0.shared;
        // As much as is on its way at a time.
        let window = ((round_trip.as_secs_f64() * RATE) as u32).clamp(LEAST_WINDOW, MOST_WINDOW);
        let connecting =
            Self::connect_to(authority.as_str(), tls.clone(), headers.clone(), *keepalive, window);
        Box::pin(connecting).await
    }

    /// One more holder of the same connection.
    pub(crate) fn share(&self) -> Self {
        Self(Arc::new(Holder::new(Arc::clone(&self.0.shared))))
    }

    /// Later calls of this holder fail; behind the last one the connection ends, once the calls under way are
    /// over.
    pub(crate) fn close(&self) {
        self.0.close();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        lock(&self.0.shared.current)
    }

    fn current(&self) -> Result<Option<Open>, Status> {
        let current = self.lock();
        if self.0.closed.load(Ordering::SeqCst) {
            return Err(closed());
        }
        Ok(current.clone())
    }

    fn note_use(&self) {
        if let Some(open) = &mut *self.lock() {
            open.used = Instant::now();
        }
    }

    /// Keeps a connection, unless all were closed while it was made.
    fn keep(&self, (sender, doubt): (SendRequest<Bytes>, Doubt)) -> Result<(), Status> {
        let mut current = self.lock();
        if self.0.shared.holders.load(Ordering::SeqCst) == 0 {
            return Err(closed());
        }
        let number = self.0.shared.opened.fetch_add(1, Ordering::Relaxed);
        *current = Some(Open { sender, number, used: Instant::now(), doubt });
        Ok(())
    }

    async fn open(&self) -> Result<(SendRequest<Bytes>, Doubt), BoxError> {
        let Shared { authority, tls, keepalive, window, .. } = &*self.0.shared;
        let stream = TcpStream::connect(authority.as_str()).await?;
        stream.set_nodelay(true)?;
        if let Some(keepalive) = *keepalive {
            keep_alive(&stream, keepalive)?;
        }
        match tls {
            None => handshake(stream, *window).await,
            Some(tls) => handshake(tls.wrap(stream).await?, *window).await,
        }
    }

    /// The connection, ready for one more call.
    async fn ready(&self) -> Result<Open, Status> {
        if let Some(mut open) = self.current()? {
            open.doubt.settled().await;
            if open.used.elapsed() > IDLE {
                // One that was lost while nobody read from it is seen to be lost now, before
                // anything is sent that must not be sent twice.
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            }
            // Only now: calls that are made together all wait for that look, and leave in their order.
            self.note_use();
            if let Ok(sender) = open.sender.ready().await {
                open.sender = sender;
                return Ok(open);
            }
        }
        self.made().await?;
        let Some(mut open) = self.current()? else {
            return Err(Status::unavailable("the connection was lost at once"));
        };
        open.sender = open.sender.ready().await.map_err(broken)?;
        Ok(open)
    }

    /// Makes the connection anew, once for all calls that wait for it.
    ///
    /// In a task of its own, which whoever drives the runtime drives: a call that is suspended to let a
    /// signal handler run must not hold what the handler's own calls wait for.
    async fn made(&self) -> Result<(), Status> {
        let mut outcome = {
            let mut connecting = lock(&self.0.shared.connecting);
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
                    let mut connecting = lock(&self.0.shared.connecting);
                    if tell.receiver_count() == 0 {
                        connecting.take();
                        break None;
                    }
                }
            }
        };
        if made.is_some() {
            lock(&self.0.shared.connecting).take();
            tell.send_replace(made);
        }
    }

    /// The headers of a call.
    fn own_headers(&self) -> HeaderMap {
        let mut headers = self.0.shared.headers.clone();
        headers.insert("te", HeaderValue::from_static("trailers"));
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        headers
    }

    fn head(&self, path: PathAndQuery, own: HeaderMap) -> Request<()> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(self.0.shared.scheme.clone());
        uri.authority = Some(self.0.shared.authority.clone());
        uri.path_and_query = Some(path);
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        // Complete, by the three lines above.
        *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
        *request.headers_mut() = own;
        request
    }

    /// Begins a call whose request is one message, in a frame as gRPC has it. `sent` is set as soon
    /// as anything of it may have left. One that is sent `behind` others, on the connection of that number, goes
    /// nowhere else: they may be lost, and it must not arrive without them. Gives the number of its connection, too.
    async fn begin(
        &self,
        path: &'static str,
        frame: Bytes,
        sent: Option<&AtomicBool>,
        behind: Option<u64>,
    ) -> Result<(Answer, u64), Status> {
        check_size(&frame)?;
        let Open { mut sender, number, doubt, .. } = self.ready().await?;
        if behind.is_some_and(|behind| behind != number) {
            return Err(Status::unavailable("the connection was lost below what was sent before"));
        }
        let head = self.head(PathAndQuery::from_static(path), self.own_headers());
        let (response, mut body) = sender.send_request(head, false).map_err(broken)?;
        if let Some(sent) = sent {
            sent.store(true, Ordering::Relaxed);
        }
        // One that the gateway ended already tells why in its response.
        let _ = body.send_data(frame, true);
        Ok((Answer { response, doubt }, number))
    }

    /// The messages of an answer, as they arrive.
    pub(crate) fn stream(
        &self,
        path: &'static str,
        frame: Bytes,
    ) -> Boxed<'_, Result<Incoming, Status>> {
        Box::pin(async move {
            let (Answer { response, doubt }, _) = self.begin(path, frame, None, None).await?;
            let response = doubt.unless_heard(response).await.map_err(broken)?;
            Incoming::new(response, doubt)
        })
    }

    /// One message for another; `sent` as for [`Self::begin`].
    pub(crate) fn unary<'a>(
        &'a self,
        path: &'static str,
        frame: Bytes,
        sent: Option<&'a AtomicBool>,
    ) -> Boxed<'a, Result<Bytes, Status>> {
        Box::pin(self.message(path, frame, sent))
    }

    async fn message(
        &self,
        path: &'static str,
        frame: Bytes,
        sent: Option<&AtomicBool>,
    ) -> Result<Bytes, Status> {
        let (answer, _) = self.begin(path, frame, sent, None).await?;
        answer.message(sent).await
    }

    /// A call of one message for another that has left, and the number of its connection; `sent` and `behind` as
    /// for [`Self::begin`].
    pub(crate) fn send<'a>(
        &'a self,
        path: &'static str,
        frame: Bytes,
        sent: &'a AtomicBool,
        behind: Option<u64>,
    ) -> Boxed<'a, Result<(Answer, u64), Status>> {
        Box::pin(self.begin(path, frame, Some(sent), behind))
    }
}

/// The answer of one message to a call that has left.
#[derive(Debug)]
pub(crate) struct Answer {
    response: ResponseFuture,
    doubt: Doubt,
}

impl Answer {
    /// The message; `sent` is cleared when the peer says that it did not look at the call.
    pub(crate) async fn message(self, sent: Option<&AtomicBool>) -> Result<Bytes, Status> {
        let Self { response, doubt } = self;
        let response = doubt.unless_heard(response).await.map_err(|error| {
            if let Some(sent) = sent.filter(|_| was_not_taken(&error)) {
                sent.store(false, Ordering::Relaxed);
            }
            broken(error)
        })?;
        let mut incoming = Incoming::new(response, doubt)?;
        let mut message = Gather::new(MESSAGE_BYTES);
        while let Some(data) = incoming.data().await? {
            message.push(data).map_err(not_a_message)?;
        }
        message.finish().map_err(not_a_message)
    }
}

fn not_a_message(error: FrameError) -> Status {
    Status::internal(match error {
        FrameError::TooLarge { .. } => "the answer is larger than 100 MiB",
        _ => "the answer is not one message of gRPC",
    })
}

async fn handshake(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    window: u32,
) -> Result<(SendRequest<Bytes>, Doubt), BoxError> {
    let doubt = Doubt::none();
    let (sender, mut connection) = h2::client::Builder::new()
        .initial_window_size(window)
        // Several answers at once.
        .initial_connection_window_size(2 * window)
        .max_frame_size(FRAME)
        .enable_push(false)
        // Waits drop what they asked for too early: frames of it that come late are no attack.
        .max_concurrent_reset_streams(1000)
        .max_local_error_reset_streams(None)
        .handshake(Sips::new(io, doubt.clone()))
        .await?;
    let doubts = doubt.clone();
    tokio::spawn(async move {
        let pings = connection.ping_pong();
        let settling = async {
            match pings {
                Some(pings) => doubts.settle(pings).await,
                None => std::future::pending().await,
            }
        };
        // What broke it, each call on it is told as well.
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, "a connection to the gateway broke");
            },
            () = settling => tracing::warn!(
                "the gateway has not answered for seconds, not even a PING: the connection to it is given up"
            ),
        }
        doubts.end();
    });
    Ok((sender, doubt))
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
    doubt: Doubt,
}

impl Incoming {
    fn new(response: Response<RecvStream>, doubt: Doubt) -> Result<Self, Status> {
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
        Ok(Self { body: response.into_body(), over, doubt })
    }

    /// The next bytes; `None` at the end, once the gateway said that all went well.
    pub(crate) async fn data(&mut self) -> Result<Option<Bytes>, Status> {
        if self.over {
            return Ok(None);
        }
        // Frames that are all there already would keep timers and signals from their turn.
        tokio::task::coop::consume_budget().await;
        if let Some(data) = self.doubt.unless_heard(self.body.data()).await {
            let data = data.map_err(broken)?;
            // Fails on a stream that is over, whose window nobody needs.
            let _ = self.body.flow_control().release_capacity(data.len());
            return Ok(Some(data));
        }
        self.over = true;
        let trailers = self.doubt.unless_heard(self.body.trailers()).await.map_err(broken)?;
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

/// The answer of a server to an empty call, by its HTTP status and headers alone.
pub(crate) fn probe(
    address: &str,
    headers: HeaderMap,
) -> Boxed<'_, Result<Response<()>, BoxError>> {
    Box::pin(async move {
        let link = Link::connect(address, None, headers, None).await?;
        let Open { mut sender, .. } = link.ready().await?;
        let head = link.head(PathAndQuery::from_static("/"), link.own_headers());
        let (response, _) = sender.send_request(head, true)?;
        Ok(response.await?.map(drop))
    })
}
