//! Projects, keys and limits: state that changes and stays changed, and tenants that do not see each other.

use chrono::TimeDelta;
use finops_simulator::TruthQuery;
use reqwest::Method;
use serde_json::json;

use crate::common::{ORG, OTHER, World, client, day, now};

#[tokio::test]
async fn projects_are_listed_created_renamed_and_archived() {
    let world = World::start().await;
    let (_, created) = world.send(Method::POST, "/organization/projects", Some(json!({ "name": "Third" }))).await;
    let id = created["id"].as_str().unwrap();
    assert!(id.starts_with("proj_") && created["archived_at"].is_null());
    let (_, first) = world.get("/organization/projects?limit=2").await;
    assert_eq!((first["last_id"].as_str(), first["has_more"].as_bool()), (Some("proj_small"), Some(true)));
    let (_, rest) = world.get("/organization/projects?limit=2&after=proj_small").await;
    assert_eq!((rest["first_id"].as_str(), rest["has_more"].as_bool()), (Some(id), Some(false)));

    let path = format!("/organization/projects/{id}");
    assert_eq!(world.send(Method::POST, &path, Some(json!({ "name": "New name" }))).await.0, 200);
    assert_eq!(world.get(&path).await.1["name"], "New name");
    assert_eq!(world.send(Method::POST, &format!("{path}/archive"), None).await.0, 200);
    assert_eq!(world.get(&path).await.1["status"], "archived");
    assert_eq!(world.send(Method::POST, &path, Some(json!({ "name": "x" }))).await.0, 400, "archived");
    let count = async |query: &str| {
        let (_, list) = world.get(&format!("/organization/projects{query}")).await;
        list["data"].as_array().unwrap().len()
    };
    assert_eq!((count("").await, count("?include_archived=true").await), (2, 3));
}

