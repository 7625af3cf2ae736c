//! The outbox: what is put in goes out, once, in order, and what does not is told.

mod fair;
mod grouped;
mod recipients;
mod retries;
mod smtp;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use finops_api::features::deliveries::{self, Outgoing, To};
use finops_api::platform::db::OrganizationId;
use finops_contract::accounts::Locale;
use finops_contract::deliveries::{AttemptOutcome, Delivery, DeliveryDetail, DeliveryStatus};
use finops_contract::{ErrorCode, Page};
use finops_providers::{Event, Link, LinkStyle, Notice, Severity, Stage};
use finops_simulator::{Fault, FaultSpec, InboxQuery};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::channels::{create, is_signed};
use crate::support::TestApp;
use crate::support::client::Client;

/// What is told in these tests, in a language.
fn notice(subject: &str, locale: Locale) -> Notice {
    Notice {
        id: "replaced".into(),
        stage: Stage::Trigger,
        severity: Severity::Warning,
        dedup_key: "budget:1".into(),
        source: "Example Inc.".into(),
        subject: format!("{subject} ({})", locale.tag()),
        text: format!("The whole of {subject}."),
        html: Some(format!("<html><body><p>The whole of {subject}.</p></body></html>")),
        facts: Vec::new(),
        links: vec![Link { label: "Show".into(), url: "https://finops.example/1".into(), style: LinkStyle::Primary }],
        event: Event {
            kind: "alert.triggered".into(),
            occurred_at: "2026-03-20T10:00:00Z".parse().expect("a time"),
            data: json!({"subject": subject, "spent": "742.00"}),
        },
    }
}

/// Puts messages into the outbox, in one transaction; returns how many deliveries that made.
async fn tell_all(app: &TestApp, organization: Uuid, to: To<'_>, messages: &[(&str, Option<&str>)]) -> u64 {
    let organization = OrganizationId(organization);
    let mut tx = app.db().tenant(organization).await.expect("a transaction");
    let mut made = 0;
    for (subject, group) in messages {
        let render = |locale| notice(subject, locale);
        let group = group.map(str::to_owned);
        let outgoing = Outgoing { to, alert_id: None, group, kind: "alert.triggered", notice: &render };
        made += deliveries::enqueue(&mut tx, organization, &app.state.clock, &outgoing).await.expect("put in");
    }
    tx.commit().await.expect("committed");
    made
}

async fn tell(app: &TestApp, client: &Client, channel: Uuid, subject: &str) -> Uuid {
    assert_eq!(tell_all(app, client.organization(), To::Channel(channel), &[(subject, None)]).await, 1);
    list(client, "limit=1").await[0].id
}

/// A webhook of this name at the simulator; its id and its secret.
async fn webhook(app: &TestApp, client: &Client, name: &str) -> (Uuid, String) {
    let body = json!({"type": "webhook", "name": name, "locale": "en", "url": app.simulator.webhook_url(name)});
    let created = create(client, &body).await;
    (created.channel.id, created.secret.expect("a secret"))
}

async fn list(client: &Client, query: &str) -> Vec<Delivery> {
    client.get(&format!("/api/deliveries?{query}")).await.read_as::<Page<Delivery>>().data
}

async fn detail(client: &Client, id: Uuid) -> DeliveryDetail {
    client.get(&format!("/api/deliveries/{id}")).await.read_as()
}

/// The subjects that a webhook took, in order.
fn took(app: &TestApp, name: &str) -> Vec<String> {
    let letters = app.provider().inbox(&InboxQuery::webhook(name));
    letters.iter().map(|letter| letter.content["data"]["subject"].as_str().unwrap_or("digest").to_owned()).collect()
}

