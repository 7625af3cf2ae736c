//! One account at the provider under several names: its bill is stored once.

use std::collections::BTreeMap;

use finops_contract::costs::Dimension;
use finops_simulator::{Fault, FaultSpec, OrganizationSpec, ProjectSpec};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{NAMES, set_up};
use crate::support::TestApp;
use crate::support::app::FIRST_DAY;
use crate::support::client::Client;
use crate::support::costs::{assert_rollup_is_exact, costs, register_key, team, team_with_key, truth};

const BY: [Dimension; 2] = [Dimension::Project, Dimension::Day];
const SECOND_KEY: &str = "sk-admin-a-second-key-of-alpha-2222";

async fn key_of(client: &Client, team: &str) -> String {
    let keys = client.get(&format!("/api/teams/{team}/admin-keys")).await.ok();
    keys["data"][0]["id"].as_str().expect("a key").to_owned()
}

async fn collect(app: &TestApp, client: &Client, team: &str) -> Value {
    client.post(&format!("/api/teams/{team}/collection"), json!({})).await.status(202);
    app.run_jobs_and_let_them_die().await;
    client.get(&format!("/api/teams/{team}/collection")).await.ok()
}

/// Everything is stored as it was billed, once.
async fn assert_stored_once(app: &TestApp, client: &Client, organization: &str, names: &[(&str, &str)], why: &str) {
    assert_eq!(costs(app, client, &BY).await, truth(app, organization, &BY, names), "{why}");
    let accounts = "SELECT count(DISTINCT provider_account) FROM billed_costs";
    assert_eq!(app.database.count(accounts).await, 1, "{why}");
    assert_rollup_is_exact(app).await;
}

#[tokio::test]
async fn an_account_that_is_named_differently_one_day_is_the_same_account() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    app.provider().add_key("org-alpha", SECOND_KEY, None).unwrap();
    let first = set_up(&app, &people.admin).await;
    app.run_jobs().await;
    assert_stored_once(&app, &people.admin, "org-alpha", &NAMES, "under its first name").await;

    app.provider().call_organization("org-alpha", Some("alpha-renamed")).unwrap();
    let key = key_of(&people.admin, &first).await;
    let rotate = format!("/api/teams/{first}/admin-keys/{key}/rotate");
    people.admin.post(&rotate, json!({"key": SECOND_KEY})).await.ok();
    app.run_jobs().await;
    assert_eq!(collect(&app, &people.admin, &first).await["status"], "healthy");
    assert_stored_once(&app, &people.admin, "org-alpha", &NAMES, "a rotated key").await;

    // Now it has no name: its oldest project stands for it. And it is another team that comes with it.
    app.provider().call_organization("org-alpha", None).unwrap();
    let second = team_with_key(&app, &people.admin, "second", "org-alpha").await;
    app.run_jobs().await;
    assert_eq!(collect(&app, &people.admin, &second).await["status"], "healthy");
    assert_stored_once(&app, &people.admin, "org-alpha", &NAMES, "another team's key").await;

    // A key that is only settled once the provider answers again.
    app.provider().call_organization("org-alpha", Some("alpha-once-more")).unwrap();
    let third = team(&people.admin, "third").await;
    app.provider().add_fault(FaultSpec::new("/v1/organization/*", Fault::status(500)));
    app.provider().add_key("org-alpha", "sk-admin-a-third-key-of-alpha-3333", None).unwrap();
    register_key(&people.admin, &third, "sk-admin-a-third-key-of-alpha-3333").await;
    app.provider().clear_faults();
    app.run_jobs().await;
    assert_eq!(collect(&app, &people.admin, &third).await["status"], "healthy");
    assert_stored_once(&app, &people.admin, "org-alpha", &NAMES, "a key that was settled late").await;

    assert_eq!(app.database.count("SELECT count(*) FROM account_aliases").await, 3);
    let audit = people.admin.get("/api/audit-log?action=collection.adopt_account").await.ok();
    let adopted: Vec<_> = audit["data"].as_array().unwrap().iter().map(|row| row["after"].clone()).collect();
    let adoption = |name: &str| json!({"account": "org-alpha", "name": name});
    assert_eq!(adopted, [adoption("alpha-once-more"), adoption("proj_batch"), adoption("alpha-renamed")]);
}

