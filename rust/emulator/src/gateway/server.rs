//! The listening side: one port, every service, bounded connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderMap, Request};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Semaphore, watch};
use tonic::Status;

use super::fast_path::frame;
use super::seats::{Seat, Seats};
use super::service::Gateway;
use crate::control::Registry;

/// The window of a connection and of a stream; the clients announce the same.
const WINDOW: u32 = 16 << 20;
/// The largest frame that is taken: an entry of many values comes in few of them.
const FRAME: u32 = 1 << 20;
/// What waits for the socket of one stream: references to stored results, mostly.
const SEND_BUFFER: usize = 4 << 20;

const KEEPALIVE: Duration = Duration::from_secs(60);
/// What a new connection may take to its first byte, and again to its first call.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Connections for each client that may be there, and for those that are being refused: more are ended unheard.
const CONNECTIONS: usize = 3;
const REFUSED: usize = 64;
/// Calls of one connection at a time; further ones wait in the client.
const STREAMS: u32 = 1000;
/// Before another attempt at what the machine has no room for.
const PAUSE: Duration = Duration::from_millis(20);
/// What the end of all connections may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs the calls of a connection on its own task, as most are answered without a wait. An answer
/// leaves before the next call is looked at, so that the client has something to do meanwhile.
#[derive(Clone, Copy, Debug)]
struct AtOnce;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for AtOnce {
    fn execute(&self, call: F) {
        let mut call = Box::pin(call);
        let mut nobody = Context::from_waker(Waker::noop());
        // A panic ends its own call, as it would in a task.
        let first = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(&mut nobody)));
        // Those that wait go on as tasks, which poll again and leave wakers that count.
        if let Ok(Poll::Pending) = first {
            tokio::spawn(call);
        }
    }
}

/// Binds an address; port 0 lets the system choose.
///
/// # Errors
/// The system's.
pub(crate) async fn bind(host: &str, port: u16) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((host, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until `stop` resolves; open connections are dropped then.
///
/// Each connection has a thread of its own: no call waits for another client's large result, and none
/// is passed from thread to thread on its way.
pub(crate) async fn serve(
    listener: TcpListener,
    registry: Arc<Registry>,
    stop: impl Future<Output = ()> + Send,
) {
    let clients = registry.jobs.limits.clients;
    let seats = Seats::new(clients);
    // More than any system has; a semaphore has an end of its own.
    let most = clients.saturating_mul(CONNECTIONS).saturating_add(REFUSED);
    let most = most.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
    let connections = Arc::new(Semaphore::new(most));
    let gateway = Gateway::new(registry, Handle::current());
    let (open, stopped) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let next = async {
            // Before anybody is let in: a machine that has no room for one more lets it wait.
            let runtime = loop {
                match Builder::new_current_thread().enable_io().enable_time().build() {
                    Ok(runtime) => break runtime,
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            };
            (Idle(Some(runtime)), listener.accept().await)
        };
        let (runtime, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else { continue };
        let (gateway, stopped) = (gateway.for_connection(), stopped.clone());
        let seats = Arc::clone(&seats);
        let started = accepted.and_then(|(stream, _)| {
            let stream = stream.into_std()?;
            std::thread::Builder::new().name("pulsewire-gateway".to_owned()).spawn(move || {
                if let Err(error) = connection(&runtime, stream, gateway, &seats, stopped) {
                    tracing::warn!(%error, "a connection could not be served");
                }
                drop((runtime, permit));
            })
        });
        if started.is_err() {
            // Out of descriptors, for example: others must end before one can begin.
            tokio::time::sleep(PAUSE).await;
        }
    }
    // Seen by the threads of all connections, each of which holds a permit until it ends.
    drop(open);
    let _ = tokio::time::timeout(PATIENCE, connections.acquire_many(most as u32)).await;
}

/// The runtime of a connection; it may be dropped anywhere, also by another runtime's task.
struct Idle(Option<Runtime>);

impl Drop for Idle {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Gives a connection its seat with its first call.
fn seated(
    seat: &OnceLock<Arc<Seat>>,
    seats: &Arc<Seats>,
    headers: &HeaderMap,
) -> Result<(), Status> {
    if seat.get().is_none() {
        let _ = seat.set(seats.take(headers)?);
    }
    Ok(())
}

/// Serves one connection until it ends or all do.
fn connection(
    runtime: &Idle,
    stream: std::net::TcpStream,
    gateway: Gateway,
    seats: &Arc<Seats>,
    mut stopped: watch::Receiver<()>,
) -> std::io::Result<()> {
    let Some(runtime) = &runtime.0 else { return Ok(()) };
    runtime.block_on(async {
        let stream = TcpStream::from_std(stream)?;
        // Small answers go out at once; a socket that refuses is merely slower.
        let _ = stream.set_nodelay(true);
        // Who says nothing at all gives its place back; HTTP/2's own keepalive begins later.
        if tokio::time::timeout(HANDSHAKE, stream.readable()).await.is_err() {
            return Ok(());
        }
        let mut builder = http2::Builder::new(AtOnce);
        builder
            .timer(TokioTimer::new())
            // A peer that is gone without a word gives its place back.
            .keep_alive_interval(KEEPALIVE)
            .initial_connection_window_size(WINDOW)
            .initial_stream_window_size(WINDOW)
            .max_frame_size(FRAME)
            .max_send_buf_size(SEND_BUFFER)
            .max_concurrent_streams(STREAMS)
            .auto_date_header(false);
        let seat = OnceLock::new();
        let service = service_fn(|request: Request<_>| {
            let answering = match seated(&seat, seats, request.headers()) {
                Ok(()) => gateway.clone().answer(request),
                Err(status) => Box::pin(async move { frame::failure(&status) }),
            };
            async { Ok::<_, Infallible>(answering.await) }
        });
        // Who asks for nothing, or for more than there is room for, gives its connection back.
        let unseated = async {
            tokio::time::sleep(HANDSHAKE).await;
            if seat.get().is_some() {
                std::future::pending::<()>().await;
            }
        };
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
            }
            () = unseated => {}
            // The sender is gone.
            _ = stopped.changed() => {}
        }
        Ok(())
    })
}
