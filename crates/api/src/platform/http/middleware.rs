//! What happens around every request: its id, its time limit, its panic, its problem body, its headers.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpResponse, ResponseError as _, web};
use finops_contract::accounts::Locale;
use finops_contract::{ErrorCode, Problem};
use futures_util::FutureExt as _;

use super::error::{ApiError, write_problem};
use super::extract::{self, BODY_TIMEOUT};
use super::{ctx, docs};
use crate::platform::auth::api_keys::Allowance;
use crate::platform::state::State;

/// How long a handler may take. The database's own timeouts are shorter: dropping a future stops nothing there.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(10);
/// Long work that answers when it is done: the daily batch, and files of costs.
const LONG_PATHS: [&str; 2] = ["/api/cron/daily-batch", "/api/costs/import"];
/// How long that may take.
const LONG_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// How long a file of any size may take. It can be gone on with after that.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(3_600);

/// Gives every failure the shape of a problem: ours, actix's own, time-outs and panics.
///
/// # Errors
/// A [`Lost`] request, already rendered, when no response came out of it.
pub async fn problems(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    // The request itself must not be cloned before it is routed.
    let asked = ctx::locale(request.request());
    let request_id = ctx::request_id(request.request());
    let limit = time_limit(request.path());
    let call = tokio::time::timeout(limit, AssertUnwindSafe(next.call(request)).catch_unwind()).await;
    let lost = |error: ApiError| {
        log(&error, &request_id);
        Err(Lost { problem: error.problem(asked.unwrap_or_default(), request_id.clone()) }.into())
    };
    let mut response = match call {
        Ok(Ok(Ok(response))) => response.map_into_boxed_body(),
        Ok(Ok(Err(error))) => match error.as_error::<ApiError>() {
            Some(error) => return lost(ApiError { fields: error.fields.clone(), ..ApiError::new(error.code) }),
            None => return lost(ApiError::new(code_of(error.as_response_error().status_code().as_u16()))),
        },
        Ok(Err(panic)) => {
            return lost(ApiError::internal(anyhow::anyhow!("a handler panicked: {}", panic_text(&*panic))));
        }
        Err(_) => return lost(ApiError::new(ErrorCode::Unavailable).with_retry_after(1)),
    };
    // Who did not say which language they want is answered in their account's, once it is known whose it is.
    let locale = asked.unwrap_or_else(|| response.request().extensions().get::<Locale>().copied().unwrap_or_default());
    let status = response.status();
    if (status.is_client_error() || status.is_server_error()) && !is_problem(response.headers()) {
        let (problem, more) = match response.response().error().and_then(|error| error.as_error::<ApiError>()) {
            Some(error) => {
                log(error, &request_id);
                (error.problem(locale, request_id.clone()), error.more.clone())
            }
            None => (ApiError::new(code_of(status.as_u16())).problem(locale, request_id.clone()), None),
        };
        let headers = std::mem::replace(response.headers_mut(), HeaderMap::new());
        let mut written = write_problem(status, &problem, more.as_deref());
        for (name, value) in headers {
            if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
                written.headers_mut().append(name, value);
            }
        }
        response = ServiceResponse::new(response.request().clone(), written);
    }
    finish(&mut response, &request_id);
    Ok(response)
}

/// How long the handler of this path may take, once its body is there.
pub fn time_limit(path: &str) -> Duration {
    let handler = if LONG_PATHS.contains(&path) {
        LONG_TIMEOUT
    } else if extract::is_streamed(path) {
        UPLOAD_TIMEOUT
    } else {
        HANDLER_TIMEOUT
    };
    // The body's own limit answers first, and tells a slow caller from a slow service.
    handler + BODY_TIMEOUT
}

/// Answers a request that goes no further, in the shape of every failure.
pub fn refuse(request: ServiceRequest, error: &ApiError) -> ServiceResponse<BoxBody> {
    let request_id = ctx::request_id(request.request());
    log(error, &request_id);
    let locale = ctx::locale(request.request()).unwrap_or_default();
    let headers = error.error_response().headers().clone();
    let mut written =
        write_problem(error.status_code(), &error.problem(locale, request_id.clone()), error.more.as_deref());
    for (name, value) in headers {
        written.headers_mut().append(name, value);
    }
    let mut response = request.into_response(written);
    finish(&mut response, &request_id);
    response
}

