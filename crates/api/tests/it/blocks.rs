//! Blocks: what stops, who may, what is put back, and that all of it is on record.

mod automatic;
mod provider;
mod told;

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use finops_contract::api_keys::{ApiKeyState, CreatedApiKey};
use finops_contract::blocks::{
    Block, BlockDetail, BlockEnding, BlockPreview, BlockRestoration, BlockStatus, StillRuns,
};
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
    let path = format!("/api/blocks/{block}/{verb}");
    match verb {
        "approve" => client.send(Method::POST, &path).await,
        _ => client.post(&path, json!({"reason": format!("to {verb}")})).await,
    }
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
async fn who_may_stop_see_and_lift() {
    let world = World::new().await;
    let People { admin: platform, tenant_admin: admin, user, outsider } = &world.people;
    let key = world.key().await;
    let own = api_key_of(&world).await;
    let targets = [("project", world.web.as_str()), ("admin_key", key.as_str()), ("api_key", own.as_str())];
    let preview = async |client: &Client, kind: &str, id: &str| {
        client.post("/api/blocks/preview", json!({"target": {"type": kind, "id": id}})).await
    };
    // Who does not see it, is told that it is not there.
    for (kind, id) in targets {
        for stranger in [outsider, user] {
            preview(stranger, kind, id).await.problem(ErrorCode::NotFound);
            stranger.post("/api/blocks", stop(kind, id)).await.problem(ErrorCode::NotFound);
        }
        let missing = preview(outsider, kind, &Uuid::from_u128(7).to_string()).await.problem(ErrorCode::NotFound);
        assert_eq!(missing.detail, preview(outsider, kind, id).await.problem(ErrorCode::NotFound).detail);
    }
    // Who sees it may look.
    world.join(user).await;
    for (kind, id) in targets {
        let seen: BlockPreview = preview(user, kind, id).await.read_as();
        assert!(!seen.may_block, "{kind}");
        user.post("/api/blocks", stop(kind, id)).await.problem(ErrorCode::Forbidden);
    }
    // Who runs the organization, or the platform, stops and lifts.
    for by in [admin, &platform.with_header("x-organization-id", admin.organization())] {
        for (kind, id) in targets {
            assert!(preview(by, kind, id).await.read_as::<BlockPreview>().may_block);
            let made = block(by, kind, id).await;
            assert_eq!(made.requested_by.as_ref().map(|person| person.id), Some(by.id()));
            by.post("/api/blocks", stop(kind, id)).await.problem(ErrorCode::AlreadyBlocked);
            let shown = get(user, &made).await;
            assert!(!shown.block.may_lift && !shown.block.may_approve && shown.history.len() == 1);
            for verb in ["lift", "approve", "decline"] {
                act(user, made.id, verb).await.problem(ErrorCode::Forbidden);
                let theirs = act(outsider, made.id, verb).await.problem(ErrorCode::NotFound);
                let missing = act(outsider, Uuid::from_u128(7), verb).await.problem(ErrorCode::NotFound);
                assert_eq!(theirs.detail, missing.detail);
            }
            outsider.get(&format!("/api/blocks/{}", made.id)).await.problem(ErrorCode::NotFound);
            assert_eq!(outsider.get("/api/blocks").await.read_as::<Page<Block>>().data, []);
            act(admin, made.id, "approve").await.problem(ErrorCode::BlockSettled);
            act(admin, made.id, "decline").await.problem(ErrorCode::BlockSettled);
            lift(admin, &made).await;
        }
    }
    world.app.run_jobs().await;
}

/// An API key of an administrator's that is bound to the project.
async fn api_key_of(world: &World) -> String {
    api_key(world.manager(), Some(&world.web)).await.api_key.id.to_string()
}

#[tokio::test]
async fn whoever_made_an_api_key_stops_it_and_lifts_only_that() {
    let world = World::new().await;
    let user = &world.people.user;
    world.join(user).await;
    let own = api_key(user, Some(&world.web)).await;
    let id = own.api_key.id.to_string();
    let made = block(user, "api_key", &id).await;
    assert!(made.may_lift);
    // Having left the team, they still see what they made.
    world.manager().delete(&format!("/api/teams/{}/members/{}", world.team, user.id())).await.status(204);
    assert!(get(user, &made).await.block.may_lift);
    assert_eq!(lift(user, &made).await.status, BlockStatus::Lifted);
    let made = block(world.manager(), "api_key", &id).await;
    assert!(!get(user, &made).await.block.may_lift);
    act(user, made.id, "lift").await.problem(ErrorCode::Forbidden);
    lift(world.manager(), &made).await;
}

