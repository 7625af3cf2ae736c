//! Partitions ahead of the days that come, and forgetting what is kept no longer. All of it may be interrupted and done
//! again; every transaction is small.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;

use super::domain::REMEMBERED;
use super::{outcomes, prompts};
use crate::features::organizations;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, OrganizationId, Tx};

/// Days for which partitions are there before they begin.
const AHEAD: i64 = 7;
/// Rows that one transaction deletes at most.
const SLICE: i64 = 10_000;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Forgotten {
    /// Days whose events went at once, of all organizations.
    pub(super) partitions: u64,
    /// Events that went by themselves: others keep those of the same days.
    pub(super) events: u64,
    /// Prompts.
    pub(super) prompts: u64,
    /// Event ids.
    pub(super) ids: u64,
    /// Outcomes, and calls that they were about.
    pub(super) outcomes: u64,
    /// Whether there is more that was not come to.
    pub(super) interrupted: bool,
}

/// Makes the partition of a UTC day, if there is none, in a transaction of its own; whether it was made.
pub(super) async fn make_partition(mut tx: Tx, day: NaiveDate) -> sqlx::Result<bool> {
    let made = sqlx::query_scalar!(r#"SELECT finops_usage_partition($1) AS "made!""#, day).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(made)
}

/// Makes the partitions of today and of the days ahead; returns how many there were not.
pub(super) async fn make_ahead(db: &Db, today: NaiveDate) -> sqlx::Result<u64> {
    let mut made = 0;
    for ahead in 0..=AHEAD {
        made += u64::from(make_partition(db.background().platform().await?, today + TimeDelta::days(ahead)).await?);
    }
    Ok(made)
}

/// Deletes what each organization keeps no longer, and ids that were remembered long enough. Stops between two
/// transactions when told so.
pub(super) async fn forget(db: &Db, clock: &Clock, stop: &(dyn Fn() -> bool + Sync)) -> sqlx::Result<Forgotten> {
    let mut forgotten = Forgotten::default();
    let mut tx = db.background().platform().await?;
    // Said before it is done, in a transaction of its own: see `usage_kept`.
    move_ahead(&mut tx, clock.today()).await?;
    let organizations = organizations::ids(&mut tx).await?;
    tx.commit().await?;
    while !stop() && drop_partition(db).await?.is_some() {
        forgotten.partitions += 1;
    }
    for organization in organizations {
        forgotten.prompts += forget_prompts(db, organization, clock, stop).await?;
        while !stop() {
            let mut tx = db.background().tenant(organization).await?;
            let deleted = delete_events(&mut tx, organization).await?;
            tx.commit().await?;
            forgotten.events += deleted;
            if deleted == 0 {
                break;
            }
        }
        forgotten.outcomes += forget_outcomes(db, organization, clock, stop).await?;
    }
    while !stop() {
        let mut tx = db.background().platform().await?;
        let deleted = forget_ids(&mut tx, clock.now() - REMEMBERED).await?;
        tx.commit().await?;
        forgotten.ids += deleted;
        if deleted == 0 {
            break;
        }
    }
    forgotten.interrupted = stop();
    Ok(forgotten)
}

/// Deletes what was told of an organization's calls that are kept no longer.
async fn forget_outcomes(
    db: &Db,
    organization: OrganizationId,
    clock: &Clock,
    stop: &(dyn Fn() -> bool + Sync),
) -> sqlx::Result<u64> {
    let mut forgotten = 0;
    while !stop() {
        let mut tx = db.background().tenant(organization).await?;
        let deleted = outcomes::forget(&mut tx, organization, clock.now() - REMEMBERED).await?;
        tx.commit().await?;
        if deleted == 0 {
            break;
        }
        forgotten += deleted;
    }
    Ok(forgotten)
}

/// Deletes an organization's prompts whose time is over, and keys that nothing needs any more.
async fn forget_prompts(
    db: &Db,
    organization: OrganizationId,
    clock: &Clock,
    stop: &(dyn Fn() -> bool + Sync),
) -> sqlx::Result<u64> {
    let mut forgotten = 0;
    while !stop() {
        let mut tx = db.background().tenant(organization).await?;
        let deleted = prompts::forget(&mut tx, organization, clock.now()).await?;
        if deleted == 0 {
            prompts::forget_keys(&mut tx, organization, clock.today()).await?;
        }
        tx.commit().await?;
        if deleted == 0 {
            break;
        }
        forgotten += deleted;
    }
    Ok(forgotten)
}

/// Writes down since when each organization's events are there. Retention that grew does not bring events back.
async fn move_ahead(conn: &mut PgConnection, today: NaiveDate) -> sqlx::Result<()> {
    sqlx::query!(
        "
        INSERT INTO usage_kept AS k (organization_id, since)
        SELECT organization_id, $1::date - retention_days FROM organizations
        ON CONFLICT (organization_id) DO UPDATE SET since = excluded.since WHERE k.since < excluded.since
        ",
        today
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Drops a partition that nobody keeps; which one, if there was one.
async fn drop_partition(db: &Db) -> sqlx::Result<Option<NaiveDate>> {
    let mut tx = db.background().platform().await?;
    let day = sqlx::query_scalar!("SELECT finops_drop_usage_partition()").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(day)
}

/// Deletes some events of days that the organization does not keep; returns how many.
async fn delete_events(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<u64> {
    let since = sqlx::query_scalar!(
        r#"SELECT since::timestamp AT TIME ZONE 'UTC' AS "since!" FROM usage_kept WHERE organization_id = $1"#,
        organization as OrganizationId
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(since) = since else { return Ok(0) };
    let last = sqlx::query!(
        "
        SELECT occurred_at, event_key FROM (
            SELECT occurred_at, event_key FROM usage_events
            WHERE organization_id = $1 AND occurred_at < $2 ORDER BY occurred_at, event_key LIMIT $3
        ) AS slice ORDER BY occurred_at DESC, event_key DESC LIMIT 1
        ",
        organization as OrganizationId,
        since,
        SLICE
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(last) = last else { return Ok(0) };
    // Up to a place in the index, which finds the rows by itself.
    let done = sqlx::query!(
        "
        DELETE FROM usage_events
        WHERE organization_id = $1 AND occurred_at <= $2 AND (occurred_at, event_key) <= ($2, $3)
        ",
        organization as OrganizationId,
        last.occurred_at,
        last.event_key
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets some ids that were taken before a time; returns how many.
async fn forget_ids(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "
        DELETE FROM usage_event_ids
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM usage_event_ids WHERE received_at < $1 LIMIT $2))
        ",
        before,
        SLICE
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
