//! Budgets: what they may be, what was spent by the costs' word, and that a threshold is crossed once.

mod crossings;
mod limits;
mod listed;
mod rates;
mod spending;
mod together;

use chrono::{NaiveDate, TimeDelta};
use finops_contract::budgets::{AlertBasis, Budget, BudgetKind, BudgetPeriod, BudgetStatus, CostThresholds, ScopeType};
use finops_contract::{Amount, ErrorCode, Page};
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn exact(amount: Option<Amount>) -> Option<String> {
    amount.map(|amount| amount.0.normalize().to_string())
}

/// A call that costs this many dollars: of a model that costs 2.5 dollars a million of input tokens.
fn call(project: &str, at: &str, dollars: i64) -> Value {
    json!({"projectId": project, "provider": "openai", "model": "gpt-4o", "promptTokens": dollars * 400_000,
        "completionTokens": 0, "timestamp": at})
}

async fn track(client: &Client, event: Value) {
    client.post("/api/usage/track", event).await.ok();
}

fn monthly(amount: &str, scope: Value) -> Value {
    json!({"name": "Budget", "scope": scope, "amount": amount, "period": "monthly"})
}

fn organization() -> Value {
    json!({"type": "organization"})
}

async fn set(client: &Client, body: Value) -> Budget {
    client.post("/api/budgets", body).await.expect(201)
}

async fn status(client: &Client, budget: Uuid) -> BudgetStatus {
    client.get(&format!("/api/budgets/{budget}/status")).await.read_as()
}

#[tokio::test]
async fn a_budget_is_set_changed_and_deleted() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let body = json!({
        "name": "Learning AI", "scope": organization(), "amount": 1000, "period": "monthly", "enforcement": "hard",
        "alerts": [{"threshold": 50, "type": "email"}, {"threshold": "80", "type": "both"},
            {"threshold": 100, "type": "block"}, {"threshold": 100, "type": "pagerduty", "basis": "forecast"}],
    });
    let keyed = admin.with_header("idempotency-key", "one");
    let budget: Budget = keyed.post("/api/budgets", &body).await.expect(201);
    let again: Budget = keyed.post("/api/budgets", &body).await.expect(201);
    assert_eq!(budget, again, "the same request makes one budget");
    assert_eq!(
        (budget.amount.to_string().as_str(), budget.currency.as_str(), &budget.fx),
        ("1000.000000", "USD", &None)
    );
    assert_eq!((budget.kind, budget.revision, budget.scope.kind), (BudgetKind::Budget, 1, ScopeType::Organization));
    let alerts: Vec<_> = budget.alerts.iter().map(|alert| (alert.threshold.to_string(), alert.basis)).collect();
    let actual = |percent: &str| (percent.to_owned(), AlertBasis::Actual);
    assert_eq!(alerts, [actual("50"), actual("80"), actual("100"), ("100".to_owned(), AlertBasis::Forecast)]);
    let path = format!("/api/budgets/{}", budget.id);
    assert_eq!(admin.get(&path).await.read_as::<Budget>(), budget);

    app.advance(TimeDelta::hours(1));
    let put = async |change: &dyn Fn(&mut Value)| {
        let mut body = body.clone();
        change(&mut body);
        admin.put(&path, body).await
    };
    let same: Budget = put(&|_| {}).await.read_as();
    assert_eq!(same, budget, "what says the same changes nothing");
    let renamed: Budget = put(&|body| body["name"] = json!("학습")).await.read_as();
    assert_eq!((renamed.name.as_str(), renamed.revision, renamed.revised_at), ("학습", 1, budget.revised_at));
    let lowered: Budget = put(&|body| body["amount"] = json!("750.5")).await.read_as();
    assert_eq!((lowered.revision, lowered.revised_at), (2, app.now()));
    let weekly: Budget = put(&|body| body["period"] = json!("weekly")).await.read_as();
    assert_eq!((weekly.revision, weekly.period), (3, BudgetPeriod::Weekly));
    put(&|body| body["scope"] = json!({"type": "environment", "id": "ci"})).await.field("/scope", "immutable");

    let entries = admin.get(&format!("/api/audit-log?targetId={}", budget.id)).await.ok();
    let actions: Vec<_> = entries["data"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["budget.update", "budget.update", "budget.update", "budget.create"]);
    assert_eq!(entries["data"][1]["before"]["amount"], json!("1000.000000"));
    admin.delete(&path).await.status(204);
    for gone in [admin.get(&path).await, admin.delete(&path).await, put(&|_| {}).await] {
        gone.problem(ErrorCode::NotFound);
    }
    admin.get(&format!("{path}/status")).await.problem(ErrorCode::NotFound);
    assert_eq!(admin.get("/api/budgets").await.read_as::<Page<Budget>>().data, []);
}

