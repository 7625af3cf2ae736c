//! Twilio's messages API, with its magic numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Channel;
use super::answer::{Answer, Request, length};
use super::inbox::Post;
use crate::rng;

/// The answer to `POST /2010-04-01/Accounts/{AccountSid}/Messages.json`.
pub(super) fn answer(post: &Post, request: &Request<'_>, number: u64, now: DateTime<Utc>) -> Answer {
    let account =
        request.path.strip_prefix("/2010-04-01/Accounts/").and_then(|rest| rest.strip_suffix("/Messages.json"));
    let Some(account) = account else {
        return error(404, 20404, &format!("The requested resource {} was not found", request.path));
    };
    if request.method != "POST" {
        return error(405, 20004, "Method not allowed");
    }
    let credential = request.authorization.and_then(|value| value.strip_prefix("Basic "));
    let credential = credential.and_then(|basic| STANDARD.decode(basic.trim()).ok());
    let credential = credential.and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(credential) = credential.filter(|credential| post.knows(Channel::Twilio, credential)) else {
        return error(401, 20003, "Authenticate");
    };
    if credential.split_once(':').map(|(sid, _)| sid) != Some(account) {
        return error(404, 20404, &format!("The requested resource {} was not found", request.path));
    }
    match mistake(request) {
        Some((code, message)) => error(400, code, &message),
        None => Answer::json(201, &message(account, request, number, now)),
    }
}

/// What it says with a status that was asked for.
pub(super) fn failure(status: u16) -> Answer {
    match status {
        401 => error(401, 20003, "Authenticate"),
        403 => error(403, 20005, "Account not active"),
        404 => error(404, 20404, "The requested resource was not found"),
        429 => error(429, 20429, "Too Many Requests"),
        500.. => error(status, 20500, "An internal server error has occurred"),
        _ => error(status, 20001, "Bad request"),
    }
}

fn error(status: u16, code: u32, message: &str) -> Answer {
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    Answer::json(status, &json!({ "code": code, "message": message, "more_info": more_info, "status": status }))
}

/// What is wrong with a message, by the magic numbers of Twilio's test credentials too.
fn mistake(request: &Request<'_>) -> Option<(u32, String)> {
    let is_form =
        request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let field = |name: &str| request.text(name).filter(|_| is_form);
    let Some(to) = field("/To") else { return Some((21604, "A 'To' phone number is required.".to_owned())) };
    let service = field("/MessagingServiceSid");
    let from = field("/From");
    if from.is_none() && service.is_none() {
        return Some((21603, "A 'From' phone number is required.".to_owned()));
    }
    if service.is_some_and(|sid| sid.len() != 34 || !sid.starts_with("MG")) {
        return Some((21701, "The Messaging Service does not exist".to_owned()));
    }
    let Some(body) = field("/Body") else { return Some((21602, "Message body is required.".to_owned())) };
    if length(body) > 1600 {
        return Some((21617, "The concatenated message body exceeds the 1600 character limit.".to_owned()));
    }
    match from {
        Some("+15005550001") => return Some((21212, format!("Invalid From Number (caller ID): {}", from?))),
        Some("+15005550007") => {
            return Some((
                21606,
                format!("The 'From' phone number {} is not a valid, SMS-capable inbound phone number", from?),
            ));
        }
        Some("+15005550008") => {
            return Some((
                21611,
                format!("This 'From' number {} has exceeded the maximum number of queued messages", from?),
            ));
        }
        _ => {}
    }
    match to {
        "+15005550001" => Some((21211, format!("Invalid 'To' Phone Number: {to}"))),
        "+15005550002" => Some((21612, "The 'To' phone number is not currently reachable via SMS".to_owned())),
        "+15005550003" => Some((21408, "Permission to send an SMS has not been enabled for the region".to_owned())),
        "+15005550004" => Some((21610, "Attempt to send to unsubscribed recipient".to_owned())),
        "+15005550009" => Some((21614, format!("'To' number {to} is not a valid mobile number"))),
        _ if Some(to) == from => Some((21266, "'To' and 'From' number cannot be the same".to_owned())),
        _ if !is_number(to) => Some((21211, format!("Invalid 'To' Phone Number: {to}"))),
        _ => None,
    }
}

fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

fn message(account: &str, request: &Request<'_>, number: u64, now: DateTime<Utc>) -> Value {
    let sid = format!("SM{}", rng::hexadecimal(number, 32));
    let base = format!("/2010-04-01/Accounts/{account}/Messages/{sid}");
    let body = request.text("/Body").unwrap_or_default();
    // A messaging service chooses the sender, and the segments, later.
    let service = request.text("/MessagingServiceSid");
    let one = if body.is_ascii() { 160 } else { 70 };
    let segments = if service.is_some() { 0 } else { length(body).div_ceil(one) };
    let date = now.to_rfc2822();
    json!({
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": body,
        "date_created": date,
        "date_sent": null,
        "date_updated": date,
        "direction": "outbound-api",
        "error_code": null,
        "error_message": null,
        "from": request.text("/From"),
        "messaging_service_sid": service,
        "num_media": "0",
        "num_segments": segments.to_string(),
        "price": null,
        "price_unit": null,
        "sid": sid,
        "status": if service.is_some() { "accepted" } else { "queued" },
        "subresource_uris": { "media": format!("{base}/Media.json") },
        "to": request.text("/To"),
        "uri": format!("{base}.json"),
    })
}
