//! Keys of our own API: making, using, rotating and revoking them.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use finops_api::features::audit;
use finops_api::platform::auth::api_keys::ApiKeyText;
use finops_api::platform::http::{Actor, Ctx};
use finops_contract::ErrorCode;
use finops_contract::api_keys::{ApiKey, ApiKeyState, CreatedApiKey, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::costs::{project, project_with_id, team, team_with_key};
use crate::support::people::People;

/// Within which a revoked key opens nothing any more.
const SOON: Duration = Duration::from_secs(1);

async fn make(client: &Client, body: Value) -> CreatedApiKey {
    client.post("/api/api-keys", body).await.read_as()
}

/// A key of an administrator, for everything it can be used for.
async fn wide(client: &Client) -> CreatedApiKey {
    make(client, json!({"name": "SDK", "scopes": ["ingest", "read", "guard"]})).await
}

/// A team with a project that the user belongs to, and another project that they do not.
async fn two_projects(people: &People) -> (String, String) {
    let team = team(&people.tenant_admin, "platform").await;
    let (theirs, other) =
        (project(&people.tenant_admin, &team, "theirs").await, project(&people.tenant_admin, &team, "other").await);
    people.tenant_admin.put(&format!("/api/projects/{theirs}/members/{}", people.user.id()), json!({})).await.ok();
    (theirs, other)
}

fn names(answer: &Answer) -> Vec<String> {
    let items = answer.ok()["data"].as_array().expect("a list").clone();
    items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

/// Asks until a key is refused. The first request that was sent later than [`SOON`] after `since` must be.
async fn until_refused(client: &Client, since: Instant) {
    loop {
        let late = since.elapsed() > SOON;
        let answer = client.get("/api/projects").await;
        if answer.status == 401 {
            answer.problem(ErrorCode::ApiKeyInvalid);
            return;
        }
        answer.ok();
        assert!(!late, "it still works after {:?}", since.elapsed());
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_stored_as_a_hash() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let body = json!({"name": "SDK", "scopes": ["read", "ingest", "read"], "environment": "staging",
        "quotaPerMinute": 600, "expiresAt": "2027-01-01T00:00:00Z"});
    let answer = people.tenant_admin.post("/api/api-keys", body).await;
    let made: CreatedApiKey = answer.read_as();
    assert_eq!(answer.status, 201);
    assert!(ApiKeyText::hash_of(&made.key).is_some(), "its checksum is right");
    assert_eq!(made.api_key.masked, format!("fin_…{}", &made.key[made.key.len() - 4..]));
    assert_eq!(made.api_key.scopes, [Scope::Ingest, Scope::Read]);
    assert_eq!((made.api_key.quota_per_minute, made.api_key.state), (Some(600), ApiKeyState::Active));
    assert_eq!(made.api_key.created_by.id, people.tenant_admin.id());
    let listed = people.tenant_admin.get("/api/api-keys").await;
    assert_eq!(listed.ok()["data"][0], serde_json::to_value(&made.api_key).unwrap());
    let one = people.tenant_admin.get(&format!("/api/api-keys/{}", made.api_key.id)).await;
    let audit = people.tenant_admin.get("/api/audit-log?action=api_key.").await;
    assert_eq!(audit.ok()["data"][0]["action"], "api_key.create");
    for text in [&listed.text, &one.text, &audit.text] {
        assert!(!text.contains(&made.key[4..20]), "the key came back");
    }
    let stored: Vec<u8> = sqlx::query_scalar("SELECT key_hash FROM api_key_secrets")
        .fetch_one(&mut app.database.owner().await)
        .await
        .unwrap();
    assert_eq!(Some(stored), ApiKeyText::hash_of(&made.key).map(Vec::from));
}

#[tokio::test]
async fn both_ways_to_present_a_key_do() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let key = wide(&people.tenant_admin).await.key;
    let anonymous = app.anonymous();
    for client in [
        anonymous.with_token(&key),
        anonymous.with_header("x-api-key", &key),
        anonymous.with_header("authorization", "Basic c29tZTpwcm94eQ==").with_header("x-api-key", &key),
    ] {
        client.get("/api/projects").await.ok();
        client.with_header("x-organization-id", people.tenant_admin.organization()).get("/api/projects").await.ok();
        let elsewhere = client.with_header("x-organization-id", people.outsider.organization());
        elsewhere.get("/api/projects").await.problem(ErrorCode::NotFound);
    }
    for text in ["", "fin_", "a.b.c", "Bearer", &key[..41], &format!("{key}0"), &key.to_lowercase()] {
        anonymous.with_header("x-api-key", text).get("/api/projects").await.problem(ErrorCode::ApiKeyInvalid);
    }
    // Whoever is signed in and shows a key asks as the key.
    people.tenant_admin.with_header("x-api-key", &key).get("/api/auth/me").await.problem(ErrorCode::ApiKeyNotAllowed);
}

#[tokio::test]
async fn a_typo_is_refused_without_asking_the_database() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let key = wide(&people.tenant_admin).await.key;
    let (keys, client) = (&app.state.api_keys, app.anonymous().with_token(&key));
    let other = if key.ends_with('a') { "b" } else { "a" };
    let typo = format!("{}{other}", &key[..key.len() - 1]);
    app.anonymous().with_token(&typo).get("/api/projects").await.problem(ErrorCode::ApiKeyInvalid);
    assert_eq!(keys.lookups(), 0);
    client.get("/api/projects").await.ok();
    assert_eq!(keys.lookups(), 1);
    app.db().close().await;
    app.anonymous().with_token(&typo).get("/api/projects").await.problem(ErrorCode::ApiKeyInvalid);
}

#[tokio::test]
async fn many_requests_at_once_ask_the_database_once() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let key = wide(&people.tenant_admin).await;
    let keys = &app.state.api_keys;
    let started = Instant::now();
    // For longer than an answer is believed.
    while started.elapsed() < SOON {
        let all = futures_util::future::join_all((0..500).map(|_| keys.authenticate(&key.key))).await;
        assert!(all.into_iter().all(|found| found.expect("the key").id == key.api_key.id));
    }
    let windows = u64::try_from(started.elapsed().as_millis() / 500).expect("a while");
    assert!((2..=windows + 1).contains(&keys.lookups()), "{} lookups in {windows} half seconds", keys.lookups());
    // What there is not is remembered too.
    let before = keys.lookups();
    let nobodys = ApiKeyText::generate().expect("a key");
    let all = futures_util::future::join_all((0..500).map(|_| keys.authenticate(nobodys.reveal()))).await;
    assert!(all.into_iter().all(|found| found.expect_err("no key").code == ErrorCode::ApiKeyInvalid));
    assert!(keys.lookups() <= before + 2, "{} lookups", keys.lookups() - before);
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_on_any_replica_within_a_second() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let other = TestApp::builder().spawn_on(app.database.share()).await;
    let key = wide(&people.tenant_admin).await;
    let path = format!("/api/api-keys/{}", key.api_key.id);
    let clients = [app.anonymous().with_token(&key.key), other.anonymous().with_token(&key.key)];
    for client in &clients {
        client.get("/api/projects").await.ok();
    }
    people.tenant_admin.delete(&path).await.status(204);
    let revoked = Instant::now();
    tokio::join!(until_refused(&clients[0], revoked), until_refused(&clients[1], revoked));
    people.tenant_admin.get(&path).await.problem(ErrorCode::NotFound);
    people.tenant_admin.delete(&path).await.problem(ErrorCode::NotFound);
    people.tenant_admin.post(&format!("{path}/rotate"), json!({})).await.problem(ErrorCode::NotFound);
    assert_eq!(names(&people.tenant_admin.get("/api/api-keys").await), Vec::<String>::new());
    assert_eq!(app.database.count("SELECT count(*) FROM api_key_secrets").await, 0, "its hash is erased");
}

