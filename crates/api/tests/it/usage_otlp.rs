//! Traces from OpenTelemetry: JSON and protobuf, packed and not, from a real exporter, and from nobody sane.

use std::io::Write as _;
use std::process::Command;

use finops_contract::ErrorCode;
use finops_contract::usage::{Taken, UsageEvent, UsageReceipt};
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::common::v1::{self as common, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::costs::{project, team};

const TRACES: &str = "/otlp/v1/traces";
/// 2026-03-20T10:29:58Z, two seconds before the tests' time.
const START: u64 = 1_774_002_598_000_000_000;
const DAY: &str = "/api/usage-events?from=2026-03-20T00:00:00Z&limit=200";

fn attribute(key: &str, value: &Value) -> Value {
    let value = match value {
        Value::String(text) => json!({"stringValue": text}),
        // As the specification has it, and as some exporters do.
        Value::Number(number) if key.ends_with("input_tokens") => json!({"intValue": number.to_string()}),
        Value::Number(number) => json!({"intValue": number}),
        other => panic!("{other}"),
    };
    json!({"key": key, "value": value})
}

/// A call to a model as the conventions have it.
fn span(id: u64, response_id: &str, attributes: Value) -> Value {
    let mut all = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.response.id": response_id,
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 50,
        "gen_ai.usage.output_tokens": 180, "gen_ai.usage.reasoning.output_tokens": 50,
    });
    all.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    let attributes: Vec<Value> = all
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| !value.is_null() && **value != "")
        .map(|(key, value)| attribute(key, value))
        .collect();
    json!({
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": format!("{id:016x}"), "name": "chat gpt-4o", "kind": 3,
        "startTimeUnixNano": START.to_string(), "endTimeUnixNano": (START + 1_500_000_000).to_string(),
        "attributes": attributes, "status": {"code": 0}, "flags": 257, "somethingNew": {"a": [1]},
    })
}

fn export(spans: &[Value], resource: Value) -> Value {
    let resource = resource.as_object().unwrap().iter().map(|(key, value)| attribute(key, value)).collect::<Vec<_>>();
    json!({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"scope": {}, "spans": spans}]}]})
}

async fn send(client: &Client, media: &str, encoding: Option<&str>, body: Vec<u8>) -> Answer {
    let mut request = client.request(Method::POST, TRACES).header("content-type", media).body(body);
    if let Some(encoding) = encoding {
        request = request.header("content-encoding", encoding);
    }
    Answer::of(request).await
}

