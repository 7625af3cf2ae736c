//! OTLP in protobuf. A message inside another is wired as bytes are, so each level is read as slices of the body, and
//! only spans that are looked at become anything larger.

use finops_contract::ErrorCode;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Status;
use prost::Message as _;
use prost::bytes::Bytes;

use super::super::reject::Reject;
use super::attributes::{Attributes, Value};
use super::span::Span;
use crate::platform::http::{ApiError, ApiResult};

/// `ExportTraceServiceRequest`.
#[derive(prost::Message)]
struct Export {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    resource_spans: Vec<Bytes>,
}

/// `ResourceSpans`.
#[derive(prost::Message)]
struct ResourceSpans {
    #[prost(bytes = "bytes", optional, tag = "1")]
    resource: Option<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    scope_spans: Vec<Bytes>,
}

/// `Resource`.
#[derive(prost::Message)]
struct Resource {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    attributes: Vec<Bytes>,
}

/// `ScopeSpans`.
#[derive(prost::Message)]
struct ScopeSpans {
    #[prost(bytes = "bytes", repeated, tag = "2")]
    spans: Vec<Bytes>,
}

/// `Span`, without its events and links.
#[derive(prost::Message)]
struct WireSpan {
    #[prost(bytes = "bytes", tag = "1")]
    trace_id: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    span_id: Bytes,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(bytes = "bytes", repeated, tag = "9")]
    attributes: Vec<Bytes>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
}

/// Hands over each span with its resource's attributes.
///
/// # Errors
/// `protobuf_invalid`.
pub(super) fn read(body: Bytes, mut each: impl FnMut(&Attributes, Result<Span, Reject>)) -> ApiResult<()> {
    let invalid = |error: prost::DecodeError| ApiError::new(ErrorCode::ProtobufInvalid).with_detail(error.to_string());
    for resource_spans in Export::decode(body).map_err(invalid)?.resource_spans {
        let ResourceSpans { resource, scope_spans } = ResourceSpans::decode(resource_spans).map_err(invalid)?;
        let resource = Resource::decode(resource.unwrap_or_default()).map_err(invalid)?;
        let resource = attributes(resource.attributes).map_err(invalid)?;
        for scope in scope_spans {
            for span in ScopeSpans::decode(scope).map_err(invalid)?.spans {
                let span = WireSpan::decode(span).map_err(invalid)?;
                each(&resource, Ok(read_span(span).map_err(invalid)?));
            }
        }
    }
    Ok(())
}

fn read_span(span: WireSpan) -> Result<Span, prost::DecodeError> {
    Ok(Span {
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        failed: span.status.is_some_and(|status| status.code == 2),
        attributes: attributes(span.attributes)?,
    })
}

/// Ids are 16 and 8 bytes; of anything longer the beginning shows as well that it is none.
fn hex(id: &[u8]) -> String {
    use std::fmt::Write as _;
    id.iter().take(32).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn attributes(list: Vec<Bytes>) -> Result<Attributes, prost::DecodeError> {
    let mut attributes = Attributes::default();
    for bytes in list {
        let KeyValue { key, value, .. } = KeyValue::decode(bytes)?;
        if let Some(value) = value.filter(|_| Attributes::wants(&key)).and_then(any_value) {
            attributes.add(key, value);
        }
    }
    Ok(attributes)
}

fn any_value(value: AnyValue) -> Option<Value> {
    match value.value? {
        Wire::StringValue(text) => Some(Value::Text(text)),
        Wire::BoolValue(bool) => Some(Value::Bool(bool)),
        Wire::IntValue(number) => Some(Value::Int(number)),
        Wire::DoubleValue(number) => Some(Value::Double(number)),
        Wire::ArrayValue(array) => {
            let text = |value: AnyValue| match any_value(value) {
                Some(Value::Text(text)) => Some(text),
                _ => None,
            };
            array.values.into_iter().map(text).collect::<Option<_>>().map(Value::Texts)
        }
        Wire::KvlistValue(_) | Wire::BytesValue(_) | Wire::StringValueStrindex(_) => None,
    }
}
