//! What the API says things cost.

mod ledgers;

use std::collections::BTreeMap;

use finops_contract::ErrorCode;
use finops_contract::costs::{CostSummary, Dimension};
use finops_simulator::TruthQuery;
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::Answer;
use crate::support::costs::{assert_rollup_is_exact, costs, project_with_id, team, team_with_key};
use crate::support::people::People;

const ALL: &str = "/api/costs/query?from=2026-03-01&to=2026-03-20";

/// Two teams, three projects, everything collected.
async fn collected() -> (TestApp, People, String, String) {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let alpha = team_with_key(&app, &people.admin, "alpha", "org-alpha").await;
    let beta = team_with_key(&app, &people.admin, "beta", "org-beta").await;
    project_with_id(&people.admin, &alpha, "web", "proj_web").await;
    project_with_id(&people.admin, &alpha, "batch", "proj_batch").await;
    project_with_id(&people.admin, &beta, "other", "proj_other").await;
    app.run_jobs().await;
    (app, people, alpha, beta)
}

fn cost(value: &Value) -> Decimal {
    value.as_str().expect("a decimal string").parse().expect("a decimal")
}

#[tokio::test]
async fn the_rollup_and_the_lines_say_the_same() {
    let (app, people, ..) = collected().await;
    let coarse = costs(&app, &people.admin, &[Dimension::Project, Dimension::Team, Dimension::Day]).await;
    let fine =
        costs(&app, &people.admin, &[Dimension::Project, Dimension::Team, Dimension::Day, Dimension::LineItem]).await;
    let mut folded: BTreeMap<Vec<String>, Decimal> = BTreeMap::new();
    for (mut key, cost) in fine {
        key.pop();
        *folded.entry(key).or_default() += cost;
    }
    folded.values_mut().for_each(|cost| *cost = cost.normalize());
    assert_eq!(coarse, folded);
    assert!(coarse.keys().any(|key| key[0].is_empty()), "what belongs to no project is there");
}

