//! Stops that a budget makes: whose spending stops, once, at once, and lifted by an administrator alone.

use finops_api::features::blocks::{BudgetStop, stop_for_budget};
use finops_api::features::costs::Spender;
use finops_api::platform::db::OrganizationId;
use finops_contract::ErrorCode;
use finops_contract::blocks::{Block, BlockCause, BlockDetail, BlockEnding, BlockMode, BlockStatus};
use finops_contract::projects::Environment;
use serde_json::json;
use uuid::Uuid;

use super::{World, act, actions, block, get, in_force, lift, set, stop};
use crate::support::client::Client;
use crate::support::costs::{project, team};

/// Stops whose spending a budget of the organization is about, as whoever notices a crossing does.
async fn crossed(world: &World, spender: Spender) -> Vec<Uuid> {
    let budget = json!({"name": "Budget", "scope": {"type": "organization"}, "amount": "100", "period": "monthly"});
    let budget = world.manager().post("/api/budgets", budget).await.ok()["id"].as_str().unwrap().parse().unwrap();
    let cause = BudgetStop {
        budget_id: budget,
        alert_id: None,
        spender,
        reasons: ["100달러 중 100달러를 썼어요".into(), "100 of 100 dollars are spent".into()],
    };
    let organization = OrganizationId(world.manager().organization());
    let mut tx = world.app.db().background().tenant(organization).await.unwrap();
    let blocks = stop_for_budget(&world.app.state, &mut tx, organization, &cause).await.expect("stopped");
    tx.commit().await.unwrap();
    blocks.made
}

async fn targets(client: &Client, blocks: &[Uuid]) -> Vec<String> {
    let mut all = Vec::new();
    for block in blocks {
        let detail: BlockDetail = client.get(&format!("/api/blocks/{block}")).await.read_as();
        assert_eq!((detail.block.cause, detail.block.mode), (BlockCause::Budget, BlockMode::Stop));
        assert_eq!((detail.block.status, &detail.block.requested_by), (BlockStatus::Active, &None));
        let entry = detail.history.last().unwrap();
        assert_eq!((entry.actor.kind.as_str(), entry.actor.name.as_str()), ("system", "budgets"));
        // In the reader's language.
        for (language, reason) in [("ko", "100달러 중 100달러를 썼어요"), ("en", "100 of 100 dollars are spent")]
        {
            let reader = client.with_header("accept-language", language);
            let seen: BlockDetail = reader.get(&format!("/api/blocks/{block}")).await.read_as();
            assert_eq!(seen.block.reason, reason);
        }
        all.push(detail.block.target.id.to_string());
    }
    all.sort();
    all
}

fn sorted<const N: usize>(mut ids: [&str; N]) -> Vec<String> {
    ids.sort_unstable();
    ids.map(str::to_owned).into()
}

#[tokio::test]
async fn what_a_budget_says_is_for_who_sees_the_budget() {
    let world = World::new().await;
    let (admin, user) = (world.manager(), &world.people.user.with_header("accept-language", "en"));
    admin.send(reqwest::Method::PUT, &format!("/api/projects/{}/members/{}", world.web, user.id())).await.ok();
    // The team's is nothing that somebody of one project sees, though its stop is.
    let body = |scope: serde_json::Value| {
        json!({"name": "Budget", "scope": scope, "amount": "10", "period": "monthly", "enforcement": "hard",
            "alerts": [{"threshold": 100, "type": "block"}]})
    };
    let call = json!({"projectId": world.web, "provider": "openai", "model": "gpt-4o", "promptTokens": 4_800_000,
        "completionTokens": 0, "timestamp": "2026-03-20T09:00:00Z"});
    admin.post("/api/usage/track", call).await.ok();
    for (scope, is_seen) in [
        (json!({"type": "team", "id": world.team}), false),
        (json!({"type": "organization"}), false),
        (json!({"type": "project", "id": world.web}), true),
    ] {
        let budget = admin.post("/api/budgets", body(scope)).await.status(201)["id"].clone();
        world.app.runner().reconcile().await;
        let stopped: finops_contract::Page<Block> =
            user.get(&format!("/api/blocks?status=active&projectId={}", world.web)).await.read_as();
        let [block] = stopped.data.try_into().expect("one block");
        let detail: BlockDetail = user.get(&format!("/api/blocks/{}", block.id)).await.read_as();
        assert_eq!(detail.block, block);
        assert_eq!((block.budget_id.is_some(), block.alert_id.is_some()), (is_seen, is_seen));
        assert_eq!((block.reason.contains("$10"), !detail.history.is_empty()), (is_seen, is_seen), "{block:?}");
        if is_seen {
            assert_eq!(detail.history[0].reason.as_ref(), Some(&block.reason), "in the reader's language");
        }
        let whole: BlockDetail = admin.get(&format!("/api/blocks/{}", block.id)).await.read_as();
        assert!(whole.block.reason.contains("$10") && whole.block.budget_id.is_some(), "{whole:?}");
        admin.delete(&format!("/api/budgets/{}", budget.as_str().expect("an id"))).await;
        lift(admin, &block).await;
        world.app.run_jobs().await;
    }
}

