//! The organization: its settings, its people, and who may act in it.

use finops_contract::ErrorCode;
use finops_contract::accounts::Role;
use finops_contract::organizations::{Member, Organization};
use finops_contract::page::Page;
use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::client::Client;

fn member(client: &Client) -> String {
    format!("/api/organization/members/{}", client.id())
}

#[tokio::test]
async fn settings_are_what_the_calendar_and_the_bill_can_use() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let change = async |body| people.tenant_admin.patch("/api/organization", body).await;
    for (field, value, code) in [
        ("timeZone", json!("Mars/Olympus"), "time_zone"),
        ("currency", json!("XXX"), "currency"),
        ("fiscalYearStartMonth", json!(13), "range"),
        ("retentionDays", json!(0), "range"),
        ("name", json!(""), "length"),
        ("name", json!("trailing "), "blank"),
    ] {
        change(json!({field: value})).await.field(&format!("/{field}"), code);
    }
    let before: Organization = people.user.get("/api/organization").await.read_as();
    assert_eq!((before.time_zone.as_str(), before.currency.as_str()), ("Asia/Seoul", "USD"));
    let body = json!({"timeZone": "Europe/Berlin", "currency": "EUR", "fiscalYearStartMonth": 4, "retentionDays": 365});
    let after: Organization = change(body).await.read_as();
    assert_eq!(
        (after.time_zone.as_str(), after.fiscal_year_start_month, after.retention_days),
        ("Europe/Berlin", 4, 365)
    );
    assert_eq!(after.name, before.name, "what is left out stays");
    assert_eq!(people.user.get("/api/organization").await.read_as::<Organization>(), after);
    let entry = people.tenant_admin.get("/api/audit-log?action=organization.update").await.ok();
    let entry = &entry["data"][0];
    assert_eq!(
        (&entry["before"]["timeZone"], &entry["after"]["timeZone"]),
        (&json!("Asia/Seoul"), &json!("Europe/Berlin"))
    );
    assert_eq!(entry["actor"]["name"], "tenant-admin@example.com");
}

#[tokio::test]
async fn a_role_counts_from_the_next_request_on() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let promote = async |role: Role| people.admin.patch(&member(&people.user), json!({"role": role})).await;
    people.user.get("/api/organization/members").await.problem(ErrorCode::Forbidden);
    promote(Role::TenantAdmin).await.status(200);
    let page: Page<Member> = people.user.get("/api/organization/members?limit=2").await.read_as();
    assert_eq!(page.data.len(), 2);
    let next = page.next_cursor.expect("a third");
    let rest: Page<Member> = people.user.get(&format!("/api/organization/members?cursor={next}")).await.read_as();
    assert_eq!((rest.data.len(), rest.next_cursor), (1, None));
    promote(Role::User).await.status(200);
    people.user.get("/api/organization/members").await.problem(ErrorCode::Forbidden);
    people.admin.delete(&member(&people.user)).await.status(204);
    people.user.get("/api/auth/me").await.problem(ErrorCode::Unauthenticated);
    people.admin.delete(&member(&people.user)).await.problem(ErrorCode::NotFound);
    // Their address is free again; what they did keeps their name.
    app.invite(&people.admin, "user@example.com", Role::User).await;
    let entries = people.admin.get(&format!("/api/audit-log?actorId={}", people.user.id())).await.ok();
    assert_eq!(entries["data"][0]["actor"]["name"], "user@example.com");
}

#[tokio::test]
async fn nobody_changes_who_is_above_them_or_makes_somebody_more_than_they_are() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (admin, lower) = (member(&people.admin), &people.tenant_admin);
    lower.patch(&admin, json!({"role": "user"})).await.problem(ErrorCode::Forbidden);
    lower.delete(&admin).await.problem(ErrorCode::Forbidden);
    lower.patch(&member(&people.user), json!({"role": "admin"})).await.field("/role", "range");
    people.user.patch(&member(&people.user), json!({"role": "admin"})).await.problem(ErrorCode::Forbidden);
}

#[tokio::test]
async fn somebody_always_runs_the_organization_and_the_platform() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let last = ErrorCode::LastAdministrator;
    people.outsider.patch(&member(&people.outsider), json!({"role": "user"})).await.problem(last);
    people.outsider.delete(&member(&people.outsider)).await.problem(last);
    // Another one runs the organization, but nobody else the platform.
    people.admin.patch(&member(&people.admin), json!({"role": "tenant_admin"})).await.problem(last);
    people.admin.delete(&member(&people.admin)).await.problem(last);
    let elsewhere = people.admin.with_header("x-organization-id", people.outsider.organization());
    elsewhere.patch(&member(&people.outsider), json!({"role": "admin"})).await.status(200);
    people.admin.patch(&member(&people.admin), json!({"role": "tenant_admin"})).await.status(200);
    people.outsider.get("/api/organizations").await.status(200);
    people.admin.get("/api/organizations").await.problem(ErrorCode::Forbidden);
}

#[tokio::test]
async fn administrators_of_the_platform_act_in_every_organization_by_name() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let all: Page<Organization> = people.admin.get("/api/organizations").await.read_as();
    assert_eq!(all.data.len(), 2);
    let there = people.admin.with_header("x-organization-id", people.outsider.organization());
    there.post("/api/teams", json!({"name": "Made by the platform"})).await.status(201);
    assert_eq!(there.get("/api/auth/me").await.ok()["organization"]["name"], "Other Inc.");
    let seen = people.outsider.get("/api/audit-log?action=team.create").await.ok();
    assert_eq!(seen["data"][0]["actor"]["name"], "admin@example.com");
    for strange in [Uuid::from_u128(7).to_string(), "nonsense".to_owned()] {
        people.admin.with_header("x-organization-id", strange).get("/api/teams").await.problem(ErrorCode::NotFound);
    }
    // One's own needs no right.
    let own = people.user.with_header("x-organization-id", people.user.organization());
    own.get("/api/teams").await.status(200);
}
