//! Thresholds that are crossed, and what follows.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::USUALLY_TOLD;
use super::world::{NEVER, World, until};
use crate::services;
use crate::torture::load::agent;
use crate::torture::now;
use crate::torture::scene::Stage;

/// Events of 8.
const EVENTS: u64 = 100_000;
/// Callers of 11.
const CALLERS: usize = 64;
/// Seconds within which every replica refuses.
const REFUSES: f64 = 1.0;
/// Models without a price of 12.
const ANOMALIES: u64 = 10_000;
/// Seconds between two messages of a group.
const GROUP: f64 = 300.0;

/// A call of this many micro-dollars: of a model that costs 2.5 dollars a million of input tokens.
fn call(id: &str, project: &str, micros: u64) -> Value {
    json!({
        "eventId": id, "projectId": project, "provider": "openai", "model": "gpt-4o", "timestamp": now(),
        "promptTokens": micros * 2 / 5, "completionTokens": 0,
    })
}

fn bulk(url: &str, key: &str, events: &[Value]) -> Result<()> {
    let sent = agent()
        .post(format!("{url}/api/usage/bulk"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .send(json!({ "events": events }).to_string())
        .context("no answer")?;
    ensure!(sent.status().as_u16() == 200, "a batch was answered {}", sent.status());
    Ok(())
}

/// 8: many events cross three thresholds, reported to two replicas at once: one alert a threshold, one delivery a channel.
pub(in crate::torture) fn crossed_by_many(stage: &mut Stage<'_>) -> Result<Value> {
    let mut world = World::open(stage, "torture_8", 2)?;
    let (_, project) = world.project()?;
    let key = world.key(&["ingest"])?;
    for sink in ["one", "two"] {
        world.sink(sink)?;
    }
    let thresholds = [50, 80, 100].map(|threshold| json!({"threshold": threshold, "type": "webhook"}));
    let budget = json!({"name": "Torture", "scope": {"type": "project", "id": project}, "amount": "100", "period": "monthly",
        "alerts": thresholds});
    world.session.post("/api/budgets", &budget)?;
    let urls: Vec<String> = world.replicas.iter().map(|replica| replica.url.clone()).collect();
    let (start, next) = (Instant::now(), AtomicU64::new(0));
    let send = |url: &str| -> Result<()> {
        loop {
            let batch = next.fetch_add(1, Ordering::Relaxed);
            if batch >= EVENTS / 1_000 {
                return Ok(());
            }
            // 120 dollars in all.
            let events: Vec<Value> =
                (0..1_000).map(|place| call(&format!("{batch}-{place}"), &project, 1_200)).collect();
            bulk(url, &key, &events)?;
        }
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let (send, url) = (&send, &urls[caller % urls.len()]);
                scope.spawn(move || send(url))
            })
            .collect();
        callers.into_iter().try_for_each(|caller| caller.join().map_err(|_| anyhow::anyhow!("a caller panicked"))?)
    })?;
    let sent = start.elapsed().as_secs_f64();
    let told = until("three alerts", NEVER, || Ok(world.all("/api/alerts")?.len() >= 3))?;
    // Whoever would raise another one has had the time for it.
    services::pause(Duration::from_secs(5))?;
    let alerts = world.all("/api/alerts")?;
    let mut deliveries = Vec::new();
    for alert in &alerts {
        let id = alert["id"].as_str().context("an id")?;
        deliveries.push(world.all(&format!("/api/deliveries?alertId={id}"))?);
    }
    let once = deliveries.iter().all(|of_alert| {
        let mut channels: Vec<&Value> =
            of_alert.iter().filter(|one| one["kind"] == "alert.triggered").map(|one| &one["channel"]["id"]).collect();
        channels.sort_by_key(|id| id.to_string());
        let all = channels.len();
        channels.dedup();
        all == 2 && channels.len() == 2
    });
    let held = alerts.len() == 3 && once && told <= USUALLY_TOLD;
    Ok(json!({
        "torture": "control", "promise": 8, "seed": stage.seed, "events": EVENTS, "sentSeconds": sent,
        "alertsAfterSeconds": told, "target": USUALLY_TOLD, "alerts": alerts.len(), "oneDeliveryAChannel": once, "held": held,
    }))
}

/// What callers of 11 saw.
#[derive(Default)]
struct Seen {
    /// Cents that were stored.
    cents: u64,
    /// Seconds since the start at which the hundredth dollar was.
    crossed: Option<f64>,
    /// The last time that each replica allowed a call.
    allowed: [f64; 2],
    /// How often each refused one for the budget's sake.
    refused: [u64; 2],
    /// Answers that must not be.
    wondered: Vec<String>,
}

/// Whoever asks the guard of a replica, and reports the call that it allows.
struct Asker<'a> {
    url: &'a str,
    at: usize,
    key: &'a str,
    project: &'a str,
    start: Instant,
    seen: &'a Mutex<Seen>,
}

