//! A threshold is crossed once, whoever notices; and anew when it is of another amount.

use chrono::TimeDelta;
use finops_api::features::budgets::{self, Crossing, Standing};
use finops_api::platform::db::OrganizationId;
use finops_contract::budgets::Budget;
use serde_json::json;

use super::{call, date, decimal, monthly, set, status, track};
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};

/// How a budget stands, as whoever raises alarms sees it.
async fn standings(app: &TestApp, client: &Client, budget: &Budget, before: usize) -> Vec<Standing> {
    let organization = OrganizationId(client.organization());
    let mut tx = app.db().background().tenant(organization).await.expect("a transaction");
    let calendar = budgets::calendar(&mut tx, organization).await.expect("a calendar");
    let all = budgets::in_force(&mut tx, organization).await.expect("budgets");
    let budget = all.iter().find(|one| one.id == budget.id).expect("the budget");
    budgets::standings(&mut tx, organization, calendar, budget, app.now(), before).await.expect("standings")
}

/// Notices all that is reached, and says what nobody had noticed.
async fn notice(app: &TestApp, client: &Client, standing: &Standing) -> Vec<Crossing> {
    let organization = OrganizationId(client.organization());
    let mut tx = app.db().background().tenant(organization).await.expect("a transaction");
    let mut new = Vec::new();
    for alert in &standing.reached {
        new.extend(budgets::cross(&mut tx, organization, &app.state.clock, standing, *alert).await.expect("an answer"));
    }
    tx.commit().await.expect("committed");
    new
}

fn thresholds(crossings: &[Crossing]) -> Vec<String> {
    crossings.iter().map(|crossing| crossing.alert.threshold.to_string()).collect()
}

#[tokio::test]
async fn a_threshold_is_crossed_once_and_anew_with_another_amount_or_period() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    let body = |amount: &str| {
        let mut body = monthly(amount, json!({"type": "project", "id": web}));
        body["alerts"] = json!([{"threshold": 50, "type": "email"}, {"threshold": 80, "type": "slack"},
            {"threshold": 100, "type": "both"}, {"threshold": 300, "type": "sms", "basis": "forecast"}]);
        body
    };
    let budget = set(admin, body("100")).await;
    let now = async || standings(&app, admin, &budget, 0).await.remove(0);
    let put = async |amount: &str| admin.put(&format!("/api/budgets/{}", budget.id), body(amount)).await.ok();
    track(admin, call(&web, "2026-03-20T09:00:00Z", 85)).await;
    let standing = now().await;
    assert_eq!((standing.spent, standing.is_over), (Some(decimal("85")), false));
    // Whoever notices, and however many at once: one of them.
    let all = futures_util::future::join_all((0..8).map(|_| notice(&app, admin, &standing))).await;
    let mut found: Vec<String> = all.iter().flat_map(|new| thresholds(new)).collect();
    found.sort();
    assert_eq!(found, ["300", "50", "80"]);
    assert_eq!(all.iter().flatten().find(|one| one.alert.threshold.to_string() == "80").unwrap().figure, decimal("85"));
    let told = status(admin, budget.id).await;
    let reached: Vec<_> = told.thresholds.iter().map(|one| (one.reached, one.crossed_at.is_some())).collect();
    assert_eq!(reached, [(true, true), (true, true), (false, false), (true, true)]);
    assert_eq!(told.thresholds[1].amount.to_string(), "80.000000");

    // Lowered: all of them anew. What was seen of the amount before says nothing any more.
    put("80").await;
    assert_eq!(notice(&app, admin, &standing).await, [], "an amount that holds no more");
    assert_eq!(thresholds(&notice(&app, admin, &now().await).await), ["50", "80", "100", "300"]);
    // Raised: what is crossed still is not told again, what is crossed later is.
    put("160").await;
    assert_eq!(notice(&app, admin, &now().await).await, []);
    let told = status(admin, budget.id).await;
    assert!(told.thresholds[0].crossed_at.is_some() && told.thresholds[1].crossed_at.is_none());
    track(admin, call(&web, "2026-03-20T09:30:00Z", 50)).await;
    assert_eq!(thresholds(&notice(&app, admin, &now().await).await), ["80"]);
    assert_eq!(app.database.count("SELECT count(*) FROM budget_crossings WHERE carried").await, 2);

    // Another month: anew. And a call that comes late, of the month that is over, is held to the amount of its end.
    app.advance(TimeDelta::days(12));
    put("1000").await;
    track(admin, call(&web, "2026-04-01T09:00:00Z", 600)).await;
    track(admin, call(&web, "2026-03-21T09:00:00Z", 40)).await;
    let both = standings(&app, admin, &budget, 1).await;
    let spent: Vec<_> = both.iter().map(|one| (one.amount, one.spent.unwrap(), one.revision, one.is_over)).collect();
    assert_eq!(spent, [(decimal("1000"), decimal("600"), 4, false), (decimal("160"), decimal("175"), 3, true)]);
    assert_eq!(thresholds(&notice(&app, admin, &both[1]).await), ["100"], "50 and 80 were crossed in March");
    assert_eq!(thresholds(&notice(&app, admin, &both[0]).await)[0], "50");
    assert_eq!(notice(&app, admin, &both[1]).await, []);

    // Another period: another amount. A deleted budget is crossed by nothing.
    let mut weekly = body("1000");
    weekly["period"] = json!("weekly");
    admin.put(&format!("/api/budgets/{}", budget.id), weekly).await.ok();
    let standing = now().await;
    assert_eq!((standing.period.from, standing.period.to), (date("2026-03-30"), date("2026-04-06")));
    assert_eq!(standings(&app, admin, &budget, 3).await.len(), 1, "there was no weekly amount before");
    admin.delete(&format!("/api/budgets/{}", budget.id)).await.ok();
    assert_eq!(notice(&app, admin, &standing).await, []);
}
