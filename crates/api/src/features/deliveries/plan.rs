//! What a lane tells next: its oldest message that is due, unless that is to be told together with others.

use chrono::{DateTime, Utc};
use finops_contract::channels::ChannelType;
use finops_providers::Notice;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::claim::{self, Lane};
use super::domain::{self, HOUR, HOURLY, INTERRUPTIONS, TEST, WINDOW};
use super::together;
use crate::features::channels::{self, Ready};
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;
use crate::platform::telemetry::DeliveryMetrics;

/// An attempt that has begun.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) lane: Lane,
    pub(super) id: Uuid,
    pub(super) kind: ChannelType,
    pub(super) channel: Option<Uuid>,
    pub(super) recipient: Option<String>,
    pub(super) notice: Notice,
    /// What opens the channel; nothing for a mail to a person.
    pub(super) ready: Option<Ready>,
    /// Which attempt it is.
    pub(super) number: i32,
    /// Failures of its schedule before this attempt.
    pub(super) failures: i32,
    /// Whether it is tried once.
    pub(super) once: bool,
}

/// What a lane does next.
#[derive(Debug)]
pub(super) enum Planned {
    /// This.
    Attempt(Box<Work>),
    /// Nothing now. It is given back.
    Nothing,
    /// It is another worker's by now.
    Lost,
}

/// The message in question.
pub(super) struct Head {
    pub(super) id: Uuid,
    pub(super) channel_type: String,
    pub(super) channel_id: Option<Uuid>,
    pub(super) recipient: Option<String>,
    pub(super) group_key: Option<String>,
    pub(super) direct: bool,
    /// Whether it waits for its group alone.
    pub(super) urgent: bool,
    pub(super) kind: String,
    pub(super) locale: String,
    pub(super) message: Json<Notice>,
    pub(super) status: String,
    pub(super) attempts: i32,
    pub(super) failures: i32,
    pub(super) host: String,
}

impl Head {
    /// The table's CHECK allows no other.
    pub(super) fn channel_type(&self) -> ChannelType {
        ChannelType::from_name(&self.channel_type).unwrap_or(ChannelType::Email)
    }
}

/// What to do with the message in question.
enum Turn {
    /// Tell it.
    Tell,
    /// Let it wait until then: what was tried before, alone.
    Defer(DateTime<Utc>),
    /// Hold it, and all new ones beside it, until then.
    Hold(Beside, DateTime<Utc>),
    /// Tell it together with these.
    Together(Beside, Vec<Uuid>),
}

/// What is beside a message.
#[derive(Clone, Debug)]
pub(super) enum Beside {
    /// What its lane has of its group.
    Group(String),
    /// What its lane has.
    Lane,
}

impl Beside {
    pub(super) fn group(&self) -> Option<&str> {
        match self {
            Self::Group(group) => Some(group),
            Self::Lane => None,
        }
    }
}

/// Chooses a lane's next message, and writes down that it is being sent; gives the lane back if there is none.
pub(super) async fn next(
    conn: &mut PgConnection,
    clock: &Clock,
    metrics: &DeliveryMetrics,
    lane: Lane,
) -> sqlx::Result<Planned> {
    if !claim::still_mine(conn, lane).await? {
        return Ok(Planned::Lost);
    }
    let now = clock.now();
    while let Some(head) = head(conn, lane, now).await? {
        let kind = head.channel_type();
        let ready = match head.channel_id {
            None => None,
            Some(channel) => match channels::ready(conn, lane.organization, channel).await? {
                Some(ready) if ready.in_use || head.kind == TEST => Some(ready),
                _ => {
                    metrics.deliveries(kind.name(), "dead", bury_lane(conn, lane, "channel_disabled", now).await?);
                    continue;
                }
            },
        };
        if head.status == "sending" && interruptions(conn, lane, head.id).await? >= INTERRUPTIONS {
            bury(conn, lane, head.id, "interrupted", now).await?;
            metrics.deliveries(kind.name(), "dead", 1);
            continue;
        }
        match turn(conn, lane, &head, now).await? {
            Turn::Tell => return begin(conn, lane, head, ready, now).await.map(Planned::Attempt),
            Turn::Defer(until) => defer(conn, lane, head.id, until).await?,
            Turn::Hold(beside, until) => hold(conn, lane, &beside, until, now).await?,
            Turn::Together(beside, ids) => {
                metrics.deliveries(kind.name(), "digested", ids.len() as u64);
                let head = together::tell(conn, clock, lane, &head, &beside, &ids).await?;
                return begin(conn, lane, head, ready, now).await.map(Planned::Attempt);
            }
        }
    }
    claim::release(conn, lane, None).await?;
    Ok(Planned::Nothing)
}

