//! Blocks: what stops, who may, what is put back, and that all of it is on record.

mod automatic;
mod callers;
mod days;
mod people;
mod preview;
mod provider;
mod told;

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use finops_contract::api_keys::{ApiKeyState, CreatedApiKey};
use finops_contract::blocks::{Block, BlockDetail, BlockEnding, BlockRestoration, BlockStatus};
use finops_contract::costs::Dimension;
use finops_contract::{ErrorCode, Page};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::costs::{
    assert_rollup_is_exact, costs, project, project_with_id, register_key, set_project_id, team, team_with_key, truth,
};
use crate::support::people::People;

/// Within which every replica refuses.
const SOON: Duration = Duration::from_secs(1);

fn stop(kind: &str, id: &str) -> Value {
    json!({"target": {"type": kind, "id": id}, "mode": "stop", "reason": "An endless loop"})
}

async fn block(client: &Client, kind: &str, id: &str) -> Block {
    client.post("/api/blocks", stop(kind, id)).await.expect(201)
}

async fn act(client: &Client, block: Uuid, verb: &str) -> Answer {
    let mut body = json!({"reason": format!("to {verb}")});
    let verb = match verb.split_once(' ') {
        Some((verb, question)) => {
            body["question"] = json!(question);
            if verb == "approve" {
                body.as_object_mut().expect("an object").remove("reason");
            }
            verb
        }
        None => verb,
    };
    client.post(&format!("/api/blocks/{block}/{verb}"), body).await
}

async fn lift(client: &Client, block: &Block) -> Block {
    act(client, block.id, "lift").await.read_as()
}

async fn get(client: &Client, block: &Block) -> BlockDetail {
    client.get(&format!("/api/blocks/{}", block.id)).await.read_as()
}

async fn set(client: &Client, two: bool) {
    client.patch("/api/organization", json!({"twoPersonBlocks": two})).await.ok();
}

fn actions(detail: &BlockDetail) -> Vec<&str> {
    detail.history.iter().rev().map(|entry| entry.action.as_str()).collect()
}

/// How many projects and API keys are stopped or slowed down now.
async fn in_force(app: &TestApp, rest: &str) -> i64 {
    let query = AssertSqlSafe(format!("SELECT count(*) FROM blocks_in_force {rest}"));
    sqlx::query_scalar(query).fetch_one(&mut app.database.owner().await).await.expect("a count")
}

/// A service whose team "platform" has a key and a project "web", with a year's beginning collected.
struct World {
    app: TestApp,
    people: People,
    team: String,
    web: String,
}

impl World {
    async fn new() -> Self {
        Self::of(TestApp::spawn().await).await
    }

    async fn of(app: TestApp) -> Self {
        let people = app.people().await;
        let team = team_with_key(&app, &people.tenant_admin, "platform", "org-alpha").await;
        let web = project_with_id(&people.tenant_admin, &team, "web", "proj_web").await;
        app.run_jobs().await;
        Self { app, people, team, web }
    }

    fn manager(&self) -> &Client {
        &self.people.tenant_admin
    }

    async fn key(&self) -> String {
        let keys = self.manager().get(&format!("/api/teams/{}/admin-keys", self.team)).await.ok();
        keys["data"][0]["id"].as_str().expect("a key").to_owned()
    }

    async fn join(&self, user: &Client) {
        self.manager().put(&format!("/api/teams/{}/members/{}", self.team, user.id()), json!({})).await.ok();
    }

    async fn project_id(&self) -> Value {
        self.manager().get(&format!("/api/projects/{}", self.web)).await.ok()["openaiProjectId"].clone()
    }

    /// Runs the jobs again whose time has not come.
    async fn retry(&self) {
        self.app.hurry_jobs().await;
        self.app.run_jobs().await;
    }

    async fn allow_provider_stops(&self) {
        let body = json!({"allowProviderStops": true});
        let team = self.manager().patch(&format!("/api/teams/{}", self.team), body).await.ok();
        assert_eq!(team["allowProviderStops"], true);
    }
}

