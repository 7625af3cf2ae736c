//! `/api/usage` and `/api/usage-events`.

use actix_web::http::header::{CACHE_CONTROL, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::DateTime;
use finops_contract::usage::{
    MAX_BATCH, RejectedEvent, Taken, UsageBatchAnswer, UsageBatchRequest, UsageEvent, UsageEventRequest,
    UsageEventsQuery, UsagePrompt, UsageReceipt,
};
use finops_contract::{Amount, ErrorCode, Page};
use serde_json::value::RawValue;

use super::commit::Outcome;
use super::domain::Source;
use super::incoming;
use super::ingest::{Ingest, Sender};
use super::raw::Object;
use super::reject::Reject;
use super::{cloudevents, imports, otlp, outcomes, prompts, reprice, store, tail};
use crate::features::Shared;
use crate::platform::auth::Permission;
use crate::platform::http::extract::BATCH_LIMIT;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Keyed, Path, Query, RawJson, ctx};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(track_usage)
        .service(create_usage_event)
        .service(create_usage_events)
        .service(list_usage_events)
        .service(tail_usage_events)
        .service(get_usage_event)
        .service(get_usage_prompt);
    reprice::routes(config);
    cloudevents::routes(config);
    imports::routes(config);
    outcomes::routes(config);
}

/// This feature's routes outside of `/api`: where exporters expect them.
pub fn root_routes(config: &mut Routes<'_>) {
    otlp::routes(config);
}

/// Report one AI call
///
/// Answered after it is stored: 201 for a new event, 200 for one that was stored before with the same body. Both
/// spellings of a field are read, a vendor's `usage` object is taken as it is, and unknown fields are kept as metadata.
#[utoipa::path(tag = "usage", security(("session" = []), ("api_key" = ["ingest"])), request_body = UsageEventRequest, responses(
    (status = 201, description = "Stored", body = UsageReceipt),
    (status = 200, description = "It was stored before", body = UsageReceipt),
))]
#[post("/usage/track")]
async fn track_usage(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    body: RawJson,
) -> ApiResult<HttpResponse> {
    take_one(&ctx, &state, &shared.ingest, body.text()?).await
}

/// Report one AI call
///
/// The same as `POST /api/usage/track`.
#[utoipa::path(tag = "usage", security(("session" = []), ("api_key" = ["ingest"])), request_body = UsageEventRequest, responses(
    (status = 201, description = "Stored", body = UsageReceipt),
    (status = 200, description = "It was stored before", body = UsageReceipt),
))]
#[post("/usage-events")]
async fn create_usage_event(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    body: RawJson,
) -> ApiResult<HttpResponse> {
    take_one(&ctx, &state, &shared.ingest, body.text()?).await
}

async fn take_one(ctx: &Ctx, state: &State, ingest: &Ingest, text: &str) -> ApiResult<HttpResponse> {
    let sender = Sender::of(ctx, &state.db).await?;
    let mut desk = ingest.desk(&sender, Source::Api).await?;
    let rejected = |reject| ingest.rejected(Source::Api, reject);
    let told = incoming::read(text).map_err(rejected)?;
    desk.look_for(&told).await?;
    let event = desk.prepare(told).map_err(rejected)?;
    let receipt = |status| UsageReceipt {
        event_id: event.event_id.clone(),
        state: event.price.state(),
        cost: event.price.cost.map(Amount),
        currency: "USD".into(),
        status,
    };
    let (accepted, duplicate) = (receipt(Taken::Accepted), receipt(Taken::Duplicate));
    match ingest.store(sender.organization, vec![event]).await?.first() {
        Some(Outcome::Stored) => Ok(HttpResponse::Created().json(accepted)),
        Some(Outcome::Duplicate) => Ok(HttpResponse::Ok().json(duplicate)),
        Some(Outcome::Conflict) => Err(conflict().into()),
        None => Err(ErrorCode::Internal.into()),
    }
}

pub(super) fn conflict() -> Reject {
    Reject::new(ErrorCode::EventConflict, "/eventId", "another event was stored under this id")
}

/// Report up to 1,000 AI calls
///
/// Each event stands for itself: the good ones are stored whatever is wrong with the others, which are named by their
/// place and a code. Sent again, what was stored is counted as duplicates.
#[utoipa::path(tag = "usage", security(("session" = []), ("api_key" = ["ingest"])), request_body = UsageBatchRequest, responses(
    (status = 200, description = "How each was taken", body = UsageBatchAnswer),
))]
#[post("/usage/bulk")]
async fn create_usage_events(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    body: RawJson<BATCH_LIMIT>,
) -> ApiResult<web::Json<UsageBatchAnswer>> {
    let sender = Sender::of(&ctx, &state.db).await?;
    let _turn = shared.ingest.turn().await?;
    let object = Object::read(body.text()?, "")?;
    let events = object.get("events").ok_or_else(|| Reject::field("/events", "is required"))?;
    let events: Vec<&RawValue> =
        serde_json::from_str(events.get()).map_err(|_| Reject::field("/events", "must be a list"))?;
    if events.len() > MAX_BATCH {
        return Err(ErrorCode::BatchTooLarge.into());
    }
    let texts = events.iter().map(|event| incoming::read(event.get()));
    take_many(&shared.ingest, &sender, Source::Api, texts, "/events").await.map(web::Json)
}

