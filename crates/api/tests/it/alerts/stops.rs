//! What a threshold that blocks says: what was stopped, to everybody whom that is about, and nothing else.

use finops_contract::ErrorCode;
use serde_json::{Value, json};

use super::{alerts, call, track};
use crate::channels::create;
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};

fn budget(scope: &Value, action: &str) -> Value {
    json!({"name": "Budget", "scope": scope, "amount": "10", "period": "daily", "enforcement": "hard",
        "alerts": [{"threshold": 100, "type": action}]})
}

/// What is stopped, by what it is of.
async fn stopped(admin: &Client) -> Vec<String> {
    let blocks = admin.get("/api/blocks?status=active").await.ok();
    let blocks = blocks["data"].as_array().expect("blocks").iter();
    let mut targets: Vec<String> =
        blocks.map(|block| block["target"]["name"].as_str().expect("a name").to_owned()).collect();
    targets.sort();
    targets
}

/// What a channel is told, the oldest first.
async fn told(admin: &Client, channel: &Value) -> Vec<String> {
    let channel = channel.as_str().expect("an id");
    let deliveries = admin.get(&format!("/api/deliveries?channelId={channel}")).await.ok();
    let all = deliveries["data"].as_array().expect("deliveries").iter().rev();
    all.map(|one| one["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[tokio::test]
async fn a_teams_threshold_stops_its_projects_and_says_so() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin.with_header("accept-language", "en");
    let (alpha, beta) = (team(admin, "alpha").await, team(admin, "beta").await);
    let web = project(admin, &alpha, "web").await;
    project(admin, &alpha, "app").await;
    project(admin, &beta, "other").await;
    admin.post("/api/budgets", budget(&json!({"type": "team", "id": alpha}), "block")).await.status(201);
    track(admin, call(&web, "2026-03-20T09:00:00Z", 12)).await;
    app.runner().reconcile().await;
    assert_eq!(stopped(admin).await, ["app", "web"]);
    let [alert] = alerts(admin, "").await.try_into().expect("one alert");
    assert!(alert.text.contains("Spending was blocked"), "{}", alert.text);
    assert!(alert.links.iter().all(|link| link.action != "block"));
    // A second budget that finds all of it stopped says the same.
    admin.post("/api/budgets", budget(&json!({"type": "project", "id": web}), "block")).await.status(201);
    app.runner().reconcile().await;
    let raised = alerts(admin, "").await;
    assert_eq!(raised.len(), 2);
    assert!(raised[0].text.contains("Spending was blocked"), "{}", raised[0].text);
    assert_eq!(stopped(admin).await.len(), 2);
}

#[tokio::test]
async fn the_organizations_threshold_stops_every_project_and_tells_their_teams() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin.with_header("accept-language", "en");
    let (alpha, beta, gamma) = (team(admin, "alpha").await, team(admin, "beta").await, team(admin, "gamma").await);
    let web = project(admin, &alpha, "web").await;
    project(admin, &beta, "shop").await;
    let slack = async |name: &str, team: Option<&str>| {
        let url = app.simulator.slack_webhook_url();
        let body = json!({"type": "slack", "name": name, "url": url, "teamId": team});
        json!(create(admin, &body).await.channel.id)
    };
    let everybody = slack("everybody", None).await;
    let (first, second, third) =
        (slack("a", Some(&alpha)).await, slack("b", Some(&beta)).await, slack("c", Some(&gamma)).await);
    let hook = json!({"type": "webhook", "name": "hook", "url": app.simulator.webhook_url("stops")});
    let hook = json!(create(admin, &hook).await.channel.id);
    admin.post("/api/budgets", budget(&json!({"type": "organization"}), "block")).await.status(201);
    track(admin, call(&web, "2026-03-20T09:00:00Z", 12)).await;
    app.runner().reconcile().await;
    assert_eq!(stopped(admin).await, ["shop", "web"]);
    let [alert] = alerts(admin, "").await.try_into().expect("one alert");
    assert!(alert.text.contains("Spending was blocked"), "{}", alert.text);
    assert_eq!(told(admin, &everybody).await, ["alert.triggered"], "it says that all is stopped");
    for team in [&first, &second] {
        assert_eq!(told(admin, team).await, ["block.active"], "the alert is not theirs");
    }
    assert_eq!(told(admin, &third).await, Vec::<String>::new(), "nothing of theirs is stopped");
    assert_eq!(told(admin, &hook).await, ["block.active", "block.active"]);
    let mails = "SELECT count(*) FROM deliveries WHERE channel_id IS NULL AND kind = 'block.active'";
    assert_eq!(app.database.count(mails).await, 0, "administrators have the alert by mail");
}

#[tokio::test]
async fn what_stops_nothing_claims_nothing() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin.with_header("accept-language", "en");
    for kind in ["service", "learner"] {
        let wrong = budget(&json!({"type": kind, "id": "chatbot"}), "block");
        admin.post("/api/budgets", wrong).await.field("/alerts/0/type", "not_stoppable");
    }
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    admin.post("/api/budgets", budget(&json!({"type": "service", "id": "chatbot"}), "email")).await.status(201);
    // As some were made before that was refused.
    app.database.sql("UPDATE budget_thresholds SET action = 'block'").await;
    track(admin, call(&web, "2026-03-20T09:00:00Z", 12)).await;
    app.runner().reconcile().await;
    let [alert] = alerts(admin, "").await.try_into().expect("one alert");
    assert!(!alert.text.contains("blocked"), "{}", alert.text);
    assert_eq!(alert.links[0].path, format!("/block/project:{web}?alert={}", alert.id), "so somebody may");
    assert_eq!(stopped(admin).await, Vec::<String>::new());
    people.outsider.get(&format!("/api/alerts/{}", alert.id)).await.problem(ErrorCode::NotFound);
}

