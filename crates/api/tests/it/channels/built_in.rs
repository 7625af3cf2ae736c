//! The channels that the service's own settings name.

use finops_contract::channels::Channel as ChannelDto;
use finops_contract::{ErrorCode, Page};
use finops_simulator::{Channel, InboxQuery, presets};
use reqwest::Method;
use serde_json::json;

use crate::support::TestApp;
use crate::support::client::Client;

async fn all(client: &Client) -> Vec<ChannelDto> {
    client.get("/api/channels").await.read_as::<Page<ChannelDto>>().data
}

#[tokio::test]
async fn they_are_the_first_organizations_and_are_not_changed_there() {
    let slack = format!("{{simulator}}/slack/services/{}", presets::SLACK_WEBHOOK);
    let app = TestApp::builder()
        .with_accounts()
        .set("ADMIN_EMAIL", "ops@example.com, boss@example.com")
        .set("SLACK_WEBHOOK_URL", slack.clone())
        .set("PAGERDUTY_INTEGRATION_KEY", presets::PAGERDUTY_KEY)
        // The operator's own addresses need no exception.
        .set("OUTBOUND_ALLOW", "")
        .spawn()
        .await;
    app.run_jobs().await;
    assert_eq!(app.database.count("SELECT count(*) FROM channels").await, 0, "nobody is there yet");
    let people = app.people().await;
    app.run_jobs().await;
    app.run_jobs().await;
    let channels = all(&people.tenant_admin).await;
    let mut names: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["ADMIN_EMAIL", "PAGERDUTY_INTEGRATION_KEY", "SLACK_WEBHOOK_URL"]);
    assert_eq!(all(&people.outsider).await, []);
    for channel in &channels {
        assert!(channel.built_in && channel.enabled);
        let path = format!("/api/channels/{}", channel.id);
        people.admin.patch(&path, json!({"name": "Mine"})).await.problem(ErrorCode::ChannelBuiltIn);
        people.admin.send(Method::DELETE, &path).await.problem(ErrorCode::ChannelBuiltIn);
        let tried = people.admin.post(&format!("{path}/test"), json!({})).await.ok();
        assert_eq!(tried["delivered"], true, "{tried}");
    }
    let mail = &app.provider().inbox(&InboxQuery::new(Channel::Resend))[0];
    assert_eq!(mail.content["to"], json!(["ops@example.com", "boss@example.com"]));
    assert_eq!(app.provider().inbox(&InboxQuery::new(Channel::Slack)).len(), 1);
    assert_eq!(app.provider().inbox(&InboxQuery::new(Channel::PagerDuty)).len(), 1);
    assert_eq!(app.database.count("SELECT count(*) FROM secrets WHERE owner_table = 'channels'").await, 0);
    // The same address is no tenant's.
    let theirs = json!({"type": "slack", "name": "S", "url": slack.replace("{simulator}", &app.simulator.base_url())});
    people.admin.post("/api/channels", theirs).await.field("/url", "not_https");

    // Another start, other settings.
    let other =
        TestApp::builder().with_accounts().set("ADMIN_EMAIL", "ops@example.com").spawn_on(app.database.share()).await;
    other.run_jobs().await;
    let left = all(&people.admin).await;
    assert_eq!(left.iter().map(|channel| channel.name.as_str()).collect::<Vec<_>>(), ["ADMIN_EMAIL"]);
    assert_eq!(left[0].addresses, ["ops@example.com"]);
    let audit = people.admin.get("/api/audit-log?action=channel.&limit=200").await.ok();
    let by_service: Vec<(&str, &str)> = audit["data"]
        .as_array()
        .expect("rows")
        .iter()
        .filter(|row| row["actor"]["name"] == "built_in_channels")
        .map(|row| (row["action"].as_str().expect("text"), row["targetName"].as_str().expect("text")))
        .collect();
    assert_eq!(by_service.iter().filter(|(action, _)| *action == "channel.create").count(), 3);
    assert_eq!(by_service.iter().filter(|(action, _)| *action == "channel.delete").count(), 2);
    assert!(by_service.contains(&("channel.update", "ADMIN_EMAIL")));
}

#[tokio::test]
async fn an_address_without_a_way_for_mail_is_no_channel() {
    let app = TestApp::builder().set("ADMIN_EMAIL", "ops@example.com").spawn().await;
    let people = app.people().await;
    app.run_jobs().await;
    assert_eq!(all(&people.admin).await, []);
}
