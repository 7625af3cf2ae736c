//! `Idempotency-Key`.

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::TestApp;
use crate::support::client::{Answer, Client};

fn keyed(client: &Client, key: &str) -> Client {
    client.with_header("idempotency-key", key)
}

#[tokio::test]
async fn a_change_that_is_sent_again_answers_the_same_and_changes_nothing() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = keyed(&people.admin, "one");
    let invitation = json!({"email": "new@example.com", "role": "user"});
    let first = admin.post("/api/invitations", &invitation).await;
    let again = admin.post("/api/invitations", &invitation).await;
    assert_eq!(first.status(201), again.status(201));
    assert_eq!(first.text, again.text, "the secret that is shown once is in both");
    assert_eq!(first.header("content-type"), again.header("content-type"));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
    let audited = people.admin.get("/api/audit-log?action=invitation.create").await.ok();
    assert_eq!(audited["data"].as_array().map(Vec::len), Some(3), "two of them by the people of this test");
    let token = first.json()["token"].as_str().expect("a token").to_owned();
    let stored = app.database.count("SELECT count(*) FROM secrets WHERE ciphertext <> ''").await;
    assert_eq!(stored, 1);
    let in_clear = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM secrets WHERE position(convert_to($1, 'UTF8') IN ciphertext) > 0",
    )
    .bind(token)
    .fetch_one(&mut app.database.owner().await)
    .await
    .expect("an answer");
    assert_eq!(in_clear, 0);

    // Also when nothing is in the answer, and when it is a refusal that would come again.
    let id = first.json()["invitation"]["id"].as_str().expect("an id").to_owned();
    let (two, three) = (keyed(&people.admin, "two"), keyed(&people.admin, "three"));
    for _ in 0..2 {
        two.delete(&format!("/api/invitations/{id}")).await.status(204);
    }
    people.admin.delete(&format!("/api/invitations/{id}")).await.problem(ErrorCode::NotFound);
    let refused = three.post("/api/teams", json!({"name": ""})).await;
    refused.field("/name", "length");
    assert_eq!(three.post("/api/teams", json!({"name": ""})).await.text, refused.text);
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_account() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = |name: &str| json!({"name": name});
    keyed(&people.admin, "one").post("/api/teams", team("A")).await.status(201);
    let reused = ErrorCode::IdempotencyKeyReused;
    keyed(&people.admin, "one").post("/api/teams", team("B")).await.problem(reused);
    keyed(&people.admin, "one").post("/api/teams?x=1", team("A")).await.problem(reused);
    keyed(&people.admin, "one").patch("/api/organization", json!({})).await.problem(reused);
    // Of another account, and of the same in another organization, it is another key.
    keyed(&people.tenant_admin, "one").post("/api/teams", team("B")).await.status(201);
    let elsewhere = keyed(&people.admin, "one").with_header("x-organization-id", people.outsider.organization());
    elsewhere.post("/api/teams", team("A")).await.status(201);
    // Reading does not use it, and strangers learn nothing by it.
    keyed(&people.admin, "one").get("/api/teams").await.status(200);
    keyed(&app.anonymous(), "one").post("/api/teams", team("A")).await.problem(ErrorCode::Unauthenticated);
    for bad in ["", &"k".repeat(256)] {
        keyed(&people.admin, bad).post("/api/teams", team("C")).await.problem(ErrorCode::BadRequest);
    }
    keyed(&people.admin, "long")
        .post("/api/teams", team(&"x".repeat(70_000)))
        .await
        .problem(ErrorCode::PayloadTooLarge);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let (one, name) = (keyed(&admin, "one"), json!({"name": "A"}));
    one.post("/api/teams", &name).await.status(201);
    app.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    one.post("/api/teams", &name).await.status(201);
    app.advance(TimeDelta::seconds(1));
    let refused = one.post("/api/teams", &name).await;
    refused.problem(ErrorCode::NameTaken);
    assert_eq!(one.post("/api/teams", &name).await.text, refused.text, "which is kept for another day");
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let app = TestApp::spawn().await;
    let admin = keyed(&app.found("admin@example.com", "Example Inc.").await, "one");
    let mut requests = JoinSet::new();
    for _ in 0..16 {
        let admin = admin.clone();
        requests.spawn(async move {
            let answer = admin.post("/api/invitations", json!({"email": "new@example.com", "role": "user"})).await;
            if answer.status != 201 {
                answer.problem(ErrorCode::IdempotencyInProgress);
                assert_eq!(answer.header("retry-after"), "1");
            }
            answer.text
        });
    }
    let answers = requests.join_all().await;
    let mut made: Vec<_> = answers.into_iter().filter(|text| text.contains("invitation\"")).collect();
    made.dedup();
    assert_eq!(made.len(), 1);
    assert_eq!(app.database.count("SELECT count(*) FROM invitations").await, 1);
}

#[tokio::test]
async fn a_process_that_died_holds_a_key_no_longer_than_its_request_could_take() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let (one, name) = (keyed(&admin, "one"), json!({"name": "A"}));
    one.post("/api/teams", &name).await.status(201);
    app.database.sql("UPDATE idempotency_keys SET status = NULL, has_body = NULL").await;
    app.advance(TimeDelta::seconds(29));
    one.post("/api/teams", &name).await.problem(ErrorCode::IdempotencyInProgress);
    app.advance(TimeDelta::seconds(1));
    one.post("/api/teams", &name).await.problem(ErrorCode::NameTaken);
}

#[tokio::test]
async fn what_may_turn_out_otherwise_frees_the_key() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let (one, name) = (keyed(&admin, "one"), json!({"name": "A"}));
    // A lock that outlasts the statement timeout: 503.
    let mut owner = app.database.owner().await;
    let mut tx = sqlx::Connection::begin(&mut owner).await.expect("a transaction");
    sqlx::query("LOCK TABLE teams IN EXCLUSIVE MODE").execute(&mut *tx).await.expect("a lock");
    one.post("/api/teams", &name).await.problem(ErrorCode::Unavailable);
    tx.rollback().await.expect("let go");
    one.post("/api/teams", &name).await.status(201);
    one.post("/api/teams", &name).await.status(201);
}

#[tokio::test]
async fn an_answer_that_could_not_be_kept_is_not_made_up() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let (one, name) = (keyed(&admin, "one"), json!({"name": "A"}));
    one.post("/api/teams", &name).await.status(201);
    app.database.sql("DELETE FROM secrets").await;
    one.post("/api/teams", &name).await.problem(ErrorCode::Conflict);
}

#[tokio::test]
async fn two_files_of_one_length_are_two_requests() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = crate::support::costs::team(&people.admin, "platform").await;
    let file = |cost: &str| {
        let rows: String = (0..3_000).map(|row| format!("2026-01-05,,model-{row},{cost}\n")).collect();
        format!("date,project,model,cost\n{rows}")
    };
    let send = async |cost: &str| {
        let client = people.admin.with_header("idempotency-key", "one key");
        let request = client.request(Method::POST, &format!("/api/costs/import?teamId={team}"));
        Answer::of(request.header("content-type", "text/csv").body(file(cost))).await
    };
    assert!(file("1.11").len() > 64 * 1024);
    assert_eq!(send("1.11").await.ok()["recordsCreated"], json!(3_000));
    send("2.22").await.problem(ErrorCode::IdempotencyKeyReused);
    assert_eq!(send("1.11").await.header("idempotency-replayed"), "true");
}
