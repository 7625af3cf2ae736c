//! What is not taken: tried again by the schedule, given up, sent again.

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::channels::ChannelState;
use finops_contract::deliveries::{AttemptOutcome, DeliveryDetail, DeliveryStatus};
use finops_simulator::{Channel, Fault, FaultSpec, InboxQuery, presets};
use serde_json::json;

use super::{detail, list, statuses, tell, took, webhook};
use crate::channels::{create, get};
use crate::support::TestApp;

/// Seconds until the next attempt.
fn wait(detail: &DeliveryDetail, now: DateTime<Utc>) -> i64 {
    (detail.delivery.next_attempt_at.expect("another attempt") - now).num_seconds()
}

#[tokio::test]
async fn the_schedule_holds_to_its_end_and_begins_anew_when_it_is_sent_again() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let (hook, _) = webhook(&app, admin, "schedule").await;
    app.provider().add_fault(FaultSpec::new("/webhook/schedule", Fault::status(500)));
    let id = tell(&app, admin, hook, "Patience").await;
    app.run_jobs().await;
    for (number, usual) in [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].into_iter().enumerate() {
        let before = detail(admin, id).await;
        assert_eq!((before.delivery.status, before.history.len()), (DeliveryStatus::Retrying, number + 1));
        let wait = wait(&before, app.now());
        assert!((usual * 8 / 10 - 1..=usual * 12 / 10).contains(&wait), "{wait} after {number}");
        app.advance(TimeDelta::seconds(wait - 1));
        app.run_jobs().await;
        assert_eq!(detail(admin, id).await.history.len(), number + 1, "not yet");
        app.advance(TimeDelta::seconds(2));
        app.run_jobs().await;
    }
    let dead = detail(admin, id).await;
    assert_eq!((dead.delivery.status, dead.delivery.attempts), (DeliveryStatus::Dead, 10));
    assert_eq!((dead.delivery.reason.as_deref(), dead.delivery.next_attempt_at), (Some("unavailable"), None));
    assert!(
        dead.history.iter().all(|attempt| attempt.outcome == AttemptOutcome::Failed && attempt.status == Some(500))
    );
    let health = get(admin, hook).await.health;
    assert_eq!((health.state, health.reason.as_deref()), (ChannelState::Failing, Some("unavailable")));

    let again: DeliveryDetail = admin.post(&format!("/api/deliveries/{id}/resend"), json!({})).await.read_as();
    assert_eq!((again.delivery.status, again.delivery.reason), (DeliveryStatus::Pending, None));
    app.run_jobs().await;
    let before = detail(admin, id).await;
    assert_eq!((before.delivery.status, before.delivery.attempts), (DeliveryStatus::Retrying, 11));
    assert!(wait(&before, app.now()) <= 6, "from its beginning");
    app.provider().clear_faults();
    app.advance(TimeDelta::seconds(6));
    app.run_jobs().await;
    assert_eq!(detail(admin, id).await.delivery.status, DeliveryStatus::Delivered);
    assert_eq!(get(admin, hook).await.health.state, ChannelState::Ok);
    let ids: std::collections::BTreeSet<_> = app
        .provider()
        .inbox(&InboxQuery::webhook("schedule").attempts())
        .iter()
        .map(|letter| letter.headers["webhook-id"].clone())
        .collect();
    assert_eq!(ids, [id.to_string()].into(), "the same on every attempt");
    let audit = admin.get("/api/audit-log?action=delivery.resend").await.ok();
    assert_eq!(audit["data"][0]["before"], json!({"status": "dead", "reason": "unavailable"}));
}

#[tokio::test]
async fn the_other_sides_wish_is_obeyed() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let (hook, _) = webhook(&app, admin, "wish").await;
    let busy = |status, after: &str| {
        let mut fault = Fault::status(status);
        if let Fault::Status { retry_after, .. } = &mut fault {
            *retry_after = Some(after.to_owned());
        }
        FaultSpec::new("/webhook/wish", fault).times(1)
    };
    app.provider().add_fault(busy(503, "90"));
    let first = tell(&app, admin, hook, "First").await;
    app.run_jobs().await;
    let waiting = detail(admin, first).await;
    assert_eq!((wait(&waiting, app.now()), waiting.history[0].retry_after), (90, Some(90)));
    // It steps aside, and what comes later passes.
    tell(&app, admin, hook, "Second").await;
    app.run_jobs().await;
    assert_eq!(took(&app, "wish"), ["Second"]);

    // Too many requests: nothing goes there until the wait is over.
    app.provider().add_fault(busy(429, "60"));
    tell(&app, admin, hook, "Third").await;
    app.run_jobs().await;
    tell(&app, admin, hook, "Fourth").await;
    app.run_jobs().await;
    assert_eq!(took(&app, "wish"), ["Second"]);
    assert_eq!(list(admin, "status=retrying").await[0].reason.as_deref(), Some("rate_limited"));
    app.advance(TimeDelta::seconds(59));
    app.run_jobs().await;
    assert_eq!(took(&app, "wish"), ["Second"]);
    app.advance(TimeDelta::seconds(1));
    app.run_jobs().await;
    assert_eq!(took(&app, "wish"), ["Second", "Third", "Fourth"]);
    app.advance(TimeDelta::seconds(30));
    app.run_jobs().await;
    assert_eq!(took(&app, "wish"), ["Second", "Third", "Fourth", "First"]);
}

