//! People's own keys at providers.

use finops_api::platform::crypto::rekey;
use finops_api::platform::db::OrganizationId;
use finops_contract::ErrorCode;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::support::TestApp;
use crate::support::client::{Answer, Client};

const PATH: &str = "/api/user/api-keys";

async fn store(client: &Client, service: &str, key: &str) -> Answer {
    client.post(PATH, json!({"service": service, "key": key})).await
}

async fn stored(client: &Client) -> Vec<Value> {
    client.get(PATH).await.ok()["data"].as_array().expect("a list").clone()
}

fn openai(last: &str) -> String {
    format!("sk-proj-{}{last}", "x".repeat(40))
}

/// The audit of re-encrypting is another test's.
async fn unrecorded(_: &mut PgConnection, _: OrganizationId, _: &str) -> sqlx::Result<()> {
    Ok(())
}

#[tokio::test]
async fn a_key_is_encrypted_and_shown_by_its_ends() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let key = openai("wxyz");
    let answer = store(&people.user, "openai", &format!(" {key}\n")).await;
    let shown = answer.status(201);
    assert_eq!((&shown["masked"], &shown["last4"]), (&json!("sk-proj-…wxyz"), &json!("wxyz")));
    assert_eq!(stored(&people.user).await, [shown]);
    assert_eq!(stored(&people.tenant_admin).await, [] as [Value; 0], "nobody else's business");
    let audit = people.tenant_admin.get("/api/audit-log?action=provider_key.").await;
    assert_eq!(audit.ok()["data"][0]["actor"]["id"], json!(people.user.id()));
    assert!(!answer.text.contains(&key) && !audit.text.contains(&key));
    let clear = "SELECT count(*) FROM secrets WHERE position('sk-proj-'::bytea IN ciphertext) > 0";
    assert_eq!(app.database.count(clear).await, 0);
}

#[tokio::test]
async fn there_is_one_a_service_and_the_last_one_counts() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    store(&people.user, "openai", &openai("aaaa")).await.status(201);
    store(&people.user, "anthropic", &format!("sk-ant-{}", "x".repeat(40))).await.status(201);
    let replaced = store(&people.user, "openai", &openai("bbbb")).await.status(201);
    assert_eq!((&replaced["last4"], &replaced["replacedAt"]), (&json!("bbbb"), &json!("2026-03-20T10:30:00Z")));
    store(&people.tenant_admin, "openai", &openai("cccc")).await.status(201);
    let services: Vec<_> = stored(&people.user).await.iter().map(|key| key["service"].clone()).collect();
    assert_eq!(services, ["anthropic", "openai"]);
    let audit = people.tenant_admin.get("/api/audit-log?action=provider_key.store&limit=2").await.ok();
    assert_eq!(audit["data"][1]["before"]["last4"], "aaaa");
    assert_eq!(app.database.count("SELECT count(*) FROM secrets").await, 3);

    let report = rekey::run(app.db(), &app.state.secrets, unrecorded, |_| {}).await.expect("a run");
    assert_eq!((report.checked, report.failed), (3, 0), "the command that re-encrypts finds them");

    people.user.delete(&format!("{PATH}/openai")).await.status(204);
    people.user.delete(&format!("{PATH}/openai")).await.problem(ErrorCode::NotFound);
    people.user.delete(&format!("{PATH}/mistral")).await.problem(ErrorCode::NotFound);
    assert_eq!(stored(&people.user).await.len(), 1);
    assert_eq!(app.database.count("SELECT count(*) FROM secrets").await, 2, "a deleted key's secret is erased");
    people.admin.delete(&format!("/api/organization/members/{}", people.user.id())).await.status(204);
    assert_eq!(app.database.count("SELECT count(*) FROM secrets").await, 1, "a removed account's keys are erased");
}

#[tokio::test]
async fn two_at_once_leave_one() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    for round in ["1", "2"] {
        let (keys, client) = (["aaaa", "bbbb"].map(|last| openai(&format!("{round}{last}"))), &people.user);
        let (one, other) = tokio::join!(store(client, "openai", &keys[0]), store(client, "openai", &keys[1]));
        for answer in [&one, &other] {
            assert!(matches!(answer.status, 201 | 409), "{}", answer.text);
        }
        assert!(one.status == 201 || other.status == 201);
        assert_eq!(app.database.count("SELECT count(*) FROM secrets").await, 1);
    }
}

#[tokio::test]
async fn what_is_no_key_of_that_provider_is_not_stored() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    for (service, key) in [
        ("openai", "sk-ant-0123456789abcdef0123"),
        ("anthropic", "sk-0123456789abcdef0123"),
        ("google_ai", "AIza0"),
        ("aws_bedrock", "AKIAIOSFODNN7EXAMPLE"),
        ("openai", ""),
    ] {
        store(&people.user, service, key).await.problem(ErrorCode::ProviderKeyInvalid);
    }
    store(&people.user, "mistral", "sk-0123456789abcdef0123").await.field("", "type");
    assert_eq!(stored(&people.user).await.len(), 0);
    assert_eq!(app.database.count("SELECT count(*) FROM secrets").await, 0);
}

#[tokio::test]
async fn a_key_belongs_to_the_account_wherever_it_acts() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let there = people.admin.with_header("x-organization-id", people.outsider.organization());
    store(&there, "openai", &openai("wxyz")).await.status(201);
    assert_eq!(stored(&people.admin).await, stored(&there).await);
    assert_eq!(stored(&people.admin).await.len(), 1);
    there.delete(&format!("{PATH}/openai")).await.status(204);
    assert_eq!(stored(&people.admin).await.len(), 0);
}
