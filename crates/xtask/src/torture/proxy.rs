//! A TCP proxy that can be stopped, as a network is that swallows everything: connections stay, and nothing moves.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

/// How often what stands still looks whether it may go on.
const LOOK: Duration = Duration::from_millis(20);

/// The proxy. Dropping it ends its connections.
pub(super) struct Proxy {
    /// Where it listens on loopback.
    pub(super) port: u16,
    flags: Arc<Flags>,
}

#[derive(Default)]
struct Flags {
    stopped: AtomicBool,
    over: AtomicBool,
}

impl Flags {
    /// Waits while the proxy is stopped; whether it goes on.
    fn goes_on(&self) -> bool {
        while self.stopped.load(Ordering::Relaxed) && !self.over.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
        }
        !self.over.load(Ordering::Relaxed)
    }
}

impl Proxy {
    /// Passes connections on to a port of this machine.
    pub(super) fn start(to: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no loopback port is free")?;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let flags = Arc::new(Flags::default());
        let of_listener = Arc::clone(&flags);
        std::thread::spawn(move || {
            while of_listener.goes_on() {
                match listener.accept() {
                    Ok((client, _)) => drop(pass(client, to, &of_listener)),
                    Err(_) => std::thread::sleep(LOOK),
                }
            }
        });
        Ok(Self { port, flags })
    }

    /// Lets nothing through from now on, or everything again.
    pub(super) fn stop(&self, stopped: bool) {
        self.flags.stopped.store(stopped, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.flags.over.store(true, Ordering::Relaxed);
    }
}

fn pass(client: TcpStream, to: u16, flags: &Arc<Flags>) -> std::io::Result<()> {
    client.set_nonblocking(false)?;
    let server = TcpStream::connect(("127.0.0.1", to))?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK))?;
    }
    for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        let flags = Arc::clone(flags);
        std::thread::spawn(move || {
            copy(&from, &to, &flags);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, flags: &Flags) {
    let mut buffer = [0; 16 * 1024];
    while flags.goes_on() {
        match from.read(&mut buffer) {
            Ok(0) => return,
            // It may have been stopped while this was read.
            Ok(size) if !flags.goes_on() || to.write_all(&buffer[..size]).is_err() => return,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_proxy_swallows_and_gives_back() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(server.local_addr().unwrap().port()).unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        let (mut served, _) = server.accept().unwrap();
        let mut byte = [0];
        client.write_all(b"a").unwrap();
        served.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"a");
        proxy.stop(true);
        client.write_all(b"b").unwrap();
        served.set_read_timeout(Some(LOOK * 5)).unwrap();
        assert!(served.read(&mut byte).is_err(), "it came through");
        proxy.stop(false);
        served.set_read_timeout(None).unwrap();
        served.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"b");
    }
}
