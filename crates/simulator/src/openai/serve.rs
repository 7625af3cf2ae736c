//! The HTTP side of `/v1`: who asks, what goes wrong, and the answer on the wire.

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, RETRY_AFTER};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::{StreamExt, stream};

use super::errors::ApiError;
use super::request::{Answer, ApiRequest, Params};
use super::{mutate, routes};
use crate::control::{Control, RequestRecord};
use crate::faults::{ErrorShape, Fault};
use crate::rng;
use crate::world::World;

/// How much white space a huge answer sends at a time.
const CHUNK: u64 = 64 * 1024;
/// How long a truncated answer waits before it breaks off.
const FLUSHED: Duration = Duration::from_millis(20);

/// Registers the routes. Unknown paths are answered by the same handler, in the provider's words.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.app_data(web::PayloadConfig::new(1 << 20)).service(web::resource("/v1/{path:.*}").to(handle));
}

/// A request as it arrived: who sent it, and what is to happen to it.
struct Arrival {
    key: Option<String>,
    /// What the answer calls the key's organization.
    called: Option<String>,
    request_id: String,
    fault: Option<Fault>,
}

async fn handle(control: web::Data<Control>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let arrival = arrive(&mut control.world.lock(), &request);
    match &arrival.fault {
        Some(Fault::Status { .. } | Fault::Html) => return broken(&arrival),
        Some(Fault::Hang { seconds }) => {
            let wait = Duration::try_from_secs_f64(*seconds).unwrap_or(Duration::MAX);
            tokio::time::sleep(wait).await;
        }
        _ => {}
    }
    let answer = answer(&mut control.world.lock(), &request, &body, &arrival);
    match answer {
        Ok(answer) => finish(&arrival, answer),
        Err(error) => failure(&arrival, &error, ErrorShape::Object),
    }
}

/// Records the request and picks its fault.
fn arrive(world: &mut World, request: &HttpRequest) -> Arrival {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = header.and_then(|value| value.strip_prefix("Bearer ")).map(|key| key.trim().to_owned());
    let known = key.as_ref().and_then(|key| world.keys.get(key));
    let known = known.map(|key| &world.organizations[key.organization]);
    let organization = known.map(|organization| organization.spec.id.clone());
    let called = known.and_then(|organization| organization.called.clone());
    let fault = world.faults.take(request.path(), organization.as_deref(), key.as_deref());
    world.answered += 1;
    let request_id = format!("req_{}", rng::identifier(world.answered, 32));
    world.requests.push(RequestRecord {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        organization,
        request_id: request_id.clone(),
    });
    Arrival { key, called, request_id, fault }
}

/// The usual answer.
fn answer(world: &mut World, request: &HttpRequest, body: &[u8], arrival: &Arrival) -> Result<Answer, ApiError> {
    let now = world.now();
    let given = arrival.key.as_deref().ok_or_else(ApiError::no_key)?;
    let key = world.keys.get_mut(given).filter(|key| !key.revoked).ok_or_else(|| ApiError::invalid_key(given))?;
    key.last_used_at = Some(now.timestamp());
    let scope = routes::scope(request.method().as_str(), request.path());
    if key.scopes.as_ref().is_some_and(|scopes| !scopes.iter().any(|known| known == scope)) {
        return Err(ApiError::missing_scope(scope));
    }
    let organization = key.organization;
    let request = ApiRequest {
        method: request.method().as_str(),
        path: request.path(),
        params: Params::parse(request.query_string())?,
        body,
        now,
        duplicate_page: matches!(arrival.fault, Some(Fault::DuplicatePage)),
        negative: matches!(arrival.fault, Some(Fault::Negative)),
    };
    routes::dispatch(world, organization, &request)
}

/// Headers that every answer has.
fn builder(arrival: &Arrival, status: StatusCode) -> HttpResponseBuilder {
    let mut builder = HttpResponse::build(status);
    builder.insert_header(("x-request-id", arrival.request_id.as_str()));
    builder.insert_header(("openai-version", "2020-10-01"));
    builder.insert_header(("openai-processing-ms", "1"));
    if let Some(called) = &arrival.called {
        builder.insert_header(("openai-organization", called.as_str()));
    }
    builder
}

fn failure(arrival: &Arrival, error: &ApiError, shape: ErrorShape) -> HttpResponse {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    builder(arrival, status).json(error.body(shape))
}

/// Answers that have nothing to do with the question.
fn broken(arrival: &Arrival) -> HttpResponse {
    let Some(Fault::Status { status, retry_after, retry_after_ms, shape, code, message }) = &arrival.fault else {
        return builder(arrival, StatusCode::OK)
            .content_type("text/html; charset=utf-8")
            .body("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Network sign-in</body></html>");
    };
    let waits = retry_after.is_some() || retry_after_ms.is_some();
    let key = arrival.key.as_deref().unwrap_or_default();
    let error = ApiError::of_status(*status, key, waits, code.clone(), message.clone());
    let mut response = failure(arrival, &error, *shape);
    let value = retry_after.as_ref().and_then(|after| after.parse().ok());
    if let Some(value) = value {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    if let Some(milliseconds) = retry_after_ms {
        let name = actix_web::http::header::HeaderName::from_static("retry-after-ms");
        response.headers_mut().insert(name, (*milliseconds).into());
    }
    response
}

/// Sends a successful answer, unless its fault says otherwise.
fn finish(arrival: &Arrival, answer: Answer) -> HttpResponse {
    let mut builder = builder(arrival, StatusCode::OK);
    builder.content_type("application/json");
    let Some(fault) = &arrival.fault else { return builder.body(answer.body) };
    let body = mutate::apply(fault, answer.body, answer.own_cursor.as_deref());
    match fault {
        Fault::Truncate => {
            let whole = body.len() as u64;
            let mut half = Bytes::from(body);
            half.truncate(half.len() / 2);
            // The first half leaves before the connection breaks: an immediate error would take the headers with it.
            let cut = async {
                tokio::time::sleep(FLUSHED).await;
                Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "truncated on demand"))
            };
            let parts = stream::iter([Ok(half)]).chain(stream::once(cut));
            builder.body(SizedStream::new(whole, parts))
        }
        Fault::Huge { bytes } => {
            let total = bytes.saturating_add(body.len() as u64);
            let space = Bytes::from(vec![b' '; CHUNK as usize]);
            let (whole, rest) = (bytes / CHUNK, (bytes % CHUNK) as usize);
            let spaces = (0..whole).map({
                let space = space.clone();
                move |_| space.clone()
            });
            let all = spaces.chain([space.slice(..rest), Bytes::from(body)]).filter(|part| !part.is_empty());
            builder.body(SizedStream::new(total, stream::iter(all.map(Ok::<_, std::io::Error>))))
        }
        _ => builder.body(body),
    }
}
