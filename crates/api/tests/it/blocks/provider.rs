//! Stops at the provider: spending really stops, what was there is put back exactly, and whatever goes wrong in between, it
//! ends where it is wanted.

use std::time::Duration;

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::blocks::{Block, BlockMode, BlockPreview, ProviderStop, ProviderStopMeans, ProviderStopState};
use finops_providers::{OpenAiClient, ProjectControls as _, RateLimitUpdate, SpendScope};
use finops_simulator::{Fault, FaultSpec, Limits, TruthQuery};
use rust_decimal::Decimal;
use serde_json::json;

use super::{World, actions, block, get, in_force, lift, stop};
use crate::support::costs::{project_with_id, register_key};

const SPEND_LIMIT: &str = "/v1/organization/projects/proj_web/spend_limit";
const RATE_LIMITS: &str = "/v1/organization/projects/proj_web/rate_limits*";

impl World {
    /// One whose team allows it.
    async fn strict() -> Self {
        let world = Self::new().await;
        world.allow_provider_stops().await;
        world
    }

    fn limits(&self, project: &str) -> Limits {
        self.app.provider().limits("org-alpha", project).expect("limits")
    }

    /// What was billed for a project today, as the provider's truth has it: days before still settle.
    fn billed(&self, project: &str) -> Decimal {
        let today = self.app.now().date_naive();
        let query = TruthQuery::new("org-alpha", today, today + chrono::Days::new(1));
        self.app.provider().truth(&TruthQuery { project: Some(project.into()), ..query }).expect("the truth").total
    }

    /// Somebody at the provider's own console.
    fn console(&self) -> OpenAiClient {
        let key = self.app.provider_key("org-alpha").into();
        self.app.state.providers.openai_interactive(key).expect("a client")
    }

    fn fail(&self, path: &str, fault: Fault) -> FaultSpec {
        let spec = FaultSpec::new(path, fault);
        self.app.provider().add_fault(spec.clone());
        spec
    }

    async fn stop_of(&self, block: &Block) -> ProviderStop {
        let [stop] = get(self.manager(), block).await.block.provider.try_into().expect("one Project ID");
        stop
    }
}

fn web() -> SpendScope {
    SpendScope::Project("proj_web".into())
}

/// Every number of every limit is this.
fn clamped_to(limits: &Limits, number: i64) -> bool {
    limits.rate_limits.values().flatten().flatten().all(|limit| *limit == number)
}

#[tokio::test]
async fn spending_stops_at_the_provider_and_goes_on_after_the_lift() {
    // The second is more than the month has cost: a limit that is reached would have stopped it before.
    for before in [None, Some(5_000_000)] {
        let world = World::strict().await;
        let (app, admin) = (&world.app, world.manager());
        if let Some(cents) = before {
            world.console().set_spend_limit(&web(), cents).await.unwrap();
        }
        let limits = world.limits("proj_web");
        let made = block(admin, "project", &world.web).await;
        assert!(made.at_provider);
        assert_eq!((made.provider[0].state, made.provider[0].wanted), (ProviderStopState::Clamping, true));
        app.run_jobs().await;
        let stop = world.stop_of(&made).await;
        assert_eq!((stop.state, stop.means), (ProviderStopState::Clamped, Some(ProviderStopMeans::SpendLimit)));
        assert_eq!(world.limits("proj_web").spend_limit_cents, Some(1));
        assert_eq!(world.limits("proj_web").stopped_since, Some(app.now()));
        app.advance(TimeDelta::hours(1));
        let (stopped, other) = (world.billed("proj_web"), world.billed("proj_batch"));
        app.advance(TimeDelta::hours(6));
        assert_eq!(world.billed("proj_web"), stopped, "nothing is billed any more");
        assert!(world.billed("proj_batch") > other, "its neighbour is");

        let lifted = lift(admin, &made).await;
        assert_eq!((lifted.provider[0].state, lifted.provider[0].wanted), (ProviderStopState::Restoring, false));
        app.run_jobs().await;
        let stop = world.stop_of(&made).await;
        assert_eq!((stop.state, stop.left_alone, stop.error_code), (ProviderStopState::Restored, 0, None));
        assert_eq!(world.limits("proj_web"), limits, "exactly as it was");
        app.advance(TimeDelta::hours(2));
        assert!(world.billed("proj_web") > stopped, "it goes on");
        let all = ["block.create", "block.provider_clamped", "block.lift", "block.provider_restored"];
        assert_eq!(actions(&get(admin, &made).await), all);
        assert_eq!(app.database.count("SELECT count(*) FROM provider_stop_limits").await, 0);
    }
}

