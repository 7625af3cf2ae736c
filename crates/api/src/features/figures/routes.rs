//! `/api/metrics`.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use finops_contract::ErrorCode;

use crate::features::{Shared, teams};
use crate::platform::http::ctx::Read;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Keyed};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config.service(get_organization_metrics);
}

/// The organization's figures for Prometheus
///
/// What it spent in the month that runs, by provider, service and learner, how its budgets stand, and tokens by model, as
/// OpenMetrics text. Costs in other currencies are converted by the exchange rate that held on their day;
/// `finops_cost_unconverted` has, by currency, what is left out because there was none. For who sees everything: an API key
/// with the scope `read` that is bound to no project. The platform's own metrics are at `/metrics`.
#[utoipa::path(
    tag = "operations",
    security(("session" = []), ("api_key" = ["read"])),
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text", example = "# EOF"))
)]
#[get("/metrics")]
async fn get_organization_metrics(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    shared: web::Data<Shared>,
) -> ApiResult<HttpResponse> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let seen = teams::visibility(&mut tx, &ctx).await?;
    tx.commit().await?;
    if !matches!(seen, teams::Visibility::Everything) {
        return Err(ErrorCode::Forbidden.into());
    }
    let text = shared.figures.render(&state, ctx.organization, ctx.now()).await?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, content_type)).body(text))
}
