//! Exchange rates: every cost counts by that of its own day, and an amount keeps its own.

use finops_api::features::budgets::Watch;
use finops_contract::budgets::CostThresholds;
use finops_contract::fx_rates::FxRate;
use serde_json::{Value, json};

use super::together::assert_alike;
use super::{Budget, call, exact, monthly, set, status, track};
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{bill, project, team};

async fn rate(admin: &Client, currency: &str, date: &str, rate: &str) -> FxRate {
    let body = json!({"currency": currency, "date": date, "rate": rate, "source": "Bank"});
    admin.put("/api/fx-rates", body).await.read_as()
}

fn of(project: &str, amount: &str, currency: &str) -> Value {
    let mut body = monthly(amount, json!({"type": "project", "id": project}));
    body["currency"] = json!(currency);
    body
}

/// What was spent this month and in the one before, and what could not be converted of that.
async fn months(admin: &Client, budget: &Budget) -> (String, String, usize) {
    let found = status(admin, budget.id).await;
    let last = &found.history[0];
    let spent = |spent| exact(spent).unwrap_or_default();
    (spent(found.current.spent), spent(last.spent), last.unconverted.len())
}

#[tokio::test]
async fn a_cost_counts_by_the_rate_of_its_day_and_what_is_over_stays() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web = project(admin, &team(admin, "alpha").await, "web").await;
    track(admin, call(&web, "2026-03-20T09:00:00Z", 1)).await;
    rate(admin, "KRW", "2026-02-02", "1400").await;
    rate(admin, "EUR", "2026-02-09", "0.92").await;
    for day in ["2026-02-05", "2026-02-10", "2026-03-10", "2026-03-18"] {
        bill(&app, &web, day, "acme", "9.2 EUR").await;
    }
    let (dollars, won) = (set(admin, of(&web, "100", "USD")).await, set(admin, of(&web, "140000", "KRW")).await);
    let told = |current: &str, last: &str| (current.to_owned(), last.to_owned(), 1);
    let mut watch = Watch::default();
    // Of the 5th of February there is no rate: told beside, by no later one.
    assert_eq!(months(admin, &dollars).await, told("21", "10"));
    assert_eq!(months(admin, &won).await, told("29400", "14000"));
    assert_alike(&app, admin, &mut watch).await;

    rate(admin, "EUR", "2026-03-15", "0.5").await;
    rate(admin, "KRW", "2026-03-15", "1000").await;
    assert_eq!(months(admin, &dollars).await, told("29.4", "10"), "the 18th's counts otherwise, and nothing before");
    assert_eq!(months(admin, &won).await, told("41160", "14000"), "the amount keeps its own rate");
    // Whoever asks again and again sees it at once.
    assert_alike(&app, admin, &mut watch).await;
    let key = json!({"name": "Prometheus", "scopes": ["read"], "projectId": null});
    let key = admin.post("/api/api-keys", key).await.ok()["key"].as_str().expect("a key").to_owned();
    let text = app.anonymous().with_token(key).get("/api/metrics").await.text;
    let used = text.lines().filter(|line| line.starts_with("finops_budget_percentage_used{"));
    assert!(used.clone().count() == 2 && used.clone().all(|line| line.ends_with(" 29.4")), "{text}");

    // A mended rate mends its own days.
    rate(admin, "EUR", "2026-02-09", "0.46").await;
    assert_eq!(months(admin, &dollars).await, told("39.4", "20"));
    assert_alike(&app, admin, &mut watch).await;

    // Set anew, the amount has today's rate; what was over has the one that it had first.
    let anew: Budget = admin.put(&format!("/api/budgets/{}", won.id), of(&web, "150000", "KRW")).await.read_as();
    assert_eq!((anew.revision, exact(anew.fx.map(|fx| fx.rate)).as_deref()), (2, Some("1000")));
    assert_eq!(months(admin, &won).await, told("39400", "28000"));
    assert_alike(&app, admin, &mut watch).await;
}

#[tokio::test]
async fn a_rename_is_no_other_amount_whatever_the_rate_is_by_now() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web = project(admin, &team(admin, "alpha").await, "web").await;
    rate(admin, "KRW", "2026-03-02", "1400").await;
    let mut body = of(&web, "10000", "KRW");
    body["alerts"] = json!([{"threshold": 100, "type": "email"}]);
    let budget = set(admin, body.clone()).await;
    let limits = json!({"daily": {"amount": "10000", "currency": "KRW"}});
    let limits_path = format!("/api/projects/{web}/cost-thresholds");
    let limit: CostThresholds = admin.put(&limits_path, &limits).await.read_as();
    track(admin, call(&web, "2026-03-20T09:00:00Z", 10)).await;
    app.runner().reconcile().await;
    let raised = async || admin.get("/api/alerts").await.ok()["data"].as_array().map(Vec::len);
    assert_eq!(raised().await, Some(2));

    // By which the amount would be less.
    rate(admin, "KRW", "2026-03-19", "1600").await;
    body["name"] = json!("Renamed");
    let renamed: Budget = admin.put(&format!("/api/budgets/{}", budget.id), &body).await.read_as();
    assert_eq!((renamed.name.as_str(), renamed.revision, &renamed.fx), ("Renamed", 1, &budget.fx));
    body["alerts"] = json!([{"threshold": 100, "type": "slack"}]);
    let told_elsewhere: Budget = admin.put(&format!("/api/budgets/{}", budget.id), &body).await.read_as();
    assert_eq!((told_elsewhere.revision, &told_elsewhere.fx), (1, &budget.fx));
    // Nor does a threshold that is set again beside another.
    let limits =
        json!({"daily": {"amount": "10000", "currency": "KRW"}, "weekly": {"amount": "99", "currency": "USD"}});
    let both: CostThresholds = admin.put(&limits_path, &limits).await.read_as();
    assert_eq!(both.daily, limit.daily);
    app.runner().reconcile().await;
    assert_eq!(raised().await, Some(2), "nobody is told anew");
}