#[tokio::test]
async fn an_account_without_spend_limits_has_its_rate_limits_clamped() {
    // The least that the provider takes is zero, or one.
    for refuses_zero in [false, true] {
        let world = World::strict().await;
        world.fail(SPEND_LIMIT, Fault::status(403));
        if refuses_zero {
            world.app.provider().add_fault(
                FaultSpec::new(&format!("{}/rl-gpt-5.4", &RATE_LIMITS[..RATE_LIMITS.len() - 1]), Fault::status(400))
                    .times(1),
            );
        }
        let odd = RateLimitUpdate { max_requests_per_1_minute: Some(7), ..RateLimitUpdate::default() };
        world.console().update_rate_limit("proj_web", "rl-gpt-4o", &odd).await.unwrap();
        let limits = world.limits("proj_web");
        let made = block(world.manager(), "project", &world.web).await;
        world.app.run_jobs().await;
        assert_eq!(world.stop_of(&made).await.means, Some(ProviderStopMeans::RateLimits));
        let clamped = world.limits("proj_web");
        let number = clamped.rate_limits["rl-gpt-5.4"][0];
        assert_eq!(number, Some(i64::from(refuses_zero)));
        assert!(refuses_zero || clamped_to(&clamped, 0));
        assert!(clamped.stopped_since.is_some() && clamped.spend_limit_cents.is_none());
        lift(world.manager(), &made).await;
        world.app.run_jobs().await;
        assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Restored);
        assert_eq!(world.limits("proj_web"), limits);
    }
}

#[tokio::test]
async fn while_the_provider_refuses_that_is_shown_and_tried_again() {
    let world = World::strict().await;
    let (app, admin) = (&world.app, world.manager());
    let limits = world.limits("proj_web");
    for (fault, code) in [(Fault::status(503), "unavailable"), (Fault::Html, "malformed")] {
        world.fail("/v1/organization/projects/proj_web/*", fault);
        let made = block(admin, "project", &world.web).await;
        app.run_jobs().await;
        let failed = world.stop_of(&made).await;
        assert_eq!((failed.state, failed.wanted), (ProviderStopState::Failed, true));
        assert_eq!((failed.error_code.as_deref(), failed.failures), (Some(code), 1));
        let korean = admin.with_header("accept-language", "ko");
        let shown = korean.get(&format!("/api/blocks/{}", made.id)).await.ok();
        assert!(shown["provider"][0]["error"].as_str().unwrap().contains("공급자"), "{shown}");
        world.retry().await;
        assert_eq!(world.stop_of(&made).await.failures, 2);
        app.provider().clear_faults();
        world.retry().await;
        let clamped = world.stop_of(&made).await;
        assert_eq!((clamped.state, clamped.failures, clamped.error), (ProviderStopState::Clamped, 0, None));

        world.fail("/v1/organization/projects/proj_web/*", Fault::status(503));
        lift(admin, &made).await;
        app.run_jobs().await;
        let failed = world.stop_of(&made).await;
        assert_eq!((failed.state, failed.wanted), (ProviderStopState::Failed, false));
        assert!(world.limits("proj_web").stopped_since.is_some(), "it is still stopped there");
        app.provider().clear_faults();
        world.retry().await;
        assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Restored);
        assert_eq!(world.limits("proj_web"), limits);
        let verbs = ["create", "provider_failed", "provider_clamped", "lift", "provider_failed", "provider_restored"];
        let all = verbs.map(|verb| format!("block.{verb}"));
        assert_eq!(actions(&get(admin, &made).await), all, "the same failure twice is said once");
    }
}

