//! Outcomes: told with the call or later, counted once, corrected by what is known later. And a project's value: what its
//! calls cost beside what came of them.

use chrono::TimeDelta;
use finops_api::features::usage::verify;
use finops_contract::costs::{Basis, CostState};
use finops_contract::value::{OutcomesAnswer, ProjectIntents, ProjectValue, Value as Worth};
use finops_contract::{Amount, ErrorCode};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{bill, project, team};
use crate::support::usage::{assert_usage_sums_are_exact, reporter};

/// A call that costs this many dollars: of a model that costs 2.5 dollars a million of input tokens.
fn call(id: &str, project: &str, dollars: i64) -> Value {
    json!({"eventId": id, "projectId": project, "provider": "openai", "model": "gpt-4o", "promptTokens": dollars * 400_000,
        "completionTokens": 0, "timestamp": "2026-03-20T09:00:00Z", "taskType": "grading"})
}

fn with(mut event: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().expect("fields") {
        event[name] = value.clone();
    }
    event
}

async fn track(client: &Client, event: Value) {
    client.post("/api/usage/track", event).await.status(201);
}

async fn tell(client: &Client, project: &str, outcomes: Value) -> OutcomesAnswer {
    client.post(&format!("/api/projects/{project}/outcomes"), json!({"outcomes": outcomes})).await.read_as()
}

async fn value(client: &Client, project: &str) -> ProjectValue {
    client.get(&format!("/api/projects/{project}/value")).await.read_as()
}

fn text(amount: Option<Amount>) -> Option<String> {
    amount.map(|amount| amount.0.normalize().to_string())
}

/// Outcomes, successes, failures, scores and their mean.
fn came_of(worth: &Worth) -> (i64, Option<i64>, Option<i64>, i64, Option<String>) {
    (worth.outcomes, worth.successes, worth.failures, worth.feedback_scores, text(worth.feedback_mean))
}

fn taken(answer: &OutcomesAnswer) -> (usize, usize, usize, usize) {
    (answer.accepted, answer.duplicates, answer.waiting, answer.rejected.len())
}

async fn with_project(app: &TestApp) -> (Client, String) {
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let project = project(&people.admin, &team, "tutor").await;
    (people.admin, project)
}

#[tokio::test]
async fn what_came_of_calls_is_shown_beside_what_they_cost() {
    let app = TestApp::spawn().await;
    let (admin, tutor) = with_project(&app).await;
    let nothing = value(&admin, &tutor).await;
    assert_eq!((nothing.total.cost, nothing.total.calls, nothing.complete), (None, None, false));
    assert_eq!(came_of(&nothing.total), (0, None, None, 0, None));

    track(&admin, with(call("a", &tutor, 1), json!({"outcome": "success", "feedbackScore": "4.5"}))).await;
    track(&admin, with(call("b", &tutor, 2), json!({"outcome": "Failure", "status": "error"}))).await;
    track(&admin, with(call("c", &tutor, 3), json!({"outcome": "성공", "taskType": "chat", "feedbackScore": 4}))).await;
    track(&admin, with(call("d", &tutor, 4), json!({"outcome": "maybe", "taskType": null}))).await;
    track(&admin, with(call("e", &tutor, 0), json!({"model": "nobody-knows-this-one", "promptTokens": 7}))).await;
    let unfolded = value(&admin, &tutor).await;
    app.runner().reconcile().await;
    let found = value(&admin, &tutor).await;
    assert_eq!(found, unfolded, "what is not folded yet is part of it");
    assert_eq!((found.time_zone.as_str(), found.from.to_string().as_str()), ("Asia/Seoul", "2026-02-19"));
    let total = &found.total;
    assert_eq!((text(total.cost).as_deref(), total.basis, total.unpriced), (Some("10"), Basis::Events, 1));
    assert_eq!((total.calls, total.failed_calls), (Some(5), Some(1)));
    assert_eq!(came_of(total), (4, Some(2), Some(1), 2, Some("4.25".into())));
    assert_eq!(total.success_rate.map(|rate| rate.to_string()).as_deref(), Some("66.67"));
    assert_eq!(text(total.cost_per_success).as_deref(), Some("5"));
    assert!(!found.complete, "a call has no price");

    let types: Vec<_> = found
        .by_task_type
        .iter()
        .map(|one| {
            let cost = text(one.value.cost).unwrap_or_default();
            (one.task_type.as_deref(), cost, one.value.calls, one.value.outcomes, text(one.value.cost_per_success))
        })
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        types,
        [
            (None, "4".to_owned(), Some(1), 1, None),
            (Some("chat"), "3".to_owned(), Some(1), 1, some("3")),
            (Some("grading"), "3".to_owned(), Some(3), 2, some("3")),
        ]
    );
    let models: Vec<_> =
        found.by_model.iter().map(|one| (one.model.as_deref().unwrap_or_default(), one.value.state)).collect();
    assert_eq!(models, [("gpt-4o", CostState::Estimated), ("nobody-knows-this-one", CostState::Unpriced)]);
    // 18:00 in Seoul.
    let today = found.by_day.last().expect("a day");
    assert_eq!((today.day.to_string().as_str(), came_of(&today.value)), ("2026-03-20", came_of(total)));
    let before = &found.by_day[found.by_day.len() - 2].value;
    assert_eq!((text(before.cost).as_deref(), before.calls, before.successes), (Some("0"), None, None));
    assert_usage_sums_are_exact(&app).await;

    let path = format!("/api/projects/{tutor}/value");
    for query in ["?from=2026-03-20&to=2026-03-20", "?from=2024-03-20&to=2026-03-20", "?to=2200-01-01"] {
        admin.get(&format!("{path}{query}")).await.problem(ErrorCode::RangeTooLarge);
    }
    let early: ProjectValue = admin.get(&format!("{path}?from=2026-03-10&to=2026-03-20")).await.read_as();
    assert_eq!((text(early.total.cost).as_deref(), early.total.outcomes), (Some("0"), 0));
}

