//! The harness itself.

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::accounts::Role;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn people_are_who_they_are_said_to_be_however_late_it_is() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    app.advance(TimeDelta::days(40));
    for (role, client) in people.inside() {
        assert_eq!(client.get("/api/auth/me").await.ok()["role"], json!(role));
        assert_eq!(client.organization(), people.admin.organization());
    }
    assert_eq!(people.outsider.me().role, Role::TenantAdmin);
    assert_ne!(people.outsider.organization(), people.admin.organization());
    app.anonymous().get("/api/auth/me").await.problem(ErrorCode::Unauthenticated);
    people.admin.with_token("no token").get("/api/auth/me").await.problem(ErrorCode::Unauthenticated);
    assert_eq!(app.provider().now(), app.now());
    assert!(app.provider_key("org-alpha").starts_with("sk-admin-"));
}

#[tokio::test]
#[should_panic(expected = "jobs were left unfinished")]
async fn a_job_that_is_left_fails_the_test() {
    let app = TestApp::spawn().await;
    app.database.sql("INSERT INTO jobs (id, name, slot) VALUES (gen_random_uuid(), 'work', '1')").await;
}
