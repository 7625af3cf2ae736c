//! 7: a large file whose service is killed while it arrives and while it is stored.

use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::ledger::Ledger;
use super::numbers::verdict;
use super::scene::{Caller, Replica, Stage};
use crate::services;

const DATABASE: &str = "torture_7";
/// MiB that a service may need beside what it needs when idle.
const ROOM: f64 = 100.0;
/// How long the file may take to arrive, and to be stored.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// Sends a file of so many lines, kills the service once while it arrives and twice while it is stored.
pub(super) fn killed(stage: &mut Stage<'_>, rows: u64) -> Result<Value> {
    let (mut replica, caller) = stage.open(DATABASE, stage.cluster.port(), true)?;
    let file = File { rows, seed: stage.seed, at: super::now() };
    let sender = Sender::new(caller);
    let begun = sender.json(&replica, "POST", "/api/usage/imports", &json!({"format": "ndjson"}))?;
    let id = begun["id"].as_str().context("an import without an id")?.to_owned();
    let path = format!("/api/usage/imports/{id}");
    let mut memory = Memory::of(&replica);
    let half = file.size() / 2;
    let arrived = |import: &Value| import["receivedBytes"].as_u64().unwrap_or_default();
    std::thread::scope(|scope| {
        let upload = scope.spawn(|| sender.upload(&replica.url, &path, file.rest(0)));
        let waited = sender.wait(&replica, &path, |import| arrived(import) >= half);
        if waited.is_ok() {
            services::signal_kill(replica.service.id())?;
        }
        ensure!(upload.join().is_ok(), "the upload panicked");
        waited.map(drop)
    })?;
    memory.look(&replica);
    stage.start_again(&mut replica)?;
    memory.begin(&replica);
    let there = arrived(&sender.get(&replica, &path)?);
    sender.upload(&replica.url, &format!("{path}?offset={there}"), file.rest(there))?;
    for share in [1, 2] {
        sender.wait(&replica, &path, |import| stored(import) >= rows * share / 3)?;
        memory.look(&replica);
        stage.kill(&mut replica)?;
        memory.begin(&replica);
    }
    let done = sender.wait(&replica, &path, |import| import["state"] == "done" || import["state"] == "failed")?;
    memory.look(&replica);
    let ledger = Ledger { acknowledged: (0..rows).map(|row| format!("row-{row}")).collect(), ..Ledger::default() };
    let found = stage.find(DATABASE, &replica, &ledger)?;
    let whole = done["state"] == "done" && stored(&done) == rows && done["rejected"] == 0;
    let more = json!({
        "rows": rows, "kills": 3, "resumedAtByte": there, "state": done["state"], "storedOnceMore": done["duplicates"],
        "memoryMiB": memory.most.round(), "memoryTarget": ROOM,
    });
    Ok(verdict(stage, 7, &found, &ledger, more, whole && there > 0 && memory.most <= ROOM))
}

/// Lines that are stored: what a killed job had stored comes as duplicates once more.
fn stored(import: &Value) -> u64 {
    ["accepted", "duplicates"].iter().filter_map(|name| import[*name].as_u64()).sum()
}

/// The same file whenever it is read, from any of its bytes on.
#[derive(Clone, Copy, Debug)]
struct File {
    rows: u64,
    seed: u64,
    at: u64,
}

impl File {
    fn line(&self, row: u64) -> String {
        let mixed = row.wrapping_mul(0x9E37_79B9).wrapping_add(self.seed);
        format!(
            concat!(
                r#"{{"eventId":"row-{}","provider":"openai","model":"gpt-4o-mini","timestamp":{},"promptTokens":{:04},"#,
                r#""completionTokens":{:03},"userId":"user-{:02}","cost":"0.{:09}"}}"#,
                "\n"
            ),
            row,
            self.at - mixed % 7_200_000,
            mixed % 5_000,
            mixed % 900,
            mixed % 50,
            mixed % 1_000_000_000,
        )
    }

    fn size(&self) -> u64 {
        (0..self.rows).map(|row| u64::try_from(self.line(row).len()).unwrap_or_default()).sum()
    }