async fn intents(client: &Client, project: &str) -> ProjectIntents {
    client.get(&format!("/api/projects/{project}/value/intents")).await.read_as()
}

#[tokio::test]
async fn what_calls_were_for_is_told_of_the_dearest_and_of_the_others_together() {
    let app = TestApp::spawn().await;
    let (admin, tutor) = with_project(&app).await;
    let other = project(&admin, &team(&admin, "other").await, "other").await;
    let nothing = intents(&admin, &tutor).await;
    assert_eq!((nothing.intents, nothing.other, nothing.since), (vec![], None, None));

    let said = |fields: Value| with(json!({"intent": "essay"}), fields);
    track(&admin, with(call("a", &tutor, 90), said(json!({"outcome": "success", "feedbackScore": 5})))).await;
    track(&admin, with(call("b", &tutor, 10), said(json!({"outcome": "success", "status": "error"})))).await;
    track(&admin, with(call("c", &tutor, 0), said(json!({"model": "nobody-knows-this-one", "promptTokens": 7})))).await;
    track(&admin, with(call("d", &tutor, 40), json!({}))).await;
    for n in 0..22 {
        let fields = json!({"intent": format!("rare {n:02}"), "outcome": "failure"});
        track(&admin, with(call(&format!("r{n}"), &tutor, 30 - n), fields)).await;
    }
    track(&admin, with(call("z", &other, 1), said(json!({})))).await;
    // What is known later counts instead; what names no call counts beside them.
    let later = json!([
        {"eventId": "b", "outcome": "failure"},
        {"intent": "essay", "outcome": "success", "count": 2, "feedbackScore": 2},
        {"outcome": "failure"},
    ]);
    assert_eq!(taken(&tell(&admin, &tutor, later).await), (3, 0, 0, 0));

    let found = intents(&admin, &tutor).await;
    assert_eq!((found.intents.len(), found.since), (21, None));
    let essay = &found.intents[0];
    assert_eq!((essay.intent.as_deref(), text(essay.value.cost).as_deref()), (Some("essay"), Some("100")));
    assert_eq!((essay.value.calls, essay.value.failed_calls, essay.value.unpriced), (Some(3), Some(1), 1));
    assert_eq!(came_of(&essay.value), (4, Some(3), Some(1), 3, Some("3".into())));
    assert_eq!(text(essay.value.cost_per_success).as_deref(), Some("33.333333333333"));
    assert_eq!(essay.value.basis, Basis::Events);
    assert_eq!(found.intents[1].intent.as_deref(), Some("rare 00"));
    assert_eq!(found.intents[19].intent.as_deref(), Some("rare 18"));
    let nameless = &found.intents[20];
    assert_eq!((nameless.intent.as_deref(), text(nameless.value.cost).as_deref()), (None, Some("40")));
    assert_eq!(came_of(&nameless.value), (1, Some(0), Some(1), 0, None));
    let rest = found.other.as_ref().expect("others");
    // 11, 10 and 9 dollars.
    assert_eq!((rest.count, text(rest.value.cost).as_deref(), rest.value.calls), (3, Some("30"), Some(3)));
    assert_eq!(came_of(&rest.value), (3, Some(0), Some(3), 0, None));
    // Together they are all of the project's.
    let total = value(&admin, &tutor).await.total;
    let all: Vec<_> = found.intents.iter().map(|one| &one.value).chain([&rest.value]).collect();
    assert_eq!(
        all.iter().map(|one| one.cost.map_or(Decimal::ZERO, |cost| cost.0)).sum::<Decimal>(),
        total.cost.unwrap().0
    );
    assert_eq!(all.iter().map(|one| one.calls.unwrap_or_default()).sum::<i64>(), total.calls.unwrap());
    assert_eq!(all.iter().map(|one| one.outcomes).sum::<i64>(), total.outcomes);

    let path = format!("/api/projects/{tutor}/value/intents");
    admin.get(&format!("{path}?from=2024-03-20&to=2026-03-20")).await.problem(ErrorCode::RangeTooLarge);
    let early: ProjectIntents = admin.get(&format!("{path}?from=2026-03-10&to=2026-03-20")).await.read_as();
    assert_eq!((early.intents, early.other), (vec![], None));
}

