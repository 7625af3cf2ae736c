//! The connection below a request, for cutting it without an answer.

use std::any::Any;
use std::net::{Shutdown, TcpStream};

use actix_web::HttpRequest;
use actix_web::dev::Extensions;

/// A second handle on the connection's socket.
#[derive(Debug)]
pub(crate) struct Connection(Option<TcpStream>);

impl Connection {
    /// Called for every new connection.
    pub(crate) fn remember(connection: &dyn Any, data: &mut Extensions) {
        let stream = connection.downcast_ref::<actix_web::rt::net::TcpStream>();
        data.insert(Self(stream.and_then(duplicate)));
    }

    /// The connection that a request came on.
    pub(crate) fn of(request: &HttpRequest) -> &Self {
        request.conn_data::<Self>().unwrap_or(&Self(None))
    }

    /// Ends it in both directions, whatever is still to be said.
    pub(crate) fn cut(&self) {
        if let Some(stream) = &self.0 {
            // It may be gone already, which is what is wanted.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

#[cfg(unix)]
fn duplicate(stream: &actix_web::rt::net::TcpStream) -> Option<TcpStream> {
    use std::os::fd::AsFd;
    stream.as_fd().try_clone_to_owned().ok().map(TcpStream::from)
}

#[cfg(windows)]
fn duplicate(stream: &actix_web::rt::net::TcpStream) -> Option<TcpStream> {
    use std::os::windows::io::AsSocket;
    stream.as_socket().try_clone_to_owned().ok().map(TcpStream::from)
}
