//! Extractors whose failures are problems like all others.

use std::future::Future;
use std::io::Read as _;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{FromRequest, HttpRequest, web};
use finops_contract::{ErrorCode, FieldError};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use super::error::{ApiError, ApiResult};

/// The largest JSON body, but for endpoints that say otherwise.
pub const JSON_LIMIT: usize = 64 * 1024;
/// The largest file that is sent as a body.
pub const FILE_LIMIT: usize = 8 * 1024 * 1024;
/// Endpoints that take a file.
const FILE_PATHS: [&str; 1] = ["/api/costs/import"];
/// The largest batch of events.
pub const BATCH_LIMIT: usize = 1024 * 1024;
/// Endpoints that take a batch.
const BATCH_PATHS: [&str; 2] = ["/api/usage/bulk", "/api/cloudevents"];

/// Endpoints below a project that take a batch.
const BATCH_BELOW_PROJECTS: (&str, &str) = ("/api/projects/", "/outcomes");

/// Endpoints that take a file of any size as it comes, and those below that take parts of one.
const STREAMED: (&str, &str) = ("/api/usage/import", "/api/usage/imports/");

/// Whether a body is taken as it comes at this path, without a limit to its length.
pub fn is_streamed(path: &str) -> bool {
    path == STREAMED.0 || path.starts_with(STREAMED.1)
}

/// The largest body that the handler of this path takes.
pub fn body_limit(path: &str) -> usize {
    if FILE_PATHS.contains(&path) {
        FILE_LIMIT
    } else if BATCH_PATHS.contains(&path)
        || path.starts_with(BATCH_BELOW_PROJECTS.0) && path.ends_with(BATCH_BELOW_PROJECTS.1)
    {
        BATCH_LIMIT
    } else {
        JSON_LIMIT
    }
}

/// How long a body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The largest body of registering and signing in: strangers send it.
pub const SIGN_IN_LIMIT: usize = 4 * 1024;

/// A JSON body of at most `LIMIT` bytes.
#[derive(Debug)]
pub struct Json<T, const LIMIT: usize = JSON_LIMIT>(pub T);

/// What a DTO is checked for beyond its shape. Implemented for every request DTO by [`crate::checked`].
pub trait Check {
    /// Finds the fields that are not valid.
    ///
    /// # Errors
    /// The fields at fault.
    fn check(&self) -> Result<(), Vec<FieldError>>;
}

impl<T: validator::Validate> Check for T {
    fn check(&self) -> Result<(), Vec<FieldError>> {
        self.validate().map_err(|errors| field_errors(&errors))
    }
}

fn field_errors(errors: &validator::ValidationErrors) -> Vec<FieldError> {
    let mut fields: Vec<FieldError> = errors
        .field_errors()
        .iter()
        .flat_map(|(field, errors)| errors.iter().map(move |error| (field, error)))
        .map(|(field, error)| FieldError {
            pointer: format!("/{}", camel_case(field)),
            code: error.code.to_string(),
            message: message(error),
        })
        .collect();
    fields.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    fields
}

fn message(error: &validator::ValidationError) -> String {
    let bound = |name: &str| error.params.get(name).map(ToString::to_string);
    let unit = if error.code == "length" { " characters" } else { "" };
    match (bound("min"), bound("max")) {
        (Some(min), Some(max)) => format!("must be {min} to {max}{unit}"),
        (None, Some(max)) => format!("must be at most {max}{unit}"),
        (Some(min), None) => format!("must be at least {min}{unit}"),
        (None, None) => match error.code.as_ref() {
            "email" => "must be an e-mail address".into(),
            "blank" => "must not be blank or start or end with a blank".into(),
            "control_character" => "must not hold control characters".into(),
            _ => "is not valid".into(),
        },
    }
}

fn camel_case(snake: &str) -> String {
    let mut upper = false;
    snake
        .chars()
        .filter_map(|c| {
            if c == '_' {
                upper = true;
                return None;
            }
            let c = if std::mem::take(&mut upper) { c.to_ascii_uppercase() } else { c };
            Some(c)
        })
        .collect()
}

