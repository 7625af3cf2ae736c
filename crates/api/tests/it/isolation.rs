//! Row-level security, with none of the service's own filters in the way.

use std::task::{Context, Waker};

use finops_api::platform::db::OrganizationId;
use reqwest::Method;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::support::TestApp;

#[tokio::test]
async fn every_tenant_table_is_behind_row_level_security_that_binds_its_owner_too() {
    let app = TestApp::spawn().await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
            AND EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped)
            AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))",
    )
    .fetch_all(&mut app.database.owner().await)
    .await
    .expect("an answer");
    assert!(open.is_empty(), "{open:?}");
    // What has no organization holds nothing of one.
    let shared: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
            AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id')
        ORDER BY 1",
    )
    .fetch_all(&mut app.database.owner().await)
    .await
    .expect("an answer");
    assert_eq!(
        shared,
        [
            "_sqlx_migrations",
            "price_changes",
            "price_entries",
            "price_factors",
            "price_versions",
            "prices",
            "rate_limit_buckets"
        ]
    );
    let powers: (bool, bool, i64) = sqlx::query_as(
        "SELECT rolsuper, rolbypassrls, (SELECT count(*) FROM pg_class WHERE relowner = r.oid)
        FROM pg_roles r WHERE rolname = 'finops_app'",
    )
    .fetch_one(&mut app.database.owner().await)
    .await
    .expect("the role");
    assert_eq!(powers, (false, false, 0), "the service's role owns nothing and bypasses nothing");
}

#[tokio::test]
async fn row_level_security_alone_shows_and_changes_nothing_of_another_organization() {
    let mut app = TestApp::spawn().await;
    app.leave_jobs();
    let people = app.people().await;
    for (client, provider) in [(&people.tenant_admin, "org-alpha"), (&people.outsider, "org-beta")] {
        let client = client.with_header("idempotency-key", "one");
        let team = client.post("/api/teams", json!({"name": "Team"})).await.ok();
        let team = team["id"].as_str().expect("an id").to_owned();
        let client = if provider == "org-alpha" { &people.tenant_admin } else { &people.outsider };
        client.send(Method::PUT, &format!("/api/teams/{team}/members/{}", client.id())).await.ok();
        let key = json!({"provider": "openai", "key": app.provider_key(provider)});
        client.post(&format!("/api/teams/{team}/admin-keys"), key).await.ok();
        let project = json!({"name": "Project", "teamId": team, "environment": "production"});
        client.post("/api/projects", project).await.ok();
        client.post("/api/api-keys", json!({"name": "SDK", "scopes": ["read"]})).await.ok();
        let key = json!({"service": "openai", "key": format!("sk-{}", "a".repeat(48))});
        client.post("/api/user/api-keys", key).await.ok();
    }
    app.run_jobs().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
        ORDER BY 1",
    )
    .fetch_all(&mut app.database.owner().await)
    .await
    .expect("tables");
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relispartition AND relkind = 'r'
            AND has_table_privilege('finops_app', oid, 'SELECT, INSERT, UPDATE, DELETE')",
    )
    .fetch_all(&mut app.database.owner().await)
    .await
    .expect("partitions");
    assert_eq!(open, [""; 0], "a partition is reached through its table alone, whose policies do not hold for it");
    let (ours, theirs) = (people.admin.organization(), people.outsider.organization());
    let mut filled = 0;
    for table in &tables {
        let count = async |organization, condition: &str| -> i64 {
            let mut tx = app.db().tenant(OrganizationId(organization)).await.expect("a transaction");
            let query = format!("SELECT count(*) FROM {table} WHERE organization_id {condition} $1");
            sqlx::query_scalar(AssertSqlSafe(query)).bind(ours).fetch_one(&mut *tx).await.expect("a count")
        };
        filled += i64::from(count(ours, "=").await > 0);
        assert_eq!(count(ours, "<>").await, 0, "{table} shows other organizations");
        assert_eq!(count(theirs, "=").await, 0, "{table} shows ours to others");
        let mut tx = app.db().tenant(OrganizationId(theirs)).await.expect("a transaction");
        for statement in ["DELETE FROM", "UPDATE"] {
            let set = if statement == "UPDATE" { "SET organization_id = organization_id" } else { "" };
            let statement = format!("{statement} {table} {set} WHERE organization_id = '{ours}'");
            let mut attempt = sqlx::Acquire::begin(&mut *tx).await.expect("a savepoint");
            // Either the right to do it at all is missing, or there is nothing to do it to.
            if let Ok(done) = sqlx::query(AssertSqlSafe(statement.clone())).execute(&mut *attempt).await {
                assert_eq!(done.rows_affected(), 0, "{statement}");
            }
            attempt.rollback().await.expect("rolled back");
        }
    }
    assert!(filled >= 16, "only {filled} of {} tables hold something to protect: {tables:?}", tables.len());
    // Nor can a row be put there.
    let mut tx = app.db().tenant(OrganizationId(theirs)).await.expect("a transaction");
    let refused = sqlx::query("INSERT INTO teams (organization_id, id, name, created_at) VALUES ($1, $1, 'X', now())")
        .bind(ours)
        .execute(&mut *tx)
        .await
        .expect_err("refused");
    assert_eq!(refused.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_whose_caller_goes_away_as_it_begins_is_not_left_open() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let organization = OrganizationId(people.admin.organization());
    for polls in 0..200_u32 {
        // Dropped after so many looks at it: at every point from asking for a connection to holding the transaction.
        let mut begun = Box::pin(app.db().platform());
        for _ in 0..polls % 20 {
            if begun.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begun);
        let mut tx = app.db().tenant(organization).await.expect("a transaction");
        let scope: Option<String> = sqlx::query_scalar("SELECT nullif(current_setting('finops.scope', true), '')")
            .fetch_one(&mut *tx)
            .await
            .expect("a setting");
        assert_eq!(scope, None, "another transaction's scope reached into this one");
        tx.commit().await.expect("committed");
    }
}
