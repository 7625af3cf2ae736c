//! Taking a project's Project ID out of collection for a while, and giving it back.

use uuid::Uuid;

use super::domain::OpenaiProjectId;
use super::service::{give_id, held, take_id};
use super::store;
use crate::platform::db::Tx;
use crate::platform::http::{ApiResult, Ctx};

/// What became of a Project ID that was to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// The project has it again, and with it what came in meanwhile.
    Given,
    /// This project has it by now.
    Taken(Uuid),
}

/// Takes a project's Project ID away, as removing it does, and says which it was: what comes in under it of later days
/// belongs to no project until it is given back, as [`super::owners`] has it. A job that is still giving the project its
/// earlier lines goes on; nobody else is given them before it is done.
///
/// # Errors
/// `not_found`.
pub async fn suspend_id(tx: &mut Tx, ctx: &Ctx, project: Uuid) -> ApiResult<Option<String>> {
    let before = held(tx, ctx, project).await?;
    if before.openai_project_id.is_some() {
        take_id(tx, ctx, &before).await?;
    }
    Ok(before.openai_project_id)
}

/// Gives a project the Project ID back that it had, unless another one has it: nudge the jobs after the commit. Its team's
/// key is not asked about it again.
///
/// # Errors
/// `not_found`, `attribution_in_progress`.
pub async fn return_id(tx: &mut Tx, ctx: &Ctx, project: Uuid, openai_project_id: &str) -> ApiResult<Returned> {
    let before = held(tx, ctx, project).await?;
    let id = OpenaiProjectId::parse(openai_project_id)?;
    match store::owner_of(tx, ctx.organization, &id).await? {
        Some(owner) if owner != project => Ok(Returned::Taken(owner)),
        Some(_) => Ok(Returned::Given),
        None => give_id(tx, ctx, &before, &id).await.map(|_| Returned::Given),
    }
}
