//! Health, readiness, metrics, jobs, and how the process stops.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use finops_api::platform::db;
use finops_contract::ErrorCode;
use finops_contract::jobs::{Job, JobState};
use finops_contract::page::Page;
use serde_json::json;
use uuid::Uuid;

use crate::support::app::MASTER_KEY;
use crate::support::costs::{bill, project, team};
use crate::support::process::{Process, finops};
use crate::support::{Database, TestApp};

#[tokio::test]
async fn a_service_without_its_schema_lives_but_is_not_ready() {
    let mut app = TestApp::builder().spawn_on(Database::empty().await).await;
    app.anonymous().get("/health").await.status(200);
    let problem = app.anonymous().get("/ready").await.problem(ErrorCode::Unavailable);
    assert!(problem.detail.contains("finops migrate"), "{}", problem.detail);
    let (one, two) = tokio::join!(db::migrate(app.database.url()), db::migrate(app.database.url()));
    one.and(two).expect("two replicas migrated at once");
    assert_eq!(app.anonymous().get("/ready").await.status(200)["status"], "ok");
    app.leave_jobs();
}

#[tokio::test]
async fn a_service_that_stops_is_not_ready_and_sends_its_callers_away() {
    let app = TestApp::spawn().await;
    assert_eq!(app.anonymous().get("/ready").await.header("connection"), "");
    app.state.stopping.begin();
    let answer = app.anonymous().get("/ready").await;
    answer.problem(ErrorCode::Unavailable);
    assert_eq!((answer.header("connection"), answer.header("retry-after")), ("close", "1"));
    let health = app.anonymous().get("/health").await;
    health.status(200);
    assert_eq!(health.header("connection"), "close");
}

#[tokio::test]
async fn metrics_tell_of_requests_jobs_and_connections() {
    let app = TestApp::spawn().await;
    let jobs = finops_api::app::jobs(&app.state, &finops_api::features::Shared::new(&app.state)).expect("a runner");
    app.state.metrics.watch_jobs(jobs.metrics());
    jobs.run_due().await.expect("jobs ran");
    app.anonymous().get("/api/auth/me").await.problem(ErrorCode::Unauthenticated);
    let answer = app.anonymous().get("/metrics").await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    for line in [
        r#"finops_build_info{version="0.1.0"} 1"#,
        r#"finops_http_requests_total{method="GET",route="/api/auth/me",status="401"} 1"#,
        r#"finops_job_events_total{job="maintenance",event="succeeded"} 1"#,
        r#"finops_jobs_running{job="maintenance"} 0"#,
        r#"finops_jobs_due{job="maintenance"}"#,
        r#"finops_db_connections{state="used"}"#,
        "finops_collector_lag_seconds",
        "# EOF",
    ] {
        assert!(answer.text.contains(line), "{line} is not in\n{}", answer.text);
    }
    let closed = TestApp::builder().set("PROMETHEUS_METRICS_ENABLED", "false").spawn().await;
    closed.anonymous().get("/metrics").await.problem(ErrorCode::NotFound);
}

#[tokio::test]
async fn metrics_tell_what_is_not_folded_yet() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let gauges = async || {
        let text = app.anonymous().get("/metrics").await.text;
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).expect("a gauge");
            line.parse().expect("a number")
        };
        (value("finops_usage_unfolded_rows"), value("finops_usage_unfolded_oldest_seconds"))
    };
    assert_eq!(gauges().await, (0.0, 0.0));
    let call = json!({"provider": "openai", "model": "gpt-4o", "promptTokens": 1, "completionTokens": 1});
    people.tenant_admin.post("/api/usage/track", &call).await.ok();
    people.outsider.post("/api/usage/track", &call).await.ok();
    let (rows, oldest) = gauges().await;
    assert!(rows == 2.0 && oldest < 60.0, "of all organizations: {rows}, {oldest} s");
    app.database.sql("UPDATE usage_deltas SET stored_at = stored_at - interval '5 minutes'").await;
    let (_, oldest) = gauges().await;
    assert!((300.0..360.0).contains(&oldest), "{oldest} s");
    // Whoever is behind with folding can work all the same.
    app.anonymous().get("/ready").await.status(200);
    app.runner().reconcile().await;
    assert_eq!(gauges().await, (0.0, 0.0));
}

#[tokio::test]
async fn maintenance_forgets_what_has_had_its_time_and_nothing_else() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let keyed = people.admin.with_header("idempotency-key", "one");
    keyed.post("/api/teams", json!({"name": "Kept for a day"})).await.status(201);
    app.database
        .sql(
            "INSERT INTO jobs (id, name, slot, state, finished_at) VALUES
            (gen_random_uuid(), 'work', 'old', 'succeeded', now() - interval '31 days'),
            (gen_random_uuid(), 'work', 'new', 'succeeded', now() - interval '29 days')",
        )
        .await;
    let counts = async || {
        let mut counts = Vec::new();
        for query in [
            "SELECT count(*) FROM jobs WHERE name = 'work'",
            "SELECT count(*) FROM refresh_tokens",
            "SELECT count(*) FROM idempotency_keys",
            "SELECT count(*) FROM secrets WHERE owner_table = 'idempotency_keys'",
            "SELECT count(*) FROM rate_limit_buckets",
        ] {
            counts.push(app.database.count(query).await);
        }
        counts
    };
    assert_eq!(counts().await[..4], [2, 4, 1, 1]);
    app.run_jobs().await;
    assert_eq!(counts().await[..4], [1, 4, 1, 1]);
    app.advance(TimeDelta::hours(25));
    app.run_jobs().await;
    assert_eq!(counts().await, [1, 4, 0, 0, 0]);
    app.advance(TimeDelta::days(32));
    app.run_jobs().await;
    assert_eq!(counts().await[1], 0);
}