#[tokio::test]
async fn what_is_no_budget_is_refused_with_its_field() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let theirs = team(&people.outsider, "Theirs").await;
    let their_project = project(&people.outsider, &theirs, "Theirs").await;
    let alerts = |alerts: Value| ("alerts", alerts);
    for ((field, value), pointer, code) in [
        (("name", json!(" ")), "/name", "blank"),
        (("amount", json!("0")), "/amount", "range"),
        (("amount", json!(-5)), "/amount", "range"),
        (("amount", json!("0.0000001")), "/amount", "range"),
        (("currency", json!("usd")), "/currency", "currency"),
        (("scope", json!({"type": "organization", "id": "x"})), "/scope/id", "unexpected"),
        (("scope", json!({"type": "team"})), "/scope/id", "required"),
        (("scope", json!({"type": "team", "id": "x"})), "/scope/id", "format"),
        // Another organization's answers as what does not exist.
        (("scope", json!({"type": "team", "id": theirs})), "/scope/id", "unknown"),
        (("scope", json!({"type": "team", "id": Uuid::from_u128(7)})), "/scope/id", "unknown"),
        (("scope", json!({"type": "project", "id": their_project})), "/scope/id", "unknown"),
        (("scope", json!({"type": "project", "id": Uuid::from_u128(7)})), "/scope/id", "unknown"),
        (("scope", json!({"type": "environment", "id": "prod"})), "/scope/id", "unknown"),
        (("scope", json!({"type": "learner", "id": ""})), "/scope/id", "length"),
        (
            alerts(json!([{"threshold": 90, "type": "email"}, {"threshold": 75, "type": "email"}])),
            "/alerts/1/threshold",
            "order",
        ),
        (
            alerts(json!([{"threshold": 90, "type": "email"}, {"threshold": "90.0", "type": "sms"}])),
            "/alerts/1/threshold",
            "duplicate",
        ),
        (alerts(json!([{"threshold": 0, "type": "email"}])), "/alerts/0/threshold", "range"),
        (alerts(json!([{"threshold": 1000.01, "type": "email"}])), "/alerts/0/threshold", "range"),
        (alerts(json!([{"threshold": 100, "type": "block"}])), "/alerts/0/type", "needs_hard"),
    ] {
        let mut body = monthly("100", organization());
        body[field] = value;
        admin.post("/api/budgets", &body).await.field(pointer, code);
    }
    let mut body = monthly("100", organization());
    body["currency"] = json!("KRW");
    admin.post("/api/budgets", &body).await.problem(ErrorCode::FxRateMissing);
    for (field, value) in [("amount", json!("1e400")), ("period", json!("hourly")), ("amount", json!(null))] {
        let mut body = monthly("100", organization());
        body[field] = value;
        admin.post("/api/budgets", &body).await.problem(ErrorCode::ValidationFailed);
    }
    for (field, value, code) in [
        ("currency", json!("USD"), "currency"),
        ("rate", json!("0"), "range"),
        ("rate", json!("1000000000"), "range"),
        ("date", json!("2026-03-21"), "future"),
        ("source", json!(""), "length"),
    ] {
        let mut body = json!({"currency": "KRW", "date": "2026-03-20", "rate": "1385.5", "source": "Bank"});
        body[field] = value;
        admin.put("/api/fx-rates", &body).await.field(&format!("/{field}"), code);
    }
    assert_eq!(app.database.count("SELECT count(*) FROM budgets").await, 0);
    assert_eq!(app.database.count("SELECT count(*) FROM fx_rates").await, 0);
}