async fn json(client: &Client, export: &Value) -> Value {
    send(client, "application/json", None, export.to_string().into_bytes()).await.status(200)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn ids(client: &Client) -> Vec<String> {
    let events = client.get(DAY).await.ok()["data"].as_array().unwrap().clone();
    let mut ids: Vec<String> = events.iter().map(|event| event["eventId"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_call_becomes_an_event_with_all_that_its_span_says() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    let who = json!({"user.id": "user-1", "enduser.id": "learner-1", "gen_ai.conversation.id": "talk-1"});
    let resource =
        json!({"service.name": "support-bot", "deployment.environment.name": "staging", "finops.project_id": web});
    let body = export(&[span(1, "chatcmpl-123", who)], resource);
    assert_eq!(json(&people.admin, &body).await, json!({}));
    assert_eq!(json(&people.admin, &body).await, json!({}), "an export that is repeated adds nothing");
    assert_eq!(ids(&people.admin).await, ["chatcmpl-123"]);
    let read: UsageEvent = people.admin.get("/api/usage-events/chatcmpl-123").await.read_as();
    let units: Vec<_> = read.units.iter().map(|(kind, n)| (kind.name(), n.0.normalize().to_string())).collect();
    let expected = [("input", "50"), ("cached_input", "50"), ("output", "130"), ("reasoning", "50")];
    assert_eq!(units, expected.map(|(kind, n)| (kind, n.to_owned())));
    assert_eq!(
        (read.source.as_str(), read.model.as_str(), read.provider.as_str()),
        ("otlp", "gpt-4o-2024-08-06", "openai")
    );
    assert_eq!(read.project.map(|project| project.name).as_deref(), Some("web"));
    assert_eq!((read.service.as_deref(), read.environment.map(|e| e.name())), (Some("support-bot"), Some("staging")));
    assert_eq!((read.user_id.as_deref(), read.learner_id.as_deref()), (Some("user-1"), Some("learner-1")));
    assert_eq!((read.session_id.as_deref(), read.response_time, read.failed), (Some("talk-1"), Some(1_500), false));
    assert_eq!(read.timestamp.to_rfc3339(), "2026-03-20T10:29:58+00:00");
    assert!(read.cost.is_some(), "gpt-4o is in the book");
}

#[tokio::test]
async fn what_repeats_usage_or_has_none_is_left_out_and_bad_spans_are_refused_alone() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let old = json!({
        "gen_ai.operation.name": null, "gen_ai.provider.name": null, "gen_ai.usage.input_tokens": null,
        "gen_ai.usage.cache_read.input_tokens": null, "gen_ai.usage.output_tokens": null, "gen_ai.response.id": null,
        "gen_ai.usage.reasoning.output_tokens": null, "gen_ai.system": "openai", "gen_ai.usage.prompt_tokens": 7,
        "gen_ai.usage.completion_tokens": 3,
    });
    let unused = json!({
        "gen_ai.usage.input_tokens": null, "gen_ai.usage.output_tokens": null,
        "gen_ai.usage.cache_read.input_tokens": null, "gen_ai.usage.reasoning.output_tokens": null,
    });
    let without_id = |id: u64, key: &str, value: Value| span(id, "", json!({key: value}));
    let mut late = without_id(9, "user.id", json!("x"));
    late["startTimeUnixNano"] = json!("1544712660000000000");
    let mut wrong = without_id(10, "user.id", json!("x"));
    wrong["spanId"] = json!(7);
    let spans = [
        span(1, "", old),
        without_id(2, "gen_ai.operation.name", json!("invoke_agent")),
        without_id(3, "gen_ai.operation.name", json!("execute_tool")),
        span(4, "", unused),
        without_id(5, "gen_ai.usage.input_tokens", json!(-1)),
        without_id(6, "gen_ai.usage.cache_read.input_tokens", json!(1_000)),
        without_id(7, "finops.project_id", json!("nobody")),
        without_id(8, "error.type", json!("timeout")),
        late,
        wrong,
    ];
    let answer = json(&people.admin, &export(&spans, json!({"service.name": "bot"}))).await;
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "5");
    let message = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    for code in ["quantity_invalid", "tokens_exceed_whole", "project_unknown", "timestamp_too_old", "validation_failed"]
    {
        assert!(message.contains(code), "{code} in {message}");
    }
    let trace = "5b8efff798038103d269b633813fc60c";
    assert_eq!(ids(&people.admin).await, [format!("{trace}-{:016x}", 1), format!("{trace}-{:016x}", 8)]);
    let failed: UsageEvent = people.admin.get(&format!("/api/usage-events/{trace}-{:016x}", 8)).await.read_as();
    assert!(failed.failed);
    // Nothing refused, and still something to say.
    let unknown = export(&[without_id(20, "gen_ai.operation.name", json!("dream"))], json!({}));
    let answer = json(&people.admin, &unknown).await;
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "0");
    assert!(answer["partialSuccess"]["errorMessage"].as_str().unwrap().contains("dream"));
}

#[tokio::test]
async fn one_call_that_is_reported_twice_is_one_and_two_calls_never_are() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let sdk = json!({
        "eventId": "chatcmpl-7", "model": "gpt-4o", "promptTokens": 100, "cachedTokens": 50, "completionTokens": 180,
        "reasoningTokens": 50, "service": "sdk", "timestamp": "2026-03-20T10:29:59Z",
    });
    let receipt: UsageReceipt = people.admin.post("/api/usage/track", sdk).await.read_as();
    assert_eq!(receipt.status, Taken::Accepted);
    // The same call by OpenTelemetry, twice over: two instrumentations see it.
    let body = export(&[span(1, "chatcmpl-7", json!({})), span(2, "chatcmpl-7", json!({"user.id": "x"}))], json!({}));
    assert_eq!(json(&people.admin, &body).await, json!({}));
    assert_eq!(ids(&people.admin).await, ["chatcmpl-7"]);
    // A server that gives the same id to another call.
    let other = export(&[span(3, "chatcmpl-7", json!({"gen_ai.usage.input_tokens": 101}))], json!({}));
    for _ in 0..2 {
        assert_eq!(json(&people.admin, &other).await, json!({}));
        let own = format!("5b8efff798038103d269b633813fc60c-{:016x}", 3);
        assert_eq!(ids(&people.admin).await, [own, "chatcmpl-7".to_owned()]);
    }
}

fn text(value: &str) -> Option<common::AnyValue> {
    Some(common::AnyValue { value: Some(AnyValue::StringValue(value.into())) })
}

