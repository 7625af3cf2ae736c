//! Projects, keys and limits: state that changes and stays changed, and tenants that do not see each other.

use reqwest::Method;
use serde_json::json;

use crate::common::{ORG, OTHER, World, client};

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
