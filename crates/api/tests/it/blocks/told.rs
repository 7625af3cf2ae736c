//! Who hears of a block, and what they are told.

use finops_contract::ErrorCode;
use finops_contract::blocks::Block;
use finops_simulator::{Channel, Fault, FaultSpec, InboxQuery};
use serde_json::{Value, json};

use super::{World, act, block, lift, set, stop};
use crate::channels::create;
use crate::support::TestApp;
use crate::support::costs::{project, team};

impl World {
    /// A webhook that hears of everything, or of what a team does.
    async fn listen(&self, name: &str, team: Option<&str>) {
        let url = self.app.simulator.webhook_url(name);
        let body = json!({"type": "webhook", "name": name, "locale": "ko", "url": url, "teamId": team});
        create(self.manager(), &body).await;
    }

    /// What a webhook was told, the oldest first: the kind, and the block.
    async fn told(&self, name: &str) -> Vec<(String, Value)> {
        self.app.run_jobs().await;
        let letters = self.app.provider().inbox(&InboxQuery::webhook(name));
        let told = letters.into_iter().map(|letter| {
            let kind = letter.content["type"].as_str().expect("a kind").to_owned();
            (kind, letter.content["data"].clone())
        });
        told.collect()
    }
}

fn kinds(told: &[(String, Value)]) -> Vec<&str> {
    told.iter().map(|(kind, _)| kind.as_str()).collect()
}

#[tokio::test]
async fn a_stop_and_its_lift_are_told_to_who_hears_of_the_team() {
    let world = World::of(TestApp::builder().with_accounts().spawn().await).await;
    let other = team(world.manager(), "elsewhere").await;
    world.listen("all", None).await;
    world.listen("own", Some(&world.team)).await;
    world.listen("others", Some(&other)).await;
    world.people.admin.patch("/api/auth/me", json!({"locale": "en"})).await.ok();
    let made = block(world.manager(), "project", &world.web).await;
    lift(world.manager(), &made).await;
    for name in ["all", "own"] {
        let told = world.told(name).await;
        assert_eq!(kinds(&told), ["block.active", "block.lifted"]);
        let stopped: &Value = &told[0].1;
        assert_eq!((&stopped["id"], &stopped["reason"]), (&json!(made.id), &json!("An endless loop")));
        assert_eq!(stopped["target"]["name"], "web");
        assert_eq!((&told[1].1["liftReason"], &told[1].1["status"]), (&json!("to lift"), &json!("lifted")));
    }
    assert_eq!(kinds(&world.told("others").await), Vec::<&str>::new());
    // Without a channel for mail, administrators have it by mail, each in their language, with the way to it.
    let mails = world.app.provider().inbox(&InboxQuery::new(Channel::Resend));
    let to = |who: &str| {
        let mut of = mails.iter().map(|mail| &mail.content).filter(|mail| mail["to"].to_string().contains(who));
        let mail = of.find(|mail| mail["html"].to_string().contains("/blocks?block=")).expect("a mail");
        (mail["subject"].as_str().expect("a subject").to_owned(), mail["html"].as_str().expect("html").to_owned())
    };
    let (ko, html) = to("tenant-admin@example.com");
    assert_eq!(ko, "[platform] 긴급 차단: 프로젝트 web");
    assert!(html.contains(&format!("/blocks?block={}", made.id)) && html.contains("An endless loop"), "{html}");
    let (en, _) = to("\"admin@example.com");
    assert_eq!(en, "[platform] Emergency block: project web");
}

#[tokio::test]
async fn what_waits_for_a_second_person_is_told_before_and_after() {
    let world = World::new().await;
    world.listen("all", None).await;
    set(world.manager(), true).await;
    let second = &world.people.admin;
    let made: Block = world.manager().post("/api/blocks", stop("project", &world.web)).await.expect(201);
    act(world.manager(), made.id, "approve block").await.problem(ErrorCode::SecondPersonNeeded);
    act(second, made.id, "approve block").await.ok();
    act(world.manager(), made.id, "lift").await.ok();
    act(second, made.id, "decline lift").await.ok();
    act(world.manager(), made.id, "lift").await.ok();
    act(second, made.id, "approve lift").await.ok();
    let shop = project(world.manager(), &world.team, "shop").await;
    let declined: Block = world.manager().post("/api/blocks", stop("project", &shop)).await.expect(201);
    act(second, declined.id, "decline block").await.ok();
    let told = world.told("all").await;
    assert_eq!(
        kinds(&told),
        [
            "block.requested",
            "block.active",
            "block.lift_requested",
            "block.lift_declined",
            "block.lift_requested",
            "block.lifted",
            "block.requested",
            "block.declined"
        ]
    );
    assert_eq!(told[1].1["decidedBy"]["id"], json!(second.id()));
    assert_eq!(told[3].1["liftRequest"]["reason"], "to lift");
}

#[tokio::test]
async fn a_provider_that_refuses_is_told_once() {
    let world = World::new().await;
    world.allow_provider_stops().await;
    world.listen("all", None).await;
    world.app.provider().add_fault(FaultSpec::new("/v1/organization/projects/proj_web/*", Fault::status(401)));
    block(world.manager(), "project", &world.web).await;
    world.app.run_jobs().await;
    world.retry().await;
    // Mended, so that nothing is left to do.
    world.app.provider().clear_faults();
    world.retry().await;
    let told = world.told("all").await;
    assert_eq!(kinds(&told), ["block.active", "block.provider_failed"], "tried again, told once");
    assert_eq!(told[1].1["provider"][0]["state"], "failed");
}
