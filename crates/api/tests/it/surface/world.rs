//! Two organizations with something of every kind: what every operation is asked about.

use std::collections::BTreeMap;

use finops_contract::accounts::Role;
use finops_contract::api_keys::Scope;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::costs::{project, team};
use crate::support::people::People;

/// The ids of one organization's things, by the names that paths and queries give them.
pub(super) type Things = BTreeMap<&'static str, String>;

/// Two organizations with something of every kind, and of the first somebody who belongs to no team of it, and a program
/// whose key is bound to a project of another team.
pub(super) struct World {
    pub(super) app: TestApp,
    pub(super) people: People,
    pub(super) loner: Client,
    pub(super) elsewhere: Client,
    pub(super) ours: Things,
    pub(super) theirs: Things,
}

impl World {
    pub(super) async fn new() -> Self {
        let mut app = TestApp::spawn().await;
        app.leave_jobs();
        let people = app.people().await;
        let loner = app.invite(&people.admin, "loner@example.com", Role::User).await;
        let ours = things(&app, &people.tenant_admin, &people.user, "org-alpha").await;
        let theirs = things(&app, &people.outsider, &people.outsider, "org-beta").await;
        let team = team(&people.tenant_admin, "Another team").await;
        let project = project(&people.tenant_admin, &team, "Another project").await;
        let elsewhere = program(&app, &people.tenant_admin, &Scope::ALL, Some(&project)).await;
        Self { app, people, loner, elsewhere, ours, theirs }
    }
}

/// A program with a key of somebody's.
pub(super) async fn program(app: &TestApp, maker: &Client, scopes: &[Scope], project: Option<&str>) -> Client {
    let body = json!({"name": "Program", "scopes": scopes, "projectId": project});
    let key = maker.post("/api/api-keys", body).await.ok()["key"].as_str().expect("a key").to_owned();
    app.anonymous().with_token(key)
}

/// Makes something of every kind. The user belongs to the team.
async fn things(app: &TestApp, admin: &Client, by: &Client, provider: &str) -> Things {
    let user = by.id();
    let id_of = |answer: &Answer, pointer: &str| {
        answer.ok().pointer(pointer).expect("an id").as_str().expect("text").to_owned()
    };
    let team = id_of(&admin.post("/api/teams", json!({"name": "Team"})).await, "/id");
    admin.send(Method::PUT, &format!("/api/teams/{team}/members/{user}")).await.ok();
    let project = json!({"name": "Project", "teamId": team, "environment": "production"});
    let project = id_of(&admin.post("/api/projects", project).await, "/id");
    admin.send(Method::PUT, &format!("/api/projects/{project}/members/{user}")).await.ok();
    let key = json!({"provider": "openai", "key": app.provider_key(provider)});
    let key = id_of(&admin.post(&format!("/api/teams/{team}/admin-keys"), key).await, "/adminKey/id");
    let invitation = json!({"email": format!("invited-{provider}@example.com"), "role": "user"});
    let invitation = id_of(&admin.post("/api/invitations", invitation).await, "/invitation/id");
    let api_key = json!({"name": "SDK", "scopes": ["read"], "projectId": project});
    let api_key = id_of(&by.post("/api/api-keys", api_key).await, "/id");
    // A service is no id: whoever has a key of one has a key of that name. So the two have keys of different ones.
    let (service, key_of_service) = match provider {
        "org-alpha" => ("openai", format!("sk-{}", "a".repeat(48))),
        _ => ("anthropic", format!("sk-ant-{}", "a".repeat(48))),
    };
    by.post("/api/user/api-keys", json!({"service": service, "key": key_of_service})).await.ok();
    let discount = json!({"provider": "openai", "discountPercent": "5"});
    let own_price = id_of(&admin.post("/api/prices/overrides", discount).await, "/id");
    let dry_run = json!({"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"});
    let reprice = id_of(&admin.post("/api/prices/reprice", dry_run).await, "/id");
    let budget = json!({
        "name": "Budget", "scope": {"type": "project", "id": project}, "amount": "100", "period": "monthly",
        "alerts": [{"threshold": "80", "type": "email"}],
    });
    let budget = id_of(&admin.post("/api/budgets", budget).await, "/id");
    let rate = json!({"currency": "KRW", "date": "2026-03-02", "rate": "1385.5", "source": "Bank"});
    admin.put("/api/fx-rates", rate).await.ok();
    let channel = json!({"type": "webhook", "name": "Channel", "url": "https://hooks.example.com/finops"});
    let channel = id_of(&admin.post("/api/channels", channel).await, "/id");
    let delivery = crate::deliveries::dead(app, admin, &channel).await;
    let job: Uuid = sqlx::query_scalar("SELECT id FROM jobs WHERE organization_id = $1 LIMIT 1")
        .bind(admin.organization())
        .fetch_one(&mut app.database.owner().await)
        .await
        .expect("the job of a registered key");
    admin.patch(&format!("/api/projects/{project}"), json!({"storePrompts": true})).await.ok();
    let event = json!({
        "eventId": format!("evt-{provider}"), "projectId": project, "model": "gpt-4o", "promptTokens": 1, "prompt": "Hi",
    });
    let event = id_of(&by.post("/api/usage/track", event).await, "/eventId");
    let outcome = json!({"outcomes": [{"eventId": format!("evt-{provider}"), "outcome": "success"}]});
    by.post(&format!("/api/projects/{project}/outcomes"), outcome).await.ok();
    let spent = json!({
        "name": "Spent", "scope": {"type": "project", "id": project}, "amount": "0.000001", "period": "monthly",
        "alerts": [{"threshold": "100", "type": "email"}],
    });
    admin.post("/api/budgets", spent).await.status(201);
    app.runner().reconcile().await;
    let alert = id_of(&admin.get(&format!("/api/alerts?projectId={project}")).await, "/data/0/id");
    let block = json!({
        "target": {"type": "project", "id": project}, "reason": "Too much", "mode": "throttle", "limitPerMinute": 1_000,
    });
    let block = id_of(&admin.post("/api/blocks", block).await, "/id");
    let import = id_of(&by.post("/api/usage/imports", json!({"format": "ndjson"})).await, "/id");
    let call = json!({"projectId": project, "estimatedCost": "0.01", "reserve": true});
    let reservation = id_of(&by.post("/api/guard/check", call).await, "/reservationId");
    Things::from([
        ("eventId", event),
        ("importId", import),
        ("teamId", team),
        ("projectId", project),
        ("keyId", key),
        ("apiKeyId", api_key),
        ("service", service.to_owned()),
        ("invitationId", invitation),
        ("userId", user.to_string()),
        ("jobId", job.to_string()),
        ("overrideId", own_price),
        ("budgetId", budget),
        ("channelId", channel),
        ("deliveryId", delivery),
        ("alertId", alert),
        ("blockId", block),
        ("repriceId", reprice),
        ("reservationId", reservation),
        // Nobody's: who may see one sees all of them.
        ("changeId", job.to_string()),
        // Who did it, and to what: any thing will do.
        ("actorId", user.to_string()),
        ("targetId", user.to_string()),
    ])
}

pub(super) fn id_in(things: &Things, name: &str) -> String {
    things.get(name).unwrap_or_else(|| panic!("make something that {{{name}}} can stand for, in `things`")).clone()
}
