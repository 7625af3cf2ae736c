//! `/health`, `/ready`, `/metrics`, and `/api/jobs`.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpResponse, get, post, web};
use finops_contract::jobs::{Job, JobState, ListJobsQuery};
use finops_contract::{ErrorCode, Page};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::features::{Shared, audit, collector, usage};
use crate::platform::auth::Permission;
use crate::platform::db::{self, OrganizationId};
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiError, ApiResult, Ctx, Path, Query};
use crate::platform::jobs::queue::{self, ListFilter};
use crate::platform::state::State;

/// How long the database may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// What operators' machines ask, outside of `/api`.
pub fn routes(config: &mut Routes<'_>) {
    config.service(get_health).service(get_readiness).service(get_metrics);
}

/// What administrators of the platform ask.
pub fn api_routes(config: &mut Routes<'_>) {
    config.service(list_jobs).service(retry_job);
}

/// `ok`, and the version that says so.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The version that runs.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

const OK: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// Whether the process lives
#[utoipa::path(tag = "operations", security(()), responses((status = 200, description = "It lives", body = Health)))]
#[get("/health")]
async fn get_health() -> web::Json<Health> {
    web::Json(OK)
}

/// Whether it can work
///
/// The database answers and has this version's schema, and the process was not told to stop.
#[utoipa::path(tag = "operations", security(()), responses((status = 200, description = "It can work", body = Health)))]
#[get("/ready")]
async fn get_readiness(state: web::Data<State>) -> ApiResult<web::Json<Health>> {
    let unready = || ApiError::new(ErrorCode::Unavailable).with_retry_after(1);
    if state.stopping.has_begun() {
        return Err(unready().with_detail("the process was told to stop"));
    }
    match tokio::time::timeout(PING_TIMEOUT, state.db.is_migrated()).await.map_err(|_| unready())?? {
        true => Ok(web::Json(OK)),
        false => Err(unready().with_detail("the database's schema is older than this version: run `finops migrate`")),
    }
}

/// Prometheus metrics
#[utoipa::path(
    tag = "operations",
    security(()),
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text", example = "# EOF"))
)]
#[get("/metrics")]
async fn get_metrics(state: web::Data<State>, shared: web::Data<Shared>) -> ApiResult<HttpResponse> {
    if !state.config.metrics_enabled {
        return Err(ErrorCode::NotFound.into());
    }
    let (open, idle) = state.db.usage();
    state.metrics.connections(open, idle);
    state.metrics.usage.room(shared.ingest.room());
    // Metrics are wanted most when the database is away: what it said last stays.
    match tokio::time::timeout(PING_TIMEOUT, measure(&state)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "what the database knows could not be measured"),
        Err(_) => tracing::debug!("what the database knows could not be measured in time"),
    }
    let text = state.metrics.render().map_err(ApiError::internal)?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, content_type)).body(text))
}

/// Takes over what the database knows: how far collecting and folding are.
async fn measure(state: &State) -> sqlx::Result<()> {
    let mut tx = state.db.platform().await?;
    let lag = collector::lag(&mut tx, state.clock.now()).await?;
    let waiting = usage::waiting(&mut tx).await?;
    tx.commit().await?;
    state.metrics.collections(lag.oldest_success_seconds, lag.failed);
    state.metrics.usage.unfolded(waiting.rows, waiting.oldest_seconds);
    Ok(())
}

/// Background jobs of the whole platform, newest first
#[utoipa::path(tag = "operations", params(ListJobsQuery), responses((status = 200, description = "Jobs", body = Page<Job>)))]
#[get("/jobs")]
async fn list_jobs(ctx: Ctx, state: web::Data<State>, query: Query<ListJobsQuery>) -> ApiResult<web::Json<Page<Job>>> {
    ctx.require(Permission::JobsRead)?;
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let filter =
        ListFilter { organization_id: None, state: query.0.state, name: query.0.name.as_deref(), before: keyset.after };
    let mut tx = state.db.platform().await?;
    let jobs = queue::list(&mut tx, filter, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(jobs, |job| job.id)))
}

/// Give a dead job all its attempts again
#[utoipa::path(tag = "operations", params(("jobId" = Uuid, Path, description = "The job")), responses((status = 200, description = "It is queued", body = Job)))]
#[post("/jobs/{jobId}/retry")]
async fn retry_job(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<Job>> {
    ctx.require(Permission::JobsRead)?;
    let mut tx = state.db.platform().await?;
    let before = queue::get(&mut tx, id.0).await?.ok_or(ErrorCode::NotFound)?;
    if !queue::retry_dead(&mut tx, id.0).await? {
        return Err(ErrorCode::JobNotRetryable.into());
    }
    let job = queue::get(&mut tx, id.0).await?.ok_or(ErrorCode::NotFound)?;
    // Work across organizations belongs to none: the change is the administrator's own organization's.
    let organization = job.organization_id.map_or(ctx.organization, OrganizationId);
    db::enter(&mut tx, organization).await?;
    let change = audit::Change::new("job.retry", job.id, job.name.clone())
        .before(json!({"state": JobState::Dead, "lastError": before.last_error}))
        .after(json!({"state": job.state}));
    audit::record(&mut tx, &Ctx { organization, ..ctx }, change).await?;
    tx.commit().await?;
    state.nudge.nudge();
    Ok(web::Json(job))
}
