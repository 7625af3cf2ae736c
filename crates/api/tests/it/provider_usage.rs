//! The poll of providers' usage, against what the provider says by the hour, its restatements and its faults.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use finops_api::features::provider_usage::rollups;
use finops_contract::costs::{Basis, CostState, CostsAnswer};
use finops_simulator::openai::OPERATIONS;
use finops_simulator::{Fault, FaultSpec, OrganizationSpec, ProjectSpec, Trend};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project_with_id, register_key, set_project_id, team, team_with_key};

const USAGE: &str = "/v1/organization/usage/";
const ORGANIZATION: &str = "org-usage";
const NAMES: [(&str, &str); 2] = [("proj_calm", "calm"), ("proj_runaway", "runaway")];
const TODAY: &str = "2026-03-20";
/// Two days before the hour that tests begin in.
const SINCE: &str = "2026-03-18T10:00:00Z";

/// A service that polls every minute, and at the provider an organization with two projects that are alike but for today,
/// and usage of no project.
async fn spawn() -> TestApp {
    spawn_with(6, 1).await
}

/// The same; the calm project has so many line items and keys. With 18 there is something on every meter.
async fn spawn_with(line_items: usize, api_keys: usize) -> TestApp {
    let app = TestApp::builder().set("USAGE_POLL_INTERVAL", "60").spawn().await;
    let project = |id: &str, trend, line_items, api_keys| ProjectSpec {
        trend,
        line_items,
        api_keys,
        ..ProjectSpec::new(id, id, Decimal::from(20))
    };
    let spec = OrganizationSpec::new(ORGANIZATION, 33, "2026-03-01".parse().unwrap())
        .with_project(project("proj_calm", Trend::Flat, line_items, api_keys))
        .with_project(project("proj_runaway", Trend::Spike { day_offset: 19 }, 6, 1))
        .with_project(project("", Trend::Flat, 3, 0));
    app.provider().add_organization(spec).unwrap();
    app
}

/// A team with the organization's key, and the two projects.
async fn set_up(app: &TestApp, admin: &Client) -> String {
    let team = team_with_key(app, admin, "platform", ORGANIZATION).await;
    for (openai, name) in NAMES {
        project_with_id(admin, &team, name, openai).await;
    }
    team
}

