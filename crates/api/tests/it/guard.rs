//! The guard: what it answers, that replicas agree, that what is held is not spent twice, and what happens without a
//! database.

mod database;
mod questions;
mod reservations;

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use finops_api::platform::db::OrganizationId;
use finops_contract::ErrorCode;
use finops_contract::api_keys::Scope;
use finops_contract::budgets::Budget;
use finops_contract::guard::{GuardAnswer, GuardBudget, GuardRefusal};
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::costs::{project, set_project_id, team, team_with_key};
use crate::support::people::People;

/// In which replicas agree.
const SOON: Duration = Duration::from_secs(1);
const CHECK: &str = "/api/guard/check";

/// A service, its people, and a project with a program that asks for it.
struct World {
    app: TestApp,
    people: People,
    team: String,
    web: String,
    /// A key of the administrator's, for everything.
    program: Client,
}

impl World {
    async fn new() -> Self {
        Self::of(TestApp::spawn().await).await
    }

    async fn of(app: TestApp) -> Self {
        let people = app.people().await;
        let team = team(&people.tenant_admin, "platform").await;
        let web = project(&people.tenant_admin, &team, "web").await;
        let program = program(&app, &people.tenant_admin, &Scope::ALL, None).await;
        Self { app, people, team, web, program }
    }

    fn manager(&self) -> &Client {
        &self.people.tenant_admin
    }

    /// Another replica, and the same program there.
    async fn replica(&self) -> (TestApp, Client) {
        let other = TestApp::builder().spawn_on(self.app.database.share()).await;
        let program = self.program.at(other.url());
        (other, program)
    }

    /// The call that this is all about.
    fn call(&self) -> Value {
        json!({"projectId": self.web})
    }
}

/// A program with a key of somebody's.
async fn program(app: &TestApp, maker: &Client, scopes: &[Scope], project: Option<&str>) -> Client {
    let body = json!({"name": "Program", "scopes": scopes, "projectId": project});
    let key = maker.post("/api/api-keys", body).await.ok()["key"].as_str().expect("a key").to_owned();
    app.anonymous().with_token(key)
}

async fn check(client: &Client, body: &Value) -> Answer {
    client.post(CHECK, body).await
}

async fn allowed(client: &Client, body: &Value) -> GuardAnswer {
    check(client, body).await.expect(200)
}

/// What a refusal tells.
fn refusal(answer: &Answer, code: ErrorCode) -> GuardRefusal {
    answer.problem(code);
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {}", answer.text))
}

async fn refused(client: &Client, body: &Value, code: ErrorCode) -> GuardRefusal {
    refusal(&check(client, body).await, code)
}

/// Asks until the answer is this. The first question that is asked later than [`SOON`] must be answered so.
async fn until(client: &Client, body: &Value, status: u16) -> Answer {
    let since = Instant::now();
    loop {
        let late = since.elapsed() > SOON;
        let answer = check(client, body).await;
        if answer.status == status {
            return answer;
        }
        assert!(!late, "still {} {} after {:?}", answer.status, answer.text, since.elapsed());
    }
}

fn budget(amount: &str, scope: Value) -> Value {
    json!({"name": "Budget", "scope": scope, "amount": amount, "period": "monthly", "enforcement": "hard"})
}

async fn set(client: &Client, body: Value) -> Budget {
    client.post("/api/budgets", body).await.expect(201)
}

/// A call that costs so many cents: of a model that costs 2.5 dollars a million of input tokens.
fn event(project: &str, cents: i64) -> Value {
    json!({"projectId": project, "provider": "openai", "model": "gpt-4o", "promptTokens": cents * 4_000,
        "completionTokens": 0, "timestamp": "2026-03-20T09:00:00Z"})
}

async fn track(client: &Client, event: Value) {
    client.post("/api/usage/track", event).await.ok();
}

fn exact(amount: Option<finops_contract::Amount>) -> Option<String> {
    amount.map(|amount| amount.0.normalize().to_string())
}

