//! `/api/usage/import` and `/api/usage/imports`.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use finops_contract::usage_imports::{CreateUsageImportRequest, ImportFormat, ImportState, UploadQuery, UsageImport};
use finops_contract::{ErrorCode, ListQuery, Page};
use serde_json::json;
use uuid::Uuid;

use super::super::ingest::Sender;
use super::store::{self, Filter, Import};
use super::{jobs, upload};
use crate::features::audit;
use crate::platform::auth::Permission;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::extract::{is_gzip, media_type};
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiError, ApiResult, Ctx, Json, Keyed, Path, Query, ctx};
use crate::platform::state::State;

/// The routes of imports.
pub(in crate::features::usage) fn routes(config: &mut Routes<'_>) {
    config
        .service(import_usage)
        .service(list_usage_imports)
        .service(create_usage_import)
        .service(get_usage_import)
        .service(upload_usage_import)
        .service(cancel_usage_import);
}

/// Import a file of events
///
/// NDJSON (an event of `POST /api/usage/track` a line) or CSV (columns named like its fields), of any size, with gzip or
/// without. Events may be five years old. A job stores them: `GET /api/usage/imports/{importId}` says how far it is and
/// which lines were not taken. An event is stored once by its id; a line without one is known by itself and all lines
/// before it, so a file that is sent again, or has grown since, adds what is new.
///
/// If the connection breaks, the import stays `uploading` with what arrived: go on with `PUT` at its `receivedBytes`.
#[utoipa::path(
    tag = "usage imports",
    security(("session" = []), ("api_key" = ["ingest"])),
    request_body(content(
        (String = "application/x-ndjson", example = json!("{\"eventId\":\"evt-1\",\"model\":\"gpt-5.4\",\"promptTokens\":100,\"completionTokens\":20,\"timestamp\":\"2026-03-20T10:00:00Z\"}\n")),
        (String = "text/csv", example = json!("eventId,model,promptTokens,completionTokens,timestamp\nevt-1,gpt-5.4,100,20,2026-03-20T10:00:00Z\n"))
    )),
    responses((status = 202, description = "All of it is here", body = UsageImport))
)]
#[post("/usage/import")]
async fn import_usage(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> ApiResult<HttpResponse> {
    is_gzip(&request)?;
    let import = begin(&state, &ctx, format(&request)?, None).await?;
    let import = upload::append(&state, &ctx, import, &request, payload.into_inner(), true).await?;
    complete(&state, &ctx, &import).await?;
    Ok(HttpResponse::Accepted().json(shown(&state, &ctx, import.id).await?))
}

/// Begin an import
///
/// Its file is sent with `PUT`, in one part or in several.
#[utoipa::path(
    tag = "usage imports",
    security(("session" = []), ("api_key" = ["ingest"])),
    request_body = CreateUsageImportRequest,
    responses((status = 201, description = "Begun", body = UsageImport))
)]
#[post("/usage/imports")]
async fn create_usage_import(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    body: Json<CreateUsageImportRequest>,
) -> ApiResult<HttpResponse> {
    let import = begin(&state, &ctx, body.0.format, body.0.name.as_deref()).await?;
    Ok(HttpResponse::Created().json(import.shown(Vec::new())))
}

/// Send a part of an import's file
///
/// The part begins at `offset`, which is the import's `receivedBytes`, in bytes of the unpacked file; a part may be packed
/// with gzip by itself. With `complete=false` more parts follow, and an unfinished last line is not kept: the next part
/// begins with it.
#[utoipa::path(
    tag = "usage imports",
    security(("session" = []), ("api_key" = ["ingest"])),
    params(("importId" = Uuid, Path, description = "The import"), UploadQuery),
    request_body(content(
        (String = "application/x-ndjson", example = json!("{\"eventId\":\"evt-1\",\"model\":\"gpt-5.4\",\"promptTokens\":100,\"completionTokens\":20,\"timestamp\":\"2026-03-20T10:00:00Z\"}\n")),
        (String = "text/csv", example = json!("eventId,model,promptTokens,completionTokens,timestamp\nevt-1,gpt-5.4,100,20,2026-03-20T10:00:00Z\n"))
    )),
    responses((status = 200, description = "Taken", body = UsageImport))
)]
#[put("/usage/imports/{importId}")]
async fn upload_usage_import(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    id: Path<Uuid>,
    query: Query<UploadQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> ApiResult<web::Json<UsageImport>> {
    let import = find(&state, &ctx, id.0).await?;
    if import.format != format(&request)? {
        let detail = format!("this import is {}", import.format.name());
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType).with_detail(detail));
    }
    if import.state != ImportState::Uploading || import.received_bytes != query.0.offset.unwrap_or_default() {
        return Err(store::elsewhere());
    }
    let is_end = query.0.complete.unwrap_or(true);
    let import = upload::append(&state, &ctx, import, &request, payload.into_inner(), is_end).await?;
    if is_end {
        complete(&state, &ctx, &import).await?;
    }
    shown(&state, &ctx, import.id).await.map(web::Json)
}

