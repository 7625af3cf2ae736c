//! What is about one thing is told once in five minutes.

use chrono::TimeDelta;
use finops_api::features::deliveries::{self, Outgoing, To};
use finops_api::platform::db::OrganizationId;
use finops_contract::deliveries::DeliveryStatus;
use finops_providers::{Notice, Severity};
use finops_simulator::{Channel, Fault, FaultSpec, InboxQuery};
use serde_json::json;

use super::{detail, json_of, list, notice, tell, tell_all, took, webhook};
use crate::channels::create;
use crate::support::TestApp;
use crate::support::client::Client;

#[tokio::test]
async fn ten_thousand_messages_of_one_group_are_one_and_a_digest() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let body = json!({"type": "slack", "name": "Slack", "locale": "en", "url": app.simulator.slack_webhook_url()});
    let slack = create(admin, &body).await.channel.id;
    let subjects: Vec<String> = (0..10_000).map(|number| format!("Anomaly {number}")).collect();
    // A minute's worth, as it comes in.
    for part in subjects.chunks(2_500) {
        let messages: Vec<(&str, Option<&str>)> =
            part.iter().map(|subject| (subject.as_str(), Some("team:1"))).collect();
        assert_eq!(tell_all(&app, admin.organization(), To::Channel(slack), &messages).await, 2_500);
        app.run_jobs().await;
        app.advance(TimeDelta::seconds(15));
    }
    let inbox = || app.provider().inbox(&InboxQuery::new(Channel::Slack).attempts());
    let texts = || -> Vec<String> {
        inbox().iter().map(|letter| letter.content["text"].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!(texts(), ["Anomaly 0 (en)"]);
    assert_eq!(app.database.count("SELECT count(*) FROM deliveries WHERE status = 'held'").await, 9_999);
    app.advance(TimeDelta::seconds(300 - 60 - 1));
    app.run_jobs().await;
    assert_eq!(texts().len(), 1, "not before five minutes are over");
    app.advance(TimeDelta::seconds(1));
    app.run_jobs().await;
    assert_eq!(texts(), ["Anomaly 0 (en)", "9999 more: Anomaly 9999 (en)"]);
    let shown = json_of(&inbox()[1].content["blocks"]).to_string();
    assert!(
        shown.contains("- Anomaly 9999 (en)\\n- Anomaly 9998 (en)") && shown.contains("And 9989 others."),
        "{shown}"
    );
    assert!(!shown.contains("Anomaly 9989"), "{shown}");
    assert_eq!(app.database.count("SELECT count(*) FROM deliveries WHERE status = 'digested'").await, 9_999);
    let digest = &list(admin, "status=delivered&limit=1").await[0];
    assert_eq!(digest.kind, "digest");
    assert_eq!(list(admin, "status=digested&limit=1").await[0].digest_id, Some(digest.id));
    // One that comes within five minutes of the digest waits, and is told as it is.
    tell_all(&app, admin.organization(), To::Channel(slack), &[("Alone", Some("team:1"))]).await;
    app.run_jobs().await;
    assert_eq!(texts().len(), 2);
    let held = &list(admin, "status=held").await[0];
    assert_eq!(held.next_attempt_at, Some(app.now() + TimeDelta::minutes(5)));
    app.advance(TimeDelta::minutes(5));
    app.run_jobs().await;
    assert_eq!(texts()[2..], ["Alone (en)".to_owned()]);
    assert_eq!(app.database.count("SELECT count(*) FROM delivery_queue").await, 0);
}

#[tokio::test]
async fn groups_and_channels_are_told_apart() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let ((one, _), (other, _)) = (webhook(&app, admin, "one").await, webhook(&app, admin, "other").await);
    let messages = [("a1", Some("a")), ("b1", Some("b")), ("a2", Some("a")), ("none1", None), ("none2", None)];
    tell_all(&app, admin.organization(), To::Channel(one), &messages).await;
    tell_all(&app, admin.organization(), To::Channel(other), &messages[2..3]).await;
    app.run_jobs().await;
    assert_eq!(took(&app, "one"), ["a1", "b1", "none1", "none2"]);
    assert_eq!(took(&app, "other"), ["a2"]);
    tell_all(&app, admin.organization(), To::Channel(one), &[("a3", Some("a"))]).await;
    app.advance(TimeDelta::minutes(5));
    app.run_jobs().await;
    assert_eq!(took(&app, "one")[4..], ["digest".to_owned()]);
    let letters = app.provider().inbox(&InboxQuery::webhook("one"));
    let digest = &letters[4].content;
    assert_eq!((&digest["type"], &digest["data"]["count"]), (&json!("digest"), &json!(2)));
    let events: Vec<_> =
        digest["data"]["events"].as_array().expect("events").iter().map(|event| &event["data"]["subject"]).collect();
    assert_eq!(events, ["a2", "a3"], "programs are told all of it");
}

