//! What a block does here, and how it is undone: all of it in the transaction that changes the block.

use finops_contract::ErrorCode;
use finops_contract::admin_keys::Provider;
use finops_contract::blocks::{BlockMode, BlockRestoration};
use uuid::Uuid;

use super::domain::Target;
use super::stops::{self, Hold};
use super::store::{self, Open};
use super::targets::Found;
use crate::features::admin_keys;
use crate::features::projects::{self, Returned};
use crate::platform::db::Tx;
use crate::platform::http::{ApiResult, Ctx};

/// Puts a block into force, of something that is held: nudge the jobs after the commit. A throttle is the guard's, and an API
/// key is refused by whoever looks it up; for those there is nothing to do.
///
/// Every block comes into force through here, in its own transaction.
///
/// # Errors
/// `not_found`.
pub(super) async fn apply(
    tx: &mut Tx,
    ctx: &Ctx,
    block: Uuid,
    found: &Found,
    mode: BlockMode,
    at_provider: bool,
) -> ApiResult<()> {
    if mode == BlockMode::Throttle {
        return Ok(());
    }
    let Some(team) = found.team_id() else { return Ok(()) };
    let (key, ids) = match found.target {
        Target::ApiKey(_) => return Ok(()),
        Target::Project(project) => {
            let key = stops::key_of_team(tx, ctx.organization, team).await?;
            let id = projects::suspend_id(tx, ctx, project).await?;
            store::remember(tx, ctx.organization, block, id.as_deref(), None).await?;
            (key, id.into_iter().collect())
        }
        Target::AdminKey(key) => {
            let active = admin_keys::active(tx, ctx.organization, team, Provider::Openai).await?;
            let was_active = active.is_some_and(|active| active.id == key);
            if was_active {
                admin_keys::switch(tx, ctx, team, key, false).await?;
            }
            store::remember(tx, ctx.organization, block, None, Some(was_active)).await?;
            let all = projects::attributions(tx, ctx.organization).await?;
            let own = all.into_iter().filter(|owned| owned.team_id == team).map(|owned| owned.openai_project_id);
            // What another block took away comes back while this one is in force.
            let away = store::taken_away(tx, ctx.organization, team).await?;
            (Some(key), own.chain(away).collect::<Vec<_>>())
        }
    };
    if at_provider {
        stops::hold(tx, ctx, &Hold { block, team, key, openai_project_ids: &ids }).await?;
    }
    Ok(())
}

/// Puts back what a block took away, of something that is held and still exists: nudge the jobs after the commit. What
/// somebody has changed meanwhile stays as it is, and is said.
///
/// # Errors
/// `attribution_in_progress`, `not_found`.
pub(super) async fn put_back(tx: &mut Tx, ctx: &Ctx, open: &Open, found: &Found) -> ApiResult<BlockRestoration> {
    match (open.target, &open.openai_project_id, open.key_was_active) {
        (Target::Project(project), Some(id), _) => match projects::return_id(tx, ctx, project, id).await? {
            Returned::Given => Ok(BlockRestoration::ProjectIdReturned),
            Returned::Taken(_) => Ok(BlockRestoration::ProjectIdTaken),
        },
        (Target::AdminKey(key), _, Some(true)) => {
            let team = found.team_id().ok_or(ErrorCode::NotFound)?;
            let active = admin_keys::active(tx, ctx.organization, team, Provider::Openai).await?;
            if active.is_some_and(|active| active.id != key) {
                return Ok(BlockRestoration::KeyReplaced);
            }
            admin_keys::switch(tx, ctx, team, key, true).await?;
            Ok(BlockRestoration::KeyActivated)
        }
        _ => Ok(BlockRestoration::Nothing),
    }
}
