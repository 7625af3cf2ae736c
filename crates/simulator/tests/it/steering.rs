//! The control API over HTTP, the presets and the program.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use finops_simulator::{Simulator, SimulatorConfig, TruthQuery, presets};
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::common::{ORG, World, client, day, now, unix};

#[tokio::test]
async fn organizations_are_added_and_listed_with_their_keys() {
    let world = World::start().await;
    assert_eq!(world.sim(Method::GET, "/health", None).await.1["status"], "ok");
    let spec = json!({
        "id": "org-new", "name": "New", "seed": 3, "adminKeys": ["sk-admin-sim-new"], "firstDay": "2026-02-01",
        "amountStyle": "string",
        "projects": [{ "id": "proj_new", "name": "New", "dailyUsd": "12.5", "trend": { "spike": { "dayOffset": 4 } },
            "lineItems": 3, "apiKeys": 1, "emptyDays": false }],
    });
    assert_eq!(world.sim(Method::POST, "/organizations", Some(spec.clone())).await.0, 201);
    assert_eq!(world.sim(Method::POST, "/organizations", Some(spec)).await.0, 400, "twice");
    assert_eq!(world.sim(Method::POST, "/organizations", Some(json!({ "id": 5 }))).await.0, 400);
    let (_, list) = world.sim(Method::GET, "/organizations", None).await;
    let last = list["data"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (last["adminKeys"][0].as_str(), last["projects"][0]["id"].as_str()),
        (Some("sk-admin-sim-new"), Some("proj_new"))
    );
}

