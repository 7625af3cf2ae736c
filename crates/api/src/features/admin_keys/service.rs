//! Registering, rotating and opening admin keys.

use finops_contract::ErrorCode;
use finops_contract::accounts::Locale;
use finops_contract::admin_keys::{AdminKey, Provider, RegisterAdminKeyRequest, RegisteredAdminKey, Verification};
use finops_providers::{OpenAiClient, ProviderError};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use super::domain::AdminKeySecret;
use super::store::{self, ActiveKey, Verdict};
use crate::features::blocks::{self, Target};
use crate::features::{audit, collector, teams};
use crate::platform::crypto::{self, SecretError};
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// Asks the provider about a key. A provider that does not answer is no verdict: the key stays pending.
async fn ask(state: &State, secret: SecretString) -> Verdict {
    let outcome = match state.providers.openai_interactive(secret) {
        Ok(client) => client.verify().await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(verified) => verified.into(),
        Err(error) => verdict_of(&error),
    }
}

fn verdict_of(error: &ProviderError) -> Verdict {
    let verification = if error.is_unauthorized() { Verification::Rejected } else { Verification::Pending };
    Verdict { verification, reason: Some(error.user_reason()), account: None, projects: Vec::new() }
}

/// The same for a key that is not stored yet: a rejected one is not.
async fn ask_before_storing(state: &State, key: &AdminKeySecret) -> ApiResult<Verdict> {
    let verdict = ask(state, key.secret.clone()).await;
    match verdict.verification {
        Verification::Rejected => Err(ErrorCode::AdminKeyRejected.into()),
        Verification::Pending | Verification::Verified => Ok(verdict),
    }
}

/// Remembers what a key showed of the account behind it.
async fn note_account(tx: &mut Tx, ctx: &Ctx, team: Uuid, provider: Provider, verdict: &Verdict) -> sqlx::Result<()> {
    match &verdict.account {
        Some(name) => collector::note_account(tx, ctx, team, provider, name, &verdict.projects).await,
        None => Ok(()),
    }
}

fn registered(locale: Locale, admin_key: AdminKey) -> RegisteredAdminKey {
    let last4 = &admin_key.last4;
    let message = match locale {
        Locale::Ko => format!("Admin API Key가 등록되었습니다 (ends with ...{last4})"),
        Locale::En => format!("The Admin API key is registered (ends with ...{last4})"),
    };
    RegisteredAdminKey { admin_key, message }
}

impl From<SecretError> for ApiError {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Database(error) => error.into(),
            SecretError::Conflict => ErrorCode::Conflict.into(),
            SecretError::Seal(_) => Self::new(ErrorCode::EncryptionUnavailable).with_retry_after(5).with_source(error),
            SecretError::Open(_) if error.code() == "encryption_unavailable" => {
                Self::new(ErrorCode::EncryptionUnavailable).with_retry_after(5).with_source(error)
            }
            SecretError::Open(_) => Self::internal(error),
        }
    }
}

/// Registers a team's key: asks the provider, encrypts, stores, and puts its backfill into the queue.
///
/// # Errors
/// `admin_key_invalid`, `admin_key_rejected`, `admin_key_active_exists`, `encryption_unavailable`, `not_found`.
pub async fn register(
    state: &State,
    ctx: &Ctx,
    team: Uuid,
    request: &RegisterAdminKeyRequest,
) -> ApiResult<RegisteredAdminKey> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    teams::seen(&mut tx, ctx, team).await?;
    let key = AdminKeySecret::parse(&request.key)?;
    if store::active(&mut tx, ctx.organization, team, request.provider).await?.is_some() {
        return Err(ErrorCode::AdminKeyActiveExists.into());
    }
    tx.commit().await?;
    let verdict = ask_before_storing(state, &key).await?;
    let id = ctx.clock.new_id();
    let sealed = state.secrets.seal(ctx.organization, store::owner(id), 1, &key.secret).await?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    teams::require(&mut tx, ctx.organization, team, "/teamId").await?;
    store::insert(&mut tx, ctx.organization, team, id, request.provider, &key, &verdict, ctx.now()).await?;
    sealed.store(&mut tx, ctx.now()).await?;
    note_account(&mut tx, ctx, team, request.provider, &verdict).await?;
    let stored = store::lock(&mut tx, ctx.organization, team, id).await?.ok_or(ErrorCode::NotFound)?;
    let change = audit::Change::new("admin_key.register", id, stored.masked.clone())
        .after(json!({"teamId": team, "key": stored}));
    audit::record(&mut tx, ctx, change).await?;
    collector::follow_key(&mut tx, ctx.organization, team, true).await?;
    collector::request(&mut tx, ctx, team, &format!("key:{id}:1")).await?;
    tx.commit().await?;
    state.nudge.nudge();
    Ok(registered(ctx.locale, stored))
}