#[tokio::test]
async fn a_rotated_key_has_two_texts_for_as_long_as_was_asked_for() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let first = wide(&people.tenant_admin).await;
    let path = format!("/api/api-keys/{}/rotate", first.api_key.id);
    let works = async |key: &CreatedApiKey| app.state.api_keys.authenticate(&key.key).await.is_ok();
    let second: CreatedApiKey = people.tenant_admin.post(&path, json!({})).await.read_as();
    assert_eq!(second.api_key.id, first.api_key.id);
    assert_eq!(second.api_key.overlap_until, Some(app.now() + TimeDelta::hours(24)));
    app.advance(TimeDelta::hours(2));
    let third: CreatedApiKey = people.tenant_admin.post(&path, json!({"overlapHours": 1})).await.read_as();
    // The first one's day is not cut short by rotating again.
    assert_eq!(third.api_key.overlap_until, Some(app.now() + TimeDelta::hours(22)));
    assert!(works(&first).await && works(&second).await && works(&third).await);
    app.advance(TimeDelta::hours(1));
    assert!(works(&first).await && !works(&second).await && works(&third).await);
    app.advance(TimeDelta::hours(21));
    assert!(!works(&first).await && works(&third).await);
    let last: CreatedApiKey = people.tenant_admin.post(&path, json!({"overlapHours": 0})).await.read_as();
    let rotated = Instant::now();
    until_refused(&app.anonymous().with_token(&third.key), rotated).await;
    assert!(works(&last).await);
    assert_eq!(app.database.count("SELECT count(*) FROM api_key_secrets").await, 1, "old hashes are forgotten");
    people.tenant_admin.post(&path, json!({"overlapHours": 721})).await.field("/overlapHours", "range");
}

