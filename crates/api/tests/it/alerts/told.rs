//! What channels are told of alerts: names stay names, and what is over is not opened afterwards.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::alerts::AlertStatus;
use finops_simulator::{Channel, Fault, FaultSpec, InboxQuery, presets};
use reqwest::Method;
use serde_json::{Value, json};

use super::{alerts, call, track};
use crate::channels::create;
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};

/// Whom nobody should hear from because of a name.
const HOSTILE: &str =
    "<!channel> @here <https://evil.example|x> https://evil.example &lt; \"><script>alert(1)</script>";

/// Every text of a Slack message that is formatted.
fn formatted<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            if fields.get("type") == Some(&json!("mrkdwn")) {
                found.push(value);
            }
            fields.values().for_each(|field| formatted(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| formatted(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn what_people_named_rings_nobody_and_is_no_markup() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin.with_header("accept-language", "en");
    for broken in ["a\r\nBcc: evil@example.com", "a\nb", "a\u{0}b"] {
        admin.post("/api/teams", json!({"name": broken})).await.problem(ErrorCode::ValidationFailed);
        let channel = json!({"type": "email", "name": broken, "addresses": ["a@example.com"]});
        admin.post("/api/channels", channel).await.problem(ErrorCode::ValidationFailed);
    }
    let team = team(admin, HOSTILE).await;
    let project = project(admin, &team, HOSTILE).await;
    create(admin, &json!({"type": "slack", "name": HOSTILE, "url": app.simulator.slack_webhook_url()})).await;
    create(admin, &json!({"type": "email", "name": HOSTILE, "addresses": ["a@example.com"]})).await;
    let limits = json!({"daily": {"amount": "5", "type": "both"}});
    admin.put(&format!("/api/projects/{project}/cost-thresholds"), limits).await.ok();
    let mut event = call(&project, "2026-03-20T09:00:00Z", 6);
    (event["service"], event["model"]) = (json!(HOSTILE), json!("gpt-4o"));
    track(admin, event).await;
    app.runner().reconcile().await;
    app.run_jobs().await;

    let slack = app.provider().inbox(&InboxQuery::new(Channel::Slack));
    let [letter] = &slack[..] else { panic!("one message: {slack:?}") };
    let text = letter.content["text"].as_str().expect("text");
    assert!(text.contains("&lt;!channel&gt;") && !text.contains('<'), "{text}");
    let mut found = Vec::new();
    formatted(&letter.content["blocks"], &mut found);
    assert!(found.len() >= 2, "{letter:?}");
    for one in found {
        assert_eq!(one["verbatim"], true, "or Slack makes links and mentions of plain text: {one}");
        assert!(!one["text"].as_str().expect("text").contains('<'), "{one}");
    }
    let mail = app.provider().inbox(&InboxQuery::new(Channel::Resend));
    let [letter] = &mail[..] else { panic!("one mail: {mail:?}") };
    let html = letter.content["html"].as_str().expect("HTML");
    assert!(!html.contains("<script") && html.contains("&quot;&gt;&lt;script&gt;"), "{html}");
    assert!(!letter.content["subject"].as_str().expect("a subject").contains(['\r', '\n']));
}

/// What PagerDuty was told last of every incident, by its key.
fn incidents(app: &TestApp) -> BTreeMap<String, String> {
    let text = |letter: &Value, name: &str| letter[name].as_str().expect("text").to_owned();
    let letters = app.provider().inbox(&InboxQuery::new(Channel::PagerDuty));
    letters.iter().map(|one| (text(&one.content, "dedup_key"), text(&one.content, "event_action"))).collect()
}

/// A project of a team whose budget's three thresholds are told over a channel.
async fn watched(admin: &Client, channel: Value) -> String {
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    create(admin, &channel).await;
    let thresholds: Vec<Value> =
        [50, 75, 90].iter().map(|threshold| json!({"threshold": threshold, "type": channel["type"]})).collect();
    let budget = json!({"name": "Web", "scope": {"type": "team", "id": alpha}, "amount": "10", "period": "daily",
        "alerts": thresholds});
    admin.post("/api/budgets", budget).await.status(201);
    web
}

async fn paged(admin: &Client) -> String {
    watched(admin, json!({"type": "pagerduty", "name": "Pager", "routingKey": presets::PAGERDUTY_KEY})).await
}

async fn resolve_all(app: &TestApp, admin: &Client) {
    for alert in alerts(admin, "").await {
        let path = format!("/api/alerts/{}/resolve", alert.id);
        assert_eq!(admin.send(Method::POST, &path).await.ok()["status"], json!(AlertStatus::Resolved));
    }
    app.run_jobs().await;
}

#[tokio::test]
async fn an_incident_is_opened_taken_up_and_closed_with_its_alert() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web = paged(admin).await;
    track(admin, call(&web, "2026-03-20T09:00:00Z", 5)).await;
    app.runner().reconcile().await;
    app.run_jobs().await;
    let [alert] = alerts(admin, "").await.try_into().expect("one alert");
    for (verb, told) in [("", "trigger"), ("acknowledge", "acknowledge"), ("resolve", "resolve")] {
        if !verb.is_empty() {
            admin.send(Method::POST, &format!("/api/alerts/{}/{verb}", alert.id)).await.ok();
            app.run_jobs().await;
        }
        assert_eq!(incidents(&app).into_values().collect::<Vec<_>>(), [told], "one incident, by one key");
    }
}

#[tokio::test]
async fn what_is_resolved_while_it_is_held_back_opens_no_incident_afterwards() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web = paged(admin).await;
    track(admin, call(&web, "2026-03-20T09:00:00Z", 10)).await;
    app.runner().reconcile().await;
    app.run_jobs().await;
    assert_eq!(alerts(admin, "").await.len(), 3);
    assert_eq!(incidents(&app).values().collect::<Vec<_>>(), ["trigger"], "the first one is told, the others wait");
    resolve_all(&app, admin).await;
    app.advance(TimeDelta::minutes(6));
    app.run_jobs().await;
    let told = incidents(&app);
    assert_eq!(told.len(), 3);
    assert!(told.values().all(|last| last == "resolve"), "{told:?}");
    assert_eq!(app.database.count("SELECT count(*) FROM delivery_queue").await, 0);
    // What was withdrawn is told by the message that says that it is over.
    let withdrawn =
        "SELECT count(*) FROM deliveries d JOIN deliveries s ON s.id = d.digest_id AND s.alert_id = d.alert_id
        WHERE d.kind = 'alert.triggered' AND s.kind = 'alert.resolved'";
    assert_eq!(app.database.count(withdrawn).await, 2);
}

