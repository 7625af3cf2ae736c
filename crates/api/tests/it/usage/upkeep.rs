//! Proving and mending the sums, partitions ahead, retention, and what is measured.

use chrono::TimeDelta;
use finops_api::features::usage::histogram::{self, BUCKETS};
use finops_api::features::usage::verify;
use finops_contract::usage::UsageBatchAnswer;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::event;
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};
use crate::support::usage::{assert_usage_sums_are_exact, reporter};

/// Somebody with a project.
async fn with_project(app: &TestApp) -> (Client, String) {
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let project = project(&people.admin, &team, "web").await;
    (people.admin, project)
}

/// An event of a certain time.
fn event_at(id: &str, project: &str, at: impl ToString) -> Value {
    let mut event = event(id, project);
    event["timestamp"] = json!(at.to_string());
    event
}

#[tokio::test]
async fn the_database_sorts_latencies_into_the_same_buckets() {
    let app = TestApp::spawn().await;
    let mut owner = app.database.owner().await;
    let ends = (0..BUCKETS - 1).map(|bucket| histogram::upper(bucket) as i32);
    let around = ends.flat_map(|end| [end - 1, end, end + 1]).chain([0, 86_400_000, i32::MAX]);
    let milliseconds: Vec<i32> = around.collect();
    let found: Vec<i32> = sqlx::query_scalar("SELECT finops_latency_bucket(ms) FROM unnest($1::int[]) AS ms")
        .bind(&milliseconds)
        .fetch_all(&mut owner)
        .await
        .unwrap();
    let expected: Vec<i32> = milliseconds.iter().map(|ms| histogram::bucket(*ms as u32) as i32).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn sums_that_differ_are_named_and_mended_while_events_come_in() {
    let app = TestApp::spawn().await;
    let (admin, web) = with_project(&app).await;
    for (n, at) in ["2026-03-20T08:10:00Z", "2026-03-20T09:10:00Z", "2026-03-20T09:20:00Z", "2026-03-19T23:59:59Z"]
        .into_iter()
        .enumerate()
    {
        admin.post("/api/usage/track", event_at(&format!("evt-{n}"), &web, at)).await.status(201);
    }
    assert_usage_sums_are_exact(&app).await;
    // Each somewhere else: a sum, a latency, a day, a row that is gone, a row that nothing adds to.
    app.database.sql("UPDATE usage_hourly SET cost = cost + 0.000000000001 WHERE hour = '2026-03-20T08:00:00Z'").await;
    app.database.sql("UPDATE usage_hourly SET latency[30] = latency[30] + 1 WHERE hour = '2026-03-20T09:00:00Z'").await;
    app.database.sql("UPDATE usage_daily SET input = input + 1 WHERE day = '2026-03-20'").await;
    app.database.sql("DELETE FROM usage_dimension_hourly WHERE hour = '2026-03-19T23:00:00Z'").await;
    app.database
        .sql(
            "INSERT INTO usage_dimension_hourly (organization_id, hour, dimension, value, project_id, team_id, provider,
                events, failed, unpriced, tokens, cost, reported_cost)
            SELECT organization_id, '2026-03-20T03:00:00Z', dimension, 'nobody', project_id, team_id, provider,
                events, failed, unpriced, tokens, cost, reported_cost
            FROM usage_dimension_hourly WHERE hour = '2026-03-20T08:00:00Z' AND dimension = 'learner'",
        )
        .await;
    let found = verify::verify(&app.state, false).await.unwrap();
    let named: Vec<_> = found
        .differences
        .iter()
        .map(|found| (found.hour.format("%dT%H").to_string(), found.grain, found.sums))
        .collect();
    let expected = [
        ("19T23".to_owned(), "usage_dimension_hourly", 2),
        ("20T03".to_owned(), "usage_dimension_hourly", 1),
        ("20T00".to_owned(), "usage_daily", 1),
        ("20T08".to_owned(), "usage_hourly", 1),
        ("20T09".to_owned(), "usage_hourly", 1),
    ];
    assert_eq!(named, expected);
    assert!(found.differences.iter().all(|found| found.organization_id == admin.organization()));
    assert_eq!((found.differing, found.repaired), (5, 0));

    // Two repairs at once, and events into the same rows meanwhile.
    let more = async {
        for n in 0..60 {
            let at = ["2026-03-20T08:30:00Z", "2026-03-20T09:30:00Z", "2026-03-19T23:10:00Z"][n % 3];
            admin.post("/api/usage/track", event_at(&format!("more-{n}"), &web, at)).await.status(201);
        }
    };
    let (one, other, ()) = tokio::join!(verify::verify(&app.state, true), verify::verify(&app.state, true), more);
    assert_eq!(one.unwrap().repaired + other.unwrap().repaired, 5, "each difference is mended once");
    assert_usage_sums_are_exact(&app).await;
    let nobody = app.database.count("SELECT count(*) FROM usage_dimension_hourly WHERE value = 'nobody'").await;
    assert_eq!(nobody, 0);
}