#[tokio::test]
async fn with_two_persons_neither_a_block_nor_a_lift_is_one_persons() {
    let world = World::new().await;
    let (app, admin) = (&world.app, world.manager());
    let second = &world.people.admin;
    set(admin, true).await;
    let seen: BlockPreview =
        admin.post("/api/blocks/preview", json!({"target": {"type": "project", "id": world.web}})).await.read_as();
    assert!(seen.needs_approval);
    let made = block(admin, "project", &world.web).await;
    assert_eq!((made.status, made.activated_at, made.may_approve), (BlockStatus::Requested, None, false));
    assert_eq!((in_force(app, "").await, world.project_id().await), (0, json!("proj_web")), "nothing is stopped yet");
    admin.post("/api/blocks", stop("project", &world.web)).await.problem(ErrorCode::AlreadyBlocked);
    act(admin, made.id, "approve").await.problem(ErrorCode::SecondPersonNeeded);
    act(admin, made.id, "lift").await.problem(ErrorCode::BlockSettled);
    assert!(get(second, &made).await.block.may_approve);
    let approved: Block = act(second, made.id, "approve").await.read_as();
    assert_eq!(approved.status, BlockStatus::Active);
    assert_eq!(approved.decided_by.as_ref().map(|person| person.id), Some(second.id()));
    assert_eq!((in_force(app, "").await, world.project_id().await), (1, Value::Null));
    act(second, made.id, "approve").await.problem(ErrorCode::BlockSettled);

    let asked = lift(admin, &made).await;
    assert_eq!((asked.status, asked.may_lift), (BlockStatus::Active, false));
    assert_eq!(asked.lift_request.as_ref().map(|request| request.reason.as_str()), Some("to lift"));
    act(admin, made.id, "approve").await.problem(ErrorCode::SecondPersonNeeded);
    act(second, made.id, "lift").await.problem(ErrorCode::BlockSettled);
    let declined: Block = act(second, made.id, "decline").await.read_as();
    assert_eq!((declined.status, declined.lift_request), (BlockStatus::Active, None));
    assert_eq!(in_force(app, "").await, 1, "it stays in force");
    lift(second, &made).await;
    let lifted: Block = act(admin, made.id, "approve").await.read_as();
    assert_eq!((lifted.status, lifted.lift_reason.as_deref()), (BlockStatus::Lifted, Some("to lift")));
    assert_eq!((in_force(app, "").await, world.project_id().await), (0, json!("proj_web")));
    let detail = get(admin, &made).await;
    let all = ["create", "approve", "request_lift", "decline_lift", "request_lift", "lift"]
        .map(|verb| format!("block.{verb}"));
    assert_eq!(actions(&detail), all);

    // What was asked for is taken back by who asked, or declined by another.
    for by in [admin, second] {
        let made = block(admin, "project", &world.web).await;
        let declined: Block = act(by, made.id, "decline").await.read_as();
        assert_eq!((declined.status, declined.ended), (BlockStatus::Declined, Some(BlockEnding::Lifted)));
        act(second, made.id, "approve").await.problem(ErrorCode::BlockSettled);
    }
    // Once one is enough again, what waits waits for anybody.
    let made = block(admin, "project", &world.web).await;
    set(admin, false).await;
    assert!(get(admin, &made).await.block.may_approve);
    assert_eq!(act(admin, made.id, "approve").await.read_as::<Block>().status, BlockStatus::Active);
    assert_eq!(lift(admin, &made).await.status, BlockStatus::Lifted);
    app.run_jobs().await;
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
    act(second, asked.id, "approve").await.ok();
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
    act(second, asked.id, "approve").await.problem(ErrorCode::BlockSettled);
    app.run_jobs().await;
}

