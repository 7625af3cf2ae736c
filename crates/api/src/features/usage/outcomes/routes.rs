//! `/api/projects/{projectId}/outcomes`.

use actix_web::{post, web};
use finops_contract::ErrorCode;
use finops_contract::value::{MAX_OUTCOMES, OutcomesAnswer, OutcomesRequest, RejectedOutcome};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::super::reject::Reject;
use super::domain::Told;
use super::service::{self, Place, Taken};
use crate::features::projects;
use crate::platform::http::ctx::Ingest;
use crate::platform::http::extract::{BATCH_LIMIT, Check};
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiError, ApiResult, Json, Keyed, Path};
use crate::platform::state::State;

/// The routes of outcomes.
pub(in super::super) fn routes(config: &mut Routes<'_>) {
    config.service(report_outcomes);
}

/// [`OutcomesRequest`], each of its outcomes as its text: one that cannot be read is no reason to refuse the others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    outcomes: Vec<Box<RawValue>>,
}

impl Check for Body {
    fn check(&self) -> Result<(), Vec<finops_contract::FieldError>> {
        Ok(())
    }
}

/// Report what came of calls
///
/// For what is known later than the call: whether it helped, what people thought of it. With `eventId` it corrects what the
/// call's event said; without, it stands for itself, and for as many as `count` says. Each stands for itself: the good ones
/// are stored whatever is wrong with the others. With an `id` it counts once, however often it is sent.
#[utoipa::path(
    tag = "value",
    security(("session" = []), ("api_key" = ["ingest"])),
    params(("projectId" = Uuid, Path, description = "The project")),
    request_body = OutcomesRequest,
    responses((status = 200, description = "How each was taken", body = OutcomesAnswer))
)]
#[post("/projects/{projectId}/outcomes")]
async fn report_outcomes(
    ctx: Keyed<Ingest>,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<Body, BATCH_LIMIT>,
) -> ApiResult<web::Json<OutcomesAnswer>> {
    let outcomes = body.0.outcomes;
    if outcomes.len() > MAX_OUTCOMES {
        return Err(ErrorCode::BatchTooLarge.into());
    }
    if outcomes.is_empty() {
        return Err(ApiError::field("/outcomes", "length", "must be 1 to 1,000"));
    }
    let mut tx = state.db.tenant(ctx.organization).await?;
    let project = projects::seen(&mut tx, &ctx, id.0).await?;
    let place = Place { organization: ctx.organization, project: project.id, team: project.team_id };
    let now = ctx.now();
    let told: Vec<Result<Told, Reject>> = outcomes.iter().map(|raw| Told::read(project.id, raw, now)).collect();
    let good: Vec<&Told> = told.iter().filter_map(|told| told.as_ref().ok()).collect();
    let mut taken = service::tell(&mut tx, place, &ctx.clock, &good).await?.into_iter();
    tx.commit().await?;
    let mut answer = OutcomesAnswer::default();
    for (index, told) in told.iter().enumerate() {
        let taken = match told {
            Ok(_) => taken.next().ok_or(ErrorCode::Internal)?,
            Err(reject) => Taken::Rejected(reject.clone()),
        };
        match taken {
            Taken::Stored => answer.accepted += 1,
            Taken::Waiting => (answer.accepted, answer.waiting) = (answer.accepted + 1, answer.waiting + 1),
            Taken::Duplicate => answer.duplicates += 1,
            Taken::Rejected(Reject { code, pointer, message }) => answer.rejected.push(RejectedOutcome {
                index,
                code: code.name().into(),
                pointer: format!("/outcomes/{index}{pointer}"),
                message,
            }),
        }
    }
    Ok(web::Json(answer))
}
