//! Every change leaves its row in the audit log, in the same transaction.

use std::collections::BTreeSet;

use finops_contract::ErrorCode;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::openapi::{Access, operations};

/// Changes that leave no row, and why.
const WITHOUT: [&str; 11] = [
    // What a block would do.
    "preview_block",
    // A question, and what is held for a call until it was made: nobody's decision, and gone in minutes.
    "check_call",
    "release_reservation",
    "settle_reservation",
    // A report is no change of anybody's: events are what they are a record of themselves.
    "create_usage_event",
    "create_usage_events",
    "export_traces",
    "receive_cloud_events",
    "report_outcomes",
    "track_usage",
    // What is sent for an import that is written down; its parts are put away as they arrive.
    "upload_usage_import",
];

/// Calls each operation that changes something once with success, each first with an audit log that takes no row.
struct Script<'a> {
    app: &'a TestApp,
    done: BTreeSet<String>,
}

impl Script<'_> {
    async fn step(&mut self, id: &str, client: &Client, path: &str, body: Value) -> Value {
        let operation = operations().iter().find(|operation| operation.id == id).expect("an operation");
        let send = async || {
            let request = client.request(operation.method.clone(), path);
            match &operation.body {
                None => Answer::of(request).await,
                Some((media, _)) if media == "application/json" => Answer::of(request.json(&body)).await,
                Some((media, _)) => {
                    let text = body.as_str().expect("text").to_owned();
                    Answer::of(request.header("content-type", media).body(text)).await
                }
            }
        };
        let before = self.everything().await;
        self.app.database.sql("ALTER TABLE audit_log ADD CONSTRAINT full_up CHECK (false) NOT VALID").await;
        send().await.problem(ErrorCode::Internal);
        self.app.database.sql("ALTER TABLE audit_log DROP CONSTRAINT full_up").await;
        assert_eq!(self.everything().await, before, "{id} changed something without writing it down");

        let rows = self.app.database.count("SELECT count(*) FROM audit_log").await;
        let answer = send().await.ok();
        assert!(self.app.database.count("SELECT count(*) FROM audit_log").await > rows, "{id} was not written down");
        self.done.insert(id.to_owned());
        answer
    }

    /// Every row of every table but those that only slow people down or say when a key was used.
    async fn everything(&self) -> Vec<(String, String)> {
        let mut owner = self.app.database.owner().await;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                AND relname <> 'rate_limit_buckets' ORDER BY 1",
        )
        .fetch_all(&mut owner)
        .await
        .expect("tables");
        let mut all = Vec::new();
        for table in tables {
            let row = if ["admin_keys", "api_keys"].contains(&table.as_str()) {
                "to_jsonb(t) - 'last_used_at'"
            } else {
                "to_jsonb(t)"
            };
            let query =
                format!("SELECT coalesce(string_agg(({row})::text, '|' ORDER BY ({row})::text), '') FROM {table} t");
            let rows = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut owner).await.expect("rows");
            all.push((table, rows));
        }
        all
    }
}

fn id(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {value}")).to_owned()
}

