//! What is checked when: at once whatever budgets are held against, past periods by whoever is there, and nobody after somebody
//! who takes long.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::Connection as _;

use super::{alerts, call, track};
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{bill, project, team};

async fn budget(admin: &Client, scope: Value, period: &str) -> String {
    let body = json!({"name": "Web", "scope": scope, "amount": "100", "period": period,
        "alerts": [{"threshold": 100, "type": "both"}]});
    let made: Value = admin.post("/api/budgets", body).await.expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn whatever_a_budget_is_held_against_is_looked_at_at_once() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    admin.patch("/api/organization", json!({"timeZone": "Europe/Berlin"})).await.ok();
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    // In Berlin half of it is of the day before.
    for at in ["2026-03-19T16:00:00Z", "2026-03-20T09:00:00Z"] {
        track(admin, call(&web, at, 60)).await;
    }
    bill(&app, &web, "2026-03-10", "acme", "92 EUR").await;
    budget(admin, json!({"type": "project", "id": web}), "daily").await;
    budget(admin, json!({"type": "environment", "id": "ci"}), "monthly").await;
    // One process, which has looked at everything: without a word it looks again in five minutes.
    let runner = app.runner();
    runner.reconcile().await;
    assert_eq!(alerts(admin, "").await, []);
    let raised = async || {
        runner.reconcile().await;
        let budgets = alerts(admin, "").await.into_iter().filter_map(|alert| alert.budget);
        budgets.map(|budget| budget.figure.0.normalize().to_string()).collect::<Vec<_>>()
    };

    admin.patch("/api/organization", json!({"timeZone": "Asia/Seoul"})).await.ok();
    assert_eq!(raised().await, ["120"], "another calendar");
    admin.patch(&format!("/api/projects/{web}"), json!({"environment": "ci"})).await.ok();
    assert_eq!(raised().await, ["120", "120"], "another environment");
    let own = budget(admin, json!({"type": "team", "id": alpha}), "weekly").await;
    assert_eq!(raised().await.len(), 3);
    admin.delete(&format!("/api/budgets/{own}")).await.ok();
    budget(admin, json!({"type": "team", "id": alpha}), "yearly").await;
    assert_eq!(raised().await.len(), 4);
    let much = json!({"name": "All", "scope": {"type": "organization"}, "amount": "200", "period": "monthly",
        "alerts": [{"threshold": 100, "type": "both"}]});
    admin.post("/api/budgets", much).await.status(201);
    assert_eq!(raised().await.len(), 4, "what is billed in euros counts for nothing yet");
    let rate = json!({"currency": "EUR", "date": "2026-03-02", "rate": "0.92", "source": "ECB"});
    admin.put("/api/fx-rates", rate).await.ok();
    assert_eq!(raised().await[0], "220", "an exchange rate");
    // What says nothing new is no reason to look.
    admin.patch("/api/organization", json!({"name": "Renamed"})).await.ok();
    admin.patch(&format!("/api/projects/{web}"), json!({"description": "The same"})).await.ok();
    let fresh = "SELECT count(*) FROM budget_checks WHERE past_from IS NULL";
    assert_eq!(app.database.count(fresh).await, 0);
}

#[tokio::test]
async fn past_periods_that_one_process_put_off_are_looked_at_by_another() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web = project(admin, &team(admin, "alpha").await, "web").await;
    budget(admin, json!({"type": "project", "id": web}), "monthly").await;
    app.advance(TimeDelta::days(13));
    let (first, second) = (app.runner(), app.runner());
    first.reconcile().await;
    second.reconcile().await;
    track(admin, call(&web, "2026-03-25T09:00:00Z", 120)).await;
    first.reconcile().await;
    assert_eq!(alerts(admin, "").await, [], "twice a minute at most");
    // The first one is gone.
    drop(first);
    app.advance(TimeDelta::seconds(31));
    second.reconcile().await;
    let [late] = alerts(admin, "").await.try_into().expect("one alert");
    assert_eq!(late.budget.expect("a budget").from.to_string(), "2026-03-01");
    assert_eq!(app.database.count("SELECT count(*) FROM budget_checks").await, 0);
}

#[tokio::test]
async fn one_that_takes_long_delays_nobody() {
    let app = TestApp::builder().set("DATABASE_POOL_SIZE", "20").spawn().await;
    let people = app.people().await;
    let (admin, other) = (&people.tenant_admin, &people.outsider);
    for client in [admin, other] {
        let web = project(client, &team(client, "alpha").await, "web").await;
        track(client, call(&web, "2026-03-20T09:00:00Z", 120)).await;
    }
    let runner = app.runner();
    runner.reconcile().await;
    budget(admin, json!({"type": "organization"}), "monthly").await;
    // Somebody changes the budget, and takes their time: crossing its threshold waits for that.
    let mut owner = app.database.owner().await;
    let mut held = owner.begin().await.expect("a transaction");
    sqlx::query("SELECT id FROM budgets FOR UPDATE").execute(&mut *held).await.expect("the budget");
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let meanwhile = async {
        while app.database.count(waits).await == 0 {}
        budget(other, json!({"type": "organization"}), "monthly").await;
        while alerts(other, "").await.is_empty() {}
        assert_ne!(app.database.count(waits).await, 0, "the other one's check is under way still");
        held.rollback().await.expect("let go");
    };
    let both = async { tokio::join!(runner.reconcile(), meanwhile) };
    tokio::time::timeout(Duration::from_secs(20), both).await.expect("nobody waits for the other");
    assert_eq!(alerts(admin, "").await.len(), 1);
}
