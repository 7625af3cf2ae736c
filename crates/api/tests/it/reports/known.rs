//! What is known of a project's days before the last one's bill has come.

use chrono::TimeDelta;
use finops_contract::reports::UnmeasuredReason;
use serde_json::json;

use super::{call, projects, report, some, text, track};
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::team_with_key;

/// A project with calls on Tuesday alone, on the Monday after, of which Sunday's bill has not come. What the provider
/// measured of it is known, unless it is not asked.
async fn monday(app: &TestApp) -> Client {
    let admin = app.people().await.tenant_admin;
    let platform = team_with_key(app, &admin, "platform", "org-alpha").await;
    let lab = projects(&admin, &platform, &["lab"]).await.remove(0);
    let tuesday = "2026-03-17T03:00:00Z";
    track(&admin, call(&lab, tuesday, 20)).await;
    let told = json!({"outcomes": [{"outcome": "success", "count": 10, "occurredAt": tuesday}]});
    admin.post(&format!("/api/projects/{lab}/outcomes"), told).await.ok();
    app.run_jobs().await;
    // Sunday evening in UTC, and Monday morning in Korea: bills up to Saturday's.
    app.advance("2026-03-22T23:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().expect("a time") - app.now());
    app.run_jobs().await;
    app.advance(TimeDelta::minutes(61));
    admin
}

#[tokio::test]
async fn a_silent_day_that_the_provider_measured_whole_cost_nothing() {
    let app = TestApp::builder().set("USAGE_POLL_INTERVAL", "60").spawn().await;
    let admin = monday(&app).await;
    let found = report(&admin, "").await;
    assert_eq!((found.to.to_string().as_str(), found.measured, found.not_measured_count), ("2026-03-23", 1, 0));
    let [lab] = found.best.try_into().expect("one project");
    assert_eq!((text(Some(lab.cost)), text(lab.cost_per_success)), (some("20"), some("2")));

    // Not where one of the meters is behind, or an hour was missed.
    let back = "UPDATE provider_usage_meters SET polled_through = '2026-03-22T14:59:00Z' WHERE meter = 'completions'";
    let ahead = "UPDATE provider_usage_meters SET polled_through = '2026-03-22T15:00:00Z' WHERE meter = 'completions'";
    let hole = "DELETE FROM provider_usage_hours WHERE meter = 'images' AND hour = '2026-03-22T03:00:00Z'";
    let measured = async || report(&admin, "").await.measured;
    for (statement, count) in [(back, 0), (ahead, 1), (hole, 0)] {
        assert_eq!(app.database.sql(statement).await, 1, "{statement}");
        assert_eq!(measured().await, count, "{statement}");
    }
    app.run_jobs().await;
    assert_eq!(measured().await, 1, "the bill has come");
}

#[tokio::test]
async fn a_silent_day_that_nobody_measured_is_not_known() {
    let app = TestApp::spawn().await;
    let admin = monday(&app).await;
    let found = report(&admin, "").await;
    let [lab] = found.not_measured.try_into().expect("one project");
    assert_eq!((lab.reason, lab.partial, found.measured), (UnmeasuredReason::CostUnknown, true, 0));
    app.run_jobs().await;
    assert_eq!(report(&admin, "").await.measured, 1, "the bill has come");
}
