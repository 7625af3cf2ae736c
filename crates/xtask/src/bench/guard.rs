//! How soon the guard answers while events come in: an organization with a hundred hard budgets of every scope and period, one
//! of them spent, projects that are stopped and one that is slowed down, and ninety days behind it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::figures::{median, percentile, rounded};
use super::load::{self, Paced};
use super::stage::{Scene, Stage};
use crate::report::Report;
use crate::services;

const DATABASE: &str = "bench_guard";
const LASTING: Duration = Duration::from_secs(10);
const WARM_UP: Duration = Duration::from_secs(3);
/// Who ask, and how often a second all of them together.
const CONNECTIONS: usize = 32;
const CHECKS: u32 = 5_000;
/// Who report, and how often.
const REPORTERS: usize = 8;
const EVENTS: u32 = 500;
const TARGET_MS: f64 = 2.0;

const PROJECTS: usize = 20;
/// Projects whose calls are stopped.
const BLOCKED: usize = 2;
/// The project whose calls are slowed down, to so many a minute, and the one whose budget is spent.
const THROTTLED: usize = BLOCKED;
const A_MINUTE: u32 = 600;
const SPENT: usize = THROTTLED + 1;
const LEARNERS: usize = 30;
const PERIODS: [&str; 5] = ["daily", "weekly", "monthly", "quarterly", "yearly"];
const SERVICES: [&str; 4] = ["chatbot", "search", "tutor", "summary"];
/// Events of the ninety days before, in the checkout.
const FILL: &str = "crates/xtask/src/bench/rollups.sql";
const BEFORE: usize = 500_000;

/// Measures in rounds, and says how the middle one was.
///
/// # Errors
/// When something cannot be started, a connection breaks, or a stop is asked for.
pub(super) fn measure(stage: &Stage<'_>, number_of_rounds: usize, report: &mut Report) -> Result<Value> {
    let world = report.step("making budgets, blocks and ninety days of events", || World::make(stage))?;
    world.round(WARM_UP, 0)?;
    let mut rounds = Vec::new();
    for number in 1..=number_of_rounds {
        services::check_stop()?;
        let name = format!("checking, round {number} of {number_of_rounds}");
        let round = report.step(&name, || world.round(LASTING, number))?;
        report.line(&format!(
            "{:.0} checks/s, p50 {:.2} ms, p99 {:.2} ms, {:.0} events/s",
            round.rate,
            round.percentile(50),
            round.percentile(99),
            round.events
        ));
        rounds.push(round);
    }
    let all = |of: &dyn Fn(&Round) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
    let (p99, rate) = (all(&|round| round.percentile(99)), all(&|round| round.rate));
    let errors: usize = rounds.iter().map(Round::errors).sum();
    let answered = |status: u16| rounds.iter().filter_map(|round| round.checks.statuses.get(&status)).sum::<usize>();
    let (blocked, throttled, exceeded) = (answered(403), answered(429), answered(503));
    ensure!(blocked > 0 && throttled > 0 && exceeded > 0, "not all that refuses was asked for");
    Ok(json!({
        "bench": "guard", "budgets": world.budgets, "blocks": BLOCKED, "connections": CONNECTIONS,
        "rounds": number_of_rounds, "checksPerSecond": rate.round(), "targetPerSecond": CHECKS,
        "eventsPerSecond": all(&|round| round.events).round(),
        "p50Ms": rounded(all(&|round| round.percentile(50))), "p95Ms": rounded(all(&|round| round.percentile(95))),
        "p99Ms": rounded(p99), "maxMs": rounded(all(&|round| round.percentile(100))), "targetMs": TARGET_MS,
        "blocked": blocked, "throttled": throttled, "exceeded": exceeded, "errors": errors,
        "met": p99 <= TARGET_MS && rate >= 0.99 * f64::from(CHECKS) && errors == 0,
    }))
}

struct Round {
    checks: Paced,
    /// Checks and events that were answered, a second.
    rate: f64,
    events: f64,
}

impl Round {
    fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.checks.latencies, percent)
    }

    /// Answers that are none. That the guard knows nothing is a 503, too: so is what is beyond the one project's share.
    fn errors(&self) -> usize {
        let answered = |status: u16| self.checks.statuses.get(&status).copied().unwrap_or_default();
        let all: usize = self.checks.statuses.values().sum();
        let share = all.div_ceil(PROJECTS) + CONNECTIONS;
        all - answered(200) - answered(403) - answered(429) - answered(503).min(share)
    }
}

/// Who ask, and about what.
struct World {
    scene: Scene,
    address: SocketAddr,
    key: String,
    projects: Vec<String>,
    budgets: usize,
}

