//! SendGrid's mail API.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::Channel;
use super::answer::{Answer, Request, is_address};
use super::inbox::Post;
use crate::rng;

/// Headers that SendGrid writes itself.
const RESERVED: [&str; 12] = [
    "x-sg-id",
    "x-sg-eid",
    "received",
    "dkim-signature",
    "content-type",
    "content-transfer-encoding",
    "to",
    "from",
    "subject",
    "reply-to",
    "cc",
    "bcc",
];

/// The answer to `POST /v3/mail/send`: 202 without a body.
pub(super) fn answer(post: &Post, request: &Request<'_>, number: u64) -> Answer {
    if request.path != "/v3/mail/send" {
        return failure(404);
    }
    if request.method != "POST" {
        return failure(405);
    }
    let Some(key) = request.bearer() else {
        return errors(401, &[("Permission denied, wrong credentials", None)]);
    };
    if !post.knows(Channel::SendGrid, key) {
        return errors(401, &[("The provided authorization grant is invalid, expired, or revoked", None)]);
    }
    if !request.is_json() || !request.content.is_object() {
        return errors(400, &[("Bad Request", None)]);
    }
    let mistakes = mistakes(request.content);
    if mistakes.is_empty() {
        Answer::text(202, "text/plain", "").with("x-message-id", rng::identifier(number, 22))
    } else {
        let mistakes: Vec<_> =
            mistakes.iter().map(|(message, field)| (message.as_str(), Some(field.as_str()))).collect();
        errors(400, &mistakes)
    }
}

/// What it says with a status that was asked for.
pub(super) fn failure(status: u16) -> Answer {
    let message = match status {
        401 => "authorization required",
        403 => "access forbidden",
        404 => "not found",
        405 => "method not allowed",
        413 => "content too large",
        429 => "too many requests",
        500.. => "internal server error",
        _ => "invalid request",
    };
    errors(status, &[(message, None)])
}

fn errors(status: u16, mistakes: &[(&str, Option<&str>)]) -> Answer {
    let errors: Vec<Value> =
        mistakes.iter().map(|(message, field)| json!({ "message": message, "field": field })).collect();
    Answer::json(status, &json!({ "errors": errors }))
}

fn mistakes(mail: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut mistake = |field: &str, message: &str| found.push((message.to_owned(), field.to_owned()));
    if !mail["from"]["email"].as_str().is_some_and(is_address) {
        mistake(
            "from.email",
            "The from object must be provided for every email send. It is an object that requires the email parameter, \
            but may also contain a name parameter.",
        );
    }
    let personalizations = mail["personalizations"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !(1..=1000).contains(&personalizations.len()) {
        mistake(
            "personalizations",
            "The personalizations field is required and must have at least one personalization.",
        );
    }
    let subject = |value: &Value| value.as_str().is_some_and(|subject| !subject.is_empty());
    let everywhere = !personalizations.is_empty() && personalizations.iter().all(|each| subject(&each["subject"]));
    if !subject(&mail["subject"]) && !everywhere {
        mistake(
            "subject",
            "The subject is required. You can get around this requirement if you use a template with a subject defined \
            or if every personalization has a subject defined.",
        );
    }
    let own = |name: &String| RESERVED.contains(&name.to_lowercase().as_str());
    if mail["headers"].as_object().is_some_and(|headers| headers.keys().any(own)) {
        mistake("headers", "The headers object contains a header that is not allowed to be overridden.");
    }
    found.extend(personalizations.iter().zip(0..).filter_map(|(each, index)| recipients(each, index)));
    found.extend(content(&mail["content"]));
    found
}

fn recipients(personalization: &Value, index: usize) -> Option<(String, String)> {
    let field = format!("personalizations.{index}.to");
    let lists = ["to", "cc", "bcc"].map(|list| personalization[list].as_array().map(Vec::as_slice).unwrap_or_default());
    if lists[0].is_empty() {
        let message = "The to array is required for all personalization objects, and must have at least one email \
            object with a valid email address.";
        return Some((message.to_owned(), field));
    }
    let mut seen = HashSet::new();
    for (position, recipient) in lists.into_iter().flatten().enumerate() {
        let Some(address) = recipient["email"].as_str().filter(|address| is_address(address)) else {
            return Some(("Does not contain a valid address.".to_owned(), format!("{field}.{position}.email")));
        };
        if !seen.insert(address.to_lowercase()) {
            let message = format!(
                "Each email address in the personalization block should be unique between to, cc, and bcc. We found the \
                first duplicate instance of [{address}] in the {field} field."
            );
            return Some((message, field));
        }
    }
    None
}

fn content(content: &Value) -> Option<(String, String)> {
    let parts = content.as_array().map(Vec::as_slice).unwrap_or_default();
    let at = |field: &str, message: &str| Some((message.to_owned(), field.to_owned()));
    if parts.is_empty() {
        return at("content", "Unless a valid template_id is provided, the content parameter is required.");
    }
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    if !parts.iter().all(|part| text(&part["value"]) && text(&part["type"])) {
        return at("content.0.value", "The content value must be a string at least one character in length.");
    }
    let position = |kind: &str| parts.iter().position(|part| part["type"] == kind);
    match (position("text/plain"), position("text/html")) {
        (Some(plain), Some(html)) if plain > html => {
            at("content", "If present, text/plain and text/html may only be provided once, text/plain first.")
        }
        _ => None,
    }
}
