//! Making and changing channels.

use aws_lc_rs::rand;
use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::channels::{
    Channel, ChannelState, ChannelType, CreateChannelRequest, CreatedChannel, UpdateChannelRequest,
};
use finops_providers::WebhookSecret;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::domain::{Draft, Fields, Settings};
use super::kept::Kept;
use super::store::{self, Rewrite, Written};
use crate::features::{audit, teams};
use crate::platform::crypto::{self, Sealed};
use crate::platform::db::Tx;
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// How long a former secret signs beside the new one.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// A channel of the caller's organization.
///
/// # Errors
/// `not_found`.
pub(super) async fn get(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<Channel> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let channel = existing(&mut tx, ctx, id).await?;
    tx.commit().await?;
    Ok(channel)
}

async fn existing(tx: &mut Tx, ctx: &Ctx, id: Uuid) -> ApiResult<Channel> {
    store::find(tx, ctx.organization, id, ctx.now()).await?.ok_or_else(|| ErrorCode::NotFound.into())
}

/// The same, to be changed: nobody else changes it meanwhile.
///
/// # Errors
/// `not_found`, `channel_built_in`.
async fn changeable(tx: &mut Tx, ctx: &Ctx, id: Uuid) -> ApiResult<Channel> {
    store::lock(tx, ctx.organization, id).await?;
    let channel = existing(tx, ctx, id).await?;
    if channel.built_in { Err(ErrorCode::ChannelBuiltIn.into()) } else { Ok(channel) }
}

/// Refuses a channel for which the service has no way.
fn require_way(state: &State, draft: &Draft) -> ApiResult<()> {
    let there = match draft.kind {
        ChannelType::Email => draft.settings.has_own_way() || state.notifiers.has_mail(),
        ChannelType::Sms => draft.settings.has_own_way() || state.notifiers.has_sms(),
        ChannelType::Slack | ChannelType::Webhook | ChannelType::Pagerduty => true,
    };
    if there { Ok(()) } else { Err(ErrorCode::ChannelNotConfigured.into()) }
}

fn new_secret() -> ApiResult<SecretString> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| ApiError::internal(anyhow::anyhow!("no randomness")))?;
    Ok(WebhookSecret::text(&bytes))
}

/// What is secret, sealed as the channel's next; nothing where there is nothing to keep.
async fn seal(state: &State, ctx: &Ctx, id: Uuid, version: i32, kept: &Kept) -> ApiResult<Option<Sealed>> {
    if kept.is_empty() {
        return Ok(None);
    }
    let text = kept.write().map_err(ApiError::internal)?;
    Ok(Some(state.secrets.seal(ctx.organization, store::owner(id), version, &text).await?))
}

fn shown(secret: Option<&SecretString>) -> Option<String> {
    secret.map(|secret| secret.expose_secret().to_owned())
}

/// Makes a channel.
///
/// # Errors
/// `validation_failed`, `channel_not_configured`, `encryption_unavailable`.
pub(super) async fn create(state: &State, ctx: &Ctx, request: &CreateChannelRequest) -> ApiResult<CreatedChannel> {
    let mut draft = Draft::new(request.kind);
    draft.apply(Fields::from(request), state.notifiers.guard())?;
    require_way(state, &draft)?;
    if request.kind == ChannelType::Webhook {
        draft.kept.secret = Some(new_secret()?);
    }
    let (id, now) = (ctx.clock.new_id(), ctx.now());
    let sealed = seal(state, ctx, id, 1, &draft.kept).await?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    if let Some(team) = request.team_id {
        teams::require(&mut tx, ctx.organization, team, "/teamId").await?;
    }
    let written = Written {
        id,
        kind: request.kind,
        built_in: None,
        name: &request.name,
        locale: request.locale.unwrap_or(ctx.locale),
        team: request.team_id,
        enabled: request.enabled.unwrap_or(true),
        settings: &draft.settings,
        masked: draft.masked(),
        host: draft.host(),
    };
    store::insert(&mut tx, ctx.organization, &written, now).await?;
    if let Some(sealed) = sealed {
        sealed.store(&mut tx, now).await?;
    }
    let channel = existing(&mut tx, ctx, id).await?;
    let change = audit::Change::new("channel.create", id, channel.name.clone()).after(&channel);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(CreatedChannel { channel, secret: shown(draft.kept.secret.as_ref()) })
}

/// A channel's settings and secrets as they are, with the count of its secrets.
async fn current(state: &State, ctx: &Ctx, channel: &Channel, sealed: Option<Sealed>) -> ApiResult<(Draft, i32)> {
    let (kind, settings) = (channel.kind, Settings::of(channel));
    let Some(sealed) = sealed else { return Ok((Draft { kind, settings, kept: Kept::default() }, 0)) };
    let text = state.secrets.open(ctx.organization, store::owner(channel.id), &sealed).await?;
    let kept = Kept::read(&text).map_err(ApiError::internal)?;
    Ok((Draft { kind, settings, kept }, sealed.version()))
}

