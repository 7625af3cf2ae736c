//! Teams and who belongs to them.

use finops_contract::ErrorCode;
use finops_contract::page::Page;
use finops_contract::teams::{GroupMember, Team};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;

#[tokio::test]
async fn a_team_is_made_renamed_and_deleted_and_its_name_is_free_again() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let team: Team = admin.post("/api/teams", json!({"name": "Learning AI"})).await.read_as();
    assert_eq!((team.project_count, team.member_count, team.has_active_admin_key), (0, 0, false));
    admin.post("/api/teams", json!({"name": "LEARNING ai"})).await.problem(ErrorCode::NameTaken);
    let other: Team = admin.post("/api/teams", json!({"name": "검색팀"})).await.read_as();
    let address = format!("/api/teams/{}", other.id);
    admin.patch(&address, json!({"name": "learning AI"})).await.problem(ErrorCode::NameTaken);
    admin.patch(&address, json!({"name": "Search"})).await.status(200);
    admin.patch(&address, json!({})).await.status(200);
    let names = async || {
        let page: Page<Team> = admin.get("/api/teams").await.read_as();
        page.data.into_iter().map(|team| team.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["Learning AI", "Search"]);
    admin.delete(&address).await.status(204);
    assert_eq!(names().await, ["Learning AI"]);
    admin.get(&address).await.problem(ErrorCode::NotFound);
    admin.delete(&address).await.problem(ErrorCode::NotFound);
    admin.post("/api/teams", json!({"name": "Search"})).await.status(201);
    // In another organization the name was free all along.
    people.outsider.post("/api/teams", json!({"name": "Learning AI"})).await.status(201);
    let project = json!({"name": "Tutor", "teamId": team.id, "environment": "production"});
    admin.post("/api/projects", project).await.status(201);
    admin.delete(&format!("/api/teams/{}", team.id)).await.problem(ErrorCode::TeamNotEmpty);
}

#[tokio::test]
async fn people_see_the_teams_that_they_belong_to() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let mut teams = Vec::new();
    for name in ["A", "B", "C"] {
        teams.push(people.admin.post("/api/teams", json!({"name": name})).await.read_as::<Team>());
    }
    let seen = async || people.user.get("/api/teams").await.read_as::<Page<Team>>().data;
    assert!(seen().await.is_empty());
    let address = format!("/api/teams/{}/members/{}", teams[1].id, people.user.id());
    for _ in 0..2 {
        let member: GroupMember = people.admin.send(Method::PUT, &address).await.read_as();
        assert_eq!(member.email, "user@example.com");
    }
    assert_eq!(seen().await.len(), 1);
    people.user.get(&format!("/api/teams/{}", teams[1].id)).await.status(200);
    people.user.get(&format!("/api/teams/{}", teams[0].id)).await.problem(ErrorCode::NotFound);
    let members = people.user.get(&format!("/api/teams/{}/members", teams[1].id)).await.read_as::<Page<GroupMember>>();
    assert_eq!(members.data.len(), 1);
    people.admin.delete(&address).await.status(204);
    people.admin.delete(&address).await.problem(ErrorCode::NotFound);
    assert!(seen().await.is_empty());
    let stranger = format!("/api/teams/{}/members/{}", teams[1].id, Uuid::from_u128(7));
    people.admin.send(Method::PUT, &stranger).await.problem(ErrorCode::NotFound);

    let first: Page<Team> = people.admin.get("/api/teams?limit=2").await.read_as();
    let cursor = first.next_cursor.expect("a third");
    let rest: Page<Team> = people.admin.get(&format!("/api/teams?limit=2&cursor={cursor}")).await.read_as();
    assert_eq!((first.data.len(), rest.data.len(), rest.next_cursor), (2, 1, None));
    assert_eq!(rest.data[0].name, "C");
}