/// Puts another key in the place of one, and keeps everything collected.
///
/// # Errors
/// As [`register`], and `conflict` when somebody else rotated it at the same time.
pub(super) async fn rotate(
    state: &State,
    ctx: &Ctx,
    team: Uuid,
    id: Uuid,
    text: &str,
) -> ApiResult<RegisteredAdminKey> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    teams::seen(&mut tx, ctx, team).await?;
    store::lock(&mut tx, ctx.organization, team, id).await?.ok_or(ErrorCode::NotFound)?;
    let key = AdminKeySecret::parse(text)?;
    let current = crypto::load(&mut tx, ctx.organization, store::owner(id)).await?.ok_or(ErrorCode::NotFound)?;
    tx.commit().await?;
    let version = current.version() + 1;
    if key.is(&state.secrets.open(ctx.organization, store::owner(id), &current).await?) {
        return Err(ApiError::field("/key", "unchanged", "is the key that is already registered"));
    }
    let verdict = ask_before_storing(state, &key).await?;
    let sealed = state.secrets.seal(ctx.organization, store::owner(id), version, &key.secret).await?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = store::lock(&mut tx, ctx.organization, team, id).await?.ok_or(ErrorCode::NotFound)?;
    store::replace(&mut tx, ctx.organization, id, &key, &verdict, ctx.now()).await?;
    sealed.store(&mut tx, ctx.now()).await?;
    note_account(&mut tx, ctx, team, before.provider, &verdict).await?;
    let after = store::lock(&mut tx, ctx.organization, team, id).await?.ok_or(ErrorCode::NotFound)?;
    let change = audit::Change::new("admin_key.rotate", id, after.masked.clone()).before(before).after(&after);
    audit::record(&mut tx, ctx, change).await?;
    if after.is_active {
        collector::request(&mut tx, ctx, team, &format!("key:{id}:{version}")).await?;
    }
    tx.commit().await?;
    state.nudge.nudge();
    Ok(registered(ctx.locale, after))
}

/// Asks the provider again.
///
/// # Errors
/// `not_found`, `encryption_unavailable`.
pub(super) async fn verify(state: &State, ctx: &Ctx, team: Uuid, id: Uuid) -> ApiResult<AdminKey> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    teams::seen(&mut tx, ctx, team).await?;
    let before = store::lock(&mut tx, ctx.organization, team, id).await?.ok_or(ErrorCode::NotFound)?;
    let sealed = crypto::load(&mut tx, ctx.organization, store::owner(id)).await?.ok_or(ErrorCode::NotFound)?;
    tx.commit().await?;
    let secret = state.secrets.open(ctx.organization, store::owner(id), &sealed).await?;
    let verdict = ask(state, secret).await;
    let mut tx = state.db.tenant(ctx.organization).await?;
    store::set_verdict(&mut tx, ctx.organization, id, sealed.version(), &verdict, ctx.now()).await?;
    note_account(&mut tx, ctx, team, before.provider, &verdict).await?;
    let after = store::lock(&mut tx, ctx.organization, team, id).await?.ok_or(ErrorCode::NotFound)?;
    audit::record(&mut tx, ctx, verified(&before, &after)).await?;
    tx.commit().await?;
    Ok(after)
}

