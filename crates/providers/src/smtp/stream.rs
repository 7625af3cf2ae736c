//! A stream that is read only so far: lettre waits for the end of a line however long it is.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A conversation with a mail server, certificates included, is some kilobytes.
const MOST: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct Metered<S> {
    inner: S,
    read: usize,
}

impl<S> Metered<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, read: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.read += buffer.filled().len() - before;
        Poll::Ready(if self.read > MOST { Err(Error::other("the server says too much")) } else { Ok(()) })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Metered<TcpStream> {
    fn peer_addr(&self) -> Result<SocketAddr> {
        self.inner.peer_addr()
    }
}

impl AsyncTokioStream for Metered<TlsStream<Metered<TcpStream>>> {
    fn peer_addr(&self) -> Result<SocketAddr> {
        self.inner.get_ref().0.peer_addr()
    }
}