#[tokio::test]
async fn who_sees_a_team_or_a_project_sees_its_budgets_and_nobody_else() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let (alpha, beta) = (team(admin, "alpha").await, team(admin, "beta").await);
    let (web, other) = (project(admin, &alpha, "web").await, project(admin, &beta, "other").await);
    let mut made = Vec::new();
    for (name, scope) in [
        ("all", organization()),
        ("alpha", json!({"type": "team", "id": alpha})),
        ("web", json!({"type": "project", "id": web})),
        ("other", json!({"type": "project", "id": other})),
        ("chatbot", json!({"type": "service", "id": "chatbot"})),
        ("ann", json!({"type": "learner", "id": "ann"})),
        ("ci", json!({"type": "environment", "id": "ci"})),
    ] {
        let mut body = monthly("100", scope);
        body["name"] = json!(name);
        made.push(set(admin, body).await);
    }
    assert_eq!(made[1].scope.name.as_deref(), Some("alpha"));
    let names = async |client: &Client, query: &str| -> Vec<String> {
        let page: Page<Budget> = client.get(&format!("/api/budgets?{query}")).await.read_as();
        page.data.into_iter().map(|budget| budget.name).collect()
    };
    assert_eq!(names(admin, "").await, ["ci", "ann", "chatbot", "other", "web", "alpha", "all"]);
    assert_eq!(names(admin, "scopeType=project").await, ["other", "web"]);
    assert_eq!(names(admin, &format!("teamId={alpha}")).await, ["alpha"]);
    assert_eq!(names(admin, &format!("projectId={web}&kind=budget")).await, ["web"]);
    assert_eq!(names(admin, "kind=limit").await, Vec::<String>::new());
    let first: Page<Budget> = admin.get("/api/budgets?limit=5").await.read_as();
    assert_eq!(names(admin, &format!("limit=5&cursor={}", first.next_cursor.unwrap())).await, ["alpha", "all"]);

    assert_eq!(names(&people.user, "").await, Vec::<String>::new());
    assert_eq!(names(&people.outsider, "").await, Vec::<String>::new());
    admin.send(Method::PUT, &format!("/api/projects/{web}/members/{}", people.user.id())).await.ok();
    assert_eq!(names(&people.user, "").await, ["web"]);
    admin.send(Method::PUT, &format!("/api/teams/{beta}/members/{}", people.user.id())).await.ok();
    assert_eq!(names(&people.user, "").await, ["other", "web"]);
    let key = json!({"name": "Reader", "scopes": ["read"], "projectId": other});
    let key = admin.post("/api/api-keys", key).await.ok()["key"].as_str().expect("a key").to_owned();
    let program = app.anonymous().with_token(key);
    assert_eq!(names(&program, "").await, ["other"]);
    for (budget, seen) in made.iter().zip([false, false, true, true, false, false, false]) {
        let path = format!("/api/budgets/{}", budget.id);
        for path in [path.clone(), format!("{path}/status")] {
            let answer = people.user.get(&path).await;
            if seen {
                drop(answer.ok())
            } else {
                drop(answer.problem(ErrorCode::NotFound))
            }
            people.outsider.get(&path).await.problem(ErrorCode::NotFound);
        }
        people.user.put(&path, monthly("1", organization())).await.problem(ErrorCode::Forbidden);
        people.user.delete(&path).await.problem(ErrorCode::Forbidden);
    }
    // A project that is deleted keeps its budget's name.
    admin.delete(&format!("/api/projects/{web}")).await.ok();
    let kept: Budget = admin.get(&format!("/api/budgets/{}", made[2].id)).await.read_as();
    assert_eq!((kept.scope.name.as_deref(), kept.scope.deleted), (Some("web"), true));
}