/// Stops or starts the use of a key.
///
/// # Errors
/// `not_found`, `admin_key_active_exists`, `block_in_force`.
pub(super) async fn set_active(state: &State, ctx: &Ctx, team: Uuid, id: Uuid, active: bool) -> ApiResult<AdminKey> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    teams::seen(&mut tx, ctx, team).await?;
    store::lock(&mut tx, ctx.organization, team, id).await?.ok_or(ErrorCode::NotFound)?;
    if active {
        blocks::require_unblocked(&mut tx, ctx.organization, Target::AdminKey(id)).await?;
    }
    let key = switch(&mut tx, ctx, team, id, active).await?;
    tx.commit().await?;
    state.nudge.nudge();
    Ok(key)
}

/// The same in a transaction that does more: nudge the jobs after its commit.
///
/// # Errors
/// `not_found`, `admin_key_active_exists`.
pub async fn switch(tx: &mut Tx, ctx: &Ctx, team: Uuid, id: Uuid, active: bool) -> ApiResult<AdminKey> {
    let before = store::lock(tx, ctx.organization, team, id).await?.ok_or(ErrorCode::NotFound)?;
    if before.is_active == active {
        return Ok(before);
    }
    store::set_active(tx, ctx.organization, id, active).await?;
    collector::follow_key(tx, ctx.organization, team, active).await?;
    let action = if active { "admin_key.activate" } else { "admin_key.deactivate" };
    let change = audit::Change::new(action, id, before.masked.clone());
    let change = change.before(json!({"isActive": before.is_active})).after(json!({"isActive": active}));
    audit::record(tx, ctx, change).await?;
    if active {
        collector::request(tx, ctx, team, &format!("key:{id}:activated:{}", ctx.clock.new_id())).await?;
    }
    Ok(AdminKey { is_active: active, ..before })
}

/// Deletes a key and its secret. What was collected with it stays; a block of it ends.
///
/// # Errors
/// `not_found`; `block_in_force` while limits at the provider are still to be put back with it.
pub(super) async fn delete(state: &State, ctx: &Ctx, team: Uuid, id: Uuid) -> ApiResult<()> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    teams::seen(&mut tx, ctx, team).await?;
    let before = store::lock(&mut tx, ctx.organization, team, id).await?.ok_or(ErrorCode::NotFound)?;
    blocks::end_with(state, &mut tx, ctx, Target::AdminKey(id)).await?;
    store::delete(&mut tx, ctx.organization, id, ctx.now()).await?;
    crypto::delete(&mut tx, ctx.organization, store::owner(id)).await?;
    if before.is_active {
        collector::follow_key(&mut tx, ctx.organization, team, false).await?;
    }
    let change = audit::Change::new("admin_key.delete", id, before.masked.clone()).before(before);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(())
}

/// A team's active key, ready to use.
pub struct OpenKey {
    /// Which key it is.
    pub key: ActiveKey,
    /// The key itself.
    pub secret: SecretString,
    /// Which of the key's secrets it is: rotating makes another.
    pub version: i32,
}

/// Why a team's active key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyProblem {
    /// The team has none.
    #[error("Admin API Key not registered")]
    Missing,
    /// It is there, but cannot be decrypted.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The provider says nothing good of it, or nothing at all.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<KeyProblem> for ApiError {
    fn from(problem: KeyProblem) -> Self {
        match problem {
            KeyProblem::Missing => ErrorCode::AdminKeyMissing.into(),
            KeyProblem::Secret(error) => error.into(),
            KeyProblem::Provider(error) if error.is_unauthorized() => ErrorCode::AdminKeyRejected.into(),
            KeyProblem::Provider(error) => {
                Self::new(ErrorCode::ProviderUnavailable).with_retry_after(30).with_source(error)
            }
            KeyProblem::Database(error) => error.into(),
        }
    }
}

