//! Rows of channels. What is secret about them is in the table `secrets`.

use chrono::{DateTime, Utc};
use finops_contract::accounts::Locale;
use finops_contract::channels::{Channel, ChannelHealth, ChannelState, ChannelType};
use finops_contract::costs::Named;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::domain::Settings;
use crate::platform::crypto::SecretOwner;
use crate::platform::db::OrganizationId;

/// Where what is secret about a channel is kept.
pub(super) const fn owner(id: Uuid) -> SecretOwner {
    SecretOwner { table: "channels", id }
}

struct Row {
    id: Uuid,
    kind: String,
    built_in: Option<String>,
    name: String,
    locale: String,
    team_id: Option<Uuid>,
    team_name: Option<String>,
    team_deleted: Option<bool>,
    enabled: bool,
    settings: Json<Settings>,
    masked: Option<String>,
    state: String,
    state_since: Option<DateTime<Utc>>,
    state_reason: Option<String>,
    former_secret_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn read(self, now: DateTime<Utc>) -> Channel {
        let Settings { addresses, numbers, smtp, account } = self.settings.0;
        let team = self.team_id.zip(self.team_name);
        Channel {
            id: self.id,
            // The table's CHECKs allow no others.
            kind: ChannelType::from_name(&self.kind).unwrap_or(ChannelType::Email),
            name: self.name,
            locale: Locale::from_tag(&self.locale).unwrap_or_default(),
            team: team.map(|(id, name)| Named { id, name, deleted: self.team_deleted.unwrap_or_default() }),
            enabled: self.enabled,
            built_in: self.built_in.is_some(),
            addresses,
            numbers,
            smtp,
            account,
            masked: self.masked,
            health: ChannelHealth {
                state: ChannelState::from_name(&self.state).unwrap_or(ChannelState::Ok),
                since: self.state_since,
                reason: self.state_reason,
            },
            former_secret_until: self.former_secret_until.filter(|until| *until > now),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// Which channels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    pub(super) id: Option<Uuid>,
    pub(super) kind: Option<ChannelType>,
    pub(super) team: Option<Uuid>,
    pub(super) after: Option<Uuid>,
}

/// Channels that exist, the newest first.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    filter: Filter,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Channel>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT c.id, c.type AS kind, c.built_in, c.name, c.locale, c.team_id, t.name AS "team_name?",
            t.deleted_at IS NOT NULL AS team_deleted, c.enabled, c.settings AS "settings: Json<Settings>", c.masked, c.state,
            c.state_since, c.state_reason, c.former_secret_until, c.created_at, c.updated_at
        FROM channels c LEFT JOIN teams t ON t.organization_id = c.organization_id AND t.id = c.team_id
        WHERE c.organization_id = $1 AND c.deleted_at IS NULL AND ($2::uuid IS NULL OR c.id = $2)
            AND ($3::text IS NULL OR c.type = $3) AND ($4::uuid IS NULL OR c.team_id = $4) AND ($5::uuid IS NULL OR c.id < $5)
        ORDER BY c.id DESC LIMIT $6
        "#,
        organization as OrganizationId,
        filter.id,
        filter.kind.map(ChannelType::name),
        filter.team,
        filter.after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.read(now)).collect())
}

/// A channel that exists.
///
/// # Errors
/// The database's.
pub async fn find(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Channel>> {
    Ok(list(conn, organization, Filter { id: Some(id), ..Filter::default() }, 1, now).await?.pop())
}

/// Lets nobody else change a channel before the transaction ends; whether it exists.
pub(super) async fn lock(conn: &mut PgConnection, organization: OrganizationId, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        "SELECT id FROM channels WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE",
        organization as OrganizationId,
        id
    )
    .fetch_optional(conn)
    .await
    .map(|found| found.is_some())
}

/// A channel as it is written.
pub(super) struct Written<'a> {
    pub(super) id: Uuid,
    pub(super) kind: ChannelType,
    pub(super) built_in: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) locale: Locale,
    pub(super) team: Option<Uuid>,
    pub(super) enabled: bool,
    pub(super) settings: &'a Settings,
    pub(super) masked: Option<String>,
    pub(super) host: Option<String>,
}

/// Stores a new channel; whether it is one. A built-in channel may be there already.
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    channel: &Written<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query!(
        "
        INSERT INTO channels (organization_id, id, type, built_in, name, locale, team_id, enabled, settings, masked, host, state,
            created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'ok', $12, $12)
        ON CONFLICT (organization_id, built_in) WHERE built_in IS NOT NULL AND deleted_at IS NULL DO NOTHING
        ",
        organization as OrganizationId,
        channel.id,
        channel.kind.name(),
        channel.built_in,
        channel.name,
        channel.locale.tag(),
        channel.team,
        channel.enabled,
        Json(channel.settings) as _,
        channel.masked,
        channel.host,
        now
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
}

