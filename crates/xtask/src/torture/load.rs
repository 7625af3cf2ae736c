//! Callers that report events at a steady rate and go on with each until they know what became of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::Dice;
use super::ledger::Ledger;
use super::scene::Caller;
use crate::services;

/// Callers at a time.
const CALLERS: u64 = 16;
/// What a caller sends in one turn: a batch of so many events, and so many by themselves.
const BATCH: u64 = 20;
const SINGLE: u64 = 5;
/// How long a caller waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long before it tries again.
const AGAIN: Duration = Duration::from_millis(100);

/// The callers at work. Dropping it lets them go without an answer.
pub(super) struct Load {
    shared: Arc<Shared>,
    callers: Vec<JoinHandle<()>>,
}

struct Shared {
    url: String,
    caller: Caller,
    seed: u64,
    /// The callers are to finish what they are at.
    over: AtomicBool,
    /// Nobody wants to know any more.
    dropped: AtomicBool,
    acknowledged: AtomicU64,
    start: Instant,
    /// When the last event was acknowledged, in microseconds since the start.
    last: AtomicU64,
    ledger: Mutex<Ledger>,
}

impl Load {
    /// Lets them begin, at so many events a second together.
    pub(super) fn start(url: &str, caller: &Caller, seed: u64, per_second: u64) -> Self {
        let shared = Arc::new(Shared {
            url: url.to_owned(),
            caller: caller.clone(),
            seed,
            over: AtomicBool::new(false),
            dropped: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            start: Instant::now(),
            last: AtomicU64::new(0),
            ledger: Mutex::default(),
        });
        let turn = Duration::from_micros(1_000_000 * CALLERS * (BATCH + SINGLE) / per_second);
        let callers = (0..CALLERS)
            .map(|number| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.call(number, turn))
            })
            .collect();
        Self { shared, callers }
    }

    /// Events that were acknowledged so far.
    pub(super) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits for an event to be acknowledged that was not before `since`; how long after that it was.
    ///
    /// # Errors
    /// When that takes longer than `limit`, or a stop is asked for.
    pub(super) fn first_after(&self, since: Instant, limit: Duration) -> Result<Duration> {
        loop {
            let last = self.shared.start + Duration::from_micros(self.shared.last.load(Ordering::Relaxed));
            if last > since {
                return Ok(last - since);
            }
            if since.elapsed() > limit {
                bail!("no event was acknowledged for {} s", limit.as_secs());
            }
            services::pause(Duration::from_millis(2))?;
        }
    }

    /// Lets the callers finish; what they were told.
    pub(super) fn finish(mut self) -> Result<Ledger> {
        self.shared.over.store(true, Ordering::Relaxed);
        for caller in self.callers.drain(..) {
            while !caller.is_finished() {
                services::pause(Duration::from_millis(20))?;
            }
            caller.join().map_err(|_| anyhow::anyhow!("a caller panicked"))?;
        }
        Ok(std::mem::take(&mut *self.shared.ledger.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.shared.dropped.store(true, Ordering::Relaxed);
    }
}

/// An HTTP client that keeps its connection.
pub(super) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).proxy(None).timeout_global(Some(PATIENCE)).build().into()
}

impl Shared {
    fn call(&self, number: u64, turn: Duration) {
        let agent = agent();
        let mut dice = Dice(self.seed ^ (number << 32));
        // Spread over the turn, so that they do not all come at once.
        let mut next = self.start + turn * u32::try_from(number).unwrap_or_default() / 16;
        for round in 0.. {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            next = (next + turn).max(Instant::now());
            let event = |place: u64, dice: &mut Dice| self.event(&format!("{number}-{round}-{place}"), dice);
            let batch: Vec<Value> = (0..BATCH).map(|place| event(place, &mut dice)).collect();
            self.insist(&agent, "/api/usage/bulk", &json!({ "events": batch }));
            for place in BATCH..BATCH + SINGLE {
                self.insist(&agent, "/api/usage/track", &event(place, &mut dice));
            }
        }
    }

    fn event(&self, id: &str, dice: &mut Dice) -> Value {
        let model = match dice.below(4) {
            0 => "gpt-4o",
            1 => "gpt-4o-mini",
            2 => "gpt-4.1",
            _ => "no-such-model",
        };
        let hours = dice.below(40);
        json!({
            "eventId": id, "projectId": self.caller.project, "provider": "openai",
            "model": model,
            "timestamp": super::now() - hours * 3_600_000 - dice.below(60_000),
            "promptTokens": dice.below(5_000), "completionTokens": dice.below(900), "responseTime": dice.below(30_000),
            "cost": format!("0.{:018}", dice.below(1_000_000_000_000_000_000)),
            "status": if dice.below(20) == 0 { "error" } else { "success" },
            "userId": format!("user-{}", dice.below(50)), "learnerId": format!("learner-{}", dice.below(500)),
            "taskType": "torture",
        })
    }

    /// Sends a body until its outcome is known.
    fn insist(&self, agent: &ureq::Agent, path: &str, body: &Value) {
        while !self.dropped.load(Ordering::Relaxed) {
            if self.send(agent, path, body) {
                return;
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Sends a body once; whether its outcome is known now.
    fn send(&self, agent: &ureq::Agent, path: &str, body: &Value) -> bool {
        let request = agent
            .post(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.caller.key))
            .header("content-type", "application/json");
        let sent = request.send(body.to_string());
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(mut answer) = sent else {
            ledger.count("none");
            return false;
        };
        drop(ledger);
        let status = answer.status().as_u16();
        let retry_after = answer.headers().contains_key("retry-after");
        let text = answer.body_mut().read_to_string();
        ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(text) = text else {
            ledger.count("none");
            return false;
        };
        ledger.count(&status.to_string());
        match status {
            200 | 201 => {
                if text.contains("\"rejected\":[{") {
                    ledger.wonder(text);
                }
                self.acknowledge(&mut ledger, body);
                true
            }
            503 if retry_after => false,
            _ => {
                ledger.wonder(format!("{status} {text}"));
                // What the service refuses for good is not asked again.
                (400..500).contains(&status)
            }
        }
    }

    fn acknowledge(&self, ledger: &mut Ledger, body: &Value) {
        let id = |event: &Value| event["eventId"].as_str().unwrap_or_default().to_owned();
        let ids: Vec<String> = match body["events"].as_array() {
            Some(events) => events.iter().map(id).collect(),
            None => vec![id(body)],
        };
        self.acknowledged.fetch_add(u64::try_from(ids.len()).unwrap_or_default(), Ordering::Relaxed);
        let since = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last.fetch_max(since, Ordering::Relaxed);
        ledger.acknowledged.extend(ids);
    }
}
