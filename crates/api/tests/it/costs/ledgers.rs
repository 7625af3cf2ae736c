//! Two ledgers, one truth: whose word counts where, and that nothing is counted twice.

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::costs::{Basis, CostRow, CostState, CostSummary, CostsAnswer, Settlement};
use finops_simulator::TruthQuery;
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, project_with_id, team, team_with_key};

const TODAY: &str = "from=2026-03-20&to=2026-03-21";

/// A call of 1,000 input and 200 output tokens of a model that costs 0.15 and 0.60 dollars a million: 0.00027 dollars.
fn call(project: &str, at: &str) -> Value {
    json!({"projectId": project, "provider": "openai", "model": "gpt-4o-mini", "promptTokens": 1000,
        "completionTokens": 200, "timestamp": at, "service": "chatbot", "learnerId": "learner-1"})
}

const CALL: &str = "0.00027";

fn dollars(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

async fn track(client: &Client, event: Value) {
    client.post("/api/usage/track", event).await.ok();
}

async fn query(client: &Client, query: &str) -> CostsAnswer {
    client.get(&format!("/api/costs/query?{query}")).await.read_as()
}

/// The row of a project.
fn of<'a>(answer: &'a CostsAnswer, name: &str) -> Option<&'a CostRow> {
    answer.data.iter().find(|row| {
        row.dimensions.project.as_ref().is_some_and(|project| match project {
            Some(project) => project.name == name,
            None => name.is_empty(),
        })
    })
}