/// Takes what can be taken of many, and names the rest by place. It is the caller's turn ([`Ingest::turn`]).
pub(super) async fn take_many(
    ingest: &Ingest,
    sender: &Sender,
    source: Source,
    told: impl Iterator<Item = Result<super::domain::Told, Reject>>,
    at: &str,
) -> ApiResult<UsageBatchAnswer> {
    let mut desk = ingest.desk(sender, source).await?;
    let mut answer = UsageBatchAnswer::default();
    let (mut places, mut ready) = (Vec::new(), Vec::new());
    for (index, told) in told.enumerate() {
        if let Ok(told) = &told {
            desk.look_for(told).await?;
        }
        match told.and_then(|told| desk.prepare(told)) {
            Ok(event) => {
                places.push(index);
                ready.push(event);
            }
            Err(reject) => answer.rejected.push(rejected(index, ingest.rejected(source, reject), at)),
        }
    }
    for (index, outcome) in places.into_iter().zip(ingest.store(sender.organization, ready).await?) {
        match outcome {
            Outcome::Stored => answer.accepted += 1,
            Outcome::Duplicate => answer.duplicates += 1,
            Outcome::Conflict => answer.rejected.push(rejected(index, conflict(), at)),
        }
    }
    answer.rejected.sort_by_key(|rejected| rejected.index);
    Ok(answer)
}

fn rejected(index: usize, reject: Reject, at: &str) -> RejectedEvent {
    let pointer = format!("{at}/{index}{}", reject.pointer);
    RejectedEvent { index, code: reject.code.name().into(), pointer, message: reject.message }
}

/// Stored AI calls, the latest first
#[utoipa::path(tag = "usage", security(("session" = []), ("api_key" = ["read"])), params(UsageEventsQuery), responses((status = 200, description = "The events", body = Page<UsageEvent>)))]
#[get("/usage-events")]
async fn list_usage_events(
    ctx: Keyed<ctx::Read>,
    state: web::Data<State>,
    query: Query<UsageEventsQuery>,
) -> ApiResult<web::Json<Page<UsageEvent>>> {
    let mut tx = state.db.analytics(ctx.organization).await?;
    let page = store::list(&mut tx, &ctx, &query.0).await?;
    tx.commit().await?;
    Ok(web::Json(page))
}

/// AI calls as they come in
///
/// Server-sent events named `usage`, each with an event as its data. `from`, `to`, `limit` and `cursor` say nothing here.
/// The stream ends by itself after ten minutes; `Last-Event-ID` goes on where an earlier one ended.
#[utoipa::path(tag = "usage", security(("session" = []), ("api_key" = ["read"])), params(UsageEventsQuery),
    responses((status = 200, description = "The stream", content_type = "text/event-stream", body = String)))]
#[get("/usage-events/stream")]
async fn tail_usage_events(
    ctx: Keyed<ctx::Read>,
    state: web::Data<State>,
    query: Query<UsageEventsQuery>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let since = last.and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|at| at.to_utc());
    // Refused before the stream begins, while there still is a status to refuse with.
    store::check(&query.0)?;
    let stream = tail::stream(state.get_ref().clone(), (*ctx).clone(), query.0, since);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // A compressor would hold events back until it has a block of them.
        .insert_header(ContentEncoding::Identity)
        .streaming(stream))
}

/// One stored AI call
#[utoipa::path(tag = "usage", security(("session" = []), ("api_key" = ["read"])), params(("eventId" = String, Path, description = "Its id")),
    responses((status = 200, description = "The event", body = UsageEvent)))]
#[get("/usage-events/{eventId}")]
async fn get_usage_event(
    ctx: Keyed<ctx::Read>,
    state: web::Data<State>,
    path: Path<String>,
) -> ApiResult<web::Json<UsageEvent>> {
    let mut tx = state.db.analytics(ctx.organization).await?;
    let event = store::find(&mut tx, &ctx, &path.0).await?.ok_or(ErrorCode::NotFound)?;
    tx.commit().await?;
    Ok(web::Json(event))
}

/// What was asked and answered in an AI call
///
/// Only of projects that store it (`storePrompts`), for 30 days at most. Reading it is written to the audit log.
#[utoipa::path(tag = "usage", params(("eventId" = String, Path, description = "The event's id")),
    responses((status = 200, description = "The text", body = UsagePrompt)))]
#[get("/usage-events/{eventId}/prompt")]
async fn get_usage_prompt(ctx: Ctx, state: web::Data<State>, path: Path<String>) -> ApiResult<web::Json<UsagePrompt>> {
    ctx.require(Permission::PromptsRead)?;
    prompts::read(&state, &ctx, &path.0).await.map(web::Json)
}
