//! Rows of deliveries, as they are put in and shown.

use chrono::{DateTime, Utc};
use finops_contract::accounts::Locale;
use finops_contract::channels::ChannelType;
use finops_contract::costs::Named;
use finops_contract::deliveries::{
    AttemptOutcome, DeliveriesQuery, Delivery, DeliveryAttempt, DeliveryDetail, DeliveryStatus,
};
use finops_providers::Notice;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::platform::db::OrganizationId;

/// A delivery to be.
pub(super) struct New<'a> {
    pub(super) id: Uuid,
    pub(super) channel_type: ChannelType,
    pub(super) channel: Option<Uuid>,
    pub(super) recipient: Option<&'a str>,
    pub(super) lane: Uuid,
    pub(super) host: &'a str,
    pub(super) alert: Option<Uuid>,
    pub(super) group: Option<&'a str>,
    pub(super) direct: bool,
    pub(super) kind: &'a str,
    pub(super) locale: Locale,
    pub(super) notice: &'a Notice,
    pub(super) fallback: bool,
}

/// Stores a delivery that is due at once.
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    new: &New<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        WITH new AS (
            INSERT INTO deliveries (organization_id, id, channel_type, channel_id, recipient, lane, alert_id, group_key, direct,
                kind, locale, subject, message, fallback, status, attempts, failures, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'pending', 0, 0, $16)
            RETURNING organization_id, id, lane
        )
        INSERT INTO delivery_queue (organization_id, delivery_id, lane, host, due_at)
        SELECT organization_id, id, lane, $15, $16 FROM new
        ",
        organization as OrganizationId,
        new.id,
        new.channel_type.name(),
        new.channel,
        new.recipient,
        new.lane,
        new.alert,
        new.group,
        new.direct,
        new.kind,
        new.locale.tag(),
        new.notice.subject,
        Json(new.notice) as _,
        new.fallback,
        new.host,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The people who run an organization: addresses and languages.
pub async fn administrators(
    conn: &mut PgConnection,
    organization: OrganizationId,
) -> sqlx::Result<Vec<(String, Locale)>> {
    let rows = sqlx::query!(
        "
        SELECT email, locale FROM users
        WHERE organization_id = $1 AND role IN ('tenant_admin', 'admin') AND deleted_at IS NULL ORDER BY created_at, id
        ",
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.email, Locale::from_tag(&row.locale).unwrap_or_default())).collect())
}