#[tokio::test]
async fn sums_are_exact_beyond_what_a_decimal_holds() {
    let app = TestApp::spawn().await;
    let (admin, web) = with_project(&app).await;
    let events: Vec<Value> = (0..200)
        .map(|n| {
            let mut event = event(&format!("evt-{n}"), &web);
            event["cost"] = json!("999999999.999999999999999999");
            event
        })
        .collect();
    let answer: UsageBatchAnswer = admin.post("/api/usage/bulk", json!({"events": events})).await.read_as();
    assert_eq!(answer.accepted, 200);
    let sum: String = sqlx::query_scalar("SELECT sum(reported_cost)::text FROM usage_sums")
        .fetch_one(&mut app.database.owner().await)
        .await
        .unwrap();
    assert_eq!(sum, "199999999999.9999999999999998");
    assert_usage_sums_are_exact(&app).await;
}

#[tokio::test]
async fn partitions_are_made_ahead() {
    let app = TestApp::spawn().await;
    let ahead = "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'usage_events'::regclass AND c.relname BETWEEN 'usage_events_20260320' AND 'usage_events_20260327'";
    assert_eq!(app.database.count(ahead).await, 0);
    app.run_jobs().await;
    assert_eq!(app.database.count(ahead).await, 8, "today and the seven days after it");
    app.run_jobs().await;
    app.advance(TimeDelta::days(1));
    app.run_jobs().await;
    let tomorrow = "SELECT count(*) FROM pg_class WHERE relname = 'usage_events_20260328'";
    assert_eq!(app.database.count(tomorrow).await, 1);
}

/// The days that have a partition, of those around the tests' time.
async fn days(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'usage_events'::regclass AND c.relname < 'usage_events_20260321' ORDER BY 1",
    )
    .fetch_all(&mut app.database.owner().await)
    .await
    .unwrap()
}

#[tokio::test]
async fn events_go_when_nobody_keeps_them_and_their_sums_stay() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team_id = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team_id, "web").await;
    let theirs = {
        let team = team(&people.outsider, "theirs").await;
        project(&people.outsider, &team, "theirs").await
    };
    people.admin.patch("/api/organization", json!({"retentionDays": 30})).await.ok();
    people.admin.post("/api/usage/track", event("ours", &web)).await.status(201);
    people.outsider.post("/api/usage/track", event("theirs", &theirs)).await.status(201);
    let sums = "SELECT sum(events)::bigint FROM usage_sums";

    // The last day that is kept.
    app.advance(TimeDelta::days(30));
    app.run_jobs().await;
    assert_eq!(app.database.count("SELECT count(*) FROM usage_events").await, 2);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_event_ids").await, 2);

    // The other organization keeps 90 days, so the partition stays and ours goes by itself.
    app.advance(TimeDelta::days(6));
    app.run_jobs().await;
    let left = "SELECT count(*) FROM usage_events WHERE event_id =";
    let left: (i64, i64) = sqlx::query_as(AssertSqlSafe(format!("SELECT ({left} 'ours'), ({left} 'theirs')")))
        .fetch_one(&mut app.database.owner().await)
        .await
        .unwrap();
    assert_eq!(left, (0, 1));
    assert_eq!(days(&app).await, ["20260320"]);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_event_ids").await, 0, "remembered for 35 days");
    assert_eq!(app.database.count(sums).await, 2);
    // Keeping more from now on brings nothing back: that day is proved no more, and not repaired to nothing.
    app.database.sql("UPDATE organizations SET retention_days = 365 WHERE retention_days = 30").await;
    let report = verify::verify(&app.state, true).await.unwrap();
    assert_eq!((report.differing, app.database.count(sums).await), (0, 2));

    app.advance(TimeDelta::days(55));
    app.run_jobs().await;
    assert_eq!(days(&app).await, [] as [&str; 0], "nobody keeps the day");
    app.run_jobs().await;
    let report = verify::verify(&app.state, true).await.unwrap();
    assert_eq!((report.differing, app.database.count(sums).await), (0, 2));
}

