//! The listening side: one port, every service, bounded connections.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pulsewire_wire::frontend::frontend_server::FrontendServer;
use pulsewire_wire::info::info_service_server::InfoServiceServer;
use pulsewire_wire::job_manager::job_manager_service_server::JobManagerServiceServer;
use pulsewire_wire::job_manager_legacy::job_manager_service_server::JobManagerServiceServer as LegacyServer;
use pulsewire_wire::results::job_results_service_server::JobResultsServiceServer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::transport::Server;
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::frontend::Frontend;
use super::info::Info;
use super::job_manager::JobManager;
use super::job_results::JobResults;
use crate::machine::Hub;

/// The window of a connection and of a stream; the clients announce the same (F1.6).
const WINDOW: u32 = 16 << 20;

const KEEPALIVE: std::time::Duration = std::time::Duration::from_secs(60);

/// A connection that counts as one of the clients for as long as it is open.
struct Connection {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
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

/// Serves until `stop` resolves; open connections are dropped then.
///
/// # Errors
/// The transport's.
pub async fn serve(
    listener: TcpListener,
    hub: Arc<Hub>,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), tonic::transport::Error> {
    let clients = Arc::new(Semaphore::new(hub.limits.clients));
    let incoming = accept(listener, clients);
    let most = hub.limits.message_bytes;
    let router = Server::builder()
        .tcp_nodelay(true)
        // A peer that is gone without a word gives its place back.
        .http2_keepalive_interval(Some(KEEPALIVE))
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .add_service(InfoServiceServer::new(Info))
        .add_service(
            FrontendServer::new(Frontend(Arc::clone(&hub))).max_decoding_message_size(most),
        )
        .add_service(
            JobManagerServiceServer::new(JobManager(Arc::clone(&hub)))
                .max_decoding_message_size(most),
        )
        .add_service(
            LegacyServer::new(JobManager(Arc::clone(&hub))).max_decoding_message_size(most),
        )
        .add_service(JobResultsServiceServer::new(JobResults(hub)).max_decoding_message_size(most));
    tokio::select! {
        served = router.serve_with_incoming(incoming) => served,
        () = stop => Ok(()),
    }
}

fn accept(
    listener: TcpListener,
    clients: Arc<Semaphore>,
) -> tokio_stream::wrappers::ReceiverStream<std::io::Result<Connection>> {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        while let Ok(permit) = Arc::clone(&clients).acquire_owned().await {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = sender.closed() => return,
            };
            let connection = accepted.map(|(stream, _)| {
                // Small answers go out at once; a socket that refuses is merely slower.
                let _ = stream.set_nodelay(true);
                Connection { stream, _permit: permit }
            });
            if connection.is_err() {
                // Out of descriptors, for example: others must end before one can begin.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            }
            if sender.send(connection).await.is_err() {
                return;
            }
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(receiver)
}
