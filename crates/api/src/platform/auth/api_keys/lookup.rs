//! What the database knows of a key.

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::api_keys::Scope;
use finops_contract::projects::Environment;
use uuid::Uuid;

use super::ApiKeyIdentity;
use crate::platform::db::{self, Db, OrganizationId};

/// How exactly it is known when a key was last used.
const NOTED_EVERY: TimeDelta = TimeDelta::seconds(60);

/// A key that is in force, unless its time is over.
pub(super) struct Found {
    pub(super) identity: ApiKeyIdentity,
    last_used_at: Option<DateTime<Utc>>,
}

/// The key in force that this hash opens.
pub(super) async fn find(db: &Db, hash: &[u8; 32]) -> sqlx::Result<Option<Found>> {
    let mut tx = db.platform().await?;
    let organization = sqlx::query_scalar!(
        r#"SELECT organization_id AS "id: OrganizationId" FROM api_key_secrets WHERE key_hash = $1"#,
        hash.as_slice()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(organization) = organization else {
        tx.commit().await?;
        return Ok(None);
    };
    db::enter(&mut tx, organization).await?;
    let row = sqlx::query!(
        r#"
        SELECT k.id, k.name, k.project_id, k.environment, k.scopes, k.quota_per_minute, k.last_used_at,
            least(k.expires_at, s.valid_until) AS ends_at,
            EXISTS (SELECT FROM blocks b WHERE b.organization_id = k.organization_id AND b.api_key_id = k.id
                AND b.status = 'active' AND b.mode = 'stop') AS "blocked!"
        FROM api_key_secrets s
        JOIN api_keys k ON k.organization_id = s.organization_id AND k.id = s.api_key_id
        JOIN api_keys_in_force f ON f.organization_id = k.organization_id AND f.id = k.id
        WHERE s.organization_id = $1 AND s.key_hash = $2
        "#,
        organization as OrganizationId,
        hash.as_slice()
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(row.map(|row| Found {
        identity: ApiKeyIdentity {
            id: row.id,
            name: row.name,
            organization,
            project: row.project_id,
            environment: row.environment.as_deref().and_then(Environment::from_name),
            scopes: row.scopes.iter().filter_map(|name| Scope::from_name(name)).collect(),
            quota_per_minute: row.quota_per_minute.map(i32::unsigned_abs),
            ends_at: row.ends_at,
            blocked: row.blocked,
        },
        last_used_at: row.last_used_at,
    }))
}

/// Writes down that a key is used, if that was not done for a while; nobody waits for it.
pub(super) fn note_use(db: &Db, found: &Found, now: DateTime<Utc>) {
    let ended = found.identity.ends_at.is_some_and(|end| end <= now);
    let noted = found.last_used_at.is_some_and(|last| last + NOTED_EVERY > now);
    if ended || noted {
        return;
    }
    let (db, organization, id) = (db.clone(), found.identity.organization, found.identity.id);
    #[expect(clippy::disallowed_methods, reason = "it ends by itself, within the pool's and the server's time limits")]
    tokio::spawn(async move {
        if let Err(error) = write_use(&db, organization, id, now).await {
            tracing::debug!(%error, "the use of an API key could not be written down");
        }
    });
}

/// Leaves a key alone that somebody else is writing: they may be the same note of another replica.
async fn write_use(db: &Db, organization: OrganizationId, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut tx = db.background().tenant(organization).await?;
    sqlx::query!(
        "
        WITH idle AS (
            SELECT id FROM api_keys
            WHERE organization_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at <= $4)
            FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE api_keys k SET last_used_at = $3 FROM idle WHERE k.organization_id = $1 AND k.id = idle.id
        ",
        organization as OrganizationId,
        id,
        now,
        now - NOTED_EVERY
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