#[tokio::test]
async fn a_late_event_of_a_dropped_day_finds_its_place_again() {
    let app = TestApp::spawn().await;
    let (admin, web) = with_project(&app).await;
    app.database.sql("UPDATE organizations SET retention_days = 1").await;
    app.database.sql("DELETE FROM usage_kept").await;
    admin.post("/api/usage/track", event_at("old-1", &web, "2026-03-10T10:00:00Z")).await.status(201);
    app.run_jobs().await;
    assert_eq!(days(&app).await, ["20260320"], "dropped");
    // The process still believes that the day has a partition.
    admin.post("/api/usage/track", event_at("old-2", &web, "2026-03-10T11:00:00Z")).await.status(201);
    assert_eq!(days(&app).await, ["20260310", "20260320"]);
    assert_eq!(app.database.count("SELECT sum(events)::bigint FROM usage_sums").await, 2);
}

#[tokio::test]
async fn a_partition_stays_while_an_organization_has_not_said_what_it_keeps() {
    let app = TestApp::spawn().await;
    let (admin, web) = with_project(&app).await;
    admin.post("/api/usage/track", event("1", &web)).await.status(201);
    app.database
        .sql("INSERT INTO usage_kept SELECT organization_id, '2026-04-01' FROM organizations ORDER BY 1 LIMIT 1")
        .await;
    let drop = async || {
        let mut tx = app.db().platform().await.unwrap();
        let day: Option<chrono::NaiveDate> =
            sqlx::query_scalar("SELECT finops_drop_usage_partition()").fetch_one(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        day
    };
    assert_eq!(drop().await, None, "one of two has said nothing");
    app.database
        .sql("INSERT INTO usage_kept SELECT organization_id, '2026-03-21' FROM organizations ON CONFLICT DO NOTHING")
        .await;
    assert_eq!(drop().await.map(|day| day.to_string()).as_deref(), Some("2026-03-20"));
    assert_eq!(drop().await, None);
}

#[tokio::test]
async fn what_comes_in_is_measured() {
    let app = TestApp::spawn().await;
    let (admin, web) = with_project(&app).await;
    let program = reporter(&app, &admin).await;
    let mut unpriced = event("2", &web);
    unpriced["model"] = json!("ft:gpt-4o-mini:acme:secret:1a2b");
    unpriced["provider"] = json!("nobody");
    let mut different = event("1", &web);
    different["promptTokens"] = json!(7_000);
    let mut foreign = event("3", &web);
    foreign["projectId"] = json!(Uuid::from_u128(1));
    let events = json!({"events": [event("1", &web), event("1", &web), unpriced, different, foreign]});
    program.post("/api/usage/bulk", &events).await.ok();
    program.post("/api/usage/track", json!({"model": "gpt-4o", "promptTokens": -1})).await;
    let shown = app.anonymous().get("/metrics").await.text;
    for line in [
        r#"finops_usage_events_total{source="api",outcome="stored",code=""} 2"#,
        r#"finops_usage_events_total{source="api",outcome="duplicate",code=""} 1"#,
        r#"finops_usage_events_total{source="api",outcome="conflict",code=""} 1"#,
        r#"finops_usage_events_total{source="api",outcome="rejected",code="project_unknown"} 1"#,
        r#"finops_usage_events_total{source="api",outcome="rejected",code="quantity_invalid"} 1"#,
        r#"finops_usage_unpriced_events_total{provider="nobody",model="ft:gpt-4o-mini"} 1"#,
        r#"finops_tokens_total{provider="openai",model="gpt-4o-mini",kind="input"} 600"#,
        r#"finops_tokens_total{provider="openai",model="gpt-4o-mini",kind="cached_input"} 400"#,
        r#"finops_tokens_total{provider="other",model="other",kind="output"} 200"#,
        "finops_usage_group_events_count 1",
        "finops_usage_queue_room 20000",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
    assert!(!shown.contains("acme"), "whose a model is");
}
