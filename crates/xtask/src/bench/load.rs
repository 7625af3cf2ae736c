//! Many callers at once, each with a connection of its own that it keeps. As little of the machine as can be goes into
//! this: a few threads look after all of the connections, as pgbench's do, requests are bytes, and of the answers only the
//! status is looked at.

use std::collections::BTreeMap;
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
            let Some(status) = connection.turn()? else { continue };
            ensure!((200..300).contains(&status), "answered: {}", String::from_utf8_lossy(&connection.answer));
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

/// What callers saw who ask by the clock.
#[derive(Default)]
pub(super) struct Paced {
    /// How long each answer took, in milliseconds, from when it was to be asked for.
    pub(super) latencies: Vec<f64>,
    /// How often each status was answered.
    pub(super) statuses: BTreeMap<u16, usize>,
}

impl Paced {
    fn add(mut self, more: Self) -> Self {
        self.latencies.extend(more.latencies);
        for (status, count) in more.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self
    }
}

/// Has callers post so many bodies a second between them, whatever the answers take: a caller whose answer is late is late with
/// the next question, and that counts as time that its answer took. `body` makes the body of a caller's nth request.
///
/// # Errors
/// When a connection breaks.
pub(super) fn pace(
    address: SocketAddr,
    path: &str,
    key: &str,
    (callers, threads, a_second): (usize, usize, u32),
    lasting: Duration,
    body: &(dyn Fn(usize, usize) -> Vec<u8> + Sync),
) -> Result<Paced> {
    let start = Instant::now();
    let share = Duration::from_secs(1) * u32::try_from(callers)? / a_second;
    let answers: Vec<Result<Paced>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut connections = Vec::new();
                    for caller in (thread..callers).step_by(threads) {
                        let mut connection = Connection::open(address, path, key, caller)?;
                        // Not all at once.
                        connection.sent = start + share * u32::try_from(caller)? / u32::try_from(callers)?;
                        connection.is_done = true;
                        connections.push(connection);
                    }
                    keep_pace(connections, share, start + lasting, body)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a caller panicked"))).collect()
    });
    answers.into_iter().try_fold(Paced::default(), |sum, more| Ok(sum.add(more?)))
}

/// Asks by the clock until the end, then waits for the last answers. `sent` is when a connection's question was to be asked or
/// is to be, `is_done` says that it has its answer.
fn keep_pace(
    mut connections: Vec<Connection>,
    share: Duration,
    end: Instant,
    body: &(dyn Fn(usize, usize) -> Vec<u8> + Sync),
) -> Result<Paced> {
    let mut paced = Paced::default();
    loop {
        let now = Instant::now();
        for connection in connections.iter_mut().filter(|one| one.is_done && one.sent <= now && one.sent < end) {
            let (due, request) = (connection.sent, body(connection.caller, connection.answered));
            connection.send(&request)?;
            (connection.sent, connection.is_done) = (due, false);
        }
        let next = connections.iter().filter(|one| one.is_done).map(|one| one.sent).filter(|due| *due < end).min();
        let mut waiting: Vec<&mut Connection> = connections.iter_mut().filter(|one| !one.is_done).collect();
        let pause = match next {
            Some(due) => Timespec::try_from(due.saturating_duration_since(Instant::now()))?,
            None if waiting.is_empty() => return Ok(paced),
            None => PATIENCE,
        };
        let ready: Vec<bool> = {
            let mut watched: Vec<PollFd<'_>> = waiting.iter().map(|one| one.watched()).collect();
            let answers = poll(&mut watched, Some(&pause))?;
            ensure!(answers > 0 || next.is_some(), "no answer");
            watched.iter().map(|watched| !watched.revents().is_empty()).collect()
        };
        for (connection, _) in waiting.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
            let Some(status) = connection.turn()? else { continue };
            paced.latencies.push(milliseconds(connection.sent.elapsed()));
            *paced.statuses.entry(status).or_default() += 1;
            connection.answered += 1;
            (connection.sent, connection.is_done) = (connection.sent + share, true);
        }
    }
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

    /// Goes on with what it is at; the status of the answer, once that is there.
    fn turn(&mut self) -> Result<Option<u16>> {
        if self.written < self.request.len() {
            self.write()?;
            return Ok(None);
        }
        let mut chunk = [0; 4_096];
        let read = match self.stream.read(&mut chunk) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        ensure!(read > 0, "the service closed the connection");
        self.answer.extend_from_slice(&chunk[..read]);
        let Some(end) = end_of_answer(&self.answer)? else { return Ok(None) };
        ensure!(end == self.answer.len(), "more than one answer");
        let status = self.answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        Ok(Some(status.and_then(|digits| digits.parse().ok()).context("an answer without a status")?))
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
