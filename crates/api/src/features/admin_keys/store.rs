//! Rows of admin keys. The keys themselves are in the table `secrets`.

use chrono::{DateTime, Utc};
use finops_contract::ErrorCode;
use finops_contract::admin_keys::{AdminKey, Provider, Verification};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::AdminKeySecret;
use crate::platform::crypto::SecretOwner;
use crate::platform::db::{OrganizationId, violates};
use crate::platform::http::{ApiError, ApiResult};

/// Where the secret of an admin key is kept.
pub(super) const fn owner(id: Uuid) -> SecretOwner {
    SecretOwner { table: "admin_keys", id }
}

/// What the provider said of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) verification: Verification,
    pub(super) reason: Option<&'static str>,
    /// What the provider calls the account behind it.
    pub(super) account: Option<String>,
    /// The provider's projects that it sees.
    pub(super) projects: Vec<String>,
}

impl Verdict {
    /// It works.
    pub(super) const VERIFIED: Self =
        Self { verification: Verification::Verified, reason: None, account: None, projects: Vec::new() };
}

impl From<finops_providers::Verification> for Verdict {
    fn from(verified: finops_providers::Verification) -> Self {
        Self { account: verified.account, projects: verified.projects, ..Self::VERIFIED }
    }
}

struct Row {
    id: Uuid,
    provider: String,
    key_type: String,
    key_prefix: String,
    last4: String,
    is_active: bool,
    verification: String,
    verification_reason: Option<String>,
    last_verified_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    rotated_at: Option<DateTime<Utc>>,
}

impl From<Row> for AdminKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            provider: Provider::from_name(&row.provider).unwrap_or(Provider::Openai),
            key_type: row.key_type,
            masked: format!("{}…{}", row.key_prefix, row.last4),
            last4: row.last4,
            is_active: row.is_active,
            verification: Verification::from_name(&row.verification).unwrap_or(Verification::Pending),
            verification_reason: row.verification_reason,
            last_verified_at: row.last_verified_at,
            last_used_at: row.last_used_at,
            created_at: row.created_at,
            rotated_at: row.rotated_at,
        }
    }
}