/// What every answer carries.
fn finish(response: &mut ServiceResponse<BoxBody>, request_id: &str) {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    let allowance = response.request().extensions().get::<Allowance>().copied();
    if let Some(allowance) = allowance {
        rate_limit_headers(response.headers_mut(), allowance);
    }
    let state = response.request().app_data::<web::Data<State>>().cloned();
    if state.as_ref().is_some_and(|state| state.stopping.has_begun()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let tls = state.is_some_and(|state| state.config.public_url.starts_with("https://"));
    let path = response.request().path();
    let (is_api, is_docs) = (path.starts_with("/api/"), path.starts_with("/docs/"));
    if is_docs {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(docs::SWAGGER_POLICY));
    }
    secure_headers(response.headers_mut(), is_api, tls);
}

/// How much of its quota an API key has left (draft-ietf-httpapi-ratelimit-headers).
fn rate_limit_headers(headers: &mut HeaderMap, Allowance { quota, remaining, resets_in, .. }: Allowance) {
    for (name, value) in [
        ("ratelimit-policy", format!("\"minute\";q={quota};w=60")),
        ("ratelimit", format!("\"minute\";r={remaining};t={resets_in}")),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn is_problem(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/problem+json"))
}

/// A request that no response came out of: it panicked, or took too long.
#[derive(Debug)]
pub struct Lost {
    problem: Problem,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem.code)
    }
}

impl actix_web::ResponseError for Lost {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = write_problem(self.status_code(), &self.problem, None);
        if let Ok(value) = HeaderValue::from_str(&self.problem.request_id) {
            response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
        }
        response
    }
}

/// Failures of ours are logged once, here; the caller's mistakes are theirs. With the request's id, because not every
/// request has a span that says it.
fn log(error: &ApiError, request_id: &str) {
    // Answers that programs ask for thousands of times a second: counted, and what is behind them is logged once elsewhere.
    let is_answer = matches!(error.code, ErrorCode::BudgetExceeded | ErrorCode::GuardUnavailable);
    if error.code == ErrorCode::Internal {
        tracing::error!(code = %error.code, error = %error, request_id, "request failed");
    } else if error.status_code().is_server_error() && !is_answer {
        tracing::warn!(code = %error.code, error = %error, request_id, "request could not be served now");
    } else {
        tracing::debug!(code = %error.code, request_id, "request refused");
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

const fn code_of(status: u16) -> ErrorCode {
    match status {
        401 => ErrorCode::Unauthenticated,
        403 => ErrorCode::Forbidden,
        404 => ErrorCode::NotFound,
        405 => ErrorCode::MethodNotAllowed,
        408 => ErrorCode::RequestTimeout,
        409 => ErrorCode::Conflict,
        413 => ErrorCode::PayloadTooLarge,
        415 => ErrorCode::UnsupportedMediaType,
        429 => ErrorCode::RateLimited,
        503 => ErrorCode::Unavailable,
        500..=599 => ErrorCode::Internal,
        _ => ErrorCode::BadRequest,
    }
}

/// Answers of the API are nobody else's business: not framed, not sniffed, not cached.
fn secure_headers(headers: &mut HeaderMap, is_api: bool, tls: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "same-origin");
    if is_api {
        set(header::CACHE_CONTROL, "no-store");
    }
    if tls {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

/// Counts and times every request by its route, never by its path: ids must not become labels.
pub async fn measure(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let state = request.app_data::<web::Data<State>>().cloned();
    let method = request.method().clone();
    let started = std::time::Instant::now();
    let answer = next.call(request).await;
    if let Some(state) = state {
        let (route, status) = match &answer {
            Ok(response) => (response.request().match_pattern(), response.status()),
            // The request is gone, and with it the route that it took.
            Err(error) => (Some("lost".into()), error.as_response_error().status_code()),
        };
        state.metrics.request(&method, route.as_deref().unwrap_or("other"), status.as_u16(), started.elapsed());
    }
    answer
}
