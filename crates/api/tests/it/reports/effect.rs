//! What recipients do with a report, and what is done after it.

use chrono::TimeDelta;
use finops_contract::reports::{FollowUp, FollowUpKind, ReportEffect};
use finops_contract::{ErrorCode, Page};
use finops_simulator::Letter;
use reqwest::Method;
use serde_json::{Value, json};

use super::sent::go;
use super::{call, mails, some, text, track};
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, project_with_id, register_key, team};

async fn effects(client: &Client) -> Vec<ReportEffect> {
    client.get("/api/reports/weekly/effect").await.read_as::<Page<ReportEffect>>().data
}

/// An address of the service's own in a mail, by how it begins; without the host.
fn address(app: &TestApp, letter: &Letter, begins: &str) -> String {
    let html = letter.content["html"].as_str().expect("HTML");
    let url = format!("{}{begins}", app.url());
    let rest = &html[html.find(&url).unwrap_or_else(|| panic!("{url} in {html}"))..];
    let address = rest.split('"').next().expect("a quoted address");
    address.trim_start_matches(&app.url()).replace("&amp;", "&")
}

#[tokio::test]
async fn a_mail_that_is_opened_and_a_link_that_is_followed_are_noted_once() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    go(&app, "2026-03-23T00:00:00Z");
    app.run_jobs().await;
    let sent = mails(&app);
    let [admins, _, tenant_admins] = &sent[..] else { panic!("three mails") };
    let stranger = app.anonymous();
    let picture = address(&app, &admins.2, "/api/reports/opened/");
    let link = address(&app, &admins.2, "/r/");
    assert_ne!(picture, address(&app, &tenant_admins.2, "/api/reports/opened/"), "each has their own");
    let read = async || {
        let [effect] = effects(&people.tenant_admin).await.try_into().expect("one report");
        let reader = &effect.readers[0];
        assert_eq!(reader.email, "admin@example.com");
        (effect.opened, effect.clicked, reader.opened_at, reader.clicked_at)
    };
    assert_eq!(read().await, (0, 0, None, None));

    // A token that nobody has is answered alike, and changes nothing.
    let made_up = format!("/api/reports/opened/{}", "a".repeat(43));
    let (nobodys, theirs) = (stranger.get(&made_up).await, {
        app.advance(TimeDelta::minutes(1));
        stranger.get(&picture).await
    });
    assert_eq!((nobodys.status, nobodys.text), (theirs.status, theirs.text.clone()));
    assert_eq!((theirs.header("content-type"), theirs.header("cache-control")), ("image/gif", "no-store"));
    let opened = app.now();
    assert_eq!(read().await, (1, 0, Some(opened), None));
    app.advance(TimeDelta::minutes(1));
    assert_eq!(stranger.get(&picture).await.status, 200);
    assert_eq!(read().await.2, Some(opened), "the first time stays");

    let followed = stranger.get(&link).await;
    assert_eq!(followed.status, 302);
    let page = format!("{}/reports/weekly?week=2026-03-16", app.url());
    assert_eq!(followed.header("location"), page);
    assert_eq!(read().await, (1, 1, Some(opened), Some(app.now())));
    let token = link.trim_start_matches("/r/").split('?').next().expect("a token");
    for to in ["//evil.example", "https://evil.example", "/%5Cevil.example", "/a%0d%0aset-cookie:a=b", ""] {
        stranger.get(&format!("/r/{token}?to={to}")).await.problem(ErrorCode::NotFound);
    }
    let elsewhere = stranger.get(&format!("/r/{}?to=/projects", "b".repeat(43))).await;
    assert_eq!((elsewhere.status, elsewhere.header("location")), (302, format!("{}/projects", app.url()).as_str()));
    assert_eq!(effects(&people.outsider).await[0].readers.len(), 1, "nobody else's");
    assert_eq!(app.database.count("SELECT count(*) FROM weekly_report_sends WHERE clicked_at IS NOT NULL").await, 1);
    people.user.get("/api/reports/weekly/effect").await.problem(ErrorCode::Forbidden);
    for weeks in [0, 27] {
        people.admin.get(&format!("/api/reports/weekly/effect?weeks={weeks}")).await.field("/weeks", "range");
    }
}