#[tokio::test]
async fn the_truth_is_told_in_decimal_strings() {
    let world = World::start().await;
    let range = "from=2026-02-01&to=2026-02-03";
    let path = format!("/organizations/{ORG}/truth?{range}&groupBy=project,day");
    let (status, truth) = world.sim(Method::GET, &path, None).await;
    assert_eq!(status, 200, "{truth}");
    let rows = truth["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6, "three projects, two days");
    let sum: Decimal = rows.iter().map(|row| row["amount"].as_str().unwrap().parse::<Decimal>().unwrap()).sum();
    assert_eq!(truth["total"].as_str().unwrap().parse::<Decimal>().unwrap(), sum);
    let query = TruthQuery::new(ORG, day("2026-02-01"), day("2026-02-03"));
    assert_eq!(world.simulator.control().truth(&query).unwrap().total, sum);
    for (path, status) in [
        (format!("/organizations/org-none/truth?{range}"), 404),
        (format!("/organizations/{ORG}/truth?{range}&groupBy=planet"), 400),
        (format!("/organizations/{ORG}/truth?from=2026-02-03"), 400),
        (format!("/organizations/{ORG}/truth?from=2026-02-03&to=2026-02-01"), 400),
        ("/nonsense".to_owned(), 404),
    ] {
        let (answered, body) = world.sim(Method::GET, &path, None).await;
        assert!(answered == status && body["error"].is_string(), "{path}: {body}");
    }
}

#[tokio::test]
async fn faults_restatements_the_clock_and_keys_are_steered() {
    let world = World::start().await;
    let costs = format!("/organization/costs?start_time={}", unix("2026-03-01"));
    let fault = json!({ "match": { "path": "/v1/organization/costs", "organization": ORG },
        "fault": { "kind": "status", "status": 429, "retryAfter": "2" }, "times": null });
    assert_eq!(world.sim(Method::POST, "/faults", Some(fault)).await.0, 201);
    assert_eq!(world.get(&costs).await.0, 429);
    assert_eq!(world.sim(Method::GET, "/faults", None).await.1["data"][0]["fault"]["kind"], "status");
    assert_eq!(world.sim(Method::DELETE, "/faults", None).await.0, 200);
    assert_eq!(world.get(&costs).await.0, 200);
    assert_eq!(world.sim(Method::POST, "/faults", Some(json!({ "fault": { "kind": "gremlin" } }))).await.0, 400);

    let restated = json!({ "organization": ORG, "project": "proj_small", "day": "2026-03-01", "amount": "7.5" });
    assert_eq!(world.sim(Method::POST, "/restate", Some(restated.clone())).await.1["rows"], 4);
    let path = format!("/organizations/{ORG}/truth?from=2026-03-01&to=2026-03-02&project=proj_small");
    assert_eq!(world.sim(Method::GET, &path, None).await.1["total"], "7.5");
    let mut wrong = restated;
    wrong["factor"] = json!("2");
    assert_eq!(world.sim(Method::POST, "/restate", Some(wrong)).await.0, 400, "amount and factor");

    let set = world.sim(Method::POST, "/clock", Some(json!({ "now": "2026-04-01T00:00:00Z" }))).await.1;
    assert_eq!(set["now"], "2026-04-01T00:00:00Z");
    world.sim(Method::POST, "/clock", Some(json!({ "now": null }))).await;
    assert!(world.simulator.control().now() > now());

    assert_eq!(world.sim(Method::POST, "/keys/revoke", Some(json!({ "key": "sk-none" }))).await.0, 404);
    assert_eq!(world.sim(Method::POST, "/keys/revoke", Some(json!({ "key": world.key }))).await.0, 200);
    assert_eq!(world.get(&costs).await.0, 401);
    let new = json!({ "organization": ORG, "key": "sk-admin-sim-second", "scopes": ["api.usage.read"] });
    assert_eq!(world.sim(Method::POST, "/keys", Some(new)).await.0, 201);
    let called = async |called: serde_json::Value| {
        let path = format!("/organizations/{ORG}/called");
        assert_eq!(world.sim(Method::POST, &path, Some(json!({ "called": called }))).await.0, 200);
        let url = format!("{}/organization/projects", world.simulator.openai_base_url());
        let answer = client().get(url).bearer_auth("sk-admin-sim-second").send().await.unwrap();
        answer.headers().get("openai-organization").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(called(json!("acme")).await.as_deref(), Some("acme"));
    assert_eq!(called(json!(null)).await, None);
    let path = format!("/organizations/{ORG}/projects/proj_small/archive");
    assert_eq!(world.sim(Method::POST, &path, None).await.0, 200);
}

#[tokio::test]
async fn requests_are_recorded_without_their_keys() {
    let world = World::start().await;
    world.get("/organization/projects?limit=1").await;
    let (_, log) = world.sim(Method::GET, "/requests", None).await;
    let entry = &log["data"][0];
    assert_eq!(
        (entry["method"].as_str(), entry["path"].as_str(), entry["query"].as_str(), entry["organization"].as_str()),
        (Some("GET"), Some("/v1/organization/projects"), Some("limit=1"), Some(ORG))
    );
    assert!(!log.to_string().contains(&world.key));
    world.sim(Method::DELETE, "/requests", None).await;
    assert!(world.simulator.control().requests().is_empty());
}

#[tokio::test]
async fn the_demo_has_a_runaway_a_newcomer_and_unregistered_projects() {
    let organizations = presets::demo(now().date_naive());
    assert_eq!(organizations, presets::demo(now().date_naive()));
    assert_eq!(organizations.len(), 3);
    let keys: BTreeSet<_> = organizations.iter().flat_map(|each| &each.admin_keys).cloned().collect();
    assert!(keys.len() == 3 && keys.iter().all(|key| key.starts_with("sk-admin-sim-") && key.len() >= 40));
    let projects: BTreeSet<_> =
        organizations.iter().flat_map(|each| &each.projects).map(|each| each.id.clone()).collect();
    assert_eq!(projects.len(), 10);
    assert!(presets::DEMO_UNREGISTERED.iter().all(|id| projects.contains(*id)));
    let config = SimulatorConfig { now: Some(now()), organizations, ..SimulatorConfig::default() };
    let simulator = Simulator::start(config).await.unwrap();
    let spent = |organization: &str, project: &str, from: &str, to: &str| {
        let mut query = TruthQuery::new(organization, day(from), day(to));
        query.project = Some(project.to_owned());
        simulator.control().truth(&query).unwrap().total
    };
    let chatbot = |from, to| spent("org-sim-learning", "proj_sim_chatbot_experiment", from, to);
    let (usual, yesterday) = (chatbot("2026-03-18", "2026-03-19"), chatbot("2026-03-19", "2026-03-20"));
    assert!(yesterday > usual * Decimal::TEN, "{yesterday} {usual}");
    let voice = |from, to| spent("org-sim-search", "proj_sim_voice_notes", from, to);
    assert!(voice("2025-12-20", "2026-02-27").is_zero() && voice("2026-02-27", "2026-02-28") > Decimal::ONE);
}

#[cfg(unix)]
#[tokio::test]
async fn the_program_announces_its_address_and_ends_on_sigterm() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_finops-simulator"))
        .args(["--preset", "demo", "--now", "2026-03-20T10:30:00Z"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addresses: Value = serde_json::from_str(&line).unwrap();
    let base = addresses["baseUrl"].as_str().unwrap();
    assert_eq!(addresses["openaiBaseUrl"], format!("{base}/v1"));
    assert_eq!(addresses["slackWebhookUrl"], format!("{base}/slack/services/{}", presets::SLACK_WEBHOOK));
    assert_eq!(addresses["resend"], json!({"baseUrl": format!("{base}/resend"), "key": presets::RESEND_KEY}));
    assert_eq!(addresses["twilio"]["token"], presets::TWILIO_TOKEN);
    assert_eq!(addresses["pagerduty"]["baseUrl"], format!("{base}/pagerduty"));
    let client = client();
    let list: Value = client.get(format!("{base}/_sim/organizations")).send().await.unwrap().json().await.unwrap();
    assert_eq!(list["data"].as_array().unwrap().len(), 3);
    assert!(Command::new("kill").arg(program.id().to_string()).status().unwrap().success());
    let ended = tokio::task::spawn_blocking(move || program.wait()).await.unwrap().unwrap();
    assert!(ended.success());
}

#[tokio::test]
async fn many_run_at_once_and_a_dropped_one_stops_listening() {
    let mut running = Vec::new();
    for _ in 0..12 {
        running.push(Simulator::start(SimulatorConfig::default()).await.unwrap());
    }
    let urls: BTreeSet<String> = running.iter().map(Simulator::base_url).collect();
    assert_eq!(urls.len(), 12);
    let address = running[0].base_url().trim_start_matches("http://").to_owned();
    drop(running);
    let refused = async { while tokio::net::TcpStream::connect(&address).await.is_ok() {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), refused).await.unwrap();
}

#[tokio::test]
async fn a_contradictory_world_does_not_start() {
    let twice = presets::demo(now().date_naive()).into_iter().take(1).cycle().take(2).collect();
    let config = SimulatorConfig { organizations: twice, ..SimulatorConfig::default() };
    assert!(Simulator::start(config).await.is_err());
}