#[tokio::test]
async fn a_project_has_a_cost_threshold_a_day_and_one_a_week() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "chatbot-experiment").await;
    let path = format!("/api/projects/{web}/cost-thresholds");
    assert_eq!(admin.get(&path).await.read_as::<CostThresholds>(), CostThresholds::default());
    let body =
        json!({"daily": {"amount": "500"}, "weekly": {"amount": "2000", "type": "block", "enforcement": "hard"}});
    let both: CostThresholds = admin.put(&path, &body).await.read_as();
    let (daily, weekly) = (both.daily.clone().unwrap(), both.weekly.clone().unwrap());
    assert_eq!(
        (daily.kind, daily.period, daily.name.as_str()),
        (BudgetKind::Limit, BudgetPeriod::Daily, "chatbot-experiment")
    );
    assert_eq!((daily.alerts.len(), daily.alerts[0].threshold.to_string().as_str()), (1, "100"));
    assert_eq!(weekly.period, BudgetPeriod::Weekly);
    let again: CostThresholds = admin.put(&path, &body).await.read_as();
    assert_eq!(again, both, "what says the same changes nothing");

    track(admin, call(&web, "2026-03-20T09:00:00Z", 742)).await;
    let found = status(admin, daily.id).await;
    assert_eq!((exact(found.current.spent).as_deref(), exact(found.remaining).as_deref()), (Some("742"), Some("-242")));
    assert_eq!(found.current.percent.unwrap().to_string(), "148.4");
    assert_eq!(found.breach_date, Some(date("2026-03-20")));
    assert!(found.thresholds[0].reached && !status(admin, weekly.id).await.thresholds[0].reached);
    let listed: Page<Budget> = admin.get(&format!("/api/budgets?kind=limit&projectId={web}")).await.read_as();
    assert_eq!(listed.data.len(), 2);

    let lowered: CostThresholds = admin.put(&path, json!({"daily": {"amount": "400"}, "weekly": null})).await.read_as();
    assert_eq!((lowered.daily.map(|daily| (daily.id, daily.revision)), lowered.weekly), (Some((daily.id, 2)), None));
    admin.get(&format!("/api/budgets/{}", weekly.id)).await.problem(ErrorCode::NotFound);
    let as_weekly = json!({"name": "x", "scope": {"type": "project", "id": web}, "amount": "1", "period": "weekly"});
    admin.put(&format!("/api/budgets/{}", daily.id), as_weekly).await.field("/period", "immutable");

    for (body, pointer, code) in [
        (json!({"daily": {"amount": "0"}}), "/daily/amount", "range"),
        (json!({"weekly": {"amount": "1", "currency": "won"}}), "/weekly/currency", "currency"),
        (json!({"weekly": {"amount": "1", "type": "block"}}), "/weekly/type", "needs_hard"),
    ] {
        admin.put(&path, body).await.field(pointer, code);
    }
    admin.put(&path, json!({"daily": {"amount": "1", "currency": "KRW"}})).await.problem(ErrorCode::FxRateMissing);
    people.user.get(&path).await.problem(ErrorCode::NotFound);
    people.user.put(&path, json!({})).await.problem(ErrorCode::Forbidden);
    people.outsider.put(&path, json!({})).await.problem(ErrorCode::NotFound);
    admin.send(Method::PUT, &format!("/api/projects/{web}/members/{}", people.user.id())).await.ok();
    assert!(people.user.get(&path).await.read_as::<CostThresholds>().daily.is_some());
    // Two at once set one.
    let set = || async { admin.put(&path, json!({"weekly": {"amount": "9"}})).await.status };
    let statuses = futures_util::future::join_all((0..6).map(|_| set())).await;
    assert!(statuses.contains(&200) && statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    let limits = "SELECT count(*) FROM budgets WHERE kind = 'limit' AND deleted_at IS NULL AND limit_period = 'weekly'";
    assert_eq!(app.database.count(limits).await, 1);
}

#[tokio::test]
async fn periods_are_those_of_the_organizations_calendar() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let change = async |body: Value| admin.patch("/api/organization", body).await.ok();
    change(json!({"timeZone": "Europe/Berlin", "fiscalYearStartMonth": 2})).await;
    for (period, from, to, starts_at) in [
        ("daily", "2026-03-20", "2026-03-21", "2026-03-19T23:00:00+00:00"),
        ("weekly", "2026-03-16", "2026-03-23", "2026-03-15T23:00:00+00:00"),
        ("monthly", "2026-03-01", "2026-04-01", "2026-02-28T23:00:00+00:00"),
        ("quarterly", "2026-02-01", "2026-05-01", "2026-01-31T23:00:00+00:00"),
        ("yearly", "2026-02-01", "2027-02-01", "2026-01-31T23:00:00+00:00"),
    ] {
        let mut body = monthly("100", organization());
        body["period"] = json!(period);
        let found = status(admin, set(admin, body).await.id).await;
        let said = (found.current.from, found.current.to, found.current.starts_at.to_rfc3339());
        assert_eq!(said, (date(from), date(to), starts_at.to_owned()), "{period}");
        let mut later = found.current.from;
        for earlier in &found.history {
            assert_eq!(earlier.to, later, "{period}");
            later = earlier.from;
        }
    }
    // Clocks are turned on the 29th: that day has 23 hours.
    app.advance(TimeDelta::days(9));
    let page: Page<Budget> = admin.get("/api/budgets?limit=5").await.read_as();
    let daily = page.data.iter().find(|budget| budget.period == BudgetPeriod::Daily).expect("a daily one");
    let found = status(admin, daily.id).await.current;
    assert_eq!((found.from, (found.ends_at - found.starts_at).num_hours()), (date("2026-03-29"), 23));
}