struct Row {
    id: Uuid,
    channel_type: String,
    channel_id: Option<Uuid>,
    channel_name: Option<String>,
    channel_deleted: Option<bool>,
    recipient: Option<String>,
    locale: String,
    kind: String,
    alert_id: Option<Uuid>,
    subject: String,
    status: String,
    reason: Option<String>,
    fallback: bool,
    attempts: i32,
    due_at: Option<DateTime<Utc>>,
    digest_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<Row> for Delivery {
    fn from(row: Row) -> Self {
        let channel = row.channel_id.zip(row.channel_name);
        // The table's CHECKs allow no others.
        let status = DeliveryStatus::from_name(&row.status).unwrap_or(DeliveryStatus::Pending);
        Self {
            id: row.id,
            channel_type: ChannelType::from_name(&row.channel_type).unwrap_or(ChannelType::Email),
            channel: channel.map(|(id, name)| Named { id, name, deleted: row.channel_deleted.unwrap_or_default() }),
            recipient: row.recipient,
            locale: Locale::from_tag(&row.locale).unwrap_or_default(),
            kind: row.kind,
            alert_id: row.alert_id,
            subject: row.subject,
            status,
            reason: row.reason,
            fallback: row.fallback,
            attempts: row.attempts,
            next_attempt_at: row.due_at.filter(|_| status != DeliveryStatus::Sending),
            digest_id: row.digest_id,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

/// Which deliveries.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    pub(super) id: Option<Uuid>,
    pub(super) channel: Option<Uuid>,
    pub(super) alert: Option<Uuid>,
    pub(super) status: Option<DeliveryStatus>,
    pub(super) after: Option<Uuid>,
}

impl Filter {
    /// Those that a query asks for, after this one.
    pub(super) const fn of(query: &DeliveriesQuery, after: Option<Uuid>) -> Self {
        Self { id: None, channel: query.channel_id, alert: query.alert_id, status: query.status, after }
    }
}

/// Deliveries, the newest first.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    filter: Filter,
    limit: i64,
) -> sqlx::Result<Vec<Delivery>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT d.id, d.channel_type, d.channel_id, c.name AS "channel_name?", c.deleted_at IS NOT NULL AS channel_deleted,
            d.recipient, d.locale, d.kind, d.alert_id, d.subject, d.status, d.reason, d.fallback, d.attempts,
            q.due_at AS "due_at?", d.digest_id, d.created_at, d.finished_at
        FROM deliveries d
        LEFT JOIN channels c ON c.organization_id = d.organization_id AND c.id = d.channel_id
        LEFT JOIN delivery_queue q ON q.organization_id = d.organization_id AND q.delivery_id = d.id
        WHERE d.organization_id = $1 AND ($2::uuid IS NULL OR d.id = $2) AND ($3::uuid IS NULL OR d.channel_id = $3)
            AND ($4::uuid IS NULL OR d.alert_id = $4) AND ($5::text IS NULL OR d.status = $5) AND ($6::uuid IS NULL OR d.id < $6)
        ORDER BY d.id DESC LIMIT $7
        "#,
        organization as OrganizationId,
        filter.id,
        filter.channel,
        filter.alert,
        filter.status.map(DeliveryStatus::name),
        filter.after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// A delivery with its text and its attempts.
pub(super) async fn detail(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
) -> sqlx::Result<Option<DeliveryDetail>> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let Some(delivery) = list(&mut *conn, organization, filter, 1).await?.pop() else { return Ok(None) };
    let message = sqlx::query_scalar!(
        r#"SELECT message AS "message: Json<Notice>" FROM deliveries WHERE organization_id = $1 AND id = $2"#,
        organization as OrganizationId,
        id
    )
    .fetch_one(&mut *conn)
    .await?;
    let history = sqlx::query!(
        "
        SELECT number, at, outcome, reason, status, code, said, provider_id, duration_ms, retry_after FROM delivery_attempts
        WHERE organization_id = $1 AND delivery_id = $2 ORDER BY number
        ",
        organization as OrganizationId,
        id
    )
    .fetch_all(conn)
    .await?;
    let history = history.into_iter().map(|row| DeliveryAttempt {
        number: row.number,
        at: row.at,
        outcome: AttemptOutcome::from_name(&row.outcome).unwrap_or(AttemptOutcome::Sending),
        reason: row.reason,
        status: row.status,
        code: row.code,
        said: row.said,
        provider_id: row.provider_id,
        duration_ms: row.duration_ms,
        retry_after: row.retry_after,
    });
    Ok(Some(DeliveryDetail { delivery, text: message.0.text, history: history.collect() }))
}

/// How far a delivery is, locked until the transaction ends; nothing, if there is none.
pub(super) async fn lock(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
) -> sqlx::Result<Option<DeliveryStatus>> {
    let status = sqlx::query_scalar!(
        "SELECT status FROM deliveries WHERE organization_id = $1 AND id = $2 FOR UPDATE",
        organization as OrganizationId,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(status.as_deref().and_then(DeliveryStatus::from_name))
}

/// Lets a message that was given up be sent again, at once and by a new schedule.
pub(super) async fn revive(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    host: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        WITH revived AS (
            UPDATE deliveries SET status = 'pending', reason = NULL, direct = true, failures = 0, finished_at = NULL
            WHERE organization_id = $1 AND id = $2 RETURNING organization_id, id, lane
        )
        INSERT INTO delivery_queue (organization_id, delivery_id, lane, host, due_at)
        SELECT organization_id, id, lane, $3, $4 FROM revived
        ",
        organization as OrganizationId,
        id,
        host,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Deletes up to `limit` finished deliveries from before then, with their attempts; returns how many.
pub(super) async fn forget(
    conn: &mut PgConnection,
    organization: OrganizationId,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<u64> {
    sqlx::query!(
        "
        DELETE FROM deliveries WHERE organization_id = $1 AND id IN (
            SELECT id FROM deliveries
            WHERE organization_id = $1 AND created_at < $2 AND finished_at IS NOT NULL
            ORDER BY created_at LIMIT $3)
        ",
        organization as OrganizationId,
        before,
        limit
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected())
}

/// The channels that keep an alert open until they are told that it is over, and were told of this one.
pub(super) async fn followers(
    conn: &mut PgConnection,
    organization: OrganizationId,
    alert: Uuid,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT channel_id AS "id!" FROM deliveries
        WHERE organization_id = $1 AND alert_id = $2 AND channel_id IS NOT NULL AND channel_type IN ('pagerduty', 'webhook')"#,
        organization as OrganizationId,
        alert
    )
    .fetch_all(conn)
    .await
}

/// The channels that are told of an alert.
pub(super) async fn told(
    conn: &mut PgConnection,
    organization: OrganizationId,
    alert: Uuid,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT channel_id AS "id!" FROM deliveries
        WHERE organization_id = $1 AND alert_id = $2 AND channel_id IS NOT NULL"#,
        organization as OrganizationId,
        alert
    )
    .fetch_all(conn)
    .await
}

/// Takes what a channel was not told of an alert yet out of the outbox: another message says how things stand now.
pub(super) async fn withdraw(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (alert, channel): (Uuid, Uuid),
    said_by: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    // First these, as the sender does.
    let withdrawn = sqlx::query_scalar!(
        "
        SELECT id FROM deliveries
        WHERE organization_id = $1 AND alert_id = $2 AND channel_id = $3 AND status IN ('pending', 'held', 'retrying')
        ORDER BY id FOR UPDATE
        ",
        organization as OrganizationId,
        alert,
        channel
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "
        WITH gone AS (DELETE FROM delivery_queue WHERE organization_id = $1 AND delivery_id = ANY ($2))
        UPDATE deliveries SET status = 'digested', digest_id = $3, finished_at = $4
        WHERE organization_id = $1 AND id = ANY ($2)
        ",
        organization as OrganizationId,
        &withdrawn,
        said_by,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Has what a channel was not told of an alert yet go out next, whatever it was held back for: what comes now is later than that.
pub(super) async fn hurry(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (alert, channel): (Uuid, Uuid),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        WITH held AS (
            UPDATE deliveries SET direct = true
            WHERE organization_id = $1 AND alert_id = $2 AND channel_id = $3 AND status IN ('pending', 'held') RETURNING id
        )
        UPDATE delivery_queue q SET due_at = least(q.due_at, $4) FROM held
        WHERE q.organization_id = $1 AND q.delivery_id = held.id
        ",
        organization as OrganizationId,
        alert,
        channel,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}
