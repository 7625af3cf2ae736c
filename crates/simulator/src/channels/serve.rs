//! The HTTP side: what arrives is written down, what is to go wrong goes wrong, and the vendor answers.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::answer::{Answer, Request};
use super::inbox::Letter;
use super::{Channel, pagerduty, resend, sendgrid, sink, slack, twilio};
use crate::connection::Connection;
use crate::control::Control;
use crate::faults::Fault;
use crate::world::World;

/// Registers the routes.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    for channel in Channel::ALL {
        config.service(
            web::resource(format!("/{}/{{path:.*}}", channel.name())).app_data(web::PayloadConfig::new(1 << 20)).to(
                move |control: web::Data<Control>, request: HttpRequest, body: Bytes| {
                    handle(channel, control, request, body)
                },
            ),
        );
    }
}

async fn handle(channel: Channel, control: web::Data<Control>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (letter, fault) = arrive(&mut control.world.lock(), channel, &request, &body);
    control.world.announce();
    let unusual = match &fault {
        Some(Fault::Reset) => {
            Connection::of(&request).cut();
            // Nobody hears this any more.
            return HttpResponse::InternalServerError().finish();
        }
        Some(Fault::Hang { seconds }) => {
            tokio::time::sleep(Duration::try_from_secs_f64(*seconds).unwrap_or(Duration::MAX)).await;
            None
        }
        Some(fault) => unusual(channel, fault),
        None => None,
    };
    let answer = {
        let mut world = control.world.lock();
        let (answer, accepted) = match unusual {
            Some(answer) => (answer, false),
            None => usual(&mut world, &request, &letter),
        };
        if let Some(letter) = world.post.letter(letter.number) {
            (letter.status, letter.accepted) = (Some(answer.status), accepted);
        }
        answer
    };
    control.world.announce();
    send(answer)
}

/// Writes the request down and picks its fault.
fn arrive(world: &mut World, channel: Channel, request: &HttpRequest, body: &[u8]) -> (Letter, Option<Fault>) {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    let mut headers: BTreeMap<String, String> = headers.collect();
    let credential = headers.remove("authorization");
    let key = credential.as_deref().and_then(|credential| credential.strip_prefix("Bearer "));
    let fault = world.faults.take(request.path(), None, key);
    let body = String::from_utf8_lossy(body).into_owned();
    world.post.last += 1;
    let letter = Letter {
        number: world.post.last,
        channel,
        at: world.now(),
        path: request.path().to_owned(),
        content: content(headers.get("content-type").map_or("", String::as_str), &body),
        headers,
        body,
        status: None,
        accepted: false,
    };
    world.post.letters.push(letter.clone());
    (letter, fault)
}

fn content(kind: &str, body: &str) -> Value {
    if kind.starts_with("application/x-www-form-urlencoded") {
        let fields = web::Query::<Vec<(String, String)>>::from_query(body).map(web::Query::into_inner);
        let fields: Vec<(String, String)> = fields.unwrap_or_default();
        // Slack takes its JSON in a form, too.
        if let [(name, value)] = fields.as_slice()
            && name == "payload"
        {
            return serde_json::from_str(value).unwrap_or(Value::Null);
        }
        return Value::Object(fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect());
    }
    serde_json::from_str(body).unwrap_or(Value::Null)
}

/// The vendor's own answer, and whether it took something.
fn usual(world: &mut World, request: &HttpRequest, letter: &Letter) -> (Answer, bool) {
    let now = world.now();
    let (channel, number) = (letter.channel, letter.number);
    let request = Request {
        method: request.method().as_str(),
        path: letter.path.strip_prefix(&format!("/{}", channel.name())).unwrap_or_default(),
        authorization: request.headers().get("authorization").and_then(|value| value.to_str().ok()),
        headers: &letter.headers,
        body: &letter.body,
        content: &letter.content,
    };
    let post = &mut world.post;
    let (answer, new) = match channel {
        Channel::Slack => (slack::answer(post, &request), true),
        Channel::Resend => resend::answer(post, &request, number, now),
        Channel::SendGrid => (sendgrid::answer(post, &request, number), true),
        Channel::Twilio => (twilio::answer(post, &request, number, now), true),
        Channel::PagerDuty => (pagerduty::answer(post, &request, number), true),
        Channel::Webhook => (sink::answer(&request), true),
    };
    let taken = new && (200..300).contains(&answer.status);
    (answer, taken)
}

/// An answer that has nothing to do with the request; `None`: the fault is about pages, which nobody here has.
fn unusual(channel: Channel, fault: &Fault) -> Option<Answer> {
    match fault {
        Fault::Status { status, retry_after, .. } => {
            let answer = match channel {
                Channel::Slack => slack::failure(*status),
                Channel::Resend => resend::failure(*status),
                Channel::SendGrid => sendgrid::failure(*status),
                Channel::Twilio => twilio::failure(*status),
                Channel::PagerDuty => pagerduty::failure(*status),
                Channel::Webhook => sink::failure(*status),
            };
            Some(match retry_after {
                Some(after) => answer.with("retry-after", after.clone()),
                None => answer,
            })
        }
        Fault::Redirect { status, location } => {
            Some(Answer::text(*status, "text/plain", "").with("location", location.clone()))
        }
        Fault::Html => Some(Answer::text(200, "text/html", "<!DOCTYPE html><html><body>Network sign-in</body></html>")),
        _ => None,
    }
}

fn send(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status).content_type(answer.content_type).body(answer.body);
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
