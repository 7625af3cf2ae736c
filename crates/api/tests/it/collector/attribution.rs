//! A Project ID with many earlier lines: they become the project's slice by slice.

use std::time::Duration;

use chrono::TimeDelta;
use finops_api::features::collector::rollups;
use finops_api::platform::clock::Clock;
use finops_contract::ErrorCode;
use finops_contract::costs::Dimension;
use finops_simulator::{OrganizationSpec, ProjectSpec};
use rust_decimal::Decimal;
use serde_json::json;

use crate::support::TestApp;
use crate::support::costs::{assert_rollup_is_exact, costs, project, set_project_id, team_with_key, truth};
use crate::support::process::{self, Process};

/// Two slices and a part of a third.
const MANY: i64 = 12_000;
const LINES_LEFT: &str =
    "SELECT count(*) FROM billed_costs WHERE provider_project_id IN ('proj_web', 'proj_many') AND project_id IS NULL";

/// Earlier lines of a Project ID, before everything that tests look at, on forty days.
async fn insert_many(app: &TestApp, openai: &str) {
    let statement = "
        INSERT INTO billed_costs (organization_id, id, provider, provider_account, api_version, bucket_start, bucket_end,
            provider_project_id, line_item, currency, amount, team_id, collected_at, changed_at)
        SELECT t.organization_id, gen_random_uuid(), 'openai', c.provider_account, 'costs_v1', day, day + interval '1 day',
            $1, 'item ' || n, 'USD', n * 0.000001, t.id, t.created_at, t.created_at
        FROM teams t JOIN collections c ON c.organization_id = t.organization_id AND c.team_id = t.id,
            generate_series(1, $2) n, LATERAL (SELECT '2026-01-01T00:00:00Z'::timestamptz + n % 40 * interval '1 day' AS day) d";
    let mut owner = app.database.owner().await;
    sqlx::query(statement).bind(openai).bind(MANY).execute(&mut owner).await.expect("lines");
    let report = rollups::verify(&app.state, true).await.expect("repaired");
    assert_eq!((report.differing, report.repaired), (40, 40));
}

#[tokio::test]
async fn many_earlier_lines_become_the_projects_in_a_job_and_it_tells_how_far_it_is() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    insert_many(&app, "proj_web").await;
    let total = app.database.count(LINES_LEFT).await;
    let web = project(&people.admin, &team, "web").await;
    let path = format!("/api/projects/{web}");
    let id_path = format!("{path}/openai-project-id");
    let registered = people.admin.put(&id_path, json!({"openaiProjectId": "proj_web"})).await.ok();
    let begun = json!({"done": 0, "total": total});
    assert_eq!(registered["project"]["attribution"], begun);
    assert_eq!(people.admin.get(&path).await.ok()["attribution"], begun);
    assert_eq!(people.admin.get("/api/projects").await.ok()["data"][0]["attribution"], begun);
    assert_eq!(app.database.count(LINES_LEFT).await, total, "none of it in the request");
    // What it stands for cannot change half-way.
    people.admin.delete(&id_path).await.problem(ErrorCode::AttributionInProgress);
    people.admin.delete(&path).await.problem(ErrorCode::AttributionInProgress);
    let other = people.admin.put(&id_path, json!({"openaiProjectId": "proj_batch"})).await;
    other.problem(ErrorCode::AttributionInProgress);
    app.run_jobs().await;
    assert_eq!(people.admin.get(&path).await.ok().get("attribution"), None);
    assert_eq!(app.database.count(LINES_LEFT).await, 0);
    assert_rollup_is_exact(&app).await;
    let by = [Dimension::Project, Dimension::Day];
    assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-alpha", &by, &[("proj_web", "web")]));
    let audit = people.admin.get("/api/audit-log?action=project.attribute_costs").await.ok();
    let entry = &audit["data"][0];
    assert_eq!((&entry["after"]["linesAttributed"], &entry["actor"]["type"]), (&json!(total), &json!("system")));
    people.admin.delete(&id_path).await.status(204);
}

