//! Rows of people's keys at providers.

use chrono::{DateTime, Utc};
use finops_contract::ErrorCode;
use finops_contract::provider_keys::{KeyService, ProviderKey};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{self, ProviderKeySecret};
use crate::platform::crypto::{self, SecretOwner};
use crate::platform::db::{OrganizationId, violates};
use crate::platform::http::{ApiError, ApiResult};

/// The owner of a key's secret.
pub(super) const fn owner(id: Uuid) -> SecretOwner {
    SecretOwner { table: "provider_keys", id }
}

struct Row {
    id: Uuid,
    service: String,
    key_prefix: String,
    last4: String,
    created_at: DateTime<Utc>,
    replaced_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> (Uuid, ProviderKey) {
        let key = ProviderKey {
            // The table's CHECK allows no other.
            service: KeyService::from_name(&self.service).unwrap_or(KeyService::Openai),
            masked: domain::masked(&self.key_prefix, &self.last4),
            last4: self.last4,
            created_at: self.created_at,
            replaced_at: self.replaced_at,
        };
        (self.id, key)
    }
}

/// Somebody's keys, by service.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
) -> sqlx::Result<Vec<ProviderKey>> {
    let rows = sqlx::query_as!(
        Row,
        "
        SELECT id, service, key_prefix, last4, created_at, replaced_at FROM provider_keys
        WHERE organization_id = $1 AND user_id = $2 ORDER BY service
        ",
        organization as OrganizationId,
        user
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.read().1).collect())
}

/// Somebody's key of a service, locked until the transaction ends.
pub(super) async fn lock(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
    service: KeyService,
) -> sqlx::Result<Option<(Uuid, ProviderKey)>> {
    let row = sqlx::query_as!(
        Row,
        "
        SELECT id, service, key_prefix, last4, created_at, replaced_at FROM provider_keys
        WHERE organization_id = $1 AND user_id = $2 AND service = $3 FOR UPDATE
        ",
        organization as OrganizationId,
        user,
        service.name()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Row::read))
}

/// Writes what a key looks like, in place of the one before with this id.
///
/// # Errors
/// `conflict` when another one of the service was stored at the same time.
pub(super) async fn put(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
    id: Uuid,
    service: KeyService,
    key: &ProviderKeySecret,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    sqlx::query!(
        "
        INSERT INTO provider_keys (organization_id, id, user_id, service, key_prefix, last4, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (organization_id, id) DO UPDATE
        SET key_prefix = excluded.key_prefix, last4 = excluded.last4, replaced_at = excluded.created_at
        ",
        organization as OrganizationId,
        id,
        user,
        service.name(),
        key.prefix,
        key.last4,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(|error| {
        if violates(&error, "provider_keys_one_a_service") { ErrorCode::Conflict.into() } else { ApiError::from(error) }
    })
}

/// Erases a key and its secret.
pub(super) async fn delete(conn: &mut PgConnection, organization: OrganizationId, id: Uuid) -> sqlx::Result<()> {
    crypto::delete(conn, organization, owner(id)).await?;
    sqlx::query!("DELETE FROM provider_keys WHERE organization_id = $1 AND id = $2", organization as OrganizationId, id)
        .execute(conn)
        .await
        .map(drop)
}

/// Erases every key of an account that is removed.
///
/// # Errors
/// The database's.
pub async fn forget(conn: &mut PgConnection, organization: OrganizationId, user: Uuid) -> sqlx::Result<()> {
    let keys = sqlx::query_scalar!(
        "SELECT id FROM provider_keys WHERE organization_id = $1 AND user_id = $2",
        organization as OrganizationId,
        user
    )
    .fetch_all(&mut *conn)
    .await?;
    for key in keys {
        delete(conn, organization, key).await?;
    }
    Ok(())
}