#[tokio::test]
async fn the_bill_replaces_the_estimate_project_by_project_and_day_by_day() {
    let app = TestApp::builder().set("USAGE_POLL_INTERVAL", "60").spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let team = team_with_key(&app, admin, "alpha", "org-alpha").await;
    let web = project_with_id(admin, &team, "web", "proj_web").await;
    let own = project(admin, &team, "own").await;
    track(admin, call(&web, "2026-03-20T09:00:00Z")).await;
    track(admin, call(&own, "2026-03-20T09:00:00Z")).await;
    track(admin, call(&own, "2026-03-19T09:00:00Z")).await;
    track(admin, call(&web, "2026-03-19T09:00:00Z")).await;
    // A call of no project is in the bill, or on the provider's meters, already.
    for at in ["2026-03-19T09:00:00Z", "2026-03-20T09:00:00Z"] {
        let mut nobodys = call(&own, at);
        nobodys["projectId"] = json!(null);
        track(admin, nobodys).await;
    }
    app.run_jobs().await;

    let usage = query(admin, &format!("{TODAY}&groupBy=project&basis=provider_usage&tz=UTC")).await;
    let today = query(admin, &format!("{TODAY}&groupBy=project")).await;
    let row = |name: &str| of(&today, name).unwrap_or_else(|| panic!("no row of {name}: {today:?}"));
    assert_eq!((row("web").basis, row("web").state), (Basis::ProviderUsage, CostState::Estimated));
    assert_eq!(row("web").cost, of(&usage, "web").unwrap().cost, "what the provider measured, and no event more");
    assert_eq!((row("own").basis, row("own").cost.0), (Basis::Events, dollars(CALL)));
    assert_eq!(row("").basis, Basis::ProviderUsage, "what belongs to no project is there");
    assert_eq!(row("own").settlement, Settlement::Moving);
    let total = &today.totals[0];
    assert_eq!((today.basis, total.basis, total.by_basis.len()), (Basis::Mixed, Basis::Mixed, 2));
    assert_eq!(total.cost.0, usage.totals[0].cost.0 + dollars(CALL));
    assert_eq!(total.by_basis.iter().map(|part| part.cost.0).sum::<Decimal>(), total.cost.0);

    // The bill has yesterday: the project's events and usage are not added to it, and the other's are all there is.
    let truth = |day: &str, next: &str| {
        let query = TruthQuery::new("org-alpha", day.parse().unwrap(), next.parse().unwrap());
        app.provider().truth(&query).unwrap().total.normalize()
    };
    let both = query(admin, "from=2026-03-19&to=2026-03-21&groupBy=project,day").await;
    let billed: Decimal = both.data.iter().filter(|row| row.basis == Basis::Billed).map(|row| row.cost.0).sum();
    assert_eq!(billed.normalize(), truth("2026-03-19", "2026-03-20"));
    let sum = query(admin, "from=2026-03-19&to=2026-03-21&groupBy=project").await;
    let web_row = of(&sum, "web").unwrap();
    assert_eq!((web_row.basis, web_row.state, web_row.requests), (Basis::Mixed, CostState::Estimated, None));
    assert_eq!(
        web_row.by_basis.iter().map(|part| part.basis).collect::<Vec<_>>(),
        [Basis::Billed, Basis::ProviderUsage]
    );
    assert_eq!(of(&sum, "own").unwrap().cost.0, dollars(CALL) * Decimal::TWO);

    // The finer grain says the same.
    let fine = query(admin, "from=2026-03-19&to=2026-03-21&groupBy=project,day,model,apiKey").await;
    assert_eq!(fine.totals, both.totals);
    assert_eq!(fine.data.iter().map(|row| row.cost.0).sum::<Decimal>(), both.totals[0].cost.0);
    let mini = query(admin, "from=2026-03-19&to=2026-03-21&model=gpt-4o-mini").await;
    assert_eq!((mini.totals[0].basis, mini.totals[0].cost.0), (Basis::Events, dollars(CALL) * Decimal::TWO));

    // Today's bill comes tomorrow, and takes the estimate's place.
    app.advance(TimeDelta::days(1));
    app.run_jobs().await;
    let settled = query(admin, &format!("{TODAY}&groupBy=project")).await;
    assert_eq!(
        (of(&settled, "web").unwrap().basis, of(&settled, "web").unwrap().state),
        (Basis::Billed, CostState::Billed)
    );
    assert_eq!(
        (of(&settled, "own").unwrap().basis, of(&settled, "own").unwrap().cost.0),
        (Basis::Events, dollars(CALL))
    );
    let billed: Decimal = settled.data.iter().filter(|row| row.basis == Basis::Billed).map(|row| row.cost.0).sum();
    assert_eq!(billed.normalize(), truth("2026-03-20", "2026-03-21"));
    assert_eq!(settled.totals[0].cost.0, billed + dollars(CALL));
    let only = query(admin, &format!("{TODAY}&basis=billed")).await;
    assert_eq!((only.basis, only.totals[0].cost.0), (Basis::Billed, billed));
}