#[tokio::test]
async fn a_lift_before_or_half_way_through_the_clamp_ends_restored() {
    let world = World::strict().await;
    let (app, admin) = (&world.app, world.manager());
    let limits = world.limits("proj_web");
    // Before anything was done.
    let made = block(admin, "project", &world.web).await;
    lift(admin, &made).await;
    app.run_jobs().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Restored);
    assert_eq!(world.limits("proj_web"), limits);
    // With three limits clamped, and the provider gone.
    world.fail(SPEND_LIMIT, Fault::status(403));
    app.provider().add_fault(FaultSpec::new(RATE_LIMITS, Fault::status(503)).skip(4));
    let made = block(admin, "project", &world.web).await;
    app.run_jobs().await;
    assert_eq!(world.stop_of(&made).await.error_code.as_deref(), Some("unavailable"));
    let half = world.limits("proj_web");
    let zeros = half.rate_limits.values().filter(|limit| limit[0] == Some(0)).count();
    assert!(zeros == 3 && half.stopped_since.is_none(), "{half:?}");
    lift(admin, &made).await;
    app.run_jobs().await;
    app.provider().clear_faults();
    world.retry().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Restored);
    assert_eq!(world.limits("proj_web"), limits);
    // The job of the block looks once more, and finds everything where it is wanted.
    world.retry().await;
    assert_eq!(app.jobs("queued").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_is_followed_by_one_that_knows_as_much() {
    let world = World::strict().await;
    let (app, admin) = (&world.app, world.manager());
    let limits = world.limits("proj_web");
    // Works until it hangs in the fourth change of a limit, then is gone without a word.
    let kill_half_way = async || {
        app.provider().clear_faults();
        app.provider().clear_requests();
        world.fail(SPEND_LIMIT, Fault::status(403));
        app.provider().add_fault(
            FaultSpec::new(&format!("{}/rl-*", RATE_LIMITS.trim_end_matches('*')), Fault::Hang { seconds: 30.0 })
                .skip(3),
        );
        let changes = || app.provider().requests().iter().filter(|one| one.path.contains("/rl-")).count();
        let hangs = async {
            while changes() < 4 {
                tokio::task::yield_now().await;
            }
        };
        let worker = app.runner();
        tokio::select! {
            _ = worker.run_due() => panic!("it hangs"),
            waited = tokio::time::timeout(Duration::from_secs(20), hangs) => waited.expect("four changes"),
        }
        app.provider().clear_faults();
        world.fail(SPEND_LIMIT, Fault::status(403));
        assert_eq!(
            app.database.sql("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'").await,
            1
        );
    };
    let made = block(admin, "project", &world.web).await;
    kill_half_way().await;
    assert!(!clamped_to(&world.limits("proj_web"), 0), "half-way");
    world.retry().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Clamped);
    assert!(clamped_to(&world.limits("proj_web"), 0));
    lift(admin, &made).await;
    kill_half_way().await;
    assert_ne!(world.limits("proj_web"), limits, "half-way");
    world.retry().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Restored);
    assert_eq!(world.limits("proj_web"), limits);
}

#[tokio::test]
async fn an_admin_keys_block_stops_all_projects_of_the_team_with_the_key_that_it_took_away() {
    let world = World::strict().await;
    let (app, admin, key) = (&world.app, world.manager(), world.key().await);
    project_with_id(admin, &world.team, "batch", "proj_batch").await;
    let before = [world.limits("proj_web"), world.limits("proj_batch")];
    let made = block(admin, "admin_key", &key).await;
    app.run_jobs().await;
    let stops = get(admin, &made).await.block.provider;
    assert_eq!(
        stops.iter().map(|stop| stop.openai_project_id.as_str()).collect::<Vec<_>>(),
        ["proj_batch", "proj_web"]
    );
    assert!(stops.iter().all(|stop| stop.state == ProviderStopState::Clamped));
    assert!(["proj_web", "proj_batch"].iter().all(|id| world.limits(id).stopped_since.is_some()));
    // The key is what puts them back: it cannot be deleted before.
    let path = format!("/api/teams/{}/admin-keys/{key}", world.team);
    admin.delete(&path).await.problem(ErrorCode::BlockInForce);
    lift(admin, &made).await;
    admin.delete(&path).await.problem(ErrorCode::BlockInForce);
    app.run_jobs().await;
    assert_eq!([world.limits("proj_web"), world.limits("proj_batch")], before);
    admin.delete(&path).await.status(204);
}

