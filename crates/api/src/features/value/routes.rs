//! `/api/projects/{projectId}/value`, and by intent.

use actix_web::{get, web};
use finops_contract::value::{ProjectIntents, ProjectValue, ValueQuery};
use uuid::Uuid;

use super::{intents, service};
use crate::features::{budgets, projects};
use crate::platform::http::ctx::Read;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Keyed, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config.service(get_project_value).service(get_project_intents);
}

/// What a project's calls were worth
///
/// What it cost beside what came of it: successes, what one of them cost, feedback; in all, by task type, by model and by day
/// of the organization's calendar. The cost is what the ledgers say; of task types and models, what their calls cost by the
/// price book. What was not recorded is null, never zero.
#[utoipa::path(
    tag = "value",
    security(("session" = []), ("api_key" = ["read"])),
    params(("projectId" = Uuid, Path, description = "The project"), ValueQuery),
    responses((status = 200, description = "Its value", body = ProjectValue))
)]
#[get("/projects/{projectId}/value")]
async fn get_project_value(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    id: Path<Uuid>,
    query: Query<ValueQuery>,
) -> ApiResult<web::Json<ProjectValue>> {
    let mut tx = state.db.analytics(ctx.organization).await?;
    let project = projects::seen(&mut tx, &ctx, id.0).await?;
    let days = budgets::calendar(&mut tx, ctx.organization).await?.days();
    let value = service::of_project(&mut tx, ctx.organization, &project, days, &query.0, ctx.now()).await?;
    tx.commit().await?;
    Ok(web::Json(value))
}

/// What a project's calls were worth by what they were for
///
/// The same by `intent`, as calls and outcomes name it: the twenty dearest, and the others together. It is read from the calls
/// themselves, so it goes back no further than they are kept, and no further than the organization's last 250,000 calls of
/// the period: `since` says how far.
#[utoipa::path(
    tag = "value",
    security(("session" = []), ("api_key" = ["read"])),
    params(("projectId" = Uuid, Path, description = "The project"), ValueQuery),
    responses((status = 200, description = "Its value by intent", body = ProjectIntents))
)]
#[get("/projects/{projectId}/value/intents")]
async fn get_project_intents(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    id: Path<Uuid>,
    query: Query<ValueQuery>,
) -> ApiResult<web::Json<ProjectIntents>> {
    let mut tx = state.db.analytics(ctx.organization).await?;
    let project = projects::seen(&mut tx, &ctx, id.0).await?;
    let days = budgets::calendar(&mut tx, ctx.organization).await?.days();
    let intents = intents::of_project(&mut tx, ctx.organization, &project, days, &query.0, ctx.now()).await?;
    tx.commit().await?;
    Ok(web::Json(intents))
}
