//! CloudEvents: single, batched, in headers; as OpenMeter's clients send them.

use finops_contract::usage::{UsageBatchAnswer, UsageEvent};
use finops_contract::{ErrorCode, Page};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::costs::{project, team};

const EVENTS: &str = "/api/cloudevents";
const EVENT: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// OpenMeter's own example, with what its guide for AI puts inside.
fn event(id: &str, data: Value) -> Value {
    json!({
        "id": id, "source": "service-name", "specversion": "1.0", "type": "prompt", "subject": "customer-id",
        "time": "2026-03-20T10:01:01.001Z", "data": data,
    })
}

async fn send(client: &Client, media: &str, body: &Value) -> Answer {
    Answer::of(client.request(Method::POST, EVENTS).header("content-type", media).body(body.to_string())).await
}

#[tokio::test]
async fn both_sides_of_a_call_become_events_of_a_learner() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let input = event("1", json!({"model": "gpt-4o", "tokens": "1200", "type": "input"}));
    for _ in 0..2 {
        assert_eq!(send(admin, EVENT, &input).await.status(204), Value::Null);
    }
    let output = event("2", json!({"model": "gpt-4o", "tokens": 180, "type": "output"}));
    send(admin, "application/json", &output).await.status(204);
    let read: UsageEvent = admin.get("/api/usage-events/service-name%201").await.read_as();
    let units: Vec<_> = read.units.iter().map(|(kind, n)| (kind.name(), n.0.normalize().to_string())).collect();
    assert_eq!(units, [("input", "1200".to_owned())]);
    assert_eq!((read.source.as_str(), read.service.as_deref()), ("cloudevents", Some("service-name")));
    assert_eq!((read.learner_id.as_deref(), read.provider.as_str()), (Some("customer-id"), "openai"));
    let read: UsageEvent = admin.get("/api/usage-events/service-name%202").await.read_as();
    assert_eq!(read.units.keys().map(|kind| kind.name()).collect::<Vec<_>>(), ["output"]);
    // The same id from another source is another event; another body under both is not.
    let mut elsewhere = input.clone();
    elsewhere["source"] = json!("other-service");
    send(admin, EVENT, &elsewhere).await.status(204);
    let mut changed = input;
    changed["data"]["tokens"] = json!(1201);
    send(admin, EVENT, &changed).await.problem(ErrorCode::EventConflict);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_events").await, 3);
}

#[tokio::test]
async fn the_good_ones_of_a_batch_are_stored_beside_the_bad() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let data = json!({"model": "gpt-4o", "promptTokens": 5, "completionTokens": 7});
    let with = |id: &str, name: &str, value: Value| {
        let mut event = event(id, data.clone());
        event[name] = value;
        event
    };
    let batch = json!([
        event("1", data.clone()),
        with("2", "specversion", json!("0.3")),
        with("3", "time", json!("2026-03-20T10:36:00Z")),
        with("4", "data", json!({"model": "gpt-4o", "tokens": -1, "type": "input"})),
        with("5", "projectid", json!("nobody")),
        with("6", "source", json!(null)),
        with("7", "data", json!({"model": "gpt-4o", "cost": "1e400"})),
        "no event",
        with("8", "subject", json!(null)),
    ]);
    let answer: UsageBatchAnswer = send(admin, BATCH, &batch).await.read_as();
    assert_eq!((answer.accepted, answer.duplicates), (2, 0));
    let rejected: Vec<_> = answer.rejected.iter().map(|r| (r.code.as_str(), r.pointer.as_str())).collect();
    assert_eq!(
        rejected,
        [
            ("validation_failed", "/1/specversion"),
            ("timestamp_in_future", "/2/timestamp"),
            ("quantity_invalid", "/3/data/tokens"),
            ("project_unknown", "/4/projectId"),
            ("validation_failed", "/5/source"),
            ("amount_invalid", "/6/data/cost"),
            ("validation_failed", "/7"),
        ]
    );
    let good = json!([batch[0], batch[8]]);
    send(admin, BATCH, &good).await.status(204);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_events").await, 2);
    // Alone, each is a problem that points at the same place.
    let problem = send(admin, EVENT, &batch[3]).await.problem(ErrorCode::QuantityInvalid);
    assert_eq!(problem.errors[0].pointer, "/data/tokens");
    let problem = send(admin, EVENT, &batch[4]).await.problem(ErrorCode::ProjectUnknown);
    assert_eq!(problem.errors[0].pointer, "/projectId");
    let many = Value::Array(vec![batch[0].clone(); 1_001]);
    send(admin, BATCH, &many).await.problem(ErrorCode::BatchTooLarge);
    send(admin, BATCH, &batch[0]).await.problem(ErrorCode::ValidationFailed);
    send(admin, "text/plain", &batch[0]).await.problem(ErrorCode::UnsupportedMediaType);
    let broken = admin.request(Method::POST, EVENTS).header("content-type", EVENT).body("{");
    Answer::of(broken).await.problem(ErrorCode::MalformedJson);
}

#[tokio::test]
async fn an_envelope_in_headers_is_one_too() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    let request = people
        .admin
        .request(Method::POST, EVENTS)
        .header("ce-specversion", "1.0")
        .header("ce-id", "1")
        .header("ce-source", "/gateway")
        .header("ce-type", "prompt")
        .header("ce-subject", "%ED%95%99%EC%83%9D")
        .header("ce-time", "2026-03-20T10:00:00Z")
        .header("ce-projectid", &web)
        .json(&json!({"model": "gpt-4o", "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}}));
    Answer::of(request).await.status(204);
    let read: UsageEvent = people.admin.get("/api/usage-events/%2Fgateway%201").await.read_as();
    assert_eq!(
        (read.learner_id.as_deref(), read.timestamp.to_rfc3339().as_str()),
        (Some("학생"), "2026-03-20T10:00:00+00:00")
    );
    assert_eq!(read.project.map(|project| project.name).as_deref(), Some("web"));
}

#[tokio::test]
async fn events_are_listed_by_how_they_came_in() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    send(admin, EVENT, &event("1", json!({"model": "gpt-4o", "tokens": "1200", "type": "input"}))).await.status(204);
    let call = json!({"eventId": "told", "model": "gpt-4o", "promptTokens": 1, "timestamp": "2026-03-20T09:00:00Z"});
    admin.post("/api/usage/track", call).await.status(201);
    let of = async |query: &str| -> Vec<(String, String)> {
        let page: Page<UsageEvent> =
            admin.get(&format!("/api/usage-events?from=2026-03-20T00:00:00Z{query}")).await.read_as();
        page.data.into_iter().map(|event| (event.event_id, event.source)).collect()
    };
    let (cloud, api) = (("service-name 1".to_owned(), "cloudevents".to_owned()), ("told".to_owned(), "api".to_owned()));
    assert_eq!(of("").await, [cloud.clone(), api.clone()]);
    assert_eq!(of("&source=api").await, [api]);
    assert_eq!(of("&source=cloudevents").await, [cloud]);
    assert_eq!(of("&source=otlp").await, []);
    for nonsense in ["nonsense", "API", ""] {
        admin.get(&format!("/api/usage-events?source={nonsense}")).await.problem(ErrorCode::InvalidQuery);
    }
}
