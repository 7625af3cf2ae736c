//! Lists of budgets: with how each stands, by how they stand, and of many projects at once.

use finops_contract::budgets::{Budget, BudgetState};
use finops_contract::{ErrorCode, Page};
use reqwest::Method;
use serde_json::{Value, json};

use super::{call, monthly, set, status, track};
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};

async fn listed(client: &Client, query: &str) -> Page<Budget> {
    client.get(&format!("/api/budgets?{query}")).await.read_as()
}

fn names(page: &Page<Budget>) -> Vec<&str> {
    page.data.iter().map(|one| one.name.as_str()).collect()
}

fn named(name: &str, amount: &str, project: &str, alerts: Value) -> Value {
    let mut body = monthly(amount, json!({"type": "project", "id": project}));
    (body["name"], body["alerts"]) = (json!(name), alerts);
    body
}

/// The budgets of two projects, of which one spent ten dollars today.
async fn with_budgets(app: &TestApp) -> (Client, [String; 2]) {
    let admin = app.people().await.tenant_admin;
    let alpha = team(&admin, "alpha").await;
    let (web, idle) = (project(&admin, &alpha, "web").await, project(&admin, &alpha, "idle").await);
    for day in 10..20 {
        track(&admin, call(&web, &format!("2026-03-{day}T03:00:00Z"), 1)).await;
    }
    let half = json!([{"threshold": "0.5", "type": "email"}]);
    for (name, amount, project, alerts) in [
        ("over", "10", &web, json!([])),
        ("breaches", "20", &web, json!([])),
        ("reached", "1000", &web, half),
        ("fine", "1000", &web, json!([])),
        ("idle", "5", &idle, json!([])),
    ] {
        set(&admin, named(name, amount, project, alerts)).await;
    }
    (admin, [web, idle])
}

#[tokio::test]
async fn a_list_says_how_each_stands_as_each_says_itself() {
    let app = TestApp::spawn().await;
    let (admin, [web, idle]) = with_budgets(&app).await;
    let plain = admin.get("/api/budgets").await.ok();
    assert_eq!(plain["data"][0].get("standing"), None, "only where it is asked for");
    let all = listed(&admin, "include=standing").await;
    assert_eq!(names(&all), ["idle", "fine", "reached", "breaches", "over"]);
    for one in &all.data {
        let alone = status(&admin, one.id).await;
        let standing = one.standing.as_ref().expect("a standing");
        assert_eq!(Budget { standing: None, ..one.clone() }, alone.budget);
        assert_eq!((standing.state, &standing.current), (alone.state, &alone.current), "{}", one.name);
        assert_eq!((standing.forecast, standing.breach_date), (alone.forecast, alone.breach_date));
    }
    let states: Vec<_> = all.data.iter().map(|one| one.standing.as_ref().map(|standing| standing.state)).collect();
    use BudgetState::{Breaches, Fine, Over, Reached};
    assert_eq!(states, [Fine, Fine, Reached, Breaches, Over].map(Some));

    // Of many projects at once.
    assert_eq!(names(&listed(&admin, &format!("projectId={web},{idle}")).await).len(), 5);
    assert_eq!(names(&listed(&admin, &format!("projectId={idle}&include=standing")).await), ["idle"]);
    let many = vec![web.as_str(); 201].join(",");
    for bad in ["projectId=web", "projectId=", &format!("projectId={web},"), &format!("projectId={many}")] {
        admin.get(&format!("/api/budgets?{bad}")).await.problem(ErrorCode::ValidationFailed);
    }
    assert_eq!(names(&listed(&admin, &format!("projectId={}", vec![idle.as_str(); 200].join(","))).await), ["idle"]);
    for bad in ["state=bad", "include=everything"] {
        assert_eq!(admin.get(&format!("/api/budgets?{bad}")).await.status, 400);
    }
}

#[tokio::test]
async fn budgets_are_found_by_how_they_stand_page_by_page() {
    let app = TestApp::spawn().await;
    let (admin, [web, _]) = with_budgets(&app).await;
    for (state, found) in [
        ("over", vec!["over"]),
        ("breaches", vec!["breaches"]),
        ("reached", vec!["reached"]),
        ("fine", vec!["idle", "fine"]),
        ("unknown", vec![]),
        ("partial", vec![]),
    ] {
        let page = listed(&admin, &format!("state={state}")).await;
        assert_eq!((names(&page), page.next_cursor.as_deref()), (found, None), "{state}");
        assert!(page.data.iter().all(|one| one.standing.is_none()));
    }
    // What lies between two of a page is no page of its own, and none is told twice.
    let first = listed(&admin, "state=fine&limit=1&include=standing").await;
    assert_eq!(names(&first), ["idle"]);
    let cursor = first.next_cursor.expect("there is more");
    let second = listed(&admin, &format!("state=fine&limit=1&include=standing&cursor={cursor}")).await;
    assert_eq!((names(&second), second.next_cursor.as_deref()), (vec!["fine"], None));
    assert_eq!(second.data[0].standing.as_ref().map(|one| one.state), Some(BudgetState::Fine));
    // With the other filters.
    assert_eq!(names(&listed(&admin, &format!("state=fine&projectId={web}")).await), ["fine"]);
    assert_eq!(names(&listed(&admin, "state=fine&scopeType=organization").await), Vec::<&str>::new());
    // A call without a price is no known one.
    let mut unpriced = call(&web, "2026-03-20T08:00:00Z", 1);
    unpriced["model"] = json!("nobody-knows-this-one");
    track(&admin, unpriced).await;
    assert_eq!(names(&listed(&admin, "state=partial").await), ["fine"]);
}

#[tokio::test]
async fn a_hidden_budget_stays_hidden_however_it_is_asked_for() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let (alpha, beta) = (team(admin, "alpha").await, team(admin, "beta").await);
    let (web, secret) = (project(admin, &alpha, "web").await, project(admin, &beta, "secret").await);
    set(admin, named("web", "10", &web, json!([]))).await;
    set(admin, named("secret", "10", &secret, json!([]))).await;
    let both = format!("projectId={web},{secret}");
    admin.send(Method::PUT, &format!("/api/projects/{web}/members/{}", people.user.id())).await.ok();
    for query in [format!("{both}&include=standing"), both, "state=fine".into(), "state=unknown".into()] {
        let all = listed(admin, &query).await;
        let seen = listed(&people.user, &query).await;
        let expected: Vec<_> = names(&all).into_iter().filter(|name| *name == "web").collect();
        assert_eq!(names(&seen), expected, "{query}");
        assert_eq!(names(&listed(&people.outsider, &query).await), Vec::<&str>::new());
    }
    assert_eq!(names(&listed(admin, &format!("projectId={web},{secret}")).await), ["secret", "web"]);
}