/// A message to a channel that was given up, without having been sent. Others' tests need one.
pub(crate) async fn dead(app: &TestApp, client: &Client, channel: &str) -> String {
    let channel: Uuid = channel.parse().expect("an id");
    let id = tell(app, client, channel, "Dead").await;
    let mut owner = app.database.owner().await;
    sqlx::query("DELETE FROM delivery_queue WHERE delivery_id = $1").bind(id).execute(&mut owner).await.expect("gone");
    sqlx::query("UPDATE deliveries SET status = 'dead', reason = 'rejected', finished_at = created_at WHERE id = $1")
        .bind(id)
        .execute(&mut owner)
        .await
        .expect("dead");
    id.to_string()
}

#[tokio::test]
async fn what_is_put_in_goes_out_signed_and_in_order() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let (hook, secret) = webhook(&app, admin, "orders").await;
    let subjects: Vec<String> = (0..20).map(|number| format!("m{number}")).collect();
    let messages: Vec<(&str, Option<&str>)> = subjects.iter().map(|subject| (subject.as_str(), None)).collect();
    assert_eq!(tell_all(&app, admin.organization(), To::Channel(hook), &messages).await, 20);
    assert!(list(admin, "").await.iter().all(|delivery| delivery.status == DeliveryStatus::Pending));
    app.run_jobs().await;
    assert_eq!(took(&app, "orders"), subjects);
    let letters = app.provider().inbox(&InboxQuery::webhook("orders").attempts());
    assert_eq!(letters.len(), 20, "once each");
    assert!(letters.iter().all(|letter| is_signed(letter, &secret)));
    let found = list(admin, &format!("channelId={hook}&status=delivered")).await;
    let ids: BTreeSet<String> = found.iter().map(|delivery| delivery.id.to_string()).collect();
    let seen: BTreeSet<String> = letters.iter().map(|letter| letter.headers["webhook-id"].clone()).collect();
    assert_eq!(ids, seen);
    let one = detail(admin, found[0].id).await;
    assert_eq!((one.delivery.subject.as_str(), one.text.as_str()), ("m19 (en)", "The whole of m19."));
    assert_eq!(one.history.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [AttemptOutcome::Delivered]);
    assert_eq!(one.history[0].status, None, "a success has nothing to explain");
    for table in ["delivery_queue", "delivery_lanes"] {
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&mut app.database.owner().await)
            .await
            .expect("a count");
        assert_eq!(left, 0, "{table}");
    }
    let first = admin.get("/api/deliveries?limit=15").await.ok();
    let cursor = first["nextCursor"].as_str().expect("more");
    assert_eq!(list(admin, &format!("limit=15&cursor={cursor}")).await.len(), 5);
    people.user.get("/api/deliveries").await.problem(ErrorCode::Forbidden);
    assert_eq!(list(&people.outsider, "").await, []);
}

#[tokio::test]
async fn what_is_rolled_back_was_never_to_be_told() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (hook, _) = webhook(&app, &people.admin, "rolled-back").await;
    let organization = OrganizationId(people.admin.organization());
    let mut tx = app.db().tenant(organization).await.expect("a transaction");
    let render = |locale| notice("Never", locale);
    let outgoing =
        Outgoing { to: To::Channel(hook), alert_id: None, group: None, kind: "alert.triggered", notice: &render };
    assert_eq!(deliveries::enqueue(&mut tx, organization, &app.state.clock, &outgoing).await.expect("put in"), 1);
    tx.rollback().await.expect("rolled back");
    app.run_jobs().await;
    assert_eq!(app.provider().inbox(&InboxQuery::webhook("rolled-back").attempts()), []);
}

#[tokio::test]
async fn several_senders_send_everything_once() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let mut expected = BTreeMap::new();
    for (client, prefix) in [(&people.admin, "a"), (&people.outsider, "b")] {
        for number in 0..3 {
            let name = format!("{prefix}{number}");
            let (hook, _) = webhook(&app, client, &name).await;
            let subjects: Vec<String> = (0..10).map(|message| format!("{name}-{message}")).collect();
            let messages: Vec<(&str, Option<&str>)> = subjects.iter().map(|subject| (subject.as_str(), None)).collect();
            tell_all(&app, client.organization(), To::Channel(hook), &messages).await;
            expected.insert(name, subjects);
        }
    }
    let runners = [app.runner(), app.runner(), app.runner()];
    futures_util::future::join_all(runners.iter().map(|runner| runner.reconcile())).await;
    app.run_jobs().await;
    for (name, subjects) in expected {
        assert_eq!(took(&app, &name), subjects, "in order");
        assert_eq!(app.provider().inbox(&InboxQuery::webhook(&name).attempts()).len(), 10, "once each");
    }
}

