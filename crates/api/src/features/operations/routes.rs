//! `/health`, `/ready`, `/metrics`.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use finops_contract::ErrorCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::platform::http::{ApiError, ApiResult};
use crate::platform::state::State;

/// How long the database may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// This feature's routes.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_health).service(get_readiness).service(get_metrics);
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

/// Whether it can work: the database answers
#[utoipa::path(tag = "operations", security(()), responses((status = 200, description = "It can work", body = Health)))]
#[get("/ready")]
async fn get_readiness(state: web::Data<State>) -> ApiResult<web::Json<Health>> {
    let unready = || ApiError::new(ErrorCode::Unavailable).with_retry_after(1);
    tokio::time::timeout(PING_TIMEOUT, state.db.ping()).await.map_err(|_| unready())??;
    Ok(web::Json(OK))
}

/// Prometheus metrics
#[utoipa::path(
    tag = "operations",
    security(()),
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text", example = "# EOF"))
)]
#[get("/metrics")]
async fn get_metrics(state: web::Data<State>) -> ApiResult<HttpResponse> {
    if !state.config.metrics_enabled {
        return Err(ErrorCode::NotFound.into());
    }
    let text = state.metrics.render().map_err(ApiError::internal)?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, content_type)).body(text))
}