#[tokio::test]
async fn a_page_that_shows_what_is_stored_under_another_name_is_stored_there() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    // As a key would be that was registered before Project IDs were remembered.
    app.database.sql("UPDATE admin_keys SET provider_account = 'alpha-renamed'").await;
    assert_eq!(collect(&app, &people.admin, &team).await["status"], "healthy");
    assert_stored_once(&app, &people.admin, "org-alpha", &[], "recognized by its page").await;
    let through =
        "SELECT count(*) FROM collections WHERE provider_account = 'org-alpha' AND collected_through = '2026-03-19'";
    assert_eq!(app.database.count(through).await, 1);
    // And from then on at once.
    assert_eq!(collect(&app, &people.admin, &team).await["status"], "healthy");
    let audit = people.admin.get("/api/audit-log?action=collection.adopt_account").await.ok();
    assert_eq!(audit["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_accounts_that_hold_the_same_are_refused_not_counted_twice() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    // The other name has something of its own too.
    app.database.sql("UPDATE admin_keys SET provider_account = 'org-other'").await;
    app.database
        .sql(
            "INSERT INTO account_projects SELECT organization_id, 'openai', 'proj_of_the_other', 'org-other', created_at
            FROM organizations WHERE name = 'Example Inc.'",
        )
        .await;
    let status = collect(&app, &people.admin, &team).await;
    assert_eq!((&status["status"], &status["lastError"]["code"]), (&json!("failed"), &json!("account_ambiguous")));
    assert_stored_once(&app, &people.admin, "org-alpha", &[], "nothing was stored").await;
    assert_eq!(app.database.count("SELECT count(*) FROM account_aliases").await, 0);
    // A tenant's names are its own: the same account elsewhere is nothing to this one.
    let theirs = team_with_key(&app, &people.outsider, "theirs", "org-alpha").await;
    assert_eq!(collect(&app, &people.outsider, &theirs).await["status"], "healthy");
}

#[tokio::test]
async fn an_account_without_a_name_and_without_projects_is_known_by_its_lines() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let plain = |id: &str, seed, daily: i64| {
        let project = ProjectSpec { line_items: 2, api_keys: 0, ..ProjectSpec::new("", "", Decimal::from(daily)) };
        OrganizationSpec::new(id, seed, FIRST_DAY.parse().unwrap()).with_project(project)
    };
    app.provider().add_organization(plain("org-plain", 5, 20)).unwrap();
    app.provider().call_organization("org-plain", None).unwrap();
    let team = team_with_key(&app, &people.admin, "platform", "org-plain").await;
    app.run_jobs().await;
    assert_stored_once(&app, &people.admin, "org-plain", &[], "under its key's name").await;
    let key = key_of(&people.admin, &team).await;
    people.admin.delete(&format!("/api/teams/{team}/admin-keys/{key}")).await.status(204);
    register_key(&people.admin, &team, &app.provider_key("org-plain")).await;
    app.run_jobs().await;
    assert_eq!(collect(&app, &people.admin, &team).await["status"], "healthy");
    assert_stored_once(&app, &people.admin, "org-plain", &[], "under another key's name").await;

    // Another account like it is another account.
    app.provider().add_organization(plain("org-also-plain", 6, 31)).unwrap();
    app.provider().call_organization("org-also-plain", None).unwrap();
    let other = team_with_key(&app, &people.admin, "other", "org-also-plain").await;
    app.run_jobs().await;
    assert_eq!(collect(&app, &people.admin, &other).await["status"], "healthy");
    let mut both: BTreeMap<Vec<String>, Decimal> = truth(&app, "org-plain", &BY, &[]);
    for (day, cost) in truth(&app, "org-also-plain", &BY, &[]) {
        *both.entry(day).or_default() += cost;
    }
    assert_eq!(costs(&app, &people.admin, &BY).await.values().sum::<Decimal>(), both.values().sum::<Decimal>());
    assert_rollup_is_exact(&app).await;
}