#[tokio::test]
async fn whoever_dies_between_sending_and_marking_leaves_the_same_message_to_be_sent_once_more() {
    let mut app = TestApp::spawn().await;
    app.leave_jobs();
    let people = app.people().await;
    let admin = &people.admin;
    let (hook, secret) = webhook(&app, admin, "killed").await;
    app.provider().add_fault(FaultSpec::new("/webhook/killed", Fault::Hang { seconds: 60.0 }).times(1));
    let id = tell(&app, admin, hook, "Once").await;
    let worker = app.runner().start();
    deliveries::nudge(&app.state);
    let attempts = InboxQuery::webhook("killed").attempts();
    let arrived = app.provider().await_inbox(&attempts, 1, Duration::from_secs(20)).await;
    assert_eq!(arrived.len(), 1, "it has arrived, and nobody knows");
    assert_eq!(detail(admin, id).await.delivery.status, DeliveryStatus::Sending);
    drop(worker);
    app.run_jobs().await;
    assert_eq!(app.provider().inbox(&attempts).len(), 1, "the lease holds");

    assert_eq!(app.database.sql("UPDATE delivery_lanes SET lease_until = now() - interval '1 second'").await, 1);
    app.run_jobs().await;
    let arrived = app.provider().inbox(&attempts);
    assert_eq!(arrived.len(), 2);
    assert!(arrived.iter().all(|letter| letter.headers["webhook-id"] == id.to_string() && is_signed(letter, &secret)));
    let one = detail(admin, id).await;
    let outcomes: Vec<AttemptOutcome> = one.history.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Interrupted, AttemptOutcome::Delivered]);
    assert_eq!((one.delivery.status, one.delivery.attempts), (DeliveryStatus::Delivered, 2));
}

#[tokio::test]
async fn a_worker_that_wakes_late_writes_nothing() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (hook, _) = webhook(&app, &people.admin, "late").await;
    // Long enough for the other worker to take over and be done, and shorter than an attempt's time-out.
    app.provider().add_fault(FaultSpec::new("/webhook/late", Fault::Hang { seconds: 8.0 }).times(1));
    let id = tell(&app, &people.admin, hook, "Late").await;
    let (stalled, attempts) = (app.runner(), InboxQuery::webhook("late").attempts());
    let late = stalled.reconcile();
    let other = async {
        app.provider().await_inbox(&attempts, 1, Duration::from_secs(20)).await;
        app.database.sql("UPDATE delivery_lanes SET lease_until = now() - interval '1 second'").await;
        // Whoever is first takes it over: another worker, or another task of the one that stalls.
        loop {
            app.runner().reconcile().await;
            let taken_over = detail(&people.admin, id).await;
            if taken_over.delivery.status == DeliveryStatus::Delivered {
                return taken_over;
            }
        }
    };
    let ((), before) = tokio::join!(late, other);
    let after = detail(&people.admin, id).await;
    assert_eq!(after, before);
    assert_eq!(after.history[0].outcome, AttemptOutcome::Interrupted);
}

