//! Many callers at once, each with a connection of its own that it keeps. As little of the machine as can be goes into
//! this: the requests are bytes, and of the answers only the status is looked at.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::figures::milliseconds;

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
    let over = AtomicBool::new(false);
    let start = Instant::now();
    let answers: Vec<Result<Vec<f64>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|caller| {
                let over = &over;
                scope.spawn(move || {
                    let mut connection = Connection::open(address, path, key)?;
                    let mut latencies = Vec::new();
                    while start.elapsed() < lasting && !over.load(Ordering::Relaxed) {
                        let body = body(caller, latencies.len());
                        let sent = Instant::now();
                        if let Err(error) = connection.post(&body) {
                            over.store(true, Ordering::Relaxed);
                            return Err(error);
                        }
                        latencies.push(milliseconds(sent.elapsed()));
                    }
                    Ok(latencies)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a caller panicked"))).collect()
    });
    let took = start.elapsed();
    let latencies: Vec<f64> = answers.into_iter().collect::<Result<Vec<_>>>()?.concat();
    Ok(Seen { requests: latencies.len(), took, latencies })
}

/// A kept connection.
struct Connection {
    stream: TcpStream,
    head: String,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr, path: &str, key: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: "
        );
        Ok(Self { stream, head, buffer: Vec::with_capacity(4_096) })
    }

    fn post(&mut self, body: &[u8]) -> Result<()> {
        let mut request = Vec::with_capacity(self.head.len() + 16 + body.len());
        request.extend_from_slice(self.head.as_bytes());
        write!(request, "{}\r\n\r\n", body.len())?;
        request.extend_from_slice(body);
        self.stream.write_all(&request)?;
        self.buffer.clear();
        let end = loop {
            let mut chunk = [0; 4_096];
            let read = self.stream.read(&mut chunk)?;
            ensure!(read > 0, "the service closed the connection");
            self.buffer.extend_from_slice(&chunk[..read]);
            if let Some(end) = end_of_answer(&self.buffer)? {
                break end;
            }
        };
        ensure!(end == self.buffer.len(), "more than one answer");
        ensure!(self.buffer.starts_with(b"HTTP/1.1 2"), "answered: {}", String::from_utf8_lossy(&self.buffer));
        Ok(())
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
