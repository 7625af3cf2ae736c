//! What is held for a call is nobody else's, on any replica, until it was made or not.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

async fn reserve(client: &Client, project: &str, cost: &str) -> Answer {
    check(client, &json!({"projectId": project, "estimatedCost": cost, "reserve": true})).await
}

async fn settle(client: &Client, id: Uuid, body: Value) -> Answer {
    client.post(&format!("/api/guard/reservations/{id}/settle"), body).await
}

async fn release(client: &Client, id: Uuid) -> Answer {
    client.delete(&format!("/api/guard/reservations/{id}")).await
}

fn reservation(answer: &Answer) -> Uuid {
    answer.expect::<GuardAnswer>(200).reservation_id.expect("something is held")
}

#[tokio::test]
async fn what_is_held_is_let_go_of_in_three_ways() {
    let world = World::new().await;
    let (program, admin) = (&world.program, world.manager());
    set(admin, budget("1", json!({"type": "project", "id": world.web}))).await;
    track(admin, event(&world.web, 10)).await;
    let answer: GuardAnswer = reserve(program, &world.web, "0.5").await.expect(200);
    assert_eq!(answer.expires_at, Some(world.app.now() + TimeDelta::minutes(10)));
    let held = ("1".into(), some("0.1"), "0.5".into(), some("0.4"), some("10"));
    assert_eq!(told(&answer.budgets[0]), held);
    let first = answer.reservation_id.expect("something is held");
    let refusal = reserve(program, &world.web, "0.400000000001").await;
    assert_eq!(told(&super::refusal(&refusal, ErrorCode::BudgetExceeded).budget.expect("the budget")), held);
    let second = reservation(&reserve(program, &world.web, "0.4").await);
    // Whoever holds nothing sees it within a moment.
    until(program, &world.call(), 503).await;

    // Not made: at once.
    release(program, second).await.status(204);
    release(program, second).await.problem(ErrorCode::NotFound);
    settle(program, second, json!({})).await.problem(ErrorCode::NotFound);
    let second = reservation(&reserve(program, &world.web, "0.4").await);
    // Made: it counts as what it cost, until the figures have it; never less than once.
    track(admin, event(&world.web, 30)).await;
    settle(program, second, json!({"cost": "0.3"})).await.status(204);
    settle(program, second, json!({"cost": "0.9"})).await.status(204);
    release(program, second).await.problem(ErrorCode::NotFound);
    reserve(program, &world.web, "0.100000000001").await.problem(ErrorCode::BudgetExceeded);
    let since = Instant::now();
    let third = loop {
        let late = since.elapsed() > SOON;
        let answer = reserve(program, &world.web, "0.1").await;
        if answer.status == 200 {
            break answer;
        }
        assert!(!late, "it counts twice for longer than a second: {}", answer.text);
    };
    assert_eq!(told(&third.expect::<GuardAnswer>(200).budgets[0]).3, some("0"), "in one figure or the other");
    // Forgotten: when its time is over.
    world.app.advance(TimeDelta::minutes(10));
    settle(program, first, json!({})).await.problem(ErrorCode::NotFound);
    release(program, first).await.problem(ErrorCode::NotFound);
    let free = until(program, &json!({"projectId": world.web, "estimatedCost": "0.6"}), 200).await;
    assert_eq!(told(&free.expect::<GuardAnswer>(200).budgets[0]).2, "0");
    let body = json!({"projectId": world.web, "estimatedCost": "0.6", "reserve": true, "reserveMinutes": 60});
    let long: GuardAnswer = check(program, &body).await.expect(200);
    assert_eq!(long.expires_at, Some(world.app.now() + TimeDelta::hours(1)));
    // What ended is forgotten.
    world.app.advance(TimeDelta::minutes(61));
    reserve(program, &world.web, "0").await.status(200);
    world.app.advance(TimeDelta::minutes(6));
    reserve(program, &world.web, "0").await.status(200);
    assert_eq!(world.app.database.count("SELECT count(*) FROM guard_reservations").await, 2);
}

