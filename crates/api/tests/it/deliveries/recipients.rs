//! Who is told.

use std::collections::BTreeSet;

use finops_api::features::deliveries::{ChannelType, To};
use finops_contract::accounts::Locale;
use finops_contract::deliveries::DeliveryStatus;
use finops_simulator::{Channel, InboxQuery};
use serde_json::json;
use uuid::Uuid;

use super::{detail, list, tell_all, webhook};
use crate::channels::create;
use crate::support::TestApp;
use crate::support::costs::team;

#[tokio::test]
async fn channels_of_the_types_are_told_the_organizations_and_the_teams() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let (marketing, sales) = (team(admin, "Marketing").await, team(admin, "Sales").await);
    webhook(&app, admin, "everything").await;
    webhook(&app, &people.outsider, "elsewhere").await;
    for (name, of, enabled) in [("marketing", &marketing, true), ("sales", &sales, true), ("off", &marketing, false)] {
        let url = app.simulator.webhook_url(name);
        let body =
            json!({"type": "webhook", "name": name, "url": url, "teamId": of, "enabled": enabled, "locale": "ko"});
        create(admin, &body).await;
    }
    create(admin, &json!({"type": "sms", "name": "SMS", "numbers": ["+821012345678", "+821087654321"]})).await;
    let marketing: Uuid = marketing.parse().expect("an id");
    let types = [ChannelType::Webhook, ChannelType::Sms];
    let to = |team| To::Types { types: &types, team };
    assert_eq!(tell_all(&app, admin.organization(), to(Some(marketing)), &[("Team", None)]).await, 4);
    assert_eq!(tell_all(&app, admin.organization(), to(None), &[("All", None)]).await, 3);
    app.run_jobs().await;
    let inbox = |name| super::took(&app, name);
    assert_eq!(inbox("everything"), ["Team", "All"]);
    assert_eq!(inbox("marketing"), ["Team"]);
    assert_eq!((inbox("sales"), inbox("off"), inbox("elsewhere")), (vec![], vec![], vec![]));
    assert_eq!(app.provider().inbox(&InboxQuery::new(Channel::Twilio)).len(), 4);
    let found = list(admin, "").await;
    let subjects: BTreeSet<&str> = found.iter().map(|delivery| delivery.subject.as_str()).collect();
    assert!(subjects.contains("Team (ko)") && subjects.contains("Team (en)"), "each in its language: {subjects:?}");
    assert!(found.iter().all(|delivery| !delivery.fallback && delivery.status == DeliveryStatus::Delivered));
    let numbers: BTreeSet<_> = found.iter().filter_map(|delivery| delivery.recipient.clone()).collect();
    assert_eq!(numbers, BTreeSet::from(["+821012345678".to_owned(), "+821087654321".to_owned()]));
}

#[tokio::test]
async fn nothing_is_silent_from_the_first_day() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    admin.patch("/api/auth/me", json!({"locale": "en"})).await.ok();
    let organization = admin.organization();
    // Mail is wanted, and there is no channel for it: that is no fallback, only the usual way.
    let mail = To::Types { types: &[ChannelType::Email, ChannelType::Slack], team: None };
    assert_eq!(tell_all(&app, organization, mail, &[("Mail", None)]).await, 2);
    // Slack is wanted, and there is none.
    let slack = To::Types { types: &[ChannelType::Slack, ChannelType::Pagerduty], team: None };
    assert_eq!(tell_all(&app, organization, slack, &[("Slack", None)]).await, 2);
    assert_eq!(tell_all(&app, organization, To::Types { types: &[], team: None }, &[("Nobody", None)]).await, 0);
    app.run_jobs().await;
    let letters = app.provider().inbox(&InboxQuery::new(Channel::Resend));
    let told: BTreeSet<(String, String)> = letters
        .iter()
        .map(|letter| (letter.content["to"][0].as_str(), letter.content["subject"].as_str()))
        .map(|(to, subject)| (to.expect("an address").to_owned(), subject.expect("a subject").to_owned()))
        .collect();
    let expected = [
        ("admin@example.com", "Mail (ko)"),
        ("tenant-admin@example.com", "Mail (en)"),
        ("admin@example.com", "Slack (ko)"),
        ("tenant-admin@example.com", "Slack (en)"),
    ];
    assert_eq!(told, expected.map(|(to, subject)| (to.to_owned(), subject.to_owned())).into());
    for found in list(admin, "").await {
        assert_eq!(found.fallback, found.subject.starts_with("Slack"), "{found:?}");
        let text = detail(admin, found.id).await.text;
        let says = text.contains("Slack, PagerDuty");
        assert_eq!(says, found.fallback, "{text}");
    }
    let html = letters.iter().find(|letter| letter.content["subject"] == "Slack (en)").expect("a mail");
    let html = html.content["html"].as_str().expect("HTML");
    assert!(html.contains("There is no channel for Slack, PagerDuty") && html.ends_with("</body></html>"), "{html}");

    // With a channel for mail it is that one's.
    create(admin, &json!({"type": "email", "name": "Mail", "addresses": ["team@example.com"]})).await;
    assert_eq!(tell_all(&app, organization, mail, &[("Channel", None)]).await, 1);
}

