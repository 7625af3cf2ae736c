//! Several messages of a lane told as one.

use chrono::{DateTime, Utc};
use finops_contract::accounts::Locale;
use finops_providers::Notice;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::claim::Lane;
use super::digest::{self, Together};
use super::domain::DIGEST;
use super::plan::{Beside, Head};
use super::store::{self, New};
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;

/// Messages of a digest that are read; the others are counted.
const READ: i64 = 100;

/// Makes one message of several, which are finished with it.
pub(super) async fn tell(
    conn: &mut PgConnection,
    clock: &Clock,
    lane: Lane,
    head: &Head,
    beside: &Beside,
    ids: &[Uuid],
) -> sqlx::Result<Head> {
    let (worst, last) = read(conn, lane, ids).await?;
    let (kind, locale) = (head.channel_type(), Locale::from_tag(&head.locale).unwrap_or_default());
    let notice = digest::render(locale, kind, &Together { count: ids.len(), worst: &worst, last: &last });
    let (id, now) = (clock.new_id(), clock.now());
    let new = New {
        id,
        channel_type: kind,
        channel: head.channel_id,
        recipient: head.recipient.as_deref(),
        lane: lane.lane,
        host: &head.host,
        alert: None,
        group: beside.group(),
        direct: false,
        kind: DIGEST,
        locale,
        notice: &notice,
        fallback: false,
    };
    store::insert(conn, lane.organization, &new, now).await?;
    finish(conn, lane, ids, (id, now)).await?;
    Ok(Head {
        id,
        channel_type: kind.name().to_owned(),
        channel_id: head.channel_id,
        recipient: head.recipient.clone(),
        group_key: beside.group().map(str::to_owned),
        direct: false,
        urgent: head.urgent,
        kind: DIGEST.to_owned(),
        locale: head.locale.clone(),
        message: Json(notice),
        status: "pending".to_owned(),
        attempts: 0,
        failures: 0,
        host: head.host.clone(),
    })
}

/// The worst of several messages, as many as are told of, and the last.
async fn read(conn: &mut PgConnection, lane: Lane, ids: &[Uuid]) -> sqlx::Result<(Vec<(Uuid, Notice)>, Notice)> {
    let rows = sqlx::query!(
        r#"
        SELECT id, message AS "message: Json<Notice>" FROM deliveries WHERE organization_id = $1 AND id = ANY ($2)
        ORDER BY array_position(ARRAY['critical', 'error', 'warning', 'info'], message ->> 'severity'), id DESC LIMIT $3
        "#,
        lane.organization as OrganizationId,
        ids,
        READ
    )
    .fetch_all(&mut *conn)
    .await?;
    let last = sqlx::query_scalar!(
        r#"
        SELECT message AS "message: Json<Notice>" FROM deliveries WHERE organization_id = $1 AND id = ANY ($2)
        ORDER BY id DESC LIMIT 1
        "#,
        lane.organization as OrganizationId,
        ids
    )
    .fetch_one(conn)
    .await?;
    Ok((rows.into_iter().map(|row| (row.id, row.message.0)).collect(), last.0))
}

/// Several messages are told by another now.
async fn finish(
    conn: &mut PgConnection,
    lane: Lane,
    ids: &[Uuid],
    (digest, now): (Uuid, DateTime<Utc>),
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        WITH gone AS (DELETE FROM delivery_queue WHERE organization_id = $1 AND delivery_id = ANY ($2))
        UPDATE deliveries SET status = 'digested', digest_id = $3, finished_at = $4 WHERE organization_id = $1 AND id = ANY ($2)
        ",
        lane.organization as OrganizationId,
        ids,
        digest,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}