#[tokio::test]
async fn a_message_that_kills_its_workers_is_given_up() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (hook, _) = webhook(&app, &people.admin, "poison").await;
    let id = tell(&app, &people.admin, hook, "Poison").await;
    let mut owner = app.database.owner().await;
    sqlx::query("UPDATE deliveries SET status = 'sending', attempts = 5 WHERE id = $1")
        .bind(id)
        .execute(&mut owner)
        .await
        .expect("set");
    sqlx::query(
        "INSERT INTO delivery_attempts (organization_id, delivery_id, number, at, outcome)
        SELECT organization_id, id, n, now(), CASE WHEN n = 5 THEN 'sending' ELSE 'interrupted' END
        FROM deliveries, generate_series(1, 5) n WHERE id = $1",
    )
    .bind(id)
    .execute(&mut owner)
    .await
    .expect("attempts");
    app.run_jobs().await;
    let one = detail(&people.admin, id).await;
    assert_eq!((one.delivery.status, one.delivery.reason.as_deref()), (DeliveryStatus::Dead, Some("interrupted")));
    assert!(one.history.iter().all(|attempt| attempt.outcome == AttemptOutcome::Interrupted));
    assert_eq!(took(&app, "poison"), Vec::<String>::new());
}

#[tokio::test]
async fn old_ones_are_forgotten_with_their_attempts() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (hook, _) = webhook(&app, &people.admin, "kept").await;
    tell(&app, &people.admin, hook, "Old").await;
    app.run_jobs().await;
    app.advance(TimeDelta::days(60));
    let young = tell(&app, &app.sign_in("admin@example.com").await, hook, "Young").await;
    app.run_jobs().await;
    app.advance(TimeDelta::days(31));
    app.run_jobs().await;
    let left = list(&app.sign_in("admin@example.com").await, "").await;
    assert_eq!(left.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [young]);
    assert_eq!(app.database.count("SELECT count(*) FROM delivery_attempts").await, 1);
}

#[tokio::test]
async fn it_is_measured() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (hook, _) = webhook(&app, &people.admin, "measured").await;
    app.provider().add_fault(FaultSpec::new("/webhook/measured", Fault::status(500)).times(1));
    tell(&app, &people.admin, hook, "Measured").await;
    app.run_jobs().await;
    app.advance(TimeDelta::seconds(7));
    app.run_jobs().await;
    app.advance(TimeDelta::seconds(70));
    tell(&app, &people.admin, hook, "Waits").await;
    app.advance(TimeDelta::seconds(50));
    app.run_jobs().await;
    let metrics = app.anonymous().get("/metrics").await;
    for line in [
        "finops_deliveries_total{channel_type=\"webhook\",outcome=\"retried\"} 1",
        "finops_deliveries_total{channel_type=\"webhook\",outcome=\"delivered\"} 2",
        "finops_delivery_attempt_seconds_count{channel_type=\"webhook\"} 3",
        "finops_deliveries_waiting 1.0",
        "finops_delivery_oldest_seconds 50.0",
    ] {
        assert!(metrics.text.lines().any(|found| found == line), "{line} is not in {}", metrics.text);
    }
}

#[tokio::test]
async fn a_nudge_sends_at_once_and_stopping_lets_it_end() {
    let mut app = TestApp::spawn().await;
    app.leave_jobs();
    let people = app.people().await;
    let (hook, _) = webhook(&app, &people.admin, "nudged").await;
    let worker = app.runner().start();
    app.provider().add_fault(FaultSpec::new("/webhook/nudged", Fault::Hang { seconds: 1.0 }).times(1));
    let id = tell(&app, &people.admin, hook, "Now").await;
    deliveries::nudge(&app.state);
    app.provider().await_inbox(&InboxQuery::webhook("nudged").attempts(), 1, Duration::from_secs(20)).await;
    app.state.stopping.begin();
    worker.shutdown(Duration::from_secs(10)).await;
    assert_eq!(detail(&people.admin, id).await.delivery.status, DeliveryStatus::Delivered, "it was waited for");
}

/// The value of a list's field, by the first line of what was told.
fn statuses(found: &[Delivery]) -> BTreeMap<String, DeliveryStatus> {
    found.iter().map(|delivery| (delivery.subject.clone(), delivery.status)).collect()
}

fn json_of(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("JSON")
}
