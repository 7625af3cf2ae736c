//! Making blocks, deciding about them, and lifting them.

use finops_contract::ErrorCode;
use finops_contract::accounts::Locale;
use finops_contract::blocks::{
    Block, BlockCause, BlockDetail, BlockEnding, BlockEntry, BlockQuestion, BlockStatus, BlockTargetType,
    CreateBlockRequest,
};
use finops_contract::costs::Named;
use serde_json::{Value, json};
use uuid::Uuid;

use super::domain::{self, Draft};
use super::list::{self as shown, Filter};
use super::news::{self, News};
use super::store::Open;
use super::targets::{self, Found};
use super::{effects, endings, stops, store as rows};
use crate::features::teams::Visibility;
use crate::features::{audit, deliveries, teams};
use crate::platform::auth::Permission;
use crate::platform::db::{Tx, violates};
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// Entries of a block's history that are shown.
const HISTORY: i64 = 200;

/// Stops something, at once, or once a second person has approved it.
///
/// # Errors
/// `not_found`, `forbidden`, `already_blocked`; `validation_failed` for the limit, the alert and the provider.
pub(super) async fn create(state: &State, ctx: &Ctx, request: &CreateBlockRequest) -> ApiResult<Block> {
    let target = request.target.into();
    let mut tx = state.db.tenant(ctx.organization).await?;
    let found = targets::seen(&mut tx, ctx, target).await?;
    if !found.may_be_blocked_by(ctx) {
        return Err(ErrorCode::Forbidden.into());
    }
    if let Some(alert) = request.alert_id
        && !rows::alert_exists(&mut tx, ctx.organization, alert).await?
    {
        return Err(ApiError::field("/alertId", "unknown", "there is no such alert"));
    }
    Draft::read(request, &found)?;
    targets::hold(&mut tx, ctx.organization, target, request.mode).await?;
    // Once more: it may have changed until it was held.
    let found = targets::seen(&mut tx, ctx, target).await?;
    let draft = Draft::read(request, &found)?;
    let waits = endings::needs_two(&mut tx, ctx.organization).await?;
    let open = rows::open_of(&mut tx, ctx.organization, target).await?;
    if let Some(other) = endings::in_the_way(ctx, &open, draft.mode, waits) {
        return Err(already_blocked(other));
    }
    if !waits {
        for open in &open {
            endings::replace(state, &mut tx, ctx, open, &found.name).await?;
        }
    }
    let id = store(state, &mut tx, ctx, &found, &draft, !waits).await?;
    let block = seen(&mut tx, ctx, id).await?;
    tx.commit().await?;
    nudge(state);
    Ok(block)
}

/// Has what was left to jobs and to deliveries done now.
fn nudge(state: &State) {
    state.nudge.nudge();
    deliveries::nudge(state);
}

fn already_blocked(block: Uuid) -> ApiError {
    ApiError::new(ErrorCode::AlreadyBlocked).with_detail(format!("{} ({block})", ErrorCode::AlreadyBlocked.title_en()))
}

/// Stores a block of something that is held, writes that down, puts it into force unless it waits, and tells of it.
pub(super) async fn store(
    state: &State,
    tx: &mut Tx,
    ctx: &Ctx,
    found: &Found,
    draft: &Draft,
    active: bool,
) -> ApiResult<Uuid> {
    let id = ctx.clock.new_id();
    let stored = (found.team_id(), endings::person(ctx), active);
    rows::insert(tx, ctx.organization, id, draft, stored, ctx.now()).await.map_err(|error| {
        match violates(&error, "blocks_one_in_force") || violates(&error, "blocks_one_waiting") {
            true => ApiError::from(ErrorCode::AlreadyBlocked),
            false => error.into(),
        }
    })?;
    let change = audit::Change::new("block.create", id, found.name.clone()).after(json!({
        "target": {"type": draft.target.kind(), "id": draft.target.id()},
        "status": if active { BlockStatus::Active } else { BlockStatus::Requested },
        "mode": draft.mode, "limitPerMinute": draft.limit, "cause": draft.cause, "reason": draft.reason,
        "reasonEn": draft.reason_en,
        "alertId": draft.alert, "budgetId": draft.budget, "atProvider": draft.at_provider,
    }));
    audit::record(tx, ctx, change).await?;
    if active {
        effects::apply(tx, ctx, id, found, draft.mode, draft.at_provider).await?;
    }
    news::tell(state, tx, ctx, id, if active { News::Stopped } else { News::Requested }).await?;
    Ok(id)
}

/// A block that is not over, and what it stops, held.
struct Held {
    open: Open,
    /// What is in force or waits beside it.
    others: Vec<Open>,
    found: Found,
}