async fn api_key(client: &Client, project: Option<&str>) -> CreatedApiKey {
    let body = json!({"name": "SDK", "scopes": ["ingest", "read", "guard"], "projectId": project});
    client.post("/api/api-keys", body).await.expect(201)
}

#[tokio::test]
async fn a_project_leaves_collection_and_comes_back_with_what_came_in_meanwhile() {
    let world = World::new().await;
    let (app, admin) = (&world.app, world.manager());
    let made = block(admin, "project", &world.web).await;
    assert_eq!((made.status, made.openai_project_id.as_deref()), (BlockStatus::Active, Some("proj_web")));
    assert_eq!((made.target.name.as_str(), made.team.as_ref().unwrap().name.as_str()), ("web", "platform"));
    assert_eq!(made.requested_by.as_ref().map(|person| person.id), Some(admin.id()));
    assert!(made.may_lift && !made.may_approve && made.provider.is_empty() && !made.at_provider);
    assert_eq!(world.project_id().await, Value::Null, "it has left collection");
    assert_eq!(in_force(app, &format!("WHERE project_id = '{}' AND mode = 'stop'", world.web)).await, 1);
    let put = json!({"openaiProjectId": "proj_web"});
    let path = format!("/api/projects/{}/openai-project-id", world.web);
    admin.put(&path, put).await.problem(ErrorCode::BlockInForce);
    // What is still reported is stored.
    let event = json!({"projectId": world.web, "model": "gpt-4o", "promptTokens": 1});
    admin.post("/api/usage/track", event).await.status(201);
    app.advance(TimeDelta::days(2));
    app.run_jobs().await;
    let by = [Dimension::Project, Dimension::Day];
    let unattributed = costs(app, admin, &by).await;
    assert!(!unattributed.contains_key(&vec!["web".to_owned(), "2026-03-21".to_owned()]));

    let lifted = lift(admin, &made).await;
    assert_eq!(
        (lifted.status, lifted.ended, lifted.restoration),
        (BlockStatus::Lifted, Some(BlockEnding::Lifted), Some(BlockRestoration::ProjectIdReturned))
    );
    assert_eq!((lifted.lift_reason.as_deref(), lifted.may_lift), (Some("to lift"), false));
    assert_eq!(world.project_id().await, "proj_web");
    assert_eq!(in_force(app, "").await, 0);
    app.run_jobs().await;
    assert_eq!(costs(app, admin, &by).await, truth(app, "org-alpha", &by, &[("proj_web", "web")]));
    assert_rollup_is_exact(app).await;
    let detail = get(admin, &made).await;
    assert_eq!(actions(&detail), ["block.create", "block.lift"]);
    let entry = detail.history.last().unwrap();
    assert_eq!(
        (entry.reason.as_deref(), entry.actor.name.as_str()),
        (Some("An endless loop"), "tenant-admin@example.com")
    );
    let log = admin.get(&format!("/api/audit-log?targetId={}", world.web)).await.ok();
    let log: Vec<_> = log["data"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(log[..2], ["project.register_openai_project_id", "project.remove_openai_project_id"]);
    act(admin, made.id, "lift").await.problem(ErrorCode::BlockSettled);
}

#[tokio::test]
async fn an_id_that_was_given_away_meanwhile_stays_where_it_is() {
    let world = World::new().await;
    let admin = world.manager();
    let made = block(admin, "project", &world.web).await;
    let other = project(admin, &world.team, "web-2").await;
    set_project_id(admin, &other, "proj_web").await;
    let lifted = lift(admin, &made).await;
    assert_eq!((lifted.status, lifted.restoration), (BlockStatus::Lifted, Some(BlockRestoration::ProjectIdTaken)));
    assert_eq!(world.project_id().await, Value::Null);
    world.app.run_jobs().await;
    // A project that never had one is stopped and lifted all the same.
    let bare = project(admin, &world.team, "bare").await;
    let made = block(admin, "project", &bare).await;
    assert_eq!(made.openai_project_id, None);
    assert_eq!(lift(admin, &made).await.restoration, Some(BlockRestoration::Nothing));
}

#[tokio::test]
async fn an_admin_key_stops_its_team_and_is_used_again_after_the_lift() {
    let world = World::new().await;
    let (app, admin, key) = (&world.app, world.manager(), world.key().await);
    let batch = project(admin, &world.team, "batch").await;
    let elsewhere = project(admin, &team(admin, "other").await, "elsewhere").await;
    let path = format!("/api/teams/{}/admin-keys/{key}", world.team);
    let is_active = async || {
        let keys = admin.get(&format!("/api/teams/{}/admin-keys", world.team)).await.ok();
        keys["data"].as_array().unwrap().iter().find(|one| one["id"] == key.as_str()).unwrap()["isActive"].clone()
    };
    let made = block(admin, "admin_key", &key).await;
    assert!(made.target.name.starts_with("sk-admin-…"), "{}", made.target.name);
    assert_eq!(is_active().await, false);
    assert_eq!(in_force(app, &format!("WHERE project_id IN ('{}', '{batch}')", world.web)).await, 2);
    assert_eq!(in_force(app, &format!("WHERE project_id = '{elsewhere}'")).await, 0);
    assert_eq!(world.project_id().await, "proj_web", "its projects keep their ids");
    admin.send(Method::POST, &format!("{path}/activate")).await.problem(ErrorCode::BlockInForce);
    let of_project: Page<Block> = admin.get(&format!("/api/blocks?projectId={batch}")).await.read_as();
    assert_eq!(of_project.data.iter().map(|block| block.id).collect::<Vec<_>>(), [made.id]);
    assert_eq!(lift(admin, &made).await.restoration, Some(BlockRestoration::KeyActivated));
    assert_eq!(is_active().await, true);
    app.run_jobs().await;

    // The team has another key by the time of the lift: that one stays.
    let made = block(admin, "admin_key", &key).await;
    app.provider().add_key("org-alpha", "sk-admin-another-key-of-the-organization", None).unwrap();
    let other = register_key(admin, &world.team, "sk-admin-another-key-of-the-organization").await;
    assert_eq!(lift(admin, &made).await.restoration, Some(BlockRestoration::KeyReplaced));
    assert_eq!(is_active().await, false);
    // One that was not in use before is not afterwards.
    let made = block(admin, "admin_key", &key).await;
    assert_eq!(lift(admin, &made).await.restoration, Some(BlockRestoration::Nothing));
    assert_eq!(is_active().await, false);
    assert_ne!(other, key);
    app.run_jobs().await;
}

#[tokio::test]
async fn an_api_key_is_refused_on_every_replica_within_a_second() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let other = TestApp::builder().spawn_on(app.database.share()).await;
    let admin = &people.tenant_admin;
    let created = api_key(admin, None).await;
    let program = app.anonymous().with_token(&created.key);
    let replicas = [program.clone(), program.at(other.url())];
    for program in &replicas {
        program.get("/api/projects").await.ok();
    }
    // Asks until it is so. The first request that was sent later than that must be.
    let until = async |program: &Client, since: Instant, refused: bool| {
        loop {
            let late = since.elapsed() > SOON;
            let answer = program.get("/api/projects").await;
            if (answer.status == 403) == refused {
                return if refused { drop(answer.problem(ErrorCode::Blocked)) } else { drop(answer.ok()) };
            }
            assert!(!late, "{} after {:?}", answer.status, since.elapsed());
        }
    };
    let id = created.api_key.id.to_string();
    let made = block(admin, "api_key", &id).await;
    let since = Instant::now();
    for program in &replicas {
        until(program, since, true).await;
        let event = json!({"model": "gpt-4o", "promptTokens": 1});
        program.post("/api/usage/track", event).await.problem(ErrorCode::Blocked);
    }
    let state = admin.get(&format!("/api/api-keys/{id}")).await.ok()["state"].clone();
    assert_eq!(state, json!(ApiKeyState::Blocked));
    assert_eq!(in_force(&app, &format!("WHERE api_key_id = '{id}'")).await, 1);
    assert_eq!(lift(admin, &made).await.restoration, Some(BlockRestoration::Nothing));
    let since = Instant::now();
    for program in &replicas {
        until(program, since, false).await;
    }
    // Revoking ends it: there is nothing to lift any more.
    let made = block(admin, "api_key", &id).await;
    admin.delete(&format!("/api/api-keys/{id}")).await.status(204);
    let ended = get(admin, &made).await.block;
    assert_eq!(
        (ended.status, ended.ended, ended.target.deleted),
        (BlockStatus::Lifted, Some(BlockEnding::Deleted), true)
    );
    admin.post("/api/blocks", stop("api_key", &id)).await.problem(ErrorCode::NotFound);
}

