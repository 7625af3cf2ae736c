//! Many budgets at once stand as each of them does alone.

use finops_api::features::budgets::{self, Watch};
use finops_api::platform::db::OrganizationId;
use serde_json::json;

use super::{call, monthly, organization, set, track};
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};

/// Asserts that all budgets of somebody's organization stand, asked of together and watched, as each of them stands alone.
pub(super) async fn assert_alike(app: &TestApp, client: &Client, watch: &mut Watch) {
    let organization = OrganizationId(client.organization());
    let mut tx = app.db().background().tenant(organization).await.expect("a transaction");
    let calendar = budgets::calendar(&mut tx, organization).await.expect("a calendar");
    let all = budgets::in_force(&mut tx, organization).await.expect("budgets");
    let together = budgets::standings_of(&mut tx, organization, calendar, &all, app.now(), |_| 3).await;
    let together = together.expect("standings");
    let watched = watch.read(&mut tx, organization, calendar, &all, app.now()).await.expect("figures");
    assert_eq!((together.len(), watched.len()), (all.len(), all.len()));
    for ((budget, together), watched) in all.iter().zip(together).zip(watched) {
        let alone = budgets::standings(&mut tx, organization, calendar, budget, app.now(), 3).await.expect("standings");
        assert_eq!(together.as_ref(), Ok(&alone), "{:?}", budget.scope);
        assert_eq!((watched.period, watched.spent), (alone[0].period, alone[0].spent), "{:?}", budget.scope);
        assert_eq!(watched.ends_at, calendar.bounds(alone[0].period).1);
    }
    let standings = watch.standings(&mut tx, organization, calendar, &all, app.now()).await.expect("standings");
    for (budget, standing) in all.iter().zip(standings) {
        let alone = budgets::standings(&mut tx, organization, calendar, budget, app.now(), 0).await.expect("standings");
        assert_eq!(standing.as_ref(), Ok(&alone[0]), "{:?}", budget.scope);
    }
}

#[tokio::test]
async fn what_is_remembered_of_days_that_are_over_is_forgotten_when_it_is_another() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    let scopes = [
        organization(),
        json!({"type": "team", "id": alpha}),
        json!({"type": "project", "id": web}),
        json!({"type": "environment", "id": "production"}),
        json!({"type": "environment", "id": "ci"}),
        json!({"type": "service", "id": "chatbot"}),
        json!({"type": "learner", "id": "ann"}),
    ];
    for period in ["daily", "weekly", "monthly", "quarterly", "yearly"] {
        for scope in &scopes {
            let mut body = monthly("100", scope.clone());
            body["period"] = json!(period);
            set(admin, body).await;
        }
    }
    let mut watch = Watch::default();
    let mut look = async || assert_alike(&app, admin, &mut watch).await;
    look().await;
    let body = json!({"teamId": alpha, "name": "pipeline", "environment": "ci"});
    let pipeline = admin.post("/api/projects", body).await.ok()["id"].as_str().expect("an id").to_owned();
    let mut event = call(&web, "2026-03-20T09:00:00Z", 1);
    (event["service"], event["learnerId"]) = (json!("chatbot"), json!("ann"));
    for at in ["2026-03-20T09:00:00Z", "2026-03-19T14:59:00Z", "2026-03-17T09:00:00Z", "2026-02-20T09:00:00Z"] {
        event["timestamp"] = json!(at);
        track(admin, event.clone()).await;
        look().await;
    }
    app.runner().reconcile().await;
    look().await;
    // Of a project that is new since, and of one that runs somewhere else now.
    track(admin, call(&pipeline, "2026-03-17T09:00:00Z", 2)).await;
    look().await;
    admin.patch(&format!("/api/projects/{web}"), json!({"environment": "ci"})).await.ok();
    look().await;
    for zone in ["America/New_York", "Asia/Kolkata", "UTC"] {
        admin.patch("/api/organization", json!({"timeZone": zone, "fiscalYearStartMonth": 2})).await.ok();
        look().await;
    }
    app.advance(chrono::TimeDelta::days(1));
    look().await;
}
