//! A receiver of Standard Webhooks. It looks at the form of what it gets; whoever reads the inbox verifies signatures.

use serde_json::json;

use super::answer::{Answer, Request};

/// The answer to a POST to any name.
pub(super) fn answer(request: &Request<'_>) -> Answer {
    if request.method != "POST" {
        return error(405, "only POST");
    }
    if !request.is_json() || !request.content.is_object() {
        return error(400, "not a JSON object");
    }
    if request.header("webhook-id").is_none_or(str::is_empty) {
        return error(400, "no webhook-id");
    }
    if request.header("webhook-timestamp").is_none_or(|seconds| seconds.parse::<u32>().is_err()) {
        return error(400, "no webhook-timestamp");
    }
    let signatures = request.header("webhook-signature").unwrap_or_default();
    let signed = signatures.split(' ').any(|each| each.strip_prefix("v1,").is_some_and(|rest| rest.len() == 44));
    if signed { Answer::json(200, &json!({})) } else { error(401, "no signature") }
}

/// What it says with a status that was asked for.
pub(super) fn failure(status: u16) -> Answer {
    error(status, "as asked for")
}

fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": message }))
}
