//! The one error that leaves a handler, and its rendering as problem+json.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use finops_contract::accounts::Locale;
use finops_contract::{ErrorCode, FieldError, Problem};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::platform::exact::Inexact;

/// What a handler answers.
pub type ApiResult<T> = Result<T, ApiError>;

/// A request that failed: a stable code, what happened this time, and the cause for the log.
#[derive(Debug)]
pub struct ApiError {
    /// Why.
    pub code: ErrorCode,
    /// What happened this time, if that says more than the code's title.
    pub detail: Option<String>,
    /// The fields at fault.
    pub fields: Vec<FieldError>,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u64>,
    /// The methods that the address takes, when it was asked with another.
    pub allow: Option<String>,
    /// What the code tells beside what every problem does (RFC 9457's extension members).
    pub more: Option<Box<Map<String, Value>>>,
    /// The cause. Logged once, never answered.
    pub source: Option<anyhow::Error>,
}

impl ApiError {
    /// An error that says no more than its code.
    pub const fn new(code: ErrorCode) -> Self {
        Self { code, detail: None, fields: Vec::new(), retry_after: None, allow: None, more: None, source: None }
    }

    /// An error of our own making, with its cause for the log.
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self { source: Some(source.into()), ..Self::new(ErrorCode::Internal) }
    }

    /// One field that is not valid.
    pub fn field(pointer: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { pointer: pointer.into(), code: code.into(), message: message.into() }])
    }

    /// Several fields that are not valid.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        Self { fields, ..Self::new(ErrorCode::ValidationFailed) }
    }

    /// Adds what happened this time.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds when to try again, in seconds.
    #[must_use]
    pub const fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds the methods that the address takes.
    #[must_use]
    pub fn with_allow(mut self, methods: &str) -> Self {
        self.allow = Some(methods.to_owned());
        self
    }

    /// Adds what the code tells beside: the fields of an object.
    #[must_use]
    pub fn with_more(mut self, more: &impl Serialize) -> Self {
        if let Ok(Value::Object(more)) = serde_json::to_value(more) {
            self.more = Some(Box::new(more));
        }
        self
    }

    /// Adds the cause for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The body, in the caller's language.
    pub fn problem(&self, locale: Locale, request_id: String) -> Problem {
        let title = match locale {
            Locale::Ko => self.code.title_ko(),
            Locale::En => self.code.title_en(),
        };
        Problem {
            kind: format!("/problems/{}", self.code),
            title: title.into(),
            status: self.code.status(),
            code: self.code.name().into(),
            detail: self.detail.clone().unwrap_or_else(|| title.into()),
            errors: self.fields.clone(),
            request_id,
        }
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

fn state_of(error: &sqlx::Error) -> String {
    error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned()
}

/// Whether the database does not answer right now, so that the caller may try again.
pub fn is_busy(error: &sqlx::Error) -> bool {
    // SQLSTATE: 57014 statement timeout, 55P03 lock timeout, 40001/40P01 serialization failure and deadlock; classes 08
    // connection, 53 resources, 57P shutting down or starting up, 28 and 3D a database that takes no connections right
    // now, as 55000 too.
    let state = state_of(error);
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(_) => {
            ["57014", "55P03", "40001", "40P01", "55000"].contains(&state.as_str())
                || ["08", "53", "57P", "28", "3D"].iter().any(|class| state.starts_with(class))
        }
        _ => false,
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        let state = state_of(&error);
        let busy = is_busy(&error);
        // A number that the database holds and an answer cannot.
        let is_inexact = match &error {
            sqlx::Error::ColumnDecode { source, .. } | sqlx::Error::Decode(source) => source.is::<Inexact>(),
            _ => false,
        };
        let is_unstorable = ["22021", "22P05"].contains(&state.as_str());
        let is_too_large = ["22008", "22003"].contains(&state.as_str());
        match error {
            sqlx::Error::RowNotFound => ErrorCode::NotFound.into(),
            _ if is_inexact => Inexact.into(),
            _ if is_unstorable => Self::new(ErrorCode::BadRequest).with_detail("text must not contain NUL"),
            _ if is_too_large => Self::new(ErrorCode::BadRequest).with_detail("a time or a number is out of range"),
            _ if busy => Self::new(ErrorCode::Unavailable).with_retry_after(1).with_source(error),
            _ => Self::internal(error),
        }
    }
}

impl From<Inexact> for ApiError {
    fn from(_: Inexact) -> Self {
        ErrorCode::SumTooLarge.into()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(source) = &self.source {
            write!(f, ": {source:#}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Only the status: the middleware knows the caller's language and request id, and writes the body.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::new(self.status_code());
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = self.allow.as_deref().and_then(|methods| HeaderValue::from_str(methods).ok()) {
            response.headers_mut().insert(ALLOW, methods);
        }
        response
    }
}

/// A problem with what its code tells beside.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    #[serde(flatten)]
    more: Option<&'a Map<String, Value>>,
}

/// Writes a problem as a response.
pub fn write_problem(status: StatusCode, problem: &Problem, more: Option<&Map<String, Value>>) -> HttpResponse {
    let body = serde_json::to_vec(&Body { problem, more }).unwrap_or_default();
    HttpResponse::build(status).content_type("application/problem+json").body(body)
}