#[tokio::test]
async fn at_once_there_is_one_block_and_one_lift() {
    let world = World::new().await;
    let (app, admin, second) = (&world.app, world.manager(), &world.people.admin);
    for _ in 0..4 {
        let make = async |client: &Client| client.post("/api/blocks", stop("project", &world.web)).await;
        let (a, b, c) = tokio::join!(make(admin), make(second), make(admin));
        let mut statuses = [a.status, b.status, c.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409], "{} {} {}", a.text, b.text, c.text);
        let made: Block = [a, b, c].into_iter().find(|answer| answer.status == 201).unwrap().read_as();
        let (one, other, again) = tokio::join!(act(admin, made.id, "lift"), act(second, made.id, "lift"), make(admin));
        let mut lifts = [one.status, other.status];
        lifts.sort_unstable();
        assert_eq!(lifts, [200, 409]);
        // The block that was asked for meanwhile came before the lift or after it; either way the project is as that says.
        let open: Page<Block> = admin.get("/api/blocks?status=active").await.read_as();
        assert_eq!(open.data.len(), usize::from(again.status == 201), "{}", again.text);
        let held = if again.status == 201 { Value::Null } else { json!("proj_web") };
        assert_eq!(world.project_id().await, held);
        for made in &open.data {
            lift(admin, made).await;
        }
        assert_eq!(world.project_id().await, "proj_web");
    }
    app.run_jobs().await;
}