#[tokio::test]
async fn people_are_told_one_by_one_each_in_their_language() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let whom = [("a@example.com".to_owned(), Locale::Ko), ("b@example.com".to_owned(), Locale::En)];
    assert_eq!(tell_all(&app, people.admin.organization(), To::People(&whom), &[("Report", None)]).await, 2);
    app.run_jobs().await;
    let letters = app.provider().inbox(&InboxQuery::new(Channel::Resend));
    let told: Vec<_> =
        letters.iter().map(|letter| (letter.content["to"].clone(), letter.content["subject"].clone())).collect();
    assert!(told.contains(&(json!(["a@example.com"]), json!("Report (ko)"))));
    assert!(told.contains(&(json!(["b@example.com"]), json!("Report (en)"))));
    let ids: BTreeSet<String> = list(&people.admin, "").await.iter().map(|delivery| delivery.id.to_string()).collect();
    let keys: BTreeSet<String> = letters.iter().map(|letter| letter.headers["idempotency-key"].clone()).collect();
    assert_eq!(ids, keys);
}

#[tokio::test]
async fn mail_without_a_way_is_given_up_visibly() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let whom = [("a@example.com".to_owned(), Locale::En)];
    tell_all(&app, people.admin.organization(), To::People(&whom), &[("Report", None)]).await;
    app.run_jobs().await;
    let found = &list(&people.admin, "status=dead").await[0];
    assert_eq!(
        (found.reason.as_deref(), found.recipient.as_deref()),
        (Some("channel_not_configured"), Some("a@example.com"))
    );
}

#[tokio::test]
async fn a_channel_that_is_off_is_told_nothing() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (hook, _) = webhook(&app, &people.admin, "off").await;
    let path = format!("/api/channels/{hook}");
    tell_all(&app, people.admin.organization(), To::Channel(hook), &[("Before", None), ("Before too", None)]).await;
    people.admin.patch(&path, json!({"enabled": false})).await.ok();
    assert_eq!(tell_all(&app, people.admin.organization(), To::Channel(hook), &[("After", None)]).await, 0);
    app.run_jobs().await;
    let found = list(&people.admin, "").await;
    assert_eq!(found.len(), 2);
    for delivery in &found {
        assert_eq!((delivery.status, delivery.reason.as_deref()), (DeliveryStatus::Dead, Some("channel_disabled")));
    }
    let resend = format!("/api/deliveries/{}/resend", found[0].id);
    people.admin.post(&resend, json!({})).await.problem(finops_contract::ErrorCode::DeliveryNotResendable);
    people.admin.patch(&path, json!({"enabled": true})).await.ok();
    people.admin.post(&resend, json!({})).await.ok();
    app.run_jobs().await;
    assert_eq!(super::took(&app, "off"), ["Before too"]);
    people.admin.post(&resend, json!({})).await.problem(finops_contract::ErrorCode::DeliveryNotResendable);
}
