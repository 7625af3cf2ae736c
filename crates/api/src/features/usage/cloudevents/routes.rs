//! `POST /api/cloudevents`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use finops_contract::ErrorCode;
use finops_contract::usage::{MAX_BATCH, UsageBatchAnswer};
use serde_json::value::RawValue;

use super::super::domain::{Source, Told};
use super::super::ingest::Sender;
use super::super::reject::Reject;
use super::super::routes::take_many;
use super::envelope::{self, Envelope};
use crate::features::Shared;
use crate::platform::http::extract::{BATCH_LIMIT, media_type, read_unpacked};
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiError, ApiResult, Keyed, ctx};
use crate::platform::state::State;

const EVENT: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// The route.
pub(in crate::features::usage) fn routes(config: &mut Routes<'_>) {
    config.service(receive_cloud_events);
}

/// Take CloudEvents
///
/// One event (`application/cloudevents+json`, or `ce-` headers around `application/json`), or up to 1,000
/// (`application/cloudevents-batch+json`). An event is known by its `source` and `id`: its id here is both with a space
/// between. `data` has the fields of an event of `POST /api/usage/track`, or OpenMeter's `model`, `tokens` and `type`
/// (`input`, `output`, `system`). `subject` becomes the learner, `source` the service, where `data` does not say; the
/// extension `projectid` names the project.
///
/// 204 when everything is stored, now or before, as OpenMeter answers; a single event that cannot be taken is a problem;
/// a batch of which some cannot be taken answers 200 and names them.
#[utoipa::path(
    tag = "usage",
    security(("session" = []), ("api_key" = ["ingest"])),
    request_body(content(
        (Object = "application/cloudevents+json", example = json!({
            "specversion": "1.0", "id": "5c10fade-1c9e-4d6c-8275-c52c36731d3c", "source": "service-name", "type": "prompt",
            "subject": "customer-id", "data": {"model": "gpt-5.4", "tokens": 1200, "type": "input"}
        })),
        (Vec<Object> = "application/cloudevents-batch+json", example = json!([{
            "specversion": "1.0", "id": "5c10fade-1c9e-4d6c-8275-c52c36731d3d", "source": "service-name", "type": "prompt",
            "subject": "customer-id", "data": {"model": "gpt-5.4", "tokens": 180, "type": "output"}
        }])),
    )),
    responses(
        (status = 204, description = "All of it is stored"),
        (status = 200, description = "Some of a batch could not be taken", body = UsageBatchAnswer),
    )
)]
#[post("/cloudevents")]
async fn receive_cloud_events(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    request: HttpRequest,
    payload: web::Payload,
) -> ApiResult<HttpResponse> {
    let form = Form::of(&request)?;
    let body = read_unpacked(&request, &mut payload.into_inner(), BATCH_LIMIT).await?;
    let _turn = shared.ingest.turn().await?;
    let text = std::str::from_utf8(&body)
        .map_err(|error| ApiError::new(ErrorCode::MalformedJson).with_detail(error.to_string()))?;
    let is_batch = form == Form::Batch || (form == Form::Either && text.trim_start().starts_with('['));
    let told = if is_batch { batch(text)? } else { vec![Ok(form.read_one(&request, text)?)] };
    let sender = Sender::of(&ctx, &state.db).await?;
    let mut answer: UsageBatchAnswer =
        take_many(&shared.ingest, &sender, Source::Cloudevents, told.into_iter(), "").await?;
    match answer.rejected.pop() {
        None => Ok(HttpResponse::NoContent().finish()),
        Some(rejected) if !is_batch => {
            let code = ErrorCode::from_name(&rejected.code).unwrap_or(ErrorCode::ValidationFailed);
            let pointer = rejected.pointer.strip_prefix("/0").unwrap_or_default();
            Err(Reject::new(code, pointer, rejected.message).into())
        }
        Some(rejected) => {
            answer.rejected.push(rejected);
            Ok(HttpResponse::Ok().json(answer))
        }
    }
}

/// How events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Structured,
    Batch,
    /// Plain JSON: whatever it holds.
    Either,
    /// The envelope is in headers.
    Binary,
}

impl Form {
    fn of(request: &HttpRequest) -> ApiResult<Self> {
        match media_type(request).as_str() {
            EVENT => Ok(Self::Structured),
            BATCH => Ok(Self::Batch),
            "application/json" if request.headers().contains_key("ce-specversion") => Ok(Self::Binary),
            "application/json" => Ok(Self::Either),
            _ => {
                let detail = format!("send {EVENT}, {BATCH} or application/json");
                Err(ApiError::new(ErrorCode::UnsupportedMediaType).with_detail(detail))
            }
        }
    }

    fn read_one(self, request: &HttpRequest, text: &str) -> Result<Told, Reject> {
        if self == Self::Binary { binary(request, text) } else { envelope::structured(text) }
    }
}

fn batch(text: &str) -> ApiResult<Vec<Result<Told, Reject>>> {
    let events: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| Reject::json(&error, ""))?;
    if events.len() > MAX_BATCH {
        return Err(ErrorCode::BatchTooLarge.into());
    }
    Ok(events.into_iter().map(|event| envelope::structured(event.get())).collect())
}

/// The headers' values are percent-encoded UTF-8.
fn binary(request: &HttpRequest, text: &str) -> Result<Told, Reject> {
    let header = |name: &str| {
        let value = request.headers().get(name)?.to_str().ok()?;
        Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    let data: &RawValue = serde_json::from_str(text).map_err(|error| Reject::json(&error, "/data"))?;
    Envelope {
        id: header("ce-id"),
        source: header("ce-source"),
        specversion: header("ce-specversion"),
        kind: header("ce-type"),
        subject: header("ce-subject"),
        time: header("ce-time").map(|time| envelope::raw(&time)).transpose()?,
        project: header("ce-projectid").map(|project| envelope::raw(&project)).transpose()?,
        data: Some(data),
    }
    .open()
}
