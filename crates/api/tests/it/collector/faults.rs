//! A provider that fails in every way it knows: nothing is counted twice, the last good data stays, others go on.

use chrono::TimeDelta;
use finops_contract::costs::Dimension;
use finops_simulator::{Fault, FaultSpec};
use serde_json::json;

use super::{NAMES, set_up};
use crate::support::TestApp;
use crate::support::costs::{assert_rollup_is_exact, costs, team_with_key, truth};

const COSTS: &str = "/v1/organization/costs";

#[tokio::test]
async fn one_teams_failure_leaves_the_others_untouched_and_says_why() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let alpha = team_with_key(&app, &people.admin, "alpha", "org-alpha").await;
    let beta = team_with_key(&app, &people.admin, "beta", "org-beta").await;
    app.run_jobs().await;
    app.advance(TimeDelta::days(1));
    app.provider().revoke_key(&app.provider_key("org-alpha")).unwrap();
    app.run_jobs_and_let_them_die().await;
    let english = people.admin.with_header("accept-language", "en");
    let failed = english.get(&format!("/api/teams/{alpha}/collection")).await.ok();
    assert_eq!((&failed["status"], &failed["lastError"]["code"]), (&json!("failed"), &json!("unauthorized")));
    assert!(failed["lastError"]["message"].as_str().unwrap().starts_with("Unauthorized (401)"));
    assert_eq!(failed["lastSuccessAt"], "2026-03-20T10:30:00Z");
    let healthy = english.get(&format!("/api/teams/{beta}/collection")).await.ok();
    assert_eq!((&healthy["status"], &healthy["lastSuccessAt"]), (&json!("healthy"), &json!("2026-03-21T10:30:00Z")));
    // What is known of yesterday is half of it: no comparison, no culprit, and a gap in the failed account's trend.
    let summary = people.admin.get("/api/costs/summary").await.ok();
    let yesterday = &summary["yesterday"];
    assert_eq!((&yesterday["hasData"], &yesterday["complete"]), (&json!(true), &json!(false)));
    assert_eq!((&yesterday["previousCost"], &yesterday["driver"]), (&json!(null), &json!(null)));
    let beta_only = people.admin.get(&format!("/api/costs/summary?teamId={beta}")).await.ok();
    assert_eq!(beta_only["yesterday"]["complete"], json!(true), "the other team's is whole");
    let key = people.admin.get(&format!("/api/teams/{alpha}/admin-keys")).await.ok();
    assert_eq!(key["data"][0]["verification"], "rejected");
    let summary = people.admin.get("/api/costs/summary").await.ok();
    assert_eq!(summary["freshness"]["staleTeams"][0]["name"], "alpha");
    assert_eq!(summary["nextActions"][0]["code"], "fix_collection");
    let failing = async || {
        let metrics = app.anonymous().get("/metrics").await;
        let line = metrics.text.lines().find(|line| line.starts_with("finops_collections_failing ")).map(str::to_owned);
        line.expect("a metric").rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(failing().await, "1.0");
    // Stopped on purpose, it is not behind.
    let id = key["data"][0]["id"].as_str().unwrap();
    people.admin.post(&format!("/api/teams/{alpha}/admin-keys/{id}/deactivate"), json!({})).await.ok();
    assert_eq!(failing().await, "0.0");
    people.admin.post(&format!("/api/teams/{alpha}/admin-keys/{id}/activate"), json!({})).await.ok();
    // Mended: a new key, and everything that was missed.
    app.provider().add_key("org-alpha", "sk-admin-the-mended-key-of-alpha-33", None).unwrap();
    let body = json!({"key": "sk-admin-the-mended-key-of-alpha-33"});
    people.admin.post(&format!("/api/teams/{alpha}/admin-keys/{id}/rotate"), body).await.ok();
    app.run_jobs_and_let_them_die().await;
    let mended = english.get(&format!("/api/teams/{alpha}/collection")).await.ok();
    assert_eq!((&mended["status"], &mended["lastError"]), (&json!("healthy"), &json!(null)));
}

#[tokio::test]
async fn every_fault_keeps_the_last_good_data_and_is_over_when_it_is_over() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = set_up(&app, &people.admin).await;
    app.run_jobs().await;
    let by = [Dimension::Project, Dimension::LineItem, Dimension::Day];
    let good = costs(&app, &people.admin, &by).await;
    for (fault, code) in [
        (Fault::status(403), "unauthorized"),
        (Fault::status(500), "unavailable"),
        (Fault::status(429), "rate_limited"),
        (Fault::Truncate, "unavailable"),
        (Fault::Html, "malformed"),
        (Fault::WrongTypes, "malformed"),
        (Fault::NullCursor, "broken_paging"),
        (Fault::RepeatedCursor, "broken_paging"),
        (Fault::Huge { bytes: 80 * 1024 * 1024 }, "too_large"),
    ] {
        app.provider().add_fault(FaultSpec::new(COSTS, fault.clone()));
        let body = people.admin.post(&format!("/api/teams/{team}/collection"), json!({})).await.status(202);
        assert_eq!(body["status"], "queued");
        app.run_jobs_and_let_them_die().await;
        let status = people.admin.get(&format!("/api/teams/{team}/collection")).await.ok();
        assert_eq!(status["lastError"]["code"], code, "{fault:?}");
        assert_eq!(costs(&app, &people.admin, &by).await, good, "{fault:?}");
        app.provider().clear_faults();
        app.advance(TimeDelta::seconds(2));
        app.hurry_jobs().await;
        app.run_jobs_and_let_them_die().await;
        people.admin.post(&format!("/api/teams/{team}/collection"), json!({})).await.status(202);
        app.run_jobs_and_let_them_die().await;
        let status = people.admin.get(&format!("/api/teams/{team}/collection")).await.ok();
        assert_eq!((&status["status"], &status["lastError"]), (&json!("healthy"), &json!(null)), "{fault:?}");
        app.advance(TimeDelta::seconds(2));
    }
    assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-alpha", &by, &NAMES));
    assert_rollup_is_exact(&app).await;
}

#[tokio::test]
async fn credits_are_negative_and_add_up() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    app.provider().add_fault(FaultSpec::new(COSTS, Fault::Negative));
    team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let total = costs(&app, &people.admin, &[]).await.into_values().sum::<rust_decimal::Decimal>();
    assert!(total < rust_decimal::Decimal::ZERO, "{total}");
    assert_rollup_is_exact(&app).await;
}

#[tokio::test]
async fn an_interrupted_backfill_ends_with_the_same_rows_as_one_that_never_was() {
    let rows = "SELECT count(*) FROM billed_costs";
    let app = TestApp::spawn().await;
    let people = app.people().await;
    // Every second page fails: each attempt gets one page further and goes on there.
    for skip in [1, 3, 5, 7] {
        app.provider().add_fault(FaultSpec::new(COSTS, Fault::Truncate).skip(skip).times(4));
    }
    set_up(&app, &people.admin).await;
    while app.jobs("queued").await.iter().any(|job| job.attempts < job.max_attempts) {
        app.hurry_jobs().await;
        app.run_jobs().await;
    }
    let whole = TestApp::spawn().await;
    let others = whole.people().await;
    set_up(&whole, &others.admin).await;
    whole.run_jobs().await;
    let by = [Dimension::Project, Dimension::LineItem, Dimension::ApiKey, Dimension::Day];
    assert_eq!(costs(&app, &people.admin, &by).await, costs(&whole, &others.admin, &by).await);
    assert_eq!(app.database.count(rows).await, whole.database.count(rows).await);
    assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-alpha", &by, &NAMES));
    assert_rollup_is_exact(&app).await;
}
