//! `/api/guard`.

use actix_web::{HttpResponse, delete, post, web};
use finops_contract::guard::{GuardAnswer, GuardCheckRequest, GuardProblem, SettleReservationRequest};
use uuid::Uuid;

use super::caller::Caller;
use crate::features::Shared;
use crate::platform::http::ctx::Guard;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Json, Keyed, Path};

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config.service(check_call).service(settle_reservation).service(release_reservation);
}

/// Ask whether a call may be made
///
/// Answered from memory, by figures that are at most a second old (`asOf`): 200 with what remains of the hard budgets and cost
/// thresholds that cover the call; 503 `budget_exceeded` if it does not fit into a hard one, with the budget and, in
/// `Retry-After`, the seconds until its period is over, an hour at most, since an amount may be raised; 403 `blocked` with the
/// block; 429 `throttled` if a block lets through some calls a minute and they are used up.
///
/// With `reserve`, `estimatedCost` is held until it is settled or released, or its time is over, and no other caller on any
/// replica can spend it. Report the call first and settle then: a settled reservation counts until the figures have the call.
///
/// While the database is away, figures are believed for 30 seconds. After that the operator's setting
/// `GUARD_ON_DATABASE_LOSS` decides: `closed`, the default, answers 503 `guard_unavailable`, because somebody decided that
/// money must not flow and nobody knows any more whether it would; `open` answers 200 with `degraded: true`. A caller who would
/// rather go on than wait can do so on `guard_unavailable`.
#[utoipa::path(
    tag = "guard",
    security(("session" = []), ("api_key" = ["guard"])),
    request_body = GuardCheckRequest,
    responses(
        (status = 200, description = "It may", body = GuardAnswer),
        (status = 403, description = "It is blocked", body = GuardProblem, content_type = "application/problem+json"),
        (status = 429, description = "It is throttled", body = GuardProblem, content_type = "application/problem+json"),
        (status = 503, description = "It does not fit, or nobody knows", body = GuardProblem, content_type = "application/problem+json"),
    )
)]
#[post("/guard/check")]
async fn check_call(
    caller: Caller,
    shared: web::Data<Shared>,
    body: Json<GuardCheckRequest>,
) -> ApiResult<web::Json<GuardAnswer>> {
    shared.guard.check(&caller, &body.0).await.map(web::Json)
}

/// Say that a call was made and reported
///
/// What is held for it goes, once the figures have what it cost. Said again, it changes nothing. 404 once its time is over.
#[utoipa::path(
    tag = "guard",
    security(("session" = []), ("api_key" = ["guard"])),
    params(("reservationId" = Uuid, Path, description = "What is held")),
    request_body = SettleReservationRequest,
    responses((status = 204, description = "It is settled"))
)]
#[post("/guard/reservations/{reservationId}/settle")]
async fn settle_reservation(
    ctx: Keyed<Guard>,
    shared: web::Data<Shared>,
    id: Path<Uuid>,
    body: Json<SettleReservationRequest>,
) -> ApiResult<HttpResponse> {
    shared.guard.settle(&ctx, id.0, &body.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Say that a call was not made
///
/// What is held for it goes at once. 404 if it was settled, or its time is over.
#[utoipa::path(
    tag = "guard",
    security(("session" = []), ("api_key" = ["guard"])),
    params(("reservationId" = Uuid, Path, description = "What is held")),
    responses((status = 204, description = "It is released"))
)]
#[delete("/guard/reservations/{reservationId}")]
async fn release_reservation(ctx: Keyed<Guard>, shared: web::Data<Shared>, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    shared.guard.release(&ctx, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