#[tokio::test]
async fn intents_are_told_since_when_calls_are_there_and_can_be_read() {
    let app = TestApp::spawn().await;
    let (admin, tutor) = with_project(&app).await;
    for (id, at) in [("old", "2026-03-18T09:00:00Z"), ("new", "2026-03-20T09:00:00Z")] {
        track(&admin, with(call(id, &tutor, 1), json!({"intent": id, "timestamp": at}))).await;
    }
    let told = async || {
        let found = intents(&admin, &tutor).await;
        let names: Vec<_> = found.intents.into_iter().filter_map(|one| one.intent).collect();
        (names, found.since.map(|since| since.to_rfc3339()))
    };
    assert_eq!(told().await, (vec!["new".to_owned(), "old".to_owned()], None));
    // A quarter of a million calls of another project, in one hour.
    app.runner().reconcile().await;
    sqlx::query(
        "INSERT INTO usage_hourly SELECT (h).* FROM (
            SELECT jsonb_populate_record(h, jsonb_build_object('hour', '2026-03-19T05:00:00Z', 'events', 250000, 'project_id', null)) AS h
            FROM usage_hourly h LIMIT 1) AS one",
    )
    .execute(&mut app.database.owner().await)
    .await
    .expect("many calls");
    assert_eq!(told().await, (vec!["new".to_owned()], Some("2026-03-19T06:00:00+00:00".to_owned())));
    sqlx::query("INSERT INTO usage_kept (organization_id, since) VALUES ($1, '2026-03-20')")
        .bind(admin.organization())
        .execute(&mut app.database.owner().await)
        .await
        .expect("days that are gone");
    assert_eq!(told().await, (vec!["new".to_owned()], Some("2026-03-20T00:00:00+00:00".to_owned())));
}

