//! Who may ask about what, and how it is named.

use super::*;

#[tokio::test]
async fn nobody_asks_about_what_they_do_not_see_and_nobody_is_told() {
    let world = World::new().await;
    let (app, admin) = (&world.app, world.manager());
    let other = project(admin, &team(admin, "another").await, "other").await;
    let theirs = project(&world.people.outsider, &team(&world.people.outsider, "theirs").await, "theirs").await;
    let bound = program(app, admin, &[Scope::Guard], Some(&world.web)).await;
    let on = |id: &str| json!({"projectId": id});
    for (client, id) in [
        (&world.program, theirs.as_str()),
        (&world.program, &Uuid::from_u128(7).to_string()),
        (&world.program, "proj_nothing"),
        (&bound, &other),
        (&bound, &theirs),
        (&world.people.user, &world.web),
        (&world.people.outsider, &world.web),
    ] {
        check(client, &on(id)).await.problem(ErrorCode::NotFound);
    }
    for wrong in [Scope::Ingest, Scope::Read] {
        let wrong = program(app, admin, &[wrong], None).await;
        check(&wrong, &world.call()).await.problem(ErrorCode::ApiKeyScope);
    }
    check(&app.anonymous(), &world.call()).await.problem(ErrorCode::Unauthenticated);
    // Bound, a key needs no project.
    allowed(&bound, &json!({})).await;
    check(&world.program, &json!({})).await.field("/projectId", "required");
    admin.send(Method::PUT, &format!("/api/projects/{}/members/{}", world.web, world.people.user.id())).await.ok();
    allowed(&world.people.user, &world.call()).await;

    // Whose figures are not theirs to know are still held to them.
    let all = set(admin, budget("10", json!({"type": "organization"}))).await;
    let own = set(admin, budget("50", json!({"type": "project", "id": world.web}))).await;
    track(admin, event(&world.web, 500)).await;
    let since = Instant::now();
    let seen = async |client: &Client| -> Vec<Uuid> {
        let answer = allowed(client, &world.call()).await;
        let known = answer.budgets.iter().all(|budget| exact(budget.spent) == some("5"));
        if known { answer.budgets.iter().map(|budget| budget.id).collect() } else { Vec::new() }
    };
    while seen(&world.program).await != [all.id, own.id] {
        assert!(since.elapsed() <= SOON, "not seen");
    }
    assert_eq!((seen(&bound).await, seen(&world.people.user).await), (vec![own.id], vec![own.id]));
    track(admin, event(&world.web, 500)).await;
    let shown = refusal(&until(&world.program, &world.call(), 503).await, ErrorCode::BudgetExceeded).budget;
    assert_eq!(shown.map(|budget| budget.id), Some(all.id));
    let hidden = refused(&bound, &world.call(), ErrorCode::BudgetExceeded).await;
    assert!(hidden.budget.is_none() && hidden.period_ends_at.is_some());
    // A project that is deleted is none.
    admin.delete(&format!("/api/projects/{}", world.web)).await.ok();
    until(&world.program, &world.call(), 404).await;
}

#[tokio::test]
async fn a_project_is_known_by_its_project_id_too_and_from_the_first_moment() {
    let world = World::new().await;
    allowed(&world.program, &world.call()).await;
    let keyed = team_with_key(&world.app, world.manager(), "keyed", "org-alpha").await;
    let keyed = project(world.manager(), &keyed, "keyed").await;
    allowed(&world.program, &json!({"projectId": keyed})).await;
    world.app.run_jobs().await;
    set_project_id(world.manager(), &keyed, "proj_web").await;
    allowed(&world.program, &json!({"projectId": "proj_web"})).await;
    world.app.run_jobs().await;
}

#[tokio::test]
async fn what_is_no_question_is_refused_with_its_field() {
    let world = World::new().await;
    let ask = async |field: &str, value: Value| {
        let mut body = world.call();
        body[field] = value;
        check(&world.program, &body).await
    };
    for (field, value, code) in [
        ("estimatedCost", json!("-0.01"), "range"),
        ("estimatedCost", json!("1000000000000"), "range"),
        ("estimatedCost", json!("0.0000000000001"), "range"),
        ("reserveMinutes", json!(0), "range"),
        ("reserveMinutes", json!(61), "range"),
        ("service", json!(""), "length"),
        ("service", json!("  "), "length"),
        ("learnerId", json!("a\nb"), "length"),
        ("learnerId", json!("x".repeat(257)), "length"),
    ] {
        ask(field, value).await.field(&format!("/{field}"), code);
    }
    ask("reserve", json!(true)).await.field("/estimatedCost", "required");
    ask("estimatedCost", json!("NaN")).await.problem(ErrorCode::ValidationFailed);
    ask("environment", json!("prod")).await.problem(ErrorCode::ValidationFailed);
    ask("budgetId", json!("x")).await.field("/budgetId", "unknown_field");
    for (field, value) in [("environment", json!("staging")), ("model", json!("gpt-4o")), ("provider", json!("openai"))]
    {
        ask(field, value).await.status(200);
    }
}

#[tokio::test]
async fn names_are_compared_as_events_have_them() {
    let world = World::new().await;
    for kind in ["service", "learner"] {
        let made = set(world.manager(), budget("0.1", json!({"type": kind, "id": format!(" {kind}-1 ")}))).await;
        assert_eq!(made.scope.id.as_deref(), Some(format!("{kind}-1").as_str()));
    }
    let mut spent = event(&world.web, 10);
    (spent["service"], spent["learnerId"]) = (json!("  service-1"), json!("learner-1  "));
    track(world.manager(), spent).await;
    for field in ["service", "learner"] {
        let mut body = world.call();
        let pointer = if field == "learner" { "learnerId" } else { field };
        body[pointer] = json!(format!("\t{field}-1 "));
        refusal(&until(&world.program, &body, 503).await, ErrorCode::BudgetExceeded);
    }
    until(&world.program, &world.call(), 200).await;
    // As long as events may be, in whatever script.
    let long = |length: usize| budget("1", json!({"type": "learner", "id": "가".repeat(length)}));
    set(world.manager(), long(256)).await;
    world.manager().post("/api/budgets", long(257)).await.field("/scope/id", "length");
    let mut call = world.call();
    call["learnerId"] = json!("가".repeat(256));
    allowed(&world.program, &call).await;
}
