//! Usage events: taken as callers send them, stored once, summed up as they come.

mod prompts;
mod torture;
mod turns;
mod upkeep;

use finops_contract::ErrorCode;
use finops_contract::usage::{Taken, UsageBatchAnswer, UsageEvent, UsageReceipt};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::costs::{project, team};
use crate::support::usage::assert_usage_sums_are_exact;

const NOW: &str = crate::support::app::NOW;

/// An event of a project, with an id.
fn event(id: &str, project: &str) -> Value {
    json!({
        "eventId": id, "projectId": project, "service": "chatbot", "provider": "openai", "model": "gpt-4o-mini",
        "promptTokens": 1000, "completionTokens": 200, "cachedTokens": 400, "responseTime": 850, "status": "success",
        "learnerId": "learner-1", "taskType": "summary", "tags": ["a", "b"], "metadata": {"trace": "t-1"},
        "costAllocation": {"department": "marketing"}, "timestamp": NOW,
    })
}

#[tokio::test]
async fn an_event_is_stored_once_and_read_back() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    let first: UsageReceipt = people.admin.post("/api/usage/track", event("evt-1", &web)).await.read_as();
    assert_eq!((first.event_id.as_str(), first.status), ("evt-1", Taken::Accepted));
    let again = people.admin.post("/api/usage-events", event("evt-1", &web)).await;
    assert_eq!(again.read_as::<UsageReceipt>().status, Taken::Duplicate);
    let mut other = event("evt-1", &web);
    other["promptTokens"] = json!(1001);
    people.admin.post("/api/usage/track", other).await.problem(ErrorCode::EventConflict);

    let read: UsageEvent = people.admin.get("/api/usage-events/evt-1").await.read_as();
    assert_eq!(
        read.units.iter().map(|(kind, n)| (kind.name(), n.to_string())).collect::<Vec<_>>(),
        [
            ("input", "600.000000".to_owned()),
            ("cached_input", "400.000000".to_owned()),
            ("output", "200.000000".to_owned()),
        ]
    );
    assert_eq!(read.project.as_ref().map(|project| project.name.as_str()), Some("web"));
    assert_eq!((read.tags, read.metadata), (vec!["a".to_owned(), "b".to_owned()], Some(json!({"trace": "t-1"}))));
    let list =
        people.admin.get(&format!("/api/usage-events?from=2026-03-20T00:00:00Z&projectId={web}&tag=a")).await.ok();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    people.outsider.get("/api/usage-events/evt-1").await.problem(ErrorCode::NotFound);
    assert_eq!(people.outsider.get("/api/usage-events?from=2026-03-20T00:00:00Z").await.ok()["data"], json!([]));
    people.user.get("/api/usage-events/evt-1").await.problem(ErrorCode::NotFound);
    assert_usage_sums_are_exact(&app).await;
}

#[tokio::test]
async fn the_good_items_of_a_batch_are_stored_beside_the_bad() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    let foreign = {
        let team = crate::support::costs::team(&people.outsider, "theirs").await;
        project(&people.outsider, &team, "theirs").await
    };
    let with = |id: &str, field: &str, value: Value| {
        let mut event = event(id, &web);
        event[field] = value;
        event
    };
    let mut different = event("good-1", &web);
    different["completionTokens"] = json!(7);
    let events = json!({"events": [
        event("good-1", &web),
        with("b", "promptTokens", json!(-5)),
        with("b", "promptTokens", json!(100)),
        with("b", "cost", json!("NaN")),
        with("b", "timestamp", json!("2026-03-20T10:36:00Z")),
        with("b", "timestamp", json!("2026-02-01T00:00:00Z")),
        with("b", "projectId", json!(foreign)),
        with("b", "projectId", json!("nobody")),
        with("b", "model", json!(null)),
        "no event",
        event("good-1", &web),
        different,
        event("good-2", &web),
    ]});
    let answer: UsageBatchAnswer = people.admin.post("/api/usage/bulk", &events).await.read_as();
    assert_eq!((answer.accepted, answer.duplicates), (2, 1));
    let rejected: Vec<_> = answer.rejected.iter().map(|r| (r.index, r.code.as_str(), r.pointer.as_str())).collect();
    assert_eq!(
        rejected,
        [
            (1, "quantity_invalid", "/events/1/promptTokens"),
            (2, "tokens_exceed_whole", "/events/2"),
            (3, "amount_invalid", "/events/3/cost"),
            (4, "timestamp_in_future", "/events/4/timestamp"),
            (5, "timestamp_too_old", "/events/5/timestamp"),
            (6, "project_unknown", "/events/6/projectId"),
            (7, "project_unknown", "/events/7/projectId"),
            (8, "validation_failed", "/events/8/model"),
            (9, "validation_failed", "/events/9"),
            (11, "event_conflict", "/events/11/eventId"),
        ]
    );
    let answer: UsageBatchAnswer = people.admin.post("/api/usage/bulk", &events).await.read_as();
    assert_eq!((answer.accepted, answer.duplicates, answer.rejected.len()), (0, 3, 10));
    assert_usage_sums_are_exact(&app).await;

    let many = json!({"events": vec![event("x", &web); 1_001]});
    people.admin.post("/api/usage/bulk", many).await.problem(ErrorCode::BatchTooLarge);
    people.admin.post("/api/usage/bulk", json!({"event": []})).await.problem(ErrorCode::ValidationFailed);
}

