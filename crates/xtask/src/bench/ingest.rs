//! How many usage events the service stores, beside how many of the same rows PostgreSQL itself does: `pgbench` for
//! single events, `COPY` for batches, into the same table, in the same run. Beside it what `COPY` reaches when it takes the
//! events' ids too: a table of events alone has one narrow index, and nothing in it would keep an event from being stored twice.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::figures::{median, peak_resident, percentile, rounded};
use super::load::{self, Seen};
use super::stage::{Scene, Stage};
use crate::report::Report;
use crate::services;

const DATABASE: &str = "bench_ingest";
/// How long each way is measured in a round. The ways take turns, so that a noisy minute is everybody's; of the rounds
/// the median counts.
const LASTING: Duration = Duration::from_secs(8);
const CONNECTIONS: usize = 32;
/// Callers that post batches. What two COPYs are compared with.
const BATCH_CALLERS: usize = 8;
/// Rows of a COPY.
const COPIED: usize = 200_000;
const SCRIPT: &str = "target/bench/insert.sql";
const HALVES: [[&str; 2]; 2] = [
    ["target/bench/events-0.copy", "target/bench/ids-0.copy"],
    ["target/bench/events-1.copy", "target/bench/ids-1.copy"],
];
const MODELS: [&str; 6] = ["gpt-4o-mini", "gpt-4o", "gpt-4.1", "text-embedding-3-small", "gpt-5", "gpt-4o-2024-08-06"];
const SERVICES: [&str; 4] = ["chatbot", "search", "tutor", "summary"];
const PROJECTS: usize = 8;
/// Whom the events are about.
const LEARNERS: usize = 2_000;

/// Measures, and says how the service compares.
///
/// # Errors
/// When something cannot be started, an answer is no success, or a stop is asked for.
pub(super) fn measure(stage: &Stage<'_>, number_of_rounds: usize, report: &mut Report) -> Result<Vec<Value>> {
    // Folding what was stored into the sums is part of storing it.
    let mut scene = stage.serve(DATABASE, true)?;
    let events = Events::prepare(&mut scene)?;
    let mut rounds = Vec::new();
    for number in 1..=number_of_rounds {
        let name = format!("storing events, round {number} of {number_of_rounds}");
        let round = report.step(&name, || events.round(stage, &scene, number))?;
        report.line(&format!(
            "single {:.0}/s (p99 {:.1} ms), pgbench {:.0}/s, bulk of 100 {:.0}/s, of 1,000 {:.0}/s, COPY {:.0}/s",
            round.single, round.p99, round.pgbench, round.hundred, round.thousand, round.copy
        ));
        rounds.push(round);
    }
    let resident = peak_resident(scene.service.id());
    let bytes = report.step("weighing what is stored", || weigh(stage))?;
    let mut figures = Vec::new();
    let all = |of: fn(&Round) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
    let p99 = all(|round| round.p99);
    figures.push(json!({
        "bench": "ingest_single", "connections": CONNECTIONS, "rounds": number_of_rounds,
        "eventsPerSecond": all(|round| round.single).round(), "pgbenchTps": all(|round| round.pgbench).round(),
        "ratio": rounded(all(|round| round.single / round.pgbench)), "target": 0.8,
        "p99Ms": rounded(p99), "targetP99Ms": 25,
        "met": all(|round| round.single / round.pgbench) >= 0.8 && p99 <= 25.0,
    }));
    let hundred: fn(&Round) -> f64 = |round| round.hundred;
    let thousand: fn(&Round) -> f64 = |round| round.thousand;
    for (size, rate, target) in [(100, hundred, 0.35), (1_000, thousand, 0.5)] {
        let ratio = median(&rounds.iter().map(|round| rate(round) / round.copy).collect::<Vec<_>>());
        figures.push(json!({
            "bench": format!("ingest_bulk_{size}"), "callers": BATCH_CALLERS, "rounds": number_of_rounds,
            "eventsPerSecond": all(rate).round(), "copyRowsPerSecond": all(|round| round.copy).round(),
            "ratio": rounded(ratio), "target": target, "met": ratio >= target,
            "copyWithIdsRowsPerSecond": all(|round| round.copy_with_ids).round(),
            "ratioWithIds": rounded(median(&rounds.iter().map(|round| rate(round) / round.copy_with_ids).collect::<Vec<_>>())),
        }));
    }
    figures.push(json!({
        "bench": "ingest_resident", "residentMiB": resident.map(rounded), "targetMiB": 120,
        "met": resident.is_none_or(|mib| mib <= 120.0),
    }));
    figures.push(json!({
        "bench": "ingest_disk", "bytesPerEvent": bytes.round(), "target": 550, "met": bytes <= 550.0,
    }));
    Ok(figures)
}