/// Holds a block that the caller sees, and what it stops.
///
/// # Errors
/// `not_found`; `block_settled` if it is over.
async fn held(tx: &mut Tx, ctx: &Ctx, id: Uuid) -> ApiResult<Held> {
    seen(tx, ctx, id).await?;
    let (target, mode) = rows::target_of(tx, ctx.organization, id).await?.ok_or(ErrorCode::NotFound)?;
    targets::hold(tx, ctx.organization, target, mode).await?;
    let (open, others): (Vec<_>, Vec<_>) =
        rows::open_of(tx, ctx.organization, target).await?.into_iter().partition(|open| open.id == id);
    let open = open.into_iter().next().ok_or(ErrorCode::BlockSettled)?;
    // What is deleted has ended its block.
    let found = targets::find(tx, ctx.organization, target).await?.ok_or(ErrorCode::BlockSettled)?;
    Ok(Held { open, others, found })
}

/// Whether the caller is the one who asked for what waits, where that must be somebody else.
fn is_own(ctx: &Ctx, open: &Open) -> bool {
    let asked = if open.is_active { open.lift_requested_by } else { open.requested_by };
    asked.is_some() && asked == endings::person(ctx)
}

/// Makes sure that what is decided is what waits.
///
/// # Errors
/// `block_settled`.
fn require_waiting(open: &Open, question: BlockQuestion) -> ApiResult<()> {
    let waits = match question {
        BlockQuestion::Block => !open.is_active,
        BlockQuestion::Lift => open.is_active && open.is_lift_requested,
    };
    if waits { Ok(()) } else { Err(ErrorCode::BlockSettled.into()) }
}

/// Approves what waits: the block, or its lift.
///
/// # Errors
/// `not_found`, `second_person_needed`, `block_settled`, `attribution_in_progress`.
pub(super) async fn approve(state: &State, ctx: &Ctx, id: Uuid, question: BlockQuestion) -> ApiResult<Block> {
    // Days' sums are computed anew when a Project ID is given back, which may take longer than a request's statements may.
    let mut tx = state.db.background().tenant(ctx.organization).await?;
    let Held { open, others, found } = held(&mut tx, ctx, id).await?;
    require_waiting(&open, question)?;
    if is_own(ctx, &open) && endings::needs_two(&mut tx, ctx.organization).await? {
        return Err(ErrorCode::SecondPersonNeeded.into());
    }
    let by = endings::person(ctx);
    if question == BlockQuestion::Block {
        for other in &others {
            endings::replace(state, &mut tx, ctx, other, &found.name).await?;
        }
        let at_provider = open.at_provider && domain::can_tell_provider(&found, open.mode);
        rows::activate(&mut tx, ctx.organization, id, (by, at_provider), ctx.now()).await?;
        let change = audit::Change::new("block.approve", id, found.name.clone())
            .before(json!({"status": "requested"}))
            .after(json!({"status": "active", "reason": open.reason, "atProvider": at_provider}));
        audit::record(&mut tx, ctx, change).await?;
        effects::apply(&mut tx, ctx, id, &found, open.mode, at_provider).await?;
        news::tell(state, &mut tx, ctx, id, News::Stopped).await?;
    } else {
        let reason = open.lift_reason.clone().unwrap_or_default();
        endings::lift(state, &mut tx, ctx, &open, &found, by, &reason).await?;
    }
    let block = seen(&mut tx, ctx, id).await?;
    tx.commit().await?;
    nudge(state);
    Ok(block)
}

/// Declines what waits: the block never is in force, or stays in force. Whoever asked for it may take it back so.
///
/// # Errors
/// `not_found`, `block_settled`.
pub(super) async fn decline(
    state: &State,
    ctx: &Ctx,
    id: Uuid,
    question: BlockQuestion,
    reason: &str,
) -> ApiResult<Block> {
    let reason = reason.trim();
    let mut tx = state.db.tenant(ctx.organization).await?;
    let Held { open, found, .. } = held(&mut tx, ctx, id).await?;
    if !is_own(ctx, &open) {
        ctx.require(Permission::BlocksWrite)?;
    }
    require_waiting(&open, question)?;
    if question == BlockQuestion::Block {
        endings::decline(state, &mut tx, ctx, &open, &found.name, BlockEnding::Lifted, Some(reason)).await?;
    } else {
        // Before: who asked for it is not known after.
        news::tell(state, &mut tx, ctx, id, News::LiftDeclined(reason)).await?;
        rows::refuse_lift(&mut tx, ctx.organization, id).await?;
        let change = audit::Change::new("block.decline_lift", id, found.name)
            .before(json!({"liftReason": open.lift_reason}))
            .after(json!({"status": "active", "reason": reason}));
        audit::record(&mut tx, ctx, change).await?;
    }
    let block = seen(&mut tx, ctx, id).await?;
    tx.commit().await?;
    nudge(state);
    Ok(block)
}