#[tokio::test]
async fn who_sees_some_projects_reports_for_those() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let (web, hidden) = (project(&people.admin, &team, "web").await, project(&people.admin, &team, "hidden").await);
    people.admin.put(&format!("/api/projects/{web}/members/{}", people.user.id()), json!({})).await.ok();
    people.user.post("/api/usage/track", event("1", &web)).await.status(201);
    people.user.post("/api/usage/track", event("2", &hidden)).await.problem(ErrorCode::ProjectUnknown);
    let mut nowhere = event("3", &web);
    nowhere.as_object_mut().unwrap().remove("projectId");
    people.user.post("/api/usage/track", &nowhere).await.problem(ErrorCode::ProjectRequired);
    people.admin.post("/api/usage/track", &nowhere).await.status(201);
    people.user.get("/api/usage-events/1").await.ok();
    people.user.get("/api/usage-events/3").await.problem(ErrorCode::NotFound);
}

#[tokio::test]
async fn a_project_takes_calls_from_its_first_moment() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let team = team(admin, "platform").await;
    // What is known of projects is kept for a second: each of these is made right after it was read.
    for number in 0..5 {
        let (one, many) = (project(admin, &team, &format!("one-{number}")).await, format!("many-{number}"));
        admin.post("/api/usage/track", event(&format!("one-{number}"), &one)).await.status(201);
        let project = project(admin, &team, &many).await;
        let answer: UsageBatchAnswer =
            admin.post("/api/usage/bulk", json!({"events": [event(&many, &project)]})).await.read_as();
        assert_eq!((answer.accepted, answer.rejected), (1, vec![]));
    }
    let missing = event("missing", &uuid::Uuid::from_u128(7).to_string());
    admin.post("/api/usage/track", missing).await.problem(ErrorCode::ProjectUnknown);
}

#[tokio::test]
async fn one_id_from_many_at_once_is_stored_once() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    let sends = (0..100).map(|n| {
        let (client, web) = (people.admin.clone(), web.clone());
        async move {
            let id = if n % 4 == 3 { format!("new-{n}") } else { "same".to_owned() };
            client.post("/api/usage/track", event(&id, &web)).await.read_as::<UsageReceipt>().status
        }
    });
    let taken: Vec<Taken> = futures_util::stream::iter(sends).buffer_unordered(16).collect().await;
    assert_eq!(taken.iter().filter(|taken| **taken == Taken::Accepted).count(), 26);
    assert_eq!(taken.iter().filter(|taken| **taken == Taken::Duplicate).count(), 74);
    let list = people.admin.get("/api/usage-events?from=2026-03-20T00:00:00Z&limit=200").await.ok();
    assert_eq!(list["data"].as_array().unwrap().len(), 26);
    assert_usage_sums_are_exact(&app).await;
}

#[tokio::test]
async fn a_tail_shows_events_as_they_come_in() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    let path = "/api/usage-events/stream?model=gpt-4o-mini";
    let last = app.state.clock.now() - chrono::TimeDelta::seconds(1);
    let request = people.admin.request(reqwest::Method::GET, path).header("last-event-id", last.to_rfc3339());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut chunks = answer.bytes_stream();
    let connected = chunks.next().await.unwrap().unwrap();
    assert!(connected.starts_with(b"retry:"), "{connected:?}");
    people.admin.post("/api/usage/track", event("seen", &web)).await.status(201);
    let frame = tokio::time::timeout(std::time::Duration::from_secs(10), chunks.next()).await.expect("an event");
    let frame = String::from_utf8(frame.unwrap().unwrap().to_vec()).unwrap();
    assert!(frame.contains("event: usage\n") && frame.contains(r#""eventId":"seen""#), "{frame}");
    people.admin.get("/api/usage-events/stream?state=billed").await.problem(ErrorCode::ValidationFailed);
}
