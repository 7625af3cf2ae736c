//! Several workers, and one that wakes late.

use std::time::Duration;

use chrono::TimeDelta;
use finops_api::platform::clock::Clock;
use finops_contract::costs::Dimension;
use finops_simulator::{Fault, FaultSpec, OrganizationSpec, ProjectSpec};
use rust_decimal::Decimal;
use serde_json::json;

use super::NAMES;
use crate::support::TestApp;
use crate::support::app::CRON_SECRET;
use crate::support::costs::{assert_rollup_is_exact, costs, project_with_id, team_with_key, truth};
use crate::support::process::{self, Process};

const COSTS: &str = "/v1/organization/costs";

/// Returns once the provider has been asked for costs.
async fn asked_for_costs(app: &TestApp) {
    let asked = async {
        while !app.provider().requests().iter().any(|request| request.path == COSTS) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("the provider was never asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_team_writes_nothing() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.provider().clear_requests();
    app.provider().add_fault(FaultSpec::new(COSTS, Fault::Hang { seconds: 1.5 }).times(1));
    let robbed = async {
        asked_for_costs(&app).await;
        // As if the worker had been frozen for longer than its lease, and another had taken over.
        app.database
            .sql("UPDATE collections SET lease_owner = gen_random_uuid(), lease_until = now() + interval '1 hour'")
            .await;
        // Nor may the robbed worker's job come back before the rows were counted.
        app.database.sql("UPDATE jobs SET max_attempts = 1").await;
    };
    let worker = app.run_jobs_and_let_them_die();
    let counted = async {
        robbed.await;
        while app.jobs("running").await.iter().any(|job| job.name == "collect_costs") {
            tokio::task::yield_now().await;
        }
        let rows = app.database.count("SELECT count(*) FROM billed_costs").await;
        app.database.sql("UPDATE collections SET lease_owner = NULL, lease_until = NULL").await;
        rows
    };
    let (_, rows) = tokio::join!(worker, counted);
    assert_eq!(rows, 0, "the robbed worker wrote");
    app.hurry_jobs().await;
    app.run_jobs().await;
    let status = people.admin.get(&format!("/api/teams/{team}/collection")).await.ok();
    assert_eq!(status["status"], "healthy");
    assert_rollup_is_exact(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_and_batches_at_once_collect_each_bucket_once() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    for (name, organization) in [("alpha", "org-alpha"), ("beta", "org-beta")] {
        let team = team_with_key(&app, &people.admin, name, organization).await;
        if name == "alpha" {
            for (openai, name) in NAMES {
                project_with_id(&people.admin, &team, name, openai).await;
            }
        }
    }
    let cron = app.anonymous().with_token(CRON_SECRET);
    let batch = || cron.get("/api/cron/daily-batch");
    let (_, _, one, other, third) = tokio::join!(app.run_jobs(), app.run_jobs(), batch(), batch(), batch());
    let created: i64 = [one, other, third].iter().map(|answer| answer.ok()["recordsCreated"].as_i64().unwrap()).sum();
    app.hurry_jobs().await;
    app.run_jobs().await;
    let rows = app.database.count("SELECT count(*) FROM billed_costs").await;
    assert!(created <= rows, "{created} lines were created of {rows}");
    let by = [Dimension::Project, Dimension::LineItem, Dimension::ApiKey, Dimension::Day];
    let mut both = truth(&app, "org-alpha", &by, &NAMES);
    for (key, cost) in truth(&app, "org-beta", &by, &[]) {
        *both.entry(key).or_default() += cost;
    }
    assert_eq!(costs(&app, &people.admin, &by).await, both);
    assert_rollup_is_exact(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runners_that_start_the_day_together_ask_for_it_once() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    app.advance(TimeDelta::days(1));
    app.provider().clear_requests();
    tokio::join!(app.run_jobs(), app.run_jobs(), app.run_jobs());
    let asked = app.provider().requests().iter().filter(|request| request.path == COSTS).count();
    assert_eq!(asked, 1);
    let jobs = app.jobs("succeeded").await;
    let daily: Vec<_> = jobs.iter().filter(|job| job.name == "daily_batch").map(|job| job.slot.clone()).collect();
    assert_eq!(daily, ["2026-03-21T00:00:00Z", "2026-03-20T00:00:00Z"]);
    assert_eq!(
        people.admin.get("/api/costs/summary").await.ok()["freshness"]["collectedAt"],
        json!("2026-03-21T10:30:00Z")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_is_gone_on_from_where_it_was() {
    let app = TestApp::spawn().await;
    // The process has the machine's clock; so has everything else now.
    app.advance(Clock::system().now() - app.now());
    let people = app.people().await;
    let first_day = app.now().date_naive() - chrono::Days::new(150);
    let spec = OrganizationSpec::new("org-killed", 5, first_day)
        .with_project(ProjectSpec::new("proj_killed", "killed", Decimal::from(80)))
        .with_project(ProjectSpec { line_items: 9, ..ProjectSpec::new("proj_also", "also", Decimal::from(8)) });
    app.provider().add_organization(spec).unwrap();
    let team = team_with_key(&app, &people.admin, "platform", "org-killed").await;
    for pages in [1, 2, 3] {
        app.provider().clear_requests();
        app.provider().add_fault(FaultSpec::new(COSTS, Fault::Hang { seconds: 60.0 }).skip(pages).times(1));
        let mut worker = process::finops(app.database.url(), &["jobs"]);
        let worker = Process(worker.env("OPENAI_BASE_URL", app.simulator.openai_base_url()).spawn().expect("finops"));
        let hangs = async {
            let asked = || app.provider().requests().iter().filter(|request| request.path == COSTS).count();
            while asked() <= pages as usize {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), hangs).await.expect("the provider was not asked");
        worker.kill();
        app.provider().clear_faults();
        // As if the leases had run out since.
        for expired in [
            "UPDATE jobs SET lease_until = now() WHERE lease_until IS NOT NULL",
            "UPDATE collections SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL",
        ] {
            app.database.sql(expired).await;
        }
    }
    assert!(app.database.count("SELECT count(*) FROM billed_costs").await > 0, "every process stored something");
    // A job whose worker was lost waits for its next attempt.
    while !app.jobs("queued").await.is_empty() {
        app.hurry_jobs().await;
        app.run_jobs().await;
    }
    assert_eq!(people.admin.get(&format!("/api/teams/{team}/collection")).await.ok()["status"], "healthy");
    let by = [Dimension::Day, Dimension::LineItem, Dimension::ApiKey];
    assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-killed", &by, &[]));
    assert_eq!(app.database.count("SELECT count(*) FROM billed_cost_revisions").await, 0, "nothing was stored twice");
    assert_rollup_is_exact(&app).await;
}