#[tokio::test]
async fn every_change_is_written_down_or_not_made() {
    let mut app = TestApp::builder().with_accounts().spawn().await;
    app.leave_jobs();
    let people = app.people().await;
    let admin = &people.admin;
    let mut script = Script { app: &app, done: BTreeSet::new() };
    let user = people.user.id();

    script.step("update_me", admin, "/api/auth/me", json!({"name": "New"})).await;
    script.step("update_organization", admin, "/api/organization", json!({"currency": "KRW"})).await;
    let invitation = json!({"email": "new@example.com", "role": "user"});
    let invitation = script.step("create_invitation", admin, "/api/invitations", invitation).await;
    let invitation = format!("/api/invitations/{}", id(&invitation, "/invitation/id"));
    script.step("revoke_invitation", admin, &invitation, Value::Null).await;

    let team = script.step("create_team", admin, "/api/teams", json!({"name": "Team"})).await;
    let team = format!("/api/teams/{}", id(&team, "/id"));
    script.step("update_team", admin, &team, json!({"name": "Renamed"})).await;
    script.step("add_team_member", admin, &format!("{team}/members/{user}"), Value::Null).await;
    script.step("remove_team_member", admin, &format!("{team}/members/{user}"), Value::Null).await;

    let key = json!({"provider": "openai", "key": app.provider_key("org-alpha")});
    let key = script.step("register_admin_key", admin, &format!("{team}/admin-keys"), key).await;
    let key = format!("{team}/admin-keys/{}", id(&key, "/adminKey/id"));
    script.step("deactivate_admin_key", admin, &format!("{key}/deactivate"), Value::Null).await;
    script.step("activate_admin_key", admin, &format!("{key}/activate"), Value::Null).await;
    script.step("verify_admin_key", admin, &format!("{key}/verify"), Value::Null).await;
    let new_key = "sk-admin-another-key-of-the-same-organization";
    app.provider().add_key("org-alpha", new_key, None).expect("a key");
    script.step("rotate_admin_key", admin, &format!("{key}/rotate"), json!({"key": new_key})).await;

    let project = json!({"name": "Project", "teamId": team.trim_start_matches("/api/teams/"), "environment": "ci"});
    let project = script.step("create_project", admin, "/api/projects", project).await;
    let project = format!("/api/projects/{}", id(&project, "/id"));
    script.step("update_project", admin, &project, json!({"description": "What it is for"})).await;
    script.step("add_project_member", admin, &format!("{project}/members/{user}"), Value::Null).await;
    script.step("remove_project_member", admin, &format!("{project}/members/{user}"), Value::Null).await;
    let project_id = json!({"openaiProjectId": "proj_web"});
    script.step("set_openai_project_id", admin, &format!("{project}/openai-project-id"), project_id).await;
    script.step("remove_openai_project_id", admin, &format!("{project}/openai-project-id"), Value::Null).await;
    let api_key = json!({"name": "SDK", "scopes": ["read"], "projectId": project.trim_start_matches("/api/projects/")});
    let api_key = script.step("create_api_key", admin, "/api/api-keys", api_key).await;
    let api_key = format!("/api/api-keys/{}", id(&api_key, "/id"));
    script.step("rotate_api_key", admin, &format!("{api_key}/rotate"), json!({})).await;
    script.step("revoke_api_key", admin, &api_key, Value::Null).await;
    let provider_key = json!({"service": "openai", "key": format!("sk-{}", "a".repeat(48))});
    script.step("store_provider_key", admin, "/api/user/api-keys", provider_key).await;
    script.step("delete_provider_key", admin, "/api/user/api-keys/openai", Value::Null).await;
    let discount = json!({"provider": "openai", "discountPercent": "5"});
    let discount = script.step("create_price_override", admin, "/api/prices/overrides", discount).await;
    let discount = format!("/api/prices/overrides/{}", id(&discount, "/id"));
    script.step("end_price_override", admin, &discount, Value::Null).await;
    let anew = json!({"from": "2026-03-01T00:00:00Z", "to": "2026-03-20T00:00:00Z", "apply": true});
    script.step("reprice_events", admin, "/api/prices/reprice", anew).await;
    for operation in ["confirm", "dismiss"] {
        let change = crate::prices::strange_change(&app, operation).await;
        let path = format!("/api/prices/changes/{change}/{operation}");
        script.step(&format!("{operation}_price_change"), admin, &path, Value::Null).await;
    }
    script.step("run_team_collection", admin, &format!("{team}/collection"), Value::Null).await;
    let import = operations().iter().find(|operation| operation.id == "import_costs").and_then(|o| o.body.clone());
    let team_id = team.trim_start_matches("/api/teams/");
    script.step("import_costs", admin, &format!("/api/costs/import?teamId={team_id}"), import.expect("a body").1).await;
    let import = script.step("create_usage_import", admin, "/api/usage/imports", json!({"format": "csv"})).await;
    let import = format!("/api/usage/imports/{}", id(&import, "/id"));
    script.step("cancel_usage_import", admin, &import, Value::Null).await;
    script.step("import_usage", admin, "/api/usage/import", json!("{\"model\":\"gpt-4o\",\"promptTokens\":1}\n")).await;
    let rate = json!({"currency": "KRW", "date": "2026-03-02", "rate": "1385.5", "source": "Bank"});
    script.step("set_fx_rate", admin, "/api/fx-rates", rate).await;
    let budget = json!({"name": "Budget", "scope": {"type": "organization"}, "amount": "100", "period": "monthly"});
    let made = script.step("create_budget", admin, "/api/budgets", budget).await;
    let made = format!("/api/budgets/{}", id(&made, "/id"));
    let lowered = json!({"name": "Budget", "scope": {"type": "organization"}, "amount": "50", "period": "monthly"});
    script.step("update_budget", admin, &made, lowered).await;
    script.step("delete_budget", admin, &made, Value::Null).await;
    let channel = json!({"type": "webhook", "name": "Hook", "url": app.simulator.webhook_url("audit")});
    let channel_id = id(&script.step("create_channel", admin, "/api/channels", channel).await, "/id");
    let channel = format!("/api/channels/{channel_id}");
    script.step("update_channel", admin, &channel, json!({"name": "Renamed"})).await;
    script.step("test_channel", admin, &format!("{channel}/test"), Value::Null).await;
    script.step("rotate_channel_secret", admin, &format!("{channel}/rotate-secret"), Value::Null).await;
    let delivery = crate::deliveries::dead(&app, admin, &channel_id).await;
    script.step("resend_delivery", admin, &format!("/api/deliveries/{delivery}/resend"), Value::Null).await;
    script.step("delete_channel", admin, &channel, Value::Null).await;
    let rule = json!({"kind": "unpriced", "enabled": true, "type": "email"});
    script.step("set_alert_rule", admin, "/api/alerts/rules", rule).await;
    script.step("test_alert", admin, "/api/alerts/test", json!({})).await;
    let nobody = json!({"recipients": []});
    script.step("set_report_recipients", admin, "/api/reports/weekly/recipients", nobody).await;
    script.step("test_weekly_report", admin, "/api/reports/weekly/test", json!({})).await;
    let unknown = json!({"provider": "openai", "model": "nobody-knows", "promptTokens": 1, "completionTokens": 1});
    admin.post("/api/usage/track", unknown).await.ok();
    app.runner().reconcile().await;
    let alert = id(&admin.get("/api/alerts?kind=unpriced").await.ok(), "/data/0/id");
    for verb in ["acknowledge", "resolve"] {
        script.step(&format!("{verb}_alert"), admin, &format!("/api/alerts/{alert}/{verb}"), Value::Null).await;
    }
    let throttle = json!({
        "target": {"type": "project", "id": project.trim_start_matches("/api/projects/")}, "reason": "Too much",
        "mode": "throttle", "limitPerMinute": 100,
    });
    let why = json!({"reason": "Looked into"});
    let made = script.step("create_block", admin, "/api/blocks", throttle.clone()).await;
    script.step("lift_block", admin, &format!("/api/blocks/{}/lift", id(&made, "/id")), why.clone()).await;
    admin.patch("/api/organization", json!({"twoPersonBlocks": true})).await.ok();
    let decline = json!({"question": "block", "reason": "Looked into"});
    for (verb, body) in [("decline", decline), ("approve", json!({"question": "block"}))] {
        let asked = id(&admin.post("/api/blocks", throttle.clone()).await.status(201), "/id");
        let path = format!("/api/blocks/{asked}/{verb}");
        script.step(&format!("{verb}_block"), &people.tenant_admin, &path, body).await;
    }
    admin.patch("/api/organization", json!({"twoPersonBlocks": false})).await.ok();
    let active = id(&admin.get("/api/blocks?status=active").await.ok(), "/data/0/id");
    admin.post(&format!("/api/blocks/{active}/lift"), why).await.ok();
    let thresholds = json!({"daily": {"amount": "500"}});
    script.step("set_cost_thresholds", admin, &format!("{project}/cost-thresholds"), thresholds).await;
    script.step("delete_project", admin, &project, Value::Null).await;
    script.step("delete_admin_key", admin, &key, Value::Null).await;
    script.step("delete_team", admin, &team, Value::Null).await;

    app.database.sql("UPDATE jobs SET state = 'dead'").await;
    let job: uuid::Uuid = sqlx::query_scalar("SELECT id FROM jobs LIMIT 1")
        .fetch_one(&mut app.database.owner().await)
        .await
        .expect("a job");
    script.step("retry_job", admin, &format!("/api/jobs/{job}/retry"), Value::Null).await;
    let member = format!("/api/organization/members/{user}");
    script.step("update_member", admin, &member, json!({"role": "tenant_admin"})).await;
    script.step("remove_member", admin, &member, Value::Null).await;
    let password =
        json!({"currentPassword": crate::support::people::PASSWORD, "newPassword": "a better horse battery"});
    script.step("change_password", admin, "/api/auth/password", password).await;
    script.step("end_all_sessions", admin, "/api/auth/sessions", Value::Null).await;

    let changes = operations().iter().filter(|operation| operation.access == Access::Session && operation.is_change());
    let left: Vec<&str> = changes
        .map(|operation| operation.id.as_str())
        .filter(|id| !script.done.contains(*id) && !WITHOUT.contains(id))
        .collect();
    assert!(left.is_empty(), "add a step for {left:?}");
}