#[tokio::test]
async fn administrators_of_the_platform_see_jobs_and_retry_dead_ones() {
    let mut app = TestApp::spawn().await;
    let people = app.people().await;
    for client in [&people.tenant_admin, &people.user, &people.outsider] {
        client.get("/api/jobs").await.problem(ErrorCode::Forbidden);
        client
            .send(reqwest::Method::POST, &format!("/api/jobs/{}/retry", Uuid::nil()))
            .await
            .problem(ErrorCode::Forbidden);
    }
    app.database
        .sql(
            "INSERT INTO jobs (id, organization_id, name, slot, state, attempts, last_error)
            SELECT gen_random_uuid(), organization_id, 'work', name, 'dead', 5, 'it broke' FROM organizations
            UNION ALL SELECT gen_random_uuid(), NULL, 'work', 'platform', 'dead', 5, 'it broke'",
        )
        .await;
    let page: Page<Job> = people.admin.get("/api/jobs?state=dead&name=work&limit=2").await.read_as();
    assert_eq!(page.data.len(), 2);
    let cursor = page.next_cursor.expect("a third job");
    let rest: Page<Job> = people.admin.get(&format!("/api/jobs?state=dead&limit=2&cursor={cursor}")).await.read_as();
    assert_eq!((rest.data.len(), rest.next_cursor), (1, None));

    for job in page.data.iter().chain(&rest.data) {
        let address = format!("/api/jobs/{}/retry", job.id);
        let retried: Job = people.admin.send(reqwest::Method::POST, &address).await.read_as();
        assert_eq!((retried.state, retried.attempts), (JobState::Queued, 0));
        people.admin.send(reqwest::Method::POST, &address).await.problem(ErrorCode::JobNotRetryable);
        let owner = if job.slot == "Other Inc." { &people.outsider } else { &people.tenant_admin };
        let entries = owner.get(&format!("/api/audit-log?action=job.retry&targetId={}", job.id)).await.ok();
        assert_eq!(entries["data"][0]["actor"]["name"], "admin@example.com", "{}", job.slot);
        assert_eq!(entries["data"][0]["before"]["lastError"], "it broke");
    }
    let missing = format!("/api/jobs/{}/retry", Uuid::nil());
    people.admin.send(reqwest::Method::POST, &missing).await.problem(ErrorCode::NotFound);
    app.leave_jobs();
}

// The program itself

#[expect(clippy::disallowed_methods, reason = "not for the outside world")]
fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_told_to_stop_under_load_fails_no_request() {
    let database = Database::new().await;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let process = finops(database.url(), &["serve"]).env("PORT", port.to_string()).spawn().expect("finops");
    let mut process = Process(process);
    let url = format!("http://127.0.0.1:{port}");
    let client = http();
    let ready = async || client.get(format!("{url}/ready")).send().await.map(|answer| answer.status().as_u16());
    let up = async { while ready().await.ok() != Some(200) {} };
    tokio::time::timeout(Duration::from_secs(20), up).await.expect("ready");

    // Four callers behind a balancer, which sends them elsewhere once `/ready` says so.
    let (gone, elsewhere) = tokio::sync::watch::channel(false);
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (client, url, elsewhere) = (client.clone(), url.clone(), elsewhere.clone());
        load.spawn(async move {
            let mut answered = 0_u32;
            while !*elsewhere.borrow() {
                let answer = client.get(format!("{url}/api/auth/registration")).send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
                answer.bytes().await.expect("a whole answer");
                answered += 1;
            }
            answered
        });
    }
    let stopped = Instant::now();
    process.terminate();
    let unready = async { while ready().await.expect("still answered") != 503 {} };
    tokio::time::timeout(Duration::from_secs(2), unready).await.expect("unready before it stops to listen");
    gone.send_replace(true);
    let answered: u32 = load.join_all().await.into_iter().sum();
    assert!(answered > 0);
    let status = process.0.wait().expect("ended");
    assert!(status.success() && stopped.elapsed() < Duration::from_secs(35), "{status}, {:?}", stopped.elapsed());
}

#[tokio::test]
async fn jobs_run_alone_until_they_are_told_to_stop() {
    let database = Database::new().await;
    let mut process = Process(finops(database.url(), &["jobs"]).spawn().expect("finops"));
    let done = async {
        while database.count("SELECT count(*) FROM jobs WHERE name = 'maintenance' AND state = 'succeeded'").await == 0
        {
        }
    };
    tokio::time::timeout(Duration::from_secs(20), done).await.expect("a job was run");
    process.terminate();
    assert!(process.0.wait().expect("ended").success());
}

