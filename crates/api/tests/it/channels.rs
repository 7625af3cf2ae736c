//! Channels: set up, tried, refused, and how they do.

mod built_in;
mod hostile;

use std::collections::BTreeSet;
use std::time::Duration;

use finops_api::platform::crypto::{LocalVault, SecretStore, rekey};
use finops_contract::ErrorCode;
use finops_contract::channels::{Channel as ChannelDto, ChannelState, ChannelTest, CreatedChannel};
use finops_simulator::{Channel, Fault, FaultSpec, InboxQuery, Letter, presets};
use reqwest::Method;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::support::TestApp;
use crate::support::app::MASTER_KEY;
use crate::support::client::Client;
use crate::support::costs::team;

/// A channel's body of every type that needs no account.
fn bodies(app: &TestApp) -> [Value; 3] {
    [
        json!({"type": "slack", "name": "Slack", "locale": "ko", "url": app.simulator.slack_webhook_url()}),
        json!({"type": "webhook", "name": "Hook", "locale": "en", "url": app.simulator.webhook_url("a-longer-name")}),
        json!({"type": "pagerduty", "name": "Pager", "locale": "en", "routingKey": presets::PAGERDUTY_KEY}),
    ]
}

pub(crate) async fn create(client: &Client, body: &Value) -> CreatedChannel {
    client.post("/api/channels", body).await.expect(201)
}

pub(crate) async fn get(client: &Client, id: uuid::Uuid) -> ChannelDto {
    client.get(&format!("/api/channels/{id}")).await.read_as()
}

async fn try_it(client: &Client, channel: &CreatedChannel) -> ChannelTest {
    client.post(&format!("/api/channels/{}/test", channel.channel.id), json!({})).await.read_as()
}

/// Whether a letter is signed by this secret, as an independent implementation sees it.
pub(crate) fn is_signed(letter: &Letter, secret: &str) -> bool {
    let mut headers = http_headers();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, letter.headers[name].parse().expect("a header"));
    }
    Webhook::new(secret).expect("a secret").verify(letter.body.as_bytes(), &headers).is_ok()
}

fn http_headers() -> reqwest::header::HeaderMap {
    reqwest::header::HeaderMap::new()
}