#[tokio::test]
async fn the_log_is_paged_filtered_and_cannot_be_changed() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    for name in ["A", "B", "C"] {
        people.admin.post("/api/teams", json!({"name": name})).await.status(201);
    }
    let names = async |query: &str| -> Vec<String> {
        let page = people.tenant_admin.get(&format!("/api/audit-log?{query}")).await.ok();
        let entries = page["data"].as_array().expect("entries").iter();
        entries.map(|entry| entry["targetName"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names("action=team.create").await, ["C", "B", "A"]);
    assert_eq!(names("action=team.&limit=1").await, ["C"]);
    assert_eq!(names("action=team").await, Vec::<String>::new());
    assert_eq!(names("action=team.&to=2026-03-20T10:30:00Z").await, Vec::<String>::new());
    assert_eq!(names("action=team.&from=2026-03-20T10:30:00Z").await.len(), 3);
    let first = people.tenant_admin.get("/api/audit-log?action=team.&limit=2").await.ok();
    let cursor = id(&first, "/nextCursor");
    assert_eq!(names(&format!("action=team.&cursor={cursor}")).await, ["A"]);
    let entry = &first["data"][0];
    assert_eq!((&entry["ip"], &entry["actor"]["id"]), (&json!("127.0.0.1"), &json!(people.admin.id())));
    assert!(!entry["requestId"].as_str().unwrap_or_default().is_empty());
    people.outsider.get(&format!("/api/audit-log?actorId={}", people.admin.id())).await.ok()["data"]
        .as_array()
        .map(|entries| assert!(entries.is_empty()))
        .expect("entries");
    for method in [Method::DELETE, Method::PUT, Method::PATCH, Method::POST] {
        people.admin.send(method, "/api/audit-log").await.problem(ErrorCode::MethodNotAllowed);
    }
    let organization = finops_api::platform::db::OrganizationId(people.admin.organization());
    for statement in ["UPDATE audit_log SET actor_name = 'nobody'", "DELETE FROM audit_log"] {
        let mut tx = app.db().tenant(organization).await.expect("a transaction");
        sqlx::query(statement).execute(&mut *tx).await.expect_err("the service's own role may not");
    }
}