/// How long the caller says that the body is.
pub fn announced_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a whole body, bounded in size and time.
///
/// # Errors
/// `payload_too_large`, `request_timeout`, `bad_request`.
pub async fn read_body(request: &HttpRequest, payload: &mut Payload, limit: usize) -> ApiResult<web::BytesMut> {
    if announced_length(request).is_some_and(|length| length > limit) {
        return Err(ErrorCode::PayloadTooLarge.into());
    }
    let read = async {
        let mut body = web::BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| match error {
                PayloadError::Overflow => ApiError::new(ErrorCode::PayloadTooLarge),
                other => ApiError::new(ErrorCode::BadRequest).with_detail(other.to_string()),
            })?;
            if body.len() + chunk.len() > limit {
                return Err(ErrorCode::PayloadTooLarge.into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    tokio::time::timeout(BODY_TIMEOUT, read).await.map_err(|_| ErrorCode::RequestTimeout)?
}

/// Reads a whole body that may be packed with gzip. The limit is that of what comes out as well, so that nothing swells.
///
/// # Errors
/// `payload_too_large`, `encoding_invalid`, `unsupported_media_type` for another packing, and those of [`read_body`].
pub async fn read_unpacked(request: &HttpRequest, payload: &mut Payload, limit: usize) -> ApiResult<web::Bytes> {
    let packed = is_gzip(request)?;
    let body = read_body(request, payload, limit).await?.freeze();
    if !packed {
        return Ok(body);
    }
    let mut unpacked = Vec::new();
    let reader = flate2::bufread::MultiGzDecoder::new(body.as_ref());
    reader
        .take(limit as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| ApiError::new(ErrorCode::EncodingInvalid).with_detail(error.to_string()))?;
    if unpacked.len() > limit { Err(ErrorCode::PayloadTooLarge.into()) } else { Ok(unpacked.into()) }
}

/// Whether a body says that it is packed with gzip.
///
/// # Errors
/// `unsupported_media_type` when it says that it is packed otherwise.
pub fn is_gzip(request: &HttpRequest) -> ApiResult<bool> {
    let encoding = request.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(false),
        "gzip" | "x-gzip" => Ok(true),
        _ => {
            let detail = "send the body as it is, or with Content-Encoding: gzip";
            Err(ApiError::new(ErrorCode::UnsupportedMediaType).with_detail(detail))
        }
    }
}

/// The media type of a body, in lower case and without its parameters; empty if it says none.
pub fn media_type(request: &HttpRequest) -> String {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Reads JSON text into a DTO and checks it.
///
/// # Errors
/// `malformed_json`; `validation_failed` with the field at fault.
pub fn parse_json<T: DeserializeOwned + Check>(body: &[u8]) -> ApiResult<T> {
    // serde reads a struct from an array as well; every body of ours is an object.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| *byte != b'{') {
        serde_json::from_slice::<serde::de::IgnoredAny>(body).map_err(|error| json_error(&error))?;
        return Err(ApiError::field("", "type", "must be an object"));
    }
    let value: T = serde_json::from_slice(body).map_err(|error| json_error(&error))?;
    value.check().map_err(ApiError::fields)?;
    Ok(value)
}

fn json_error(error: &serde_json::Error) -> ApiError {
    use serde_json::error::Category;
    let text = error.to_string();
    if matches!(error.classify(), Category::Syntax | Category::Eof | Category::Io) {
        return ApiError::new(ErrorCode::MalformedJson).with_detail(text);
    }
    // serde names a field in backticks when it is missing, unknown or there twice.
    let named = text.split('`').nth(1).unwrap_or_default();
    let code = ["unknown field", "missing field", "duplicate field"].into_iter().find(|start| text.starts_with(start));
    match code {
        Some(start) => {
            let code = if start == "missing field" { "required".into() } else { start.replace(' ', "_") };
            ApiError::field(format!("/{named}"), &code, text.split(" at line").next().unwrap_or_default())
        }
        None => ApiError::field("", "type", text),
    }
}

/// A JSON body of at most `LIMIT` bytes that the handler reads itself, from its text.
#[derive(Debug)]
pub struct RawJson<const LIMIT: usize = JSON_LIMIT>(web::BytesMut);

impl<const LIMIT: usize> RawJson<LIMIT> {
    /// The text.
    ///
    /// # Errors
    /// `malformed_json` for what is not UTF-8.
    pub fn text(&self) -> ApiResult<&str> {
        std::str::from_utf8(&self.0)
            .map_err(|error| ApiError::new(ErrorCode::MalformedJson).with_detail(error.to_string()))
    }
}

impl<const LIMIT: usize> FromRequest for RawJson<LIMIT> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            require_json(&request)?;
            read_body(&request, &mut payload, LIMIT).await.map(Self)
        })
    }
}

