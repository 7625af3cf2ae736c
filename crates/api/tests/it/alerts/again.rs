//! What is told of a period again, and what is not told of it at all.

use chrono::TimeDelta;
use finops_contract::alerts::AlertStatus;
use serde_json::{Value, json};

use super::{alerts, call, thresholds, track};
use crate::channels::create;
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};

/// The kinds of what was put into the outbox, the oldest first.
async fn kinds(admin: &Client) -> Vec<String> {
    let deliveries = admin.get("/api/deliveries").await.ok();
    let all = deliveries["data"].as_array().expect("deliveries").iter().rev();
    all.map(|one| one["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[tokio::test]
async fn a_period_that_is_over_is_held_to_the_thresholds_it_had_and_stops_nothing() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin.with_header("accept-language", "en");
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    let budget = |alerts: Value| {
        json!({"name": "Web", "scope": {"type": "project", "id": web}, "amount": "100", "period": "monthly",
            "enforcement": "hard", "alerts": alerts})
    };
    let half = json!({"threshold": 50, "type": "email"});
    let made: Value = admin.post("/api/budgets", budget(json!([half]))).await.expect(201);
    let path = format!("/api/budgets/{}", made["id"].as_str().expect("an id"));
    track(admin, call(&web, "2026-03-20T09:00:00Z", 95)).await;
    app.runner().reconcile().await;
    assert_eq!(thresholds(&alerts(admin, "").await), ["50"]);

    // April: what is added now says nothing of March, not even where March is told more of.
    app.advance(TimeDelta::days(13));
    admin.put(&path, budget(json!([half, {"threshold": 90, "type": "block"}]))).await.ok();
    app.runner().reconcile().await;
    track(admin, call(&web, "2026-03-25T09:00:00Z", 200)).await;
    app.runner().reconcile().await;
    assert_eq!(thresholds(&alerts(admin, "").await), ["50"]);

    // May: April is held to what it had, whatever that does now; and what it was over with stops nothing in May.
    app.advance(TimeDelta::days(31));
    let all = json!([{"threshold": 50, "type": "slack"}, {"threshold": 90, "type": "block"}, {"threshold": 100, "type": "block"}]);
    admin.put(&path, budget(all)).await.ok();
    track(admin, call(&web, "2026-04-28T09:00:00Z", 120)).await;
    app.runner().reconcile().await;
    let raised = alerts(admin, "").await;
    assert_eq!(thresholds(&raised), ["50", "90", "50"]);
    let april = &raised[1];
    assert_eq!(april.budget.as_ref().expect("a budget").from.to_string(), "2026-04-01");
    assert!(!april.text.contains("blocked"), "{}", april.text);
    assert_eq!(april.links[0].action, "block", "nothing is, so somebody may");
    assert_eq!(admin.get("/api/blocks").await.ok()["data"], json!([]));

    // The same threshold stops what is spent in May.
    track(admin, call(&web, "2026-05-03T05:00:00Z", 95)).await;
    app.runner().reconcile().await;
    assert_eq!(admin.get("/api/blocks?status=active").await.ok()["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_forecast_that_falls_and_rises_is_told_again_by_the_same_alert() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    create(admin, &json!({"type": "webhook", "name": "Hook", "url": app.simulator.webhook_url("again")})).await;
    let budget = json!({"name": "Web", "scope": {"type": "project", "id": web}, "amount": "100", "period": "monthly",
        "alerts": [{"threshold": 100, "type": "webhook", "basis": "forecast"}]});
    admin.post("/api/budgets", budget).await.status(201);
    track(admin, call(&web, "2026-03-20T09:00:00Z", 60)).await;
    app.runner().reconcile().await;
    let [first] = alerts(admin, "").await.try_into().expect("one alert");
    assert_eq!(first.status, AlertStatus::Open);

    // A week of silence, and nothing more is expected.
    app.advance(TimeDelta::days(9));
    app.runner().reconcile().await;
    let [fallen] = alerts(admin, "").await.try_into().expect("the same");
    assert_eq!((fallen.id, fallen.status), (first.id, AlertStatus::Resolved));
    track(admin, call(&web, "2026-03-29T05:00:00Z", 39)).await;
    app.runner().reconcile().await;
    let [risen] = alerts(admin, "").await.try_into().expect("the same");
    assert_eq!((risen.id, risen.status, risen.resolved), (first.id, AlertStatus::Open, None));
    let (before, after) = (first.budget.expect("a budget"), risen.budget.expect("a budget"));
    assert_ne!(after.figure, before.figure, "as it is now");
    let told = ["alert.triggered", "alert.resolved", "alert.triggered"];
    assert_eq!(kinds(admin).await, told);
    app.runner().reconcile().await;
    assert_eq!(kinds(admin).await, told, "once");

    // What hovers about its threshold is told once an hour.
    let dip = "UPDATE alerts SET status = 'resolved', resolved_at = reopened_at";
    app.database.sql(dip).await;
    app.advance(TimeDelta::minutes(59));
    app.runner().reconcile().await;
    assert_eq!(kinds(admin).await, told);
    app.advance(TimeDelta::minutes(1));
    app.runner().reconcile().await;
    assert_eq!(kinds(admin).await.len(), 4);

    // What somebody has dealt with stays so.
    admin.post(&format!("/api/alerts/{}/resolve", first.id), json!({})).await.ok();
    app.advance(TimeDelta::hours(2));
    app.runner().reconcile().await;
    assert_eq!(alerts(admin, "?status=open").await, []);
}