#[tokio::test]
async fn what_is_tried_again_keeps_to_its_group_as_well() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let (hook, _) = webhook(&app, admin, "again").await;
    app.provider().add_fault(FaultSpec::new("/webhook/again", Fault::status(500)).times(2));
    tell_all(&app, admin.organization(), To::Channel(hook), &[("first", Some("g"))]).await;
    app.run_jobs().await;
    tell_all(&app, admin.organization(), To::Channel(hook), &[("second", Some("g"))]).await;
    app.run_jobs().await;
    assert_eq!(list(admin, "status=held").await.len(), 1, "the first one was tried just now");
    app.advance(TimeDelta::seconds(6));
    app.run_jobs().await;
    assert_eq!(took(&app, "again"), Vec::<String>::new());
    // The first is due at 300 s after its second failure, more or less; the second once nothing was tried for five minutes.
    app.advance(TimeDelta::seconds(300));
    app.run_jobs().await;
    app.advance(TimeDelta::seconds(61));
    app.run_jobs().await;
    assert_eq!(took(&app, "again").len(), 1, "one of them");
    app.advance(TimeDelta::seconds(300));
    app.run_jobs().await;
    let mut told = took(&app, "again");
    told.sort_unstable();
    assert_eq!(told, ["first", "second"]);
    let letters = app.provider().inbox(&InboxQuery::webhook("again"));
    assert!(letters[1].at - letters[0].at >= TimeDelta::minutes(5));
}

#[tokio::test]
async fn people_who_were_told_sixty_things_in_an_hour_are_told_the_rest_together() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let body = json!({"type": "slack", "name": "Slack", "locale": "ko", "url": app.simulator.slack_webhook_url()});
    let slack = create(admin, &body).await.channel.id;
    let (hook, _) = webhook(&app, admin, "program").await;
    let subjects: Vec<String> = (0..80).map(|number| format!("m{number}")).collect();
    let messages: Vec<(&str, Option<&str>)> = subjects.iter().map(|subject| (subject.as_str(), None)).collect();
    tell_all(&app, admin.organization(), To::Channel(slack), &messages).await;
    tell_all(&app, admin.organization(), To::Channel(hook), &messages).await;
    app.run_jobs().await;
    let told = || app.provider().inbox(&InboxQuery::new(Channel::Slack).attempts());
    assert_eq!(told().len(), 60);
    assert_eq!(took(&app, "program").len(), 80, "programs want every one");
    app.advance(TimeDelta::minutes(5));
    app.run_jobs().await;
    assert_eq!(told().len(), 61);
    assert_eq!(told()[60].content["text"], "알림 20건 더: m79 (ko)");
    // An hour later it is as it was.
    app.advance(TimeDelta::minutes(61));
    tell(&app, admin, slack, "later").await;
    app.run_jobs().await;
    assert_eq!(told()[61].content["text"], "later (ko)");
}

/// Puts a message of another kind or severity into the outbox.
async fn tell_as(
    app: &TestApp,
    client: &Client,
    to: To<'_>,
    what: (&'static str, Severity),
    told: (&str, Option<&str>),
) {
    let organization = OrganizationId(client.organization());
    let ((kind, severity), (subject, group)) = (what, told);
    let mut tx = app.db().tenant(organization).await.expect("a transaction");
    let render = |locale| Notice { severity, ..notice(subject, locale) };
    let outgoing = Outgoing { to, alert_id: None, group: group.map(str::to_owned), kind, notice: &render };
    deliveries::enqueue(&mut tx, organization, &app.state.clock, &outgoing).await.expect("put in");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn what_is_urgent_waits_for_its_group_alone() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let body = json!({"type": "slack", "name": "Slack", "locale": "en", "url": app.simulator.slack_webhook_url()});
    let slack = create(admin, &body).await.channel.id;
    let subjects: Vec<String> = (0..70).map(|number| format!("m{number}")).collect();
    let messages: Vec<(&str, Option<&str>)> = subjects.iter().map(|subject| (subject.as_str(), None)).collect();
    tell_all(&app, admin.organization(), To::Channel(slack), &messages).await;
    let texts = || -> Vec<String> {
        let inbox = app.provider().inbox(&InboxQuery::new(Channel::Slack).attempts());
        inbox.iter().map(|letter| letter.content["text"].as_str().expect("text").to_owned()).collect()
    };
    let critical = ("alert.triggered", Severity::Critical);
    // In the same moment as ten that are told together later: the first of them is before all of these.
    for (what, told) in [
        (critical, ("Exceeded", Some("g"))),
        (critical, ("Exceeded anew", Some("g"))),
        (("block.active", Severity::Error), ("Stopped", None)),
    ] {
        tell_as(&app, admin, To::Channel(slack), what, told).await;
    }
    app.run_jobs().await;
    assert_eq!(texts()[60..], ["Exceeded (en)".to_owned(), "Stopped (en)".to_owned()]);
    app.advance(TimeDelta::minutes(2));
    tell_as(&app, admin, To::Channel(slack), critical, ("Another", Some("h"))).await;
    app.run_jobs().await;
    assert_eq!(texts()[62..], ["Another (en)".to_owned()]);
    // What is urgent does not put off what waits.
    app.advance(TimeDelta::minutes(3));
    app.run_jobs().await;
    let mut rest = texts()[63..].to_vec();
    rest.sort();
    assert_eq!(rest, ["10 more: m69 (en)", "Exceeded anew (en)"]);
}

#[tokio::test]
async fn what_somebody_sends_again_waits_for_nothing() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let (hook, _) = webhook(&app, admin, "direct").await;
    let id = super::dead(&app, admin, &hook.to_string()).await;
    app.database.sql("UPDATE deliveries SET group_key = 'g'").await;
    tell_all(&app, admin.organization(), To::Channel(hook), &[("first", Some("g")), ("second", Some("g"))]).await;
    app.run_jobs().await;
    admin.post(&format!("/api/deliveries/{id}/resend"), json!({})).await.ok();
    app.run_jobs().await;
    assert_eq!(took(&app, "direct"), ["first", "Dead"]);
    assert_eq!(detail(admin, id.parse().expect("an id")).await.delivery.status, DeliveryStatus::Delivered);
}