fn told(budget: &GuardBudget) -> (String, Option<String>, String, Option<String>, Option<String>) {
    let percent = budget.percent.map(|percent| percent.to_string());
    let amount = |amount| exact(Some(amount)).expect("an amount");
    (amount(budget.amount), exact(budget.spent), amount(budget.reserved), exact(budget.remaining), percent)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A block in force, as it is stored; returns its id.
async fn block(world: &World, target: &str, id: &str, limit: Option<i32>) -> Uuid {
    let block = world.app.state.clock.new_id();
    let statement = format!(
        "INSERT INTO blocks (organization_id, id, target_type, {target}_id, mode, limit_per_minute, status, cause, reason,
            requested_at, activated_at)
        VALUES ($1, $2, '{target}', $3, CASE WHEN $4::int IS NULL THEN 'stop' ELSE 'throttle' END, $4, 'active', 'manual', 'why',
            $5, $5)"
    );
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(world.manager().organization())
        .bind(block)
        .bind(id.parse::<Uuid>().expect("an id"))
        .bind(limit)
        .bind(world.app.now())
        .execute(&mut world.app.database.owner().await)
        .await
        .expect("a block");
    block
}

async fn lift(world: &World, block: Uuid) {
    sqlx::query("UPDATE blocks SET status = 'lifted', lifted_at = $2 WHERE id = $1")
        .bind(block)
        .bind(world.app.now())
        .execute(&mut world.app.database.owner().await)
        .await
        .expect("lifted");
}

#[tokio::test]
async fn what_remains_is_told_and_what_does_not_fit_is_refused_on_every_replica_within_a_second() {
    let world = World::new().await;
    let (_other, there) = world.replica().await;
    let (here, admin) = (&world.program, world.manager());
    let elsewhere = project(admin, &team(admin, "another").await, "elsewhere").await;
    admin.patch(&format!("/api/projects/{elsewhere}"), json!({"environment": "ci"})).await.ok();
    let covered = json!({"projectId": world.web, "service": "chatbot", "learnerId": "ann"});
    let beside = json!({"projectId": elsewhere, "service": "search", "learnerId": "bob"});
    for client in [here, &there] {
        let answer = allowed(client, &covered).await;
        assert_eq!((answer.budgets.len(), answer.warnings.len(), answer.degraded), (0, 0, false));
        assert_eq!(answer.as_of, world.app.now());
    }
    let mut call = event(&world.web, 1_000);
    (call["service"], call["learnerId"]) = (json!("chatbot"), json!("ann"));
    for (nth, (scope, covers_both)) in [
        (json!({"type": "organization"}), true),
        (json!({"type": "team", "id": world.team}), false),
        (json!({"type": "project", "id": world.web}), false),
        (json!({"type": "service", "id": "chatbot"}), false),
        (json!({"type": "learner", "id": "ann"}), false),
        (json!({"type": "environment", "id": "production"}), false),
    ]
    .into_iter()
    .enumerate()
    {
        let spent = i64::try_from(nth).expect("few") * 10;
        // Set: what is left is told.
        let made = set(admin, budget(&(spent + 10).to_string(), scope.clone())).await;
        let begun = Instant::now();
        let remaining = loop {
            let late = begun.elapsed() > SOON;
            let (one, two) = (allowed(here, &covered).await, allowed(&there, &covered).await);
            if let ([one], [two]) = (&one.budgets[..], &two.budgets[..]) {
                assert_eq!(one, two);
                break one.clone();
            }
            assert!(!late, "{scope}: the budget is not seen");
        };
        assert_eq!((remaining.id, remaining.scope_type), (made.id, made.scope.kind));
        assert_eq!(remaining.period_ends_at.to_rfc3339(), "2026-03-31T15:00:00+00:00");
        // Before the first event nobody knows whether any is reported at all.
        let expected = if nth == 0 { (None, None) } else { (Some(spent.to_string()), some("10")) };
        assert_eq!((exact(remaining.spent), exact(remaining.remaining)), expected, "{scope}");
        // Spent: refused, on both.
        track(admin, call.clone()).await;
        let (one, two) = tokio::join!(until(here, &covered, 503), until(&there, &covered, 503));
        for answer in [one, two] {
            let found = refusal(&answer, ErrorCode::BudgetExceeded);
            let shown = found.budget.expect("it is seen");
            let amount = (spent + 10).to_string();
            assert_eq!(told(&shown), (amount.clone(), Some(amount), "0".into(), some("0"), some("100")), "{scope}");
            assert_eq!((shown.id, found.period_ends_at), (made.id, Some(shown.period_ends_at)));
            assert_eq!(answer.header("retry-after"), "3600", "it may be raised before the month is over");
        }
        let answer = check(here, &beside).await;
        assert_eq!(answer.status, if covers_both { 503 } else { 200 }, "{scope}: {}", answer.text);
        // Raised, then deleted: it goes on.
        admin.put(&format!("/api/budgets/{}", made.id), budget("1000", scope)).await.ok();
        tokio::join!(until(here, &covered, 200), until(&there, &covered, 200));
        admin.delete(&format!("/api/budgets/{}", made.id)).await.status(204);
        let gone = async |client: &Client| {
            let since = Instant::now();
            while !allowed(client, &covered).await.budgets.is_empty() {
                assert!(since.elapsed() <= SOON, "the deleted budget is still told");
            }
        };
        tokio::join!(gone(here), gone(&there));
    }
}

