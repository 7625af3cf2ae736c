//! What organizations negotiate.

use finops_contract::ErrorCode;
use finops_contract::prices::{CreatePriceOverrideRequest, PriceOverride};
use uuid::Uuid;

use super::cache::Books;
use super::{negotiated, terms};
use crate::features::audit;
use crate::features::usage::{self, RepriceWish};
use crate::platform::db::Tx;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::{ApiResult, Ctx};
use crate::platform::state::State;

/// Stores a price, a discount or a name.
///
/// # Errors
/// `validation_failed`, `price_override_overlaps`.
pub(super) async fn negotiate(
    state: &State,
    books: &Books,
    ctx: &Ctx,
    request: &CreatePriceOverrideRequest,
) -> ApiResult<PriceOverride> {
    let book = books.of(ctx.organization).await?;
    let now = ctx.now();
    let agreed = terms::read(request, &book, now)?;
    let id = ctx.clock.new_id();
    let mut tx = state.db.tenant(ctx.organization).await?;
    negotiated::insert(&mut tx, ctx, id, &agreed, request.note.as_deref()).await?;
    let stored = find(&mut tx, ctx, id).await?;
    let change = audit::Change::new("price_override.create", id, name(&stored)).after(&stored);
    audit::record(&mut tx, ctx, change).await?;
    if agreed.is_past {
        let (from, to) = (agreed.from, agreed.to.unwrap_or(now).min(now));
        let wish = RepriceWish { from, to, provider: Some(agreed.provider), model: agreed.model, apply: true };
        usage::request_reprice(&mut tx, ctx, &wish).await?;
    }
    tx.commit().await?;
    state.nudge.nudge();
    books.changed();
    Ok(stored)
}

/// Ends one. One that has ended stays as it is.
///
/// # Errors
/// `not_found`.
pub(super) async fn end(state: &State, books: &Books, ctx: &Ctx, id: Uuid) -> ApiResult<()> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = find(&mut tx, ctx, id).await?;
    if negotiated::end(&mut tx, ctx.organization, id, ctx.now()).await? {
        let after = find(&mut tx, ctx, id).await?;
        let change = audit::Change::new("price_override.end", id, name(&before)).before(&before).after(&after);
        audit::record(&mut tx, ctx, change).await?;
    }
    tx.commit().await?;
    books.changed();
    Ok(())
}

async fn find(tx: &mut Tx, ctx: &Ctx, id: Uuid) -> ApiResult<PriceOverride> {
    let one = Keyset { limit: 1, after: None };
    let found = negotiated::list(tx, ctx.organization, Some(id), &one).await?.pop();
    found.ok_or_else(|| ErrorCode::NotFound.into())
}

fn name(own: &PriceOverride) -> String {
    match &own.model {
        Some(model) => format!("{}/{model}", own.provider),
        None => own.provider.clone(),
    }
}