#[tokio::test]
async fn whoever_is_gone_is_disabled_and_what_waits_for_it_given_up() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let (hook, _) = webhook(&app, admin, "gone").await;
    app.provider().add_fault(FaultSpec::new("/webhook/gone", Fault::status(410)).times(1));
    tell(&app, admin, hook, "First").await;
    tell(&app, admin, hook, "Second").await;
    app.run_jobs().await;
    let found = list(admin, "").await;
    let told: Vec<_> =
        found.iter().map(|delivery| (delivery.status, delivery.reason.as_deref(), delivery.attempts)).collect();
    assert_eq!(told, [(DeliveryStatus::Dead, Some("channel_disabled"), 0), (DeliveryStatus::Dead, Some("gone"), 1)]);
    let health = get(admin, hook).await.health;
    assert_eq!(
        (health.state, health.reason.as_deref(), health.since),
        (ChannelState::Disabled, Some("gone"), Some(app.now()))
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let (hook, _) = webhook(&app, admin, "redirects").await;
    for status in [301, 302, 303, 307, 308] {
        let location = app.simulator.webhook_url("elsewhere");
        app.provider().add_fault(FaultSpec::new("/webhook/redirects", Fault::Redirect { status, location }).times(1));
        let id = tell(&app, admin, hook, "Stay").await;
        app.run_jobs().await;
        let one = detail(admin, id).await;
        assert_eq!((one.delivery.status, one.history[0].status), (DeliveryStatus::Retrying, Some(i32::from(status))));
    }
    assert_eq!(app.provider().inbox(&InboxQuery::webhook("elsewhere").attempts()), []);
}

#[tokio::test]
async fn a_vendors_final_word_ends_it_and_a_refused_credential_waits_for_somebody() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let pager =
        create(admin, &json!({"type": "pagerduty", "name": "Pager", "routingKey": presets::PAGERDUTY_KEY})).await;
    let pager = pager.channel.id;
    app.provider().add_fault(FaultSpec::new("/pagerduty/*", Fault::status(400)).times(1));
    let rejected = tell(&app, admin, pager, "Rejected").await;
    app.run_jobs().await;
    let one = detail(admin, rejected).await;
    assert_eq!((one.delivery.status, one.delivery.reason.as_deref()), (DeliveryStatus::Dead, Some("rejected")));
    assert_eq!(get(admin, pager).await.health.state, ChannelState::Ok, "it was the message");

    app.provider().revoke_credential(Channel::PagerDuty, presets::PAGERDUTY_KEY).expect("known");
    let waiting = tell(&app, admin, pager, "Waits").await;
    app.run_jobs().await;
    assert_eq!(detail(admin, waiting).await.delivery.status, DeliveryStatus::Retrying);
    let health = get(admin, pager).await.health;
    assert_eq!((health.state, health.reason.as_deref()), (ChannelState::Failing, Some("unauthorized")));
    app.provider().add_credential(Channel::PagerDuty, presets::PAGERDUTY_KEY);
    app.advance(TimeDelta::seconds(6));
    app.run_jobs().await;
    assert_eq!(detail(admin, waiting).await.delivery.status, DeliveryStatus::Delivered);
    assert_eq!(get(admin, pager).await.health.state, ChannelState::Ok);

    // To the end of the schedule nobody acts.
    app.provider().revoke_credential(Channel::PagerDuty, presets::PAGERDUTY_KEY).expect("known");
    let refused = tell(&app, admin, pager, "Refused").await;
    while detail(admin, refused).await.delivery.status != DeliveryStatus::Dead {
        app.run_jobs().await;
        app.advance(TimeDelta::hours(30));
    }
    assert_eq!(detail(admin, refused).await.history.len(), 10);
    assert_eq!(get(admin, pager).await.health.state, ChannelState::Disabled);
}

#[tokio::test]
async fn one_number_that_wants_nothing_says_nothing_of_the_others() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    // Twilio's number that has unsubscribed.
    let numbers = json!(["+15005550004", "+821012345678"]);
    let sms =
        create(admin, &json!({"type": "sms", "name": "SMS", "locale": "en", "numbers": numbers})).await.channel.id;
    let to = finops_api::features::deliveries::To::Channel(sms);
    assert_eq!(super::tell_all(&app, admin.organization(), to, &[("Hello", None)]).await, 2);
    app.run_jobs().await;
    let by_number: std::collections::BTreeMap<_, _> = list(admin, "")
        .await
        .into_iter()
        .map(|delivery| (delivery.recipient.expect("a number"), delivery.status))
        .collect();
    assert_eq!(by_number["+15005550004"], DeliveryStatus::Dead);
    assert_eq!(by_number["+821012345678"], DeliveryStatus::Delivered);
    assert_eq!(get(admin, sms).await.health.state, ChannelState::Ok);
}

#[tokio::test]
async fn one_that_fails_does_not_hold_back_the_rest() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let (hook, _) = webhook(&app, admin, "stumbles").await;
    app.provider().add_fault(FaultSpec::new("/webhook/stumbles", Fault::status(500)).times(1));
    for subject in ["First", "Second", "Third"] {
        tell(&app, admin, hook, subject).await;
    }
    app.run_jobs().await;
    assert_eq!(took(&app, "stumbles"), ["Second", "Third"]);
    assert_eq!(statuses(&list(admin, "").await)["First (en)"], DeliveryStatus::Retrying);
}