/// A team's keys, the newest first.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<AdminKey>> {
    let rows = sqlx::query_as!(
        Row,
        "
        SELECT id, provider, key_type, key_prefix, last4, is_active, verification, verification_reason, last_verified_at,
            last_used_at, created_at, rotated_at
        FROM admin_keys
        WHERE organization_id = $1 AND team_id = $2 AND deleted_at IS NULL AND ($3::uuid IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4
        ",
        organization as OrganizationId,
        team,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// One key of a team, locked.
pub(super) async fn lock(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
    id: Uuid,
) -> sqlx::Result<Option<AdminKey>> {
    let row = sqlx::query_as!(
        Row,
        "
        SELECT id, provider, key_type, key_prefix, last4, is_active, verification, verification_reason, last_verified_at,
            last_used_at, created_at, rotated_at
        FROM admin_keys WHERE organization_id = $1 AND team_id = $2 AND id = $3 AND deleted_at IS NULL
        FOR UPDATE
        ",
        organization as OrganizationId,
        team,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

fn one_active(error: sqlx::Error) -> ApiError {
    if violates(&error, "admin_keys_one_active") { ErrorCode::AdminKeyActiveExists.into() } else { error.into() }
}

#[expect(clippy::too_many_arguments, reason = "one row")]
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
    id: Uuid,
    provider: Provider,
    key: &AdminKeySecret,
    verdict: &Verdict,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    sqlx::query!(
        "
        INSERT INTO admin_keys (organization_id, id, team_id, provider, key_prefix, last4, is_active, verification,
            verification_reason, provider_account, last_verified_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, true, $7, $8, $9, CASE WHEN $7 = 'verified' THEN $10::timestamptz END, $10)
        ",
        organization as OrganizationId,
        id,
        team,
        provider.name(),
        key.prefix,
        key.last4,
        verdict.verification.name(),
        verdict.reason,
        verdict.account,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(one_active)
}

/// Puts another key in the place of one. Its account is what the provider says of the new one.
pub(super) async fn replace(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    key: &AdminKeySecret,
    verdict: &Verdict,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE admin_keys SET key_prefix = $3, last4 = $4, verification = $5, verification_reason = $6,
            provider_account = $7, last_verified_at = CASE WHEN $5 = 'verified' THEN $8::timestamptz END, rotated_at = $8
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        id,
        key.prefix,
        key.last4,
        verdict.verification.name(),
        verdict.reason,
        verdict.account,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Writes down what the provider said of a key, unless the secret that it was asked about has been replaced meanwhile. A
/// key whose account is known keeps it.
pub(super) async fn set_verdict(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    version: i32,
    verdict: &Verdict,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE admin_keys SET verification = $3, verification_reason = $4, provider_account = coalesce(provider_account, $5),
            last_verified_at = CASE WHEN $3 = 'verified' THEN $6 ELSE last_verified_at END
        WHERE organization_id = $1 AND id = $2 AND EXISTS (SELECT FROM secrets s
            WHERE s.organization_id = $1 AND s.owner_table = 'admin_keys' AND s.owner_id = $2 AND s.version = $7)
        ",
        organization as OrganizationId,
        id,
        verdict.verification.name(),
        verdict.reason,
        verdict.account,
        now,
        version
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn set_active(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    active: bool,
) -> ApiResult<()> {
    sqlx::query!(
        "UPDATE admin_keys SET is_active = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        id,
        active
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(one_active)
}

pub(super) async fn touch(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE admin_keys SET last_used_at = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        id,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Hides a key. Its row stays, for the names in the audit log; its secret goes.
pub(super) async fn delete(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE admin_keys SET is_active = false, deleted_at = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        id,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The key that a team's costs are collected with.
#[derive(Clone, Debug)]
pub struct ActiveKey {
    /// Its id.
    pub id: Uuid,
    /// Its last four characters.
    pub last4: String,
    /// The provider's organization behind it, once that is known.
    pub account: Option<String>,
}

/// A team's active key.
pub async fn active(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
    provider: Provider,
) -> sqlx::Result<Option<ActiveKey>> {
    sqlx::query_as!(
        ActiveKey,
        "
        SELECT id, last4, provider_account AS account FROM admin_keys
        WHERE organization_id = $1 AND team_id = $2 AND provider = $3 AND is_active
        ",
        organization as OrganizationId,
        team,
        provider.name()
    )
    .fetch_optional(conn)
    .await
}

/// Whether a key is active, and its secret still the one of this version.
///
/// # Errors
/// The database's.
pub async fn is_in_use(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (id, version): (Uuid, i32),
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM admin_keys k
            JOIN secrets s ON s.organization_id = k.organization_id AND s.owner_table = 'admin_keys' AND s.owner_id = k.id
            WHERE k.organization_id = $1 AND k.id = $2 AND k.is_active AND s.version = $3) AS "in_use!"
        "#,
        organization as OrganizationId,
        id,
        version
    )
    .fetch_one(conn)
    .await
}

/// A team whose costs are collected.
#[derive(Clone, Debug)]
pub struct CollectedTeam {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// Teams with an active key for a provider, by name.
pub async fn teams_with_active_keys(
    conn: &mut PgConnection,
    organization: OrganizationId,
    provider: Provider,
) -> sqlx::Result<Vec<CollectedTeam>> {
    sqlx::query_as!(
        CollectedTeam,
        "
        SELECT t.id, t.name FROM teams t JOIN admin_keys k ON k.organization_id = t.organization_id AND k.team_id = t.id
        WHERE t.organization_id = $1 AND t.deleted_at IS NULL AND k.provider = $2 AND k.is_active
        ORDER BY t.name, t.id
        ",
        organization as OrganizationId,
        provider.name()
    )
    .fetch_all(conn)
    .await
}
