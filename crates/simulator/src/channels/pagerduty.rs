//! PagerDuty's Events API v2.

use serde_json::{Value, json};

use super::Channel;
use super::answer::{Answer, Request, length};
use super::inbox::Post;
use crate::rng;

/// The answer to `POST /v2/enqueue`.
pub(super) fn answer(post: &Post, request: &Request<'_>, number: u64) -> Answer {
    if request.path != "/v2/enqueue" {
        return failure(404);
    }
    if request.method != "POST" {
        return failure(405);
    }
    if !request.is_json() || !request.content.is_object() {
        return invalid(400, &["JSON payload is malformed".to_owned()]);
    }
    let mistakes = mistakes(post, request);
    if !mistakes.is_empty() {
        return invalid(400, &mistakes);
    }
    let key = request.text("/dedup_key").map_or_else(|| rng::hexadecimal(number, 32), str::to_owned);
    Answer::json(202, &json!({ "status": "success", "message": "Event processed", "dedup_key": key }))
}

/// What it says with a status that was asked for.
pub(super) fn failure(status: u16) -> Answer {
    match status {
        429 => {
            let message = "Requests for this service are arriving too quickly.  Please retry later.";
            let errors = ["Enhance Your Calm."];
            Answer::json(429, &json!({ "status": "throttle exceeded", "message": message, "errors": errors }))
        }
        500.. => Answer::json(status, &json!({ "status": "error", "message": "Internal Server Error" })),
        _ => invalid(status, &["Event object is invalid".to_owned()]),
    }
}

fn invalid(status: u16, errors: &[String]) -> Answer {
    Answer::json(status, &json!({ "status": "invalid event", "message": "Event object is invalid", "errors": errors }))
}

fn mistakes(post: &Post, request: &Request<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let missing = |name: &str| format!("'{name}' is missing or blank");
    match request.text("/routing_key") {
        None => found.push(missing("routing_key")),
        Some(key) if key.len() != 32 => {
            found.push("Length of 'routing_key' is incorrect (should be 32 characters)".to_owned());
        }
        Some(key) if !post.knows(Channel::PagerDuty, key) => found.push("Invalid routing key".to_owned()),
        Some(_) => {}
    }
    let dedup_key = request.text("/dedup_key");
    if dedup_key.is_some_and(|key| length(key) > 255) {
        found.push("Length of 'dedup_key' is incorrect (should be at most 255 characters)".to_owned());
    }
    match request.text("/event_action") {
        None => found.push(missing("event_action")),
        Some("trigger") => found.extend(payload(request)),
        Some("acknowledge" | "resolve") if dedup_key.is_none() => found.push(missing("dedup_key")),
        Some("acknowledge" | "resolve") => {}
        Some(_) => found.push(
            "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
                .to_owned(),
        ),
    }
    found
}

fn payload(request: &Request<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["summary", "source", "severity"] {
        if request.text(&format!("/payload/{name}")).is_none() {
            found.push(format!("'payload.{name}' is missing or blank"));
        }
    }
    if request.text("/payload/summary").is_some_and(|summary| length(summary) > 1024) {
        found.push("Length of 'payload.summary' is incorrect (should be at most 1024 characters)".to_owned());
    }
    let severity = request.text("/payload/severity");
    if severity.is_some_and(|severity| !matches!(severity, "critical" | "error" | "warning" | "info")) {
        found.push(
            "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
                .to_owned(),
        );
    }
    let timestamp = request.content.pointer("/payload/timestamp").and_then(Value::as_str);
    if timestamp.is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_err()) {
        found.push("'payload.timestamp' is invalid (must be ISO 8601)".to_owned());
    }
    let links = request.content.get("links").map(|links| links.as_array().cloned().unwrap_or_default());
    if links.is_some_and(|links| links.is_empty() || links.iter().any(|link| !link["href"].is_string())) {
        found.push("'links' is invalid (must be objects with 'href')".to_owned());
    }
    found
}