#[tokio::test]
async fn a_key_ends_when_it_was_to() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let make = async |end: &str| {
        let body = json!({"name": "SDK", "scopes": ["read"], "expiresAt": end});
        people.tenant_admin.post("/api/api-keys", body).await
    };
    for bad in ["2026-03-20T10:30:00Z", "2100-01-01T00:00:00Z"] {
        make(bad).await.field("/expiresAt", "range");
    }
    let key: CreatedApiKey = make("2026-03-20T10:30:10Z").await.read_as();
    let client = app.anonymous().with_token(&key.key);
    client.get("/api/projects").await.ok();
    app.advance(TimeDelta::seconds(10));
    client.get("/api/projects").await.problem(ErrorCode::ApiKeyInvalid);
    let shown: ApiKey = people.tenant_admin.get(&format!("/api/api-keys/{}", key.api_key.id)).await.read_as();
    assert_eq!(shown.state, ApiKeyState::Expired);
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_nothing_that_needs_a_person() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let key = make(&people.tenant_admin, json!({"name": "SDK", "scopes": ["ingest"]})).await;
    let client = app.anonymous().with_token(&key.key);
    client.get("/api/projects").await.problem(ErrorCode::ApiKeyScope);
    client.get("/api/organization").await.problem(ErrorCode::ApiKeyNotAllowed);
    client.post("/api/teams", json!({"name": "Team"})).await.problem(ErrorCode::ApiKeyNotAllowed);
    let again = client.with_header("idempotency-key", "one");
    again.post("/api/teams", json!({"name": "Team"})).await.problem(ErrorCode::ApiKeyNotAllowed);
    client.get("/api/api-keys").await.problem(ErrorCode::ApiKeyNotAllowed);
    for (scopes, pointer, code) in [
        (json!([]), "/scopes", "length"),
        (json!(["admin"]), "", "type"),
        (json!(["read", "read", "read", "read"]), "/scopes", "length"),
    ] {
        let body = json!({"name": "SDK", "scopes": scopes});
        people.tenant_admin.post("/api/api-keys", body).await.field(pointer, code);
    }
}

