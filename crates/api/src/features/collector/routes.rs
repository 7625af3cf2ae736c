//! `/api/teams/{teamId}/collection`, `/api/costs/import` and `/api/cron/daily-batch`.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use finops_contract::ErrorCode;
use finops_contract::collector::{
    CostImportQuery, CostImportReport, DailyBatchQuery, DailyBatchReport, TeamCollection,
};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::batch::Caller;
use super::{batch, import, jobs, status};
use crate::features::{audit, teams};
use crate::platform::auth::Permission;
use crate::platform::http::ctx::{Read, bearer, client_ip, locale, request_id};
use crate::platform::http::extract::{FILE_LIMIT, read_body};
use crate::platform::http::routes::Routes;
use crate::platform::http::{Actor, ApiError, ApiResult, Ctx, Keyed, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(get_team_collection)
        .service(run_team_collection)
        .service(import_costs)
        .service(get_daily_batch)
        .service(run_daily_batch);
}

/// Where a team's collection stands
#[utoipa::path(
    tag = "collector",
    security(("session" = []), ("api_key" = ["read"])),
    params(("teamId" = Uuid, Path, description = "The team")),
    responses((status = 200, description = "The collection", body = TeamCollection))
)]
#[get("/teams/{teamId}/collection")]
async fn get_team_collection(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    team: Path<Uuid>,
) -> ApiResult<web::Json<TeamCollection>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    teams::seen(&mut tx, &ctx, team.0).await?;
    let everything = ctx.require(Permission::SeeEverything).is_ok();
    let collection = status::of_team(&mut tx, ctx.organization, team.0, everything, ctx.locale, ctx.now()).await?;
    tx.commit().await?;
    Ok(web::Json(collection))
}

/// Collect a team's bill now
///
/// Puts it into the queue. The days that may still change are asked for again.
#[utoipa::path(
    tag = "collector",
    params(("teamId" = Uuid, Path, description = "The team")),
    responses((status = 202, description = "In the queue", body = TeamCollection))
)]
#[post("/teams/{teamId}/collection")]
async fn run_team_collection(ctx: Ctx, state: web::Data<State>, team: Path<Uuid>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::CostsCollect)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let team = teams::seen(&mut tx, &ctx, team.0).await?;
    if !team.has_active_admin_key {
        return Err(ErrorCode::AdminKeyMissing.into());
    }
    // One a second is enough for anybody: a double click is one run.
    let slot = format!("manual:{}:{}", team.id, ctx.now().timestamp());
    jobs::request(&mut tx, &ctx, team.id, &slot).await?;
    audit::record(&mut tx, &ctx, audit::Change::new("collection.request", team.id, team.name)).await?;
    let collection = status::of_team(&mut tx, ctx.organization, team.id, true, ctx.locale, ctx.now()).await?;
    tx.commit().await?;
    state.nudge.nudge();
    Ok(HttpResponse::Accepted().json(collection))
}

/// Import legacy costs from CSV
///
/// Rows of the former Usage API: `date`, `project` (a Project ID, or the id or name of a project), `model`, `cost`, and
/// optionally `tokens` and `currency`. They are kept as `usage_v1` beside the collected `costs_v1`. The same file again
/// changes nothing; a file with other figures for the same day, project and model replaces them.
#[utoipa::path(
    tag = "collector",
    params(CostImportQuery),
    request_body(
        content = String, content_type = "text/csv",
        example = json!("date,project,model,tokens,cost,currency\n2025-01-03,proj_abc123,gpt-4o,15230,0.412500,USD\n")
    ),
    responses((status = 200, description = "What became of it", body = CostImportReport))
)]
#[post("/costs/import")]
async fn import_costs(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<CostImportQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> ApiResult<web::Json<CostImportReport>> {
    ctx.require(Permission::CostsCollect)?;
    let body = read_body(&request, &mut payload.into_inner(), FILE_LIMIT).await?;
    Ok(web::Json(import::run(&state, &ctx, query.0.team_id, &body).await?))
}

/// Run the daily batch now
///
/// Waits until every team's bill is in. `Authorization: Bearer <CRON_SECRET>`.
#[utoipa::path(
    tag = "collector", security(("cron_secret" = [])), params(DailyBatchQuery),
    responses((status = 200, description = "What was collected", body = DailyBatchReport))
)]
#[get("/cron/daily-batch")]
async fn get_daily_batch(
    state: web::Data<State>,
    request: HttpRequest,
    query: Query<DailyBatchQuery>,
) -> ApiResult<web::Json<DailyBatchReport>> {
    daily_batch(&state, &request, query.0).await
}

/// Run the daily batch now
///
/// As `GET`, for callers that change things with `POST`.
#[utoipa::path(
    tag = "collector", security(("cron_secret" = [])), params(DailyBatchQuery),
    responses((status = 200, description = "What was collected", body = DailyBatchReport))
)]
#[post("/cron/daily-batch")]
async fn run_daily_batch(
    state: web::Data<State>,
    request: HttpRequest,
    query: Query<DailyBatchQuery>,
) -> ApiResult<web::Json<DailyBatchReport>> {
    daily_batch(&state, &request, query.0).await
}

async fn daily_batch(
    state: &State,
    request: &HttpRequest,
    query: DailyBatchQuery,
) -> ApiResult<web::Json<DailyBatchReport>> {
    let presented = bearer(request).unwrap_or_default();
    let secret = state.config.cron_secret.as_ref().ok_or(ErrorCode::Unauthenticated)?;
    verify_slices_are_equal(presented.as_bytes(), secret.expose_secret().as_bytes())
        .map_err(|_| ErrorCode::Unauthenticated)?;
    if query.date.is_some_and(|date| !batch::collectable(date, state.clock.today())) {
        return Err(ApiError::field("/date", "range", "must be a UTC day of the last 180 that is over"));
    }
    let caller = Caller {
        actor: Actor::System { job: "cron" },
        locale: locale(request).unwrap_or_default(),
        request_id: Some(request_id(request)),
        ip: client_ip(request, state.config.trusted_proxy_hops),
    };
    Ok(web::Json(batch::daily(state, &caller, query.date).await?))
}