#[tokio::test]
async fn a_throttle_is_the_guards_and_gives_way_to_a_stop() {
    let world = World::new().await;
    let (app, admin) = (&world.app, world.manager());
    world.allow_provider_stops().await;
    let throttle = json!({"target": {"type": "project", "id": world.web}, "mode": "throttle", "limitPerMinute": 60,
        "reason": "Slower"});
    let slow: Block = admin.post("/api/blocks", throttle.clone()).await.expect(201);
    assert_eq!((slow.limit_per_minute, slow.at_provider), (Some(60), false));
    assert_eq!(world.project_id().await, "proj_web", "it is still collected");
    assert_eq!(in_force(app, "WHERE mode = 'throttle' AND limit_per_minute = 60").await, 1);
    admin.post("/api/blocks", throttle).await.problem(ErrorCode::AlreadyBlocked);
    let mut request = stop("project", &world.web);
    request["atProvider"] = json!(false);
    let made: Block = admin.post("/api/blocks", request).await.expect(201);
    let replaced = get(admin, &slow).await.block;
    assert_eq!((replaced.status, replaced.ended), (BlockStatus::Lifted, Some(BlockEnding::Replaced)));
    assert_eq!((in_force(app, "").await, in_force(app, "WHERE mode = 'stop'").await), (1, 1));
    lift(admin, &made).await;
    // An API key that is slowed down is not refused here.
    let key = api_key(admin, None).await;
    let throttle = json!({"target": {"type": "api_key", "id": key.api_key.id}, "mode": "throttle", "limitPerMinute": 1,
        "reason": "Slower"});
    let slow: Block = admin.post("/api/blocks", throttle).await.expect(201);
    app.anonymous().with_token(&key.key).get("/api/projects").await.ok();
    lift(admin, &slow).await;
    app.run_jobs().await;
}

