//! Projects, and the Project IDs that costs are attributed by.

mod days;

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::costs::Dimension;
use finops_simulator::{Fault, FaultSpec};
use rust_decimal::Decimal;
use serde_json::json;

use crate::support::TestApp;
use crate::support::costs::{
    assert_rollup_is_exact, costs, id, project, project_with_id, set_project_id, team, team_with_key, truth,
};

#[tokio::test]
async fn projects_are_made_changed_and_deleted() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let body = json!({"teamId": team, "name": "chatbot", "environment": "staging", "description": "tries"});
    let made = people.admin.post("/api/projects", body.clone()).await.status(201);
    assert_eq!((&made["teamName"], &made["environment"]), (&json!("platform"), &json!("staging")));
    people.admin.post("/api/projects", body).await.problem(ErrorCode::NameTaken);
    let nowhere = json!({"teamId": people.admin.id(), "name": "x", "environment": "ci"});
    people.admin.post("/api/projects", nowhere).await.field("/teamId", "unknown");
    let path = format!("/api/projects/{}", id(&made));
    let changed =
        people.admin.patch(&path, json!({"name": "chat", "description": "", "environment": "production"})).await.ok();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("chat"), &json!(null)));
    assert_eq!(people.admin.get(&path).await.ok(), changed);
    let member = format!("{path}/members/{}", people.user.id());
    people.user.get(&path).await.problem(ErrorCode::NotFound);
    people.admin.put(&member, json!({})).await.ok();
    assert_eq!(people.user.get(&path).await.ok()["memberCount"], 1);
    assert_eq!(people.user.get("/api/projects").await.ok()["data"].as_array().unwrap().len(), 1);
    people.user.patch(&path, json!({"name": "mine"})).await.problem(ErrorCode::Forbidden);
    people.admin.delete(&member).await.status(204);
    people.admin.delete(&member).await.problem(ErrorCode::NotFound);
    people.admin.delete(&path).await.status(204);
    people.admin.get(&path).await.problem(ErrorCode::NotFound);
    let audit = people.admin.get("/api/audit-log?limit=200").await.text;
    for action in ["create", "update", "add_member", "remove_member", "delete"] {
        assert!(audit.contains(&format!("project.{action}")), "{action}");
    }
}

#[tokio::test]
async fn every_way_a_project_id_can_be_wrong_has_its_code() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let keyless = team(&people.admin, "keyless").await;
    let lonely = project(&people.admin, &keyless, "lonely").await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let web = project(&people.admin, &team, "web").await;
    let put = async |project: &str, openai: &str| {
        let path = format!("/api/projects/{project}/openai-project-id");
        people.admin.put(&path, json!({"openaiProjectId": openai})).await
    };
    for bad in ["", "web", "proj_", "proj_a b", "proj_é"] {
        put(&web, bad).await.problem(ErrorCode::OpenaiProjectIdInvalid);
    }
    put(&lonely, "proj_web").await.problem(ErrorCode::AdminKeyMissing);
    put(&web, "proj_other").await.problem(ErrorCode::OpenaiProjectIdUnreachable);
    app.provider().add_fault(FaultSpec::new("/v1/organization/projects/*", Fault::status(503)));
    put(&web, "proj_web").await.problem(ErrorCode::ProviderUnavailable);
    app.provider().clear_faults();
    let path = format!("/api/projects/{web}/openai-project-id");
    let korean = people.admin.with_header("accept-language", "ko");
    let registered = korean.put(&path, json!({"openaiProjectId": "proj_web"})).await.ok();
    assert_eq!(registered["message"], "Project ID가 등록되었습니다. 내일부터 비용 데이터가 수집됩니다.");
    assert_eq!(registered["project"]["openaiProjectId"], "proj_web");
    let again = korean.put(&path, json!({"openaiProjectId": "proj_web"})).await.ok();
    assert_eq!(again["project"], registered["project"], "the same again changes nothing");
    let batch = project(&people.admin, &team, "batch").await;
    put(&batch, "proj_web").await.problem(ErrorCode::OpenaiProjectIdTaken);
    app.provider().revoke_key(&app.provider_key("org-alpha")).unwrap();
    put(&batch, "proj_batch").await.problem(ErrorCode::AdminKeyRejected);
    people.outsider.put(&path, json!({"openaiProjectId": "proj_web"})).await.problem(ErrorCode::NotFound);
    people.outsider.delete(&path).await.problem(ErrorCode::NotFound);
}

#[tokio::test]
async fn the_same_project_id_in_two_projects_at_once_is_one_conflict() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let (one, other) = (project(&people.admin, &team, "one").await, project(&people.admin, &team, "other").await);
    let put = async |project: &str| {
        let path = format!("/api/projects/{project}/openai-project-id");
        people.admin.put(&path, json!({"openaiProjectId": "proj_web"})).await.status
    };
    let (a, b) = tokio::join!(put(&one), put(&other));
    assert_eq!([a.min(b), a.max(b)], [200, 409]);
}

#[tokio::test]
async fn costs_from_before_the_registration_become_the_projects() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let by = [Dimension::Project, Dimension::Day];
    assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-alpha", &by, &[]));
    project_with_id(&people.admin, &team, "web", "proj_web").await;
    assert_eq!(costs(&app, &people.admin, &by).await, truth(&app, "org-alpha", &by, &[("proj_web", "web")]));
    assert_rollup_is_exact(&app).await;
}