/// Opens a team's active key and notes that it was used.
///
/// # Errors
/// [`KeyProblem`], but for the provider's: it is not asked.
pub async fn open_active(
    state: &State,
    organization: OrganizationId,
    team: Uuid,
    provider: Provider,
) -> Result<OpenKey, KeyProblem> {
    let mut tx = state.db.background().tenant(organization).await?;
    let key = store::active(&mut tx, organization, team, provider).await?.ok_or(KeyProblem::Missing)?;
    let sealed = crypto::load(&mut tx, organization, store::owner(key.id)).await?.ok_or(KeyProblem::Missing)?;
    store::touch(&mut tx, organization, key.id, state.clock.now()).await?;
    tx.commit().await?;
    let secret = state.secrets.open(organization, store::owner(key.id), &sealed).await?;
    Ok(OpenKey { key, secret, version: sealed.version() })
}

/// Opens a key of the organization that was not deleted, in use or not: limits that were clamped with it must be put back
/// also after it was stopped.
///
/// # Errors
/// [`KeyProblem`], but for the provider's: it is not asked.
pub async fn open(state: &State, organization: OrganizationId, id: Uuid) -> Result<SecretString, KeyProblem> {
    let mut tx = state.db.background().tenant(organization).await?;
    let sealed = crypto::load(&mut tx, organization, store::owner(id)).await?.ok_or(KeyProblem::Missing)?;
    store::touch(&mut tx, organization, id, state.clock.now()).await?;
    tx.commit().await?;
    Ok(state.secrets.open(organization, store::owner(id), &sealed).await?)
}

/// What the provider calls the account behind a key. Asks the provider when that is not known yet, as for a key that was stored while
/// the provider did not answer.
///
/// # Errors
/// [`KeyProblem::Provider`], which is also written down beside the key.
pub async fn settle(
    state: &State,
    ctx: &Ctx,
    team: Uuid,
    open: &OpenKey,
    client: &OpenAiClient,
) -> Result<String, KeyProblem> {
    if let Some(account) = &open.key.account {
        return Ok(account.clone());
    }
    let outcome = client.verify().await;
    // An account that the provider does not name is the key's own.
    let account_of = |named: Option<String>| named.unwrap_or_else(|| format!("key:{}", open.key.id));
    let verdict = match &outcome {
        Ok(verified) => {
            Verdict { account: Some(account_of(verified.account.clone())), ..Verdict::from(verified.clone()) }
        }
        Err(error) => verdict_of(error),
    };
    let mut tx = state.db.background().tenant(ctx.organization).await?;
    judge(&mut tx, ctx, team, (open.key.id, open.version), &verdict).await?;
    note_account(&mut tx, ctx, team, Provider::Openai, &verdict).await?;
    tx.commit().await?;
    Ok(account_of(outcome?.account))
}

/// Writes down what using a key, of this id and version, showed: that the provider takes it, or that it has refused it.
///
/// # Errors
/// The database's.
pub async fn note_use(
    state: &State,
    ctx: &Ctx,
    team: Uuid,
    key: (Uuid, i32),
    refusal: Option<&ProviderError>,
) -> sqlx::Result<()> {
    let verdict = refusal.map_or(Verdict::VERIFIED, verdict_of);
    let mut tx = state.db.background().tenant(ctx.organization).await?;
    judge(&mut tx, ctx, team, key, &verdict).await?;
    tx.commit().await
}

/// Writes down what the provider says of a key, of this id and version; in the audit log too when that is news.
async fn judge(tx: &mut Tx, ctx: &Ctx, team: Uuid, key: (Uuid, i32), verdict: &Verdict) -> sqlx::Result<()> {
    let Some(before) = store::lock(tx, ctx.organization, team, key.0).await? else { return Ok(()) };
    store::set_verdict(tx, ctx.organization, key.0, key.1, verdict, ctx.now()).await?;
    let Some(after) = store::lock(tx, ctx.organization, team, key.0).await? else { return Ok(()) };
    if (before.verification, &before.verification_reason) == (after.verification, &after.verification_reason) {
        return Ok(());
    }
    audit::record(tx, ctx, verified(&before, &after)).await
}

fn verified(before: &AdminKey, after: &AdminKey) -> audit::Change {
    audit::Change::new("admin_key.verify", after.id, after.masked.clone())
        .before(json!({"verification": before.verification, "reason": before.verification_reason}))
        .after(json!({"verification": after.verification, "reason": after.verification_reason}))
}
