//! Incidents.

use finops_providers::{Notice, Notifier, PagerDutyEvents, Stage};
use serde_json::json;

use super::{COMMON, body, http, meaning, notice, policy, status};
use crate::server::{Reply, Server};

const KEY: &str = "0123456789abcdefCANARY0123456789";

fn client(server: &Server) -> PagerDutyEvents {
    PagerDutyEvents::new(http(), server.base(), KEY.into()).unwrap().with_policy(policy())
}

#[tokio::test]
async fn incidents_are_opened_taken_and_closed() {
    let server = Server::always(|| {
        Reply::status(202, r#"{"status":"success","message":"Event processed","dedup_key":"budget/0197"}"#)
    })
    .await;
    for stage in [Stage::Trigger, Stage::Acknowledge, Stage::Resolve] {
        let delivered = client(&server).notify(&Notice { stage, ..notice() }).await.unwrap();
        assert_eq!(delivered.id.as_deref(), Some("budget/0197"));
    }
    let seen = server.seen();
    assert!(seen.iter().all(|seen| (seen.method.as_str(), seen.path.as_str()) == ("POST", "/v1/v2/enqueue")));
    let event = body(&seen[0]);
    assert_eq!((&event["routing_key"], &event["event_action"]), (&json!(KEY), &json!("trigger")));
    assert_eq!(event["dedup_key"], "budget/0197/2026-06-26/100");
    assert_eq!(event["payload"]["summary"], notice().subject);
    assert_eq!((&event["payload"]["severity"], &event["payload"]["source"]), (&json!("critical"), &json!("에듀테크")));
    assert_eq!(event["payload"]["timestamp"], "2026-06-26T00:00:00.000Z");
    assert_eq!(event["payload"]["custom_details"]["사용액"], "$742.00");
    assert_eq!(event["links"][0], json!({ "href": "https://finops.example/block?p=1&x=2", "text": "즉시 차단" }));
    for (seen, action) in seen[1..].iter().zip(["acknowledge", "resolve"]) {
        let expected = json!({ "routing_key": KEY, "event_action": action, "dedup_key": "budget/0197/2026-06-26/100" });
        assert_eq!(body(seen), expected);
    }
}

#[tokio::test]
async fn a_summary_is_cut_to_what_fits() {
    let server = Server::always(|| Reply::status(202, "{}")).await;
    client(&server).notify(&Notice { subject: "가".repeat(2000), ..notice() }).await.unwrap();
    let event = body(&server.seen()[0]);
    assert_eq!(event["payload"]["summary"].as_str().unwrap().chars().count(), 1024);
}

#[tokio::test]
async fn every_status_has_its_meaning() {
    for (code, reason) in COMMON {
        let server = Server::always(move || status(code)).await;
        let wait = matches!(reason, "unavailable" | "rate_limited").then_some(7);
        assert_eq!(meaning(client(&server).notify(&notice())).await, (reason, wait), "{code}");
    }
    for (error, reason) in
        [("'payload.summary' is missing or blank", "rejected"), ("Invalid routing key", "unauthorized")]
    {
        let words = json!({ "status": "invalid event", "message": "Event object is invalid", "errors": [error] });
        let words = words.to_string();
        let server = Server::always(move || Reply::status(400, words.clone())).await;
        let refused = client(&server).notify(&notice()).await.unwrap_err();
        assert_eq!(refused.user_reason(), reason);
        assert_eq!(refused.said().unwrap().message.as_deref(), Some(error));
    }
}

#[test]
fn a_key_is_checked_and_not_repeated() {
    for key in ["", "CANARY", "CANARY-89abcdefCANARY0123456789ab"] {
        let error = PagerDutyEvents::new(http(), "https://h", key.into()).unwrap_err();
        assert!(!format!("{error:?}").contains("CANARY"));
    }
    let client = PagerDutyEvents::new(http(), "https://h", KEY.into()).unwrap();
    assert!(!format!("{client:?}").contains("CANARY"));
}