#[tokio::test]
async fn the_preview_says_what_stops_and_what_does_not() {
    let world = World::new().await;
    let (app, admin) = (&world.app, world.manager());
    let key = api_key(admin, Some(&world.web)).await;
    let program = app.anonymous().with_token(&key.key);
    // 2.5 dollars a million of input tokens.
    let call = |hours: i64, service: &str| {
        json!({"projectId": world.web, "provider": "openai", "model": "gpt-4o", "promptTokens": 400_000,
            "completionTokens": 0, "service": service, "timestamp": app.now() - TimeDelta::hours(hours)})
    };
    for (hours, service) in [(1, "chatbot"), (2, "chatbot"), (30, "chatbot"), (50, "tutor-svc"), (24 * 20, "old-svc")] {
        program.post("/api/usage/track", call(hours, service)).await.status(201);
    }
    program
        .post("/api/usage/track", json!({"projectId": world.web, "model": "nobody-knows-it", "promptTokens": 1}))
        .await;
    let of = async |kind: &str, id: &str, change: Value| {
        let mut body = json!({"target": {"type": kind, "id": id}});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        admin.post("/api/blocks/preview", body).await
    };
    let seen: BlockPreview = of("project", &world.web, json!({})).await.read_as();
    let figures = |usage: &finops_contract::blocks::BlockedUsage| (usage.calls, usage.cost.to_string(), usage.unpriced);
    assert_eq!(figures(&seen.day), (3, "2.000000".into(), 1));
    assert_eq!(figures(&seen.week), (5, "4.000000".into(), 1));
    let [project] = &seen.projects[..] else { panic!("one project") };
    let services: Vec<_> = project.services.iter().map(|one| (one.name.as_str(), one.calls)).collect();
    assert_eq!(services, [("chatbot", 3), ("old-svc", 1), ("tutor-svc", 1)]);
    let keys: Vec<_> = seen.api_keys.iter().map(|one| (one.id, one.calls, one.refused)).collect();
    assert_eq!(keys, [(key.api_key.id, 6, false)]);
    assert!(!seen.provider.allowed && !seen.provider.will_clamp && seen.provider.means.is_empty());
    let codes = |seen: &BlockPreview| seen.not_stopped.iter().map(|one| one.code).collect::<Vec<_>>();
    assert_eq!(codes(&seen), [StillRuns::ProviderKeys, StillRuns::Unguarded, StillRuns::Reports]);
    assert!(seen.may_block && !seen.needs_approval && seen.block_id.is_none());
    assert!(seen.lifted_by.iter().any(|person| person.id == admin.id()));
    of("project", &world.web, json!({"atProvider": true})).await.field("/atProvider", "not_possible");

    world.allow_provider_stops().await;
    let batch = crate::support::costs::project(admin, &world.team, "batch").await;
    let seen: BlockPreview = of("admin_key", &world.key().await, json!({})).await.read_as();
    assert_eq!(seen.projects.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["web", "batch"]);
    assert_eq!(figures(&seen.week), (5, "4.000000".into(), 1));
    assert!(seen.provider.allowed && seen.provider.will_clamp);
    assert_eq!(seen.provider.openai_project_ids, ["proj_web"]);
    let all = [StillRuns::LeastLimit, StillRuns::NoProjectId, StillRuns::OtherProviders, StillRuns::Reports];
    assert_eq!(codes(&seen), all);
    let seen: BlockPreview = of("project", &batch, json!({"mode": "throttle"})).await.read_as();
    assert!(!seen.provider.will_clamp && codes(&seen).contains(&StillRuns::WithinLimit));
    let seen: BlockPreview = of("api_key", &key.api_key.id.to_string(), json!({})).await.read_as();
    assert_eq!((figures(&seen.week).0, seen.projects[0].id.to_string()), (5, world.web.clone()));
    assert!(seen.api_keys[0].refused);
    // Asking changed nothing, and a member is shown nobody else's keys.
    assert_eq!(app.database.count("SELECT count(*) FROM blocks").await, 0);
    world.join(&world.people.user).await;
    let body = json!({"target": {"type": "project", "id": world.web}});
    let seen: BlockPreview = world.people.user.post("/api/blocks/preview", body).await.read_as();
    assert!(!seen.may_block && seen.api_keys.is_empty());
    assert!(seen.people.iter().any(|person| person.id == world.people.user.id()));
    let made = block(admin, "project", &batch).await;
    let seen: BlockPreview = of("project", &batch, json!({})).await.read_as();
    assert_eq!(seen.block_id, Some(made.id));
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