#[tokio::test]
async fn what_is_asked_for_must_make_sense_and_is_done_once() {
    let world = World::new().await;
    let admin = world.manager();
    let key = api_key(admin, None).await.api_key.id.to_string();
    let with = async |kind: &str, id: &str, change: Value| {
        let mut body = stop(kind, id);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        admin.post("/api/blocks", body).await
    };
    let web = world.web.as_str();
    with("project", web, json!({"limitPerMinute": 5})).await.field("/limitPerMinute", "unexpected");
    with("project", web, json!({"mode": "throttle"})).await.field("/limitPerMinute", "required");
    with("project", web, json!({"mode": "throttle", "limitPerMinute": 0})).await.field("/limitPerMinute", "range");
    for reason in ["", "  \n"] {
        with("project", web, json!({"reason": reason})).await.problem(ErrorCode::ValidationFailed);
    }
    with("project", web, json!({"reason": "x".repeat(1001)})).await.field("/reason", "length");
    with("project", web, json!({"alertId": Uuid::from_u128(7)})).await.field("/alertId", "unknown");
    with("project", web, json!({"atProvider": true})).await.field("/atProvider", "not_possible");
    with("api_key", &key, json!({"atProvider": true})).await.field("/atProvider", "not_possible");
    with("admin_key", web, json!({})).await.problem(ErrorCode::NotFound);
    assert_eq!(in_force(&world.app, "").await, 0);
    let once = admin.with_header("idempotency-key", "stop-web");
    let first = once.post("/api/blocks", stop("project", web)).await;
    let again = once.post("/api/blocks", stop("project", web)).await;
    assert_eq!((first.status(201), first.text.as_str()), (again.status(201), again.text.as_str()));
    lift(admin, &first.read_as()).await;
    world.app.run_jobs().await;
}

#[tokio::test]
async fn a_block_ends_with_what_it_stops_unless_a_second_person_must_say_so() {
    let world = World::new().await;
    let (app, admin) = (&world.app, world.manager());
    let (second, key) = (&world.people.admin, world.key().await);
    let made = block(admin, "project", &world.web).await;
    set(admin, true).await;
    admin.delete(&format!("/api/projects/{}", world.web)).await.problem(ErrorCode::BlockInForce);
    set(admin, false).await;
    admin.delete(&format!("/api/projects/{}", world.web)).await.status(204);
    let ended = get(admin, &made).await;
    assert_eq!((ended.block.status, ended.block.ended), (BlockStatus::Lifted, Some(BlockEnding::Deleted)));
    assert_eq!((ended.block.target.deleted, actions(&ended)), (true, vec!["block.create", "block.lift"]));
    assert_eq!(in_force(app, "").await, 0);
    admin.post("/api/blocks", stop("project", &world.web)).await.problem(ErrorCode::NotFound);
    let preview = json!({"target": {"type": "project", "id": world.web}});
    admin.post("/api/blocks/preview", preview).await.problem(ErrorCode::NotFound);

    // A request ends as well; with the team, its key's block does.
    set(admin, true).await;
    let asked = block(admin, "admin_key", &key).await;
    act(second, asked.id, "approve block").await.ok();
    let path = format!("/api/teams/{}", world.team);
    admin.delete(&format!("{path}/admin-keys/{key}")).await.problem(ErrorCode::BlockInForce);
    admin.delete(&path).await.problem(ErrorCode::BlockInForce);
    set(admin, false).await;
    admin.delete(&path).await.status(204);
    assert_eq!(get(admin, &asked).await.block.ended, Some(BlockEnding::Deleted));
    set(admin, true).await;
    let api = api_key(admin, None).await.api_key.id.to_string();
    let asked = block(admin, "api_key", &api).await;
    admin.delete(&format!("/api/api-keys/{api}")).await.status(204);
    let ended = get(admin, &asked).await.block;
    assert_eq!((ended.status, ended.ended), (BlockStatus::Declined, Some(BlockEnding::Deleted)));
    act(second, asked.id, "approve block").await.problem(ErrorCode::BlockSettled);
    app.run_jobs().await;
}

