//! Every operation of the description, whoever calls it: nothing leaks, nothing unknown is taken. Operations that come
//! later are covered without a line here; the lists of exceptions may only shrink.

mod world;

use std::collections::BTreeSet;

use finops_api::platform::auth::api_keys::ApiKeyText;
use finops_contract::ErrorCode;
use finops_contract::api_keys::Scope;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use self::world::{World, id_in, program};
use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::openapi::{self, Access, DOCUMENT, Operation, operations};

/// What a stranger may call.
const PUBLIC: [&str; 11] = [
    "begin_session",
    "end_session",
    "follow_report_link",
    "get_health",
    "get_metrics",
    "get_readiness",
    "get_registration",
    "look_up_invitation",
    "refresh_session",
    "register_account",
    "show_report_pixel",
];

/// What a `user` may call, within what they see.
const FOR_USERS: [&str; 67] = [
    "acknowledge_alert",
    "cancel_usage_import",
    "change_password",
    "check_call",
    "create_api_key",
    "create_block",
    "create_usage_event",
    "create_usage_events",
    "create_usage_import",
    "delete_provider_key",
    "end_all_sessions",
    "export_traces",
    "get_alert",
    "get_api_key",
    "get_block",
    "get_budget",
    "get_budget_status",
    "get_cost_summary",
    "get_cost_thresholds",
    "get_costs_by_learner",
    "get_costs_by_project",
    "get_costs_by_service",
    "get_me",
    "get_organization",
    "get_project",
    "get_project_intents",
    "get_project_value",
    "get_team",
    "get_team_collection",
    "get_usage_event",
    "get_usage_import",
    "import_usage",
    "lift_block",
    "list_admin_keys",
    "list_alert_rules",
    "list_alerts",
    "list_api_keys",
    "list_blocks",
    "list_budget_templates",
    "list_budgets",
    "list_fx_rates",
    "list_price_overrides",
    "list_price_versions",
    "list_prices",
    "list_project_members",
    "list_projects",
    "list_provider_keys",
    "list_team_members",
    "list_teams",
    "list_unpriced_models",
    "list_usage_events",
    "list_usage_imports",
    "preview_block",
    "query_costs",
    "receive_cloud_events",
    "release_reservation",
    "report_outcomes",
    "resolve_alert",
    "resolve_price",
    "revoke_api_key",
    "rotate_api_key",
    "settle_reservation",
    "store_provider_key",
    "tail_usage_events",
    "track_usage",
    "update_me",
    "upload_usage_import",
];

/// What only those may call who run the platform.
const FOR_THE_PLATFORM: [&str; 6] = [
    "confirm_price_change",
    "dismiss_price_change",
    "list_jobs",
    "list_organizations",
    "list_price_changes",
    "retry_job",
];

/// What keeps fields that it does not know, as metadata, or ignores them, as its protocol wants.
const TAKES_MORE: [&str; 4] = ["create_usage_event", "create_usage_events", "export_traces", "track_usage"];

fn missing(_: &str) -> String {
    Uuid::from_u128(7).to_string()
}

/// Calls an operation with the example of its body and these ids, in its path and in its query.
async fn call(client: &Client, operation: &Operation, id_of: impl Fn(&str) -> String) -> Answer {
    call_with(client, operation, id_of, |_| {}).await
}

async fn call_with(
    client: &Client,
    operation: &Operation,
    id_of: impl Fn(&str) -> String,
    change: impl FnOnce(&mut Value),
) -> Answer {
    let mut request = client.request(operation.method.clone(), &operation.address(&id_of));
    for parameter in &operation.query {
        let value = match parameter.name.as_str() {
            _ if parameter.is_id => id_of(&parameter.name),
            _ if !parameter.required => continue,
            "from" => "2026-03-01".to_owned(),
            "to" => "2026-03-10".to_owned(),
            "provider" => "openai".to_owned(),
            "model" => "gpt-5.4".to_owned(),
            name => panic!("what is a good {name} of {}?", operation.id),
        };
        request = request.query(&[(&parameter.name, value)]);
    }
    request = match &operation.body {
        None => request,
        Some((media, example)) if media == "application/json" => {
            let mut body = example.clone();
            change(&mut body);
            request.json(&body)
        }
        Some((media, example)) => {
            assert!(!example.is_null(), "no example of {}'s body", operation.id);
            let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            request.header("content-type", media).body(text)
        }
    };
    Answer::of(request).await
}

/// What an answer says, but for what differs between any two requests.
fn said(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    if let Some(problem) = body.as_object_mut() {
        problem.remove("requestId");
    }
    (answer.status, body)
}