#[tokio::test]
async fn whose_call_is_not_seen_has_nothing_held() {
    let world = World::new().await;
    let admin = world.manager();
    let other = project(admin, &world.team, "other").await;
    let bound = program(&world.app, admin, &[Scope::Guard], Some(&other)).await;
    let held = reservation(&reserve(&world.program, &world.web, "1").await);
    for stranger in [&bound, &world.people.user, &world.people.outsider] {
        settle(stranger, held, json!({})).await.problem(ErrorCode::NotFound);
        release(stranger, held).await.problem(ErrorCode::NotFound);
    }
    let reader = program(&world.app, admin, &[Scope::Read, Scope::Ingest], None).await;
    release(&reader, held).await.problem(ErrorCode::ApiKeyScope);
    settle(&world.program, held, json!({"cost": "-1"})).await.field("/cost", "range");
    settle(&world.program, held, json!({"amount": "1"})).await.field("/amount", "unknown_field");
    // A question that is repeated under its key holds once.
    let once = world.program.with_header("idempotency-key", "one");
    let (one, two) = (reserve(&once, &world.web, "1").await, reserve(&once, &world.web, "1").await);
    assert_eq!(reservation(&one), reservation(&two));
    assert_eq!(world.app.database.count("SELECT count(*) FROM guard_reservations").await, 2);
    release(admin, held).await.status(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_at_once_on_two_replicas_never_spend_more_than_there_is() {
    let world = World::new().await;
    let (_other, there) = world.replica().await;
    let (here, web) = (world.program.clone(), world.web.clone());
    let mut yearly = budget("1", json!({"type": "organization"}));
    yearly["period"] = json!("yearly");
    set(world.manager(), yearly).await;
    let all = set(world.manager(), budget("1", json!({"type": "environment", "id": "production"}))).await;
    let (spent, began) = (AtomicI64::new(0), Instant::now());
    let caller = async |nth: usize| {
        // What one replica granted may be settled at the other.
        let (asks, settles) = if nth.is_multiple_of(2) { (&here, &there) } else { (&there, &here) };
        while spent.load(Ordering::SeqCst) < 100 && began.elapsed() < Duration::from_secs(30) {
            let answer = reserve(asks, &web, "0.01").await;
            if answer.status == 503 {
                refusal(&answer, ErrorCode::BudgetExceeded);
                continue;
            }
            let held = reservation(&answer);
            if nth % 8 == 7 {
                release(settles, held).await.status(204);
                continue;
            }
            let total = spent.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(total <= 100, "{total} cents of a dollar");
            track(settles, event(&web, 1)).await;
            settle(settles, held, if nth.is_multiple_of(2) { json!({}) } else { json!({"cost": "0.01"}) })
                .await
                .status(204);
        }
    };
    futures_util::future::join_all((0..64).map(caller)).await;
    assert_eq!(spent.load(Ordering::SeqCst), 100, "all of it can be spent");
    assert_eq!(world.app.database.count("SELECT count(*) FROM usage_events").await, 100);
    let status = world.manager().get(&format!("/api/budgets/{}/status", all.id)).await.ok();
    assert_eq!(status.pointer("/current/spent"), Some(&json!("1.000000")));
    for client in [&here, &there] {
        reserve(client, &web, "0.01").await.problem(ErrorCode::BudgetExceeded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_reservations_both_replicas_refuse_within_a_second_of_the_crossing() {
    let world = World::new().await;
    let (_other, there) = world.replica().await;
    set(world.manager(), budget("1", json!({"type": "organization"}))).await;
    let spent = AtomicI64::new(0);
    let caller = async |nth: usize| {
        let client = if nth.is_multiple_of(2) { &world.program } else { &there };
        let call = json!({"projectId": world.web, "estimatedCost": "0.01"});
        let mut crossed: Option<Instant> = None;
        loop {
            let late = crossed.is_some_and(|crossed| crossed.elapsed() > SOON);
            if check(client, &call).await.status == 503 {
                return;
            }
            assert!(!late, "a second after the crossing");
            track(client, event(&world.web, 1)).await;
            if spent.fetch_add(1, Ordering::SeqCst) + 1 >= 100 {
                crossed.get_or_insert_with(Instant::now);
            }
        }
    };
    futures_util::future::join_all((0..64).map(caller)).await;
    assert!(spent.load(Ordering::SeqCst) >= 100);
    assert!(world.app.database.count("SELECT count(*) FROM usage_events").await >= 100);
}

/// Every figure that a reservation is decided by is of one organization.
#[tokio::test]
async fn what_others_hold_is_theirs() {
    let world = World::new().await;
    let outsider = &world.people.outsider;
    let theirs = project(outsider, &team(outsider, "theirs").await, "theirs").await;
    for (client, project) in [(world.manager(), &world.web), (outsider, &theirs)] {
        set(client, budget("1", json!({"type": "organization"}))).await;
        reserve(client, project, "1").await.status(200);
        reserve(client, project, "0.01").await.problem(ErrorCode::BudgetExceeded);
    }
    let mut tx = world.app.db().tenant(OrganizationId(outsider.organization())).await.expect("a transaction");
    let seen: Decimal = sqlx::query_scalar("SELECT sum(estimate) FROM guard_reservations")
        .fetch_one(&mut *tx)
        .await
        .expect("an answer");
    assert_eq!(seen, Decimal::ONE);
}