#[tokio::test]
async fn an_estimate_has_to_fit_and_the_tightest_budget_is_told_first() {
    let world = World::new().await;
    let (admin, program) = (world.manager(), &world.program);
    track(admin, event(&world.web, 950)).await;
    let rate = json!({"currency": "KRW", "date": "2026-03-02", "rate": "1385.5", "source": "Bank"});
    admin.put("/api/fx-rates", rate).await.ok();
    set(admin, budget("100", json!({"type": "organization"}))).await;
    let mut won = budget("13855", json!({"type": "team", "id": world.team}));
    won["currency"] = json!("KRW");
    set(admin, won).await;
    let thresholds = json!({"daily": {"amount": "9.5"}, "weekly": {"amount": "30", "enforcement": "hard"}});
    admin.put(&format!("/api/projects/{}/cost-thresholds", world.web), thresholds).await.ok();
    let mut soft = budget("9", json!({"type": "project", "id": world.web}));
    soft["enforcement"] = json!("soft");
    set(admin, soft).await;
    let mut call = world.call();
    let answer = allowed(program, &call).await;
    let all: Vec<_> = answer.budgets.iter().map(told).collect();
    assert_eq!(
        all,
        [
            ("9.5".into(), some("9.5"), "0".into(), some("0"), some("100")),
            ("13855".into(), some("13162.25"), "0".into(), some("692.75"), some("95")),
            ("30".into(), some("9.5"), "0".into(), some("20.5"), some("31.66")),
            ("100".into(), some("9.5"), "0".into(), some("90.5"), some("9.5")),
        ]
    );
    assert_eq!(answer.budgets[1].currency, "KRW");
    // Nobody is stopped by what is soft.
    let warnings: Vec<_> = answer.warnings.iter().map(|warning| exact(Some(warning.amount))).collect();
    assert_eq!(warnings, [some("9"), some("9.5")]);
    for (cost, status) in [("0.5", 200), ("0.500000000001", 503), ("0", 200)] {
        call["estimatedCost"] = json!(cost);
        assert_eq!(check(program, &call).await.status, status, "{cost}");
    }
    call["estimatedCost"] = json!(0.51);
    let found = refused(program, &call, ErrorCode::BudgetExceeded).await.budget.expect("the budget");
    assert_eq!((found.currency.as_str(), exact(found.remaining)), ("KRW", some("692.75")));
    // It keeps the rate that it was set with.
    let rate = json!({"currency": "KRW", "date": "2026-03-02", "rate": "1", "source": "Mended"});
    admin.put("/api/fx-rates", rate).await.ok();
    assert_eq!(check(program, &call).await.status, 503);
}

#[tokio::test]
async fn late_reports_and_bills_of_days_that_are_over_count_too() {
    let world = World::new().await;
    let (admin, program) = (world.manager(), &world.program);
    set(admin, budget("20", json!({"type": "project", "id": world.web}))).await;
    for at in ["2026-03-20T09:00:00Z", "2026-03-05T09:00:00Z"] {
        allowed(program, &world.call()).await;
        let mut late = event(&world.web, 1_000);
        late["timestamp"] = json!(at);
        track(admin, late).await;
    }
    until(program, &world.call(), 503).await;
}

