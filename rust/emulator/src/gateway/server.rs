//! The listening side: one port, every service, bounded connections.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use pulsewire_wire::frontend::frontend_server::FrontendServer;
use pulsewire_wire::info::info_service_server::InfoServiceServer;
use pulsewire_wire::job_manager::job_manager_service_server::JobManagerServiceServer;
use pulsewire_wire::job_manager_legacy::job_manager_service_server::JobManagerServiceServer as LegacyServer;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::service::Routes;

use super::frontend::Frontend;
use super::info::Info;
use super::job_manager::JobManager;
use super::job_results::JobResults;
use super::uncopied::Uncopied;
use crate::machine::Hub;

/// The window of a connection and of a stream; the clients announce the same (F1.6).
const WINDOW: u32 = 16 << 20;
/// What waits for the socket of one stream: references to stored results, mostly.
const SEND_BUFFER: usize = 4 << 20;

const KEEPALIVE: Duration = Duration::from_secs(60);

/// Runs the calls of a connection: at once, on its task, as most are answered without a wait; the
/// others go on as tasks of their own.
#[derive(Clone, Copy, Debug)]
struct AtOnce;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for AtOnce {
    fn execute(&self, call: F) {
        let mut call = Box::pin(call);
        // A task polls it again and leaves a waker that counts.
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if polled.is_pending() {
            tokio::spawn(call);
        }
    }
}

/// Binds an address; port 0 lets the system choose.
///
/// # Errors
/// The system's.
pub async fn bind(host: &str, port: u16) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((host, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn routes(hub: &Arc<Hub>) -> Routes {
    let most = hub.limits.message_bytes;
    let manager = || JobManager(Arc::clone(hub));
    Routes::new(InfoServiceServer::new(Info))
        .add_service(FrontendServer::new(Frontend(Arc::clone(hub))).max_decoding_message_size(most))
        .add_service(JobManagerServiceServer::new(manager()).max_decoding_message_size(most))
        .add_service(LegacyServer::new(manager()).max_decoding_message_size(most))
        .add_service(Uncopied::new(JobResults(Arc::clone(hub)), most))
        .prepare()
}

/// Serves until `stop` resolves; open connections are dropped then.
pub async fn serve(listener: TcpListener, hub: Arc<Hub>, stop: impl Future<Output = ()> + Send) {
    let clients = Arc::new(Semaphore::new(hub.limits.clients));
    let service = TowerToHyperService::new(routes(&hub));
    let mut builder = http2::Builder::new(AtOnce);
    builder
        .timer(TokioTimer::new())
        // A peer that is gone without a word gives its place back.
        .keep_alive_interval(KEEPALIVE)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .auto_date_header(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let permit = Arc::clone(&clients).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => return,
        };
        // Those that ended leave nothing behind.
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, for example: others must end before one can begin.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        // Small answers go out at once; a socket that refuses is merely slower.
        let _ = stream.set_nodelay(true);
        let connection = builder.serve_connection(TokioIo::new(stream), service.clone());
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(permit);
        });
    }
}
