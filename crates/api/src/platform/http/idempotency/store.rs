//! Rows of keys, and their sealed answers.

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::ErrorCode;
use sqlx::PgConnection;
use uuid::Uuid;

use super::KEPT;
use crate::platform::crypto::{self, Sealed, SecretError, SecretOwner, SecretStore};
use crate::platform::db::{Db, OrganizationId};
use crate::platform::http::error::{ApiError, ApiResult};

/// The table, as the owner of secrets.
const TABLE: &str = "idempotency_keys";

/// Whose key it is.
pub(super) struct Place<'a> {
    pub(super) organization: OrganizationId,
    /// An account or an API key.
    pub(super) caller: Uuid,
    pub(super) key: &'a str,
}

/// What a key turns out to be.
pub(super) enum Claim {
    /// New: run the request.
    Made,
    /// Used before, by the same request.
    Stored(Stored),
}

/// What the first request was answered.
pub(super) struct Stored {
    pub(super) id: Uuid,
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) has_body: bool,
    pub(super) body: Option<Sealed>,
}

/// What a request is answered.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: &'a [u8],
}

struct Row {
    id: Uuid,
    fingerprint: Vec<u8>,
    status: Option<i16>,
    content_type: Option<String>,
    has_body: Option<bool>,
    created_at: DateTime<Utc>,
}

/// Takes a key, or finds what was answered under it. A request holds its key for no longer than `lease`.
///
/// # Errors
/// `idempotency_key_reused`, `idempotency_in_progress`.
pub(super) async fn claim(
    conn: &mut PgConnection,
    place: &Place<'_>,
    id: Uuid,
    fingerprint: &[u8],
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> ApiResult<Claim> {
    let made = sqlx::query!(
        "
        INSERT INTO idempotency_keys (organization_id, user_id, key, id, fingerprint, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
        ",
        place.organization as OrganizationId,
        place.caller,
        place.key,
        id,
        fingerprint,
        now
    )
    .execute(&mut *conn)
    .await?;
    if made.rows_affected() == 1 {
        return Ok(Claim::Made);
    }
    // Freed since it was in the way: its holder has just failed.
    let row = locked(conn, place).await?.ok_or(ErrorCode::IdempotencyInProgress)?;
    if row.created_at + KEPT <= now {
        return take_over(conn, place, &row, id, fingerprint, now).await;
    }
    if row.fingerprint != fingerprint {
        return Err(ErrorCode::IdempotencyKeyReused.into());
    }
    match (row.status, row.has_body) {
        (Some(status), Some(has_body)) => {
            let body = crypto::load(conn, place.organization, owner(row.id)).await?;
            let status = u16::try_from(status).map_err(ApiError::internal)?;
            Ok(Claim::Stored(Stored { id: row.id, status, content_type: row.content_type, has_body, body }))
        }
        _ if row.created_at + lease <= now => take_over(conn, place, &row, id, fingerprint, now).await,
        _ => Err(ApiError::from(ErrorCode::IdempotencyInProgress).with_retry_after(1)),
    }
}

async fn locked(conn: &mut PgConnection, place: &Place<'_>) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        "
        SELECT id, fingerprint, status, content_type, has_body, created_at FROM idempotency_keys
        WHERE organization_id = $1 AND user_id = $2 AND key = $3 FOR UPDATE
        ",
        place.organization as OrganizationId,
        place.caller,
        place.key
    )
    .fetch_optional(conn)
    .await
}

async fn take_over(
    conn: &mut PgConnection,
    place: &Place<'_>,
    former: &Row,
    id: Uuid,
    fingerprint: &[u8],
    now: DateTime<Utc>,
) -> ApiResult<Claim> {
    crypto::delete(conn, place.organization, owner(former.id)).await?;
    sqlx::query!(
        "
        UPDATE idempotency_keys
        SET id = $3, fingerprint = $4, created_at = $5, status = NULL, has_body = NULL, content_type = NULL
        WHERE organization_id = $1 AND id = $2
        ",
        place.organization as OrganizationId,
        former.id,
        id,
        fingerprint,
        now
    )
    .execute(conn)
    .await?;
    Ok(Claim::Made)
}

/// Writes down what was answered. Nothing, if the key was taken over meanwhile.
pub(super) async fn finish(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    answer: &Answer<'_>,
    body: Option<&Sealed>,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    let finished = sqlx::query!(
        "
        UPDATE idempotency_keys SET status = $3, content_type = $4, has_body = $5
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        id,
        i16::try_from(answer.status).map_err(ApiError::internal)?,
        answer.content_type,
        !answer.body.is_empty()
    )
    .execute(&mut *conn)
    .await?;
    if let Some(body) = body.filter(|_| finished.rows_affected() == 1) {
        body.store(conn, now).await.map_err(unsealed)?;
    }
    Ok(())
}

/// Forgets a key whose request can be tried again.
pub(super) async fn free(conn: &mut PgConnection, organization: OrganizationId, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM idempotency_keys WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        id
    )
    .execute(conn)
    .await
    .map(drop)
}

const fn owner(id: Uuid) -> SecretOwner {
    SecretOwner { table: TABLE, id }
}

/// Seals a body; nothing, if there is none. Outside of transactions.
pub(super) async fn seal(
    secrets: &SecretStore,
    organization: OrganizationId,
    id: Uuid,
    body: &[u8],
) -> ApiResult<Option<Sealed>> {
    if body.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(body).map_err(ApiError::internal)?;
    secrets.seal(organization, owner(id), 1, &text.into()).await.map(Some).map_err(unsealed)
}

/// Opens a body. Outside of transactions.
pub(super) async fn open(
    secrets: &SecretStore,
    organization: OrganizationId,
    id: Uuid,
    sealed: &Sealed,
) -> ApiResult<String> {
    use secrecy::ExposeSecret as _;
    let body = secrets.open(organization, owner(id), sealed).await.map_err(unsealed)?;
    Ok(body.expose_secret().to_owned())
}

fn unsealed(error: SecretError) -> ApiError {
    let code = ErrorCode::from_name(error.code()).unwrap_or(ErrorCode::Internal);
    ApiError::new(code).with_source(error)
}

/// Forgets keys that are older than a day, with their answers; returns how many.
///
/// # Errors
/// The database's.
pub async fn prune(db: &Db, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let before = now - KEPT;
    let mut tx = db.background().platform().await?;
    let organizations = sqlx::query_scalar!(
        r#"SELECT DISTINCT organization_id AS "id: OrganizationId" FROM idempotency_keys WHERE created_at < $1"#,
        before
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut forgotten = 0;
    for organization in organizations {
        // Sealed bodies are the tenant's alone: the platform's scope does not see them.
        let mut tx = db.background().tenant(organization).await?;
        let deleted = sqlx::query_scalar!(
            r#"
            WITH gone AS (
                DELETE FROM idempotency_keys WHERE organization_id = $1 AND created_at < $2 RETURNING id
            ), bodies AS (
                DELETE FROM secrets USING gone
                WHERE secrets.organization_id = $1 AND owner_table = $3 AND owner_id = gone.id
            )
            SELECT count(*) AS "count!" FROM gone
            "#,
            organization as OrganizationId,
            before,
            TABLE
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        forgotten += u64::try_from(deleted).unwrap_or_default();
    }
    Ok(forgotten)
}
