//! What goes over the wire when all is well.

use chrono::TimeDelta;
use finops_providers::{
    BucketWidth, CostQuery, CostSource, Cursor, ProjectControls, ProjectDirectory, ProviderError, RateLimitUpdate,
    Resource, SpendScope, UsageKind, UsageMeasure, UsageQuery, UsageSource,
};

use crate::server::{Reply, Server};
use crate::{CANARY, LAST, client, midnight, page, query};

#[tokio::test]
async fn a_costs_call_says_all_it_should() {
    let server = Server::always(|| Reply::json(page(&[0], LAST))).await;
    let query = CostQuery {
        end: Some(midnight() + TimeDelta::days(1)),
        project_ids: vec!["proj_a".into(), "b&c".into()],
        ..query()
    };
    let cursor = Cursor::new("page_AA=&x").unwrap();
    let answer = client(server.base()).costs_page(&query, Some(&cursor)).await.unwrap();
    assert_eq!(answer.buckets[0].lines[0].amount.to_string(), "1");

    let [seen] = server.seen().try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/v1/organization/costs"));
    assert_eq!(seen.all("start_time"), ["1782432000"]);
    assert_eq!(seen.all("end_time"), ["1782518400"]);
    assert_eq!(seen.all("bucket_width"), ["1d"]);
    assert_eq!(seen.all("group_by[]"), ["project_id", "line_item", "api_key_id"]);
    assert_eq!(seen.all("project_ids[]"), ["proj_a", "b&c"]);
    assert_eq!(seen.all("limit"), ["7"]);
    assert_eq!(seen.all("page"), ["page_AA=&x"]);
    assert!(seen.head.contains(&format!("authorization: Bearer {CANARY}")), "{}", seen.head);
}

#[tokio::test]
async fn what_is_not_valid_is_never_sent() {
    let server = Server::always(|| Reply::json("{}")).await;
    let client = client(server.base());
    let unaligned = CostQuery { start: midnight() + TimeDelta::seconds(1), ..query() };
    let zero = RateLimitUpdate::default();
    for error in [
        client.costs_page(&unaligned, None).await.unwrap_err(),
        client.get_project("").await.unwrap_err(),
        client.get_project("..").await.unwrap_err(),
        client.update_rate_limit("proj_a", "rl-x", &zero).await.unwrap_err(),
        client.set_spend_limit(&SpendScope::Organization, 0).await.unwrap_err(),
    ] {
        assert!(matches!(error, ProviderError::InvalidRequest { .. }), "{error:?}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn every_usage_endpoint_is_asked_by_its_name_and_dimensions() {
    let server = Server::start(|seen, _| {
        let counts = r#""input_tokens":5,"output_tokens":1,"images":1,"characters":1,"seconds":1,"usage_bytes":1,"num_sessions":1,"num_requests":1"#;
        let project = seen.all("project_ids[]").concat();
        Reply::json(format!(
            r#"{{"object":"page","data":[{{"start_time":1782432000,"end_time":1782435600,"results":[{{{counts},"project_id":"{project}"}}]}}],"has_more":false,"next_page":null}}"#
        ))
    })
    .await;
    let client = client(server.base());
    for kind in UsageKind::ALL {
        let query = UsageQuery {
            kind,
            start: midnight(),
            end: None,
            width: BucketWidth::Hour,
            project_ids: vec!["proj_a".into()],
            limit: 168,
        };
        let page = client.usage_page(&query, None).await.unwrap();
        assert_eq!(page.buckets[0].lines[0].project_id.as_deref(), Some("proj_a"), "{kind:?}");
        assert_eq!(
            matches!(page.buckets[0].lines[0].measure, UsageMeasure::Completions(_)),
            kind == UsageKind::Completions
        );
    }
    let seen = server.seen();
    let asked: Vec<_> = seen.iter().map(|s| s.path.trim_start_matches("/v1/organization/usage/")).collect();
    assert_eq!(
        asked,
        [
            "completions",
            "embeddings",
            "moderations",
            "images",
            "audio_speeches",
            "audio_transcriptions",
            "vector_stores",
            "code_interpreter_sessions",
            "file_search_calls",
            "web_search_calls"
        ]
    );
    assert_eq!(seen[0].all("group_by[]"), ["project_id", "api_key_id", "model", "batch", "service_tier"]);
    assert!(seen.iter().all(|s| s.all("bucket_width") == ["1h"] && s.all("limit") == ["168"]));
}

#[tokio::test]
async fn projects_are_listed_and_looked_up() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v1/organization/projects" => Reply::json(include_str!("../data/openai.get.projects.json")),
        "/v1/organization/projects/proj_abc" | "/v1/organization/projects/proj_other" => {
            Reply::json(include_str!("../data/openai.get.projects.project_id.json"))
        }
        _ => Reply::status(404, r#"{"code":404,"message":"no such project"}"#),
    })
    .await;
    let client = client(server.base());
    let list = client.list_projects(true, Some(&Cursor::new("proj_1").unwrap())).await.unwrap();
    assert_eq!(list.projects[0].id, "proj_abc");
    assert_eq!(client.get_project("proj_abc").await.unwrap(), list.projects[0]);
    assert_eq!(client.get_project("proj_gone").await, Err(ProviderError::NotFound { resource: Resource::Project }));
    assert_eq!(client.get_project("proj_other").await.unwrap_err().user_reason(), "malformed");
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.all("include_archived"), seen.all("after"), seen.all("limit")),
        (vec!["true"], vec!["proj_1"], vec!["100"])
    );
}

