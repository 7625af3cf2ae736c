//! Registering, checking, rotating and stopping admin keys.

use finops_contract::ErrorCode;
use finops_simulator::{Fault, FaultSpec};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{register_key, team, team_with_key};

const NEVER_SEEN: &str = "sk-admin-0123456789abcdef0123456789";

async fn keys(client: &Client, team: &str) -> Vec<Value> {
    let page = client.get(&format!("/api/teams/{team}/admin-keys")).await.ok();
    page["data"].as_array().expect("a list").clone()
}

async fn register(client: &Client, team: &str, key: &str) -> crate::support::client::Answer {
    client.post(&format!("/api/teams/{team}/admin-keys"), json!({"provider": "openai", "key": key})).await
}

#[tokio::test]
async fn a_key_is_shown_by_its_last_four_characters_and_nothing_else() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.tenant_admin, "마케팅팀").await;
    let key = app.provider_key("org-alpha");
    let last4 = &key[key.len() - 4..];
    let answer = register(&people.tenant_admin.with_header("accept-language", "ko"), &team, &key).await;
    let registered = answer.status(201);
    assert_eq!(registered["message"], format!("Admin API Key가 등록되었습니다 (ends with ...{last4})"));
    let shown = keys(&people.tenant_admin, &team).await;
    assert_eq!(shown, [registered["adminKey"].clone()]);
    for (field, value) in [
        ("last4", json!(last4)),
        ("masked", json!(format!("sk-admin-…{last4}"))),
        ("keyType", json!("admin")),
        ("isActive", json!(true)),
        ("verification", json!("verified")),
    ] {
        assert_eq!(shown[0][field], value, "{field}");
    }
    assert!(shown[0]["lastVerifiedAt"].is_string());
    app.run_jobs().await;
    let audit = people.tenant_admin.get("/api/audit-log?limit=200").await;
    for text in [&answer.text, &audit.text, &shown[0].to_string()] {
        assert!(!text.contains(&key), "the key came back");
    }
    assert!(audit.text.contains("admin_key.register"));
    // Nowhere in the database either: `secrets` holds it encrypted.
    let clear = "SELECT count(*) FROM secrets WHERE position('sk-admin-'::bytea IN ciphertext) > 0";
    assert_eq!(app.database.count(clear).await, 0);
    assert_eq!(app.database.count("SELECT count(*) FROM secrets").await, 1);
}

#[tokio::test]
async fn what_is_no_admin_key_and_what_the_provider_rejects_is_not_stored() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    app.provider().add_key("org-alpha", "sk-admin-without-any-scope-0001", Some(&[])).unwrap();
    for key in ["", "sk-1234567890abcdef1234567890", "hello"] {
        register(&people.admin, &team, key).await.problem(ErrorCode::AdminKeyInvalid);
    }
    for key in [NEVER_SEEN, "sk-admin-without-any-scope-0001"] {
        register(&people.admin, &team, key).await.problem(ErrorCode::AdminKeyRejected);
    }
    let body = json!({"provider": "openai", "key": NEVER_SEEN, "isActive": true});
    people.admin.post(&format!("/api/teams/{team}/admin-keys"), body).await.field("/isActive", "unknown_field");
    assert_eq!(app.database.count("SELECT count(*) FROM admin_keys").await, 0);
    assert_eq!(app.database.count("SELECT count(*) FROM secrets").await, 0);
}

#[tokio::test]
async fn a_key_that_the_provider_says_nothing_of_is_kept_and_settled_later() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    app.provider().add_fault(FaultSpec::new("/v1/organization/*", Fault::status(500)));
    let answer = register(&people.admin, &team, &app.provider_key("org-alpha")).await.status(201);
    assert_eq!(answer["adminKey"]["verification"], "pending");
    assert_eq!(answer["adminKey"]["verificationReason"], "unavailable");
    app.provider().clear_faults();
    app.run_jobs().await;
    let shown = keys(&people.admin, &team).await;
    assert_eq!(shown[0]["verification"], "verified");
    assert!(shown[0]["lastUsedAt"].is_string() && shown[0]["verificationReason"].is_null());
}