#[tokio::test]
async fn a_project_does_not_move_away_from_what_stops_it() {
    let world = World::new().await;
    let (app, admin, key) = (&world.app, world.manager(), world.key().await);
    let elsewhere = team_with_key(app, admin, "elsewhere", "org-alpha").await;
    let bare = project(admin, &world.team, "bare").await;
    let to = async |project: &str, team: &str| {
        admin.patch(&format!("/api/projects/{project}"), json!({"teamId": team})).await
    };
    let slow = |kind: &str, id: &str| json!({"target": {"type": kind, "id": id}, "mode": "throttle", "limitPerMinute": 1, "reason": "Slower"});
    for (kind, id, throttled) in [
        ("project", &bare, false),
        ("admin_key", &key, false),
        ("admin_key", &key, true),
        ("project", &world.web, false),
    ] {
        let body = if throttled { slow(kind, id) } else { stop(kind, id) };
        let made: Block = admin.post("/api/blocks", body).await.expect(201);
        let stopped = if id == &world.web { &world.web } else { &bare };
        to(stopped, &elsewhere).await.problem(ErrorCode::BlockInForce);
        // What else changes, changes.
        admin.patch(&format!("/api/projects/{stopped}"), json!({"name": "renamed", "teamId": world.team})).await.ok();
        admin.patch(&format!("/api/projects/{stopped}"), json!({"name": stopped})).await.ok();
        assert!(in_force(app, &format!("WHERE project_id = '{stopped}'")).await > 0);
        lift(admin, &made).await;
    }
    to(&bare, &elsewhere).await.ok();
    // A throttle of its own goes with it.
    let slowed: Block = admin.post("/api/blocks", slow("project", &bare)).await.expect(201);
    to(&bare, &world.team).await.ok();
    assert_eq!(in_force(app, &format!("WHERE block_id = '{}' AND project_id = '{bare}'", slowed.id)).await, 1);
    app.run_jobs().await;
}

#[tokio::test]
async fn blocks_are_listed_by_page_and_filter() {
    let world = World::new().await;
    let admin = world.manager();
    let other = team(admin, "other").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(block(admin, "project", &project(admin, &other, name).await).await);
    }
    let key = block(admin, "admin_key", &world.key().await).await;
    lift(admin, &ids[0]).await;
    let names = async |query: &str| {
        let page: Page<Block> = admin.get(&format!("/api/blocks?{query}")).await.read_as();
        page.data.into_iter().map(|block| block.target.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&format!("teamId={other}")).await, ["c", "b", "a"]);
    assert_eq!(names(&format!("teamId={other}&status=active")).await, ["c", "b"]);
    assert_eq!(names("status=lifted").await, ["a"]);
    assert_eq!(names("targetType=admin_key").await, [key.target.name]);
    assert_eq!(names(&format!("targetId={}", ids[1].target.id)).await, ["b"]);
    let first: Page<Block> = admin.get("/api/blocks?limit=3").await.read_as();
    let cursor = first.next_cursor.expect("a second page");
    assert_eq!(names(&format!("limit=3&cursor={cursor}")).await, ["a"]);
    admin.get("/api/blocks?status=nonsense").await.problem(ErrorCode::InvalidQuery);
    world.app.run_jobs().await;
}