fn for_sessions() -> impl Iterator<Item = &'static Operation> {
    operations().iter().filter(|operation| operation.access == Access::Session)
}

#[test]
fn what_strangers_may_call_is_listed() {
    let public = operations().iter().filter(|operation| operation.access == Access::Public);
    let public: BTreeSet<&str> = public.map(|operation| operation.id.as_str()).collect();
    assert_eq!(public, BTreeSet::from(PUBLIC));
    let schemes = DOCUMENT["components"]["securitySchemes"].as_object().expect("schemes");
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("a path").values() {
            let required = operation["security"].as_array().into_iter().flatten();
            for scheme in required.flat_map(|schemes| schemes.as_object().expect("schemes").keys()) {
                assert!(schemes.contains_key(scheme), "{path}: there is no security scheme {scheme}");
            }
        }
    }
}

#[tokio::test]
async fn strangers_get_nothing() {
    let world = World::new().await;
    let strangers = [
        world.app.anonymous(),
        world.app.anonymous().with_token("a.b.c"),
        world.app.anonymous().with_header("authorization", "Basic YWRtaW46YWRtaW4="),
    ];
    for operation in operations().iter().filter(|operation| operation.access != Access::Public) {
        for stranger in &strangers {
            call(stranger, operation, |name| id_in(&world.ours, name)).await.problem(ErrorCode::Unauthenticated);
        }
        let nobodys = ApiKeyText::generate().expect("a key");
        for program in [
            world.app.anonymous().with_token(nobodys.reveal()),
            world.app.anonymous().with_header("x-api-key", nobodys.reveal()),
        ] {
            let answer = call(&program, operation, |name| id_in(&world.ours, name)).await;
            let cron = operation.access == Access::Cron;
            answer.problem(if cron { ErrorCode::Unauthenticated } else { ErrorCode::ApiKeyInvalid });
        }
        if operation.access == Access::Cron {
            call(&world.people.admin, operation, missing).await.problem(ErrorCode::Unauthenticated);
        }
    }
}

#[tokio::test]
async fn roles_are_held_to_what_they_may() {
    let world = World::new().await;
    for operation in for_sessions() {
        let (id, ours) = (operation.id.as_str(), |name: &str| id_in(&world.ours, name));
        if !FOR_USERS.contains(&id) {
            call(&world.people.user, operation, ours).await.problem(ErrorCode::Forbidden);
        } else if !operation.is_change() {
            call(&world.people.user, operation, ours).await.ok();
        }
        if FOR_THE_PLATFORM.contains(&id) {
            call(&world.people.tenant_admin, operation, ours).await.problem(ErrorCode::Forbidden);
        } else if !operation.is_change() {
            call(&world.people.tenant_admin, operation, ours).await.ok();
        }
        if !operation.is_change() {
            call(&world.people.admin, operation, ours).await.ok();
        }
    }
}

#[tokio::test]
async fn api_keys_are_held_to_their_scopes() {
    let world = World::new().await;
    for scope in Scope::ALL {
        let wide = program(&world.app, &world.people.tenant_admin, &[scope], None).await;
        let bound = program(&world.app, &world.people.user, &[scope], Some(&world.ours["projectId"])).await;
        for (operation, client) in for_sessions().flat_map(|operation| [(operation, &wide), (operation, &bound)]) {
            let answer = call(client, operation, |name| id_in(&world.ours, name)).await;
            match operation.scope {
                None => drop(answer.problem(ErrorCode::ApiKeyNotAllowed)),
                Some(needed) if needed != scope => drop(answer.problem(ErrorCode::ApiKeyScope)),
                // What is of the whole organization is for keys that are bound to no project.
                Some(_) if operation.id == "get_organization_metrics" && std::ptr::eq(client, &bound) => {
                    drop(answer.problem(ErrorCode::Forbidden));
                }
                Some(_) => assert!(!matches!(answer.status, 401 | 403), "{}: {}", operation.id, answer.text),
            }
        }
        for operation in for_sessions().filter(|operation| operation.scope == Some(scope) && !operation.is_change()) {
            call(&wide, operation, |name| id_in(&world.ours, name)).await.ok();
        }
    }
    let nothing = operations().iter().filter(|operation| operation.access != Access::Session);
    assert_eq!(nothing.filter(|operation| operation.scope.is_some()).count(), 0, "a scope beside no session");
    assert!(for_sessions().filter(|operation| operation.scope == Some(Scope::Read)).count() >= 7);
}