#[tokio::test]
async fn a_few_earlier_lines_are_the_projects_at_once() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let web = project(&people.admin, &team, "web").await;
    let path = format!("/api/projects/{web}/openai-project-id");
    let registered = people.admin.put(&path, json!({"openaiProjectId": "proj_web"})).await.ok();
    assert_eq!(registered["project"].get("attribution"), None);
    assert_eq!(app.database.count(LINES_LEFT).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_killed_between_two_slices_goes_on_and_the_collector_works_meanwhile() {
    let app = TestApp::spawn().await;
    // The process has the machine's clock; so has everything else now.
    app.advance(Clock::system().now() - app.now());
    let people = app.people().await;
    let first_day = app.now().date_naive() - chrono::Days::new(20);
    let spec = OrganizationSpec::new("org-many", 5, first_day).with_project(ProjectSpec::new(
        "proj_many",
        "many",
        Decimal::from(80),
    ));
    app.provider().add_organization(spec).unwrap();
    let team = team_with_key(&app, &people.admin, "platform", "org-many").await;
    app.run_jobs().await;
    insert_many(&app, "proj_many").await;
    let total = app.database.count(LINES_LEFT).await;
    let many = project(&people.admin, &team, "many").await;
    set_project_id(&people.admin, &many, "proj_many").await;

    // Its second slice waits here until it is killed.
    app.database
        .sql(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF OLD.lines_done > 0 THEN PERFORM pg_advisory_xact_lock(4711); END IF; RETURN NEW; END $$",
        )
        .await;
    app.database
        .sql("CREATE TRIGGER hold BEFORE UPDATE ON pending_attributions FOR EACH ROW EXECUTE FUNCTION hold()")
        .await;
    let mut holder = app.database.owner().await;
    sqlx::query("SELECT pg_advisory_lock(4711)").execute(&mut holder).await.expect("the lock");
    let mut worker = process::finops(app.database.url(), &["jobs"]);
    let worker = Process(worker.env("OPENAI_BASE_URL", app.simulator.openai_base_url()).spawn().expect("finops"));
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let second_slice = async {
        while app.database.count(waits).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), second_slice).await.expect("the second slice was not begun");
    worker.kill();
    sqlx::query("SELECT pg_advisory_unlock(4711)").execute(&mut holder).await.expect("unlocked");
    app.database.sql("DROP TRIGGER hold ON pending_attributions").await;
    let half = people.admin.get(&format!("/api/projects/{many}")).await.ok();
    assert_eq!(half["attribution"], json!({"done": 5_000, "total": total}), "the slice that was cut off left nothing");
    assert_eq!(app.database.count(LINES_LEFT).await, total - 5_000);
    assert_rollup_is_exact(&app).await;

    // The next day's bill comes in while the rest of the earlier lines become the project's.
    app.advance(TimeDelta::days(1));
    for expired in [
        "UPDATE jobs SET lease_until = now() WHERE lease_until IS NOT NULL",
        "UPDATE collections SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL",
    ] {
        app.database.sql(expired).await;
    }
    tokio::join!(app.run_jobs(), app.run_jobs());
    // A job whose worker was lost waits for its next attempt.
    while !app.jobs("queued").await.is_empty() {
        app.hurry_jobs().await;
        tokio::join!(app.run_jobs(), app.run_jobs());
    }
    let by = [Dimension::Project, Dimension::Day];
    assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-many", &by, &[("proj_many", "many")]));
    assert_eq!(app.database.count(LINES_LEFT).await, 0);
    assert_rollup_is_exact(&app).await;
    let audit = people.admin.get("/api/audit-log?action=project.attribute_costs").await.ok();
    assert_eq!(audit["data"].as_array().unwrap().len(), 1);
    assert_eq!(audit["data"][0]["after"]["linesAttributed"], json!(total));
}