#[tokio::test]
async fn rekey_reports_what_it_did() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await.with_header("idempotency-key", "one");
    admin.post("/api/teams", json!({"name": "Sealed"})).await.status(201);
    let next = "01".repeat(32);
    let rekey = |output: &str| {
        let mut command = finops(app.database.url(), &["rekey", "--output", output]);
        let output =
            command.env("ENCRYPTION_KEY", &next).env("ENCRYPTION_KEY_PREVIOUS", MASTER_KEY).output().expect("finops");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let report: serde_json::Value = serde_json::from_str(&rekey("json")).expect("JSON");
    let expected = json!({"organizations": 1, "checked": 1, "rekeyed": 1, "changedMeanwhile": 0, "failed": 0});
    assert_eq!(report, expected);
    assert_eq!(
        rekey("text"),
        "0 of 1 secrets of 1 organizations re-encrypted; 0 changed meanwhile, 0 could not be opened\n"
    );
    // Without the former key the second secret cannot be opened: said, and not a success.
    admin.with_header("idempotency-key", "two").post("/api/teams", json!({"name": "Sealed too"})).await.status(201);
    let output = finops(app.database.url(), &["rekey"]).env("ENCRYPTION_KEY", &next).output().expect("finops");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 could not be opened"));
}

#[tokio::test]
async fn an_organizations_figures_are_behind_its_key() {
    let app = TestApp::builder().set("COST_AGGREGATION_INTERVAL", "1").spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    let budget = json!({"name": "Web", "scope": {"type": "project", "id": web}, "amount": "80", "period": "monthly",
        "alerts": [{"threshold": 25, "type": "email"}]});
    admin.post("/api/budgets", &budget).await.status(201);
    let call = |service: &str, learner: &str, tokens: i64| {
        json!({"projectId": web, "provider": "openai", "model": "gpt-4o", "promptTokens": tokens,
            "completionTokens": 0, "service": service, "learnerId": learner})
    };
    for event in [call("chat", "kim", 8_000_000), call("search", "lee", 4_000_000)] {
        admin.post("/api/usage/track", event).await.ok();
    }
    // What is billed in another currency counts by the rate of its day; before any, it is told beside.
    let shop = project(admin, &alpha, "shop").await;
    for day in ["2026-03-02", "2026-03-10", "2026-03-11"] {
        bill(&app, &shop, day, "acme", "9.2 EUR").await;
    }
    for (date, rate) in [("2026-03-09", "0.92"), ("2026-03-11", "0.5"), ("2026-03-12", "7")] {
        let rate = json!({"currency": "EUR", "date": date, "rate": rate, "source": "ECB"});
        admin.put("/api/fx-rates", rate).await.ok();
    }
    app.runner().reconcile().await;

    let key = json!({"name": "Prometheus", "scopes": ["read"], "projectId": null});
    let key = admin.post("/api/api-keys", key).await.ok()["key"].as_str().expect("a key").to_owned();
    let prometheus = app.anonymous().with_token(key);
    let text = prometheus.get("/api/metrics").await.text;
    for line in [
        "finops_total_cost_usd 58.4",
        "finops_cost_by_provider_usd{provider=\"openai\"} 30.0",
        "finops_cost_by_provider_usd{provider=\"acme\"} 28.4",
        "finops_cost_unconverted{currency=\"EUR\"} 9.2",
        "finops_cost_by_service_usd{service=\"chat\"} 20.0",
        "finops_cost_by_learner_usd{learner=\"lee\"} 10.0",
        "finops_tokens_total{provider=\"openai\",model=\"gpt-4o\"} 12000000",
        "finops_budget_alerts_active{kind=\"budget\",severity=\"info\"} 1",
        "finops_budget_alerts_active{kind=\"unpriced\",severity=\"warning\"} 0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
    }
    let used = text.lines().find(|line| line.starts_with("finops_budget_percentage_used{")).expect("a budget");
    assert!(used.contains("budget=\"Web\"") && used.contains("scope=\"web\"") && used.ends_with(" 37.5"), "{used}");

    // A counter is read anew at each scrape: two replicas that remembered different times would make it go backwards.
    admin.post("/api/usage/track", call("chat", "kim", 1)).await.ok();
    app.runner().reconcile().await;
    let text = prometheus.get("/api/metrics").await.text;
    for line in [
        "finops_tokens_total{provider=\"openai\",model=\"gpt-4o\"} 12000001",
        "finops_cost_by_service_usd{service=\"chat\"} 20.0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
    }

    app.anonymous().get("/api/metrics").await.problem(ErrorCode::Unauthenticated);
    people.user.get("/api/metrics").await.problem(ErrorCode::Forbidden);
    let others = people.outsider.get("/api/metrics").await.text;
    assert!(others.contains("finops_total_cost_usd NaN") && !others.contains("kim"), "{others}");
}