#[tokio::test]
async fn what_is_done_in_the_week_after_a_report_is_told_with_what_that_week_cost() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let platform = team(admin, "platform").await;
    let web = project(admin, &platform, "web").await;
    let stopped = project(admin, &platform, "stopped").await;
    let model = |at: &str, model: &str, dollars| {
        let mut event = call(&web, at, dollars);
        event["model"] = json!(model);
        event
    };
    // Before the report: of no report's effect.
    let budget =
        |name: &str| json!({"name": name, "scope": {"type": "organization"}, "amount": "1000", "period": "weekly"});
    admin.post("/api/budgets", budget("Early")).await.status(201);
    track(admin, model("2026-03-17T03:00:00Z", "gpt-4o", 100)).await;
    go(&app, "2026-03-23T00:00:00Z");
    app.run_jobs().await;
    let opened = address(&app, &mails(&app)[0].2, "/api/reports/opened/");
    app.advance(TimeDelta::hours(1));
    let late = json!({"name": "Late", "scope": {"type": "project", "id": web}, "amount": "70", "period": "weekly"});
    people.tenant_admin.post("/api/budgets", late).await.status(201);
    assert_eq!(app.anonymous().get(&opened).await.status, 200);
    app.advance(TimeDelta::hours(1));
    admin.send(Method::DELETE, &format!("/api/projects/{stopped}")).await.ok();
    let key = register_key(admin, &platform, &app.provider_key("org-beta")).await;
    admin.send(Method::DELETE, &format!("/api/teams/{platform}/admin-keys/{key}")).await.ok();
    let stop = json!({"target": {"type": "project", "id": web}, "reason": "Too much", "mode": "stop"});
    admin.post("/api/blocks", stop).await.status(201);
    admin.patch(&format!("/api/projects/{web}"), json!({"description": "No reason to save"})).await.ok();
    let key = admin.post("/api/api-keys", json!({"name": "Bot", "scopes": ["guard"]})).await.ok();
    admin.delete(&format!("/api/api-keys/{}", key["id"].as_str().expect("an id"))).await;
    // Another model does most of what the first one did: at 15 cents a million, for 60 dollars.
    app.advance(TimeDelta::hours(1));
    track(admin, model("2026-03-23T02:30:00Z", "gpt-4o", 20)).await;
    let mini = json!({"projectId": web, "provider": "openai", "model": "gpt-4o-mini", "promptTokens": 400_000_000,
        "completionTokens": 0, "timestamp": "2026-03-23T02:40:00Z"});
    track(admin, mini).await;

    let [running] = effects(admin).await.try_into().expect("one report");
    assert_eq!((running.week.to_string().as_str(), running.opened), ("2026-03-16", 1));
    let told = |effect: &ReportEffect| -> Vec<(FollowUpKind, Option<String>, bool)> {
        let one = |one: &FollowUp| (one.kind, one.action.clone(), one.by_reader);
        effect.actions.iter().map(one).collect()
    };
    let did = |kind, action: &str, by_reader| (kind, Some(action.to_owned()), by_reader);
    let people_did = [
        // Whoever set it had not opened the mail.
        did(FollowUpKind::Budget, "budget.create", false),
        did(FollowUpKind::ProjectStopped, "project.delete", true),
        did(FollowUpKind::AdminKey, "admin_key.register", true),
        did(FollowUpKind::AdminKey, "admin_key.delete", true),
        did(FollowUpKind::Block, "block.create", true),
        did(FollowUpKind::ApiKey, "api_key.create", true),
        did(FollowUpKind::ApiKey, "api_key.revoke", true),
    ];
    assert_eq!(told(&running), people_did);
    let by: Vec<_> = running.actions.iter().map(|one| one.target.as_deref().unwrap_or_default()).collect();
    assert_eq!((by[0], by[1], by[4]), ("Late", "stopped", "web"));
    assert_eq!(running.actions[0].actor.as_deref(), Some("tenant-admin@example.com"));
    let counted = |effect: &ReportEffect| effect.counts.iter().map(|one| (one.kind, one.count)).collect::<Vec<_>>();
    assert_eq!(counted(&running).len(), 5);
    assert_eq!((running.cost_after, running.change_percent), (None, None), "that week is not over");

    // A week later, and once more: what is done then belongs to the next report.
    go(&app, "2026-03-30T00:01:00Z");
    // What was to be collected with the key that is gone gives up.
    app.run_jobs_and_let_them_die().await;
    app.advance(TimeDelta::minutes(1));
    admin.post("/api/budgets", budget("Next")).await.status(201);
    let found = effects(admin).await;
    assert_eq!(found.iter().map(|one| one.week.to_string()).collect::<Vec<_>>(), ["2026-03-23", "2026-03-16"]);
    assert_eq!(told(&found[0]), [did(FollowUpKind::Budget, "budget.create", false)]);
    let (last, others) = found[1].actions.split_last().expect("something");
    assert_eq!(others, running.actions);
    // gpt-4o had all of it, and has 20 of 80 dollars now; the other one has the other 75 percent.
    assert_eq!(
        (last.kind, last.target.as_deref(), last.actor.as_deref()),
        (FollowUpKind::Model, Some("gpt-4o-mini"), None)
    );
    assert_eq!(
        (last.share_change.map(|by| by.to_string()).as_deref(), last.at.to_rfc3339().as_str()),
        (Some("75"), "2026-03-29T15:00:00+00:00")
    );
    assert_eq!(counted(&found[1]).len(), 6);
    let weeks = (text(found[1].cost), text(found[1].cost_after), found[1].change_percent.map(|by| by.to_string()));
    assert_eq!(weeks, (some("100"), some("80"), some("-20")));
    people.outsider.get("/api/reports/weekly/effect").await.ok();
    assert!(effects(&people.outsider).await.iter().all(|effect| effect.actions.is_empty()), "nobody else's");
}