#[tokio::test]
async fn what_a_program_changes_is_written_down_under_its_name() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let key = wide(&people.tenant_admin).await;
    let found = app.state.api_keys.authenticate(&key.key).await.expect("the key");
    let actor = Actor::ApiKey { id: found.id, name: found.name.clone() };
    let ctx = Ctx::trusted(actor, found.organization, app.state.clock.clone());
    let mut tx = app.db().tenant(found.organization).await.expect("a transaction");
    audit::record(&mut tx, &ctx, audit::Change::new("price.update", Uuid::from_u128(7), "gpt")).await.expect("a row");
    tx.commit().await.expect("committed");
    let entries = people.tenant_admin.get(&format!("/api/audit-log?actorId={}", found.id)).await.ok();
    assert_eq!(entries["data"][0]["actor"], json!({"type": "api_key", "id": found.id, "name": "SDK"}));
}

#[tokio::test]
async fn a_bound_key_sees_its_project_and_no_other() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (theirs, other) = two_projects(&people).await;
    let body = json!({"name": "SDK", "scopes": ["read"], "projectId": theirs});
    for maker in [&people.user, &people.tenant_admin, &people.admin] {
        let key = make(maker, body.clone()).await;
        assert_eq!(key.api_key.project_name.as_deref(), Some("theirs"));
        let client = app.anonymous().with_token(&key.key);
        assert_eq!(names(&client.get("/api/projects").await), ["theirs"]);
        assert_eq!(names(&client.get("/api/teams").await), Vec::<String>::new());
        client.get(&format!("/api/projects/{theirs}")).await.ok();
        client.get(&format!("/api/costs/summary?projectId={theirs}")).await.ok();
        client.get("/api/costs/query?from=2026-03-01&to=2026-03-10&groupBy=project").await.ok();
        for missing in [other.as_str(), &Uuid::from_u128(7).to_string()] {
            client.get(&format!("/api/projects/{missing}")).await.problem(ErrorCode::NotFound);
            client.get(&format!("/api/costs/summary?projectId={missing}")).await.problem(ErrorCode::NotFound);
        }
    }
    let unbound = app.anonymous().with_token(&wide(&people.tenant_admin).await.key);
    assert_eq!(names(&unbound.get("/api/projects").await), ["other", "theirs"]);
}

#[tokio::test]
async fn a_bound_key_is_told_the_costs_of_its_project_alone() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.tenant_admin, "platform", "org-alpha").await;
    let web = project_with_id(&people.tenant_admin, &team, "web", "proj_web").await;
    let batch = project_with_id(&people.tenant_admin, &team, "batch", "proj_batch").await;
    app.run_jobs().await;
    let key = make(&people.tenant_admin, json!({"name": "SDK", "scopes": ["read"], "projectId": batch})).await;
    let client = app.anonymous().with_token(&key.key);
    for rows in ["groupBy=day", "groupBy=project,team", "groupBy=model,lineItem,apiKey"] {
        let path = format!("/api/costs/query?from=2026-03-01&to=2026-03-20&{rows}");
        let (told, all) = (client.get(&path).await.ok(), people.tenant_admin.get(&path).await.ok());
        let expected = people.tenant_admin.get(&format!("{path}&projectId={batch}")).await.ok();
        assert_eq!((&told["data"], &told["totals"]), (&expected["data"], &expected["totals"]), "{rows}");
        assert_ne!(told["totals"], all["totals"], "{rows}: there is more");
        client.get(&format!("{path}&projectId={web}")).await.problem(ErrorCode::NotFound);
        client.get(&format!("{path}&teamId={team}")).await.problem(ErrorCode::NotFound);
        assert_eq!(client.get(&format!("{path}&projectId=none")).await.ok()["data"], json!([]), "{rows}");
    }
    let summary = client.get("/api/costs/summary").await;
    assert_eq!(summary.ok()["topProjects"].as_array().map(Vec::len), Some(1));
    assert!(summary.text.contains(&batch) && !summary.text.contains(&web) && !summary.text.contains("proj_web"));
}

