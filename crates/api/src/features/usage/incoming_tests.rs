use finops_contract::{ErrorCode, UnitKind};

use super::read;

fn refused(json: &str) -> (ErrorCode, String) {
    let reject = read(json).expect_err(json);
    (reject.code, reject.pointer)
}

#[test]
fn what_the_integration_guide_sends_is_taken() {
    let told = read(
        r#"{"projectId":"your-project-id","service":"openai","model":"gpt-4","prompt":"Generate content...",
        "completion":"Generated content...","promptTokens":25,"completionTokens":150,"totalTokens":175,"cost":0.0035,
        "responseTime":1200,"costAllocation":{"department":"marketing","team":"content"},"tags":["product","marketing"]}"#,
    )
    .unwrap();
    assert_eq!(told.used.quantities.get(UnitKind::Input), 25.into());
    assert_eq!(told.used.quantities.get(UnitKind::Output), 150.into());
    assert_eq!(told.reported_cost, Some("0.0035".parse().unwrap()));
    assert_eq!((told.latency_ms, told.tags.len()), (Some(1200), 2));
    assert_eq!(told.cost_allocation.unwrap()["department"], "marketing");
    assert!(told.metadata.is_empty(), "prompts are not kept");
}

#[test]
fn both_spellings_are_one_field() {
    let camel =
        read(r#"{"projectId":"p","promptTokens":1,"learnerId":"l","responseTime":5,"serviceTier":"flex"}"#).unwrap();
    let snake =
        read(r#"{"project_id":"p","prompt_tokens":"1","endUserId":"l","response_time":5,"service_tier":"flex"}"#)
            .unwrap();
    assert_eq!(camel, snake);
    assert_eq!(camel.body_hash(), snake.body_hash());
}

#[test]
fn what_is_not_known_is_kept_as_metadata() {
    let told = read(r#"{"model":"m","traceId":"t1","metadata":{"a":1,"traceId":"mine"}}"#).unwrap();
    assert_eq!(told.metadata["a"], 1);
    assert_eq!(told.metadata["traceId"], "mine", "what the caller calls metadata wins");
    assert_eq!(read(r#"{"model":"m","retries":2}"#).unwrap().metadata["retries"], 2);
}

#[test]
fn tokens_of_unknown_direction_stay_unsplit() {
    let told =
        read(r#"{"model":"gpt-3.5-turbo","cost":0.002,"tokens":150,"timestamp":"2024-01-15T10:30:00Z"}"#).unwrap();
    assert_eq!(told.used.unsplit, 150);
    assert_eq!(told.used.quantities.tokens(), 0.into());
    assert_eq!(told.occurred_at.unwrap().to_rfc3339(), "2024-01-15T10:30:00+00:00");
}

#[test]
fn a_response_id_is_an_event_id() {
    assert_eq!(read(r#"{"responseId":"chatcmpl-1"}"#).unwrap().event_id.as_deref(), Some("chatcmpl-1"));
    assert_eq!(read(r#"{"responseId":"r","eventId":"e"}"#).unwrap().event_id.as_deref(), Some("e"));
}

#[test]
fn times_are_rfc_3339_or_numbers() {
    for (json, expected) in [
        (r#"{"timestamp":"2026-11-24T09:00:00.123456789+09:00"}"#, "2026-11-24T00:00:00.123456+00:00"),
        (r#"{"timestamp":1795478400}"#, "2026-11-24T00:00:00+00:00"),
        (r#"{"timestamp":1795478400123}"#, "2026-11-24T00:00:00.123+00:00"),
    ] {
        assert_eq!(read(json).unwrap().occurred_at.unwrap().to_rfc3339(), expected);
    }
}

#[test]
fn failures_are_told_by_word_or_status() {
    for (json, failed) in [
        (r#"{"status":"error"}"#, true),
        (r#"{"status":500}"#, true),
        (r#"{"status":200}"#, false),
        (r#"{"status":"ok"}"#, false),
    ] {
        assert_eq!(read(json).unwrap().failed, failed, "{json}");
    }
}

#[test]
fn each_mistake_has_its_code_and_place() {
    for (json, code, pointer) in [
        (r#"{"promptTokens":-1}"#, ErrorCode::QuantityInvalid, "/promptTokens"),
        (r#"{"promptTokens":99999999999}"#, ErrorCode::QuantityInvalid, "/promptTokens"),
        (r#"{"promptTokens":1,"cachedTokens":2}"#, ErrorCode::TokensExceedWhole, ""),
        (r#"{"cost":"NaN"}"#, ErrorCode::AmountInvalid, "/cost"),
        (r#"{"cost":1e400}"#, ErrorCode::AmountInvalid, "/cost"),
        (r#"{"cost":-0.01}"#, ErrorCode::AmountInvalid, "/cost"),
        (r#"{"timestamp":"yesterday"}"#, ErrorCode::TimestampInvalid, "/timestamp"),
        (r#"{"model":"a","model":"b"}"#, ErrorCode::DuplicateField, "/model"),
        (r#"{"model":"a\u0000"}"#, ErrorCode::ValidationFailed, "/model"),
        (r#"{"model":["a"]}"#, ErrorCode::ValidationFailed, "/model"),
        (r#"{"tags":"a"}"#, ErrorCode::ValidationFailed, "/tags"),
        (r#"{"environment":"moon"}"#, ErrorCode::ValidationFailed, "/environment"),
        (r#"{"ip":"somewhere"}"#, ErrorCode::ValidationFailed, "/ip"),
        (r#"{"promptTokens":1,"usage":{"prompt_tokens":1}}"#, ErrorCode::ValidationFailed, "/usage"),
        ("nonsense", ErrorCode::MalformedJson, ""),
        ("[]", ErrorCode::ValidationFailed, ""),
    ] {
        assert_eq!(refused(json), (code, pointer.to_owned()), "{json}");
    }
    let deep = format!(r#"{{"metadata":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(refused(&deep), (ErrorCode::MetadataTooDeep, "/metadata".into()));
}