#[tokio::test]
async fn the_bill_is_what_a_success_cost_where_it_has_come() {
    let app = TestApp::spawn().await;
    let (admin, tutor) = with_project(&app).await;
    track(&admin, with(call("a", &tutor, 1), json!({"outcome": "success"}))).await;
    track(&admin, with(call("b", &tutor, 1), json!({"outcome": "success"}))).await;
    track(&admin, with(call("c", &tutor, 1), json!({"outcome": "success"}))).await;
    bill(&app, &tutor, "2026-03-20", "openai", "10 USD").await;
    bill(&app, &tutor, "2026-03-20", "acme", "3.5 EUR").await;
    let found = value(&admin, &tutor).await;
    assert_eq!((text(found.total.cost).as_deref(), found.total.basis), (Some("10"), Basis::Billed));
    assert_eq!(text(found.total.cost_per_success).as_deref(), Some("3.333333333333"));
    assert_eq!(text(found.by_task_type[0].value.cost_per_success).as_deref(), Some("1"), "its calls' own");
    assert_eq!(found.by_task_type[0].value.basis, Basis::Events);
    let euros: Vec<_> = found.unconverted.iter().map(|one| (one.cost.to_string(), one.currency.as_str())).collect();
    assert_eq!((euros, found.complete), (vec![("3.500000".to_owned(), "EUR")], false));
}

#[tokio::test]
async fn what_is_known_later_corrects_what_the_event_said() {
    let app = TestApp::spawn().await;
    let (admin, tutor) = with_project(&app).await;
    track(&admin, with(call("a", &tutor, 1), json!({"outcome": "success", "feedbackScore": 2}))).await;
    track(&admin, call("b", &tutor, 1)).await;
    assert_eq!(came_of(&value(&admin, &tutor).await.total), (1, Some(1), Some(0), 1, Some("2".into())));

    let later = json!([
        {"id": "1", "eventId": "a", "outcome": "failure"},
        {"id": "2", "eventId": "b", "outcome": "resolved", "feedbackScore": "5"},
    ]);
    assert_eq!(taken(&tell(&admin, &tutor, later.clone()).await), (2, 0, 0, 0));
    let found = value(&admin, &tutor).await.total;
    assert_eq!(came_of(&found), (2, Some(1), Some(1), 2, Some("3.5".into())), "a score that is not told again stays");
    assert_eq!(found.calls, Some(2));
    assert_eq!(taken(&tell(&admin, &tutor, later).await), (0, 2, 0, 0), "sent again it counts once");

    // What was known earlier changes nothing, however late it comes; what is told last of one moment counts.
    let early = json!([
        {"eventId": "a", "outcome": "success", "occurredAt": "2026-03-20T09:30:00Z"},
        {"eventId": "b", "feedbackScore": 1, "occurredAt": "2026-03-20T10:30:00Z"},
        {"eventId": "b", "feedbackScore": 3, "occurredAt": "2026-03-20T10:30:00Z"},
    ]);
    assert_eq!(taken(&tell(&admin, &tutor, early).await), (3, 0, 0, 0));
    assert_eq!(came_of(&value(&admin, &tutor).await.total), (2, Some(1), Some(1), 2, Some("2.5".into())));
    // It is counted where its call is: the hour, the task type, the model.
    let found = value(&admin, &tutor).await;
    let types: Vec<_> = found.by_task_type.iter().map(|one| (one.task_type.as_deref(), one.value.outcomes)).collect();
    assert_eq!(types, [(Some("grading"), 2)]);
    assert_eq!((found.by_model.len(), found.by_model[0].value.outcomes), (1, 2));
    assert_usage_sums_are_exact(&app).await;
}

#[tokio::test]
async fn an_outcome_may_come_before_its_call() {
    let app = TestApp::spawn().await;
    let (admin, tutor) = with_project(&app).await;
    let early = json!([{"id": "1", "eventId": "late", "outcome": "success", "taskType": "chat"}]);
    let answer = tell(&admin, &tutor, early.clone()).await;
    assert_eq!(taken(&answer), (1, 0, 1, 0));
    let found = value(&admin, &tutor).await;
    assert_eq!(came_of(&found.total), (1, Some(1), Some(0), 0, None), "until then it stands for itself");
    app.advance(TimeDelta::seconds(30));
    app.runner().reconcile().await;
    assert_eq!(value(&admin, &tutor).await.total.outcomes, 1);

    track(&admin, with(call("late", &tutor, 1), json!({"outcome": "failure", "feedbackScore": 1}))).await;
    assert_eq!(came_of(&value(&admin, &tutor).await.total).0, 2, "nobody knows yet that it is the same");
    app.advance(TimeDelta::minutes(2));
    app.runner().reconcile().await;
    let found = value(&admin, &tutor).await;
    assert_eq!(came_of(&found.total), (1, Some(1), Some(0), 1, Some("1".into())), "the later word counts");
    assert_eq!(found.by_task_type.iter().map(|one| one.task_type.as_deref()).collect::<Vec<_>>(), [Some("grading")]);
    assert_eq!(taken(&tell(&admin, &tutor, early).await), (0, 1, 0, 0));
    assert_usage_sums_are_exact(&app).await;
    let waiting = app.database.count("SELECT count(*) FROM usage_outcomes WHERE look_at IS NOT NULL").await;
    assert_eq!(waiting, 0);

    // One that never comes is looked for no longer than it could come.
    tell(&admin, &tutor, json!([{"eventId": "never", "outcome": "failure"}])).await;
    app.advance(TimeDelta::days(36));
    app.runner().reconcile().await;
    let waiting = app.database.count("SELECT count(*) FROM usage_outcomes WHERE look_at IS NOT NULL").await;
    assert_eq!(waiting, 0);
}