/// Changes a channel.
///
/// # Errors
/// `not_found`, `channel_built_in`, `validation_failed`, `channel_not_configured`, `encryption_unavailable`; `conflict` when
/// somebody else changed its secrets at the same time.
pub(super) async fn update(state: &State, ctx: &Ctx, id: Uuid, request: &UpdateChannelRequest) -> ApiResult<Channel> {
    let fields = Fields::from(request);
    let mut tx = state.db.tenant(ctx.organization).await?;
    let known = changeable(&mut tx, ctx, id).await?;
    let sealed = crypto::load(&mut tx, ctx.organization, store::owner(id)).await?;
    tx.commit().await?;
    // The key service is asked only if something secret changes.
    let (mut draft, version) = current(state, ctx, &known, sealed.filter(|_| fields.touch_secrets())).await?;
    if fields.any() {
        draft.apply(fields, state.notifiers.guard())?;
        require_way(state, &draft)?;
    }
    let sealed = if fields.touch_secrets() { seal(state, ctx, id, version + 1, &draft.kept).await? } else { None };
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = changeable(&mut tx, ctx, id).await?;
    // What was worked out stands on what was there then.
    if Settings::of(&before) != Settings::of(&known) {
        return Err(ErrorCode::Conflict.into());
    }
    if let Some(Some(team)) = request.team_id {
        teams::require(&mut tx, ctx.organization, team, "/teamId").await?;
    }
    match sealed {
        Some(sealed) => sealed.store(&mut tx, ctx.now()).await?,
        None if fields.touch_secrets() => drop(crypto::delete(&mut tx, ctx.organization, store::owner(id)).await?),
        None => {}
    }
    let after = write(&mut tx, ctx, &before, request, &draft).await?;
    tx.commit().await?;
    Ok(after)
}

async fn write(
    tx: &mut Tx,
    ctx: &Ctx,
    before: &Channel,
    request: &UpdateChannelRequest,
    draft: &Draft,
) -> ApiResult<Channel> {
    let written = Written {
        id: before.id,
        kind: before.kind,
        built_in: None,
        name: request.name.as_deref().unwrap_or(&before.name),
        locale: request.locale.unwrap_or(before.locale),
        team: request.team_id.unwrap_or(before.team.as_ref().map(|team| team.id)),
        enabled: request.enabled.unwrap_or(before.enabled),
        settings: &draft.settings,
        masked: draft.masked(),
        host: draft.host(),
    };
    let fields = Fields::from(request);
    let is_enabled_again = request.enabled == Some(true) && before.health.state == ChannelState::Disabled;
    let rewrite = Rewrite { secrets: fields.touch_secrets(), begin_anew: is_enabled_again || fields.any() };
    store::update(tx, ctx.organization, &written, rewrite, ctx.now()).await?;
    let after = existing(tx, ctx, before.id).await?;
    let change = audit::Change::new("channel.update", after.id, after.name.clone()).before(before).after(&after);
    audit::record(tx, ctx, change).await?;
    Ok(after)
}

/// Deletes a channel. What was sent to it stays.
///
/// # Errors
/// `not_found`, `channel_built_in`.
pub(super) async fn delete(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<()> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let channel = changeable(&mut tx, ctx, id).await?;
    store::delete(&mut tx, ctx.organization, id, ctx.now()).await?;
    let change = audit::Change::new("channel.delete", id, channel.name.clone()).before(channel);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives a webhook another secret. The one before signs beside it for a day; one before that does no more.
///
/// # Errors
/// `not_found`, `channel_without_secret`, `encryption_unavailable`; `conflict` when somebody else did it at the same time.
pub(super) async fn rotate_secret(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<CreatedChannel> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let known = changeable(&mut tx, ctx, id).await?;
    if known.kind != ChannelType::Webhook {
        return Err(ErrorCode::ChannelWithoutSecret.into());
    }
    let sealed = crypto::load(&mut tx, ctx.organization, store::owner(id)).await?;
    tx.commit().await?;
    let (draft, version) = current(state, ctx, &known, sealed).await?;
    let secret = new_secret()?;
    let kept = Kept { former_secret: draft.kept.secret.clone(), secret: Some(secret.clone()), ..draft.kept };
    let sealed = seal(state, ctx, id, version + 1, &kept).await?.ok_or(ErrorCode::Internal)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = changeable(&mut tx, ctx, id).await?;
    sealed.store(&mut tx, ctx.now()).await?;
    store::note_rotation(&mut tx, ctx.organization, id, ctx.now() + OVERLAP, ctx.now()).await?;
    let channel = existing(&mut tx, ctx, id).await?;
    let change = audit::Change::new("channel.rotate_secret", id, channel.name.clone()).before(before).after(&channel);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(CreatedChannel { channel, secret: shown(Some(&secret)) })
}