/// What is written of a channel beside its name, language, team and settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rewrite {
    /// What its secret is told by, and its host.
    pub(super) secrets: bool,
    /// That messages pass, as far as is known.
    pub(super) begin_anew: bool,
}

/// Writes a channel anew.
pub(super) async fn update(
    conn: &mut PgConnection,
    organization: OrganizationId,
    channel: &Written<'_>,
    rewrite: Rewrite,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE channels SET name = $3, locale = $4, team_id = $5, enabled = $6, settings = $7,
            masked = CASE WHEN $12 THEN $8 ELSE masked END, host = CASE WHEN $12 THEN $9 ELSE host END,
            state = CASE WHEN $10 THEN 'ok' ELSE state END, state_since = CASE WHEN $10 THEN NULL ELSE state_since END,
            state_reason = CASE WHEN $10 THEN NULL ELSE state_reason END, updated_at = $11
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        channel.id,
        channel.name,
        channel.locale.tag(),
        channel.team,
        channel.enabled,
        Json(channel.settings) as _,
        channel.masked,
        channel.host,
        rewrite.begin_anew,
        now,
        rewrite.secrets
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Says until when a webhook's former secret signs too.
pub(super) async fn note_rotation(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE channels SET former_secret_until = $3, updated_at = $4 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        id,
        until,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Hides a channel. Its row stays, for the names of what was sent; its secret goes.
pub(super) async fn delete(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    crate::platform::crypto::delete(&mut *conn, organization, owner(id)).await?;
    sqlx::query!(
        "UPDATE channels SET enabled = false, deleted_at = $3, updated_at = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        id,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// How a channel did when it was looked at.
pub(super) struct Health {
    pub(super) name: String,
    pub(super) state: ChannelState,
    pub(super) reason: Option<String>,
}

/// How a channel that exists does.
pub(super) async fn health(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
) -> sqlx::Result<Option<Health>> {
    let row = sqlx::query!(
        "SELECT name, state, state_reason FROM channels WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        organization as OrganizationId,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Health {
        name: row.name,
        state: ChannelState::from_name(&row.state).unwrap_or(ChannelState::Ok),
        reason: row.state_reason,
    }))
}

/// Writes down how a channel does: since when not, and why not.
pub(super) async fn set_health(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    state: ChannelState,
    why: Option<(DateTime<Utc>, &str)>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE channels SET state = $3, state_since = $4, state_reason = $5 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        id,
        state.name(),
        why.map(|(since, _)| since),
        why.map(|(_, reason)| reason)
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Where a message can go.
#[derive(Clone, Debug)]
pub struct Place {
    /// The channel.
    pub id: Uuid,
    /// How it reaches people or programs.
    pub kind: ChannelType,
    /// The language of its messages.
    pub locale: Locale,
    /// What attempts at once are counted by: `host:port` that the tenant named, or the type where it is the service's own vendor.
    pub host: String,
    /// Of an SMS channel, each of which gets a message of its own.
    pub numbers: Vec<String>,
}

struct PlaceRow {
    id: Uuid,
    kind: String,
    locale: String,
    host: Option<String>,
    settings: Json<Settings>,
}

impl From<PlaceRow> for Place {
    fn from(row: PlaceRow) -> Self {
        let kind = ChannelType::from_name(&row.kind).unwrap_or(ChannelType::Email);
        let locale = Locale::from_tag(&row.locale).unwrap_or_default();
        let host = row.host.unwrap_or_else(|| kind.name().to_owned());
        Self { id: row.id, kind, locale, host, numbers: row.settings.0.numbers }
    }
}

/// The channels of these types that take messages now: the organization's, and the team's.
///
/// # Errors
/// The database's.
pub async fn places(
    conn: &mut PgConnection,
    organization: OrganizationId,
    kinds: &[ChannelType],
    team: Option<Uuid>,
) -> sqlx::Result<Vec<Place>> {
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.name().to_owned()).collect();
    let rows = sqlx::query_as!(
        PlaceRow,
        r#"
        SELECT id, type AS kind, locale, host, settings AS "settings: Json<Settings>" FROM channels
        WHERE organization_id = $1 AND type = ANY ($2) AND (team_id IS NULL OR team_id = $3) AND enabled
            AND state <> 'disabled' AND deleted_at IS NULL
        ORDER BY id
        "#,
        organization as OrganizationId,
        &kinds,
        team
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// A channel that exists, as a place; `in_use` asks that it takes messages now.
///
/// # Errors
/// The database's.
pub async fn place(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    in_use: bool,
) -> sqlx::Result<Option<Place>> {
    let row = sqlx::query_as!(
        PlaceRow,
        r#"
        SELECT id, type AS kind, locale, host, settings AS "settings: Json<Settings>" FROM channels
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL AND (NOT $3 OR (enabled AND state <> 'disabled'))
        "#,
        organization as OrganizationId,
        id,
        in_use
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}
