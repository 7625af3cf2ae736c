//! Every answer of every operation against the provider's specification.
//!
//! Amounts are checked in the style `Number`: the strings and Decimal128 renderings that the provider also sends do not
//! conform to its own specification (`type: number`).

use std::collections::BTreeSet;

use finops_simulator::{AmountStyle, Fault, FaultSpec, openai::OPERATIONS};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ORG, World, client, unix};
use crate::contract::Contract;

/// One call: the operation, the concrete path, the body, the status expected.
struct Call {
    method: &'static str,
    template: &'static str,
    path: String,
    body: Option<Value>,
    status: u16,
}

fn call(method: &'static str, template: &'static str, status: u16) -> Call {
    Call { method, template, path: template.to_owned(), body: None, status }
}

impl Call {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.path = self.path.replace(&format!("{{{name}}}"), value);
        self
    }

    fn query(mut self, query: &str) -> Self {
        self.path = format!("{}?{query}", self.path);
        self
    }

    fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

const PROJECT: &str = "/organization/projects/{project_id}";
const KEYS: &str = "/organization/projects/{project_id}/api_keys";
const KEY: &str = "/organization/projects/{project_id}/api_keys/{api_key_id}";
const RATE_LIMITS: &str = "/organization/projects/{project_id}/rate_limits";
const RATE_LIMIT: &str = "/organization/projects/{project_id}/rate_limits/{rate_limit_id}";
const LIMIT: &str = "/organization/projects/{project_id}/spend_limit";
const OWN_LIMIT: &str = "/organization/spend_limit";

fn reports() -> Vec<Call> {
    let start = unix("2026-03-10");
    let reports = OPERATIONS.iter().filter(|(_, path)| path.contains("/usage/") || path.ends_with("/costs"));
    let mut calls = Vec::new();
    for (_, path) in reports {
        calls.push(call("GET", path, 200).query(&format!("start_time={start}&limit=2")));
        calls.push(call("GET", path, 200).query(&format!("start_time={start}&group_by[]=project_id&limit=20")));
        calls.push(call("GET", path, 400));
        calls.push(call("GET", path, 400).query(&format!("start_time={start}&limit=0")));
        calls.push(call("GET", path, 400).query(&format!("start_time={start}&limit=100000")));
        calls.push(call("GET", path, 400).query(&format!("start_time={start}&group_by=nonsense")));
        calls.push(call("GET", path, 400).query(&format!("start_time={start}&bucket_width=1w")));
        calls.push(call("GET", path, 400).query(&format!("start_time={start}&page=page_nonsense")));
        calls.push(call("GET", path, 400).query(&format!("start_time={start}&end_time={start}")));
    }
    let all = "group_by[]=project_id&group_by[]=line_item&group_by[]=api_key_id";
    calls.push(call("GET", "/organization/costs", 200).query(&format!("start_time={start}&{all}&limit=180")));
    let all = "group_by=project_id,user_id,api_key_id,model,batch,service_tier&bucket_width=1h&limit=168";
    calls.push(call("GET", "/organization/usage/completions", 200).query(&format!("start_time={start}&{all}")));
    calls
}

fn changes(person_key: &str, service_key: &str) -> Vec<Call> {
    let limit = json!({ "threshold_amount": 5_000, "currency": "USD", "interval": "month" });
    let in_growing = |call: Call| call.with("project_id", "proj_growing");
    let mut calls = vec![
        call("GET", "/organization/projects", 200).query("limit=1"),
        call("GET", "/organization/projects", 400).query("limit=x"),
        call("POST", "/organization/projects", 200).json(json!({ "name": "New" })),
        call("POST", "/organization/projects", 400).json(json!({})),
        in_growing(call("GET", PROJECT, 200)),
        call("GET", PROJECT, 404).with("project_id", "proj_other"),
        in_growing(call("POST", PROJECT, 200)).json(json!({ "name": "Renamed" })),
        in_growing(call("POST", PROJECT, 400)).json(json!({ "name": 5 })),
        call("GET", "/organization/admin_api_keys", 200),
        in_growing(call("GET", KEYS, 200)),
        in_growing(call("GET", KEYS, 400)).query("after=key_none"),
        call("GET", KEYS, 404).with("project_id", "proj_none"),
        in_growing(call("GET", KEY, 200)).with("api_key_id", service_key),
        in_growing(call("GET", KEY, 404)).with("api_key_id", "key_none"),
        in_growing(call("DELETE", KEY, 400)).with("api_key_id", service_key),
        in_growing(call("DELETE", KEY, 200)).with("api_key_id", person_key),
        in_growing(call("GET", RATE_LIMITS, 200)),
        call("GET", RATE_LIMITS, 404).with("project_id", "proj_other"),
        in_growing(call("POST", RATE_LIMIT, 200))
            .with("rate_limit_id", "rl-gpt-5.4")
            .json(json!({ "max_requests_per_1_minute": 1 })),
        in_growing(call("POST", RATE_LIMIT, 400))
            .with("rate_limit_id", "rl-gpt-5.4")
            .json(json!({ "max_requests_per_1_minute": "1" })),
        in_growing(call("POST", RATE_LIMIT, 404)).with("rate_limit_id", "rl-none").json(json!({})),
    ];
    for template in [OWN_LIMIT, LIMIT] {
        calls.extend([
            in_growing(call("GET", template, 404)),
            in_growing(call("POST", template, 400))
                .json(json!({ "threshold_amount": 0, "currency": "USD", "interval": "month" })),
            in_growing(call("POST", template, 400)).json(json!({ "threshold_amount": 5 })),
            in_growing(call("POST", template, 200)).json(limit.clone()),
            in_growing(call("GET", template, 200)),
            in_growing(call("DELETE", template, 200)),
            in_growing(call("DELETE", template, 404)),
        ]);
    }
    let archive = "/organization/projects/{project_id}/archive";
    calls.push(in_growing(call("POST", archive, 200)));
    calls.push(call("POST", archive, 404).with("project_id", "proj_other"));
    calls
}

