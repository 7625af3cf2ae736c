//! The daily batch, called from outside.

use finops_contract::ErrorCode;
use finops_contract::collector::DailyBatchReport;
use serde_json::json;

use crate::support::TestApp;
use crate::support::app::CRON_SECRET;
use crate::support::costs::{project_with_id, team_with_key};

const PATH: &str = "/api/cron/daily-batch";

#[tokio::test]
async fn only_who_knows_the_secret_runs_it() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    for client in [&app.anonymous(), &app.anonymous().with_token("wrong"), &people.admin] {
        client.get(PATH).await.problem(ErrorCode::Unauthenticated);
        client.post(PATH, json!({})).await.problem(ErrorCode::Unauthenticated);
    }
    let secretless = TestApp::builder().set("CRON_SECRET", "").spawn().await;
    secretless.anonymous().with_token("").get(PATH).await.problem(ErrorCode::Unauthenticated);
    secretless.anonymous().with_token(CRON_SECRET).get(PATH).await.problem(ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn it_answers_what_it_did() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "alpha", "org-alpha").await;
    project_with_id(&people.admin, &team, "web", "proj_web").await;
    team_with_key(&app, &people.admin, "beta", "org-beta").await;
    app.provider().revoke_key(&app.provider_key("org-beta")).unwrap();
    let cron = app.anonymous().with_token(CRON_SECRET).with_header("accept-language", "en");
    let report: DailyBatchReport = cron.get(PATH).await.read_as();
    assert!(!report.success && report.api_version == "costs_v1" && report.date.to_string() == "2026-03-19");
    let [alpha, beta] = report.teams.as_slice() else { panic!("two teams: {report:?}") };
    assert!(alpha.success && alpha.records_created == report.records_created && alpha.records_created > 0);
    assert!(alpha.records_unattributed > 0);
    let notice = alpha.notices.iter().find(|notice| notice.code == "unknown_project_ids").expect("a notice");
    assert_eq!(notice.message, "Unknown OpenAI Project ID, kept as unattributed: proj_batch");
    assert_eq!((beta.success, beta.error.as_ref().unwrap().code.as_str()), (false, "unauthorized"));
    let audit = people.admin.get("/api/audit-log?action=collection.request").await.ok();
    let by: Vec<_> =
        audit["data"].as_array().unwrap().iter().map(|row| (&row["actor"]["name"], &row["after"])).collect();
    assert_eq!(by, [(&json!("cron"), &json!({"through": "2026-03-19"})); 2], "one a team");
    assert_eq!(audit["data"][0]["ip"], "127.0.0.1");
    // That the provider takes a key no longer is news; that it still does not, is not.
    let verdicts = async || {
        let audit = people.admin.get("/api/audit-log?action=admin_key.verify").await.ok();
        audit["data"].as_array().unwrap().clone()
    };
    let found = verdicts().await;
    assert_eq!((found.len(), &found[0]["actor"]["name"]), (1, &json!("cron")));
    assert_eq!(found[0]["before"], json!({"verification": "verified", "reason": null}));
    assert_eq!(found[0]["after"], json!({"verification": "rejected", "reason": "unauthorized"}));
    let again: DailyBatchReport = cron.post(PATH, json!({})).await.read_as();
    assert_eq!(again.records_created, 0);
    let earlier: DailyBatchReport = cron.get(&format!("{PATH}?date=2026-03-10")).await.read_as();
    assert_eq!((earlier.date.to_string().as_str(), earlier.records_created), ("2026-03-10", 0));
    assert_eq!(verdicts().await.len(), 1);
    for (query, pointer) in [("date=2026-03-20", "/date"), ("date=2027-01-01", "/date")] {
        cron.get(&format!("{PATH}?{query}")).await.field(pointer, "range");
    }
    cron.get(&format!("{PATH}?date=soon")).await.problem(ErrorCode::InvalidQuery);
    app.run_jobs_and_let_them_die().await;
}

#[tokio::test]
async fn nothing_to_collect_is_said_so() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let cron = app.anonymous().with_token(CRON_SECRET).with_header("accept-language", "en");
    let empty: DailyBatchReport = cron.get(PATH).await.read_as();
    assert!(empty.success && empty.teams.is_empty() && empty.records_created == 0);
    app.provider()
        .add_organization(finops_simulator::OrganizationSpec::new("org-idle", 1, "2026-03-01".parse().unwrap()))
        .unwrap();
    team_with_key(&app, &people.admin, "idle", "org-idle").await;
    let report: DailyBatchReport = cron.get(PATH).await.read_as();
    let codes: Vec<_> = report.teams[0].notices.iter().map(|notice| notice.code.as_str()).collect();
    assert_eq!((report.success, codes.as_slice()), (true, ["no_usage_data", "no_project_ids"].as_slice()));
    app.run_jobs().await;
}