impl World {
    fn make(stage: &Stage<'_>) -> Result<Self> {
        // Folding is under way as it is in any deployment.
        let mut scene = stage.serve(DATABASE, true)?;
        let projects = Stage::projects(&mut scene, PROJECTS)?;
        let commands = [format!("\\set events {BEFORE}"), format!("\\i {}", stage.quoted(FILL)?)];
        stage.cluster.session(DATABASE, &commands.each_ref().map(String::as_str))?;
        stage.make_sums(&scene)?;
        stage.cluster.session(DATABASE, &["VACUUM ANALYZE", "CHECKPOINT"])?;
        let team = scene.session.team(super::stage::TEAM)?;
        let named = |kind: &str, id: &str| json!({"type": kind, "id": id});
        let mut scopes = vec![json!({"type": "organization"}), named("team", &team)];
        scopes.extend(["production", "staging", "development", "ci"].map(|name| named("environment", name)));
        scopes.extend(projects.iter().map(|project| named("project", project)));
        scopes.extend(SERVICES.map(|name| named("service", name)));
        scopes.extend((0..LEARNERS).map(|learner| named("learner", &format!("learner-{learner}"))));
        // Each scope for a period, and as many again for another as make a hundred.
        let again: Vec<Value> = scopes.iter().take(100 - scopes.len()).cloned().collect();
        let budgets = scopes.len() + again.len();
        for (nth, scope) in scopes.into_iter().chain(again).enumerate() {
            let period = PERIODS[(nth + nth / 60) % PERIODS.len()];
            let body = json!({"name": format!("budget {nth}"), "scope": scope, "amount": "1000000", "period": period,
                "enforcement": "hard", "alerts": [{"threshold": 50, "type": "email"}, {"threshold": 90, "type": "email"}]});
            scene.session.post("/api/budgets", &body)?;
        }
        for project in &projects[..BLOCKED] {
            let body = json!({"target": {"type": "project", "id": project}, "reason": "Benchmark", "mode": "stop"});
            scene.session.post("/api/blocks", &body)?;
        }
        let slow = json!({"target": {"type": "project", "id": projects[THROTTLED]}, "reason": "Benchmark",
            "mode": "throttle", "limitPerMinute": A_MINUTE});
        scene.session.post("/api/blocks", &slow)?;
        let spent = json!({"name": "spent", "scope": named("project", &projects[SPENT]), "amount": "0.000001",
            "period": "yearly", "enforcement": "hard"});
        scene.session.post("/api/budgets", &spent)?;
        let key = scene.session.post("/api/api-keys", &json!({"name": "bench", "scopes": ["ingest", "guard"]}))?;
        let key = key["key"].as_str().context("a key")?.to_owned();
        let address = scene.url.trim_start_matches("http://").parse()?;
        Ok(Self { scene, address, key, projects, budgets })
    }

    fn round(&self, lasting: Duration, number: usize) -> Result<Round> {
        let start = Instant::now();
        let (checks, events) = std::thread::scope(|scope| {
            let events = scope.spawn(|| {
                let body = |caller, nth| self.event(number, caller, nth).into_bytes();
                load::pace(self.address, "/api/usage/track", &self.key, (REPORTERS, 1, EVENTS), lasting, &body)
            });
            let body = |caller, nth| self.check(caller, nth).into_bytes();
            let checks =
                load::pace(self.address, "/api/guard/check", &self.key, (CONNECTIONS, 1, CHECKS), lasting, &body);
            (checks, events.join())
        });
        let took = start.elapsed().as_secs_f64();
        let (checks, events) = (checks?, events.map_err(|_| anyhow::anyhow!("a reporter panicked"))??);
        ensure!(self.scene.service.id() > 0, "the service is gone");
        let stored = events.statuses.get(&201).copied().unwrap_or_default();
        ensure!(stored == events.latencies.len(), "events were answered: {:?}", events.statuses);
        #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
        let a_second = |count: usize| count as f64 / took;
        Ok(Round { rate: a_second(checks.latencies.len()), events: a_second(stored), checks })
    }

    fn check(&self, caller: usize, nth: usize) -> String {
        let at = caller * 7 + nth;
        let cost = if at.is_multiple_of(2) { r#","estimatedCost":"0.0125""# } else { "" };
        format!(
            r#"{{"projectId":"{}","service":"{}","model":"gpt-4o","provider":"openai","learnerId":"learner-{}"{cost}}}"#,
            self.projects[at % self.projects.len()],
            SERVICES[at / 3 % SERVICES.len()],
            at % (2 * LEARNERS),
        )
    }

    fn event(&self, round: usize, caller: usize, nth: usize) -> String {
        let at = caller * 7 + nth;
        format!(
            concat!(
                r#"{{"eventId":"evt-{}-{}-{}","projectId":"{}","service":"{}","provider":"openai","model":"gpt-4o","#,
                r#""promptTokens":1200,"completionTokens":300,"responseTime":850,"learnerId":"learner-{}"}}"#
            ),
            round,
            caller,
            nth,
            self.projects[at % self.projects.len()],
            SERVICES[at / 3 % SERVICES.len()],
            at * 7 % 2_000,
        )
    }
}