#[tokio::test]
async fn filters_narrow_and_pages_join() {
    let (_app, people, alpha, _) = collected().await;
    let total = async |query: &str| {
        let answer = people.admin.get(&format!("{ALL}{query}")).await.ok();
        answer["totals"].as_array().unwrap().first().map_or(Decimal::ZERO, |total| cost(&total["cost"]))
    };
    let all = total("").await;
    let (of_alpha, none) = (total(&format!("&teamId={alpha}")).await, total("&projectId=none").await);
    assert!(of_alpha < all && none > Decimal::ZERO && none < of_alpha);
    let rows = people.admin.get(&format!("{ALL}&groupBy=model,lineItem")).await.ok();
    let rows = rows["data"].as_array().unwrap().clone();
    let line = rows.iter().find(|row| !row["dimensions"]["model"].is_null()).expect("a line with a model");
    let model = line["dimensions"]["model"].as_str().unwrap();
    let item = line["dimensions"]["lineItem"].as_str().unwrap().replace(' ', "%20").replace(',', "%2C");
    assert_eq!(total(&format!("&lineItem={item}")).await, cost(&line["cost"]));
    assert!(total(&format!("&model={model}")).await >= cost(&line["cost"]));
    assert_eq!(total("&model=no-such-model").await, Decimal::ZERO);
    let mut joined = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = people.admin.get(&format!("{ALL}&groupBy=day,project&limit=7{cursor}")).await.ok();
        assert_eq!(cost(&page["totals"][0]["cost"]), all, "the totals are of all pages");
        joined.extend(page["data"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let whole = people.admin.get(&format!("{ALL}&groupBy=day,project&limit=5000")).await.ok();
    assert_eq!(joined, *whole["data"].as_array().unwrap());
    let first = &whole["data"][0];
    assert_eq!(
        (&first["basis"], &first["state"], &first["currency"]),
        (&json!("billed"), &json!("billed"), &json!("USD"))
    );
    assert_eq!(
        (&whole["dayZone"], &whole["from"], &whole["to"]),
        (&json!("UTC"), &json!("2026-03-01"), &json!("2026-03-20"))
    );
}

#[tokio::test]
async fn strange_queries_are_told_what_is_wrong() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    for (query, pointer, code) in [
        ("from=x&to=2026-03-20", "/from", "date"),
        ("from=2026-03-01&to=2026-03-20&groupBy=moon", "/groupBy", "unknown"),
        ("from=2026-03-01&to=2026-03-20&limit=5001", "/limit", "range"),
        ("from=2026-03-01&to=2026-03-20&projectId=1", "/projectId", "format"),
        ("from=2026-03-01&to=2026-03-20&apiVersion=v9", "/apiVersion", "unknown"),
    ] {
        people.admin.get(&format!("/api/costs/query?{query}")).await.field(pointer, code);
    }
    let problem = async |query: &str| people.admin.get(&format!("/api/costs/query?{query}")).await;
    problem("from=2026-03-20&to=2026-03-01").await.problem(ErrorCode::RangeTooLarge);
    problem("from=2020-03-20&to=2026-03-01").await.problem(ErrorCode::RangeTooLarge);
    problem("from=2026-03-01&to=2026-03-20&cursor=zzz").await.problem(ErrorCode::InvalidCursor);
    for query in
        ["", "from=2026-03-01", "from=2026-03-01&to=2026-03-20&moon=1", "from=2026-03-01&to=2026-03-20&teamId=1"]
    {
        problem(query).await.problem(ErrorCode::InvalidQuery);
    }
    people.admin.get("/api/costs/summary?from=2026-03-20&to=2026-03-01").await.problem(ErrorCode::RangeTooLarge);
    assert_eq!(people.admin.get(ALL).await.ok()["data"], json!([]));
}

#[tokio::test]
async fn a_user_sees_the_costs_of_their_teams_and_projects() {
    let (app, people, alpha, beta) = collected().await;
    assert_eq!(people.user.get(ALL).await.ok()["totals"], json!([]));
    people.user.get(&format!("{ALL}&teamId={alpha}")).await.problem(ErrorCode::NotFound);
    people.admin.put(&format!("/api/teams/{beta}/members/{}", people.user.id()), json!({})).await.ok();
    let by = [Dimension::Project];
    assert_eq!(costs(&app, &people.user, &by).await.into_keys().collect::<Vec<_>>(), [vec!["other".to_owned()]]);
    let page = people.admin.get("/api/projects").await.ok();
    let web = page["data"].as_array().unwrap().iter().find(|project| project["name"] == "web").unwrap()["id"].clone();
    let web = web.as_str().unwrap();
    people.user.get(&format!("/api/costs/summary?projectId={web}")).await.problem(ErrorCode::NotFound);
    people.admin.put(&format!("/api/projects/{web}/members/{}", people.user.id()), json!({})).await.ok();
    let names: Vec<_> = costs(&app, &people.user, &by).await.into_keys().flatten().collect();
    assert_eq!(names, ["other", "web"]);
    let summary: CostSummary = people.user.get("/api/costs/summary").await.read_as();
    assert_eq!(summary.unattributed.0, Decimal::ZERO, "not another team's");
    assert_eq!(summary.top_projects.len(), 2);
    people.outsider.get(&format!("{ALL}&teamId={alpha}")).await.problem(ErrorCode::NotFound);
    people.outsider.get(&format!("/api/costs/summary?projectId={web}")).await.problem(ErrorCode::NotFound);
    assert_eq!(people.outsider.get(ALL).await.ok()["totals"], json!([]));
}

#[tokio::test]
async fn the_summary_is_the_truth() {
    let (app, people, alpha, _) = collected().await;
    let summary: CostSummary = people.admin.get("/api/costs/summary?from=2026-03-01&to=2026-03-20").await.read_as();
    let truth = |from: &str, to: &str| {
        let of = |organization| {
            let query = TruthQuery::new(organization, from.parse().unwrap(), to.parse().unwrap());
            app.provider().truth(&query).unwrap().total
        };
        (of("org-alpha") + of("org-beta")).normalize()
    };
    assert_eq!(summary.yesterday.cost.0.normalize(), truth("2026-03-19", "2026-03-20"));
    assert_eq!(summary.yesterday.previous_cost.unwrap().0.normalize(), truth("2026-03-18", "2026-03-19"));
    assert_eq!(summary.last_week.cost.0.normalize(), truth("2026-03-09", "2026-03-16"));
    assert_eq!(summary.last_week.previous_cost.unwrap().0.normalize(), truth("2026-03-02", "2026-03-09"));
    assert_eq!(summary.month_to_date.cost.0.normalize(), truth("2026-03-01", "2026-03-20"));
    assert_eq!(summary.total.0.normalize(), truth("2026-03-01", "2026-03-20"));
    assert_eq!(summary.last_month.cost.0, Decimal::ZERO);
    assert!(summary.last_month.has_data, "collected, and nothing was billed: zero is known");
    let trend: Decimal = summary.trend.iter().map(|point| point.cost.unwrap().0).sum();
    assert_eq!(trend, summary.total.0);
    let top: Vec<_> = summary.top_projects.iter().map(|top| top.project.as_ref().unwrap().name.clone()).collect();
    assert_eq!(top, ["web", "other", "batch"]);
    for top in &summary.top_projects {
        assert_eq!(top.trend.iter().map(|amount| amount.expect("known").0).sum::<Decimal>(), top.cost.0);
    }
    let attributed: Decimal = summary.top_projects.iter().map(|top| top.cost.0).sum();
    assert_eq!(attributed + summary.unattributed.0, summary.total.0);
    assert!(summary.last_week.driver.is_some());
    let narrowed: CostSummary =
        people.admin.get(&format!("/api/costs/summary?teamId={alpha}&from=2026-03-01&to=2026-03-20")).await.read_as();
    assert!(narrowed.total.0 < summary.total.0);
}

#[tokio::test]
async fn before_anything_is_collected_costs_are_unknown_not_zero() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let summary: CostSummary = people.admin.get("/api/costs/summary").await.read_as();
    assert!(!summary.yesterday.has_data && summary.yesterday.previous_cost.is_none());
    assert!(summary.trend.iter().all(|point| point.cost.is_none()));
    assert_eq!((summary.trend.len(), summary.freshness.collected_at), (30, None));
    team(&people.admin, "keyless").await;
    let summary: CostSummary = people.admin.get("/api/costs/summary").await.read_as();
    assert_eq!(summary.next_actions[0].code, "register_admin_key");
}