    /// What follows a byte.
    fn rest(self, offset: u64) -> Rest {
        Rest { file: self, row: 0, line: Vec::new(), place: 0, skip: offset }
    }
}

struct Rest {
    file: File,
    row: u64,
    line: Vec<u8>,
    place: usize,
    skip: u64,
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.place == self.line.len() {
            if self.row == self.file.rows {
                return Ok(0);
            }
            self.line = self.file.line(self.row).into_bytes();
            self.row += 1;
            let skipped = self.skip.min(u64::try_from(self.line.len()).unwrap_or_default());
            self.skip -= skipped;
            self.place = usize::try_from(skipped).unwrap_or_default();
        }
        let size = buffer.len().min(self.line.len() - self.place);
        buffer[..size].copy_from_slice(&self.line[self.place..self.place + size]);
        self.place += size;
        Ok(size)
    }
}

/// Whoever sends the file and asks how far it is.
struct Sender {
    caller: Caller,
    agent: ureq::Agent,
}

impl Sender {
    fn new(caller: Caller) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        Self { caller, agent }
    }

    fn json(&self, replica: &Replica, method: &str, path: &str, body: &Value) -> Result<Value> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", replica.url))
            .header("authorization", format!("Bearer {}", self.caller.key))
            .header("content-type", "application/json");
        let mut answer = match body {
            Value::Null => self.agent.run(request.body(())?),
            body => self.agent.run(request.body(body.to_string())?),
        }?;
        let text = answer.body_mut().read_to_string()?;
        ensure!(answer.status().is_success(), "{method} {path}: {} {text}", answer.status());
        Ok(serde_json::from_str(&text)?)
    }

    fn get(&self, replica: &Replica, path: &str) -> Result<Value> {
        self.json(replica, "GET", path, &Value::Null)
    }

    fn upload(&self, url: &str, path: &str, mut rest: Rest) -> Result<()> {
        let mut answer = self
            .agent
            .put(format!("{url}{path}"))
            .header("authorization", format!("Bearer {}", self.caller.key))
            .header("content-type", "application/x-ndjson")
            .send(ureq::SendBody::from_reader(&mut rest))?;
        let text = answer.body_mut().read_to_string()?;
        ensure!(answer.status().is_success(), "PUT {path}: {} {text}", answer.status());
        Ok(())
    }

    /// Asks until it is so; how it is then.
    fn wait(&self, replica: &Replica, path: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
        let start = Instant::now();
        loop {
            let import = self.get(replica, path)?;
            if is_so(&import) {
                return Ok(import);
            }
            if import["state"] == "failed" || start.elapsed() > PATIENCE {
                bail!("the import does not go on: {import}");
            }
            services::pause(Duration::from_millis(50))?;
        }
    }
}

/// MiB of memory that services needed beside what they need when idle, at most.
struct Memory {
    idle: f64,
    most: f64,
}

impl Memory {
    fn of(replica: &Replica) -> Self {
        Self { idle: resident(replica, "VmRSS:").unwrap_or_default(), most: 0.0 }
    }

    /// A new process.
    fn begin(&mut self, replica: &Replica) {
        self.idle = resident(replica, "VmRSS:").unwrap_or_default();
    }

    /// What it needed until now. A process that has ended tells nothing any more.
    fn look(&mut self, replica: &Replica) {
        if let Some(peak) = resident(replica, "VmHWM:") {
            self.most = self.most.max(peak - self.idle);
        }
    }
}

/// A line of what the system knows of a process's memory, in MiB (Linux).
fn resident(replica: &Replica, name: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", replica.service.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()? / 1_024.0)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::File;

    #[test]
    fn a_file_goes_on_from_any_byte() {
        let file = File { rows: 20, seed: 7, at: 1_700_000_000_000 };
        let read = |offset| {
            let mut text = String::new();
            file.rest(offset).read_to_string(&mut text).unwrap();
            text
        };
        let whole = read(0);
        assert_eq!(whole.len() as u64, file.size());
        for offset in [1, 100, 333, whole.len() - 1, whole.len()] {
            assert_eq!(read(offset as u64), whole[offset..]);
        }
    }
}