#[tokio::test]
async fn a_new_period_has_all_of_the_amount_at_once() {
    let world = World::new().await;
    let mut daily = budget("10", json!({"type": "organization"}));
    daily["period"] = json!("daily");
    set(world.manager(), daily).await;
    track(world.manager(), event(&world.web, 1_000)).await;
    let answer = check(&world.program, &world.call()).await;
    refusal(&answer, ErrorCode::BudgetExceeded);
    // 10:30 in the morning: Seoul's day is over at 15:00.
    world.app.advance(TimeDelta::minutes(4 * 60 + 29));
    let answer = check(&world.program, &world.call()).await;
    refusal(&answer, ErrorCode::BudgetExceeded);
    assert_eq!(answer.header("retry-after"), "60");
    world.app.advance(TimeDelta::minutes(1));
    let answer = allowed(&world.program, &world.call()).await;
    let ends_at: DateTime<Utc> = "2026-03-21T15:00:00Z".parse().expect("a time");
    assert_eq!((exact(answer.budgets[0].spent), answer.budgets[0].period_ends_at), (some("0"), ends_at));
}

#[tokio::test]
async fn what_is_blocked_is_blocked_on_every_replica_within_a_second() {
    let world = World::new().await;
    let (_other, there) = world.replica().await;
    let (here, admin) = (&world.program, world.manager());
    let other = project(admin, &world.team, "other").await;
    let (call, beside) = (world.call(), json!({"projectId": other}));
    let admin_key = json!({"provider": "openai", "key": world.app.provider_key("org-alpha")});
    let admin_key = admin.post(&format!("/api/teams/{}/admin-keys", world.team), admin_key).await.ok();
    let admin_key = admin_key.pointer("/adminKey/id").and_then(Value::as_str).expect("an id").to_owned();
    world.app.run_jobs().await;
    for (target, id, stops_both) in [("project", &world.web, false), ("admin_key", &admin_key, true)] {
        tokio::join!(until(here, &call, 200), until(&there, &call, 200));
        let made = block(&world, target, id, None).await;
        let (one, two) = tokio::join!(until(here, &call, 403), until(&there, &call, 403));
        for answer in [one, two] {
            let found = refusal(&answer, ErrorCode::Blocked).block.expect("the block");
            assert_eq!((found.id, found.target_type.name(), found.cause.name()), (made, target, "manual"));
            assert_eq!((found.since, found.limit_per_minute), (world.app.now(), None));
        }
        assert_eq!(check(here, &beside).await.status, if stops_both { 403 } else { 200 }, "{target}");
        lift(&world, made).await;
        tokio::join!(until(here, &call, 200), until(&there, &call, 200));
    }
    // A block goes before a budget, and a key's is that key's alone.
    set(admin, budget("1", json!({"type": "organization"}))).await;
    track(admin, event(&world.web, 100)).await;
    until(here, &call, 503).await;
    let key = json!({"name": "Blocked", "scopes": ["guard"]});
    let key = admin.post("/api/api-keys", key).await.ok();
    let stopped = world.app.anonymous().with_token(key["key"].as_str().expect("a key"));
    check(&stopped, &call).await.problem(ErrorCode::BudgetExceeded);
    block(&world, "api_key", key["id"].as_str().expect("an id"), None).await;
    until(&stopped, &call, 403).await.problem(ErrorCode::Blocked);
    check(here, &call).await.problem(ErrorCode::BudgetExceeded);
}