#[tokio::test]
async fn keys_are_listed_whoever_owns_them_and_deleted() {
    let server = Server::start(|seen, _| match (seen.method.as_str(), seen.path.rsplit('/').next()) {
        ("GET", _) => Reply::json(include_str!("../data/openai.get.projects.project_id.api_keys.json")),
        (_, Some("key_abc")) => Reply::json(r#"{"object":"organization.project.api_key.deleted","id":"key_abc","deleted":true}"#),
        (_, Some("key_sa")) => Reply::status(400, r#"{"error":{"message":"API keys cannot be deleted for service accounts","type":"invalid_request_error","param":null,"code":null}}"#),
        _ => Reply::status(404, ""),
    })
    .await;
    let client = client(server.base());
    assert_eq!(client.list_project_api_keys("proj_a", None).await.unwrap().keys[0].id, "key_abc");
    assert_eq!(server.seen()[0].all("owner_project_access"), ["any"]);
    assert_eq!(client.delete_project_api_key("proj_a", "key_abc").await, Ok(()));
    let refused = client.delete_project_api_key("proj_a", "key_sa").await.unwrap_err();
    assert!(
        matches!(&refused, ProviderError::Rejected { status: 400, code: Some(code), .. } if code == "invalid_request_error"),
        "{refused:?}"
    );
    let gone = client.delete_project_api_key("proj_a", "key_x").await;
    assert_eq!(gone, Err(ProviderError::NotFound { resource: Resource::ApiKey }));
}

#[tokio::test]
async fn limits_are_read_set_and_removed() {
    let server =
        Server::start(|seen, _| match (seen.method.as_str(), seen.path.trim_start_matches("/v1/organization/")) {
            ("GET", "projects/proj_a/rate_limits") => {
                Reply::json(include_str!("../data/openai.get.projects.project_id.rate_limits.json"))
            }
            ("POST", "projects/proj_a/rate_limits/rl-ada") => {
                Reply::json(include_str!("../data/openai.post.projects.project_id.rate_limits.rate_limit_id.json"))
            }
            ("GET", "projects/proj_a/spend_limit") => {
                Reply::json(include_str!("../data/openai.get.projects.project_id.spend_limit.json"))
            }
            ("POST", "spend_limit" | "projects/proj_a/spend_limit") => {
                Reply::json(include_str!("../data/openai.post.projects.project_id.spend_limit.json"))
            }
            ("DELETE", "projects/proj_a/spend_limit") => {
                Reply::json(include_str!("../data/openai.delete.projects.project_id.spend_limit.json"))
            }
            _ => Reply::status(
                404,
                r#"{"error":{"message":"not found","type":"invalid_request_error","param":null,"code":"not_found"}}"#,
            ),
        })
        .await;
    let client = client(server.base());
    let (org, project) = (SpendScope::Organization, SpendScope::Project("proj_a".into()));
    assert_eq!(client.list_rate_limits("proj_a", None).await.unwrap().limits[0].id, "rl-ada");
    let update = RateLimitUpdate { max_requests_per_1_minute: Some(1), ..RateLimitUpdate::default() };
    assert_eq!(client.update_rate_limit("proj_a", "rl-ada", &update).await.unwrap().model, "ada");
    assert_eq!(
        client.update_rate_limit("proj_a", "rl-x", &update).await,
        Err(ProviderError::NotFound { resource: Resource::RateLimit })
    );
    assert_eq!(client.get_spend_limit(&project).await.unwrap().unwrap().threshold_cents, 10_000);
    assert_eq!(client.get_spend_limit(&org).await, Ok(None));
    assert_eq!(client.set_spend_limit(&org, 10_000).await.unwrap().enforcing, Some(true));
    let unknown = client.set_spend_limit(&SpendScope::Project("proj_x".into()), 1).await;
    assert_eq!(unknown, Err(ProviderError::NotFound { resource: Resource::Project }));
    assert_eq!(client.delete_spend_limit(&project).await, Ok(true));
    assert_eq!(client.delete_spend_limit(&org).await, Ok(false));
    let bodies: Vec<_> = server.seen().into_iter().map(|s| s.body).filter(|body| !body.is_empty()).collect();
    assert_eq!(bodies[0], r#"{"max_requests_per_1_minute":1}"#);
    assert_eq!(bodies[2], r#"{"threshold_amount":10000,"currency":"USD","interval":"month"}"#);
}