async fn head(conn: &mut PgConnection, lane: Lane, now: DateTime<Utc>) -> sqlx::Result<Option<Head>> {
    sqlx::query_as!(
        Head,
        r#"
        SELECT d.id, d.channel_type, d.channel_id, d.recipient, d.group_key, d.direct, d.urgent, d.kind, d.locale,
            d.message AS "message: Json<Notice>", d.status, d.attempts, d.failures, q.host
        FROM delivery_queue q JOIN deliveries d ON d.organization_id = q.organization_id AND d.id = q.delivery_id
        WHERE q.organization_id = $1 AND q.lane = $2 AND q.due_at <= $3
        ORDER BY q.delivery_id LIMIT 1
        "#,
        lane.organization as OrganizationId,
        lane.lane,
        now
    )
    .fetch_optional(conn)
    .await
}

async fn turn(conn: &mut PgConnection, lane: Lane, head: &Head, now: DateTime<Utc>) -> sqlx::Result<Turn> {
    if head.direct {
        return Ok(Turn::Tell);
    }
    let is_new = head.attempts == 0;
    let beside = match &head.group_key {
        _ if is_new
            && !domain::is_for_programs(head.channel_type())
            && !head.urgent
            && is_talkative(conn, lane, head.id, now).await? =>
        {
            Beside::Lane
        }
        Some(group) => Beside::Group(group.clone()),
        None => return Ok(Turn::Tell),
    };
    let told = told_last(conn, lane, &beside, head.id).await?;
    if let Some(until) = told.map(|told| told + WINDOW).filter(|until| *until > now) {
        return Ok(if is_new { Turn::Hold(beside, until) } else { Turn::Defer(until) });
    }
    if !is_new {
        return Ok(Turn::Tell);
    }
    let (ids, waited) = new_ones(conn, lane, &beside, now).await?;
    // Of what comes all at once the first one is told whole; what had to wait is told together.
    Ok(if waited && ids.len() > 1 { Turn::Together(beside, ids) } else { Turn::Tell })
}

/// Whether a lane has told so much in the last hour that it goes on with digests.
async fn is_talkative(conn: &mut PgConnection, lane: Lane, but: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let told = sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "told!" FROM deliveries
        WHERE organization_id = $1 AND lane = $2 AND last_attempt_at > $3 AND id <> $4
        "#,
        lane.organization as OrganizationId,
        lane.lane,
        now - HOUR,
        but
    )
    .fetch_one(conn)
    .await?;
    Ok(told >= HOURLY)
}

/// When another message was last tried.
async fn told_last(
    conn: &mut PgConnection,
    lane: Lane,
    beside: &Beside,
    but: Uuid,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "
        SELECT max(last_attempt_at) FROM deliveries
        WHERE organization_id = $1 AND lane = $2 AND ($3::text IS NULL OR group_key = $3) AND last_attempt_at IS NOT NULL AND id <> $4
            -- What is urgent does not hold up the others.
            AND ($3::text IS NOT NULL OR NOT urgent)
        ",
        lane.organization as OrganizationId,
        lane.lane,
        beside.group(),
        but
    )
    .fetch_one(conn)
    .await
}

/// What is due and was never tried, and whether some of it has waited.
async fn new_ones(
    conn: &mut PgConnection,
    lane: Lane,
    beside: &Beside,
    now: DateTime<Utc>,
) -> sqlx::Result<(Vec<Uuid>, bool)> {
    let rows = sqlx::query!(
        r#"
        SELECT d.id, d.status = 'held' AS "waited!"
        FROM delivery_queue q JOIN deliveries d ON d.organization_id = q.organization_id AND d.id = q.delivery_id
        WHERE q.organization_id = $1 AND q.lane = $2 AND q.due_at <= $3 AND ($4::text IS NULL OR d.group_key = $4)
            AND d.attempts = 0 AND NOT d.direct
            -- What is urgent is told with its group alone.
            AND ($4::text IS NOT NULL OR NOT d.urgent)
        ORDER BY d.id
        "#,
        lane.organization as OrganizationId,
        lane.lane,
        now,
        beside.group()
    )
    .fetch_all(conn)
    .await?;
    let waited = rows.iter().any(|row| row.waited);
    Ok((rows.into_iter().map(|row| row.id).collect(), waited))
}

