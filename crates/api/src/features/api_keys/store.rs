//! Rows of API keys and the hashes that open them.

use chrono::{DateTime, Utc};
use finops_contract::api_keys::{ApiKey, ApiKeyMaker, CreateApiKeyRequest, Scope};
use finops_contract::projects::Environment;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain;
use crate::platform::auth::api_keys::ApiKeyText;
use crate::platform::db::{self, OrganizationId, Tx};

/// Which keys.
pub(super) struct Filter {
    /// Only those that they made.
    pub(super) maker: Option<Uuid>,
    /// Only this one.
    pub(super) id: Option<Uuid>,
    /// Only those made before this one.
    pub(super) after: Option<Uuid>,
}

struct Row {
    id: Uuid,
    name: String,
    last4: String,
    scopes: Vec<String>,
    project_id: Option<Uuid>,
    project_name: Option<String>,
    environment: Option<String>,
    quota_per_minute: Option<i32>,
    in_force: bool,
    blocked: bool,
    created_by: Uuid,
    maker_name: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    rotated_at: Option<DateTime<Utc>>,
    overlap_until: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self, now: DateTime<Utc>) -> ApiKey {
        ApiKey {
            id: self.id,
            name: self.name,
            masked: domain::masked(&self.last4),
            last4: self.last4,
            scopes: self.scopes.iter().filter_map(|name| Scope::from_name(name)).collect(),
            project_id: self.project_id,
            project_name: self.project_name,
            environment: self.environment.as_deref().and_then(Environment::from_name),
            quota_per_minute: self.quota_per_minute.map(i32::unsigned_abs),
            state: domain::state(self.in_force, self.blocked, self.expires_at, now),
            created_by: ApiKeyMaker { id: self.created_by, name: self.maker_name.unwrap_or_default() },
            created_at: self.created_at,
            expires_at: self.expires_at,
            rotated_at: self.rotated_at,
            overlap_until: self.overlap_until,
            last_used_at: self.last_used_at,
        }
    }
}

/// Keys that were not revoked, the newest first. Looks across organizations for this one statement: whoever runs the
/// platform may have made a key without belonging here.
pub(super) async fn list(
    tx: &mut Tx,
    organization: OrganizationId,
    filter: &Filter,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<ApiKey>> {
    db::look_across(tx, true).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT k.id, k.name, s.last4, k.scopes, k.project_id, p.name AS "project_name?", k.environment,
            k.quota_per_minute, k.created_by, u.name AS "maker_name?", k.created_at, k.expires_at, k.rotated_at,
            k.last_used_at,
            (SELECT max(o.valid_until) FROM api_key_secrets o
                WHERE o.organization_id = $1 AND o.api_key_id = k.id AND o.valid_until > $5) AS overlap_until,
            EXISTS (SELECT FROM api_keys_in_force f WHERE f.organization_id = $1 AND f.id = k.id) AS "in_force!",
            EXISTS (SELECT FROM blocks b WHERE b.organization_id = $1 AND b.api_key_id = k.id AND b.status = 'active'
                AND b.mode = 'stop') AS "blocked!"
        FROM api_keys k
        JOIN api_key_secrets s ON s.organization_id = k.organization_id AND s.api_key_id = k.id AND s.valid_until IS NULL
        LEFT JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
        LEFT JOIN users u ON u.id = k.created_by
        WHERE k.organization_id = $1 AND k.revoked_at IS NULL
            AND ($2::uuid IS NULL OR k.created_by = $2)
            AND ($3::uuid IS NULL OR k.id = $3)
            AND ($4::uuid IS NULL OR k.id < $4)
        ORDER BY k.id DESC LIMIT $6
        "#,
        organization as OrganizationId,
        filter.maker,
        filter.id,
        filter.after,
        now,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    db::look_across(tx, false).await?;
    Ok(rows.into_iter().map(|row| row.read(now)).collect())
}

/// What a new key is made of.
pub(super) struct NewKey<'a> {
    pub(super) id: Uuid,
    pub(super) request: &'a CreateApiKeyRequest,
    pub(super) scopes: &'a [Scope],
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) created_by: Uuid,
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    new: &NewKey<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let scopes: Vec<String> = new.scopes.iter().map(|scope| scope.name().to_owned()).collect();
    sqlx::query!(
        "
        INSERT INTO api_keys (organization_id, id, name, scopes, project_id, environment, quota_per_minute, created_by,
            created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ",
        organization as OrganizationId,
        new.id,
        new.request.name,
        &scopes,
        new.request.project_id,
        new.request.environment.map(Environment::name),
        new.request.quota_per_minute.and_then(|quota| i32::try_from(quota).ok()),
        new.created_by,
        now,
        new.expires_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Lets a text open a key. The one before must have been retired.
pub(super) async fn add_text(
    conn: &mut PgConnection,
    organization: OrganizationId,
    key: Uuid,
    text: &ApiKeyText,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let hash = text.hash();
    sqlx::query!(
        "
        INSERT INTO api_key_secrets (organization_id, key_hash, api_key_id, last4, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ",
        organization as OrganizationId,
        hash.as_slice(),
        key,
        text.last4(),
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Lets the texts of a key end: all of them at once, or the newest one then and the others when they were to.
pub(super) async fn retire_texts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    key: Uuid,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        DELETE FROM api_key_secrets
        WHERE organization_id = $1 AND api_key_id = $2 AND ($3::timestamptz IS NULL OR valid_until <= $4)
        ",
        organization as OrganizationId,
        key,
        until,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "
        UPDATE api_key_secrets SET valid_until = $3
        WHERE organization_id = $1 AND api_key_id = $2 AND valid_until IS NULL
        ",
        organization as OrganizationId,
        key,
        until
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn note_rotation(
    conn: &mut PgConnection,
    organization: OrganizationId,
    key: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE api_keys SET rotated_at = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        key,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Locks a key that is about to change.
pub(super) async fn lock(conn: &mut PgConnection, organization: OrganizationId, key: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM api_keys WHERE organization_id = $1 AND id = $2 FOR UPDATE",
        organization as OrganizationId,
        key
    )
    .fetch_optional(conn)
    .await
    .map(drop)
}

/// Ends a key: no text opens it any more. Its row stays: what was reported with it names it.
pub(super) async fn revoke(
    conn: &mut PgConnection,
    organization: OrganizationId,
    key: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM api_key_secrets WHERE organization_id = $1 AND api_key_id = $2",
        organization as OrganizationId,
        key
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE api_keys SET revoked_at = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        key,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}
