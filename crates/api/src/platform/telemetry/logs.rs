//! Structured logs.

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use tracing::Span;
use tracing_actix_web::{DefaultRootSpanBuilder, RequestId, RootSpanBuilder};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::platform::config::LogFormat;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_FILTER: &str = "info,sqlx=warn,aws_config=warn";

/// Sends logs to standard error. Does nothing when a subscriber is already installed.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let registry = tracing_subscriber::registry().with(filter);
    let installed = match format {
        LogFormat::Json => {
            let layer = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false);
            registry.with(layer.with_writer(std::io::stderr)).try_init()
        }
        LogFormat::Text => registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).try_init(),
    };
    if installed.is_err() {
        tracing::debug!("a log subscriber is already installed");
    }
}

/// Where programs report usage: thousands of requests a second, of which nobody reads a line each. What went well is
/// counted in the metrics, and logged at DEBUG only; what did not is logged as everywhere.
const BUSY: [&str; 5] =
    ["/api/usage/track", "/api/usage-events", "/api/usage/bulk", "/api/cloudevents", "/otlp/v1/traces"];

/// Where programs ask whether they may go on, below: as many requests, and a refusal is an answer as good as any.
const GUARD: &str = "/api/guard/";

/// The span of a request: method, route, status, latency, request id. Never the query string or a header that could
/// carry a secret.
#[derive(Debug)]
pub struct RequestSpan;

/// A span of a request, at a level.
macro_rules! request_span {
    ($level:ident, $request:ident) => {
        tracing::span!(
            tracing::Level::$level,
            "request",
            http.method = %$request.method(),
            http.route = $request.match_pattern().as_deref().unwrap_or("other"),
            http.status_code = tracing::field::Empty,
            request_id = request_id($request).as_deref(),
            otel.status_code = tracing::field::Empty,
            exception.message = tracing::field::Empty,
            exception.details = tracing::field::Empty,
        )
    };
}

fn request_id(request: &ServiceRequest) -> Option<String> {
    HttpMessage::extensions(request).get::<RequestId>().map(ToString::to_string)
}

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let reports = request.method() == Method::POST && BUSY.contains(&request.path());
        if reports || request.path().starts_with(GUARD) {
            request_span!(DEBUG, request)
        } else {
            request_span!(INFO, request)
        }
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, actix_web::Error>) {
        DefaultRootSpanBuilder::on_request_end(span.clone(), outcome);
        let Ok(response) = outcome else { return };
        let status = response.status();
        if !span.is_disabled() {
            span.in_scope(|| tracing::info!(status = status.as_u16(), "answered"));
        } else if !status.is_success() && !response.request().path().starts_with(GUARD) {
            let request_id = response.response().headers().get("x-request-id").and_then(|id| id.to_str().ok());
            let route = response.request().match_pattern();
            tracing::info!(status = status.as_u16(), http.route = route, request_id, "answered");
        }
    }
}