#[tokio::test]
async fn each_outcome_stands_for_itself() {
    let app = TestApp::spawn().await;
    let (admin, tutor) = with_project(&app).await;
    let teams: Value = admin.get("/api/teams").await.ok();
    let other = project(&admin, teams["data"][0]["id"].as_str().unwrap(), "other").await;
    track(&admin, with(call("elsewhere", &other, 1), json!({"outcome": "success"}))).await;
    let answer = tell(
        &admin,
        &tutor,
        json!([
            {"id": "a", "outcome": "success", "count": 250, "taskType": "chat", "feedbackScore": "0.5"},
            {"id": "a", "outcome": "success", "count": 250, "taskType": "chat", "feedbackScore": "0.5"},
            {"id": "a", "outcome": "failure"},
            {"outcome": "ok", "result": "?"},
            {"taskType": "chat"},
            {"outcome": "ok", "occurredAt": "2026-01-01T00:00:00Z"},
            {"eventId": "elsewhere", "outcome": "failure"},
            7,
        ]),
    )
    .await;
    assert_eq!(taken(&answer), (2, 1, 1, 5), "a call of another project is none");
    let rejected: Vec<_> = answer.rejected.iter().map(|one| (one.pointer.as_str(), one.code.as_str())).collect();
    assert_eq!(
        rejected,
        [
            ("/outcomes/2/id", "event_conflict"),
            ("/outcomes/3", "validation_failed"),
            ("/outcomes/4/outcome", "validation_failed"),
            ("/outcomes/5/occurredAt", "timestamp_too_old"),
            ("/outcomes/7", "validation_failed"),
        ]
    );
    assert_eq!(came_of(&value(&admin, &tutor).await.total), (251, Some(250), Some(1), 250, Some("0.5".into())));
    assert_eq!(came_of(&value(&admin, &other).await.total), (1, Some(1), Some(0), 0, None));
    assert_usage_sums_are_exact(&app).await;

    let path = format!("/api/projects/{tutor}/outcomes");
    admin.post(&path, json!({"outcomes": []})).await.field("/outcomes", "length");
    admin.post(&path, json!({"outcome": "success"})).await.field("/outcome", "unknown_field");
    let many: Vec<_> = (0..1_001).map(|_| json!({"outcome": "success"})).collect();
    admin.post(&path, json!({"outcomes": many})).await.problem(ErrorCode::BatchTooLarge);
    let most: Vec<_> = (0..1_000).map(|n| json!({"id": format!("{n:0>200}"), "outcome": "failure"})).collect();
    assert_eq!(tell(&admin, &tutor, json!(most)).await.accepted, 1_000, "a batch may be as large as one of events");
}