#[tokio::test]
async fn sums_of_many_digits_are_told_exactly_or_refused() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let import = async |day: &str, lines: usize| {
        let rows: String = (0..lines).map(|n| format!("{day},,model {n},999999999.999999999999999997\n")).collect();
        let request = people.admin.request(Method::POST, &format!("/api/costs/import?teamId={team}"));
        Answer::of(request.header("content-type", "text/csv").body(format!("date,project,model,cost\n{rows}")))
            .await
            .ok();
    };
    // 29 digits, and the largest that fits is not reached: 71 × 999,999,999.999…997.
    import("2026-03-10", 71).await;
    let exact = "70999999999.999999999999999787";
    for by in ["day", "team,model", "day&projectId=none"] {
        let answer = people.admin.get(&format!("{ALL}&groupBy={by}")).await.ok();
        assert_eq!(answer["totals"][0]["cost"], exact, "{by}");
        assert_eq!(answer["totals"][0]["unattributed"], exact, "{by}");
    }
    let summary = "/api/costs/summary";
    assert_rollup_is_exact(&app).await;
    // One digit more than can be held. A part of it can be told.
    import("2026-03-12", 16).await;
    people.admin.get(ALL).await.problem(ErrorCode::SumTooLarge);
    people.admin.get(summary).await.problem(ErrorCode::SumTooLarge);
    let part = people.admin.get("/api/costs/query?from=2026-03-12&to=2026-03-20").await.ok();
    assert_eq!(part["totals"][0]["cost"], "15999999999.999999999999999952");
    assert_rollup_is_exact(&app).await;
}
