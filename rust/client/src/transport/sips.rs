//! A socket that is read in sips.
//!
//! h2 reads as long as the socket has anything, frame by frame, before whoever wants the frames gets a turn: megabytes
//! lie in memory then, and are out of the processor's caches when they are copied to where they belong. Here the reader is
//! interrupted now and then.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::doubt::Doubt;

/// Bytes that are read before whoever wants them gets a turn: chosen by measurement (benches/README.md).
const SIP: usize = 256 << 10;

/// A socket whose reader gives way after some bytes.
#[derive(Debug)]
pub(super) struct Sips<T> {
    socket: T,
    doubt: Doubt,
    /// Since the reader gave way.
    read: usize,
}

impl<T> Sips<T> {
    /// What arrives speaks against the doubts about the connection.
    pub(super) fn new(socket: T, doubt: Doubt) -> Self {
        Self { socket, doubt, read: 0 }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Sips<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if self.read >= SIP {
            self.read = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buffer);
        let read = buffer.filled().len() - before;
        if read > 0 {
            self.doubt.hear();
        }
        self.read = if polled.is_pending() { 0 } else { self.read + read };
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Sips<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
