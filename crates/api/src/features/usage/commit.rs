//! Stores events: each one, its id and what it adds to the sums, in one transaction (product rule 5).
//!
//! Locks are taken in one order everywhere, so that replicas wait for each other and never in a circle: organizations
//! by id, then event ids, then rows of the rollups by their key. The rollups come last, right before the commit: their
//! rows are hot, and what is held is waited for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Event;
use super::insert::insert;
use super::rollups::Deltas;
use crate::platform::clock::Clock;
use crate::platform::db::{self, Db, OrganizationId, Tx};
use crate::platform::group_commit::Commit;

/// An event on its way into one organization.
#[derive(Debug)]
pub(super) struct Arriving {
    pub(super) organization: OrganizationId,
    pub(super) event: Event,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Stored.
    Stored,
    /// Stored before, with the same body.
    Duplicate,
    /// Another body was stored under its id.
    Conflict,
}

/// SQLSTATE of a row that fits no partition.
const NO_PARTITION: &str = "23514";

/// Stores groups of events.
pub(super) struct Store {
    db: Db,
    clock: Clock,
    /// UTC days whose partition is known to exist.
    days: Arc<Mutex<HashSet<NaiveDate>>>,
}

impl Store {
    pub(super) fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, days: Arc::default() }
    }

    /// Makes the partitions of days that have none, each in a transaction of its own.
    async fn prepare(&self, groups: &[Vec<Arriving>]) -> sqlx::Result<()> {
        let days: HashSet<NaiveDate> =
            groups.iter().flatten().map(|arriving| arriving.event.occurred_at.date_naive()).collect();
        let known = |day: &NaiveDate| self.days.lock().unwrap_or_else(PoisonError::into_inner).contains(day);
        for day in days.into_iter().filter(|day| !known(day)) {
            let mut tx = self.db.platform().await?;
            sqlx::query_scalar!("SELECT finops_usage_partition($1)", day).fetch_one(&mut *tx).await?;
            tx.commit().await?;
            self.days.lock().unwrap_or_else(PoisonError::into_inner).insert(day);
        }
        Ok(())
    }
}

#[async_trait]
impl Commit for Store {
    type Item = Arriving;
    type Outcome = Outcome;
    type Error = sqlx::Error;

    async fn commit(&self, groups: &[Vec<Arriving>]) -> sqlx::Result<Vec<Vec<Outcome>>> {
        self.prepare(groups).await?;
        let received_at = self.clock.now();
        let mut tenants: BTreeMap<OrganizationId, Vec<&Event>> = BTreeMap::new();
        for Arriving { organization, event } in groups.iter().flatten() {
            tenants.entry(*organization).or_default().push(event);
        }
        let mut outcomes: BTreeMap<OrganizationId, std::vec::IntoIter<Outcome>> = BTreeMap::new();
        let Some(mut entered) = tenants.keys().next().copied() else { return Ok(Vec::new()) };
        let mut tx = self.db.ingest(entered).await?;
        let mut sums = Vec::with_capacity(tenants.len());
        for (organization, events) in tenants {
            enter(&mut tx, &mut entered, organization).await?;
            let tenant = store(&mut tx, organization, &events, received_at).await?;
            let fresh: Vec<&Event> = events
                .iter()
                .zip(&tenant)
                .filter(|(_, outcome)| **outcome == Outcome::Stored)
                .map(|(e, _)| *e)
                .collect();
            sums.push((organization, Deltas::of(&fresh)));
            outcomes.insert(organization, tenant.into_iter());
        }
        for (organization, deltas) in sums {
            enter(&mut tx, &mut entered, organization).await?;
            deltas.add(&mut tx, organization).await?;
        }
        tx.commit().await?;
        // Handed back in the order in which they came.
        let mut next = |arriving: &Arriving| outcomes.get_mut(&arriving.organization).and_then(Iterator::next);
        Ok(groups.iter().map(|group| group.iter().filter_map(&mut next).collect()).collect())
    }

    fn is_about_items(&self, error: &sqlx::Error) -> bool {
        // SQLSTATE classes 22 and 23: a value or a constraint.
        let state = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
        if state == NO_PARTITION {
            // Retention dropped a day that was known to exist: it is made anew for whoever tries again.
            self.days.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        state.starts_with("22") || state.starts_with("23")
    }

    fn copy(&self, error: &sqlx::Error) -> sqlx::Error {
        // Said once in the log by whoever is first to answer; the others need to know only that they may try again.
        tracing::debug!(%error, "a group of events was not stored");
        sqlx::Error::WorkerCrashed
    }
}

/// Moves a transaction to an organization, if it is not there already.
async fn enter(tx: &mut Tx, entered: &mut OrganizationId, organization: OrganizationId) -> sqlx::Result<()> {
    if *entered != organization {
        db::enter(tx, organization).await?;
        *entered = organization;
    }
    Ok(())
}

/// Stores the events whose ids nobody took. Of one id twice in a group, the first is stored.
async fn store(
    conn: &mut PgConnection,
    organization: OrganizationId,
    events: &[&Event],
    received_at: DateTime<Utc>,
) -> sqlx::Result<Vec<Outcome>> {
    let mut first: HashMap<Uuid, &Event> = HashMap::with_capacity(events.len());
    let mut unique: Vec<&Event> = Vec::with_capacity(events.len());
    for event in events {
        first.entry(event.key).or_insert_with(|| {
            unique.push(event);
            event
        });
    }
    unique.sort_unstable_by_key(|event| event.key);
    let taken = insert(conn, organization, &unique, received_at).await?;
    if taken.len() == events.len() {
        return Ok(vec![Outcome::Stored; events.len()]);
    }
    let mut fresh: HashSet<Uuid> = taken.into_iter().collect();
    let before = stored_before(conn, organization, &unique, &fresh).await?;
    Ok(events
        .iter()
        .map(|event| {
            if fresh.remove(&event.key) {
                return Outcome::Stored;
            }
            let known = before.get(&event.key).copied().or_else(|| first.get(&event.key).map(|first| first.body_hash));
            if known == Some(event.body_hash) { Outcome::Duplicate } else { Outcome::Conflict }
        })
        .collect())
}

/// The body hashes of ids that were there already.
async fn stored_before(
    conn: &mut PgConnection,
    organization: OrganizationId,
    events: &[&Event],
    fresh: &HashSet<Uuid>,
) -> sqlx::Result<HashMap<Uuid, i64>> {
    let known: Vec<Uuid> = events.iter().map(|event| event.key).filter(|key| !fresh.contains(key)).collect();
    let rows = sqlx::query!(
        "SELECT event_key, body_hash FROM usage_event_ids WHERE organization_id = $1 AND event_key = ANY ($2)",
        organization as OrganizationId,
        &known
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.event_key, row.body_hash)).collect())
}