/// Rates of one round, in events a second.
struct Round {
    single: f64,
    p99: f64,
    pgbench: f64,
    hundred: f64,
    thousand: f64,
    copy: f64,
    copy_with_ids: f64,
}

/// What the events name.
struct Events {
    address: SocketAddr,
    key: String,
    projects: Vec<String>,
}

impl Events {
    fn prepare(scene: &mut Scene) -> Result<Self> {
        let projects = Stage::projects(scene, PROJECTS)?;
        let key = scene.session.put("POST", "/api/api-keys", &json!({"name": "bench", "scopes": ["ingest"]}))?;
        let key = key["key"].as_str().context("a key")?.to_owned();
        let address = scene.url.trim_start_matches("http://").parse()?;
        Ok(Self { address, key, projects })
    }

    fn round(&self, stage: &Stage<'_>, scene: &Scene, number: usize) -> Result<Round> {
        services::check_stop()?;
        let single =
            self.post("/api/usage/track", CONNECTIONS, |caller, nth| self.event(&id(number, 1, caller, nth), nth))?;
        let pgbench = pgbench(stage)?;
        let hundred =
            self.post("/api/usage/bulk", BATCH_CALLERS, |caller, nth| self.batch(100, number, caller, nth))?;
        let thousand =
            self.post("/api/usage/bulk", BATCH_CALLERS, |caller, nth| self.batch(1_000, number, caller, nth))?;
        let (copy, copy_with_ids) = copy(stage)?;
        ensure!(scene.service.id() > 0, "the service is gone");
        Ok(Round {
            single: rate(&single, 1),
            p99: percentile(&single.latencies, 99),
            pgbench,
            hundred: rate(&hundred, 100),
            thousand: rate(&thousand, 1_000),
            copy,
            copy_with_ids,
        })
    }

    fn post(&self, path: &str, callers: usize, body: impl Fn(usize, usize) -> String + Sync) -> Result<Seen> {
        let bytes = |caller, nth| body(caller, nth).into_bytes();
        load::post(self.address, path, &self.key, callers, Duration::from_secs(1), &|c, n| bytes(c + 1_000, n))?;
        load::post(self.address, path, &self.key, callers, LASTING, &bytes)
    }

    /// An event as the integration guide's callers send it, with an id and a learner: about 370 bytes.
    fn event(&self, id: &str, nth: usize) -> String {
        format!(
            concat!(
                r#"{{"eventId":"{}","projectId":"{}","service":"{}","provider":"openai","model":"{}","#,
                r#""promptTokens":{},"completionTokens":{},"cachedTokens":{},"responseTime":{},"#,
                r#""learnerId":"learner-{}","tags":["product","marketing"],"#,
                r#""costAllocation":{{"department":"marketing","team":"content"}}}}"#
            ),
            id,
            self.projects[nth % self.projects.len()],
            SERVICES[nth / 3 % SERVICES.len()],
            MODELS[nth / 5 % MODELS.len()],
            900 + nth % 700,
            150 + nth % 300,
            nth % 400,
            300 + nth % 2_000,
            nth * 7 % LEARNERS,
        )
    }

