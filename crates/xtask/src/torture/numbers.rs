//! The promises, by their numbers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::ledger::Ledger;
use super::load::{Load, agent};
use super::proxy::Proxy;
use super::scene::{Found, Stage};
use super::{Dice, now};
use crate::http::Client;
use crate::services;

/// Events a second.
const RATE: u64 = 1_000;
/// Seconds within which a killed service is ready again.
const READY: f64 = 3.0;
/// Seconds from PostgreSQL's readiness to the first event that is stored.
const FIRST: f64 = 2.0;
/// Seconds until a service that cannot reach its database says so.
const UNREADY: f64 = 5.0;
/// Seconds until it works as before once it can.
const BACK: f64 = 10.0;
/// How long anything may take before it counts as never.
const NEVER: Duration = Duration::from_secs(90);

pub(super) fn verdict(stage: &Stage<'_>, number: u8, found: &Found, ledger: &Ledger, more: Value, held: bool) -> Value {
    let held = held && found.is_right() && ledger.unexpected.is_empty();
    let mut verdict = json!({
        "torture": "ingest", "promise": number, "seed": stage.seed, "answers": ledger.answers,
        "unexpected": ledger.unexpected,
    });
    for part in [found.json(), more, json!({"held": held})] {
        if let (Some(verdict), Value::Object(part)) = (verdict.as_object_mut(), part) {
            verdict.extend(part);
        }
    }
    verdict
}

fn worst(seconds: &[f64]) -> f64 {
    (seconds.iter().copied().fold(0.0, f64::max) * 1_000.0).round() / 1_000.0
}

/// Waits for as long as the dice say, within a second.
fn a_moment(dice: &mut Dice) -> Result<()> {
    services::pause(Duration::from_millis(500 + dice.below(1_000)))
}

/// 1: the service is killed again and again under load.
pub(super) fn kill_the_service(stage: &mut Stage<'_>, rounds: u32) -> Result<Value> {
    let (mut replica, caller) = stage.open("torture_1", stage.cluster.port(), false)?;
    let mut dice = Dice(stage.seed);
    let (load, start) = (Load::start(&replica.url, &caller, stage.seed, RATE), Instant::now());
    let mut ready = Vec::new();
    for _ in 0..rounds {
        a_moment(&mut dice)?;
        ready.push(stage.kill(&mut replica)?);
        load.first_after(Instant::now(), NEVER)?;
    }
    a_moment(&mut dice)?;
    let rate = load.acknowledged() / start.elapsed().as_secs().max(1);
    let ledger = load.finish()?;
    let found = stage.find("torture_1", &replica, &ledger)?;
    let more = json!({"kills": rounds, "eventsPerSecond": rate, "readySeconds": worst(&ready), "readyTarget": READY});
    Ok(verdict(stage, 1, &found, &ledger, more, worst(&ready) <= READY))
}

/// 2: PostgreSQL is restarted and killed under load; the service is not touched.
pub(super) fn kill_postgres(stage: &mut Stage<'_>, restarts: u32, kills: u32) -> Result<Value> {
    let (mut replica, caller) = stage.open("torture_2", stage.cluster.port(), false)?;
    let mut dice = Dice(stage.seed);
    let load = Load::start(&replica.url, &caller, stage.seed, RATE);
    let mut first = Vec::new();
    for round in 0..restarts + kills {
        a_moment(&mut dice)?;
        // Every third, until there were enough.
        let kill = round % 3 == 2 && round / 3 < kills || round >= restarts + round / 3;
        stage.cluster.again(stage.spec, kill)?;
        first.push(load.first_after(Instant::now(), NEVER)?.as_secs_f64());
        replica.service.check()?;
    }
    a_moment(&mut dice)?;
    let ledger = load.finish()?;
    let found = stage.find("torture_2", &replica, &ledger)?;
    let more = json!({
        "restarts": restarts, "kills": kills, "firstSuccessSeconds": worst(&first), "firstSuccessTarget": FIRST,
    });
    Ok(verdict(stage, 2, &found, &ledger, more, worst(&first) <= FIRST))
}