#[tokio::test]
async fn an_event_is_seen_at_once_and_what_has_no_price_is_counted() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let team = team(admin, "platform").await;
    let web = project(admin, &team, "web").await;
    track(admin, call(&web, "2026-03-20T09:00:00Z")).await;
    let summary: CostSummary = admin.get("/api/costs/summary").await.read_as();
    let today = summary.today.expect("today");
    assert_eq!((today.cost.0, today.basis, today.state), (dollars(CALL), Basis::Events, CostState::Estimated));
    assert!(today.has_data && !today.complete && today.unpriced == 0);
    let mut unknown = call(&web, "2026-03-20T09:30:00Z");
    unknown["model"] = json!("nobody-knows-this-one");
    track(admin, unknown).await;
    let own: CostSummary = admin.get(&format!("/api/costs/summary?projectId={web}")).await.read_as();
    let today = own.today.expect("today");
    assert_eq!((today.cost.0, today.unpriced, today.state), (dollars(CALL), 1, CostState::Estimated));
    let models = query(admin, &format!("{TODAY}&groupBy=model")).await;
    let model = |name: &str| {
        models.data.iter().find(|row| row.dimensions.model == Some(Some(name.to_owned()))).expect("a row").clone()
    };
    let (known, unknown) = (model("gpt-4o-mini"), model("nobody-knows-this-one"));
    assert_eq!((known.state, known.unpriced, known.requests), (CostState::Estimated, 0, Some(1)));
    assert_eq!((unknown.state, unknown.unpriced, unknown.cost.0), (CostState::Unpriced, 1, Decimal::ZERO));
    let tokens: Vec<_> = known.tokens.unwrap().into_iter().map(|(kind, n)| (kind.name(), n)).collect();
    assert_eq!((tokens, known.total_tokens), (vec![("input", 1000), ("output", 200)], Some(1200)));
    assert_eq!((models.totals[0].unpriced, models.totals[0].state), (1, CostState::Estimated));
    // Yesterday's, of which no bill will ever come.
    track(admin, call(&web, "2026-03-19T09:00:00Z")).await;
    let summary: CostSummary = admin.get("/api/costs/summary").await.read_as();
    assert_eq!((summary.yesterday.cost.0, summary.yesterday.basis), (dollars(CALL), Basis::Events));
    assert!(summary.yesterday.has_data && summary.yesterday.settlement == Settlement::Moving);
    let point = summary.trend.last().unwrap();
    assert_eq!((point.cost.map(|cost| cost.0), point.basis), (Some(dollars(CALL)), Basis::Events));
    assert_eq!((summary.total.0, summary.top_projects[0].basis), (dollars(CALL), Basis::Events));
}

#[tokio::test]
async fn metered_days_are_the_organizations_own() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let team = team(admin, "platform").await;
    let web = project(admin, &team, "web").await;
    // Half past midnight in Seoul, where it is the 20th already.
    track(admin, call(&web, "2026-03-19T15:30:00Z")).await;
    track(admin, call(&web, "2026-03-19T14:30:00Z")).await;
    let days = async |rest: &str| {
        let answer = query(admin, &format!("from=2026-03-18&to=2026-03-21&groupBy=day{rest}")).await;
        let days: Vec<_> =
            answer.data.iter().map(|row| (row.dimensions.day.unwrap().to_string(), row.requests.unwrap())).collect();
        (answer.day_zone, days)
    };
    let both = |zone: &str| (zone.to_owned(), vec![("2026-03-19".to_owned(), 1), ("2026-03-20".to_owned(), 1)]);
    let one = |zone: &str| (zone.to_owned(), vec![("2026-03-19".to_owned(), 2)]);
    assert_eq!(days("&basis=events").await, both("Asia/Seoul"));
    assert_eq!(days("&basis=events&tz=UTC").await, one("UTC"));
    assert_eq!(days("").await, one("UTC"), "where a bill may be among them");
    let first = query(admin, "from=2026-03-20&to=2026-03-21&basis=events").await;
    assert_eq!(first.totals[0].cost.0, dollars(CALL));
    let bad = async |rest: &str, code: &str| {
        admin.get(&format!("/api/costs/query?{TODAY}{rest}")).await.field("/tz", code);
    };
    bad("&basis=events&tz=Asia/Kolkata", "whole_hours").await;
    bad("&basis=events&tz=Mars", "time_zone").await;
    bad("&tz=Asia/Seoul", "billed_days").await;
    admin.get(&format!("/api/costs/query?{TODAY}&basis=mixed")).await.field("/basis", "unknown");
    admin.get(&format!("/api/costs/query?{TODAY}&basis=guessed")).await.problem(ErrorCode::InvalidQuery);
    // A zone with half hours that nobody named is not guessed at.
    people.tenant_admin.patch("/api/organization", json!({"timeZone": "Asia/Kolkata"})).await.ok();
    assert_eq!(days("&basis=events").await, one("UTC"));
}