#[tokio::test]
async fn a_user_makes_keys_for_their_projects_and_manages_their_own() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (theirs, other) = two_projects(&people).await;
    let post = async |project: Option<&str>| {
        let body = json!({"name": "mine", "scopes": ["ingest"], "projectId": project});
        people.user.post("/api/api-keys", body).await
    };
    post(None).await.field("/projectId", "required");
    for unseen in [other.as_str(), &Uuid::from_u128(7).to_string()] {
        post(Some(unseen)).await.field("/projectId", "unknown");
    }
    let mine: CreatedApiKey = post(Some(&theirs)).await.read_as();
    let administrators = wide(&people.tenant_admin).await;
    assert_eq!(names(&people.user.get("/api/api-keys").await), ["mine"]);
    assert_eq!(names(&people.tenant_admin.get("/api/api-keys").await), ["SDK", "mine"]);
    assert_eq!(names(&people.outsider.get("/api/api-keys").await), Vec::<String>::new());
    let path = format!("/api/api-keys/{}", administrators.api_key.id);
    people.user.get(&path).await.problem(ErrorCode::NotFound);
    people.user.delete(&path).await.problem(ErrorCode::NotFound);
    people.user.post(&format!("{path}/rotate"), json!({})).await.problem(ErrorCode::NotFound);
    people.tenant_admin.delete(&format!("/api/api-keys/{}", mine.api_key.id)).await.status(204);
    app.state.api_keys.authenticate(&administrators.key).await.expect("it still works");
}

#[tokio::test]
async fn a_key_is_no_wider_than_its_maker_is_now() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (theirs, _) = two_projects(&people).await;
    let state = async |key: &CreatedApiKey| -> ApiKeyState {
        let shown: ApiKey = people.admin.get(&format!("/api/api-keys/{}", key.api_key.id)).await.read_as();
        shown.state
    };
    let key = make(&people.user, json!({"name": "bound", "scopes": ["read"], "projectId": theirs})).await;
    let client = app.anonymous().with_token(&key.key);
    client.get("/api/projects").await.ok();
    let member = format!("/api/projects/{theirs}/members/{}", people.user.id());
    people.admin.delete(&member).await.status(204);
    until_refused(&client, Instant::now()).await;
    assert_eq!(state(&key).await, ApiKeyState::Stopped);
    // Seen again, it works again; without its maker, never.
    people.admin.put(&member, json!({})).await.ok();
    assert_eq!(state(&key).await, ApiKeyState::Active);
    people.admin.delete(&format!("/api/organization/members/{}", people.user.id())).await.status(204);
    until_refused(&client, Instant::now()).await;
    assert_eq!(state(&key).await, ApiKeyState::Stopped);

    let wide = wide(&people.tenant_admin).await;
    let client = app.anonymous().with_token(&wide.key);
    client.get("/api/projects").await.ok();
    let demoted = format!("/api/organization/members/{}", people.tenant_admin.id());
    people.admin.patch(&demoted, json!({"role": "user"})).await.ok();
    until_refused(&client, Instant::now()).await;
    assert_eq!(state(&wide).await, ApiKeyState::Stopped);

    let bound = make(&people.admin, json!({"name": "bound", "scopes": ["read"], "projectId": theirs})).await;
    let client = app.anonymous().with_token(&bound.key);
    client.get("/api/projects").await.ok();
    people.admin.delete(&format!("/api/projects/{theirs}")).await.status(204);
    until_refused(&client, Instant::now()).await;
    assert_eq!(state(&bound).await, ApiKeyState::Stopped);
}

#[tokio::test]
async fn whoever_runs_the_platform_makes_keys_where_they_act() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let there = people.admin.with_header("x-organization-id", people.outsider.organization());
    let key = wide(&there).await;
    assert_eq!(key.api_key.state, ApiKeyState::Active);
    let found = app.state.api_keys.authenticate(&key.key).await.expect("it works");
    assert_eq!(found.organization.0, people.outsider.organization());
    assert_eq!(names(&people.outsider.get("/api/api-keys").await), ["SDK"]);
    people.tenant_admin.get(&format!("/api/api-keys/{}", key.api_key.id)).await.problem(ErrorCode::NotFound);
}