#[tokio::test]
async fn a_team_has_one_active_key() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    let first = keys(&people.admin, &team).await[0]["id"].as_str().unwrap().to_owned();
    let other = app.provider_key("org-beta");
    register(&people.admin, &team, &other).await.problem(ErrorCode::AdminKeyActiveExists);
    let path = |id: &str, verb: &str| format!("/api/teams/{team}/admin-keys/{id}/{verb}");
    let stopped = people.admin.post(&path(&first, "deactivate"), json!({})).await.ok();
    assert_eq!(stopped["isActive"], false);
    let second = register_key(&people.admin, &team, &other).await;
    people.admin.post(&path(&first, "activate"), json!({})).await.problem(ErrorCode::AdminKeyActiveExists);
    people.admin.delete(&format!("/api/teams/{team}/admin-keys/{second}")).await.status(204);
    people.admin.post(&path(&second, "activate"), json!({})).await.problem(ErrorCode::NotFound);
    let active = people.admin.post(&path(&first, "activate"), json!({})).await.ok();
    assert_eq!(active["isActive"], true);
    app.run_jobs().await;
    assert_eq!(app.database.count("SELECT count(*) FROM secrets").await, 1, "a deleted key's secret is erased");
}

#[tokio::test]
async fn two_registrations_at_once_leave_one_key() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let key = app.provider_key("org-alpha");
    let (one, other) = tokio::join!(register(&people.admin, &team, &key), register(&people.admin, &team, &key));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    app.run_jobs().await;
}

#[tokio::test]
async fn rotating_puts_another_key_in_its_place() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    let before = keys(&people.admin, &team).await[0].clone();
    let path = format!("/api/teams/{team}/admin-keys/{}/rotate", before["id"].as_str().unwrap());
    let same = app.provider_key("org-alpha");
    people.admin.post(&path, json!({"key": same})).await.field("/key", "unchanged");
    people.admin.post(&path, json!({"key": NEVER_SEEN})).await.problem(ErrorCode::AdminKeyRejected);
    app.provider().add_key("org-alpha", "sk-admin-the-next-one-of-alpha-wxyz", None).unwrap();
    let rotated = people.admin.post(&path, json!({"key": "sk-admin-the-next-one-of-alpha-wxyz"})).await.ok();
    assert_eq!((&rotated["adminKey"]["last4"], &rotated["adminKey"]["id"]), (&json!("wxyz"), &before["id"]));
    app.provider().revoke_key(&same).unwrap();
    app.run_jobs().await;
    assert_eq!(keys(&people.admin, &team).await[0]["verification"], "verified", "the new one is used");
}

#[tokio::test]
async fn verifying_tells_what_the_provider_says_now() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let key = keys(&people.admin, &team).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/teams/{team}/admin-keys/{key}/verify");
    assert_eq!(people.admin.post(&path, json!({})).await.ok()["verification"], "verified");
    app.provider().revoke_key(&app.provider_key("org-alpha")).unwrap();
    let rejected = people.admin.post(&path, json!({})).await.ok();
    assert_eq!(
        (&rejected["verification"], &rejected["verificationReason"]),
        (&json!("rejected"), &json!("unauthorized"))
    );
}

#[tokio::test]
async fn keys_are_the_administrators_and_stay_in_the_tenant() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let key = keys(&people.admin, &team).await[0]["id"].as_str().unwrap().to_owned();
    let list = format!("/api/teams/{team}/admin-keys");
    people.user.get(&list).await.problem(ErrorCode::NotFound);
    let member = format!("/api/teams/{team}/members/{}", people.user.id());
    people.admin.put(&member, json!({})).await.ok();
    assert_eq!(keys(&people.user, &team).await.len(), 1, "whoever belongs to the team sees its keys, masked");
    let body = json!({"provider": "openai", "key": app.provider_key("org-beta")});
    people.user.post(&list, body.clone()).await.problem(ErrorCode::Forbidden);
    people.user.post(&format!("{list}/{key}/deactivate"), json!({})).await.problem(ErrorCode::Forbidden);
    people.outsider.get(&list).await.problem(ErrorCode::NotFound);
    people.outsider.post(&list, body).await.problem(ErrorCode::NotFound);
    for verb in ["verify", "deactivate", "activate"] {
        people.outsider.post(&format!("{list}/{key}/{verb}"), json!({})).await.problem(ErrorCode::NotFound);
    }
    people.outsider.delete(&format!("{list}/{key}")).await.problem(ErrorCode::NotFound);
    assert_eq!(keys(&people.admin, &team).await[0]["isActive"], true);
}
