//! Many callers at once, each with a connection of its own that it keeps. As little of the machine as can be goes into
//! this: a few threads look after all of the connections, as pgbench's do, requests are bytes, and of the answers only the
//! status is looked at.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::figures::milliseconds;

/// Threads that look after the callers.
pub(super) const THREADS: usize = 2;
/// How long an answer may take.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// What the callers saw.
pub(super) struct Seen {
    /// Requests that were answered with a success.
    pub(super) requests: usize,
    /// From the first request to the last answer.
    pub(super) took: Duration,
    /// How long each answer took, in milliseconds.
    pub(super) latencies: Vec<f64>,
}

/// Has callers post bodies for a while, one after the other each. `body` makes the body of a caller's nth request.
///
/// # Errors
/// When a connection breaks or an answer is no success.
pub(super) fn post(
    address: SocketAddr,
    path: &str,
    key: &str,
    callers: usize,
    lasting: Duration,
    body: &(dyn Fn(usize, usize) -> Vec<u8> + Sync),
) -> Result<Seen> {
    let start = Instant::now();
    let answers: Vec<Result<Vec<f64>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    let callers = (thread..callers).step_by(THREADS);
                    let connections = callers.map(|caller| Connection::open(address, path, key, caller));
                    look_after(connections.collect::<Result<_>>()?, start + lasting, body)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a caller panicked"))).collect()
    });
    let took = start.elapsed();
    let latencies: Vec<f64> = answers.into_iter().collect::<Result<Vec<_>>>()?.concat();
    Ok(Seen { requests: latencies.len(), took, latencies })
}

/// Keeps connections busy until the end, then waits for the last answers.
fn look_after(
    mut connections: Vec<Connection>,
    end: Instant,
    body: &(dyn Fn(usize, usize) -> Vec<u8> + Sync),
) -> Result<Vec<f64>> {
    let mut latencies = Vec::new();
    for connection in &mut connections {
        connection.send(&body(connection.caller, 0))?;
    }
    while !connections.is_empty() {
        let ready: Vec<bool> = {
            let mut watched: Vec<PollFd<'_>> = connections.iter().map(Connection::watched).collect();
            ensure!(poll(&mut watched, Some(&PATIENCE))? > 0, "no answer");
            watched.iter().map(|watched| !watched.revents().is_empty()).collect()
        };
        for (connection, _) in connections.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
            if !connection.turn()? {
                continue;
            }
            latencies.push(milliseconds(connection.sent.elapsed()));
            connection.answered += 1;
            connection.is_done = Instant::now() >= end;
            if !connection.is_done {
                connection.send(&body(connection.caller, connection.answered))?;
            }
        }
        connections.retain(|connection| !connection.is_done);
    }
    Ok(latencies)
}

/// A kept connection.
struct Connection {
    stream: TcpStream,
    head: String,
    caller: usize,
    answered: usize,
    is_done: bool,
    /// The request, and how much of it is on its way.
    request: Vec<u8>,
    written: usize,
    sent: Instant,
    answer: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr, path: &str, key: &str, caller: usize) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: "
        );
        let (request, answer) = (Vec::with_capacity(4_096), Vec::with_capacity(4_096));
        Ok(Self {
            stream,
            head,
            caller,
            answered: 0,
            is_done: false,
            request,
            written: 0,
            sent: Instant::now(),
            answer,
        })
    }

    fn watched(&self) -> PollFd<'_> {
        let writes = self.written < self.request.len();
        PollFd::new(&self.stream, if writes { PollFlags::OUT } else { PollFlags::IN })
    }

    /// Begins a request.
    fn send(&mut self, body: &[u8]) -> Result<()> {
        self.request.clear();
        self.answer.clear();
        self.written = 0;
        self.request.extend_from_slice(self.head.as_bytes());
        write!(self.request, "{}\r\n\r\n", body.len())?;
        self.request.extend_from_slice(body);
        self.sent = Instant::now();
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        while self.written < self.request.len() {
            match self.stream.write(&self.request[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Goes on with what it is at; whether the answer is there.
    fn turn(&mut self) -> Result<bool> {
        if self.written < self.request.len() {
            self.write()?;
            return Ok(false);
        }
        let mut chunk = [0; 4_096];
        let read = match self.stream.read(&mut chunk) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        ensure!(read > 0, "the service closed the connection");
        self.answer.extend_from_slice(&chunk[..read]);
        let Some(end) = end_of_answer(&self.answer)? else { return Ok(false) };
        ensure!(end == self.answer.len(), "more than one answer");
        ensure!(self.answer.starts_with(b"HTTP/1.1 2"), "answered: {}", String::from_utf8_lossy(&self.answer));
        Ok(true)
    }
}

/// Where an answer ends, once it is all there.
fn end_of_answer(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..head])?.to_ascii_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:")).context("an answer without length")?;
    let end = head + length.trim().parse::<usize>()?;
    Ok((bytes.len() >= end).then_some(end))
}

#[cfg(test)]
mod tests {
    use super::end_of_answer;

    #[test]
    fn an_answer_ends_after_its_body() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(end_of_answer(answer).unwrap(), Some(answer.len()));
        assert_eq!(end_of_answer(&answer[..answer.len() - 1]).unwrap(), None);
        assert!(end_of_answer(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
