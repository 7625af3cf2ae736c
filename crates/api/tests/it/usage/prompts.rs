//! What was asked and answered: of projects that opted in, encrypted, for a month, and never in the way of an event.

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::usage::UsageBatchAnswer;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::event;
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};
use crate::support::usage::reporter;

const WORDS: &str = "why is the sky blue, asks a canary";

fn with_text(id: &str, project: &str) -> Value {
    let mut event = event(id, project);
    event["prompt"] = json!(WORDS);
    event["completion"] = json!({"text": "Rayleigh", "parts": [1, 2]});
    event["messages"] = json!([{"role": "user", "content": WORDS}]);
    event
}

/// A project, opted in or not.
async fn with_project(client: &Client, name: &str, store_prompts: bool) -> String {
    let team = team(client, name).await;
    let project = project(client, &team, name).await;
    let changed = client.patch(&format!("/api/projects/{project}"), json!({"storePrompts": store_prompts})).await.ok();
    assert_eq!(changed["storePrompts"], json!(store_prompts));
    project
}

#[tokio::test]
async fn a_text_is_kept_only_of_a_project_that_opted_in_and_read_by_its_administrators() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (open, shut) =
        (with_project(&people.admin, "open", true).await, with_project(&people.admin, "shut", false).await);
    let audit = people.admin.get("/api/audit-log?action=project.update").await.ok();
    assert_eq!(audit["data"][0]["after"]["storePrompts"], json!(true));
    let program = reporter(&app, &people.admin).await;
    let events = json!({"events": [
        with_text("told", &open), with_text("also", &open), with_text("untold", &shut), event("silent", &open),
    ]});
    assert_eq!(program.post("/api/usage/bulk", events).await.read_as::<UsageBatchAnswer>().accepted, 4);
    program.post("/api/usage/track", with_text("told", &open)).await.status(200);

    let read = people.tenant_admin.get("/api/usage-events/told/prompt").await.ok();
    assert_eq!((&read["prompt"], &read["completion"]["parts"]), (&json!(WORDS), &json!([1, 2])));
    assert_eq!(read["messages"][0]["role"], "user");
    let trace = people.admin.get("/api/audit-log?action=usage_prompt.read").await.ok();
    assert_eq!((&trace["data"][0]["targetName"], trace["data"].as_array().unwrap().len()), (&json!("told"), 1));
    for id in ["untold", "silent", "nobody"] {
        people.tenant_admin.get(&format!("/api/usage-events/{id}/prompt")).await.problem(ErrorCode::NotFound);
    }
    people.user.get("/api/usage-events/told/prompt").await.problem(ErrorCode::Forbidden);
    people.outsider.get("/api/usage-events/told/prompt").await.problem(ErrorCode::NotFound);
    program.get("/api/usage-events/told/prompt").await.problem(ErrorCode::ApiKeyNotAllowed);
    for path in ["/api/usage-events?from=2026-03-20T00:00:00Z", "/api/usage-events/told"] {
        assert!(!people.admin.get(path).await.text.contains("canary"), "{path}");
    }

    // One key of the day for all of them, and nothing legible.
    assert_eq!(app.database.count("SELECT count(*) FROM prompt_keys").await, 1);
    let legible = "SELECT count(*) FROM usage_prompts WHERE position('canary'::bytea IN ciphertext) > 0";
    assert_eq!(app.database.count(legible).await, 0);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_prompts").await, 2);
    // Another row's text is not taken for this one's.
    app.database
        .sql(
            "UPDATE usage_prompts u SET nonce = o.nonce, ciphertext = o.ciphertext FROM usage_prompts o
            WHERE o.event_key <> u.event_key",
        )
        .await;
    people.admin.get("/api/usage-events/told/prompt").await.problem(ErrorCode::Internal);
}

#[tokio::test]
async fn texts_end_with_their_month_or_with_the_consent() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (lasting, withdrawn) =
        (with_project(&people.admin, "lasting", true).await, with_project(&people.admin, "withdrawn", true).await);
    people.admin.post("/api/usage/track", with_text("1", &lasting)).await.status(201);
    people.admin.post("/api/usage/track", with_text("2", &withdrawn)).await.status(201);
    let (texts, keys) = ("SELECT count(*) FROM usage_prompts", "SELECT count(*) FROM prompt_keys");
    let secrets = "SELECT count(*) FROM secrets WHERE owner_table = 'prompt_keys'";
    app.run_jobs().await;
    assert_eq!(app.database.count(texts).await, 2);

    people.admin.patch(&format!("/api/projects/{withdrawn}"), json!({"storePrompts": false})).await.ok();
    people.admin.get("/api/usage-events/2/prompt").await.problem(ErrorCode::NotFound);
    app.advance(TimeDelta::days(29));
    app.run_jobs().await;
    assert_eq!((app.database.count(texts).await, app.database.count(keys).await), (1, 1));
    people.admin.get("/api/usage-events/1/prompt").await.ok();

    app.advance(TimeDelta::days(2));
    app.run_jobs().await;
    assert_eq!(app.database.count(texts).await, 0);
    assert_eq!((app.database.count(keys).await, app.database.count(secrets).await), (0, 0));
    people.admin.get("/api/usage-events/1").await.ok();
}

#[tokio::test]
async fn an_event_does_not_wait_for_a_key_service_that_hangs() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let app = TestApp::builder()
        .set("AWS_KMS_KEY_ID", "alias/finops")
        .set("AWS_REGION", "eu-central-1")
        .set("AWS_ENDPOINT_URL_KMS", endpoint)
        .spawn()
        .await;
    let people = app.people().await;
    let open = with_project(&people.admin, "open", true).await;
    let began = std::time::Instant::now();
    for n in 0..20 {
        people.admin.post("/api/usage/track", with_text(&format!("evt-{n}"), &open)).await.status(201);
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "each waited: {:?}", began.elapsed());
    assert_eq!(app.database.count("SELECT count(*) FROM usage_events").await, 20);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_prompts").await, 0);
    let shown = app.anonymous().get("/metrics").await.text;
    assert!(shown.contains(r#"finops_usage_prompts_total{outcome="dropped"} 20"#), "{shown}");
}