/// Lifts a block, or asks a second person for that.
///
/// # Errors
/// `not_found`, `forbidden`, `block_settled`, `attribution_in_progress`.
pub(super) async fn lift(state: &State, ctx: &Ctx, id: Uuid, reason: &str) -> ApiResult<Block> {
    let reason = reason.trim();
    let mut tx = state.db.background().tenant(ctx.organization).await?;
    if !may_lift(ctx, &seen(&mut tx, ctx, id).await?) {
        return Err(ErrorCode::Forbidden.into());
    }
    let Held { open, found, .. } = held(&mut tx, ctx, id).await?;
    if !open.is_active || open.is_lift_requested {
        return Err(ErrorCode::BlockSettled.into());
    }
    let by = endings::person(ctx);
    if endings::needs_two(&mut tx, ctx.organization).await? {
        rows::request_lift(&mut tx, ctx.organization, id, (by, reason), ctx.now()).await?;
        let change = audit::Change::new("block.request_lift", id, found.name).after(json!({"reason": reason}));
        audit::record(&mut tx, ctx, change).await?;
        news::tell(state, &mut tx, ctx, id, News::LiftRequested).await?;
    } else {
        endings::lift(state, &mut tx, ctx, &open, &found, by, reason).await?;
    }
    let block = seen(&mut tx, ctx, id).await?;
    tx.commit().await?;
    nudge(state);
    Ok(block)
}

/// Whether the caller may lift a block: who runs the organization; an API key's also whoever stopped their own. What a budget
/// stopped only an administrator lifts.
fn may_lift(ctx: &Ctx, block: &Block) -> bool {
    let by_hand = block.target.kind == BlockTargetType::ApiKey && block.cause == BlockCause::Manual;
    ctx.require(Permission::BlocksWrite).is_ok() || (by_hand && is_caller(ctx, block.requested_by.as_ref()))
}

fn is_caller(ctx: &Ctx, person: Option<&Named>) -> bool {
    person.is_some_and(|person| Some(person.id) == endings::person(ctx))
}

/// Blocks that the caller sees.
///
/// # Errors
/// When the database fails.
pub(super) async fn list(tx: &mut Tx, ctx: &Ctx, filter: &Filter<'_>, limit: i64) -> ApiResult<Vec<Block>> {
    let visibility = teams::visibility(tx, ctx).await?;
    let filter = Filter { seen: Some((&visibility, endings::person(ctx))), ..*filter };
    let shown = shown::list(tx, ctx.organization, &filter, limit).await?;
    let mut blocks: Vec<Block> = shown.into_iter().map(|one| one.in_language(ctx.locale)).collect();
    let ids: Vec<Uuid> = blocks.iter().map(|block| block.id).collect();
    let two = endings::needs_two(tx, ctx.organization).await?;
    let mut all = stops::of_blocks(tx, ctx.organization, &ids, ctx.locale).await?;
    for block in &mut blocks {
        // An Admin key's block is about projects that not everybody sees whose own it stops.
        let sees_all = is_wholly_seen(block, &visibility);
        block.provider = all.remove(&block.id).filter(|_| sees_all).unwrap_or_default();
        let asked = match (block.status, &block.lift_request) {
            (BlockStatus::Requested, _) => Some(block.requested_by.as_ref()),
            (BlockStatus::Active, Some(lift)) => Some(lift.by.as_ref()),
            _ => None,
        };
        let administers = ctx.require(Permission::BlocksWrite).is_ok();
        block.may_approve = administers && asked.is_some_and(|by| !two || !is_caller(ctx, by));
        block.may_lift = block.status == BlockStatus::Active && block.lift_request.is_none() && may_lift(ctx, block);
    }
    Ok(blocks)
}

/// Why something was done, as it was written down, in a language.
fn reason_of(after: &Value, locale: Locale) -> Option<String> {
    let english = after["reasonEn"].as_str().filter(|_| locale == Locale::En);
    english.or(after["reason"].as_str()).map(str::to_owned)
}

/// Whether all that a block is about is seen: an Admin key's is about all projects of its team, and a budget's about the budget.
fn is_wholly_seen(block: &Block, visibility: &Visibility) -> bool {
    let sees_budget = block.cause != BlockCause::Budget || block.budget_id.is_some();
    let sees_key = block.target.kind != BlockTargetType::AdminKey
        || block.team.as_ref().is_some_and(|team| visibility.sees_team(team.id));
    sees_budget && sees_key
}

/// A block that the caller sees; any other does not exist.
async fn seen(tx: &mut Tx, ctx: &Ctx, id: Uuid) -> ApiResult<Block> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    list(tx, ctx, &filter, 1).await?.pop().ok_or_else(|| ErrorCode::NotFound.into())
}

/// A block that the caller sees, with its history.
///
/// # Errors
/// `not_found`.
pub(super) async fn detail(tx: &mut Tx, ctx: &Ctx, id: Uuid) -> ApiResult<BlockDetail> {
    let block = seen(tx, ctx, id).await?;
    if !is_wholly_seen(&block, &teams::visibility(tx, ctx).await?) {
        return Ok(BlockDetail { block, history: Vec::new() });
    }
    let entries = audit::history(tx, ctx.organization, id, HISTORY).await?;
    let history = entries.into_iter().map(|entry| BlockEntry {
        at: entry.at,
        actor: entry.actor,
        action: entry.action,
        reason: entry.after.as_ref().and_then(|after| reason_of(after, ctx.locale)),
        before: entry.before,
        after: entry.after,
    });
    Ok(BlockDetail { block, history: history.collect() })
}