#[tokio::test]
async fn what_is_resolved_before_pagerduty_could_be_told_opens_no_incident_afterwards() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web = paged(admin).await;
    app.provider().add_fault(FaultSpec::new("/pagerduty/*", Fault::status(503)));
    track(admin, call(&web, "2026-03-20T09:00:00Z", 5)).await;
    app.runner().reconcile().await;
    app.run_jobs().await;
    assert_eq!(app.database.count("SELECT count(*) FROM deliveries WHERE status = 'retrying'").await, 1);
    app.provider().clear_faults();
    resolve_all(&app, admin).await;
    app.advance(TimeDelta::hours(1));
    app.run_jobs().await;
    assert_eq!(incidents(&app).values().collect::<Vec<_>>(), ["resolve"]);
    assert_eq!(app.database.count("SELECT count(*) FROM delivery_queue").await, 0);
}

#[tokio::test]
async fn programs_hear_of_an_alert_before_they_hear_what_became_of_it() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web =
        watched(admin, json!({"type": "webhook", "name": "Hook", "url": app.simulator.webhook_url("order")})).await;
    track(admin, call(&web, "2026-03-20T09:00:00Z", 10)).await;
    app.runner().reconcile().await;
    app.run_jobs().await;
    let told = || -> Vec<(String, String)> {
        let letters = app.provider().inbox(&InboxQuery::webhook("order"));
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        letters.iter().map(|one| (text(&one.content["data"]["id"]), text(&one.content["type"]))).collect()
    };
    assert_eq!(told().len(), 1, "the first one is told, the others wait");
    let first = alerts(admin, "").await[0].id;
    admin.send(Method::POST, &format!("/api/alerts/{first}/acknowledge")).await.ok();
    app.run_jobs().await;
    resolve_all(&app, admin).await;
    app.advance(TimeDelta::minutes(6));
    app.run_jobs().await;
    let mut by_alert: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (alert, kind) in told() {
        by_alert.entry(alert).or_default().push(kind);
    }
    assert_eq!(by_alert.len(), 3);
    for (alert, kinds) in by_alert {
        let all = ["alert.triggered", "alert.acknowledged", "alert.resolved"];
        let expected = if alert == first.to_string() { vec![all[0], all[1], all[2]] } else { vec![all[0], all[2]] };
        assert_eq!(kinds, expected);
    }
}