#[tokio::test]
async fn many_replicas_count_an_outcome_once() {
    let app = TestApp::spawn().await;
    let (admin, tutor) = with_project(&app).await;
    for n in 0..20 {
        track(&admin, with(call(&format!("e{n}"), &tutor, 1), json!({"outcome": "failure"}))).await;
    }
    let reporter = reporter(&app, &admin).await;
    let batch = |round: usize| -> Value {
        let place = |n: usize| (n * 7 + round * 3) % 20;
        (0..20)
            .map(|n| json!({"id": format!("o{}", place(n)), "eventId": format!("e{}", place(n)), "outcome": "success"}))
            .collect()
    };
    let rounds = futures_util::future::join_all((0..12).map(|round| {
        let (reporter, tutor, batch) = (reporter.clone(), tutor.clone(), batch(round));
        async move { tell(&reporter, &tutor, batch).await }
    }))
    .await;
    assert_eq!(rounds.iter().map(|answer| answer.accepted).sum::<usize>(), 20);
    assert_eq!(rounds.iter().map(|answer| answer.duplicates).sum::<usize>(), 220);
    assert_eq!(came_of(&value(&admin, &tutor).await.total), (20, Some(20), Some(0), 0, None));
    assert_usage_sums_are_exact(&app).await;
}

#[tokio::test]
async fn sums_of_outcomes_are_proved_and_mended_and_outlive_what_they_are_of() {
    let app = TestApp::spawn().await;
    let (admin, tutor) = with_project(&app).await;
    track(&admin, with(call("a", &tutor, 1), json!({"outcome": "success", "feedbackScore": 2}))).await;
    tell(&admin, &tutor, json!([{"eventId": "a", "outcome": "failure"}, {"id": "x", "outcome": "ok", "count": 3}]))
        .await;
    assert_usage_sums_are_exact(&app).await;
    app.database.sql("UPDATE usage_outcome_hourly SET successes = successes + 1 WHERE model IS NULL").await;
    app.database.sql("DELETE FROM usage_outcome_hourly WHERE model IS NOT NULL").await;
    let found = verify::verify(&app.state, false).await.unwrap();
    let named: Vec<_> =
        found.differences.iter().map(|one| (one.hour.format("%dT%H").to_string(), one.grain, one.sums)).collect();
    let outcome = |hour: &str| (hour.to_owned(), "usage_outcome_hourly", 1);
    assert_eq!(named, [outcome("20T09"), outcome("20T10")]);
    assert_eq!(verify::verify(&app.state, true).await.unwrap().repaired, 2);
    assert_usage_sums_are_exact(&app).await;

    // Days that are kept no longer: what was told goes, its sums stay, and of a call that is gone nothing can be told.
    let before = value(&admin, &tutor).await.total;
    admin.patch("/api/organization", json!({"retentionDays": 1})).await.ok();
    app.advance(TimeDelta::days(3));
    app.run_jobs().await;
    assert_eq!(app.database.count("SELECT count(*) FROM usage_events").await, 0);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_event_outcomes").await, 0);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_outcomes").await, 2, "ids are remembered");
    let late =
        tell(&admin, &tutor, json!([{"eventId": "a", "outcome": "success"}, {"id": "x", "outcome": "ok", "count": 3}]))
            .await;
    assert_eq!((late.rejected[0].code.as_str(), late.duplicates), ("event_not_kept", 1));
    assert_eq!(value(&admin, &tutor).await.total, before);
    app.advance(TimeDelta::days(36));
    app.run_jobs().await;
    assert_eq!(app.database.count("SELECT count(*) FROM usage_outcomes").await, 0);
    assert_eq!(verify::verify(&app.state, false).await.unwrap().differences, []);
}

#[tokio::test]
async fn the_words_that_count_are_those_that_callers_are_told() {
    let app = TestApp::spawn().await;
    let schema = finops_api::app::openapi();
    let document: Value = serde_json::from_str(&schema).unwrap();
    let about =
        document["components"]["schemas"]["OutcomeRequest"]["properties"]["outcome"]["description"].as_str().unwrap();
    let named: std::collections::BTreeSet<&str> = about.split('`').skip(1).step_by(2).collect();
    let mut owner = app.database.owner().await;
    for word in &named {
        let kind: String =
            sqlx::query_scalar("SELECT finops_outcome($1)").bind(word).fetch_one(&mut owner).await.unwrap();
        assert_ne!(kind, "other", "{word}");
    }
    assert_eq!(named.len(), 23);
    for (word, kind) in [("SUCCESS", "success"), ("Failed", "failure"), ("meh", "other")] {
        let found: String =
            sqlx::query_scalar("SELECT finops_outcome($1)").bind(word).fetch_one(&mut owner).await.unwrap();
        assert_eq!(found, kind);
    }
}
