//! OTLP in JSON: ids in hex, enums as integers, 64-bit integers as strings or numbers, unknown fields ignored.

use std::borrow::Cow;

use finops_contract::ErrorCode;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::reject::Reject;
use super::attributes::{Attributes, Value};
use super::span::Span;
use crate::platform::http::{ApiError, ApiResult};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Export<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    resource_spans: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    resource: Attributed<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    scope_spans: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct ScopeSpans<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    spans: Vec<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Attributed<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    attributes: Vec<KeyValue<'a>>,
}

#[derive(Deserialize)]
struct KeyValue<'a> {
    #[serde(borrow, default)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonSpan<'a> {
    #[serde(default, deserialize_with = "nullable")]
    trace_id: String,
    #[serde(default, deserialize_with = "nullable")]
    span_id: String,
    #[serde(default, deserialize_with = "int64")]
    start_time_unix_nano: Option<i64>,
    #[serde(default, deserialize_with = "int64")]
    end_time_unix_nano: Option<i64>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    attributes: Vec<KeyValue<'a>>,
    #[serde(default, deserialize_with = "nullable")]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default, deserialize_with = "int64")]
    code: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyValue<'a> {
    #[serde(default)]
    string_value: Option<String>,
    #[serde(default, deserialize_with = "int64")]
    int_value: Option<i64>,
    #[serde(default)]
    double_value: Option<f64>,
    #[serde(default)]
    bool_value: Option<bool>,
    #[serde(borrow, default)]
    array_value: Option<Values<'a>>,
}

#[derive(Deserialize)]
struct Values<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    values: Vec<&'a RawValue>,
}

/// In protobuf's JSON, null is what is not there.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A 64-bit integer as a number or as a string of one.
fn int64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    match Option::<Either>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Either::Number(number)) => Ok(Some(number)),
        Some(Either::Text(text)) => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

/// Hands over each span with its resource's attributes.
///
/// # Errors
/// `malformed_json`, for what is JSON but no export as well: OTLP knows one answer to both.
pub(super) fn read(text: &str, mut each: impl FnMut(&Attributes, Result<Span, Reject>)) -> ApiResult<()> {
    let export: Export<'_> = parse(text)?;
    for resource in export.resource_spans {
        let ResourceSpans { resource, scope_spans } = parse(resource.get())?;
        let resource = attributes(resource.attributes);
        for scope in scope_spans {
            let ScopeSpans { spans } = parse(scope.get())?;
            for span in spans {
                each(&resource, read_span(span.get()));
            }
        }
    }
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> ApiResult<T> {
    object(text).map_err(|error| ApiError::new(ErrorCode::MalformedJson).with_detail(error.to_string()))
}

/// Reads an object. serde would read one from an array as well.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    if text.trim_start().starts_with('[') {
        return Err(serde::de::Error::custom("must be an object"));
    }
    serde_json::from_str(text)
}

fn read_span(text: &str) -> Result<Span, Reject> {
    let span: JsonSpan<'_> = object(text).map_err(|error| Reject::json(&error, ""))?;
    let time = |nanos: Option<i64>| nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or_default();
    Ok(Span {
        trace_id: span.trace_id.to_ascii_lowercase(),
        span_id: span.span_id.to_ascii_lowercase(),
        start: time(span.start_time_unix_nano),
        end: time(span.end_time_unix_nano),
        failed: span.status.code == Some(2),
        attributes: attributes(span.attributes),
    })
}

/// What cannot be read, or is of a kind that no event has a place for, is as good as absent.
fn attributes(list: Vec<KeyValue<'_>>) -> Attributes {
    let mut attributes = Attributes::default();
    for KeyValue { key, value } in list {
        if let Some(value) = value.filter(|_| Attributes::wants(&key)).and_then(|raw| any_value(raw.get())) {
            attributes.add(key.into_owned(), value);
        }
    }
    attributes
}

fn any_value(text: &str) -> Option<Value> {
    let value: AnyValue<'_> = serde_json::from_str(text).ok()?;
    if let Some(values) = value.array_value {
        let text = |raw: &&RawValue| match any_value(raw.get()) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        return values.values.iter().map(text).collect::<Option<_>>().map(Value::Texts);
    }
    let int = value.int_value.map(Value::Int);
    let double = value.double_value.map(Value::Double);
    value.string_value.map(Value::Text).or(int).or(double).or(value.bool_value.map(Value::Bool))
}

#[cfg(test)]
mod tests {
    use finops_contract::ErrorCode;

    use super::{Attributes, Span, Value, read};

    fn spans(text: &str) -> Vec<(Attributes, Result<Span, ErrorCode>)> {
        let mut spans = Vec::new();
        read(text, |resource, span| spans.push((resource.clone(), span.map_err(|reject| reject.code)))).unwrap();
        spans
    }

    fn wrapped(span: &str) -> String {
        format!(
            r#"{{"_note":1,"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"bot"}}}}]}},
            "schemaUrl":"x","scopeSpans":[{{"scope":{{"name":"lib"}},"spans":[{span}]}}]}}]}}"#
        )
    }

    #[test]
    fn integers_come_as_strings_and_as_numbers() {
        for (start, tokens) in [("\"1700000000000000000\"", "\"100\""), ("1700000000000000000", "100")] {
            let read = spans(&wrapped(&format!(
                r#"{{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","kind":3,"parentSpanId":null,
                "startTimeUnixNano":{start},"status":null,"events":[{{"name":"x"}}],"flags":257,
                "attributes":[{{"key":"gen_ai.usage.input_tokens","value":{{"intValue":{tokens}}}}},
                    {{"key":"gen_ai.response.finish_reasons","value":{{"arrayValue":{{"values":[{{"stringValue":"stop"}}]}}}}}},
                    {{"key":"gen_ai.odd","value":{{"kvlistValue":{{}}}}}},{{"key":"gen_ai.none","value":null}},
                    {{"key":"gen_ai.wrong","value":{{"intValue":"many"}}}}]}}"#
            )));
            let (resource, span) = &read[0];
            let span = span.as_ref().unwrap();
            assert_eq!(resource.text(&["service.name"]), Some("bot"));
            assert_eq!(
                (span.trace_id.as_str(), span.start),
                ("5b8efff798038103d269b633813fc60c", 1_700_000_000_000_000_000)
            );
            assert_eq!(span.attributes.first(&["gen_ai.usage.input_tokens"]), Some(&Value::Int(100)));
            let reasons = span.attributes.first(&["gen_ai.response.finish_reasons"]);
            assert_eq!(reasons, Some(&Value::Texts(vec!["stop".into()])));
            assert_eq!(span.attributes.first(&["gen_ai.odd", "gen_ai.none", "gen_ai.wrong"]), None);
        }
    }

    #[test]
    fn a_wrong_span_is_wrong_alone_and_a_wrong_export_as_a_whole() {
        let read_both = spans(&wrapped(r#"{"traceId":7},["5b8efff7"],{"status":{"code":2}}"#));
        assert_eq!(read_both[0].1, Err(ErrorCode::ValidationFailed));
        assert_eq!(read_both[1].1, Err(ErrorCode::ValidationFailed));
        assert!(read_both[2].1.as_ref().unwrap().failed);
        assert!(spans("{}").is_empty() && spans(r#"{"resourceSpans":null}"#).is_empty());
        for text in ["", "{", "[]", "7", r#"{"resourceSpans":{}}"#, r#"{"resourceSpans":[7]}"#] {
            assert_eq!(read(text, |_, _| ()).unwrap_err().code, ErrorCode::MalformedJson, "{text}");
        }
    }
}