impl Asker<'_> {
    fn post(&self, agent: &ureq::Agent, path: &str, body: &Value) -> String {
        let sent = agent
            .post(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .send(body.to_string());
        sent.map_or_else(|error| error.to_string(), |answer| answer.status().as_u16().to_string())
    }

    /// Goes on until its replica has refused so often.
    fn ask(&self, number: usize, refusals: u64) {
        let agent = agent();
        for round in 0_u64.. {
            let allowed_at = self.start.elapsed().as_secs_f64();
            let answer = self.post(&agent, "/api/guard/check", &json!({"projectId": self.project}));
            let stored = match answer.as_str() {
                "200" => {
                    self.post(&agent, "/api/usage/track", &call(&format!("{number}-{round}"), self.project, 10_000))
                }
                _ => String::new(),
            };
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            match (answer.as_str(), stored.as_str()) {
                ("200", "201") => {
                    // By when it was asked: the answer is at least as old.
                    seen.allowed[self.at] = seen.allowed[self.at].max(allowed_at);
                    seen.cents += 1;
                    if seen.cents == 10_000 {
                        seen.crossed = Some(self.start.elapsed().as_secs_f64());
                    }
                }
                ("503", _) => seen.refused[self.at] += 1,
                (answer, stored) => seen.wondered.push(format!("{answer} {stored}")),
            }
            if seen.refused[self.at] >= refusals || seen.wondered.len() > 10 {
                return;
            }
        }
    }
}

/// 11: a hard budget of 100 dollars, calls of a cent, 64 at once at two replicas that ask the guard first.
pub(in crate::torture) fn guarded(stage: &mut Stage<'_>) -> Result<Value> {
    let mut world = World::open(stage, "torture_11", 2)?;
    let (_, project) = world.project()?;
    let key = world.key(&["ingest", "guard"])?;
    world.sink("guarded")?;
    let budget = json!({"name": "Torture", "scope": {"type": "project", "id": project}, "amount": "100", "period": "monthly",
        "enforcement": "hard", "alerts": [{"threshold": 100, "type": "webhook"}]});
    world.session.post("/api/budgets", &budget)?;
    let urls: Vec<String> = world.replicas.iter().map(|replica| replica.url.clone()).collect();
    // Ninety dollars at once; the last ten by cents.
    bulk(&urls[0], &key, &[call("first", &project, 90_000_000)])?;
    let (seen, start) = (Mutex::new(Seen { cents: 9_000, ..Seen::default() }), Instant::now());
    std::thread::scope(|scope| {
        for number in 0..CALLERS {
            let at = number % 2;
            let asker = Asker { url: &urls[at], at, key: &key, project: &project, start, seen: &seen };
            scope.spawn(move || asker.ask(number, 500));
        }
    });
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    let crossed = seen.crossed.context("the budget was never spent")?;
    let late = seen.allowed.map(|last| (last - crossed).max(0.0));
    let told = world.letters("guarded", 1, 60)?;
    let told_after = start.elapsed().as_secs_f64() - crossed;
    let held = late.iter().all(|late| *late <= REFUSES)
        && !told.is_empty()
        && told_after <= USUALLY_TOLD
        && seen.wondered.is_empty();
    Ok(json!({
        "torture": "control", "promise": 11, "seed": stage.seed, "spentCents": seen.cents, "overCents": seen.cents - 10_000,
        "lastAllowedAfterSeconds": late, "target": REFUSES, "refused": seen.refused, "toldAfterSecondsAtMost": told_after,
        "toldTarget": USUALLY_TOLD, "unexpected": seen.wondered, "held": held,
    }))
}

/// 12: ten thousand anomalies in a minute: one message a group in five minutes, and the others together.
pub(in crate::torture) fn flooded(stage: &mut Stage<'_>) -> Result<Value> {
    let mut world = World::open(stage, "torture_12", 2)?;
    world.session.put("PUT", "/api/alerts/rules", &json!({"kind": "unpriced", "enabled": true, "type": "webhook"}))?;
    world.sink("flooded")?;
    let key = world.key(&["ingest"])?;
    let urls: Vec<String> = world.replicas.iter().map(|replica| replica.url.clone()).collect();
    let start = Instant::now();
    for batch in 0..ANOMALIES / 500 {
        let unknown = |place: u64| {
            json!({"eventId": format!("{batch}-{place}"), "provider": "openai",
            "model": format!("nobody-knows-{batch}-{place}"), "timestamp": now(), "promptTokens": 10, "completionTokens": 1})
        };
        let events: Vec<Value> = (0..500).map(unknown).collect();
        bulk(&urls[usize::from(batch % 2 == 1)], &key, &events)?;
        // All of a minute.
        services::pause(Duration::from_secs(60 * batch / (ANOMALIES / 500)).saturating_sub(start.elapsed()))?;
    }
    let sent = start.elapsed().as_secs_f64();
    let first = world.letters("flooded", 1, 60)?.len();
    let deliveries = world.all("/api/deliveries")?.len();
    // Until the digest.
    until("a digest", Duration::from_secs(360), || Ok(world.letters("flooded", 2, 30)?.len() >= 2))?;
    let letters = world.letters("flooded", 2, 0)?;
    let between = super::world::gap(&letters)?;
    let alerts = world.all("/api/alerts")?.len();
    let all = u64::try_from(alerts).is_ok_and(|alerts| alerts == ANOMALIES);
    let held = letters.len() == 2 && between >= GROUP * 0.95 && all;
    Ok(json!({
        "torture": "control", "promise": 12, "seed": stage.seed, "anomalies": ANOMALIES, "sentSeconds": sent, "alerts": alerts,
        "deliveries": deliveries, "messagesAtOnce": first, "messages": letters.len(), "secondsBetween": between, "held": held,
    }))
}
