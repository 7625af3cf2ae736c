//! How blocks end: lifted, or with what they stopped.

use finops_contract::ErrorCode;
use finops_contract::blocks::{BlockCause, BlockEnding, BlockMode, BlockRestoration};
use serde_json::json;
use uuid::Uuid;

use super::domain::Target;
use super::news::{self, News};
use super::store::{self, Lift, Open};
use super::targets::{self, Found};
use super::{effects, stops};
use crate::features::{audit, organizations};
use crate::platform::auth::Permission;
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{ApiResult, Ctx};
use crate::platform::state::State;

/// Who does it, if it is a person.
pub(super) fn person(ctx: &Ctx) -> Option<Uuid> {
    ctx.user_id().ok()
}

/// Whether a person's block, and every lift, waits for a second person.
pub(super) async fn needs_two(tx: &mut Tx, organization: OrganizationId) -> ApiResult<bool> {
    let found = organizations::find(tx, organization).await?.ok_or(ErrorCode::NotFound)?;
    Ok(found.two_person_blocks)
}

/// Lifts a block in force, of something that is held: nudge the jobs after the commit.
///
/// # Errors
/// `attribution_in_progress`.
pub(super) async fn lift(
    state: &State,
    tx: &mut Tx,
    ctx: &Ctx,
    open: &Open,
    found: &Found,
    by: Option<Uuid>,
    reason: &str,
) -> ApiResult<()> {
    let restoration = effects::put_back(tx, ctx, open, found).await?;
    let lift = Lift { by, reason: Some(reason), ended: BlockEnding::Lifted, restoration };
    end(state, tx, ctx, open, &found.name, &lift).await
}

/// Ends a block in force as it is told, lets go of the provider, and tells of it. Every block that was in force ends through
/// here.
async fn end(state: &State, tx: &mut Tx, ctx: &Ctx, open: &Open, name: &str, lift: &Lift<'_>) -> ApiResult<()> {
    store::lift(tx, ctx.organization, open.id, lift, ctx.now()).await?;
    stops::let_go(tx, ctx, open.id).await?;
    let change = audit::Change::new("block.lift", open.id, name)
        .before(json!({"status": "active", "target": {"type": open.target.kind(), "id": open.target.id()}}))
        .after(json!({
            "status": "lifted", "reason": lift.reason, "ended": lift.ended, "restoration": lift.restoration,
            "openaiProjectId": open.openai_project_id,
        }));
    audit::record(tx, ctx, change).await?;
    Ok(news::tell(state, tx, ctx, open.id, News::Lifted).await?)
}

/// Ends a request that is not in force.
pub(super) async fn decline(
    state: &State,
    tx: &mut Tx,
    ctx: &Ctx,
    open: &Open,
    name: &str,
    ended: BlockEnding,
    reason: Option<&str>,
) -> ApiResult<()> {
    store::decline(tx, ctx.organization, open.id, (person(ctx), ended)).await?;
    let change = audit::Change::new("block.decline", open.id, name)
        .before(json!({"status": "requested"}))
        .after(json!({"status": "declined", "reason": reason, "ended": ended}));
    audit::record(tx, ctx, change).await?;
    Ok(news::tell(state, tx, ctx, open.id, News::Declined(reason)).await?)
}

/// The block of a thing that keeps another from being made; of the same thing are `open`. A throttle in force gives way to a
/// stop: at once, or, where that waits for a second person, once it is approved.
pub(super) fn in_the_way(ctx: &Ctx, open: &[Open], mode: BlockMode, waits: bool) -> Option<Uuid> {
    let gives_way = |open: &Open| {
        // Whoever may not lift it cannot have it replaced by one that they may lift.
        let may_end = waits
            || ctx.require(Permission::BlocksWrite).is_ok()
            || (open.cause == BlockCause::Manual && open.requested_by == person(ctx));
        open.is_active && open.mode == BlockMode::Throttle && mode == BlockMode::Stop && may_end
    };
    open.iter().find(|open| !gives_way(open)).map(|open| open.id)
}