async fn all_answers(world: &World) -> Vec<(Call, Value)> {
    let (_, keys) = world.get("/organization/projects/proj_growing/api_keys").await;
    let id = |index: usize| keys["data"][index]["id"].as_str().unwrap().to_owned();
    let mut answers = Vec::new();
    for call in reports().into_iter().chain(changes(&id(0), &id(1))) {
        let method = Method::from_bytes(call.method.as_bytes()).unwrap();
        let (status, body) = world.send(method, &call.path, call.body.clone()).await;
        assert_eq!(status, call.status, "{} {}: {body}", call.method, call.path);
        answers.push((call, body));
    }
    answers
}

#[tokio::test]
async fn every_answer_conforms_to_the_specification() {
    let contract = Contract::load();
    let world = World::styled(AmountStyle::Number).await;
    let mut answered = BTreeSet::new();
    for (call, body) in all_answers(&world).await {
        let validator = contract.validator(call.method, call.template, call.status);
        let errors: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{} {}: {errors:?}", call.method, call.path);
        if call.status == 200 {
            answered.insert((call.method, call.template));
        }
    }
    assert_eq!(answered, OPERATIONS.iter().copied().collect::<BTreeSet<_>>(), "an operation was not asked");
    assert!(OPERATIONS.iter().all(|(method, path)| contract.has(method, path)));
}

#[tokio::test]
async fn a_mutated_answer_does_not_conform() {
    let contract = Contract::load();
    let world = World::styled(AmountStyle::Number).await;
    let mut numbers = 0;
    for (call, body) in all_answers(&world).await {
        let validator = contract.validator(call.method, call.template, call.status);
        for name in body.as_object().unwrap().keys() {
            let mut mutant = body.clone();
            mutant[name] = json!({ "unexpected": true });
            assert!(!validator.is_valid(&mutant), "{} {}: {name} may be anything", call.method, call.path);
        }
        let mut mutant = body.clone();
        mutant["surprise"] = json!(1);
        assert!(!validator.is_valid(&mutant), "{} {}", call.method, call.path);
        for pointer in number_pointers(&body, "").into_iter().take(12) {
            let mut mutant = body.clone();
            *mutant.pointer_mut(&pointer).unwrap() = json!("12.50");
            assert!(!validator.is_valid(&mutant), "{} {}: {pointer}", call.method, call.path);
            numbers += 1;
        }
    }
    assert!(numbers > 200, "{numbers}");
}

fn number_pointers(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Number(_) => vec![path.to_owned()],
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| number_pointers(item, &format!("{path}/{index}")))
            .collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, item)| number_pointers(item, &format!("{path}/{name}"))).collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn injected_and_authorization_errors_conform() {
    let contract = Contract::load();
    let world = World::start().await;
    let path = "/organization/costs";
    let query = format!("{path}?start_time={}", unix("2026-03-10"));
    for status in [401, 403, 404, 409, 429, 500, 503] {
        world.simulator.control().add_fault(FaultSpec::new("/v1/organization/costs", Fault::status(status)).times(1));
        let (answered, body) = world.get(&query).await;
        assert_eq!(answered, status);
        assert!(contract.validator("GET", path, status).is_valid(&body), "{body}");
    }
    let control = world.simulator.control();
    control.add_key(ORG, "sk-admin-sim-without-any-scope-000000000000", Some(&[])).unwrap();
    for (key, status) in [("sk-admin-unknown", 401), ("sk-admin-sim-without-any-scope-000000000000", 403)] {
        let url = format!("{}{query}", world.simulator.openai_base_url());
        let response = client().get(url).bearer_auth(key).send().await.unwrap();
        assert_eq!(response.status(), status);
        let body: Value = response.json().await.unwrap();
        assert!(contract.validator("GET", path, status).is_valid(&body), "{body}");
    }
}