#[tokio::test]
async fn every_type_is_set_up_and_tried_and_nothing_secret_comes_back() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let mail =
        json!({"type": "email", "name": "Mail", "locale": "en", "addresses": ["a@example.com", "b@example.com"]});
    let sms = json!({"type": "sms", "name": "SMS", "numbers": ["+821012345678", "+821087654321"]});
    let mut secrets =
        vec![presets::SLACK_WEBHOOK.to_owned(), presets::PAGERDUTY_KEY.to_owned(), "a-longer-name".to_owned()];
    for body in bodies(&app).into_iter().chain([mail, sms]) {
        let created = create(admin, &body).await;
        assert_eq!(created.secret.is_some(), body["type"] == "webhook");
        secrets.extend(created.secret.clone());
        let tried = try_it(admin, &created).await;
        assert!(tried.delivered, "{body}: {tried:?}");
        let expected = if body["type"] == "sms" { 2 } else { 1 };
        assert_eq!(tried.deliveries.len(), expected);
        for detail in &tried.deliveries {
            assert_eq!((detail.delivery.kind.as_str(), detail.delivery.attempts), ("channel.test", 1));
            assert_eq!(detail.history.len(), 1);
            assert!(detail.history[0].duration_ms.is_some() && detail.delivery.finished_at.is_some());
        }
        assert_eq!(tried.channel.health.state, ChannelState::Ok);
    }
    let inbox = |channel| app.provider().inbox(&InboxQuery::new(channel));
    let [resend, slack, hook, sms, pager] =
        [Channel::Resend, Channel::Slack, Channel::Webhook, Channel::Twilio, Channel::PagerDuty].map(inbox);
    assert_eq!(resend[0].content["to"], json!(["a@example.com", "b@example.com"]));
    assert_eq!(resend[0].content["from"], "FinOps <alerts@finops.example>");
    assert_eq!(resend[0].content["subject"], "[Example Inc.] Test of the channel Mail");
    assert!(resend[0].content["text"].as_str().is_some_and(|text| text.contains(&format!("{}/alerts", app.url()))));
    assert_eq!(slack[0].content["text"], "[Example Inc.] 채널 테스트: Slack", "in the channel's language");
    assert_eq!((hook[0].content["type"].as_str(), hook.len()), (Some("channel.test"), 1));
    let to: BTreeSet<&str> = sms.iter().filter_map(|letter| letter.content["To"].as_str()).collect();
    assert_eq!(to, BTreeSet::from(["+821012345678", "+821087654321"]));
    assert_eq!(pager[0].content["event_action"], "trigger");
    assert_eq!(hook[0].headers["user-agent"], concat!("finops/", env!("CARGO_PKG_VERSION")));

    let list = admin.get("/api/channels").await;
    let shown: Vec<(String, Option<String>)> = list
        .read_as::<finops_contract::Page<ChannelDto>>()
        .data
        .into_iter()
        .rev()
        .map(|channel| (channel.kind.name().to_owned(), channel.masked))
        .collect();
    let base = app.simulator.base_url();
    let expected = [
        ("slack", Some(format!("{base}/…0000"))),
        ("webhook", Some(format!("{base}/…name"))),
        ("pagerduty", Some("…0000".to_owned())),
        ("email", None),
        ("sms", None),
    ];
    assert_eq!(shown, expected.map(|(kind, masked)| (kind.to_owned(), masked)));
    let deliveries = admin.get("/api/deliveries").await;
    let audit = admin.get("/api/audit-log?limit=200").await;
    for answer in [&list, &deliveries, &audit] {
        for secret in &secrets {
            assert!(!answer.text.contains(secret), "{secret} is in {}", answer.text);
        }
    }
    assert_eq!(admin.get("/api/channels?type=sms").await.ok()["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn mail_goes_by_sendgrid_where_that_is_configured() {
    let builder = TestApp::builder().set("MAIL_FROM", "alerts@finops.example");
    let app = builder.set("SENDGRID_API_KEY", presets::SENDGRID_KEY).spawn().await;
    let people = app.people().await;
    let body = json!({"type": "email", "name": "Mail", "addresses": ["a@example.com"]});
    let tried = try_it(&people.admin, &create(&people.admin, &body).await).await;
    assert!(tried.delivered, "{tried:?}");
    let letters = app.provider().inbox(&InboxQuery::new(Channel::SendGrid));
    assert_eq!(letters[0].content["personalizations"][0]["to"][0]["email"], "a@example.com");
    let arguments = &letters[0].content["personalizations"][0]["custom_args"];
    assert_eq!(arguments["notice_id"], json!(tried.deliveries[0].delivery.id));
}

#[tokio::test]
async fn an_organization_sends_by_accounts_of_its_own() {
    // The service has none.
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let mail = |carrier: &str, key: &str| {
        json!({"type": "email", "name": carrier, "addresses": ["a@example.com"],
            "account": {"carrier": carrier, "key": key, "from": "Own <own@example.com>"}})
    };
    let sms = json!({"type": "sms", "name": "twilio", "numbers": ["+821012345678"], "account": {"carrier": "twilio",
        "accountSid": presets::TWILIO_ACCOUNT, "key": presets::TWILIO_TOKEN, "from": presets::TWILIO_FROM}});
    let bodies = [mail("resend", presets::RESEND_KEY), mail("sendgrid", presets::SENDGRID_KEY), sms];
    let mut made = Vec::new();
    for body in &bodies {
        let created = create(admin, body).await;
        let tried = try_it(admin, &created).await;
        assert!(tried.delivered, "{body}: {tried:?}");
        assert_eq!(tried.channel.account.as_ref().map(|account| account.carrier.name()), body["name"].as_str());
        assert_eq!(tried.channel.masked.as_deref(), Some("…0000"));
        // A wrong key is the channel's failure, whoever carries, and is stored in place of the right one.
        let mut account = body["account"].clone();
        let key = account["key"].as_str().unwrap_or_default().replace("simulated", "incorrect");
        account["key"] = json!(key);
        let path = format!("/api/channels/{}", created.channel.id);
        admin.patch(&path, json!({"account": account})).await.ok();
        let refused = try_it(admin, &created).await;
        assert!(!refused.delivered, "{refused:?}");
        assert_eq!(refused.deliveries[0].history[0].reason.as_deref(), Some("unauthorized"), "{body}");
        assert_eq!(refused.channel.health.reason.as_deref(), Some("unauthorized"), "{body}");
        assert_ne!(refused.channel.health.state, ChannelState::Ok, "{body}");
        // The right one, given again, is not.
        admin.patch(&path, json!({"account": body["account"]})).await.ok();
        assert!(try_it(admin, &created).await.delivered, "{body}");
        made.push(created);
    }
    let first = |channel| app.provider().inbox(&InboxQuery::new(channel)).remove(0).content;
    assert_eq!(first(Channel::Resend)["from"], "Own <own@example.com>");
    assert_eq!(first(Channel::SendGrid)["from"], json!({"email": "own@example.com", "name": "Own"}));
    assert_eq!(first(Channel::Twilio)["From"], presets::TWILIO_FROM);

    // Another sender of the same account needs no key.
    let path = format!("/api/channels/{}", made[0].channel.id);
    let account = |from: &str| json!({"account": {"carrier": "resend", "from": from}});
    admin.patch(&path, account("other@example.com")).await.ok();
    let tried = try_it(admin, &made[0]).await;
    assert!(tried.delivered, "{tried:?}");
    let letters = app.provider().inbox(&InboxQuery::new(Channel::Resend));
    assert!(letters.iter().any(|letter| letter.content["from"] == "other@example.com"), "{letters:?}");

    // Another's is another key; a server is no account; and without both there is no way here.
    let other = json!({"account": {"carrier": "sendgrid", "from": "own@example.com"}});
    admin.patch(&path, other).await.field("/account/key", "required");
    let mut both = account("own@example.com");
    both["smtp"] = json!({"host": "smtp.example.com", "security": "tls", "from": "own@example.com"});
    admin.patch(&path, both).await.field("/account", "not_both");
    admin.patch(&path, json!({"account": null})).await.problem(ErrorCode::ChannelNotConfigured);
    let told = [admin.get("/api/channels").await, admin.get("/api/audit-log?limit=200").await, admin.get(&path).await];
    for answer in &told {
        for key in [presets::RESEND_KEY, presets::SENDGRID_KEY, presets::TWILIO_TOKEN, "incorrect0000"] {
            assert!(!answer.text.contains(key), "{key} is in {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_channel_without_a_way_is_refused() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let mail = json!({"type": "email", "name": "Mail", "addresses": ["a@example.com"]});
    admin.post("/api/channels", &mail).await.problem(ErrorCode::ChannelNotConfigured);
    let sms = json!({"type": "sms", "name": "SMS", "numbers": ["+821012345678"]});
    admin.post("/api/channels", sms).await.problem(ErrorCode::ChannelNotConfigured);
    let mut own = mail;
    own["smtp"] = json!({"host": "smtp.example.com", "security": "starttls", "username": "u", "password": "long password",
        "from": "FinOps <alerts@example.com>"});
    let created = create(admin, &own).await.channel;
    assert_eq!(created.smtp.as_ref().map(|smtp| (smtp.port, smtp.username.as_deref())), Some((587, Some("u"))));
    // Back to the service's own way, which it does not have.
    let path = format!("/api/channels/{}", created.id);
    admin.patch(&path, json!({"smtp": null})).await.problem(ErrorCode::ChannelNotConfigured);
    let moved =
        json!({"smtp": {"host": "smtp.example.org", "security": "tls", "username": "u", "from": "a@example.com"}});
    admin.patch(&path, moved).await.field("/smtp/password", "required");
    let same =
        json!({"smtp": {"host": "smtp.example.com", "security": "starttls", "username": "u", "from": "a@example.com"}});
    let kept: ChannelDto = admin.patch(&path, same).await.read_as();
    assert_eq!(kept.smtp.map(|smtp| smtp.from).as_deref(), Some("a@example.com"));
    let secrets = app.database.count("SELECT count(*) FROM secrets WHERE owner_table = 'channels'").await;
    assert_eq!(secrets, 1, "the password");
}

#[tokio::test]
async fn channels_are_for_those_who_run_the_organization() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let [slack, ..] = bodies(&app);
    people.user.post("/api/channels", &slack).await.problem(ErrorCode::Forbidden);
    let created = create(&people.tenant_admin, &slack).await.channel;
    let path = format!("/api/channels/{}", created.id);
    for method in [Method::GET, Method::DELETE] {
        people.user.send(method.clone(), &path).await.problem(ErrorCode::Forbidden);
        people.outsider.send(method, &path).await.problem(ErrorCode::NotFound);
    }
    people.outsider.post(&format!("{path}/test"), json!({})).await.problem(ErrorCode::NotFound);
    people.outsider.post(&format!("{path}/rotate-secret"), json!({})).await.problem(ErrorCode::NotFound);
    people
        .tenant_admin
        .post(&format!("{path}/rotate-secret"), json!({}))
        .await
        .problem(ErrorCode::ChannelWithoutSecret);
    assert_eq!(app.provider().inbox(&InboxQuery::new(Channel::Slack).attempts()), []);
    people.tenant_admin.send(Method::DELETE, &path).await.status(204);
    people.tenant_admin.get(&path).await.problem(ErrorCode::NotFound);
    assert_eq!(app.database.count("SELECT count(*) FROM secrets WHERE owner_table = 'channels'").await, 0);
}

#[tokio::test]
async fn what_is_left_out_of_a_change_stays() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let marketing = team(admin, "마케팅팀").await;
    let mut body = bodies(&app)[1].clone();
    body["teamId"] = json!(marketing);
    let created = create(admin, &body).await;
    let path = format!("/api/channels/{}", created.channel.id);
    assert_eq!(created.channel.team.as_ref().map(|team| team.name.as_str()), Some("마케팅팀"));
    let renamed: ChannelDto = admin.patch(&path, json!({"name": "Renamed", "enabled": false})).await.read_as();
    assert_eq!((renamed.name.as_str(), renamed.enabled, &renamed.masked), ("Renamed", false, &created.channel.masked));
    assert_eq!(renamed.team, created.channel.team);
    let wide: ChannelDto = admin.patch(&path, json!({"teamId": null})).await.read_as();
    assert_eq!((wide.team, wide.name.as_str()), (None, "Renamed"));
    admin.patch(&path, json!({"teamId": created.channel.id})).await.field("/teamId", "unknown");
    admin.patch(&path, json!({"addresses": ["a@example.com"]})).await.field("/addresses", "not_for_type");
    admin.patch(&path, json!({"type": "slack"})).await.field("/type", "unknown_field");
    let moved: ChannelDto =
        admin.patch(&path, json!({"url": app.simulator.webhook_url("another-name-of-it")})).await.read_as();
    assert_ne!(moved.masked, created.channel.masked);
    // Disabled by hand it is tried all the same; and its secret is the one that it had.
    assert!(try_it(admin, &created).await.delivered);
    let letters = app.provider().inbox(&InboxQuery::webhook("another-name-of-it"));
    assert!(is_signed(&letters[0], created.secret.as_deref().expect("a secret")));
    assert!(!is_signed(&letters[0], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
}

#[tokio::test]
async fn two_secrets_sign_for_a_day_and_then_one() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let created = create(admin, &bodies(&app)[1]).await;
    let rotate = format!("/api/channels/{}/rotate-secret", created.channel.id);
    let rotated: CreatedChannel = admin.post(&rotate, json!({})).await.read_as();
    let (first, second) = (created.secret.clone().expect("a secret"), rotated.secret.expect("a secret"));
    assert_ne!(first, second);
    assert_eq!(rotated.channel.former_secret_until, Some(app.now() + chrono::TimeDelta::hours(24)));
    let signed = async |number: usize| {
        assert!(try_it(admin, &created).await.delivered);
        let letters = app.provider().inbox(&InboxQuery::webhook("a-longer-name"));
        (is_signed(&letters[number], &first), is_signed(&letters[number], &second))
    };
    assert_eq!(signed(0).await, (true, true));
    app.advance(chrono::TimeDelta::hours(25));
    assert_eq!(signed(1).await, (false, true));
    assert_eq!(get(admin, created.channel.id).await.former_secret_until, None);
    let third: CreatedChannel = admin.post(&rotate, json!({})).await.read_as();
    assert_eq!(signed(2).await, (false, true), "the one before signs beside the new one");
    let letters = app.provider().inbox(&InboxQuery::webhook("a-longer-name"));
    assert!(is_signed(&letters[2], &third.secret.expect("a secret")));
}

#[tokio::test]
async fn what_became_of_a_test_is_told() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let [slack, hook, pager] = bodies(&app);
    let (slack, hook, pager) = (create(admin, &slack).await, create(admin, &hook).await, create(admin, &pager).await);
    app.provider().revoke_credential(Channel::PagerDuty, presets::PAGERDUTY_KEY).expect("known");
    app.provider().add_fault(FaultSpec::new("/slack/*", Fault::status(500)).times(1));
    app.provider().add_fault(FaultSpec::new("/webhook/*", Fault::status(410)).times(1));
    for (channel, reason, status, state) in [
        (&slack, "unavailable", 500, ChannelState::Ok),
        (&hook, "gone", 410, ChannelState::Disabled),
        (&pager, "unauthorized", 400, ChannelState::Failing),
    ] {
        let tried = try_it(admin, channel).await;
        assert!(!tried.delivered);
        let detail = &tried.deliveries[0];
        assert_eq!(detail.delivery.reason.as_deref(), Some(reason));
        assert_eq!(detail.delivery.status.name(), "dead", "a test is made once");
        assert_eq!(detail.history[0].status, Some(status));
        assert_eq!(tried.channel.health.state, state, "{reason}");
    }
    // The sender finds nothing to do.
    app.run_jobs().await;
    assert_eq!(app.provider().inbox(&InboxQuery::new(Channel::Slack).attempts()).len(), 1);

    let path = format!("/api/channels/{}", hook.channel.id);
    assert!(try_it(admin, &hook).await.delivered, "a disabled one can be tried");
    assert_eq!(
        get(admin, hook.channel.id).await.health.state,
        ChannelState::Disabled,
        "and stays so until it is enabled"
    );
    let again: ChannelDto = admin.patch(&path, json!({"enabled": true})).await.read_as();
    assert_eq!((again.health.state, again.health.since), (ChannelState::Ok, None));
    let audit = admin.get("/api/audit-log?action=channel.health").await.ok();
    let news: Vec<&Value> = audit["data"].as_array().expect("rows").iter().map(|row| &row["after"]["state"]).collect();
    assert_eq!(news, ["failing", "disabled"]);
    assert_eq!(audit["data"][0]["actor"], json!({"type": "system", "id": null, "name": "deliveries"}));
}

#[tokio::test]
async fn tests_are_limited() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let created = create(&people.admin, &bodies(&app)[1]).await;
    for _ in 0..10 {
        assert!(try_it(&people.admin, &created).await.delivered);
    }
    let path = format!("/api/channels/{}/test", created.channel.id);
    let refused = people.tenant_admin.post(&path, json!({})).await;
    refused.problem(ErrorCode::RateLimited);
    assert_eq!(refused.header("retry-after"), "120");
    // So is telling all of them at once: the bucket is one.
    people.tenant_admin.post("/api/alerts/test", json!({})).await.problem(ErrorCode::RateLimited);
    app.advance(chrono::TimeDelta::seconds(120));
    assert!(try_it(&people.admin, &created).await.delivered);
}

#[tokio::test]
async fn rekey_moves_what_is_secret_about_channels() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    for body in bodies(&app) {
        create(&people.admin, &body).await;
    }
    let smtp = json!({"host": "smtp.example.com", "security": "tls", "username": "u", "password": "p", "from": "a@example.com"});
    let own = json!({"type": "email", "name": "Own", "addresses": ["a@example.com"], "smtp": smtp});
    create(&people.admin, &own).await;
    create(&people.admin, &json!({"type": "email", "name": "Ours", "addresses": ["a@example.com"]})).await;
    let mut old = [0; 32];
    for (byte, pair) in old.iter_mut().zip(MASTER_KEY.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal");
    }
    let both = SecretStore::new(std::sync::Arc::new(LocalVault::new(&[9; 32], [&old])), app.state.clock.clone());
    let report = rekey::run(app.db(), &both, async |_, _, _| Ok(()), |_| ()).await.expect("moved");
    assert_eq!((report.checked, report.rekeyed, report.failed), (4, 4, 0));
}

#[tokio::test]
async fn a_long_wait_of_the_other_side_does_not_hold_up_whoever_tries() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let created = create(&people.admin, &bodies(&app)[1]).await;
    app.provider().add_fault(FaultSpec::new("/webhook/*", Fault::Hang { seconds: 60.0 }).times(1));
    let tried = tokio::time::timeout(Duration::from_secs(12), try_it(&people.admin, &created)).await.expect("in time");
    assert!(!tried.delivered);
    let attempt = &tried.deliveries[0].history[0];
    assert_eq!((attempt.reason.as_deref(), attempt.code.as_deref()), (Some("unavailable"), Some("timeout")));
}
