//! Rows of sessions: families of refresh tokens.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::SESSION_LIFETIME;
use crate::platform::auth::OpaqueToken;
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;

/// Adds a refresh token to a family; a new family is a new session.
pub(super) async fn insert_refresh_token(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
    family: Uuid,
    token: &OpaqueToken,
    clock: &Clock,
) -> sqlx::Result<()> {
    let now = clock.now();
    sqlx::query!(
        "
        INSERT INTO refresh_tokens (organization_id, id, user_id, family_id, token_hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ",
        organization as OrganizationId,
        clock.new_id(),
        user,
        family,
        token.hash(),
        now,
        now + SESSION_LIFETIME
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A stored refresh token, locked so that of many uses at once one rotates it.
#[derive(Debug)]
pub(super) struct RefreshRow {
    pub(super) organization: OrganizationId,
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) family_id: Uuid,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) used_at: Option<DateTime<Utc>>,
    pub(super) revoked_at: Option<DateTime<Utc>>,
    pub(super) user_deleted: bool,
}

pub(super) async fn lock_refresh_token(
    conn: &mut PgConnection,
    token: &OpaqueToken,
) -> sqlx::Result<Option<RefreshRow>> {
    sqlx::query_as!(
        RefreshRow,
        r#"
        SELECT r.organization_id AS "organization: OrganizationId", r.id, r.user_id, r.family_id, r.expires_at, r.used_at,
            r.revoked_at, u.deleted_at IS NOT NULL AS "user_deleted!"
        FROM refresh_tokens r JOIN users u ON u.organization_id = r.organization_id AND u.id = r.user_id
        WHERE r.token_hash = $1
        FOR UPDATE OF r
        "#,
        token.hash()
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn mark_refresh_used(
    conn: &mut PgConnection,
    row: &RefreshRow,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE refresh_tokens SET used_at = $3 WHERE organization_id = $1 AND id = $2",
        row.organization as OrganizationId,
        row.id,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn end_session(
    conn: &mut PgConnection,
    organization: OrganizationId,
    family: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE refresh_tokens SET revoked_at = $3 WHERE organization_id = $1 AND family_id = $2 AND revoked_at IS NULL",
        organization as OrganizationId,
        family,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Ends every session of an account but one.
pub async fn end_sessions(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
    but: Option<Uuid>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE refresh_tokens SET revoked_at = $4
        WHERE organization_id = $1 AND user_id = $2 AND family_id IS DISTINCT FROM $3 AND revoked_at IS NULL
        ",
        organization as OrganizationId,
        user,
        but,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Forgets sessions that ended long ago. In the platform scope.
pub async fn prune_sessions(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let deleted = sqlx::query!("DELETE FROM refresh_tokens WHERE expires_at < $1", before).execute(conn).await?;
    Ok(deleted.rows_affected())
}
