//! What is said before anything is stopped.

use chrono::TimeDelta;
use finops_contract::blocks::{BlockPreview, StillRuns};
use serde_json::{Value, json};

use super::{World, api_key, block};

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