#[tokio::test]
async fn what_a_block_changes_by_itself_is_told_as_the_block_alone() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let platform = team(admin, "platform").await;
    let key = register_key(admin, &platform, &app.provider_key("org-alpha")).await;
    let web = project_with_id(admin, &platform, "web", "proj_web").await;
    let api = project_with_id(admin, &platform, "api", "proj_batch").await;
    go(&app, "2026-03-23T00:00:00Z");
    app.run_jobs().await;
    let block = async |kind: &str, id: &str, mut more: Value| {
        more["target"] = json!({"type": kind, "id": id});
        more["reason"] = json!("Too much");
        let made = admin.post("/api/blocks", more).await.status(201);
        app.advance(TimeDelta::minutes(1));
        made["id"].as_str().expect("an id").to_owned()
    };
    app.advance(TimeDelta::hours(1));
    // Its Project ID is taken out of collection, and given back.
    let of_web = block("project", &web, json!({"mode": "stop"})).await;
    admin.post(&format!("/api/blocks/{of_web}/lift"), json!({"reason": "Over"})).await.ok();
    // The key is deactivated, and activated.
    let of_key = block("admin_key", &key, json!({"mode": "stop"})).await;
    admin.post(&format!("/api/blocks/{of_key}/lift"), json!({"reason": "Over"})).await.ok();
    // A throttle gives way to a stop, which ends with its project.
    block("project", &web, json!({"mode": "throttle", "limitPerMinute": 5})).await;
    block("project", &web, json!({"mode": "stop"})).await;
    admin.send(Method::DELETE, &format!("/api/projects/{web}")).await.ok();
    // By hand the same are things of their own.
    app.advance(TimeDelta::minutes(1));
    admin.send(Method::DELETE, &format!("/api/projects/{api}/openai-project-id")).await.ok();
    admin.post(&format!("/api/teams/{platform}/admin-keys/{key}/deactivate"), json!({})).await.ok();

    let [effect] = effects(admin).await.try_into().expect("one report");
    let told: Vec<_> = effect.actions.iter().map(|one| one.action.as_deref().expect("an action")).collect();
    assert_eq!(
        told,
        [
            "block.create",
            "block.lift",
            "block.create",
            "block.lift",
            "block.create",
            "block.create",
            "project.delete",
            "project.remove_openai_project_id",
            "admin_key.deactivate",
        ]
    );
    let counts: Vec<_> = effect.counts.iter().map(|one| (one.kind, one.count)).collect();
    assert_eq!(counts, [(FollowUpKind::AdminKey, 1), (FollowUpKind::ProjectStopped, 2), (FollowUpKind::Block, 6)]);
    // All of it was written down: the six things that followed by themselves are in the audit log too.
    let written = "SELECT count(*) FROM audit_log WHERE request_id IS NOT NULL AND (action LIKE 'block.%'
        OR action IN ('project.remove_openai_project_id', 'admin_key.deactivate', 'admin_key.activate'))";
    assert_eq!(app.database.count(written).await, 14);
    // What was to be collected with the key that is out of use gives up.
    app.run_jobs_and_let_them_die().await;
}