/// Lets everything new wait until then.
async fn hold(
    conn: &mut PgConnection,
    lane: Lane,
    beside: &Beside,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        WITH held AS (
            UPDATE deliveries d SET status = 'held' FROM delivery_queue q
            WHERE q.organization_id = $1 AND q.lane = $2 AND q.due_at <= $3 AND d.organization_id = q.organization_id
                AND d.id = q.delivery_id AND ($4::text IS NULL OR d.group_key = $4) AND d.attempts = 0 AND NOT d.direct
                -- What is urgent waits for its group alone.
                AND ($4::text IS NOT NULL OR NOT d.urgent)
            RETURNING d.id
        )
        UPDATE delivery_queue q SET due_at = $5 FROM held WHERE q.organization_id = $1 AND q.delivery_id = held.id
        ",
        lane.organization as OrganizationId,
        lane.lane,
        now,
        beside.group(),
        until
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn defer(conn: &mut PgConnection, lane: Lane, id: Uuid, until: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE delivery_queue SET due_at = $3 WHERE organization_id = $1 AND delivery_id = $2",
        lane.organization as OrganizationId,
        id,
        until
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Gives up everything that a lane has.
async fn bury_lane(conn: &mut PgConnection, lane: Lane, reason: &str, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "
        WITH gone AS (DELETE FROM delivery_queue WHERE organization_id = $1 AND lane = $2 RETURNING delivery_id)
        UPDATE deliveries SET status = 'dead', reason = $3, finished_at = $4 FROM gone
        WHERE organization_id = $1 AND id = gone.delivery_id
        ",
        lane.organization as OrganizationId,
        lane.lane,
        reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Gives up a message without another attempt.
async fn bury(conn: &mut PgConnection, lane: Lane, id: Uuid, reason: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    interrupt(conn, lane, id).await?;
    sqlx::query!(
        "
        WITH gone AS (DELETE FROM delivery_queue WHERE organization_id = $1 AND delivery_id = $2)
        UPDATE deliveries SET status = 'dead', reason = $3, finished_at = $4 WHERE organization_id = $1 AND id = $2
        ",
        lane.organization as OrganizationId,
        id,
        reason,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// How many attempts of a message nobody saw the end of.
async fn interruptions(conn: &mut PgConnection, lane: Lane, id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "interruptions!" FROM delivery_attempts
        WHERE organization_id = $1 AND delivery_id = $2 AND outcome IN ('sending', 'interrupted')
        "#,
        lane.organization as OrganizationId,
        id
    )
    .fetch_one(conn)
    .await
}

/// Says of an attempt that is under way that nobody saw its end.
async fn interrupt(conn: &mut PgConnection, lane: Lane, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE delivery_attempts SET outcome = 'interrupted'
        WHERE organization_id = $1 AND delivery_id = $2 AND outcome = 'sending'
        ",
        lane.organization as OrganizationId,
        id
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn begin(
    conn: &mut PgConnection,
    lane: Lane,
    head: Head,
    ready: Option<Ready>,
    now: DateTime<Utc>,
) -> sqlx::Result<Box<Work>> {
    let kind = head.channel_type();
    let number = begin_attempt(conn, lane, head.id, now).await?;
    Ok(Box::new(Work {
        lane,
        id: head.id,
        kind,
        channel: head.channel_id,
        recipient: head.recipient,
        notice: head.message.0,
        ready,
        number,
        failures: head.failures,
        once: head.kind == TEST,
    }))
}

/// Writes down that a message is being sent; returns which attempt it is.
pub(super) async fn begin_attempt(
    conn: &mut PgConnection,
    lane: Lane,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<i32> {
    interrupt(conn, lane, id).await?;
    sqlx::query_scalar!(
        r#"
        WITH begun AS (
            UPDATE deliveries SET status = 'sending', attempts = attempts + 1, last_attempt_at = $3
            WHERE organization_id = $1 AND id = $2 RETURNING attempts
        )
        INSERT INTO delivery_attempts (organization_id, delivery_id, number, at, outcome)
        SELECT $1, $2, attempts, $3, 'sending' FROM begun RETURNING number
        "#,
        lane.organization as OrganizationId,
        id,
        now
    )
    .fetch_one(conn)
    .await
}