#[tokio::test]
async fn removing_a_project_id_stops_collection_for_that_project_alone() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    let web = project_with_id(&people.admin, &team, "web", "proj_web").await;
    project_with_id(&people.admin, &team, "batch", "proj_batch").await;
    app.run_jobs().await;
    let by = [Dimension::Project];
    let before = costs(&app, &people.admin, &by).await;
    people.admin.delete(&format!("/api/projects/{web}/openai-project-id")).await.status(204);
    people.admin.delete(&format!("/api/projects/{web}/openai-project-id")).await.problem(ErrorCode::NotFound);
    app.advance(TimeDelta::days(1));
    app.run_jobs().await;
    let before_next_day = costs(&app, &people.admin, &by).await;
    app.advance(TimeDelta::days(1));
    app.run_jobs().await;
    let after = costs(&app, &people.admin, &by).await;
    let of = |name: &str| vec![name.to_owned()];
    let (web_before, web_kept, web_after) = (before[&of("web")], before_next_day[&of("web")], after[&of("web")]);
    // Days that are still restated may move a little; a whole day more would not be a little.
    assert!(web_kept - web_before > Decimal::from(40), "the day itself is its own: {web_before} became {web_kept}");
    assert!((web_after - web_kept).abs() < Decimal::from(40), "{web_kept} became {web_after}");
    assert!(after[&of("batch")] > before[&of("batch")], "its neighbour goes on");
    assert!(after[&of("")] > before[&of("")], "what comes in under the removed id is shown as unattributed");
    // Registered again, elsewhere: what came in since is the new one's, what came before stays.
    let next = project(&people.admin, &team, "web-2").await;
    set_project_id(&people.admin, &next, "proj_web").await;
    let moved = costs(&app, &people.admin, &by).await;
    assert_eq!(moved[&of("web")], web_after);
    assert!(moved[&of("web-2")] > Decimal::ZERO);
    assert_rollup_is_exact(&app).await;
}

#[tokio::test]
async fn a_deleted_project_and_a_deleted_team_keep_their_names_in_past_costs() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    let web = project_with_id(&people.admin, &team, "web", "proj_web").await;
    app.run_jobs().await;
    let before = costs(&app, &people.admin, &[Dimension::Project, Dimension::Team]).await;
    people.admin.delete(&format!("/api/teams/{team}")).await.problem(ErrorCode::TeamNotEmpty);
    people.admin.delete(&format!("/api/projects/{web}")).await.status(204);
    let key = people.admin.get(&format!("/api/teams/{team}/admin-keys")).await.ok()["data"][0]["id"].clone();
    people.admin.delete(&format!("/api/teams/{team}/admin-keys/{}", key.as_str().unwrap())).await.status(204);
    people.admin.delete(&format!("/api/teams/{team}")).await.status(204);
    assert_eq!(costs(&app, &people.admin, &[Dimension::Project, Dimension::Team]).await, before);
    let answer = people.admin.get("/api/costs/query?from=2026-03-01&to=2026-03-20&groupBy=project").await.ok();
    let deleted = |row: &serde_json::Value| row["dimensions"]["project"]["deleted"] == json!(true);
    assert!(answer["data"].as_array().unwrap().iter().any(deleted));
}

#[tokio::test]
async fn a_project_moves_only_where_its_project_id_can_be_reached() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team_a = team_with_key(&app, &people.admin, "a", "org-alpha").await;
    let team_b = team_with_key(&app, &people.admin, "b", "org-beta").await;
    let keyless = team(&people.admin, "keyless").await;
    app.run_jobs().await;
    let web = project_with_id(&people.admin, &team_a, "web", "proj_web").await;
    let path = format!("/api/projects/{web}");
    people.admin.patch(&path, json!({"teamId": team_b})).await.problem(ErrorCode::OpenaiProjectIdUnreachable);
    people.admin.patch(&path, json!({"teamId": keyless})).await.problem(ErrorCode::AdminKeyMissing);
    people.admin.patch(&path, json!({"teamId": people.outsider.organization()})).await.field("/teamId", "unknown");
    people.admin.delete(&format!("{path}/openai-project-id")).await.status(204);
    assert_eq!(people.admin.patch(&path, json!({"teamId": keyless})).await.ok()["teamName"], "keyless");
}

#[tokio::test]
async fn the_providers_projects_are_offered_with_who_has_them() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let web = project_with_id(&people.admin, &team, "web", "proj_web").await;
    app.provider().archive_project("org-alpha", "proj_batch").unwrap();
    let path = format!("/api/teams/{team}/provider-projects");
    let offered = people.admin.get(&path).await.ok();
    let of = |id: &str| offered["data"].as_array().unwrap().iter().find(|project| project["id"] == id).unwrap().clone();
    assert_eq!(of("proj_web")["projectId"], json!(web));
    assert_eq!((&of("proj_batch")["archived"], &of("proj_batch")["projectId"]), (&json!(true), &json!(null)));
    people.user.get(&path).await.problem(ErrorCode::Forbidden);
    people.outsider.get(&path).await.problem(ErrorCode::NotFound);
}
