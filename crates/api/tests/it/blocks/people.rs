//! Who may stop, see, approve and lift.

use finops_contract::ErrorCode;
use finops_contract::Page;
use finops_contract::blocks::{Block, BlockDetail, BlockEnding, BlockPreview, BlockStatus};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{World, act, actions, api_key, block, get, in_force, lift, set, stop};
use crate::support::client::Client;
use crate::support::people::People;

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
            for verb in ["lift", "approve block", "decline block"] {
                act(user, made.id, verb).await.problem(ErrorCode::Forbidden);
                let theirs = act(outsider, made.id, verb).await.problem(ErrorCode::NotFound);
                let missing = act(outsider, Uuid::from_u128(7), verb).await.problem(ErrorCode::NotFound);
                assert_eq!(theirs.detail, missing.detail);
            }
            outsider.get(&format!("/api/blocks/{}", made.id)).await.problem(ErrorCode::NotFound);
            assert_eq!(outsider.get("/api/blocks").await.read_as::<Page<Block>>().data, []);
            act(admin, made.id, "approve block").await.problem(ErrorCode::BlockSettled);
            act(admin, made.id, "decline block").await.problem(ErrorCode::BlockSettled);
            lift(admin, &made).await;
        }
    }
    world.app.run_jobs().await;
}

#[tokio::test]
async fn who_sees_a_project_sees_that_its_teams_key_stops_it_and_no_more() {
    let world = World::new().await;
    let (admin, user) = (world.manager(), &world.people.user);
    let made = block(admin, "admin_key", &world.key().await).await;
    let path = format!("/api/blocks/{}", made.id);
    user.get(&path).await.problem(ErrorCode::NotFound);
    admin.send(Method::PUT, &format!("/api/projects/{}/members/{}", world.web, user.id())).await.ok();
    let seen: BlockDetail = user.get(&path).await.read_as();
    assert_eq!(seen.block.status, BlockStatus::Active);
    assert_eq!(Some(&seen.block.target.name), seen.block.team.as_ref().map(|team| &team.name), "not the key");
    assert!(seen.history.is_empty() && seen.block.provider.is_empty() && !seen.block.may_lift);
    let listed: Page<Block> = user.get(&format!("/api/blocks?status=active&projectId={}", world.web)).await.read_as();
    assert_eq!(listed.data, [seen.block]);
    let whole: BlockDetail = admin.get(&path).await.read_as();
    assert!(whole.block.target.name.contains('…') && !whole.history.is_empty());
    // Of another project of the team they are told, too: it is stopped by the same key; of none where they see none.
    admin.send(Method::DELETE, &format!("/api/projects/{}/members/{}", world.web, user.id())).await;
    user.get(&path).await.problem(ErrorCode::NotFound);
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
    act(admin, made.id, "approve block").await.problem(ErrorCode::SecondPersonNeeded);
    act(admin, made.id, "lift").await.problem(ErrorCode::BlockSettled);
    assert!(get(second, &made).await.block.may_approve);
    let approved: Block = act(second, made.id, "approve block").await.read_as();
    assert_eq!(approved.status, BlockStatus::Active);
    assert_eq!(approved.decided_by.as_ref().map(|person| person.id), Some(second.id()));
    assert_eq!((in_force(app, "").await, world.project_id().await), (1, Value::Null));
    act(second, made.id, "approve block").await.problem(ErrorCode::BlockSettled);

    let asked = lift(admin, &made).await;
    assert_eq!((asked.status, asked.may_lift), (BlockStatus::Active, false));
    assert_eq!(asked.lift_request.as_ref().map(|request| request.reason.as_str()), Some("to lift"));
    act(admin, made.id, "approve lift").await.problem(ErrorCode::SecondPersonNeeded);
    act(second, made.id, "lift").await.problem(ErrorCode::BlockSettled);
    act(second, made.id, "approve block").await.problem(ErrorCode::BlockSettled);
    act(second, made.id, "decline block").await.problem(ErrorCode::BlockSettled);
    assert_eq!(in_force(app, "").await, 1, "who answers the question of before lifts nothing");
    let declined: Block = act(second, made.id, "decline lift").await.read_as();
    assert_eq!((declined.status, declined.lift_request), (BlockStatus::Active, None));
    assert_eq!(in_force(app, "").await, 1, "it stays in force");
    lift(second, &made).await;
    let lifted: Block = act(admin, made.id, "approve lift").await.read_as();
    assert_eq!((lifted.status, lifted.lift_reason.as_deref()), (BlockStatus::Lifted, Some("to lift")));
    assert_eq!((in_force(app, "").await, world.project_id().await), (0, json!("proj_web")));
    let detail = get(admin, &made).await;
    let all = ["create", "approve", "request_lift", "decline_lift", "request_lift", "lift"]
        .map(|verb| format!("block.{verb}"));
    assert_eq!(actions(&detail), all);

    // What was asked for is taken back by who asked, or declined by another.
    for by in [admin, second] {
        let made = block(admin, "project", &world.web).await;
        let declined: Block = act(by, made.id, "decline block").await.read_as();
        assert_eq!((declined.status, declined.ended), (BlockStatus::Declined, Some(BlockEnding::Lifted)));
        act(second, made.id, "approve block").await.problem(ErrorCode::BlockSettled);
    }
    // Once one is enough again, what waits waits for anybody.
    let made = block(admin, "project", &world.web).await;
    set(admin, false).await;
    assert!(get(admin, &made).await.block.may_approve);
    assert_eq!(act(admin, made.id, "approve block").await.read_as::<Block>().status, BlockStatus::Active);
    assert_eq!(lift(admin, &made).await.status, BlockStatus::Lifted);
    app.run_jobs().await;
}

