//! What is crossed over a week, and what is crossed after its period is over, by a bill that was restated.

use chrono::TimeDelta;
use finops_contract::alerts::AlertStatus;
use finops_contract::budgets::BudgetPeriod;
use finops_simulator::RestateSpec;
use rust_decimal::Decimal;
use serde_json::json;

use super::{alerts, call, track};
use crate::support::TestApp;
use crate::support::costs::{project, project_with_id, team, team_with_key};

#[tokio::test]
async fn a_weeks_limit_is_crossed_by_the_weeks_days_together() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let marketing = team(admin, "마케팅팀").await;
    let chatbot = project(admin, &marketing, "chatbot").await;
    let limits = json!({"weekly": {"amount": "1000", "type": "both"}});
    admin.put(&format!("/api/projects/{chatbot}/cost-thresholds"), limits).await.ok();
    // Sunday is another week's.
    for (day, dollars) in [(15, 5_000), (17, 600), (19, 300)] {
        track(admin, call(&chatbot, &format!("2026-03-{day}T05:00:00Z"), dollars)).await;
    }
    app.runner().reconcile().await;
    assert_eq!(alerts(admin, "").await, []);
    track(admin, call(&chatbot, "2026-03-20T09:00:00Z", 200)).await;
    app.runner().reconcile().await;
    let [alert] = alerts(admin, "").await.try_into().expect("one alert");
    assert_eq!(alert.subject, "[마케팅팀] 주간 한도 $1,000 초과 - 현재 $1,100 (110%)");
    let budget = alert.budget.expect("a budget");
    assert_eq!((budget.period, budget.from.to_string().as_str()), (BudgetPeriod::Weekly, "2026-03-16"));
}

#[tokio::test]
async fn a_bill_that_is_restated_crosses_its_own_day_later() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let platform = team_with_key(&app, admin, "platform", "org-alpha").await;
    let web = project_with_id(admin, &platform, "web", "proj_web").await;
    let budget = json!({"name": "Web", "scope": {"type": "project", "id": web}, "amount": "1000000", "period": "daily",
        "alerts": [{"threshold": 100, "type": "both"}]});
    admin.post("/api/budgets", &budget).await.status(201);
    let day = app.now().date_naive();
    for _ in 0..2 {
        app.advance(TimeDelta::days(1));
        app.run_jobs().await;
        app.runner().reconcile().await;
    }
    assert_eq!(alerts(admin, "").await, [], "no bill is as large");
    app.provider()
        .restate(&RestateSpec::amount("org-alpha", "proj_web", day, Decimal::from(2_000_000)))
        .expect("lines");
    app.advance(TimeDelta::days(1));
    app.run_jobs().await;
    app.runner().reconcile().await;
    let [alert] = alerts(admin, "").await.try_into().expect("one alert");
    let budget = alert.budget.expect("a budget");
    assert_eq!((budget.from, alert.status), (day, AlertStatus::Open));
    assert!(budget.figure.0 >= Decimal::from(2_000_000), "{}", budget.figure);
    app.runner().reconcile().await;
    assert_eq!(alerts(admin, "").await.len(), 1, "nobody is told twice");
}
