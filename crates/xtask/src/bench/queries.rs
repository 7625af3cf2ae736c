//! How long the cost queries take over a million lines, as a person's browser asks them: one connection, signed in.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::figures::{milliseconds, percentile, rounded};
use super::stage::{Scene, Stage};
use crate::report::Report;
use crate::services;

const WARM_UP: usize = 20;
const REQUESTS: usize = 200;
const TARGET_MS: f64 = 50.0;
const DATABASE: &str = "bench_queries";
const ROWS: usize = 1_000_000;
/// A million lines with their rollup, in the checkout.
const FILL: &str = "crates/xtask/src/bench/queries.sql";

/// Measures each query, and says how long it took.
///
/// # Errors
/// When something cannot be started, an answer is not what it should be, or a stop is asked for.
pub(super) fn measure(stage: &Stage<'_>, report: &mut Report) -> Result<Vec<Value>> {
    let mut scene = report.step(&format!("making {ROWS} cost rows"), || fill(stage))?;
    let range = stage.cluster.session(
        DATABASE,
        &["SELECT format('from=%s&to=%s', min(day), max(day) + 1), sum(amount)::text FROM billed_daily"],
    )?;
    let (range, total) = range.trim().split_once('|').context("a range and a sum")?;
    let total = total.trim_end_matches('0');
    let mut figures = Vec::new();
    let queries = [
        ("summary", format!("/api/costs/summary?{range}"), "/total"),
        ("query", format!("/api/costs/query?{range}&groupBy=project"), "/totals/0/cost"),
    ];
    for (name, path, sum) in queries {
        figures.push(report.step(&format!("asking for the {name}"), || {
            let answer = scene.session.get(&path)?;
            let answered = answer.pointer(sum).and_then(Value::as_str).unwrap_or_default();
            ensure!(answered.trim_end_matches('0') == total, "{path}: {sum} is {answered} instead of {total}");
            ask(&mut scene, name, &path)
        })?);
    }
    Ok(figures)
}

fn fill(stage: &Stage<'_>) -> Result<Scene> {
    let scene = stage.open(DATABASE)?;
    stage.cluster.session(DATABASE, &[&format!("\\i {}", stage.quoted(FILL)?), "VACUUM ANALYZE", "CHECKPOINT"])?;
    let rows = stage.cluster.session(DATABASE, &["SELECT count(*) FROM billed_costs"])?;
    ensure!(rows.trim() == ROWS.to_string(), "{} rows instead of {ROWS}", rows.trim());
    Ok(scene)
}

fn ask(scene: &mut Scene, name: &str, path: &str) -> Result<Value> {
    for _ in 0..WARM_UP {
        scene.session.get(path)?;
    }
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        services::check_stop()?;
        let start = Instant::now();
        scene.session.get(path)?;
        times.push(milliseconds(start.elapsed()));
    }
    let p95 = percentile(&times, 95);
    Ok(json!({
        "bench": name,
        "rows": ROWS,
        "requests": REQUESTS,
        "p50Ms": rounded(percentile(&times, 50)),
        "p95Ms": rounded(p95),
        "maxMs": rounded(percentile(&times, 100)),
        "targetMs": TARGET_MS,
        "met": p95 <= TARGET_MS,
    }))
}
