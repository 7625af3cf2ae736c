//! Making, rotating and revoking API keys.

use finops_contract::ErrorCode;
use finops_contract::api_keys::{ApiKey, CreateApiKeyRequest, CreatedApiKey, RotateApiKeyRequest};
use uuid::Uuid;

use super::{domain, store};
use crate::features::blocks::{self, Target};
use crate::features::{audit, projects};
use crate::platform::auth::Permission;
use crate::platform::auth::api_keys::ApiKeyText;
use crate::platform::db::Tx;
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// Whose keys the caller manages: their own, or everybody's.
fn maker(ctx: &Ctx) -> ApiResult<Option<Uuid>> {
    let everybodys = ctx.require(Permission::ApiKeysWrite).is_ok();
    ctx.user_id().map(|user| (!everybodys).then_some(user))
}

/// A key that the caller manages; any other does not exist.
async fn managed(tx: &mut Tx, ctx: &Ctx, id: Uuid) -> ApiResult<ApiKey> {
    let filter = store::Filter { maker: maker(ctx)?, id: Some(id), after: None };
    let found = store::list(tx, ctx.organization, &filter, 1, ctx.now()).await?;
    found.into_iter().next().ok_or_else(|| ErrorCode::NotFound.into())
}

/// The keys that the caller manages, the newest first.
pub(super) async fn list(state: &State, ctx: &Ctx, after: Option<Uuid>, limit: i64) -> ApiResult<Vec<ApiKey>> {
    let filter = store::Filter { maker: maker(ctx)?, id: None, after };
    let mut tx = state.db.tenant(ctx.organization).await?;
    let keys = store::list(&mut tx, ctx.organization, &filter, limit, ctx.now()).await?;
    tx.commit().await?;
    Ok(keys)
}

/// One key that the caller manages.
///
/// # Errors
/// `not_found`.
pub(super) async fn get(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<ApiKey> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let key = managed(&mut tx, ctx, id).await?;
    tx.commit().await?;
    Ok(key)
}

/// Makes a key.
///
/// # Errors
/// `validation_failed`: for the project, if the caller does not see it or must name one; for the expiry.
pub(super) async fn create(state: &State, ctx: &Ctx, request: &CreateApiKeyRequest) -> ApiResult<CreatedApiKey> {
    let (user, text) = (ctx.user_id()?, ApiKeyText::generate()?);
    let expires_at = domain::expiry(request, ctx.now())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    match request.project_id {
        Some(project) => projects::require(&mut tx, ctx, project, "/projectId").await?,
        None if ctx.require(Permission::ApiKeysWrite).is_err() => {
            return Err(ApiError::field("/projectId", "required", "say which of your projects the key is for"));
        }
        None => {}
    }
    let id = ctx.clock.new_id();
    let new = store::NewKey { id, request, scopes: &domain::scopes(request), expires_at, created_by: user };
    store::insert(&mut tx, ctx.organization, &new, ctx.now()).await?;
    store::add_text(&mut tx, ctx.organization, id, &text, ctx.now()).await?;
    let api_key = managed(&mut tx, ctx, id).await?;
    let change = audit::Change::new("api_key.create", id, api_key.name.clone()).after(&api_key);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(CreatedApiKey { api_key, key: text.reveal().to_owned() })
}

/// Gives a key another text.
///
/// # Errors
/// `not_found`.
pub(super) async fn rotate(
    state: &State,
    ctx: &Ctx,
    id: Uuid,
    request: &RotateApiKeyRequest,
) -> ApiResult<CreatedApiKey> {
    let text = ApiKeyText::generate()?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    store::lock(&mut tx, ctx.organization, id).await?;
    let before = managed(&mut tx, ctx, id).await?;
    store::retire_texts(&mut tx, ctx.organization, id, domain::overlap(request, ctx.now()), ctx.now()).await?;
    store::add_text(&mut tx, ctx.organization, id, &text, ctx.now()).await?;
    store::note_rotation(&mut tx, ctx.organization, id, ctx.now()).await?;
    let api_key = managed(&mut tx, ctx, id).await?;
    let change = audit::Change::new("api_key.rotate", id, before.name.clone()).before(before).after(&api_key);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(CreatedApiKey { api_key, key: text.reveal().to_owned() })
}

/// Ends a key, and with it a block of it.
///
/// # Errors
/// `not_found`.
pub(super) async fn revoke(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<()> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    store::lock(&mut tx, ctx.organization, id).await?;
    let before = managed(&mut tx, ctx, id).await?;
    blocks::end_with(state, &mut tx, ctx, Target::ApiKey(id)).await?;
    store::revoke(&mut tx, ctx.organization, id, ctx.now()).await?;
    let change = audit::Change::new("api_key.revoke", id, before.name.clone()).before(before);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(())
}
