//! Sinks that do not take what they are sent, and senders that die.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::world::{NEVER, World, gap, someone, text, until};
use super::{TOLD, USUALLY_TOLD};
use crate::services;
use crate::torture::scene::Stage;

/// Messages under way when the sender is killed.
const UNDER_WAY: usize = 12;

/// 9: killed between the sending and the writing down of it: nothing is lost, at most one repetition, under the same id.
pub(in crate::torture) fn killed_between(stage: &mut Stage<'_>) -> Result<Value> {
    let mut world = World::open(stage, "torture_9", 1)?;
    let names: Vec<String> = (0..UNDER_WAY).map(|number| format!("torn-{number}")).collect();
    for name in &names {
        // Whoever sends waits for the answer when it is killed.
        world.fault(name, json!({"kind": "hang", "seconds": 5}), Some(1))?;
        world.sink(name)?;
    }
    world.news()?;
    let mut under_way = 0;
    for name in &names {
        under_way += usize::from(!world.letters(name, 1, 20)?.is_empty());
    }
    let replica = world.replicas.first_mut().context("a replica")?;
    let ready = stage.kill(replica)?;
    let start = Instant::now();
    let delivered = |world: &mut World| -> Result<bool> {
        let mut deliveries = world.all("/api/deliveries")?;
        deliveries.retain(|delivery| delivery["type"] == "webhook");
        Ok(deliveries.len() >= UNDER_WAY && deliveries.iter().all(|delivery| delivery["status"] == "delivered"))
    };
    until("delivered", NEVER, || delivered(&mut world))?;
    let took = start.elapsed().as_secs_f64();
    let (mut most, mut ids_differ, mut lost) = (0, 0, 0);
    for name in &names {
        let letters = world.letters(name, 1, 0)?;
        let ids: BTreeMap<String, usize> = letters.iter().try_fold(BTreeMap::new(), |mut ids, letter| {
            *ids.entry(text(&letter["headers"]["webhook-id"])?).or_default() += 1;
            anyhow::Ok(ids)
        })?;
        (most, lost) = (most.max(letters.len()), lost + usize::from(letters.is_empty()));
        ids_differ += usize::from(ids.len() > 1);
    }
    let held = under_way > 0 && lost == 0 && most <= 2 && ids_differ == 0;
    Ok(json!({
        "torture": "control", "promise": 9, "seed": stage.seed, "underWay": under_way, "readySeconds": ready,
        "deliveredSeconds": took, "lost": lost, "mostAttempts": most, "otherIds": ids_differ, "held": held,
    }))
}

/// 10: sinks that answer 500, 429, 410, 3xx or nothing.
pub(in crate::torture) fn refused(stage: &mut Stage<'_>) -> Result<Value> {
    let mut world = World::open(stage, "torture_10", 1)?;
    let status = |status: u16, after: Option<&str>| json!({"kind": "status", "status": status, "retryAfter": after});
    let faults = [
        ("broken", status(500, None), Some(1)),
        ("busy", status(429, Some("12")), Some(1)),
        ("gone", status(410, None), None),
        ("elsewhere", json!({"kind": "redirect", "status": 302, "location": "/webhook/target"}), None),
    ];
    let mut channels = BTreeMap::new();
    for (name, fault, times) in &faults {
        world.fault(name, fault.clone(), *times)?;
        channels.insert(*name, world.sink(name)?);
    }
    world.news()?;
    // 5 s with 20 % of jitter, or as long as the other side asked; a second for whoever sends to notice.
    let again = gap(&world.letters("broken", 2, 30)?)?;
    let obeyed = gap(&world.letters("busy", 2, 40)?)?;
    until("the channel is disabled", NEVER, || {
        let channel = world.session.get(&format!("/api/channels/{}", channels["gone"]))?;
        Ok(channel["health"]["state"] == "disabled")
    })?;
    let gone = world.letters("gone", 2, 8)?.len();
    let followed = world.letters("target", 1, 1)?.len();
    let redirected = world.letters("elsewhere", 1, 5)?.len();
    world.mend()?;
    let neighbour = neighbour(&mut world)?;
    let held = (4.0..=7.5).contains(&again)
        && (12.0..=20.0).contains(&obeyed)
        && gone == 1
        && followed == 0
        && redirected >= 1
        && neighbour <= USUALLY_TOLD;
    Ok(json!({
        "torture": "control", "promise": 10, "seed": stage.seed, "secondAttemptSeconds": again,
        "retryAfterSeconds": obeyed, "attemptsAfterGone": gone, "redirectsFollowed": followed,
        "neighbourSeconds": neighbour, "neighbourTarget": USUALLY_TOLD, "toldTarget": TOLD, "held": held,
    }))
}

/// Seconds until a tenant's message arrives while all sinks of another one hang.
fn neighbour(world: &mut World) -> Result<f64> {
    for number in 0..40 {
        let name = format!("hanging-{number}");
        world.fault(&name, json!({"kind": "hang", "seconds": 60}), None)?;
        world.sink(&name)?;
    }
    world.news()?;
    services::pause(Duration::from_secs(1))?;
    let url = world.replicas.first().context("a replica")?.url.clone();
    let theirs = someone(&url)?;
    let ours = std::mem::replace(&mut world.session, theirs);
    let channel = world.sink("neighbour")?;
    let start = Instant::now();
    world.test(&channel)?;
    let arrived = world.letters("neighbour", 1, 60)?;
    let took = start.elapsed().as_secs_f64();
    world.session = ours;
    Ok(if arrived.is_empty() { f64::INFINITY } else { took })
}