#[tokio::test]
async fn a_hard_budget_that_is_spent_says_so_without_a_threshold_and_what_stops_pages() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web = project(admin, &team(admin, "alpha").await, "web").await;
    let make = async |body: &Value| json!(create(admin, body).await.channel.id);
    let url = app.simulator.slack_webhook_url();
    let slack = make(&json!({"type": "slack", "name": "slack", "url": url})).await;
    let pager = make(&json!({"type": "pagerduty", "name": "pager", "routingKey": "0".repeat(32)})).await;
    let mut plain = budget(&json!({"type": "project", "id": web}), "both");
    (plain["alerts"], plain["enforcement"]) = (json!([]), json!("soft"));
    let made = admin.post("/api/budgets", plain.clone()).await.status(201);
    let path = format!("/api/budgets/{}", made["id"].as_str().expect("an id"));
    track(admin, call(&web, "2026-03-20T09:00:00Z", 12)).await;
    app.runner().reconcile().await;
    assert_eq!(alerts(admin, "").await, [], "a soft one without thresholds tells nobody");
    plain["enforcement"] = json!("hard");
    admin.put(&path, plain.clone()).await.ok();
    app.runner().reconcile().await;
    let [alert] = alerts(admin, "").await.try_into().expect("one alert");
    assert_eq!(alert.budget.expect("a budget").threshold.to_string(), "100");
    assert_eq!(told(admin, &slack).await, ["alert.triggered"]);
    assert_eq!(told(admin, &pager).await, Vec::<String>::new());
    // With a threshold of its own it is told once, as that says: what stops wakes whoever is on call.
    plain["alerts"] = json!([{"threshold": 100, "type": "block"}]);
    plain["amount"] = json!("9");
    admin.put(&path, plain).await.ok();
    app.runner().reconcile().await;
    assert_eq!(alerts(admin, "?status=open").await.len(), 1);
    assert_eq!(stopped(admin).await, ["web"]);
    assert_eq!(told(admin, &pager).await, ["alert.triggered"]);
}
