//! The collector against the provider's truth, its restatements and its faults.

mod accounts;
mod attribution;
mod batch;
mod faults;
mod import;
mod takeover;

use chrono::TimeDelta;
use finops_contract::costs::Dimension;
use finops_simulator::RestateSpec;
use rust_decimal::Decimal;
use serde_json::json;

use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{assert_rollup_is_exact, costs, project_with_id, team_with_key, truth};

const NAMES: [(&str, &str); 2] = [("proj_web", "web"), ("proj_batch", "batch")];

/// A team with the key of the provider's organization, and the projects that it is billed for; returns its id.
async fn set_up(app: &TestApp, admin: &Client) -> String {
    let team = team_with_key(app, admin, "platform", "org-alpha").await;
    for (openai, name) in NAMES {
        project_with_id(admin, &team, name, openai).await;
    }
    team
}

#[tokio::test]
async fn what_is_stored_is_what_the_provider_billed_to_the_last_decimal() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = set_up(&app, &people.admin).await;
    app.run_jobs().await;
    for by in [
        vec![Dimension::Project, Dimension::Day],
        vec![Dimension::Project, Dimension::LineItem, Dimension::ApiKey, Dimension::Day],
        vec![],
    ] {
        assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-alpha", &by, &NAMES), "{by:?}");
    }
    assert_rollup_is_exact(&app).await;
    let status = people.admin.get(&format!("/api/teams/{team}/collection")).await.ok();
    assert_eq!(
        (&status["status"], &status["daysTotal"], &status["daysDone"]),
        (&json!("healthy"), &json!(7), &json!(7)),
        "the day's own run came after the key's"
    );
    assert_eq!(app.database.count("SELECT count(*) FROM collected_days").await, 180);
    assert_eq!(status["nextRunAt"], "2026-03-21T00:00:00Z");
    assert_eq!(status["settledBefore"], "2026-03-14");
    assert_eq!(status["unattributed"][0]["openaiProjectId"], json!(null));
}

#[tokio::test]
async fn every_request_begins_at_a_utc_midnight_and_a_daily_run_asks_for_seven_days() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    app.advance(TimeDelta::days(1));
    app.provider().clear_requests();
    app.run_jobs().await;
    let requests = app.provider().requests();
    let costs: Vec<_> = requests.iter().filter(|request| request.path.ends_with("/organization/costs")).collect();
    assert_eq!(costs.len(), 1);
    let parameter = |name: &str| -> i64 {
        let value = costs[0].query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        value.expect(name).parse().expect("a number")
    };
    let (start, end) = (parameter("start_time"), parameter("end_time"));
    assert_eq!((start % 86_400, end - start), (0, 7 * 86_400));
    assert_eq!(end, app.now().timestamp() / 86_400 * 86_400, "up to the end of yesterday");
    for group in ["project_id", "line_item", "api_key_id"] {
        assert!(costs[0].query.contains(&format!("group_by%5B%5D={group}")), "{}", costs[0].query);
    }
}

#[tokio::test]
async fn a_restated_amount_replaces_the_old_one_which_is_kept() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    set_up(&app, &people.admin).await;
    app.run_jobs().await;
    let day = "2026-03-18".parse().unwrap();
    let before = app.database.count("SELECT count(*) FROM billed_cost_revisions").await;
    let sum = "SELECT (sum(amount) * 1000000)::bigint FROM billed_costs WHERE provider_project_id = 'proj_web'
        AND bucket_start = '2026-03-18T00:00:00Z'";
    let (was, lines) = (app.database.count(sum).await, 3);
    let spec = RestateSpec::factor("org-alpha", "proj_web", day, Decimal::from(2));
    assert_eq!(app.provider().restate(&spec).unwrap(), lines);
    app.provider().restate(&RestateSpec::remove("org-alpha", "proj_batch", day)).unwrap();
    app.advance(TimeDelta::days(1));
    app.run_jobs().await;
    let by = [Dimension::Project, Dimension::Day, Dimension::LineItem];
    assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-alpha", &by, &NAMES));
    assert_rollup_is_exact(&app).await;
    assert!(app.database.count("SELECT count(*) FROM billed_cost_revisions").await >= before + 5);
    let kept = "SELECT (sum(r.amount) * 1000000)::bigint FROM billed_cost_revisions r
        JOIN billed_costs b ON (b.organization_id, b.id) = (r.organization_id, r.billed_cost_id)
        WHERE b.provider_project_id = 'proj_web' AND b.bucket_start = '2026-03-18T00:00:00Z' AND r.revision = 1";
    assert_eq!(app.database.count(kept).await, was, "the first revision is what was stored first");
    let gone = "SELECT count(*) FROM billed_costs WHERE provider_project_id = 'proj_batch'
        AND bucket_start = '2026-03-18T00:00:00Z' AND amount = 0 AND revision > 1";
    assert_eq!(app.database.count(gone).await, 2, "lines that the bill names no longer are zero, not gone");
}

