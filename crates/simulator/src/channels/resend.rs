//! Resend's mail API.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Channel;
use super::answer::{Answer, Request, is_address};
use super::inbox::Post;
use crate::rng;

/// Mails by key and idempotency key: the body, the mail's id, and when.
pub(crate) type Remembered = HashMap<(String, String), (String, String, DateTime<Utc>)>;

/// The answer to `POST /emails`, and whether a mail was taken.
pub(super) fn answer(post: &mut Post, request: &Request<'_>, number: u64, now: DateTime<Utc>) -> (Answer, bool) {
    match check(post, request).and_then(|key| take(post, request, key, number, now)) {
        Ok((id, taken)) => (Answer::json(200, &json!({ "id": id })), taken),
        Err(answer) => (answer, false),
    }
}

/// What it says with a status that was asked for.
pub(super) fn failure(status: u16) -> Answer {
    let (name, message) = match status {
        400 => ("validation_error", "We found an error with one or more fields in the request."),
        401 => ("restricted_api_key", "This API key is restricted to only send emails."),
        403 => ("invalid_api_key", "API key is invalid"),
        404 => ("not_found", "The requested endpoint does not exist."),
        409 => {
            ("concurrent_idempotent_requests", "Same idempotency key used while original request is still in progress.")
        }
        422 => ("validation_error", "We found an error with one or more fields in the request."),
        429 => ("rate_limit_exceeded", "Too many requests. Please limit the number of requests per second."),
        _ => ("application_error", "An unexpected error occurred."),
    };
    error(status, name, message)
}

fn error(status: u16, name: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "statusCode": status, "name": name, "message": message }))
}

/// The key of a request that is all right.
fn check(post: &Post, request: &Request<'_>) -> Result<String, Answer> {
    // Its front door turns away whoever does not say who they are.
    if request.header("user-agent").is_none_or(str::is_empty) {
        return Err(Answer::text(403, "text/plain", "error code: 1010"));
    }
    if (request.method, request.path) != ("POST", "/emails") {
        let method = if request.path == "/emails" { 405 } else { 404 };
        let name = if method == 405 { "method_not_allowed" } else { "not_found" };
        return Err(error(method, name, "The requested endpoint does not exist or does not take this method."));
    }
    let missing = "Missing API key in the authorization header. Include the following header \
        'Authorization: Bearer YOUR_API_KEY' in your request.";
    let key = request.bearer().ok_or_else(|| error(401, "missing_api_key", missing))?;
    if !post.knows(Channel::Resend, key) {
        return Err(failure(403));
    }
    if request.header("idempotency-key").is_some_and(|key| !(1..=256).contains(&key.len())) {
        return Err(error(400, "invalid_idempotency_key", "The key must be between 1-256 chars."));
    }
    if !request.is_json() || !request.content.is_object() {
        return Err(error(422, "validation_error", "The request body must be a JSON object."));
    }
    mail(request)?;
    Ok(key.to_owned())
}

fn mail(request: &Request<'_>) -> Result<(), Answer> {
    let missing = |field: &str| error(422, "missing_required_field", &format!("Missing `{field}` field."));
    let format = "The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.";
    let from = request.text("/from").ok_or_else(|| missing("from"))?;
    if !is_address(from) {
        return Err(error(422, "invalid_from_address", &format!("Invalid `from` field. {format}")));
    }
    let to: Vec<&Value> = match &request.content["to"] {
        Value::Array(to) => to.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    };
    if to.is_empty() {
        return Err(missing("to"));
    }
    if to.len() > 50 || !to.iter().all(|to| to.as_str().is_some_and(is_address)) {
        return Err(error(422, "validation_error", &format!("Invalid `to` field. {format} At most 50.")));
    }
    request.text("/subject").ok_or_else(|| missing("subject"))?;
    if request.text("/html").is_none() && request.text("/text").is_none() {
        return Err(error(422, "missing_required_field", "Missing `html` or `text` field."));
    }
    Ok(())
}

/// The mail's id, and whether it is a new one.
fn take(
    post: &mut Post,
    request: &Request<'_>,
    key: String,
    number: u64,
    now: DateTime<Utc>,
) -> Result<(String, bool), Answer> {
    let id = rng::uuid(number);
    let Some(once) = request.header("idempotency-key") else { return Ok((id, true)) };
    let place = (key, once.to_owned());
    if let Some((body, before, _)) = post.resend.get(&place).filter(|(_, _, at)| now - *at < TimeDelta::hours(24)) {
        let message = "Same idempotency key used with a different request payload.";
        return if body == request.body {
            Ok((before.clone(), false))
        } else {
            Err(error(409, "invalid_idempotent_request", message))
        };
    }
    post.resend.insert(place, (request.body.to_owned(), id.clone(), now));
    Ok((id, true))
}
