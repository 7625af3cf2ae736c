//! Writing down what came of an attempt.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::claim;
use super::domain::{self, Becomes, Ended, Failure, Verdict};
use super::plan::Work;
use crate::features::channels;
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;
use crate::platform::telemetry::DeliveryMetrics;

/// What was written down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// What became of the message.
    pub(super) becomes: Becomes,
    /// Whether the lane is still this worker's.
    pub(super) is_kept: bool,
}

/// Writes it down. Gives the lane back unless it is to be kept for the next message; a lane that is to rest is not kept. Nothing is
/// written if the lane is another worker's by now.
pub(super) async fn write(
    conn: &mut PgConnection,
    clock: &Clock,
    work: &Work,
    (ended, took): &(Ended, Duration),
    keep: bool,
) -> sqlx::Result<Option<Written>> {
    let lane = work.lane;
    if !claim::still_mine(conn, lane).await? {
        return Ok(None);
    }
    let is_alone = work.ready.as_ref().is_some_and(channels::Ready::is_one);
    let Verdict { becomes, sign, rest } = domain::verdict(ended, work.failures, work.once, is_alone);
    let now = clock.now();
    write_attempt(conn, work, ended, *took).await?;
    let reason = match ended {
        Ended::Delivered { .. } => None,
        Ended::Failed(failure) => Some(failure.reason),
    };
    match becomes {
        Becomes::Delivered => close(conn, work, "delivered", None, now).await?,
        Becomes::Dead => close(conn, work, "dead", reason, now).await?,
        Becomes::Retried(wait) => retry(conn, work, reason, later(now, wait)).await?,
    }
    if let Some((channel, sign)) = work.channel.zip(sign) {
        channels::note(conn, clock, lane.organization, channel, sign).await?;
    }
    let is_kept = keep && rest.is_none();
    if !is_kept {
        claim::release(conn, lane, rest.map(|rest| later(now, rest))).await?;
    }
    Ok(Some(Written { becomes, is_kept }))
}

fn later(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(wait).unwrap_or(domain::HOUR)
}

/// Counts it, and says what an operator should know.
pub(super) fn tell(metrics: &DeliveryMetrics, work: &Work, ended: &Ended, becomes: Becomes) {
    let outcome = match becomes {
        Becomes::Delivered => "delivered",
        Becomes::Retried(_) => "retried",
        Becomes::Dead => "dead",
    };
    metrics.deliveries(work.kind.name(), outcome, 1);
    let (id, organization, kind) = (work.id, work.lane.organization, work.kind.name());
    match ended {
        Ended::Delivered { .. } => tracing::info!(%id, %organization, kind, attempt = work.number, "delivered"),
        Ended::Failed(Failure { reason, said, .. }) => {
            tracing::warn!(%id, %organization, kind, attempt = work.number, outcome, reason, %said, "not delivered");
        }
    }
}

async fn write_attempt(conn: &mut PgConnection, work: &Work, ended: &Ended, took: Duration) -> sqlx::Result<()> {
    let (provider_id, failure) = match ended {
        Ended::Delivered { id } => (id.as_deref(), None),
        Ended::Failed(failure) => (None, Some(failure)),
    };
    let said = failure.map(|failure| &failure.said);
    let asked = failure.and_then(|failure| failure.retry_after);
    sqlx::query!(
        "
        UPDATE delivery_attempts SET outcome = $4, reason = $5, status = $6, code = $7, said = $8, provider_id = $9,
            duration_ms = $10, retry_after = $11
        WHERE organization_id = $1 AND delivery_id = $2 AND number = $3
        ",
        work.lane.organization as OrganizationId,
        work.id,
        work.number,
        if failure.is_some() { "failed" } else { "delivered" },
        failure.map(|failure| failure.reason),
        said.and_then(|said| said.status).map(i32::from),
        said.and_then(|said| said.code.as_deref()).map(storable),
        said.and_then(|said| said.message.as_deref()).map(storable),
        provider_id.map(storable),
        i64::try_from(took.as_millis()).ok(),
        asked.and_then(|asked| i64::try_from(asked.as_secs()).ok())
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Strangers' words, as far as the database takes them.
fn storable(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').collect()
}

async fn close(
    conn: &mut PgConnection,
    work: &Work,
    status: &str,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        WITH gone AS (DELETE FROM delivery_queue WHERE organization_id = $1 AND delivery_id = $2)
        UPDATE deliveries SET status = $3, reason = $4, finished_at = $5,
            failures = failures + CASE WHEN $3 = 'dead' THEN 1 ELSE 0 END
        WHERE organization_id = $1 AND id = $2
        ",
        work.lane.organization as OrganizationId,
        work.id,
        status,
        reason,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn retry(conn: &mut PgConnection, work: &Work, reason: Option<&str>, at: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "
        WITH later AS (UPDATE delivery_queue SET due_at = $4 WHERE organization_id = $1 AND delivery_id = $2)
        UPDATE deliveries SET status = 'retrying', reason = $3, failures = failures + 1 WHERE organization_id = $1 AND id = $2
        ",
        work.lane.organization as OrganizationId,
        work.id,
        reason,
        at
    )
    .execute(conn)
    .await
    .map(drop)
}