    fn batch(&self, size: usize, round: usize, caller: usize, nth: usize) -> String {
        let events: Vec<String> = (0..size)
            .map(|place| self.event(&id(round, size, caller, nth * size + place), nth * size + place))
            .collect();
        format!(r#"{{"events":[{}]}}"#, events.join(","))
    }
}

fn id(round: usize, way: usize, caller: usize, nth: usize) -> String {
    format!("evt-{round}-{way}-{caller:04}-{nth:012}-7f3a")
}

fn rate(seen: &Seen, events: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some millions")]
    let events = (seen.requests * events) as f64;
    events / seen.took.as_secs_f64()
}

/// The columns that an event of this benchmark fills.
const COLUMNS: &str = "organization_id, event_key, project_id, team_id, api_key_id, price_id, occurred_at, received_at, \
    input, cached_input, output, latency_ms, failed, event_id, source, provider, model, cost, resolution, environment, \
    service, learner_id, tags, cost_allocation";

/// Transactions a second of `pgbench`, 32 clients that insert a row each, prepared.
fn pgbench(stage: &Stage<'_>) -> Result<f64> {
    // A row that the service stored is the model of what is inserted, but for its key and its id.
    let values = stage.cluster.session(DATABASE, &[LITERALS])?;
    fs::write(SCRIPT, format!("INSERT INTO usage_events ({COLUMNS}) VALUES ({});\n", values.trim()))?;
    let output = services::capture_long(stage.cluster.client("pgbench", DATABASE).args([
        "--no-vacuum",
        &format!("--client={CONNECTIONS}"),
        &format!("--jobs={}", load::THREADS),
        "--protocol=prepared",
        &format!("--time={}", LASTING.as_secs()),
        &format!("--file={SCRIPT}"),
    ]))?;
    let line = output.lines().find(|line| line.starts_with("tps = ")).context("pgbench printed no tps")?;
    Ok(line.split_whitespace().nth(2).unwrap_or_default().parse()?)
}

/// One stored row as literals, the key and the id made anew for every insert.
const LITERALS: &str = "SELECT concat_ws(', ', quote_literal(organization_id), 'gen_random_uuid()', \
    quote_literal(project_id), quote_literal(team_id), quote_literal(api_key_id), quote_nullable(price_id), 'now()', \
    'now()', input, quote_nullable(cached_input), output, latency_ms, failed::text, \
    '''evt-'' || gen_random_uuid()', quote_literal(source), quote_literal(provider), quote_literal(model), \
    quote_nullable(cost), quote_nullable(replace(resolution, ':', '-')), quote_literal(environment), quote_literal(service), \
    quote_literal(learner_id), quote_literal(tags), quote_literal(cost_allocation)) \
    FROM usage_events WHERE output > 0 AND event_id LIKE 'evt-1-1-%' LIMIT 1";

/// Rows a second of `COPY` on two connections at once, of rows that the service stored, under new keys: of the events
/// alone, and of the events with the ids that make them be stored once.
fn copy(stage: &Stage<'_>) -> Result<(f64, f64)> {
    let keyed = COLUMNS.replace("event_key", "gen_random_uuid() AS event_key");
    for (half, [events, ids]) in HALVES.iter().enumerate() {
        let rows = COPIED / 2;
        let made = format!(
            "CREATE TEMP TABLE made AS SELECT {keyed} FROM usage_events WHERE event_id LIKE 'evt-_-1000-%' LIMIT {rows} OFFSET {}",
            half * rows
        );
        let events = format!("\\copy made TO {}", stage.quoted(events)?);
        let ids = format!(
            "\\copy (SELECT organization_id, gen_random_uuid(), 1, occurred_at, received_at FROM made) TO {}",
            stage.quoted(ids)?
        );
        stage.cluster.session(DATABASE, &[&made, &events, &ids])?;
    }
    let events = copy_halves(stage, |[events, _]| Ok(vec![copy_events(stage, events)?]))?;
    let both = copy_halves(stage, |[events, ids]| {
        let ids = format!("\\copy usage_event_ids FROM {}", stage.quoted(ids)?);
        Ok(vec![copy_events(stage, events)?, ids])
    })?;
    Ok((events, both))
}

fn copy_events(stage: &Stage<'_>, file: &str) -> Result<String> {
    Ok(format!("\\copy usage_events ({COLUMNS}) FROM {}", stage.quoted(file)?))
}

/// Runs both halves' commands at once, and says how many rows a second that was.
fn copy_halves(stage: &Stage<'_>, commands: impl Fn(&[&str; 2]) -> Result<Vec<String>> + Sync) -> Result<f64> {
    stage.cluster.session(DATABASE, &["CHECKPOINT"])?;
    let start = Instant::now();
    let copied = std::thread::scope(|scope| {
        let threads: Vec<_> = HALVES
            .iter()
            .map(|half| {
                let commands = &commands;
                scope.spawn(move || {
                    let commands = commands(half)?;
                    stage.cluster.session(DATABASE, &commands.iter().map(String::as_str).collect::<Vec<_>>())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect::<Result<Vec<_>>>()
    });
    let took = start.elapsed();
    copied?;
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    Ok(COPIED as f64 / took.as_secs_f64())
}

/// Bytes on disk for each event that the service stored: the row, its index, its id's guard and its share of the sums.
fn weigh(stage: &Stage<'_>) -> Result<f64> {
    let sizes = "SELECT (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits \
            WHERE inhparent = 'usage_events'::regclass)::numeric / (SELECT count(*) FROM usage_events) \
        + pg_total_relation_size('usage_event_ids')::numeric / (SELECT count(*) FROM usage_event_ids) \
        + (pg_total_relation_size('usage_hourly') + pg_total_relation_size('usage_daily') \
            + pg_total_relation_size('usage_dimension_hourly') + pg_total_relation_size('usage_deltas'))::numeric \
            / (SELECT sum(events) FROM usage_hourly)";
    // What is on its way into the sums is weighed once it is there, and what changes all the time as a vacuum leaves it.
    while stage.cluster.session(DATABASE, &["SELECT count(*) FROM usage_deltas"])?.trim() != "0" {
        services::pause(Duration::from_millis(100))?;
    }
    let vacuum = "VACUUM usage_hourly, usage_daily, usage_dimension_hourly, usage_deltas";
    Ok(stage.cluster.session(DATABASE, &[vacuum, sizes])?.trim().parse()?)
}
