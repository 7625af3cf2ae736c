//! What hangs delays nobody else.

use std::time::Duration;

use finops_api::features::deliveries::{self, To};
use finops_contract::deliveries::DeliveryStatus;
use finops_simulator::{Channel, Fault, FaultSpec, InboxQuery};

use super::{list, tell, tell_all, took, webhook};
use crate::support::TestApp;

#[tokio::test]
async fn hanging_sinks_of_one_tenant_do_not_delay_anothers() {
    let mut app = TestApp::spawn().await;
    app.leave_jobs();
    let people = app.people().await;
    app.provider().add_fault(FaultSpec::new("/webhook/hang*", Fault::Hang { seconds: 120.0 }));
    let (calm, _) = webhook(&app, &people.outsider, "calm").await;
    for number in 0..40 {
        let (hook, _) = webhook(&app, &people.admin, &format!("hang{number}")).await;
        tell(&app, &people.admin, hook, "Stuck").await;
    }
    let worker = app.runner().start();
    deliveries::nudge(&app.state);
    // Every place that the first organization gets is taken before the second has anything to tell.
    let hanging = InboxQuery { path: None, ..InboxQuery::webhook("") }.attempts();
    assert_eq!(app.provider().await_inbox(&hanging, 4, Duration::from_secs(20)).await.len(), 4);
    for number in 0..5 {
        tell(&app, &people.outsider, calm, &format!("m{number}")).await;
        deliveries::nudge(&app.state);
        let query = InboxQuery::webhook("calm");
        let arrived = app.provider().await_inbox(&query, number + 1, Duration::from_secs(5)).await;
        assert_eq!(arrived.len(), number + 1, "within seconds");
    }
    assert_eq!(took(&app, "calm").len(), 5);
    assert_eq!(list(&people.admin, "status=sending").await.len(), 4);
    assert_eq!(list(&people.admin, "status=pending").await.len(), 36);
    drop(worker);
}

#[tokio::test]
async fn a_channel_that_hangs_delays_no_other_of_the_same_tenant_for_long() {
    let mut app = TestApp::spawn().await;
    app.leave_jobs();
    let people = app.people().await;
    app.provider().add_fault(FaultSpec::new("/webhook/hang", Fault::Hang { seconds: 120.0 }));
    let (hook, _) = webhook(&app, &people.admin, "hang").await;
    for number in 0..10 {
        tell(&app, &people.admin, hook, &format!("Stuck {number}")).await;
    }
    let (other, _) = webhook(&app, &people.admin, "other").await;
    tell(&app, &people.admin, other, "Free").await;
    let worker = app.runner().start();
    let arrived = app.provider().await_inbox(&InboxQuery::webhook("other"), 1, Duration::from_secs(10)).await;
    assert_eq!(arrived.len(), 1);
    let stuck = InboxQuery::webhook("hang").attempts();
    assert_eq!(app.provider().await_inbox(&stuck, 1, Duration::from_secs(10)).await.len(), 1);
    let sending = list(&people.admin, &format!("status=sending&channelId={hook}")).await;
    assert_eq!(sending.len(), 1, "one in flight a channel");
    assert_eq!(sending[0].status, DeliveryStatus::Sending);
    drop(worker);
}

#[tokio::test]
async fn a_long_queue_of_one_tenant_delays_nobody_elses_message() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (many, one) = (&people.admin, &people.outsider);
    let subjects: Vec<String> = (0..600).map(|number| number.to_string()).collect();
    let messages: Vec<(&str, Option<&str>)> = subjects.iter().map(|subject| (subject.as_str(), None)).collect();
    for name in ["many-1", "many-2", "many-3", "many-4", "many-5"] {
        let (hook, _) = webhook(&app, many, name).await;
        assert_eq!(tell_all(&app, many.organization(), To::Channel(hook), &messages[..120]).await, 120);
    }
    let (hook, _) = webhook(&app, one, "one").await;
    tell(&app, one, hook, "Urgent").await;
    app.run_jobs().await;
    let letters = app.provider().inbox(&InboxQuery::new(Channel::Webhook));
    assert_eq!(letters.len(), 601, "everything goes out");
    let place = letters.iter().position(|letter| letter.content["data"]["subject"] == "Urgent");
    assert!(place.is_some_and(|place| place < 50), "{place:?} of 601, though it came last");
}