#[tokio::test]
async fn whose_spending_stops() {
    let world = World::new().await;
    let admin = world.manager();
    let keyless = team(admin, "keyless").await;
    let (one, other) = (project(admin, &keyless, "one").await, project(admin, &keyless, "other").await);
    let ci = json!({"teamId": keyless, "name": "ci", "environment": "ci"});
    let ci = admin.post("/api/projects", ci).await.ok()["id"].as_str().unwrap().to_owned();
    let (key, id) = (world.key().await, |text: &str| text.parse::<Uuid>().unwrap());
    for nobody in [Spender::Service("chatbot".into()), Spender::Learner("kim".into())] {
        assert_eq!(crossed(&world, nobody).await, Vec::<Uuid>::new(), "the guard alone refuses");
    }
    let stopped = crossed(&world, Spender::Project(id(&world.web))).await;
    assert_eq!(targets(admin, &stopped).await, sorted([&world.web]));
    assert_eq!(world.project_id().await, json!(null));
    assert_eq!(crossed(&world, Spender::Project(id(&world.web))).await, Vec::<Uuid>::new(), "it is stopped already");
    let stopped = crossed(&world, Spender::Environment(Environment::Ci)).await;
    assert_eq!(targets(admin, &stopped).await, sorted([&ci]));
    let stopped = crossed(&world, Spender::Team(id(&world.team))).await;
    assert_eq!(targets(admin, &stopped).await, sorted([&key]));
    assert_eq!(crossed(&world, Spender::Team(id(&world.team))).await, Vec::<Uuid>::new());
    let stopped = crossed(&world, Spender::Team(id(&keyless))).await;
    assert_eq!(targets(admin, &stopped).await, sorted([&one, &other]), "a team without a key, by its projects");
    assert_eq!(crossed(&world, Spender::Organization).await, Vec::<Uuid>::new());
    // A project that is gone is not stopped.
    assert_eq!(crossed(&world, Spender::Project(Uuid::from_u128(7))).await, Vec::<Uuid>::new());
    world.app.run_jobs().await;
}

#[tokio::test]
async fn a_budgets_stop_is_lifted_by_an_administrator_alone() {
    let world = World::new().await;
    let user = &world.people.user;
    world.join(user).await;
    let stopped = crossed(&world, Spender::Organization).await;
    let [id] = stopped[..] else { panic!("one project") };
    let shown: BlockDetail = user.get(&format!("/api/blocks/{id}")).await.read_as();
    assert!(!shown.block.may_lift);
    act(user, id, "lift").await.problem(ErrorCode::Forbidden);
    let lifted: Block = act(world.manager(), id, "lift").await.read_as();
    assert_eq!((lifted.status, world.project_id().await), (BlockStatus::Lifted, json!("proj_web")));
    // It never waits for a second person, but its lift does.
    set(world.manager(), true).await;
    let stopped = crossed(&world, Spender::Project(world.web.parse().unwrap())).await;
    let [id] = stopped[..] else { panic!("one project") };
    assert_eq!(in_force(&world.app, "").await, 1);
    let asked: Block = act(world.manager(), id, "lift").await.read_as();
    assert!(asked.lift_request.is_some());
    assert_eq!(act(&world.people.admin, id, "approve lift").await.read_as::<Block>().status, BlockStatus::Lifted);
    world.app.run_jobs().await;
}

#[tokio::test]
async fn what_only_slows_down_or_waits_gives_way_to_a_budgets_stop() {
    let world = World::new().await;
    let admin = world.manager();
    let spender = || Spender::Project(world.web.parse().unwrap());
    let mut slow = stop("project", &world.web);
    slow["mode"] = json!("throttle");
    slow["limitPerMinute"] = json!(10);
    let slow: Block = admin.post("/api/blocks", slow).await.expect(201);
    let stopped = crossed(&world, spender()).await;
    let slow = get(admin, &slow).await;
    assert_eq!((slow.block.status, slow.block.ended), (BlockStatus::Lifted, Some(BlockEnding::Replaced)));
    assert_eq!(slow.history[0].actor.kind, "system");
    let made: BlockDetail = admin.get(&format!("/api/blocks/{}", stopped[0])).await.read_as();
    lift(admin, &made.block).await;
    set(admin, true).await;
    let asked = block(admin, "project", &world.web).await;
    assert_eq!(asked.status, BlockStatus::Requested);
    crossed(&world, spender()).await;
    let asked = get(admin, &asked).await;
    assert_eq!((asked.block.status, asked.block.ended), (BlockStatus::Declined, Some(BlockEnding::Replaced)));
    assert_eq!(actions(&asked), ["block.create", "block.decline"]);
    assert_eq!(in_force(&world.app, "WHERE mode = 'stop'").await, 1);
    world.app.run_jobs().await;
}