#[tokio::test]
async fn a_throttle_lets_so_many_calls_a_minute_through_on_all_replicas_together() {
    let world = World::new().await;
    let (other, there) = world.replica().await;
    let made = block(&world, "project", &world.web, Some(12)).await;
    let mut taken = 0;
    for _ in 0..2 {
        let mut passed = 0;
        let answers = async |client: &Client| {
            let all = (0..20).map(|_| async { check(client, &world.call()).await });
            futures_util::future::join_all(all).await
        };
        let (one, two) = tokio::join!(answers(&world.program), answers(&there));
        for answer in one.into_iter().chain(two) {
            if answer.status == 200 {
                passed += 1;
                continue;
            }
            let found = refusal(&answer, ErrorCode::Throttled).block.expect("the block");
            assert_eq!((found.id, found.limit_per_minute), (made, Some(12)));
            assert_eq!(answer.header("retry-after"), "60");
        }
        assert_eq!(passed, 12);
        taken += passed;
        world.app.advance(TimeDelta::minutes(1));
        other.advance(TimeDelta::minutes(1));
    }
    assert_eq!(taken, 24);
}

#[tokio::test]
async fn a_call_that_is_refused_after_all_was_nobodys_turn() {
    let world = World::new().await;
    let key = world.manager().post("/api/api-keys", json!({"name": "Slow", "scopes": ["guard"]})).await.ok();
    let slow = world.app.anonymous().with_token(key["key"].as_str().expect("a key").to_owned());
    let of_the_key = block(&world, "api_key", key["id"].as_str().expect("an id"), Some(2)).await;
    set(world.manager(), budget("1", json!({"type": "project", "id": world.web}))).await;
    let ask = |estimate: &str, reserve: bool| {
        let mut body = world.call();
        (body["estimatedCost"], body["reserve"]) = (json!(estimate), json!(reserve));
        body
    };
    // Looked for with another key: it takes none of this one's turns.
    until(&world.program, &ask("2", false), 503).await;
    for _ in 0..5 {
        for reserve in [false, true] {
            check(&slow, &ask("2", reserve)).await.problem(ErrorCode::BudgetExceeded);
        }
    }
    // Nor is one that another throttle refuses.
    let of_the_project = block(&world, "project", &world.web, Some(1)).await;
    until(&world.program, &ask("0.1", false), 429).await;
    for _ in 0..5 {
        let found = refused(&slow, &ask("0.1", true), ErrorCode::Throttled).await.block;
        assert_eq!(found.map(|block| block.id), Some(of_the_project));
    }
    lift(&world, of_the_project).await;
    until(&world.program, &ask("0.1", false), 200).await;
    for _ in 0..2 {
        check(&slow, &ask("0.1", false)).await.status(200);
    }
    let last = refused(&slow, &ask("0.1", false), ErrorCode::Throttled).await;
    assert_eq!(last.block.map(|block| block.id), Some(of_the_key));
}

#[tokio::test]
async fn checks_are_counted_by_their_answer_and_within_the_keys_quota() {
    let world = World::new().await;
    let key = json!({"name": "Few", "scopes": ["guard"], "quotaPerMinute": 2});
    let key = world.manager().post("/api/api-keys", key).await.ok()["key"].as_str().expect("a key").to_owned();
    let few = world.app.anonymous().with_token(key);
    let first = check(&few, &world.call()).await;
    first.status(200);
    assert_eq!(first.header("ratelimit"), "\"minute\";r=1;t=60");
    check(&few, &world.call()).await.status(200);
    check(&few, &world.call()).await.problem(ErrorCode::RateLimited);
    set(world.manager(), budget("1", json!({"type": "organization"}))).await;
    track(world.manager(), event(&world.web, 100)).await;
    until(&world.program, &world.call(), 503).await;
    block(&world, "project", &world.web, None).await;
    until(&world.program, &world.call(), 403).await;
    let metrics = world.app.anonymous().get("/metrics").await.text;
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}"));
        line.trim().parse().expect("a number")
    };
    assert!(value("finops_guard_checks_total{outcome=\"allowed\"}") >= 2.0);
    assert!(value("finops_guard_checks_total{outcome=\"budget_exceeded\"}") >= 1.0);
    assert!((value("finops_guard_checks_total{outcome=\"blocked\"}") - 1.0).abs() < f64::EPSILON);
    assert!(value("finops_guard_check_seconds_count") >= 4.0);
    assert!((0.0..1.0).contains(&value("finops_guard_snapshot_age_seconds")));
}