#[tokio::test]
async fn what_is_another_organizations_answers_as_what_does_not_exist() {
    let world = World::new().await;
    let before = fingerprint(&world).await;
    let program = program(&world.app, &world.people.outsider, &Scope::ALL, None).await;
    let callers = [(&world.people.outsider, false), (&program, true)];
    for (operation, (client, is_program)) in for_sessions().flat_map(|operation| callers.map(|one| (operation, one))) {
        let ids =
            operation.ids.iter().chain(operation.query.iter().filter(|query| query.is_id).map(|query| &query.name));
        let ids: Vec<&str> = ids.map(String::as_str).collect();
        // All of them another's, and each alone beside one's own.
        let mut cases = vec![ids.clone()];
        if ids.len() > 1 {
            cases.extend(ids.iter().map(|id| vec![*id]));
        }
        for foreign in cases.into_iter().filter(|case| !case.is_empty()) {
            let others = |name: &str| id_in(if foreign.contains(&name) { &world.ours } else { &world.theirs }, name);
            let nobodys = |name: &str| if foreign.contains(&name) { missing(name) } else { id_in(&world.theirs, name) };
            let (answer, expected) = (call(client, operation, others).await, call(client, operation, nobodys).await);
            assert_eq!(said(&answer), said(&expected), "{}: {foreign:?}", operation.id);
            let in_path = foreign.iter().any(|name| operation.ids.iter().any(|id| id == name));
            if is_program && operation.scope.is_none() {
                answer.problem(ErrorCode::ApiKeyNotAllowed);
            } else if in_path && !FOR_THE_PLATFORM.contains(&operation.id.as_str()) {
                answer.problem(ErrorCode::NotFound);
            }
        }
        // Naming the organization does not help either.
        for organization in [world.people.admin.organization(), Uuid::from_u128(7)] {
            let client = client.with_header("x-organization-id", organization);
            call(&client, operation, |name| id_in(&world.ours, name)).await.problem(ErrorCode::NotFound);
        }
    }
    assert_eq!(fingerprint(&world).await, before, "something of another organization was changed");
}

/// Everything that belongs to the first organization, as one text a table.
async fn fingerprint(world: &World) -> Vec<(String, String)> {
    let mut owner = world.app.database.owner().await;
    let mut found = Vec::new();
    for table in [
        "teams",
        "team_members",
        "projects",
        "project_members",
        "admin_keys",
        "api_keys",
        "api_key_secrets",
        "provider_keys",
        "invitations",
        "users",
        "secrets",
        "usage_events",
        "usage_outcomes",
        "usage_event_outcomes",
        "usage_imports",
        "usage_import_slices",
        "budgets",
        "budget_revisions",
        "budget_thresholds",
        "fx_rates",
        "guard_reservations",
        "channels",
        "deliveries",
        "delivery_queue",
        "delivery_lanes",
        "weekly_report_recipients",
        "weekly_reports",
        "weekly_report_sends",
    ] {
        let query = format!(
            "SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} t WHERE organization_id = $1"
        );
        let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(world.people.admin.organization());
        found.push((table.to_owned(), rows.fetch_one(&mut owner).await.expect("rows")));
    }
    found
}

