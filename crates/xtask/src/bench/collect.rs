//! Collecting a large bill, beside what PostgreSQL itself needs to store the same rows.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::figures::{median, peak_resident, psql_time, rounded};
use super::stage::{DAYS, LINE_ITEMS, PROJECTS, Scene, Stage};
use crate::http::Client;
use crate::report::Report;
use crate::services;

/// Times that each of the two is measured; the median counts.
const ROUNDS: usize = 3;
const TARGET_RATIO: f64 = 0.25;
const TARGET_RESIDENT_MIB: f64 = 150.0;
/// The stored rows, as COPY writes and reads them.
pub(super) const ROWS_FILE: &str = "target/bench/rows.copy";
/// How long one collection may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// One collection and one COPY of what it stored.
struct Round {
    collected: f64,
    copied: f64,
    resident_mib: Option<f64>,
}

/// Measures, and says how the two compare.
///
/// # Errors
/// When something cannot be started, does not store what it should, or a stop is asked for.
pub(super) fn measure(stage: &Stage<'_>, report: &mut Report) -> Result<Value> {
    let rows = DAYS * PROJECTS * LINE_ITEMS;
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        let name = format!("collecting {rows} rows, round {number} of {ROUNDS}");
        let round = report.step(&name, || round(stage, &format!("bench_collect_{number}"), rows))?;
        let resident = round.resident_mib.map_or("not known here".to_owned(), |mib| format!("{mib:.1} MiB"));
        report.line(&format!(
            "collected in {:.2} s, copied in {:.2} s, service resident: {resident}",
            round.collected, round.copied
        ));
        rounds.push(round);
    }
    Ok(figure(rows, &rounds))
}

fn figure(rows: usize, rounds: &[Round]) -> Value {
    let all = |part: fn(&Round) -> f64| rounds.iter().map(part).collect::<Vec<_>>();
    let (collect, copy) = (median(&all(|round| round.collected)), median(&all(|round| round.copied)));
    let resident = rounds.iter().map(|round| round.resident_mib).collect::<Option<Vec<f64>>>();
    let resident = resident.map(|all| all.into_iter().fold(0.0, f64::max));
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    let rate = |seconds: f64| (rows as f64 / seconds).round();
    let ratio = copy / collect;
    json!({
        "bench": "collect",
        "rows": rows,
        "rounds": rounds.len(),
        "collectSeconds": rounded(collect),
        "collectRowsPerSecond": rate(collect),
        "copySeconds": rounded(copy),
        "copyRowsPerSecond": rate(copy),
        "ratio": rounded(ratio),
        "target": TARGET_RATIO,
        "residentMiB": resident.map(rounded),
        "residentTargetMiB": TARGET_RESIDENT_MIB,
        "met": ratio >= TARGET_RATIO && resident.is_none_or(|mib| mib < TARGET_RESIDENT_MIB),
    })
}

fn round(stage: &Stage<'_>, database: &str, rows: usize) -> Result<Round> {
    let mut scene = stage.open(database)?;
    let cluster = stage.cluster;
    cluster.session(database, &["CHECKPOINT"])?;
    let collected = collect(&mut scene)?;
    let resident_mib = peak_resident(scene.service.id());
    drop(scene);
    let stored = cluster.session(database, &["SELECT count(*) FROM billed_costs"])?;
    ensure!(stored.trim() == rows.to_string(), "{} rows were stored instead of {rows}", stored.trim());
    let file = stage.quoted(ROWS_FILE)?;
    let output = cluster.session(
        database,
        &[
            &format!("\\copy billed_costs TO {file}"),
            "CREATE TABLE copied (LIKE billed_costs INCLUDING ALL)",
            "CHECKPOINT",
            "\\timing on",
            &format!("\\copy copied FROM {file}"),
        ],
    )?;
    let copied = psql_time(&output).context("psql printed no time")?;
    cluster.session("postgres", &[&format!("DROP DATABASE {database} WITH (FORCE)")])?;
    Ok(Round { collected: collected.as_secs_f64(), copied: copied.as_secs_f64(), resident_mib })
}

/// Calls the daily batch and waits for its answer, for a stop, or for the service's end.
fn collect(scene: &mut Scene) -> Result<Duration> {
    let mut client = Client::patient(&scene.url, PATIENCE);
    client.authorize(&scene.cron_secret);
    let (done, answer) = channel();
    std::thread::spawn(move || {
        let start = Instant::now();
        let answer = client.send("GET", "/api/cron/daily-batch", None);
        // Nobody listens any more after a stop.
        let _ = done.send((start.elapsed(), answer));
    });
    let (took, answer) = loop {
        match answer.recv_timeout(Duration::from_millis(50)) {
            Ok(answer) => break answer,
            Err(RecvTimeoutError::Disconnected) => bail!("the call of the daily batch ended without an answer"),
            Err(RecvTimeoutError::Timeout) => {
                services::check_stop()?;
                scene.service.check()?;
            }
        }
    };
    let batch = answer?.success("the daily batch")?;
    ensure!(batch["success"] == json!(true), "the daily batch failed: {}", batch["teams"]);
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_targets_have_to_be_met() {
        let rounds = |collected, resident_mib| [Round { collected, copied: 1.0, resident_mib }];
        let met = |collected, resident| figure(100, &rounds(collected, resident))["met"].clone();
        assert_eq!(met(4.0, Some(149.0)), json!(true));
        assert_eq!(met(4.1, Some(149.0)), json!(false));
        assert_eq!(met(4.0, Some(150.0)), json!(false));
        assert_eq!(met(4.0, None), json!(true));
    }

    #[test]
    fn the_median_round_counts_and_the_largest_process() {
        let round = |collected, resident| Round { collected, copied: 1.0, resident_mib: Some(resident) };
        let figure = figure(100, &[round(2.0, 50.0), round(9.0, 90.0), round(4.0, 60.0)]);
        assert_eq!((&figure["collectSeconds"], &figure["ratio"]), (&json!(4.0), &json!(0.25)));
        assert_eq!((&figure["collectRowsPerSecond"], &figure["residentMiB"]), (&json!(25.0), &json!(90.0)));
    }
}
