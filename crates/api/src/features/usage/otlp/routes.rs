//! `POST /otlp/v1/traces`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use finops_contract::ErrorCode;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message as _;
use serde_json::json;

use super::super::ingest::Sender;
use super::{Report, json, protobuf, sort, take};
use crate::features::Shared;
use crate::platform::http::extract::{media_type, read_unpacked};
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiError, ApiResult, Keyed, ctx};
use crate::platform::state::State;

/// The largest export, packed and unpacked.
const LIMIT: usize = 2 * 1024 * 1024;
const PROTOBUF: &str = "application/x-protobuf";

/// The route, which lies outside of `/api`: exporters add its end to what they are given.
pub(in crate::features::usage) fn routes(config: &mut Routes<'_>) {
    config.service(export_traces);
}

/// Take traces from OpenTelemetry
///
/// OTLP/HTTP: point an exporter's endpoint for traces here, with a key in its headers (`x-api-key=fin_…`). Calls to
/// models (`gen_ai.operation.name` chat, text_completion, generate_content, embeddings) become events; spans of agents
/// and tools repeat what the calls in them used and are left out, as are spans without usage. `finops.project_id` on a
/// span or its resource names the project; every field of an event can be given as `finops.` and its snake_case name.
///
/// The answer is in the format of the request. Spans that could not be taken are counted in `partialSuccess`; they must
/// not be sent again. Failures are problems like everywhere here, in place of OTLP's `Status`: exporters read the status
/// code and `Retry-After`, and people read the problem in the exporter's log.
#[utoipa::path(
    tag = "usage",
    security(("session" = []), ("api_key" = ["ingest"])),
    request_body(content(
        (Object = "application/json", example = json!({"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "support-bot"}}]},
            "scopeSpans": [{"spans": [{
                "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "chat gpt-5.4", "kind": 3,
                "startTimeUnixNano": "1774000000000000000", "endTimeUnixNano": "1774000001500000000",
                "attributes": [
                    {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                    {"key": "gen_ai.provider.name", "value": {"stringValue": "openai"}},
                    {"key": "gen_ai.response.model", "value": {"stringValue": "gpt-5.4"}},
                    {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "100"}},
                    {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "180"}}
                ]
            }]}]
        }]})),
        (String = "application/x-protobuf", example = json!("\n\u{0}"))
    )),
    responses((status = 200, description = "Taken, but for what `partialSuccess` counts", content(
        (Object = "application/json", example = json!({"partialSuccess": {"rejectedSpans": "1", "errorMessage": "5b8efff7…: quantity_invalid /input_tokens: must be a whole number from 0 to 10000000000"}})),
        (String = "application/x-protobuf", example = json!(""))
    )))
)]
#[post("/otlp/v1/traces")]
async fn export_traces(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    request: HttpRequest,
    payload: web::Payload,
) -> ApiResult<HttpResponse> {
    let is_protobuf = format(&request)?;
    let body = read_unpacked(&request, &mut payload.into_inner(), LIMIT).await?;
    let sender = Sender::of(&ctx, &state.db).await?;
    let _turn = shared.ingest.turn().await?;
    let (mut calls, mut report) = (Vec::new(), Report::default());
    let each = |resource: &super::attributes::Attributes, span: Result<super::span::Span, _>| match span {
        Ok(span) => sort(span.see(resource), &span.name(), &mut calls, &mut report),
        Err(reject) => report.reject("a span", &reject),
    };
    if is_protobuf {
        protobuf::read(body, each)?;
    } else {
        let text = std::str::from_utf8(&body)
            .map_err(|error| ApiError::new(ErrorCode::MalformedJson).with_detail(error.to_string()))?;
        json::read(text, each)?;
    }
    take(&shared.ingest, &state.db, &sender, calls, &mut report).await?;
    Ok(if is_protobuf { in_protobuf(&report) } else { in_json(&report) })
}

/// Whether the body is protobuf; else it is JSON.
fn format(request: &HttpRequest) -> ApiResult<bool> {
    match media_type(request).as_str() {
        PROTOBUF | "application/protobuf" => Ok(true),
        "application/json" => Ok(false),
        _ => {
            let detail = "send application/x-protobuf or application/json";
            Err(ApiError::new(ErrorCode::UnsupportedMediaType).with_detail(detail))
        }
    }
}

fn in_json(report: &Report) -> HttpResponse {
    let message = report.message();
    HttpResponse::Ok().json(if message.is_empty() {
        json!({})
    } else {
        json!({"partialSuccess": {"rejectedSpans": report.rejected.to_string(), "errorMessage": message}})
    })
}

fn in_protobuf(report: &Report) -> HttpResponse {
    let error_message = report.message();
    let rejected_spans = i64::try_from(report.rejected).unwrap_or(i64::MAX);
    let partial_success =
        (!error_message.is_empty()).then_some(ExportTracePartialSuccess { rejected_spans, error_message });
    let answer = ExportTraceServiceResponse { partial_success }.encode_to_vec();
    HttpResponse::Ok().content_type(PROTOBUF).body(answer)
}