#[tokio::test]
async fn what_is_another_teams_answers_as_what_does_not_exist() {
    let world = World::new().await;
    for operation in for_sessions().filter(|operation| !operation.ids.is_empty()) {
        for client in [&world.loner, &world.elsewhere] {
            let ours = call(client, operation, |name| id_in(&world.ours, name)).await;
            let nothing = call(client, operation, missing).await;
            assert_eq!(said(&ours), said(&nothing), "{}", operation.id);
            assert!(matches!(ours.status, 403 | 404), "{}: {}", operation.id, ours.text);
        }
    }
    // Nor is it found by asking for it.
    for operation in for_sessions().filter(|operation| operation.scope.is_some() && !operation.is_change()) {
        for parameter in operation.query.iter().filter(|parameter| parameter.is_id) {
            let ours = |name: &str| if name == parameter.name { id_in(&world.ours, name) } else { missing(name) };
            let (answer, nothing) =
                (call(&world.elsewhere, operation, ours).await, call(&world.elsewhere, operation, missing).await);
            assert_eq!(said(&answer), said(&nothing), "{}: {}", operation.id, parameter.name);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_an_id_does_not_exist() {
    let world = World::new().await;
    for operation in for_sessions().filter(|operation| !operation.ids.is_empty()) {
        for bad in ["0", "not-an-id", "%00", "%ff", "..%2f..", "'--"] {
            let address = operation.address(|_| bad.to_owned());
            let answer = world.people.admin.send(operation.method.clone(), &address).await;
            answer.problem(ErrorCode::NotFound);
        }
    }
}

#[tokio::test]
async fn fields_that_nobody_knows_are_refused() {
    let world = World::new().await;
    let mut tried = 0;
    for operation in operations() {
        if operation.body.as_ref().is_none_or(|(media, _)| media != "application/json")
            || TAKES_MORE.contains(&operation.id.as_str())
        {
            continue;
        }
        let client =
            if operation.access == Access::Public { world.app.anonymous() } else { world.people.admin.clone() };
        for field in ["role", "organizationId", "id", "createdAt", "__proto__"] {
            let known = operation.body.as_ref().is_some_and(|(_, example)| example.get(field).is_some());
            if known {
                continue;
            }
            let ours = |name: &str| id_in(&world.ours, name);
            let answer = call_with(&client, operation, ours, |body| body[field] = json!("admin")).await;
            answer.field(&format!("/{field}"), "unknown_field");
            tried += 1;
        }
    }
    assert!(tried > 40, "only {tried} were tried");
}

#[tokio::test]
async fn queries_that_nobody_knows_are_refused() {
    let world = World::new().await;
    for operation in for_sessions().filter(|operation| !operation.query.is_empty()) {
        let address = operation.address(|name| id_in(&world.ours, name));
        let client = world.people.admin.request(operation.method.clone(), &format!("{address}?nonsense=1"));
        Answer::of(client).await.problem(ErrorCode::InvalidQuery);
        if operation.query.iter().any(|parameter| parameter.name == "limit") {
            let get = async |query: &str| world.people.admin.get(&format!("{address}?{query}")).await;
            get("limit=many").await.problem(ErrorCode::InvalidQuery);
            get("cursor=nonsense&from=2026-03-01&to=2026-03-02").await.problem(
                if operation.query.iter().any(|p| p.name == "from" && p.required) {
                    ErrorCode::InvalidCursor
                } else {
                    ErrorCode::InvalidQuery
                },
            );
        }
    }
}

#[tokio::test]
async fn other_methods_are_told_which_ones_there_are() {
    let app = TestApp::spawn().await;
    for operation in operations().iter().filter(|operation| operation.path.starts_with("/api/")) {
        let address = operation.address(missing);
        let answer = app.anonymous().send(Method::OPTIONS, &address).await;
        answer.problem(ErrorCode::MethodNotAllowed);
        let allowed: Vec<&str> = answer.header("allow").split(", ").collect();
        assert!(allowed.contains(&operation.method.as_str()), "{}: {allowed:?}", operation.id);
    }
    app.anonymous().get("/api/nothing").await.problem(ErrorCode::NotFound);
    app.anonymous().get("/api").await.problem(ErrorCode::NotFound);
}

#[tokio::test]
async fn examples_of_bodies_are_taken_by_the_service() {
    let world = World::new().await;
    for operation in operations().iter().filter(|operation| operation.body.is_some()) {
        let client =
            if operation.access == Access::Public { world.app.anonymous() } else { world.people.admin.clone() };
        let answer = call(&client, operation, missing).await;
        let shape = ["required", "unknown_field", "duplicate_field", "type", "length", "email", "range", "blank"];
        let faults: Vec<Value> = answer.json()["errors"].as_array().cloned().unwrap_or_default();
        let wrong = faults.iter().any(|fault| fault["code"].as_str().is_some_and(|code| shape.contains(&code)));
        let malformed = answer.json()["code"].as_str().is_some_and(|code| code.ends_with("_invalid"));
        // There is no such invitation, and no session to go on with.
        let malformed = malformed && operation.access != Access::Public;
        assert!(
            !wrong && !malformed && answer.status != 400 && answer.status < 500,
            "{}: {}",
            operation.id,
            answer.text
        );
    }
}

#[test]
fn examples_are_as_described() {
    let mut checked = 0;
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("a path") {
            let base = format!("/paths/{}/{method}", path.replace('/', "~1"));
            let mut holders = vec![format!("{base}/requestBody")];
            let statuses = operation["responses"].as_object().expect("answers").keys();
            holders.extend(
                statuses.filter(|status| status.starts_with('2')).map(|status| format!("{base}/responses/{status}")),
            );
            for holder in holders {
                let content = DOCUMENT.pointer(&holder).map_or(&Value::Null, |holder| &holder["content"]);
                for (media, content) in content.as_object().into_iter().flatten() {
                    assert!(!content["example"].is_null(), "{holder}: {media} has no example");
                    let schema = format!("{holder}/content/{}/schema", media.replace('/', "~1"));
                    let faults = openapi::faults(&schema, &content["example"]);
                    assert!(faults.is_empty(), "{holder}: {}", faults.join("; "));
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 50, "only {checked} were found");
}
