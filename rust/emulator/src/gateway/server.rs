//! The listening side: one port, every service, bounded connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Semaphore, watch};

use super::service::Gateway;
use crate::control::Registry;

/// The window of a connection and of a stream; the clients announce the same.
const WINDOW: u32 = 16 << 20;
/// The largest frame that is taken: an entry of many values comes in few of them.
const FRAME: u32 = 1 << 20;
/// What waits for the socket of one stream: references to stored results, mostly.
const SEND_BUFFER: usize = 4 << 20;

const KEEPALIVE: Duration = Duration::from_secs(60);
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
    // More than any system has; a semaphore has an end of its own.
    let most = registry.jobs.limits.clients.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
    let clients = Arc::new(Semaphore::new(most));
    let gateway = Gateway::new(registry, Handle::current());
    let (open, stopped) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let permit = Arc::clone(&clients).acquire_owned().await;
            // Before anybody is let in: a machine that has no room for one more lets it wait.
            let runtime = loop {
                match Builder::new_current_thread().enable_io().enable_time().build() {
                    Ok(runtime) => break runtime,
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            };
            (permit, Idle(Some(runtime)), listener.accept().await)
        };
        let (permit, runtime, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let (gateway, stopped) = (gateway.for_connection(), stopped.clone());
        let started = accepted.and_then(|(stream, _)| {
            let stream = stream.into_std()?;
            std::thread::Builder::new().name("pulsewire-gateway".to_owned()).spawn(move || {
                if let Err(error) = connection(&runtime, stream, gateway, stopped) {
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
    let _ = tokio::time::timeout(PATIENCE, clients.acquire_many(most as u32)).await;
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

/// Serves one connection until it ends or all do.
fn connection(
    runtime: &Idle,
    stream: std::net::TcpStream,
    gateway: Gateway,
    mut stopped: watch::Receiver<()>,
) -> std::io::Result<()> {
    let Some(runtime) = &runtime.0 else { return Ok(()) };
    runtime.block_on(async {
        let stream = TcpStream::from_std(stream)?;
        // Small answers go out at once; a socket that refuses is merely slower.
        let _ = stream.set_nodelay(true);
        // Who says nothing at all gives its place back; HTTP/2's own keepalive begins later.
        if tokio::time::timeout(KEEPALIVE, stream.readable()).await.is_err() {
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
        let service = service_fn(|request| {
            let answering = gateway.clone().answer(request);
            async { Ok::<_, Infallible>(answering.await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
            }
            // The sender is gone.
            _ = stopped.changed() => {}
        }
        Ok(())
    })
}