#[tokio::test]
async fn what_two_blocks_hold_is_put_back_after_the_second() {
    let world = World::strict().await;
    let (app, admin, key) = (&world.app, world.manager(), world.key().await);
    let limits = world.limits("proj_web");
    let whole = block(admin, "admin_key", &key).await;
    app.run_jobs().await;
    let single = block(admin, "project", &world.web).await;
    app.run_jobs().await;
    lift(admin, &whole).await;
    app.run_jobs().await;
    let held = world.stop_of(&whole).await;
    assert_eq!((held.state, held.wanted), (ProviderStopState::Clamped, true), "the other block holds it");
    assert!(world.limits("proj_web").stopped_since.is_some());
    lift(admin, &single).await;
    app.run_jobs().await;
    for made in [&whole, &single] {
        assert_eq!(world.stop_of(made).await.state, ProviderStopState::Restored);
        assert!(actions(&get(admin, made).await).contains(&"block.provider_restored"));
    }
    assert_eq!(world.limits("proj_web"), limits);
    // What comes later is no longer theirs.
    let again = block(admin, "project", &world.web).await;
    app.run_jobs().await;
    assert_eq!(world.stop_of(&whole).await.state, ProviderStopState::Restored);
    assert_eq!(world.stop_of(&again).await.state, ProviderStopState::Clamped);
    lift(admin, &again).await;
    app.run_jobs().await;
    assert_eq!(world.limits("proj_web"), limits);
}

#[tokio::test]
async fn what_another_block_took_away_before_is_held_by_an_admin_keys_too() {
    let world = World::strict().await;
    let (app, admin, key) = (&world.app, world.manager(), world.key().await);
    let limits = world.limits("proj_web");
    let single = block(admin, "project", &world.web).await;
    app.run_jobs().await;
    let body = json!({"target": {"type": "admin_key", "id": key}});
    let seen: BlockPreview = admin.post("/api/blocks/preview", body).await.read_as();
    assert_eq!(seen.provider.openai_project_ids, ["proj_web"]);
    let whole = block(admin, "admin_key", &key).await;
    app.run_jobs().await;
    lift(admin, &single).await;
    app.run_jobs().await;
    assert_eq!(world.project_id().await, "proj_web", "it is the project's again");
    let held = world.stop_of(&whole).await;
    assert_eq!((held.state, held.wanted), (ProviderStopState::Clamped, true));
    assert!(world.limits("proj_web").stopped_since.is_some(), "and spends nothing, as all of the team");
    lift(admin, &whole).await;
    app.run_jobs().await;
    assert_eq!(world.limits("proj_web"), limits);

    // What stands for another team's project by now is none of this team's.
    let other = crate::support::costs::team_with_key(app, admin, "other", "org-alpha").await;
    let single = block(admin, "project", &world.web).await;
    project_with_id(admin, &other, "theirs", "proj_web").await;
    app.run_jobs().await;
    lift(admin, &single).await;
    let whole = block(admin, "admin_key", &key).await;
    app.run_jobs().await;
    assert_eq!(get(admin, &whole).await.block.provider, []);
    assert_eq!(world.limits("proj_web"), limits);
    lift(admin, &whole).await;
    app.run_jobs().await;
}

#[tokio::test]
async fn a_project_that_moves_while_its_team_is_being_stopped_is_stopped_with_it_or_gone() {
    let world = World::strict().await;
    let (app, admin, key) = (&world.app, world.manager(), world.key().await);
    let elsewhere = crate::support::costs::team_with_key(app, admin, "elsewhere", "org-alpha").await;
    let path = format!("/api/projects/{}", world.web);
    for _ in 0..6 {
        let (made, moved) =
            tokio::join!(block(admin, "admin_key", &key), admin.patch(&path, json!({"teamId": elsewhere})));
        let held = get(admin, &made).await.block.provider.len();
        match moved.status {
            200 => assert_eq!((held, in_force(app, "").await), (0, 0)),
            _ => {
                moved.problem(ErrorCode::BlockInForce);
                assert_eq!((held, in_force(app, "").await), (1, 1));
            }
        }
        lift(admin, &made).await;
        app.run_jobs().await;
        admin.patch(&path, json!({"teamId": world.team})).await.ok();
    }
    assert_eq!(world.limits("proj_web").spend_limit_cents, None);
}