#[tokio::test]
async fn nobody_gets_rid_of_anothers_throttle_by_stopping_it_themselves() {
    let world = World::new().await;
    let (app, admin, user) = (&world.app, world.manager(), &world.people.user);
    world.join(user).await;
    let own = api_key(user, Some(&world.web)).await.api_key.id.to_string();
    let mut throttle = stop("api_key", &own);
    (throttle["mode"], throttle["limitPerMinute"]) = (json!("throttle"), json!(1));
    let slow: Block = admin.post("/api/blocks", throttle.clone()).await.expect(201);
    assert!(!get(user, &slow).await.block.may_lift);
    user.post("/api/blocks", stop("api_key", &own)).await.problem(ErrorCode::AlreadyBlocked);
    assert_eq!(in_force(app, &format!("WHERE block_id = '{}'", slow.id)).await, 1, "it is still slowed down");
    // Who may lift it, may replace it.
    let made = block(admin, "api_key", &own).await;
    assert_eq!(get(admin, &slow).await.block.ended, Some(BlockEnding::Replaced));
    lift(admin, &made).await;
    let slow: Block = user.post("/api/blocks", throttle).await.expect(201);
    let made = block(user, "api_key", &own).await;
    assert_eq!(get(user, &slow).await.block.ended, Some(BlockEnding::Replaced));
    assert_eq!(lift(user, &made).await.status, BlockStatus::Lifted);
}