#[tokio::test]
async fn another_organizations_project_is_like_a_missing_one() {
    let world = World::start().await;
    let mut bodies = Vec::new();
    for id in ["proj_other", "proj_never"] {
        let (status, body) = world.get(&format!("/organization/projects/{id}")).await;
        assert_eq!(status, 404);
        bodies.push(body.to_string().replace(id, "ID"));
        for path in ["api_keys", "rate_limits", "spend_limit"] {
            assert_eq!(world.get(&format!("/organization/projects/{id}/{path}")).await.0, 404, "{path}");
        }
        assert_eq!(world.send(Method::POST, &format!("/organization/projects/{id}/archive"), None).await.0, 404);
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn a_persons_key_can_be_deleted_and_a_service_accounts_cannot() {
    let world = World::start().await;
    let path = "/organization/projects/proj_growing/api_keys";
    let (_, keys) = world.get(path).await;
    let [person, service] = [0, 1].map(|index: usize| keys["data"][index].clone());
    assert_eq!(
        (person["owner"]["type"].as_str(), service["owner"]["type"].as_str()),
        (Some("user"), Some("service_account"))
    );
    let key = |key: &serde_json::Value| format!("{path}/{}", key["id"].as_str().unwrap());
    assert_eq!(world.send(Method::DELETE, &key(&service), None).await.0, 400);
    assert_eq!(world.send(Method::DELETE, &key(&person), None).await.1["deleted"], true);
    assert_eq!(world.get(&key(&person)).await.0, 404);
    assert_eq!(world.get(path).await.1["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn rate_limits_keep_what_was_set() {
    let world = World::start().await;
    let path = "/organization/projects/proj_small/rate_limits";
    let one = format!("{path}/rl-gpt-5.4");
    let change = json!({ "max_requests_per_1_minute": 0, "max_tokens_per_1_minute": 1 });
    assert_eq!(world.send(Method::POST, &one, Some(change)).await.0, 200);
    let (_, list) = world.get(path).await;
    let changed = list["data"].as_array().unwrap().iter().find(|limit| limit["id"] == "rl-gpt-5.4").unwrap();
    assert_eq!(
        (changed["max_requests_per_1_minute"].as_i64(), changed["max_tokens_per_1_minute"].as_i64()),
        (Some(0), Some(1))
    );
    let (_, untouched) = world.get("/organization/projects/proj_growing/rate_limits").await;
    assert_ne!(untouched["data"][0]["max_requests_per_1_minute"], 0);
    for wrong in
        [json!({ "max_images_per_1_minute": 5 }), json!({ "max_requests_per_1_minute": -1 }), json!({ "typo": 1 })]
    {
        assert_eq!(world.send(Method::POST, &one, Some(wrong)).await.0, 400);
    }
}

#[tokio::test]
async fn spend_limits_are_set_enforced_and_removed() {
    let world = World::start().await;
    for path in ["/organization/spend_limit", "/organization/projects/proj_growing/spend_limit"] {
        assert_eq!(world.get(path).await.0, 404);
        let body = |cents: i64| Some(json!({ "threshold_amount": cents, "currency": "USD", "interval": "month" }));
        let (_, set) = world.send(Method::POST, path, body(100)).await;
        assert_eq!(set["enforcement"]["status"], "enforcing", "a dollar is long spent");
        world.send(Method::POST, path, body(100_000_000)).await;
        let (_, read) = world.get(path).await;
        assert_eq!(
            (read["threshold_amount"].as_i64(), read["enforcement"]["status"].as_str()),
            (Some(100_000_000), Some("inactive"))
        );
        assert_eq!(world.send(Method::DELETE, path, None).await.1["deleted"], true);
        assert_eq!(world.get(path).await.0, 404);
    }
}

#[tokio::test]
async fn what_limits_stop_is_neither_used_nor_billed_until_they_are_back() {
    let project = "proj_growing";
    let limits = format!("/organization/projects/{project}/rate_limits");
    let spend = format!("/organization/projects/{project}/spend_limit");
    let cent = json!({ "threshold_amount": 1, "currency": "USD", "interval": "month" });
    for by_rates in [false, true] {
        let world = World::start().await;
        let control = world.simulator.control();
        let at = |hours: i64, minutes: i64| {
            control.set_now(Some(now() + TimeDelta::hours(hours) + TimeDelta::minutes(minutes)));
        };
        let billed = |of: &str| {
            let today = day("2026-03-20");
            let query = TruthQuery { project: Some(of.to_owned()), ..TruthQuery::new(ORG, today, day("2026-03-22")) };
            control.truth(&query).unwrap().total
        };
        let used = async |from: i64| {
            let since = (now() + TimeDelta::minutes(from)).timestamp();
            let path = format!(
                "/organization/usage/completions?start_time={since}&bucket_width=1m&limit=1440&project_ids={project}"
            );
            let (_, page) = world.get(&path).await;
            let buckets = page["data"].as_array().unwrap().iter();
            buckets.filter(|bucket| !bucket["results"].as_array().unwrap().is_empty()).count()
        };
        assert_eq!(used(-60).await, 60, "every minute has its calls");
        let ids = world.get(&limits).await.1["data"].as_array().unwrap().clone();
        let before = control.limits(ORG, project).unwrap();
        let set = async |number: Option<i64>| {
            for limit in &ids {
                let fields = limit.as_object().unwrap().iter().filter(|(name, _)| name.contains("_1_"));
                let body: serde_json::Map<_, _> =
                    fields.map(|(name, was)| (name.clone(), number.map_or(was.clone(), Into::into))).collect();
                let path = format!("{limits}/{}", limit["id"].as_str().unwrap());
                assert_eq!(world.send(Method::POST, &path, Some(body.into())).await.0, 200);
            }
        };
        if by_rates {
            set(Some(0)).await;
        } else {
            assert_eq!(
                world.send(Method::POST, &spend, Some(cent.clone())).await.1["enforcement"]["status"],
                "enforcing"
            );
        }
        assert_eq!(control.limits(ORG, project).unwrap().stopped_since, Some(now()));
        // What was used before half past is billed at the full hour; nothing after that.
        at(1, 0);
        let (stopped, other) = (billed(project), billed("proj_small"));
        at(9, 0);
        assert_eq!(billed(project), stopped);
        assert!(billed("proj_small") > other, "its neighbour goes on");
        assert_eq!((used(0).await, used(-60).await), (0, 60));
        if by_rates {
            set(None).await;
        } else {
            assert_eq!(world.send(Method::DELETE, &spend, None).await.0, 200);
        }
        assert_eq!(control.limits(ORG, project).unwrap(), before);
        at(12, 0);
        assert!(billed(project) > stopped, "it goes on");
        assert_eq!(used(0).await, 3 * 60, "since it may");
    }
}

#[tokio::test]
async fn a_spend_limit_holds_once_it_is_reached() {
    let world = World::start().await;
    let control = world.simulator.control();
    let path = "/organization/projects/proj_small/spend_limit";
    let query = TruthQuery {
        project: Some("proj_small".to_owned()),
        ..TruthQuery::new(ORG, day("2026-03-01"), day("2026-04-01"))
    };
    let cents = (control.truth(&query).unwrap().total * rust_decimal::Decimal::ONE_HUNDRED).trunc()
        + rust_decimal::Decimal::ONE;
    let body = json!({ "threshold_amount": i64::try_from(cents).unwrap(), "currency": "USD", "interval": "month" });
    assert_eq!(world.send(Method::POST, path, Some(body)).await.1["enforcement"]["status"], "inactive");
    assert_eq!(control.limits(ORG, "proj_small").unwrap().stopped_since, None);
    control.set_now(Some(now() + TimeDelta::hours(6)));
    assert_eq!(world.get(path).await.1["enforcement"]["status"], "enforcing");
    let since = control.limits(ORG, "proj_small").unwrap().stopped_since;
    assert_eq!(since, Some(now() + TimeDelta::hours(6)), "as of when it was noticed");
}

#[tokio::test]
async fn keys_open_only_their_organization_and_only_their_scopes() {
    let world = World::start().await;
    let control = world.simulator.control();
    let response = world.request(Method::GET, "/organization/projects").send().await.unwrap();
    assert_eq!(response.headers()["openai-organization"], ORG);
    let client = client();
    let ask = async |key: Option<&str>, path: &str| {
        let request = client.get(format!("{}{path}", world.simulator.openai_base_url()));
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<serde_json::Value>().await.unwrap()["error"].clone())
    };
    let costs = "/organization/costs?start_time=1767225600";
    assert_eq!(ask(None, costs).await.0, 401);
    let (status, error) = ask(Some("sk-admin-nobody-knows-this-one"), costs).await;
    assert_eq!((status, error["code"].as_str()), (401, Some("invalid_api_key")));

    control.add_key(OTHER, "sk-admin-sim-readonly", Some(&["api.usage.read"])).unwrap();
    assert_eq!(ask(Some("sk-admin-sim-readonly"), costs).await.0, 200);
    let (status, error) = ask(Some("sk-admin-sim-readonly"), "/organization/projects").await;
    assert!(status == 403 && error["message"].as_str().unwrap().contains("Missing scopes: api.management.read"));

    control.revoke_key(&world.key).unwrap();
    let (status, error) = ask(Some(&world.key), costs).await;
    assert_eq!((status, error["code"].as_str()), (401, Some("invalid_api_key")));
    assert_eq!(ask(Some("sk-admin-sim-readonly"), "/nonsense").await.0, 403, "scopes come before paths");
}