/// Imports, the newest first
///
/// One's own; who sees everything sees everybody's.
#[utoipa::path(
    tag = "usage imports",
    security(("session" = []), ("api_key" = ["ingest"])),
    params(ListQuery),
    responses((status = 200, description = "The imports", body = Page<UsageImport>))
)]
#[get("/usage/imports")]
async fn list_usage_imports(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<UsageImport>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let filter = Filter { maker: maker(&ctx)?, after: keyset.after, id: None };
    let mut tx = state.db.tenant(ctx.organization).await?;
    let imports = store::list(&mut tx, ctx.organization, filter, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(imports, |import| import.id).map(|import| import.shown(Vec::new()))))
}

/// An import
///
/// How far it is, and which lines were not taken.
#[utoipa::path(
    tag = "usage imports",
    security(("session" = []), ("api_key" = ["ingest"])),
    params(("importId" = Uuid, Path, description = "The import")),
    responses((status = 200, description = "The import", body = UsageImport))
)]
#[get("/usage/imports/{importId}")]
async fn get_usage_import(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    id: Path<Uuid>,
) -> ApiResult<web::Json<UsageImport>> {
    shown(&state, &ctx, id.0).await.map(web::Json)
}

/// End an import
///
/// What waits of it is dropped; what is stored stays.
#[utoipa::path(
    tag = "usage imports",
    security(("session" = []), ("api_key" = ["ingest"])),
    params(("importId" = Uuid, Path, description = "The import")),
    responses((status = 204, description = "Ended"))
)]
#[delete("/usage/imports/{importId}")]
async fn cancel_usage_import(
    ctx: Keyed<ctx::Ingest>,
    state: web::Data<State>,
    id: Path<Uuid>,
) -> ApiResult<HttpResponse> {
    let import = find(&state, &ctx, id.0).await?;
    let open = [ImportState::Uploading, ImportState::Queued, ImportState::Running, ImportState::Failed];
    let mut tx = state.db.tenant(ctx.organization).await?;
    let ended = (&open[..], ImportState::Cancelled);
    if store::enter_state(&mut tx, ctx.organization, import.id, ended, None, ctx.now()).await? {
        store::drop_slices(&mut tx, ctx.organization, import.id).await?;
        let change = audit::Change::new("usage_import.cancel", import.id, import.name.unwrap_or_default());
        audit::record(&mut tx, &ctx, change).await?;
    }
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Whose imports the caller sees: their own, or everybody's.
fn maker(ctx: &Ctx) -> ApiResult<Option<Uuid>> {
    let everybodys = match &ctx.key {
        Some(key) => key.project.is_none(),
        None => ctx.require(Permission::SeeEverything).is_ok(),
    };
    ctx.caller_id().map(|caller| (!everybodys).then_some(caller))
}

fn format(request: &HttpRequest) -> ApiResult<ImportFormat> {
    match media_type(request).as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Ok(ImportFormat::Ndjson)
        }
        "text/csv" => Ok(ImportFormat::Csv),
        _ => {
            let detail = "send application/x-ndjson or text/csv";
            Err(ApiError::new(ErrorCode::UnsupportedMediaType).with_detail(detail))
        }
    }
}

async fn begin(state: &State, ctx: &Ctx, format: ImportFormat, name: Option<&str>) -> ApiResult<Import> {
    let (id, sender) = (ctx.clock.new_id(), Sender::of(ctx, &state.db).await?);
    let mut tx = state.db.tenant(ctx.organization).await?;
    store::create(&mut tx, &sender, ctx.caller_id()?, (id, format, name), ctx.now()).await?;
    let change = audit::Change::new("usage_import.create", id, name.unwrap_or_default());
    audit::record(&mut tx, ctx, change.after(json!({"format": format, "name": name}))).await?;
    tx.commit().await?;
    find(state, ctx, id).await
}

/// Queues the storing of its events.
async fn complete(state: &State, ctx: &Ctx, import: &Import) -> ApiResult<()> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let queued = (&[ImportState::Uploading][..], ImportState::Queued);
    if !store::enter_state(&mut tx, ctx.organization, import.id, queued, None, ctx.now()).await? {
        return Err(store::elsewhere());
    }
    jobs::request(&mut tx, ctx, import.id).await?;
    tx.commit().await?;
    state.nudge.nudge();
    Ok(())
}

async fn find(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<Import> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let filter = Filter { id: Some(id), maker: maker(ctx)?, after: None };
    let found = store::list(&mut tx, ctx.organization, filter, 1).await?;
    tx.commit().await?;
    found.into_iter().next().ok_or_else(|| ErrorCode::NotFound.into())
}

async fn shown(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<UsageImport> {
    let import = find(state, ctx, id).await?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let rejects = store::rejects(&mut tx, ctx.organization, id).await?;
    tx.commit().await?;
    Ok(import.shown(rejects))
}
