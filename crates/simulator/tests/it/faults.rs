//! Each fault, as a client meets it.

use std::time::Duration;

use finops_simulator::{ErrorShape, Fault, FaultSpec};
use reqwest::Method;
use serde_json::Value;

use crate::common::{ORG, OTHER, World, served, unix};

const COSTS: &str = "/v1/organization/costs";

fn path() -> String {
    format!("/organization/costs?start_time={}&group_by[]=project_id&group_by[]=line_item&limit=5", unix("2026-03-01"))
}

async fn with(fault: Fault) -> World {
    let world = World::start().await;
    world.simulator.control().add_fault(FaultSpec::new(COSTS, fault));
    world
}

fn escaped(token: &str) -> String {
    token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

#[tokio::test]
async fn errors_have_the_status_the_headers_and_the_shape_asked_for() {
    let world = World::start().await;
    let control = world.simulator.control();
    let limited = |after: Option<&str>, milliseconds, shape| Fault::Status {
        status: 429,
        retry_after: after.map(str::to_owned),
        retry_after_ms: milliseconds,
        shape,
        code: None,
        message: None,
    };
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    let cases = [
        (limited(Some("2"), None, ErrorShape::Object), Some("2"), None),
        (limited(Some(date), None, ErrorShape::Text), Some(date), None),
        (limited(None, Some(1_500), ErrorShape::Bare), None, Some("1500")),
        (limited(None, None, ErrorShape::Object), None, None),
    ];
    for (fault, after, milliseconds) in cases {
        let Fault::Status { shape, .. } = fault else { unreachable!() };
        control.add_fault(FaultSpec::new(COSTS, fault).times(1));
        let response = world.request(Method::GET, &path()).send().await.unwrap();
        assert_eq!(response.status(), 429);
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("retry-after").as_deref(), after);
        assert_eq!(header("retry-after-ms").as_deref(), milliseconds);
        assert!(header("x-request-id").is_some() && header("openai-organization").as_deref() == Some(ORG));
        let body: Value = response.json().await.unwrap();
        match shape {
            ErrorShape::Object => assert!(body["error"]["message"].is_string() && body["error"]["type"].is_string()),
            ErrorShape::Text => assert!(body["error"].is_string()),
            ErrorShape::Bare => assert!(body["code"] == 429 && body["message"].is_string()),
        }
    }
    assert_eq!(world.get(&path()).await.0, 200, "all used up");
    for (status, code) in [(401, Some("invalid_api_key")), (403, None), (500, None)] {
        control.add_fault(FaultSpec::new(COSTS, Fault::status(status)).times(1));
        let (answered, body) = world.get(&path()).await;
        assert_eq!((answered.as_u16(), body["error"]["code"].as_str()), (status, code));
    }
}

#[tokio::test]
async fn a_fault_hits_only_what_it_names() {
    let world = World::start().await;
    let control = world.simulator.control();
    control.add_fault(FaultSpec::new("/v1/organization/*", Fault::status(500)).organization(OTHER));
    control.add_fault(FaultSpec::new(COSTS, Fault::status(500)).key("sk-admin-of-nobody"));
    assert_eq!(world.get(&path()).await.0, 200);
    control.add_fault(FaultSpec::new(COSTS, Fault::status(500)).key(&world.key).skip(1).times(1));
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(world.get(&path()).await.0.as_u16());
    }
    assert_eq!(seen, [200, 500, 200]);
    control.add_fault(FaultSpec::new(COSTS, Fault::status(500)));
    control.clear_faults();
    assert_eq!(world.get(&path()).await.0, 200);
}

#[tokio::test]
async fn a_hang_outlasts_the_clients_patience_and_hurts_nobody_else() {
    let mut world = with(Fault::Hang { seconds: 3_600.0 }).await;
    let patience = Duration::from_millis(300);
    let error = world.request(Method::GET, &path()).timeout(patience).send().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(world.get("/organization/projects").await.0, 200);
    let pending = world.request(Method::GET, &path()).send();
    let (other, _) = tokio::join!(world.get("/organization/projects"), async {
        let _ = tokio::time::timeout(patience, pending).await;
    });
    assert_eq!(other.0, 200);
    let control = world.simulator.control().clone();
    world.key.clear();
    tokio::time::timeout(Duration::from_secs(20), world.simulator.stop()).await.unwrap();
    assert_eq!(control.requests().len(), 4, "the control outlives the server");
}

#[tokio::test]
async fn a_truncated_body_breaks_off_and_html_is_not_json() {
    let world = with(Fault::Truncate).await;
    let response = world.request(Method::GET, &path()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.content_length().unwrap() > 100);
    assert!(response.bytes().await.is_err());

    let world = with(Fault::Html).await;
    let response = world.request(Method::GET, &path()).send().await.unwrap();
    assert!(response.status() == 200 && response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(response.json::<Value>().await.is_err());
}

#[tokio::test]
async fn cursors_repeat_or_are_missing() {
    let world = with(Fault::RepeatedCursor).await;
    let first = world.page(&path()).await;
    let token = first.next_page.unwrap();
    let second = world.page(&format!("{}&page={}", path(), escaped(&token))).await;
    assert!(first.has_more && second.has_more && second.next_page == Some(token));

    let world = with(Fault::NullCursor).await;
    let page = world.page(&path()).await;
    assert!(page.has_more && page.next_page.is_none() && !page.data.is_empty());

    let control = world.simulator.control();
    control.add_fault(FaultSpec::new("/v1/organization/projects", Fault::RepeatedCursor));
    let (_, list) = world.get("/organization/projects").await;
    let last = list["last_id"].as_str().unwrap();
    let (_, again) = world.get(&format!("/organization/projects?after={last}")).await;
    assert!(list["has_more"] == true && again["has_more"] == true && again["last_id"] == last);
}

#[tokio::test]
async fn a_page_comes_twice() {
    let world = World::start().await;
    world.simulator.control().add_fault(FaultSpec::new(COSTS, Fault::DuplicatePage).skip(1).times(1));
    let pages = world.pages(&path()).await;
    let starts: Vec<Vec<i64>> =
        pages.iter().map(|page| page.data.iter().map(|bucket| bucket.start_time).collect()).collect();
    assert_eq!(starts[0], starts[1], "the second page is the first again");
    assert_eq!(starts[2][0], unix("2026-03-11"), "the third is the third");
}

#[tokio::test]
async fn values_are_wrong_negative_or_buried() {
    let world = with(Fault::WrongTypes).await;
    let (_, body) = world.get(&path()).await;
    assert!(body["data"][0]["start_time"].is_array());
    assert_eq!(body["data"][0]["results"][0]["amount"]["value"], "twelve");

    let world = with(Fault::Negative).await;
    assert!(served(&[world.page(&path()).await]).values().all(rust_decimal::Decimal::is_sign_negative));

    let world = with(Fault::Huge { bytes: 20_000_000 }).await;
    let (_, text) = world.text(&path()).await;
    assert!(text.len() > 20_000_000 && serde_json::from_str::<Value>(&text).is_ok());
}