#[tokio::test]
async fn services_learners_and_projects_are_told_by_events_to_whom_they_may_be() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let platform = team(admin, "platform").await;
    let (web, app_project) = (project(admin, &platform, "web").await, project(admin, &platform, "app").await);
    for (project, service, learner, environment) in [
        (&web, Some("chatbot"), "ann", "production"),
        (&web, Some("chatbot"), "bob", "staging"),
        (&app_project, None, "ann", "production"),
    ] {
        let mut event = call(project, "2026-03-20T09:00:00Z");
        (event["service"], event["learnerId"], event["environment"]) =
            (json!(service), json!(learner), json!(environment));
        track(admin, event).await;
    }
    let ask = async |client: &Client, rest: &str| -> CostsAnswer {
        client.get(&format!("/api/costs/{rest}")).await.read_as()
    };
    let answer = ask(admin, &format!("by-service?{TODAY}")).await;
    let rows: Vec<_> =
        answer.data.iter().map(|row| (row.dimensions.service.clone().unwrap(), row.requests.unwrap())).collect();
    assert_eq!(rows, [(Some("chatbot".to_owned()), 2), (None, 1)]);
    assert_eq!((answer.basis, answer.day_zone.as_str()), (Basis::Events, "Asia/Seoul"));
    assert_eq!(answer.totals[0].cost.0, dollars(CALL) * Decimal::from(3));
    let answer = ask(admin, &format!("by-service?{TODAY}&groupBy=environment,day&limit=1")).await;
    assert_eq!(answer.data.len(), 1);
    let next = ask(
        admin,
        &format!("by-service?{TODAY}&groupBy=environment,day&limit=5&cursor={}", answer.next_cursor.unwrap()),
    )
    .await;
    assert_eq!(next.data.len(), 2);
    let answer = ask(admin, &format!("by-learner?{TODAY}&groupBy=project")).await;
    let mut rows: Vec<_> = answer
        .data
        .iter()
        .map(|row| {
            let project = row.dimensions.project.clone().flatten().unwrap().name;
            (row.dimensions.learner.clone().unwrap(), project, row.total_tokens.unwrap())
        })
        .collect();
    rows.sort();
    let expected = [("ann", "app"), ("ann", "web"), ("bob", "web")];
    assert_eq!(rows, expected.map(|(learner, project)| (learner.to_owned(), project.to_owned(), 1200)));
    admin.get(&format!("/api/costs/by-learner?{TODAY}&groupBy=model")).await.field("/groupBy", "unknown");

    // Who sees nothing is told nothing; who sees a project, that; and a key that is bound to one, that.
    let seen = async |client: &Client| {
        let answer = ask(client, &format!("by-project?{TODAY}")).await;
        let all = query(client, &format!("{TODAY}&groupBy=project")).await;
        let names = |answer: &CostsAnswer| -> Vec<String> {
            let mut names: Vec<_> =
                answer.data.iter().map(|row| row.dimensions.project.clone().flatten().unwrap().name).collect();
            names.sort();
            names
        };
        assert_eq!(names(&answer), names(&all));
        assert_eq!(
            answer.totals.iter().map(|total| total.cost.0).sum::<Decimal>(),
            all.totals.iter().map(|total| total.cost.0).sum::<Decimal>()
        );
        names(&answer)
    };
    assert_eq!(seen(admin).await, ["app", "web"]);
    assert!(seen(&people.user).await.is_empty() && seen(&people.outsider).await.is_empty());
    people.user.get(&format!("/api/costs/by-service?{TODAY}&projectId={web}")).await.problem(ErrorCode::NotFound);
    people.outsider.get(&format!("/api/costs/by-learner?{TODAY}&teamId={platform}")).await.problem(ErrorCode::NotFound);
    admin.send(Method::PUT, &format!("/api/projects/{web}/members/{}", people.user.id())).await.ok();
    assert_eq!(seen(&people.user).await, ["web"]);
    let key = json!({"name": "Reader", "scopes": ["read"], "projectId": app_project});
    let key = admin.post("/api/api-keys", key).await.ok()["key"].as_str().expect("a key").to_owned();
    assert_eq!(seen(&app.anonymous().with_token(key)).await, ["app"]);
}
