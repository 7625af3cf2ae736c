//! Storing and erasing people's keys at providers. They belong to the account, wherever it acts.

use finops_contract::ErrorCode;
use finops_contract::provider_keys::{KeyService, ProviderKey, StoreProviderKeyRequest};
use uuid::Uuid;

use super::domain::ProviderKeySecret;
use super::store;
use crate::features::{accounts, audit};
use crate::platform::crypto;
use crate::platform::http::{ApiResult, Ctx};
use crate::platform::state::State;

/// The account that asks, at home.
async fn at_home(state: &State, ctx: Ctx) -> ApiResult<(Ctx, Uuid)> {
    let user = ctx.user_id()?;
    let mut tx = state.db.platform().await?;
    let organization = accounts::home(&mut tx, user).await?;
    tx.commit().await?;
    Ok((Ctx { organization, ..ctx }, user))
}

/// The caller's keys, by service.
pub(super) async fn list(state: &State, ctx: &Ctx) -> ApiResult<Vec<ProviderKey>> {
    let (ctx, user) = at_home(state, ctx.clone()).await?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let keys = store::list(&mut tx, ctx.organization, user).await?;
    tx.commit().await?;
    Ok(keys)
}

/// Stores a key, in place of the one before.
///
/// # Errors
/// `provider_key_invalid`, `encryption_unavailable`; `conflict` when another one was stored at the same time.
pub(super) async fn store(state: &State, ctx: Ctx, request: &StoreProviderKeyRequest) -> ApiResult<ProviderKey> {
    let key = ProviderKeySecret::parse(request.service, &request.key)?;
    let (ctx, user) = at_home(state, ctx).await?;
    let organization = ctx.organization;
    let mut tx = state.db.tenant(organization).await?;
    let known = store::lock(&mut tx, organization, user, request.service).await?;
    let version = match &known {
        Some((id, _)) => crypto::load(&mut tx, organization, store::owner(*id)).await?.map_or(0, |old| old.version()),
        None => 0,
    };
    tx.commit().await?;
    let id = known.as_ref().map_or_else(|| ctx.clock.new_id(), |(id, _)| *id);
    let sealed = state.secrets.seal(organization, store::owner(id), version + 1, &key.secret).await?;
    let mut tx = state.db.tenant(organization).await?;
    let before = store::lock(&mut tx, organization, user, request.service).await?;
    if before.as_ref().map(|(id, _)| id) != known.as_ref().map(|(id, _)| id) {
        return Err(ErrorCode::Conflict.into());
    }
    store::put(&mut tx, organization, user, id, request.service, &key, ctx.now()).await?;
    sealed.store(&mut tx, ctx.now()).await?;
    let (_, stored) = store::lock(&mut tx, organization, user, request.service).await?.ok_or(ErrorCode::NotFound)?;
    let change = audit::Change::new("provider_key.store", id, stored.masked.clone()).after(&stored);
    let change = before.into_iter().fold(change, |change, (_, before)| change.before(before));
    audit::record(&mut tx, &ctx, change).await?;
    tx.commit().await?;
    Ok(stored)
}

/// Erases a key.
///
/// # Errors
/// `not_found`.
pub(super) async fn delete(state: &State, ctx: Ctx, service: KeyService) -> ApiResult<()> {
    let (ctx, user) = at_home(state, ctx).await?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let (id, key) = store::lock(&mut tx, ctx.organization, user, service).await?.ok_or(ErrorCode::NotFound)?;
    store::delete(&mut tx, ctx.organization, id).await?;
    let change = audit::Change::new("provider_key.delete", id, key.masked.clone()).before(key);
    audit::record(&mut tx, &ctx, change).await?;
    tx.commit().await?;
    Ok(())
}