/// Hour, project, key, model and unit.
type Key = (DateTime<Utc>, String, String, String, &'static str);

/// The units of each meter: what they are called in answers, and in the database.
const UNITS: [(&str, &[(&str, &str)]); 10] = [
    (
        "completions",
        &[
            ("input_uncached_tokens", "input"),
            ("input_cached_tokens", "cached_input"),
            ("input_cache_write_tokens", "cache_write_5m"),
            ("output_tokens", "output"),
            ("num_model_requests", "requests"),
        ],
    ),
    ("embeddings", &[("input_tokens", "input"), ("num_model_requests", "requests")]),
    ("moderations", &[("input_tokens", "input"), ("num_model_requests", "requests")]),
    ("images", &[("images", "image"), ("num_model_requests", "requests")]),
    ("audio_speeches", &[("characters", "character"), ("num_model_requests", "requests")]),
    ("audio_transcriptions", &[("seconds", "second"), ("num_model_requests", "requests")]),
    ("vector_stores", &[("usage_bytes", "bytes")]),
    ("code_interpreter_sessions", &[("num_sessions", "session")]),
    ("file_search_calls", &[("num_requests", "search")]),
    ("web_search_calls", &[("num_requests", "search")]),
];

/// What the provider says now, asked by the hour.
#[expect(clippy::disallowed_methods, reason = "what is asked is the simulator, not the outside world")]
async fn told(app: &TestApp, since: &str) -> BTreeMap<Key, i64> {
    let since: DateTime<Utc> = since.parse().unwrap();
    let key = app.provider_key(ORGANIZATION);
    let http = reqwest::Client::new();
    let mut told = BTreeMap::new();
    for (meter, units) in UNITS {
        assert!(OPERATIONS.iter().any(|(_, path)| path.ends_with(meter)), "{meter}");
        let groups: &[&str] = match meter {
            "vector_stores" | "code_interpreter_sessions" => &["project_id"],
            "file_search_calls" => &["project_id", "api_key_id"],
            _ => &["project_id", "api_key_id", "model"],
        };
        let url = format!("{}/organization/usage/{meter}", app.simulator.openai_base_url());
        let (start, end) = (since.timestamp().to_string(), app.now().timestamp().to_string());
        let mut query =
            vec![("start_time", start.as_str()), ("end_time", &end), ("bucket_width", "1h"), ("limit", "168")];
        query.extend(groups.iter().map(|group| ("group_by[]", *group)));
        let answer: Value = http.get(url).bearer_auth(&key).query(&query).send().await.unwrap().json().await.unwrap();
        for bucket in answer["data"].as_array().expect("buckets") {
            let hour = DateTime::from_timestamp(bucket["start_time"].as_i64().unwrap(), 0).unwrap();
            for result in bucket["results"].as_array().unwrap() {
                let text = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
                let project = NAMES.iter().find(|(openai, _)| *openai == text("project_id"));
                let project = project.map(|(_, name)| (*name).to_owned()).unwrap_or_default();
                for (said, stored) in units {
                    let count = result[said].as_i64().unwrap_or_else(|| panic!("{said}: {result}"));
                    let key = (hour, project.clone(), text("api_key_id"), text("model"), *stored);
                    *told.entry(key).or_default() += count;
                }
            }
        }
    }
    told.retain(|_, count| *count != 0);
    assert!(!told.is_empty());
    told
}

#[derive(sqlx::FromRow)]
struct Stored {
    hour: DateTime<Utc>,
    project: String,
    key: String,
    model: String,
    counts: Vec<i64>,
}

/// What is stored, from the hourly sums.
async fn stored(app: &TestApp, since: &str) -> BTreeMap<Key, i64> {
    const COLUMNS: [&str; 11] = [
        "input",
        "cached_input",
        "cache_write_5m",
        "output",
        "requests",
        "image",
        "character",
        "second",
        "bytes",
        "session",
        "search",
    ];
    let rows: Vec<Stored> = sqlx::query_as(
        r#"SELECT h.hour, coalesce(p.name, '') AS project, coalesce(h.provider_api_key_id, '') AS key,
            coalesce(h.model, '') AS model, ARRAY[h.input, h.cached_input, h.cache_write_5m, h.output, h.requests, h.image,
                h."character", h."second", h.bytes, h.session, h.search] AS counts
        FROM provider_usage_hourly h LEFT JOIN projects p ON p.id = h.project_id WHERE h.hour >= $1::timestamptz"#,
    )
    .bind(since.parse::<DateTime<Utc>>().unwrap())
    .fetch_all(&mut app.database.owner().await)
    .await
    .expect("rows");
    let mut stored = BTreeMap::new();
    for row in rows {
        for (column, count) in COLUMNS.into_iter().zip(row.counts).filter(|(_, count)| *count != 0) {
            let key = (row.hour, row.project.clone(), row.key.clone(), row.model.clone(), column);
            *stored.entry(key).or_default() += count;
        }
    }
    stored
}

async fn assert_sums_are_exact(app: &TestApp) {
    let report = rollups::verify(&app.state, false).await.expect("a report");
    assert_eq!(report.differing, 0, "sums differ from their lines");
}

/// Asks for costs.
async fn costs(client: &Client, query: &str) -> CostsAnswer {
    client.get(&format!("/api/costs/query?{query}")).await.read_as()
}

async fn usage_status(client: &Client, team: &str) -> Value {
    let english = client.with_header("accept-language", "en");
    english.get(&format!("/api/teams/{team}/collection")).await.ok()["usage"].clone()
}

#[tokio::test]
async fn what_is_stored_is_what_the_provider_measured_by_project_key_model_and_hour() {
    let app = spawn_with(18, 2).await;
    let people = app.people().await;
    let team = set_up(&app, &people.admin).await;
    app.run_jobs().await;
    assert_eq!(stored(&app, SINCE).await, told(&app, SINCE).await);
    assert_sums_are_exact(&app).await;
    let status = usage_status(&people.admin, &team).await;
    assert_eq!((&status["status"], &status["polledThrough"]), (&json!("healthy"), &json!("2026-03-20T10:30:00Z")));
    // An embedding costs 0.02 dollars a million tokens, whoever asks.
    let embeddings = app
        .database
        .count("SELECT count(*) FROM provider_usage WHERE meter = 'embeddings' AND cost IS DISTINCT FROM input * 0.00000002")
        .await;
    assert_eq!(embeddings, 0);
    // What ran through the batch interface, and what is flexible about time, costs half of the usual.
    let half = "SELECT count(*) FROM provider_usage WHERE model = 'gpt-5.4-mini' AND meter = 'completions'
        AND (batch OR tier = 'flex') AND provider_project_id = 'proj_calm'";
    assert!(app.database.count(half).await > 0);
    let wrong = "SELECT count(*) FROM provider_usage WHERE model = 'gpt-5.4-mini' AND meter = 'completions'
        AND (batch OR tier = 'flex') AND provider_project_id = 'proj_calm' AND cost IS DISTINCT FROM
            (input + cache_write_5m) * 0.000000375 + cached_input * 0.0000000375 + output * 0.00000225";
    assert_eq!(app.database.count(wrong).await, 0);
    // What no model is named for has no price; it is counted, and not zero.
    let answer = costs(&people.admin, &format!("from={TODAY}&to=2026-03-21&basis=provider_usage&tz=UTC")).await;
    assert_eq!((answer.basis, answer.day_zone.as_str()), (Basis::ProviderUsage, "UTC"));
    let total = &answer.totals[0];
    let unpriced =
        "SELECT sum(calls)::bigint FROM provider_usage WHERE cost IS NULL AND minute >= '2026-03-20T00:00:00Z'";
    assert_eq!((total.state, total.unpriced), (CostState::Estimated, app.database.count(unpriced).await));
    assert!(total.unpriced > 0 && total.cost.0 > Decimal::ZERO);
}

#[tokio::test]
async fn minutes_are_restated_until_they_have_been_still() {
    let app = spawn().await;
    let people = app.people().await;
    set_up(&app, &people.admin).await;
    app.run_jobs().await;
    let before = stored(&app, SINCE).await;
    app.provider().restate_usage(ORGANIZATION, "proj_calm", TODAY.parse().unwrap(), 250).unwrap();
    app.provider().restate_usage(ORGANIZATION, "proj_runaway", TODAY.parse().unwrap(), 0).unwrap();
    app.advance(TimeDelta::minutes(1));
    app.run_jobs().await;
    let (after, now) = (stored(&app, SINCE).await, told(&app, SINCE).await);
    // 07:00 was over for less than three hours, 06:00 for more.
    let still: DateTime<Utc> = "2026-03-20T07:00:00Z".parse().unwrap();
    let part = |all: &BTreeMap<Key, i64>, moves: bool| -> BTreeMap<Key, i64> {
        all.iter().filter(|(key, _)| (key.0 >= still) == moves).map(|(key, n)| (key.clone(), *n)).collect()
    };
    assert_eq!(part(&after, true), part(&now, true));
    assert_eq!(part(&after, false), part(&before, false));
    assert!(!part(&after, true).keys().any(|key| key.1 == "runaway"), "what is named no longer is gone");
    assert_sums_are_exact(&app).await;
    // What changed is watched for three hours more.
    app.provider().restate_usage(ORGANIZATION, "proj_calm", TODAY.parse().unwrap(), 40).unwrap();
    app.advance(TimeDelta::minutes(150));
    app.run_jobs().await;
    assert_eq!(part(&stored(&app, SINCE).await, true), part(&told(&app, SINCE).await, true));
    app.advance(TimeDelta::minutes(181));
    app.run_jobs().await;
    let settled = part(&stored(&app, SINCE).await, true);
    app.provider().restate_usage(ORGANIZATION, "proj_calm", TODAY.parse().unwrap(), 200).unwrap();
    app.advance(TimeDelta::minutes(1));
    app.run_jobs().await;
    let at_seven = |all: &BTreeMap<Key, i64>| -> Vec<(Key, i64)> {
        all.iter().filter(|(key, _)| key.0 == still).map(|(key, n)| (key.clone(), *n)).collect()
    };
    assert_eq!(at_seven(&stored(&app, SINCE).await), at_seven(&settled), "still for three hours, and then left alone");
    assert_sums_are_exact(&app).await;
}

#[tokio::test]
async fn every_fault_keeps_the_last_good_and_is_over_when_it_is_over() {
    let app = spawn().await;
    let people = app.people().await;
    let team = set_up(&app, &people.admin).await;
    app.run_jobs().await;
    for (fault, code) in [
        (Fault::status(403), "unauthorized"),
        (Fault::status(500), "unavailable"),
        (Fault::status(429), "rate_limited"),
        (Fault::Truncate, "unavailable"),
        (Fault::Html, "malformed"),
        (Fault::WrongTypes, "malformed"),
        (Fault::Negative, "malformed"),
        (Fault::NullCursor, "broken_paging"),
        (Fault::RepeatedCursor, "broken_paging"),
    ] {
        let good = stored(&app, SINCE).await;
        app.provider().add_fault(FaultSpec::new(&format!("{USAGE}*"), fault.clone()));
        app.advance(TimeDelta::minutes(1));
        app.run_jobs().await;
        let status = usage_status(&people.admin, &team).await;
        assert_eq!((&status["status"], &status["lastError"]["code"]), (&json!("failed"), &json!(code)), "{fault:?}");
        assert!(!status["lastError"]["message"].as_str().unwrap().is_empty(), "{fault:?}");
        let after = stored(&app, SINCE).await;
        app.provider().clear_requests();
        app.advance(TimeDelta::seconds(30));
        app.run_jobs().await;
        assert!(app.provider().requests().iter().all(|asked| !asked.path.starts_with(USAGE)), "left alone for a while");
        app.provider().clear_faults();
        // A page that comes before the one that breaks the paging is as good as any.
        assert!(after == good || after == told(&app, SINCE).await, "{fault:?}");
        app.advance(TimeDelta::minutes(2));
        app.run_jobs().await;
        let status = usage_status(&people.admin, &team).await;
        assert_eq!((&status["status"], &status["lastError"]), (&json!("healthy"), &json!(null)), "{fault:?}");
        assert!(stored(&app, SINCE).await == told(&app, SINCE).await, "{fault:?}");
    }
    assert_sums_are_exact(&app).await;
}

#[tokio::test]
async fn one_meters_nonsense_leaves_the_others_and_one_accounts_failure_the_others() {
    let app = spawn_with(18, 1).await;
    let people = app.people().await;
    let team = set_up(&app, &people.admin).await;
    let beta = team_with_key(&app, &people.admin, "beta", "org-beta").await;
    app.provider().add_fault(FaultSpec::new(&format!("{USAGE}embeddings"), Fault::Html).organization(ORGANIZATION));
    app.run_jobs().await;
    assert_eq!(usage_status(&people.admin, &team).await["lastError"]["code"], "malformed");
    let meters = "SELECT count(DISTINCT meter) FROM provider_usage WHERE provider_project_id IS NOT NULL";
    assert_eq!(app.database.count(meters).await, 9);
    assert_eq!(usage_status(&people.admin, &beta).await["status"], "healthy");
    app.provider().clear_faults();
    app.provider().revoke_key(&app.provider_key("org-beta")).unwrap();
    app.advance(TimeDelta::minutes(2));
    app.run_jobs().await;
    assert_eq!(usage_status(&people.admin, &beta).await["lastError"]["code"], "unauthorized");
    assert_eq!(usage_status(&people.admin, &team).await["status"], "healthy");
    let ours = "SELECT count(DISTINCT meter) FROM provider_usage WHERE provider_account <> 'org-beta'";
    assert_eq!(app.database.count(ours).await, 10, "what was missed came with the next poll");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_and_teams_with_one_account_ask_for_each_minute_once() {
    let app = spawn().await;
    let people = app.people().await;
    set_up(&app, &people.admin).await;
    app.provider().add_key(ORGANIZATION, "sk-admin-a-second-key-of-usage-2222", None).unwrap();
    let second = team(&people.admin, "second").await;
    register_key(&people.admin, &second, "sk-admin-a-second-key-of-usage-2222").await;
    app.provider().clear_requests();
    tokio::join!(app.run_jobs(), app.run_jobs(), app.run_jobs());
    let asked: Vec<_> =
        app.provider().requests().into_iter().filter(|request| request.path.starts_with(USAGE)).collect();
    let unique: BTreeSet<_> = asked.iter().map(|request| (request.path.clone(), request.query.clone())).collect();
    assert_eq!(unique.len(), asked.len(), "something was asked for twice");
    assert_eq!(asked.len(), 10 * 9, "ten meters, two days and half an hour in quarters of a day");
    assert_eq!(stored(&app, SINCE).await, told(&app, SINCE).await);
    assert_sums_are_exact(&app).await;
}

#[tokio::test]
async fn a_runaway_shows_with_the_next_poll() {
    let app = spawn().await;
    let people = app.people().await;
    set_up(&app, &people.admin).await;
    app.run_jobs().await;
    let answer = costs(&people.admin, &format!("from={TODAY}&to=2026-03-21&groupBy=project")).await;
    let row = |name: &str| {
        let named = |row: &&finops_contract::costs::CostRow| {
            row.dimensions.project.clone().flatten().is_some_and(|project| project.name == name)
        };
        answer.data.iter().find(named).expect("a row").clone()
    };
    let (calm, runaway) = (row("calm"), row("runaway"));
    assert_eq!((runaway.basis, runaway.state), (Basis::ProviderUsage, CostState::Estimated));
    assert!(runaway.cost.0 > calm.cost.0 * Decimal::from(5), "{} {}", runaway.cost, calm.cost);
    assert!(runaway.requests.unwrap() > 0 && runaway.total_tokens.unwrap() > 0);
    assert_eq!(answer.freshness.usage_through.unwrap().to_rfc3339(), "2026-03-20T10:30:00+00:00");
}

#[tokio::test]
async fn a_project_id_that_is_registered_later_takes_over_what_belonged_to_nobody() {
    let app = spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", ORGANIZATION).await;
    app.run_jobs().await;
    let none = format!("from={TODAY}&to=2026-03-21&projectId=none&basis=provider_usage&tz=UTC");
    let all = costs(&people.admin, &none).await.totals[0].clone();
    assert_eq!(all.unattributed, all.cost);
    let calm = crate::support::costs::project(&people.admin, &team, "calm").await;
    set_project_id(&people.admin, &calm, "proj_calm").await;
    app.run_jobs().await;
    let one = format!("from={TODAY}&to=2026-03-21&projectId={calm}&basis=provider_usage&tz=UTC");
    let one = costs(&people.admin, &one).await.totals[0].clone();
    let rest = costs(&people.admin, &none).await.totals[0].clone();
    assert_eq!(one.cost.0 + rest.cost.0, all.cost.0);
    assert!(one.cost.0 > Decimal::ZERO && one.unattributed.0.is_zero());
    assert_sums_are_exact(&app).await;
    // Taken away, its project keeps that day to its end, as it will in the bill; what is of later days belongs to nobody.
    let path = format!("/api/projects/{calm}/openai-project-id");
    people.admin.delete(&path).await.status(204);
    app.advance(TimeDelta::hours(14));
    app.run_jobs().await;
    let of = async |days: &str, project: &str| {
        let question = format!("{days}&projectId={project}&basis=provider_usage&tz=UTC");
        costs(&people.admin, &question).await.totals.iter().map(|total| total.cost.0).sum::<Decimal>()
    };
    let (today, tomorrow) = (format!("from={TODAY}&to=2026-03-21"), "from=2026-03-21&to=2026-03-22");
    assert!(of(&today, &calm).await > one.cost.0);
    assert!(of(tomorrow, &calm).await.is_zero() && of(tomorrow, "none").await > Decimal::ZERO);
    assert_sums_are_exact(&app).await;
}

#[tokio::test]
async fn sums_that_were_tampered_with_are_found_and_mended_and_old_minutes_are_forgotten() {
    let app = spawn().await;
    let people = app.people().await;
    set_up(&app, &people.admin).await;
    app.run_jobs().await;
    let before = stored(&app, SINCE).await;
    app.database
        .sql(
            "UPDATE provider_usage_hourly SET cost = cost + 1 WHERE hour = '2026-03-20T09:00:00Z' AND meter = 'completions'",
        )
        .await;
    app.database.sql("DELETE FROM provider_usage_daily WHERE day = '2026-03-19'").await;
    let report = rollups::verify(&app.state, true).await.expect("a report");
    assert!(report.differing >= 2 && report.repaired == report.differing, "{report:?}");
    assert_sums_are_exact(&app).await;
    people.admin.patch("/api/organization", json!({"retentionDays": 1})).await.ok();
    app.advance(TimeDelta::days(1));
    app.run_jobs().await;
    let old = "SELECT count(*) FROM provider_usage WHERE minute < '2026-03-20T10:00:00Z'";
    assert_eq!(app.database.count(old).await, 0);
    let kept = stored(&app, SINCE).await;
    let yesterday: DateTime<Utc> = "2026-03-20T00:00:00Z".parse().unwrap();
    assert!(before.iter().filter(|(key, _)| key.0 < yesterday).all(|(key, count)| kept.get(key) == Some(count)));
    assert_sums_are_exact(&app).await;
}
