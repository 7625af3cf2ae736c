//! Proving an admin key.

use std::time::{Duration, SystemTime};

use finops_providers::{CallPolicy, ProviderError, Verification};

use crate::server::{Reply, Server};
use crate::{LAST, client, page, policy};

const COSTS: &str = "/v1/organization/costs";

fn projects(rest: &str, entries: &[(&str, u64)]) -> String {
    let data: Vec<_> = entries.iter().map(|(id, at)| format!(r#"{{"id":"{id}","created_at":{at}}}"#)).collect();
    format!(r#"{{"object":"list","data":[{}],{rest}}}"#, data.join(","))
}

fn ids(projects: &[&str]) -> Vec<String> {
    projects.iter().map(|id| (*id).to_owned()).collect()
}

#[tokio::test]
async fn a_good_key_is_known_by_its_organization() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        COSTS => Reply::json(page(&[], LAST)).with("openai-organization", "acme-7"),
        _ => Reply::json(projects(r#""has_more":true,"last_id":"proj_b""#, &[("proj_a", 2), ("proj_b", 1)])),
    })
    .await;
    let client = client(server.base()).with_policy(CallPolicy {
        now: || SystemTime::UNIX_EPOCH + Duration::from_secs(1_782_432_000 + 4_711),
        ..policy()
    });
    let verified = client.verify().await.unwrap();
    assert_eq!(verified, Verification { account: Some("acme-7".into()), projects: ids(&["proj_a", "proj_b"]) });
    let seen = server.seen();
    assert_eq!(seen.len(), 2, "one call each");
    let costs = seen.iter().find(|seen| seen.path == COSTS).unwrap();
    assert_eq!(
        (costs.all("start_time"), costs.all("end_time"), costs.all("limit")),
        (vec!["1782172800"], vec!["1782259200"], vec!["1"])
    );
}

#[tokio::test]
async fn without_a_name_the_oldest_project_stands_for_the_account() {
    let server = Server::start(|seen, _| match (seen.path.as_str(), seen.all("after").first()) {
        (COSTS, _) => Reply::json(page(&[], LAST)),
        (_, None) => Reply::json(projects(r#""has_more":true,"last_id":"proj_b""#, &[("proj_a", 30), ("proj_b", 20)])),
        _ => Reply::json(projects(r#""has_more":false"#, &[("proj_c", 10)])),
    })
    .await;
    let verified = client(server.base()).verify().await.unwrap();
    assert_eq!(
        verified,
        Verification { account: Some("proj_c".into()), projects: ids(&["proj_a", "proj_b", "proj_c"]) }
    );

    let empty = Server::start(|seen, _| match seen.path.as_str() {
        COSTS => Reply::json(page(&[], LAST)),
        _ => Reply::json(projects(r#""has_more":false"#, &[])),
    })
    .await;
    let verified = client(empty.base()).verify().await.unwrap();
    assert_eq!(verified, Verification { account: None, projects: ids(&[]) });
}

#[tokio::test]
async fn a_key_that_can_do_half_is_refused() {
    for refused in [COSTS, "/v1/organization/projects"] {
        for other in [200, 503] {
            let server = Server::start(move |seen, _| {
                if seen.path == refused {
                    Reply::status(403, include_str!("../data/openai.observed.error-insufficient-permissions.json"))
                } else if other == 200 {
                    Reply::json(r#"{"data":[],"has_more":false}"#)
                } else {
                    Reply::status(other, "")
                }
            })
            .await;
            let error = client(server.base()).verify().await.unwrap_err();
            assert!(error.is_unauthorized(), "{refused} {other}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_down_says_nothing_about_the_key() {
    let server = Server::always(|| Reply::status(500, "")).await;
    let error = client(server.base()).verify().await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable { .. }) && error.is_transient());
    let server = Server::always(|| Reply::json("<html>")).await;
    assert_eq!(client(server.base()).verify().await.unwrap_err().user_reason(), "malformed");
}