/// Makes room for a stop that takes effect now: a throttle, or a request that still waits, gives way to it.
pub(super) async fn replace(state: &State, tx: &mut Tx, ctx: &Ctx, open: &Open, name: &str) -> ApiResult<()> {
    if !open.is_active {
        return decline(state, tx, ctx, open, name, BlockEnding::Replaced, None).await;
    }
    let restoration = BlockRestoration::Nothing;
    let lift = Lift { by: person(ctx), reason: None, ended: BlockEnding::Replaced, restoration };
    end(state, tx, ctx, open, name, &lift).await
}

/// Makes sure that something is not stopped, before what a stop took away is given to it. It is held.
///
/// # Errors
/// `block_in_force`.
pub async fn require_unblocked(tx: &mut Tx, organization: OrganizationId, target: Target) -> ApiResult<()> {
    if store::is_stopped(tx, organization, target).await? { Err(ErrorCode::BlockInForce.into()) } else { Ok(()) }
}

/// Makes sure that a project is not stopped, and that it is not its team that is held: in another team it would go on
/// without a lift, and its Project ID would come back to where no key may reach it. The project is held.
///
/// # Errors
/// `block_in_force`.
pub async fn require_movable(tx: &mut Tx, organization: OrganizationId, project: Uuid, from: Uuid) -> ApiResult<()> {
    require_unblocked(tx, organization, Target::Project(project)).await?;
    // Whoever stops one of the keys now finds the project where it goes.
    sqlx::query!(
        "SELECT id FROM admin_keys WHERE organization_id = $1 AND team_id = $2 ORDER BY id FOR SHARE",
        organization as OrganizationId,
        from
    )
    .fetch_all(&mut **tx)
    .await?;
    match store::holding_team(tx, organization, from).await? {
        Some(_) => Err(ErrorCode::BlockInForce.into()),
        None => Ok(()),
    }
}

/// Ends the block of something that is deleted or revoked in this transaction; it is held: nudge the jobs after the commit.
/// Limits at the provider are put back, as nobody could lift the block any more. So where a lift needs a second person, a
/// project and an Admin key that are stopped cannot be deleted; an API key can, as nothing goes on by that.
///
/// # Errors
/// `block_in_force`: for that reason; and for an Admin key with which limits at the provider are still to be put back.
pub async fn end_with(state: &State, tx: &mut Tx, ctx: &Ctx, target: Target) -> ApiResult<()> {
    if let Target::AdminKey(key) = target
        && stops::need_key(tx, ctx.organization, key).await?
    {
        return Err(ErrorCode::BlockInForce.into());
    }
    for open in store::open_of(tx, ctx.organization, target).await? {
        let name = targets::find(tx, ctx.organization, target).await?.map(|found| found.name).unwrap_or_default();
        if !open.is_active {
            decline(state, tx, ctx, &open, &name, BlockEnding::Deleted, None).await?;
            continue;
        }
        let goes_on = open.mode == BlockMode::Stop && !matches!(target, Target::ApiKey(_));
        if goes_on && needs_two(tx, ctx.organization).await? {
            return Err(ErrorCode::BlockInForce.into());
        }
        let restoration = BlockRestoration::Nothing;
        let lift = Lift { by: person(ctx), reason: None, ended: BlockEnding::Deleted, restoration };
        end(state, tx, ctx, &open, &name, &lift).await?;
    }
    Ok(())
}

/// The same for every Admin key of a team that is deleted in this transaction.
///
/// # Errors
/// As [`end_with`].
pub async fn end_with_team(state: &State, tx: &mut Tx, ctx: &Ctx, team: Uuid) -> ApiResult<()> {
    let keys = sqlx::query_scalar!(
        "SELECT id FROM admin_keys WHERE organization_id = $1 AND team_id = $2 AND deleted_at IS NULL ORDER BY id FOR UPDATE",
        ctx.organization as OrganizationId,
        team
    )
    .fetch_all(&mut **tx)
    .await?;
    for key in keys {
        end_with(state, tx, ctx, Target::AdminKey(key)).await?;
    }
    Ok(())
}
