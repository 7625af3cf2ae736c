//! A service, or two, with the outside world beside them and channels into it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::demo::{Session, SignIn};
use crate::http::Client;
use crate::paths;
use crate::programs::Address;
use crate::services::{self, Service};
use crate::torture::scene::{Replica, Stage};

/// How long anything may take before it counts as never.
pub(super) const NEVER: Duration = Duration::from_secs(120);

/// What is tortured, and who watches.
pub(super) struct World {
    pub(super) replicas: Vec<Replica>,
    pub(super) session: Session,
    simulator: Client,
    address: Address,
    /// Stopped when it is dropped.
    _service: Service,
}

impl World {
    /// Starts the outside world and so many replicas, and signs somebody in.
    pub(super) fn open(stage: &Stage<'_>, database: &str, replicas: usize) -> Result<Self> {
        let (service, address) = stage.programs.simulator(0, "empty")?;
        let host = address.base.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let more =
            [("OUTBOUND_ALLOW", host), ("REGISTRATION", "open".to_owned()), ("BUDGET_CHECK_INTERVAL", "30".to_owned())];
        stage.cluster.ensure_database(database)?;
        let first = stage.replica_with(database, stage.cluster.port(), true, &more)?;
        let mut all = vec![first];
        for _ in 1..replicas {
            let beside = stage.beside(&all[0])?;
            all.push(beside);
        }
        let session = someone(&all[0].url)?;
        let simulator = Client::patient(&address.base, Duration::from_secs(70));
        Ok(Self { replicas: all, session, simulator, address, _service: service })
    }

    /// A project of a team of its own.
    pub(super) fn project(&mut self) -> Result<(String, String)> {
        let team = self.session.team("Torture")?;
        let project = json!({"teamId": team, "name": "torture", "environment": "ci"});
        let project = self.session.post("/api/projects", &project)?;
        Ok((team, text(&project["id"])?))
    }

    /// A webhook's channel that goes to a sink of this name.
    pub(super) fn sink(&mut self, name: &str) -> Result<String> {
        let url = format!("{}/webhook/{name}", self.address.base.trim_end_matches('/'));
        let channel = json!({"type": "webhook", "name": name, "locale": "en", "url": url});
        text(&self.session.post("/api/channels", &channel)?["id"])
    }

    /// An API key with these scopes.
    pub(super) fn key(&mut self, scopes: &[&str]) -> Result<String> {
        let key = self.session.post("/api/api-keys", &json!({"name": "torture", "scopes": scopes}))?;
        text(&key["key"])
    }

    /// Has a request to a sink go wrong, so many times; for good without a number.
    pub(super) fn fault(&self, sink: &str, fault: Value, times: Option<u32>) -> Result<()> {
        let fault = json!({"match": {"path": format!("/webhook/{sink}")}, "fault": fault, "times": times});
        self.simulator.send("POST", "/_sim/faults", Some(&fault))?.success("a fault").map(drop)
    }

    /// Nothing goes wrong any more.
    pub(super) fn mend(&self) -> Result<()> {
        self.simulator.send("DELETE", "/_sim/faults", None)?.success("no faults").map(drop)
    }

    /// All that arrived at a sink, taken or not, once there are so many, or after some seconds.
    pub(super) fn letters(&self, sink: &str, count: usize, wait: u64) -> Result<Vec<Value>> {
        let path = format!("/_sim/inbox/webhook?path=/webhook/{sink}&attempts=true&count={count}&wait={wait}");
        let found = self.simulator.send("GET", &path, None)?.success("the inbox")?;
        found["data"].as_array().cloned().context("letters")
    }

    /// Has something to tell all channels: an API key is stopped. Test messages are limited.
    pub(super) fn news(&mut self) -> Result<()> {
        let made = self.session.post("/api/api-keys", &json!({"name": "torture", "scopes": ["guard"]}))?;
        let target = json!({"type": "api_key", "id": text(&made["id"])?});
        let block = json!({"target": target, "mode": "stop", "reason": "Torture"});
        self.session.post("/api/blocks", &block).map(drop)
    }

    /// Sends a test message to a channel.
    pub(super) fn test(&mut self, channel: &str) -> Result<()> {
        self.session.post("/api/alerts/test", &json!({"channelId": channel})).map(drop)
    }

    /// All pages of a list.
    pub(super) fn all(&mut self, path: &str) -> Result<Vec<Value>> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = self.session.get(&format!("{path}{mark}limit=200{cursor}"))?;
            found.extend(page["data"].as_array().cloned().unwrap_or_default());
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(found),
            }
        }
    }
}

/// Signs a new person in, with an organization of their own.
pub(super) fn someone(url: &str) -> Result<Session> {
    let password = format!("torture-{}", paths::hex(&paths::random::<8>()?));
    let email = format!("torture-{}@example.com", paths::hex(&paths::random::<4>()?));
    Session::open(url, &SignIn { email, password })
}

/// A text in JSON.
pub(super) fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).context("a text")
}

/// Seconds until something is so.
pub(super) fn until(what: &str, limit: Duration, mut is_so: impl FnMut() -> Result<bool>) -> Result<f64> {
    let start = Instant::now();
    while !is_so()? {
        ensure!(start.elapsed() < limit, "{what}: it never was");
        services::pause(Duration::from_millis(50))?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// When a letter arrived, in seconds of its day (UTC). All of one promise are of one day or of two that follow each other.
pub(super) fn arrived(letter: &Value) -> Result<f64> {
    let at = text(&letter["at"])?;
    let time = at.split_once('T').map(|(_, time)| time.trim_end_matches('Z')).context("a time")?;
    let parts: Vec<f64> = time.split(':').map(str::parse).collect::<Result<_, _>>().context("a time")?;
    let [hours, minutes, seconds] = parts.as_slice() else { anyhow::bail!("no time: {at}") };
    Ok(hours * 3_600.0 + minutes * 60.0 + seconds)
}

/// Seconds from one letter to the next.
pub(super) fn gap(letters: &[Value]) -> Result<f64> {
    let at: Vec<f64> = letters.iter().map(arrived).collect::<Result<_>>()?;
    let gap = at.get(1).zip(at.first()).map(|(second, first)| (second - first).rem_euclid(86_400.0));
    Ok(gap.unwrap_or(f64::NAN))
}