#[tokio::test]
async fn a_quota_is_kept_by_all_replicas_together() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let other = TestApp::builder().spawn_on(app.database.share()).await;
    let key = make(&people.tenant_admin, json!({"name": "SDK", "scopes": ["read"], "quotaPerMinute": 5})).await;
    let clients = [app.anonymous().with_token(&key.key), other.anonymous().with_token(&key.key)];
    for replica in [&app, &other] {
        replica.advance(TimeDelta::seconds(30));
    }
    let mut left = Vec::new();
    for at in 0..5 {
        let answer = clients[at % 2].get("/api/projects").await;
        answer.ok();
        assert_eq!(answer.header("ratelimit-policy"), "\"minute\";q=5;w=60");
        left.push(answer.header("ratelimit").to_owned());
    }
    assert_eq!(left, (0..5).map(|used| format!("\"minute\";r={};t=30", 4 - used)).collect::<Vec<_>>());
    for client in &clients {
        let answer = client.get("/api/projects").await;
        answer.problem(ErrorCode::RateLimited);
        assert_eq!((answer.header("retry-after"), answer.header("ratelimit")), ("30", "\"minute\";r=0;t=30"));
    }
    app.advance(TimeDelta::seconds(30));
    clients[0].get("/api/projects").await.ok();
    assert_eq!(people.tenant_admin.get("/api/projects").await.header("ratelimit"), "", "people have no quota");
}

#[tokio::test]
async fn a_large_quota_is_exact_and_seldom_written_down() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let other = TestApp::builder().spawn_on(app.database.share()).await;
    let key = make(&people.tenant_admin, json!({"name": "SDK", "scopes": ["read"], "quotaPerMinute": 1000})).await;
    let identity = app.state.api_keys.authenticate(&key.key).await.expect("the key");
    let take = async |app: &TestApp, times: usize| -> usize {
        let all = (0..times).map(|_| app.state.api_keys.charge(&identity));
        let all = futures_util::future::join_all(all).await.into_iter();
        all.filter(|allowance| allowance.as_ref().is_ok_and(|allowance| allowance.is_some_and(|one| one.granted)))
            .count()
    };
    let (here, there) = tokio::join!(take(&app, 800), take(&other, 800));
    // Two replicas may keep a share of 50 each that nobody asked them for.
    assert!((900..=1000).contains(&(here + there)), "{here} + {there}");
    assert_eq!(here + there + take(&app, 100).await + take(&other, 100).await, 1000, "what is kept is handed out");
    let taken: f64 =
        sqlx::query_scalar("SELECT max(tokens) FROM rate_limit_buckets WHERE updated_at = '2026-03-20T10:30:00Z'")
            .fetch_one(&mut app.database.owner().await)
            .await
            .expect("a bucket");
    assert!((1000.0..=1100.0).contains(&taken), "{taken} in shares of 50: no more than 22 writes");
}

#[tokio::test]
async fn its_last_use_is_written_down_once_a_minute() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let key = wide(&people.tenant_admin).await;
    let used = async || -> Option<chrono::DateTime<chrono::Utc>> {
        let shown: ApiKey = people.tenant_admin.get(&format!("/api/api-keys/{}", key.api_key.id)).await.read_as();
        shown.last_used_at
    };
    assert_eq!(used().await, None);
    let client = app.anonymous().with_token(&key.key);
    let first = app.now();
    for minute in [0, 2] {
        if minute > 0 {
            app.advance(TimeDelta::minutes(minute));
        }
        let (now, deadline) = (app.now(), Instant::now() + Duration::from_secs(20));
        while used().await != Some(now) {
            client.get("/api/projects").await.ok();
            assert!(Instant::now() < deadline, "its use was not written down");
        }
    }
    assert_ne!(used().await, Some(first));
}
