//! How long it takes to say what ninety days of usage events cost by day and model, and that it does not take longer the
//! more events there were.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::figures::{milliseconds, percentile, rounded};
use super::stage::{Scene, Stage};
use crate::report::Report;
use crate::services;

const FEW: usize = 1_000_000;
const MANY: usize = 10_000_000;
const PROJECTS: usize = 8;
const WARM_UP: usize = 20;
const REQUESTS: usize = 200;
const TARGET_MS: f64 = 50.0;
const TARGET_RATIO: f64 = 1.2;
/// Events without sums, in the checkout.
const FILL: &str = "crates/xtask/src/bench/rollups.sql";

/// Measures both, taking turns.
///
/// # Errors
/// When something cannot be started, an answer is not what it should be, or a stop is asked for.
pub(super) fn measure(stage: &Stage<'_>, report: &mut Report) -> Result<Value> {
    let (mut few, path) = fill(stage, FEW, report)?;
    let (mut many, _) = fill(stage, MANY, report)?;
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    report.step("asking", || {
        for turn in 0..WARM_UP + REQUESTS {
            services::check_stop()?;
            for (scene, times) in [(&mut few, &mut of_few), (&mut many, &mut of_many)] {
                let start = Instant::now();
                scene.session.get(&path)?;
                if turn >= WARM_UP {
                    times.push(milliseconds(start.elapsed()));
                }
            }
        }
        Ok(())
    })?;
    let (p95_of_few, p95) = (percentile(&of_few, 95), percentile(&of_many, 95));
    let ratio = percentile(&of_many, 50) / percentile(&of_few, 50);
    Ok(json!({
        "bench": "rollups", "events": MANY, "requests": REQUESTS,
        "p50Ms": rounded(percentile(&of_many, 50)), "p95Ms": rounded(p95), "targetMs": TARGET_MS,
        "eventsBeside": FEW, "p50MsBeside": rounded(percentile(&of_few, 50)), "p95MsBeside": rounded(p95_of_few),
        "ratio": rounded(ratio), "targetRatio": TARGET_RATIO,
        "met": p95 <= TARGET_MS && ratio <= TARGET_RATIO,
    }))
}

/// A service with so many events, and the question.
fn fill(stage: &Stage<'_>, events: usize, report: &mut Report) -> Result<(Scene, String)> {
    let database = format!("bench_rollups_{events}");
    report.step(&format!("making {events} events and their sums"), || {
        let mut scene = stage.serve(&database, false)?;
        Stage::projects(&mut scene, PROJECTS)?;
        let commands = [format!("\\set events {events}"), format!("\\i {}", stage.quoted(FILL)?)];
        stage.cluster.session(&database, &commands.each_ref().map(String::as_str))?;
        stage.make_sums(&scene)?;
        let told = stage.cluster.session(
            &database,
            &[
                "VACUUM ANALYZE",
                "CHECKPOINT",
                "SELECT format('from=%s&to=%s', min(day), max(day) + 1), sum(cost)::text, sum(events) FROM usage_daily",
            ],
        )?;
        let [range, cost, summed] = told.trim().split('|').collect::<Vec<_>>()[..] else { anyhow::bail!("{told}") };
        ensure!(summed == events.to_string(), "{summed} events instead of {events}");
        let total = scene.session.get(&format!("/api/costs/query?{range}&groupBy=day"))?;
        let answered = total.pointer("/totals/0/cost").and_then(Value::as_str).context("a total")?;
        ensure!(answered.trim_end_matches('0') == cost.trim_end_matches('0'), "{answered} instead of {cost}");
        Ok((scene, format!("/api/costs/query?{range}&groupBy=day,model&limit=1000")))
    })
}