#[tokio::test]
async fn limits_are_put_back_with_the_key_that_took_the_blocked_ones_place() {
    let world = World::strict().await;
    let (app, admin, key) = (&world.app, world.manager(), world.key().await);
    let limits = world.limits("proj_web");
    let made = block(admin, "admin_key", &key).await;
    app.run_jobs().await;
    assert!(world.limits("proj_web").stopped_since.is_some());
    // The leaked key is revoked at the provider, and a new one registered here.
    app.provider().revoke_key(&app.provider_key("org-alpha")).unwrap();
    app.provider().add_key("org-alpha", "sk-admin-another-key-of-the-organization", None).unwrap();
    register_key(admin, &world.team, "sk-admin-another-key-of-the-organization").await;
    lift(admin, &made).await;
    app.run_jobs().await;
    assert_eq!(world.stop_of(&made).await.error_code.as_deref(), Some("unauthorized"));
    world.retry().await;
    let stop = world.stop_of(&made).await;
    assert_eq!((stop.state, stop.error_code), (ProviderStopState::Restored, None));
    assert_eq!(world.limits("proj_web"), limits);
}

#[tokio::test]
async fn a_key_that_is_rotated_while_it_is_blocked_puts_back_what_the_former_one_clamped() {
    let world = World::strict().await;
    let (app, admin, key) = (&world.app, world.manager(), world.key().await);
    let limits = world.limits("proj_web");
    let made = block(admin, "admin_key", &key).await;
    app.run_jobs().await;
    app.provider().revoke_key(&app.provider_key("org-alpha")).unwrap();
    app.provider().add_key("org-alpha", "sk-admin-another-key-of-the-organization", None).unwrap();
    let body = json!({"key": "sk-admin-another-key-of-the-organization"});
    let path = format!("/api/teams/{}/admin-keys/{key}/rotate", world.team);
    let rotated = admin.post(&path, body).await.ok();
    assert_eq!(rotated["adminKey"]["isActive"], false, "it stays blocked: {rotated}");
    lift(admin, &made).await;
    app.run_jobs().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Restored);
    assert_eq!(world.limits("proj_web"), limits);
}

#[tokio::test]
async fn what_somebody_changed_there_meanwhile_is_left_alone() {
    let world = World::strict().await;
    let (app, admin) = (&world.app, world.manager());
    let made = block(admin, "project", &world.web).await;
    app.run_jobs().await;
    world.console().set_spend_limit(&web(), 7_000).await.unwrap();
    lift(admin, &made).await;
    app.run_jobs().await;
    let stop = world.stop_of(&made).await;
    assert_eq!((stop.state, stop.left_alone), (ProviderStopState::Restored, 1));
    assert_eq!(world.limits("proj_web").spend_limit_cents, Some(7_000));
}

#[tokio::test]
async fn a_key_that_is_refused_is_said_and_another_one_does_it() {
    let world = World::strict().await;
    let (app, admin, key) = (&world.app, world.manager(), world.key().await);
    app.provider().revoke_key(&app.provider_key("org-alpha")).unwrap();
    let made = block(admin, "project", &world.web).await;
    app.run_jobs().await;
    assert_eq!(world.stop_of(&made).await.error_code.as_deref(), Some("unauthorized"));
    // What it cannot put back does not keep it; then the team has none, then another.
    admin.delete(&format!("/api/teams/{}/admin-keys/{key}", world.team)).await.status(204);
    world.retry().await;
    assert_eq!(world.stop_of(&made).await.error_code.as_deref(), Some("admin_key_missing"));
    app.provider().add_key("org-alpha", "sk-admin-another-key-of-the-organization", None).unwrap();
    register_key(admin, &world.team, "sk-admin-another-key-of-the-organization").await;
    world.retry().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Clamped);
    lift(admin, &made).await;
    app.run_jobs().await;
    assert_eq!(world.limits("proj_web").spend_limit_cents, None);
}

