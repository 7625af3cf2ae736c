//! What programs are told that name a stopped project by its Project ID, and what becomes of what they report.

use std::time::Instant;

use finops_contract::ErrorCode;
use finops_contract::usage::UsageEvent;
use serde_json::json;

use super::{SOON, World, api_key, block, lift};
use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::costs::{project, set_project_id};

/// Asks the guard until it answers so. The first question that is asked later than a second after that must be.
async fn until(program: &Client, status: u16) -> Answer {
    let since = Instant::now();
    loop {
        let late = since.elapsed() > SOON;
        let answer = program.post("/api/guard/check", json!({"projectId": "proj_web"})).await;
        if answer.status == status {
            return answer;
        }
        assert!(!late, "still {} {} after {:?}", answer.status, answer.text, since.elapsed());
    }
}

/// The project of a call that a replica which knows nothing of earlier days is told of.
async fn reported(world: &World, key: &str, id: &str) -> Option<String> {
    let replica = TestApp::builder().spawn_on(world.app.database.share()).await;
    let program = replica.anonymous().with_token(key);
    let event = json!({"eventId": id, "projectId": "proj_web", "model": "gpt-4o", "promptTokens": 1});
    program.post("/api/usage/track", event).await.status(201);
    let event: UsageEvent = world.manager().get(&format!("/api/usage-events/{id}")).await.read_as();
    event.project.map(|project| project.name)
}

#[tokio::test]
async fn a_stopped_project_is_known_by_the_id_that_was_taken_away() {
    let world = World::new().await;
    let admin = world.manager();
    let key = api_key(admin, None).await.key;
    let program = world.app.anonymous().with_token(&key);
    until(&program, 200).await;
    let made = block(admin, "project", &world.web).await;
    let refused = until(&program, 403).await;
    refused.problem(ErrorCode::Blocked);
    assert_eq!(refused.json().pointer("/block/id"), Some(&json!(made.id)), "not: there is no such project");
    assert_eq!(reported(&world, &key, "while-stopped").await.as_deref(), Some("web"), "what happened, happened");
    // A program that is bound to another project is told nothing of it.
    let other = project(admin, &world.team, "web-2").await;
    let bound = world.app.anonymous().with_token(&api_key(admin, Some(&other)).await.key);
    let question = json!({"projectId": "proj_web"});
    bound.post("/api/guard/check", &question).await.problem(ErrorCode::NotFound);
    // Whom it was given to meanwhile is whose it is.
    set_project_id(admin, &other, "proj_web").await;
    until(&program, 200).await;
    bound.post("/api/guard/check", &question).await.ok();
    assert_eq!(reported(&world, &key, "given-away").await.as_deref(), Some("web-2"));
    admin.delete(&format!("/api/projects/{other}/openai-project-id")).await.status(204);
    until(&program, 403).await.problem(ErrorCode::Blocked);
    lift(admin, &made).await;
    until(&program, 200).await;
    assert_eq!(reported(&world, &key, "after").await.as_deref(), Some("web"));
    world.app.run_jobs().await;
}