/// 3: the database is out of reach for a while, behind a proxy that stands still.
pub(super) fn out_of_reach(stage: &mut Stage<'_>, outage: u64) -> Result<Value> {
    let proxy = Proxy::start(stage.cluster.port())?;
    let (mut replica, caller) = stage.open("torture_3", proxy.port, false)?;
    let load = Load::start(&replica.url, &caller, stage.seed, RATE);
    services::pause(Duration::from_secs(3))?;
    let client = Client::patient(&replica.url, Duration::from_secs(3));
    let is_ready = || client.send("GET", "/ready", None).is_ok_and(|answer| answer.status == 200);
    proxy.stop(true);
    let stopped = Instant::now();
    let unready = wait(|| !is_ready())?;
    services::pause(Duration::from_secs(outage).saturating_sub(stopped.elapsed()))?;
    proxy.stop(false);
    let back = Instant::now();
    let ready = wait(is_ready)?;
    let full = full_again(&load, back)?;
    replica.service.check()?;
    let ledger = load.finish()?;
    let found = stage.find("torture_3", &replica, &ledger)?;
    let more = json!({
        "outageSeconds": outage, "unreadySeconds": worst(&[unready]), "unreadyTarget": UNREADY,
        "readySeconds": worst(&[ready]), "backSeconds": worst(&[full]), "backTarget": BACK,
    });
    Ok(verdict(stage, 3, &found, &ledger, more, unready <= UNREADY && ready <= BACK && full <= BACK))
}

/// Seconds until something is so.
fn wait(mut is_so: impl FnMut() -> bool) -> Result<f64> {
    let start = Instant::now();
    while !is_so() {
        anyhow::ensure!(start.elapsed() < NEVER, "it never was");
        services::pause(Duration::from_millis(20))?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Seconds from `since` to the beginning of the first second in which nearly everything that was sent was stored.
fn full_again(load: &Load, since: Instant) -> Result<f64> {
    let mut samples = vec![(0.0, load.acknowledged())];
    loop {
        services::pause(Duration::from_millis(100))?;
        let now = (since.elapsed().as_secs_f64(), load.acknowledged());
        samples.push(now);
        let full = samples.iter().find(|(at, then)| now.0 - at >= 1.0 && (now.1 - then) * 10 >= RATE * 9);
        if let Some((at, _)) = full.filter(|(at, _)| now.0 - at < 1.2) {
            return Ok(*at);
        }
        anyhow::ensure!(since.elapsed() < NEVER, "it is never as before");
        samples.retain(|(at, _)| now.0 - at < 1.2);
    }
}

/// 4: one id a thousand times over sixteen connections and two replicas, among as many new ones.
pub(super) fn one_id(stage: &mut Stage<'_>) -> Result<Value> {
    const SENDS: usize = 2_000;
    const CONNECTIONS: usize = 16;
    let (replica, caller) = stage.open("torture_4", stage.cluster.port(), false)?;
    let other = stage.beside(&replica)?;
    let urls = [&replica.url, &other.url];
    let (next, ledger, at) = (AtomicUsize::new(0), Mutex::new(Ledger::default()), now());
    let call = |connection: usize| {
        let agent = agent();
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= SENDS {
                return;
            }
            let same = nth % 2 == 0;
            // Some say something else under the same id, once everybody has sent the first.
            let different = same && nth >= CONNECTIONS * 8 && nth % 10 == 4;
            let id = if same { "same".to_owned() } else { format!("new-{nth}") };
            let event = json!({
                "eventId": id, "projectId": caller.project, "provider": "openai", "model": "gpt-4o", "timestamp": at,
                "promptTokens": if different { 5 } else { 700 }, "completionTokens": 9,
            });
            let sent = agent
                .post(format!("{}/api/usage/track", urls[(nth / 2 + connection) % 2]))
                .header("authorization", format!("Bearer {}", caller.key))
                .header("content-type", "application/json")
                .send(event.to_string());
            let status = sent.map_or_else(|error| error.to_string(), |answer| answer.status().as_u16().to_string());
            let mut ledger = ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            ledger.count(&format!(
                "{}{status}",
                if different {
                    "different "
                } else if same {
                    "same "
                } else {
                    "new "
                }
            ));
            if status == "201" {
                ledger.acknowledged.push(id);
            }
        }
    };
    std::thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let call = &call;
            scope.spawn(move || call(connection));
        }
    });
    let ledger = ledger.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let found = stage.find("torture_4", &replica, &ledger)?;
    let count = |name: &str| ledger.answers.get(name).copied().unwrap_or_default();
    let (stored, again, conflicts) = (count("same 201"), count("same 200"), count("different 409"));
    let whole = stored + again + conflicts == 1_000 && count("new 201") == 1_000;
    let held = stored == 1 && conflicts > 100 && whole;
    Ok(verdict(stage, 4, &found, &ledger, json!({"storedOnce": stored == 1, "conflicts": conflicts}), held))
}