#[tokio::test]
async fn a_day_moves_for_a_week_and_is_settled_then() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let path = "/api/costs/query?from=2026-03-12&to=2026-03-16&groupBy=day";
    let settlements = async || {
        let answer = people.admin.get(path).await.ok();
        let rows = answer["data"].as_array().unwrap().clone();
        rows.iter().map(|row| row["settlement"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(settlements().await, ["settled", "settled", "moving", "moving"]);
    app.advance(TimeDelta::days(1));
    app.run_jobs().await;
    assert_eq!(settlements().await, ["settled", "settled", "settled", "moving"]);
}

#[tokio::test]
async fn two_teams_with_keys_to_one_account_store_its_bill_once() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    app.provider().add_key("org-alpha", "sk-admin-a-second-key-of-alpha-2222", None).unwrap();
    let team = team_with_key(&app, &people.admin, "first", "org-alpha").await;
    let second = crate::support::costs::team(&people.admin, "second").await;
    crate::support::costs::register_key(&people.admin, &second, "sk-admin-a-second-key-of-alpha-2222").await;
    project_with_id(&people.admin, &team, "web", "proj_web").await;
    project_with_id(&people.admin, &second, "batch", "proj_batch").await;
    app.run_jobs().await;
    let by = [Dimension::Project, Dimension::Day];
    assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-alpha", &by, &NAMES));
    assert_rollup_is_exact(&app).await;
}

#[tokio::test]
async fn what_nobody_has_the_project_id_of_is_shown_never_dropped() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let status = people.admin.get(&format!("/api/teams/{team}/collection")).await.ok();
    let unknown: Vec<_> =
        status["unattributed"].as_array().unwrap().iter().map(|row| row["openaiProjectId"].clone()).collect();
    assert_eq!(unknown, [json!("proj_web"), json!("proj_batch"), json!(null)], "the dearest first");
    let answer = people.admin.get("/api/costs/query?from=2026-03-01&to=2026-03-20").await.ok();
    assert_eq!(answer["totals"][0]["unattributed"], answer["totals"][0]["cost"]);
}

#[tokio::test]
async fn days_that_were_moving_when_runs_were_missed_are_asked_for_again() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = set_up(&app, &people.admin).await;
    app.run_jobs().await;
    for missed in [1, 5] {
        // The oldest day that was still moving, restated while nobody looked.
        let day = app.now().date_naive() - chrono::Days::new(6);
        app.provider()
            .restate(&RestateSpec::amount("org-alpha", "proj_web", day, Decimal::from(777 + missed)))
            .unwrap();
        app.advance(TimeDelta::days(missed + 1));
        app.run_jobs().await;
        let by = [Dimension::Project, Dimension::Day];
        assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-alpha", &by, &NAMES), "{missed} missed");
        let status = people.admin.get(&format!("/api/teams/{team}/collection")).await.ok();
        let before = (app.now().date_naive() - chrono::Days::new(6)).to_string();
        assert_eq!(status["settledBefore"], json!(before), "{missed} missed");
    }
}