fn protobuf(tokens: i64) -> Vec<u8> {
    let attribute = |key: &str, value| KeyValue { key: key.into(), value, ..KeyValue::default() };
    let span = Span {
        trace_id: vec![7; 16],
        span_id: vec![9; 8],
        start_time_unix_nano: START,
        end_time_unix_nano: START + 1,
        attributes: vec![
            attribute("gen_ai.operation.name", text("embeddings")),
            attribute("gen_ai.request.model", text("text-embedding-3-small")),
            attribute("gen_ai.usage.input_tokens", Some(common::AnyValue { value: Some(AnyValue::IntValue(tokens)) })),
        ],
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

#[tokio::test]
async fn protobuf_is_answered_in_protobuf_and_bodies_are_what_they_say() {
    const PROTOBUF: &str = "application/x-protobuf";
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let answer = send(admin, PROTOBUF, Some("gzip"), packed(&protobuf(12))).await;
    answer.status(200);
    assert_eq!((answer.header("content-type"), answer.text.as_str()), (PROTOBUF, ""));
    assert_eq!(ids(admin).await, [format!("{}-{}", "07".repeat(16), "09".repeat(8))]);
    let refused = admin.request(Method::POST, TRACES).header("content-type", PROTOBUF).body(protobuf(-1));
    let refused = refused.send().await.unwrap().bytes().await.unwrap();
    let partial = ExportTraceServiceResponse::decode(refused).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("quantity_invalid"), "{}", partial.error_message);

    let valid = export(&[span(1, "never", json!({}))], json!({})).to_string().into_bytes();
    let bomb = packed(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 64 * 1024);
    let mut cut = packed(&valid);
    cut.truncate(cut.len() - 20);
    for (media, encoding, body, code) in [
        (PROTOBUF, None, b"\x0a\xff".to_vec(), ErrorCode::ProtobufInvalid),
        (PROTOBUF, None, b"\x0a\x03\x12\x02\x12\x7f".to_vec(), ErrorCode::ProtobufInvalid),
        (PROTOBUF, None, valid.clone(), ErrorCode::ProtobufInvalid),
        ("application/json", None, b"{".to_vec(), ErrorCode::MalformedJson),
        ("application/json", None, b"\xff".to_vec(), ErrorCode::MalformedJson),
        ("application/json", None, b"{\"resourceSpans\":7}".to_vec(), ErrorCode::MalformedJson),
        ("application/json", None, [b"[".repeat(10_000), b"]".repeat(10_000)].concat(), ErrorCode::MalformedJson),
        ("application/json", Some("gzip"), bomb, ErrorCode::PayloadTooLarge),
        ("application/json", Some("gzip"), cut, ErrorCode::EncodingInvalid),
        ("application/json", Some("gzip"), valid.clone(), ErrorCode::EncodingInvalid),
        ("application/json", Some("br"), valid.clone(), ErrorCode::UnsupportedMediaType),
        ("application/json", None, vec![b' '; 2 * 1024 * 1024 + 1], ErrorCode::PayloadTooLarge),
        ("text/plain", None, valid, ErrorCode::UnsupportedMediaType),
    ] {
        send(admin, media, encoding, body).await.problem(code);
    }
    assert_eq!(ids(admin).await.len(), 1);
}

/// A key of the admin's.
async fn key(admin: &Client, scopes: &[&str], project: Option<&str>) -> String {
    let body = json!({"name": "OpenTelemetry", "scopes": scopes, "projectId": project});
    admin.post("/api/api-keys", body).await.ok()["key"].as_str().expect("a key").to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the harness is told where its tools are")]
fn python() -> String {
    std::env::var("OTLP_TEST_PYTHON").expect(
        "OTLP_TEST_PYTHON is not set: run `cargo xtask test`, or set it to a Python that has opentelemetry-sdk and \
         opentelemetry-exporter-otlp-proto-http",
    )
}

#[tokio::test]
async fn an_unmodified_exporter_works() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    let ingest = key(&people.admin, &["ingest"], Some(&web)).await;
    let run = async |compression: &'static str, key: &str| {
        let (endpoint, key, script) = (format!("{}{TRACES}", app.url()), key.to_owned(), python());
        let output = tokio::task::spawn_blocking(move || {
            Command::new(script)
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/otlp_exporter.py"))
                .args([endpoint, key, compression.to_owned(), START.to_string()])
                .env_clear()
                .output()
        });
        let output = output.await.unwrap().expect("Python runs");
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}{complained}");
        said.trim().to_owned()
    };
    assert_eq!(run("none", &ingest).await, "SUCCESS");
    assert_eq!(run("gzip", &ingest).await, "SUCCESS");
    assert_eq!(ids(&people.admin).await, ["chatcmpl-gzip", "chatcmpl-none"]);
    let read: UsageEvent = people.admin.get("/api/usage-events/chatcmpl-gzip").await.read_as();
    assert_eq!(read.project.map(|project| project.name).as_deref(), Some("web"), "the key's project");
    assert_eq!((read.service.as_deref(), read.response_time), (Some("exporter-test"), Some(1_200)));
    let units: Vec<_> = read.units.iter().map(|(kind, n)| (kind.name(), n.0.normalize().to_string())).collect();
    assert_eq!(units, [("input", "60".to_owned()), ("cached_input", "40".to_owned()), ("output", "25".to_owned())]);
    let other = key(&people.admin, &["read"], None).await;
    assert_eq!(run("gzip", &other).await, "FAILURE", "and it tells why in its log");
}
