//! Deciding about changes of the public prices that were too strange to be believed at once.

use finops_contract::ErrorCode;
use finops_contract::prices::{PriceChange, PriceChangeState, PriceVersionKind};
use serde_json::json;
use uuid::Uuid;

use super::changes::NewEntry;
use super::domain::EntryKey;
use super::list;
use super::store::{self, NewVersion};
use crate::features::audit;
use crate::platform::db::{self, Tx};
use crate::platform::http::cursor::Keyset;
use crate::platform::http::{ApiResult, Ctx};

/// Believes a change: it holds from now on.
///
/// # Errors
/// `not_found`, `price_change_decided`.
pub(super) async fn confirm(tx: &mut Tx, ctx: &Ctx, id: Uuid) -> ApiResult<PriceChange> {
    let pending = take(tx, id).await?;
    let now = ctx.now();
    let current = store::entry_from(tx, pending.entry).await?;
    let from = now.max(current + chrono::TimeDelta::microseconds(1));
    let ends = pending.change.proposed.is_none();
    let version = NewVersion {
        id: ctx.clock.new_id(),
        kind: PriceVersionKind::Confirmation,
        source: &pending.change.source,
        licence: None,
        checksum: None,
        effective_from: from,
        checked_at: now,
        created_at: now,
        created_by: "administrator",
        new: 0,
        changed: usize::from(!ends),
        ended: usize::from(ends),
        unchanged: 0,
        suspicious: 0,
        skipped: 0,
    };
    store::insert_version(tx, &version).await?;
    store::end(tx, std::iter::once((pending.entry, from))).await?;
    if let Some(listing) = pending.change.proposed.clone() {
        let key = EntryKey {
            provider: pending.change.provider.clone(),
            model: pending.change.model.clone(),
            region: pending.change.region.clone(),
        };
        let entry = NewEntry { key, listing: listing.into(), from, replaces: Some(pending.entry) };
        let entries = [(ctx.clock.new_id(), &entry)];
        store::insert_entries(tx, version.id, &pending.change.source, now, &entries).await?;
    }
    decide(tx, ctx, pending.change, PriceChangeState::Confirmed).await
}

/// Does not believe a change: the price stays, and the same is not asked again.
///
/// # Errors
/// `not_found`, `price_change_decided`.
pub(super) async fn dismiss(tx: &mut Tx, ctx: &Ctx, id: Uuid) -> ApiResult<PriceChange> {
    let pending = take(tx, id).await?;
    decide(tx, ctx, pending.change, PriceChangeState::Dismissed).await
}

struct Pending {
    change: PriceChange,
    entry: Uuid,
}

/// Finds a change that waits, while nobody else writes prices.
async fn take(tx: &mut Tx, id: Uuid) -> ApiResult<Pending> {
    store::lock(tx).await?;
    let only = Keyset { limit: 1, after: None };
    let change = list::changes(tx, None, Some(id), &only).await?.pop().ok_or(ErrorCode::NotFound)?;
    if change.state != PriceChangeState::Pending {
        return Err(ErrorCode::PriceChangeDecided.into());
    }
    let entry = store::doubted_entry(tx, id).await?;
    Ok(Pending { change, entry })
}

async fn decide(tx: &mut Tx, ctx: &Ctx, change: PriceChange, state: PriceChangeState) -> ApiResult<PriceChange> {
    let now = ctx.now();
    store::decide(tx, change.id, state, now).await?;
    let action = match state {
        PriceChangeState::Confirmed => "price_change.confirm",
        _ => "price_change.dismiss",
    };
    let name = format!("{}/{}", change.provider, change.model);
    let record = audit::Change::new(action, change.id, name)
        .before(json!({"region": change.region, "listing": change.current}))
        .after(json!({"region": change.region, "listing": change.proposed, "source": change.source}));
    // Public prices are nobody's own: the decision is written down where the administrator acts.
    db::enter(tx, ctx.organization).await?;
    audit::record(tx, ctx, record).await?;
    Ok(PriceChange { state, decided_at: Some(now), ..change })
}