/// Refuses a body that does not say that it is plain JSON.
fn require_json(request: &HttpRequest) -> ApiResult<()> {
    let essence = media_type(request);
    let json = essence == "application/json" || essence.ends_with("+json");
    if !json {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    // Nothing is unpacked, so nothing can swell.
    if request.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let detail = "send the body without Content-Encoding";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType).with_detail(detail));
    }
    Ok(())
}

impl<T: DeserializeOwned + Check + 'static, const LIMIT: usize> FromRequest for Json<T, LIMIT> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            require_json(&request)?;
            let body = read_body(&request, &mut payload, LIMIT).await?;
            parse_json(&body).map(Self)
        })
    }
}

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = std::future::Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = web::Query::<T>::from_query(request.query_string());
        std::future::ready(
            query
                .map(|query| Self(query.into_inner()))
                .map_err(|error| ApiError::new(ErrorCode::InvalidQuery).with_detail(error.to_string())),
        )
    }
}

/// The variables of the path. What cannot be an id of ours does not exist.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = ApiError;
    type Future = std::future::Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let path = web::Path::<T>::from_request(request, payload).into_inner();
        std::future::ready(path.map(|path| Self(path.into_inner())).map_err(|_| ErrorCode::NotFound.into()))
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::ErrorCode;
    use finops_contract::accounts::{LoginRequest, RegisterRequest};

    use super::{camel_case, parse_json};

    #[test]
    fn shape_errors_point_at_their_field() {
        for (body, pointer, code) in [
            (r#"{"email":"a"}"#, "/password", "required"),
            (r#"{"email":"a","password":"b","role":"admin"}"#, "/role", "unknown_field"),
            (r#"{"email":"a","email":"c","password":"b"}"#, "/email", "duplicate_field"),
        ] {
            let error = parse_json::<LoginRequest>(body.as_bytes()).unwrap_err();
            assert_eq!((error.fields[0].pointer.as_str(), error.fields[0].code.as_str()), (pointer, code), "{body}");
        }
    }

    #[test]
    fn an_array_is_no_object_even_if_it_would_fit() {
        for body in [r#"["a@example.com","password"]"#, " []", "null", "1", r#""a""#] {
            let error = parse_json::<LoginRequest>(body.as_bytes()).unwrap_err();
            assert_eq!((error.code, error.fields[0].code.as_str()), (ErrorCode::ValidationFailed, "type"), "{body}");
        }
        assert_eq!(parse_json::<LoginRequest>(b"[").unwrap_err().code, ErrorCode::MalformedJson);
    }

    #[test]
    fn broken_json_is_told_from_wrong_json() {
        assert_eq!(parse_json::<LoginRequest>(b"{").unwrap_err().code, ErrorCode::MalformedJson);
        assert_eq!(parse_json::<LoginRequest>(b"\xff").unwrap_err().code, ErrorCode::MalformedJson);
        let deep = [b'['; 10_000];
        assert!(parse_json::<LoginRequest>(&deep).is_err());
    }

    #[test]
    fn rules_name_every_field_at_once() {
        let body = r#"{"email":"no","password":"short","name":" "}"#;
        let error = parse_json::<RegisterRequest>(body.as_bytes()).unwrap_err();
        let pointers: Vec<_> = error.fields.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/email", "/name", "/password"]);
    }

    #[test]
    fn names_are_those_of_the_json() {
        assert_eq!(camel_case("fiscal_year_start_month"), "fiscalYearStartMonth");
    }
}