#[tokio::test]
async fn one_person_is_one_person_in_two_sessions_and_programs_decide_nothing() {
    let world = World::new().await;
    let (app, admin, user) = (&world.app, world.manager(), &world.people.user);
    world.join(user).await;
    set(admin, true).await;
    let made = block(admin, "project", &world.web).await;
    let again = app.sign_in("tenant-admin@example.com").await;
    assert_eq!(again.id(), admin.id());
    let program = app.anonymous().with_token(&api_key(admin, None).await.key);
    act(&again, made.id, "approve block").await.problem(ErrorCode::SecondPersonNeeded);
    for verb in ["approve block", "decline block", "lift"] {
        let refused = act(&program, made.id, verb).await;
        assert!([401, 403].contains(&refused.status), "{verb}: {}", refused.text);
        act(user, made.id, verb).await.problem(ErrorCode::Forbidden);
    }
    assert!(!get(&again, &made).await.block.may_approve);
    // Of two who approve at once one does, and nothing is done twice.
    let second = &world.people.admin;
    let (one, other) = tokio::join!(act(second, made.id, "approve block"), act(second, made.id, "approve block"));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.text, other.text);
    assert_eq!(actions(&get(admin, &made).await), ["block.create", "block.approve"]);
    // So of who approves and who declines the lift.
    lift(&again, &made).await;
    act(admin, made.id, "approve lift").await.problem(ErrorCode::SecondPersonNeeded);
    let (one, other) = tokio::join!(act(second, made.id, "approve lift"), act(admin, made.id, "decline lift"));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.text, other.text);
    let after = get(admin, &made).await;
    let lifted = after.block.status == BlockStatus::Lifted;
    assert_eq!(lifted, one.status == 200);
    let who = after.history[0].actor.id;
    assert_eq!(who, Some(if lifted { second.id() } else { admin.id() }), "it is on record who");
    assert_eq!(in_force(app, "").await, i64::from(!lifted));
    app.run_jobs().await;
}

#[tokio::test]
async fn what_is_slowed_down_can_be_stopped_by_two() {
    let world = World::new().await;
    let (app, admin, second) = (&world.app, world.manager(), &world.people.admin);
    let mut throttle = stop("project", &world.web);
    (throttle["mode"], throttle["limitPerMinute"]) = (json!("throttle"), json!(1));
    let slow: Block = admin.post("/api/blocks", throttle.clone()).await.expect(201);
    set(admin, true).await;
    let open = async |mode: &str| {
        let asked = json!({"target": {"type": "project", "id": world.web}, "mode": mode});
        admin.post("/api/blocks/preview", asked).await.read_as::<BlockPreview>().block_id
    };
    assert_eq!((open("stop").await, open("throttle").await), (None, Some(slow.id)));
    let made = block(admin, "project", &world.web).await;
    assert_eq!(made.status, BlockStatus::Requested);
    assert_eq!(open("stop").await, Some(made.id));
    for another in [stop("project", &world.web), throttle.clone()] {
        admin.post("/api/blocks", another).await.problem(ErrorCode::AlreadyBlocked);
    }
    let of = async |block: &Block| in_force(app, &format!("WHERE block_id = '{}'", block.id)).await;
    assert_eq!((of(&slow).await, of(&made).await), (1, 0), "it is slowed down until somebody else has approved");
    // Each is decided about by itself.
    act(admin, slow.id, "lift").await.ok();
    act(second, made.id, "decline block").await.ok();
    act(second, slow.id, "decline lift").await.ok();
    assert_eq!(get(admin, &slow).await.block.status, BlockStatus::Active);
    let made = block(admin, "project", &world.web).await;
    act(second, made.id, "approve block").await.ok();
    assert_eq!((of(&slow).await, of(&made).await), (0, 1));
    assert_eq!(get(admin, &slow).await.block.ended, Some(BlockEnding::Replaced));
    assert_eq!(world.project_id().await, Value::Null);
    act(admin, made.id, "lift").await.ok();
    act(second, made.id, "approve lift").await.ok();
    assert_eq!(
        (in_force(app, "").await, world.project_id().await),
        (0, json!("proj_web")),
        "the throttle does not come back"
    );
    // With the project both end.
    set(admin, false).await;
    let slow: Block = admin.post("/api/blocks", throttle).await.expect(201);
    set(admin, true).await;
    let made = block(admin, "project", &world.web).await;
    admin.delete(&format!("/api/projects/{}", world.web)).await.status(204);
    for (block, status) in [(&slow, BlockStatus::Lifted), (&made, BlockStatus::Declined)] {
        let block = get(admin, block).await.block;
        assert_eq!((block.status, block.ended), (status, Some(BlockEnding::Deleted)));
    }
}
