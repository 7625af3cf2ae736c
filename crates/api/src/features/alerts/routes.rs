//! `/api/alerts`.

use actix_web::{get, post, put, web};
use finops_contract::Page;
use finops_contract::alerts::{
    Alert, AlertRule, AlertRuleRequest, AlertStatus, AlertsQuery, TestAlertAnswer, TestAlertRequest,
};
use uuid::Uuid;

use super::{message, service, store};
use crate::features::teams;
use crate::platform::auth::Permission;
use crate::platform::http::ctx::Read;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Keyed, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(list_alert_rules)
        .service(set_alert_rule)
        .service(test_alert)
        .service(list_alerts)
        .service(get_alert)
        .service(acknowledge_alert)
        .service(resolve_alert);
}

/// Alerts, the newest first
///
/// A team's and a project's alerts are seen by who sees the team or the project, all others by who sees everything.
#[utoipa::path(
    tag = "alerts",
    security(("session" = []), ("api_key" = ["read"])),
    params(AlertsQuery),
    responses((status = 200, description = "Alerts", body = Page<Alert>))
)]
#[get("/alerts")]
async fn list_alerts(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<AlertsQuery>,
) -> ApiResult<web::Json<Page<Alert>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let seen = teams::visibility(&mut tx, &ctx).await?;
    let filter = store::Filter::of(&query.0, &seen, keyset.after);
    let rows = store::list(&mut tx, ctx.organization, &filter, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |stored| stored.id).map(|stored| message::alert(&stored, ctx.locale))))
}

/// An alert
#[utoipa::path(
    tag = "alerts",
    security(("session" = []), ("api_key" = ["read"])),
    params(("alertId" = Uuid, Path, description = "The alert")),
    responses((status = 200, description = "The alert", body = Alert))
)]
#[get("/alerts/{alertId}")]
async fn get_alert(ctx: Keyed<Read>, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<Alert>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let stored = service::seen(&mut tx, &ctx, id.0).await?;
    tx.commit().await?;
    Ok(web::Json(message::alert(&stored, ctx.locale)))
}

/// Acknowledge an alert
///
/// Somebody is at it. PagerDuty and webhooks are told. An alert that is acknowledged or resolved stays as it is.
#[utoipa::path(
    tag = "alerts",
    params(("alertId" = Uuid, Path, description = "The alert")),
    responses((status = 200, description = "As it is now", body = Alert))
)]
#[post("/alerts/{alertId}/acknowledge")]
async fn acknowledge_alert(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<Alert>> {
    service::advance(&state, &ctx, id.0, AlertStatus::Acknowledged).await.map(web::Json)
}

/// Resolve an alert
///
/// It is over. PagerDuty and webhooks are told. The threshold is not crossed again in the same period, unless the budget gets
/// another amount.
#[utoipa::path(
    tag = "alerts",
    params(("alertId" = Uuid, Path, description = "The alert")),
    responses((status = 200, description = "As it is now", body = Alert))
)]
#[post("/alerts/{alertId}/resolve")]
async fn resolve_alert(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<Alert>> {
    service::advance(&state, &ctx, id.0, AlertStatus::Resolved).await.map(web::Json)
}

/// What raises alerts besides budgets
#[utoipa::path(
    tag = "alerts",
    security(("session" = []), ("api_key" = ["read"])),
    responses((status = 200, description = "All of them", body = Page<AlertRule>))
)]
#[get("/alerts/rules")]
async fn list_alert_rules(ctx: Keyed<Read>, state: web::Data<State>) -> ApiResult<web::Json<Page<AlertRule>>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let rules = service::rules(&mut tx, &ctx).await?;
    tx.commit().await?;
    Ok(web::Json(Page::whole(rules)))
}

/// Set what raises alerts
#[utoipa::path(
    tag = "alerts",
    request_body = AlertRuleRequest,
    responses((status = 200, description = "As it is now", body = AlertRule))
)]
#[put("/alerts/rules")]
async fn set_alert_rule(
    ctx: Ctx,
    state: web::Data<State>,
    body: Json<AlertRuleRequest>,
) -> ApiResult<web::Json<AlertRule>> {
    ctx.require(Permission::BudgetsWrite)?;
    service::set_rule(&state, &ctx, &body.0).await.map(web::Json)
}

/// Send a test message
///
/// What would be said if a budget's highest threshold were crossed now, or an example, marked as a test. No alert is raised.
/// Limited together with `POST /channels/{channelId}/test`.
#[utoipa::path(
    tag = "alerts",
    request_body = TestAlertRequest,
    responses((status = 200, description = "It is on its way", body = TestAlertAnswer))
)]
#[post("/alerts/test")]
async fn test_alert(
    ctx: Ctx,
    state: web::Data<State>,
    body: Json<TestAlertRequest>,
) -> ApiResult<web::Json<TestAlertAnswer>> {
    ctx.require(Permission::BudgetsWrite)?;
    service::test(&state, &ctx, &body.0).await.map(web::Json)
}