#[tokio::test]
async fn the_provider_is_told_only_where_somebody_wants_that() {
    let world = World::strict().await;
    let (app, admin) = (&world.app, world.manager());
    let mut quiet = stop("project", &world.web);
    quiet["atProvider"] = json!(false);
    let made: Block = admin.post("/api/blocks", quiet).await.expect(201);
    app.provider().clear_requests();
    app.run_jobs().await;
    assert_eq!((made.at_provider, made.provider.len(), app.provider().requests().len()), (false, 0, 0));
    assert_eq!(made.mode, BlockMode::Stop);
    lift(admin, &made).await;
    app.run_jobs().await;
    // A project that is deleted while it is stopped there is let go.
    let limits = world.limits("proj_web");
    let made = block(admin, "project", &world.web).await;
    app.run_jobs().await;
    assert!(world.limits("proj_web").stopped_since.is_some());
    admin.delete(&format!("/api/projects/{}", world.web)).await.status(204);
    app.run_jobs().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Restored);
    assert_eq!(world.limits("proj_web"), limits);
    let body = json!({"target": {"type": "admin_key", "id": world.key().await}, "atProvider": false});
    let seen: BlockPreview = admin.post("/api/blocks/preview", body).await.read_as();
    assert!(seen.provider.allowed && !seen.provider.will_clamp);
}

#[tokio::test]
async fn one_limit_that_is_refused_keeps_no_other_from_its_place() {
    const REFUSED: &str = "rl-gpt-4o";
    let world = World::strict().await;
    let (app, admin) = (&world.app, world.manager());
    let limits = world.limits("proj_web");
    let refuse = || world.fail(&format!("{}/{REFUSED}", RATE_LIMITS.trim_end_matches('*')), Fault::status(403));
    let is_clamped = |id: &str| world.limits("proj_web").rate_limits[id].iter().flatten().all(|limit| *limit == 0);
    let others = || limits.rate_limits.keys().filter(|id| id.as_str() != REFUSED);
    assert!(others().count() > 1);
    world.fail(SPEND_LIMIT, Fault::status(403));
    refuse();
    let made = block(admin, "project", &world.web).await;
    app.run_jobs().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Failed);
    assert!(others().all(|id| is_clamped(id)) && !is_clamped(REFUSED));
    let failure = get(admin, &made).await.history[0].after.clone().expect("what failed");
    assert_eq!(failure["limits"], json!([REFUSED]));
    app.provider().clear_faults();
    world.fail(SPEND_LIMIT, Fault::status(403));
    app.provider().clear_requests();
    world.retry().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Clamped);
    assert!(is_clamped(REFUSED));
    let changed = app.provider().requests().iter().filter(|one| one.path.contains("/rl-")).count();
    assert_eq!(changed, 1, "what is clamped is not clamped again");

    refuse();
    lift(admin, &made).await;
    app.run_jobs().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Failed);
    let half = world.limits("proj_web");
    assert!(others().all(|id| half.rate_limits[id] == limits.rate_limits[id]) && is_clamped(REFUSED));
    app.provider().clear_faults();
    world.retry().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Restored);
    assert_eq!(world.limits("proj_web"), limits);
}

#[tokio::test]
async fn a_spend_limit_that_cannot_be_read_keeps_no_rate_limit_clamped() {
    let world = World::strict().await;
    let (app, admin) = (&world.app, world.manager());
    let limits = world.limits("proj_web");
    // It is read, and then refused.
    app.provider().add_fault(FaultSpec::new(SPEND_LIMIT, Fault::status(403)).skip(1));
    let made = block(admin, "project", &world.web).await;
    app.run_jobs().await;
    assert_eq!(world.stop_of(&made).await.means, Some(ProviderStopMeans::RateLimits));
    assert!(clamped_to(&world.limits("proj_web"), 0));
    app.provider().clear_faults();
    world.fail(SPEND_LIMIT, Fault::status(403));
    lift(admin, &made).await;
    app.run_jobs().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Failed);
    assert_eq!(world.limits("proj_web").rate_limits, limits.rate_limits);
    app.provider().clear_faults();
    world.retry().await;
    assert_eq!(world.stop_of(&made).await.state, ProviderStopState::Restored);
    assert_eq!(world.limits("proj_web"), limits);
}
