//! Stores events: each one, its id and what it adds to the sums, in one transaction (product rule 5).
//!
//! Nearly every event is new, so a group is stored as if all of them were. If one is not, its id says so and the group is
//! stored again, this time asking of each id first. Callers that repeat themselves do it in bursts: the next groups are
//! asked too.
//!
//! Ids are all that replicas wait for each other for. They are taken in one order everywhere, by organization and then by
//! id, so never in a circle.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::UnitKind;
use foldhash::{HashMap, HashMapExt as _};
use rust_decimal::prelude::ToPrimitive as _;
use sqlx::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::domain::Event;
use super::insert::{TAKEN, insert, take};
use super::{prompts, retention};
use crate::platform::clock::Clock;
use crate::platform::db::{self, Db, OrganizationId};
use crate::platform::group_commit::Commit;
use crate::platform::telemetry::UsageMetrics;

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
/// Groups whose ids are asked of first, after one that held an id that was taken.
const DOUBTFUL: u32 = 32;

impl Outcome {
    /// Its name in metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
        }
    }
}

/// Stores groups of events.
pub(super) struct Store {
    db: Db,
    clock: Clock,
    metrics: UsageMetrics,
    /// UTC days whose partition is known to exist.
    days: Arc<Mutex<HashSet<NaiveDate>>>,
    /// Groups to come whose ids are asked of first.
    doubtful: AtomicU32,
}

/// What metrics say of one model's events.
#[derive(Default)]
struct Counted {
    events: u64,
    units: [u64; UnitKind::ALL.len()],
    unsplit: u64,
}

impl Store {
    pub(super) fn new(db: Db, clock: Clock, metrics: UsageMetrics) -> Self {
        Self { db, clock, metrics, days: Arc::default(), doubtful: AtomicU32::new(0) }
    }

    /// Makes the partitions of days that have none, each in a transaction of its own.
    async fn prepare(&self, groups: &[Vec<Arriving>]) -> sqlx::Result<()> {
        let days: HashSet<NaiveDate> =
            groups.iter().flatten().map(|arriving| arriving.event.occurred_at.date_naive()).collect();
        let known = |day: &NaiveDate| self.days.lock().unwrap_or_else(PoisonError::into_inner).contains(day);
        for day in days.into_iter().filter(|day| !known(day)) {
            retention::make_partition(self.db.platform().await?, day).await?;
            self.days.lock().unwrap_or_else(PoisonError::into_inner).insert(day);
        }
        Ok(())
    }

    /// Stores groups in one transaction. `hopeful`: in the hope that no id was taken before; fails if one was.
    async fn store(&self, groups: &[Vec<Arriving>], hopeful: bool) -> sqlx::Result<Vec<Vec<Outcome>>> {
        self.prepare(groups).await?;
        let received_at = self.clock.now();
        let mut tenants: BTreeMap<OrganizationId, Vec<&Event>> = BTreeMap::new();
        for Arriving { organization, event } in groups.iter().flatten() {
            tenants.entry(*organization).or_default().push(event);
        }
        let mut outcomes: BTreeMap<OrganizationId, std::vec::IntoIter<Outcome>> = BTreeMap::new();
        let Some(mut entered) = tenants.keys().next().copied() else { return Ok(Vec::new()) };
        let mut tx = self.db.ingest(entered).await?;
        let mut prompts = 0;
        for (organization, events) in tenants {
            if entered != organization {
                db::enter(&mut tx, organization).await?;
                entered = organization;
            }
            let tenant = store(&mut tx, organization, &events, received_at, hopeful).await?;
            let fresh: Vec<&Event> = events
                .iter()
                .zip(&tenant)
                .filter(|(_, outcome)| **outcome == Outcome::Stored)
                .map(|(e, _)| *e)
                .collect();
            prompts += prompts::insert(&mut tx, organization, &fresh, received_at).await?;
            outcomes.insert(organization, tenant.into_iter());
        }
        tx.commit().await?;
        self.metrics.prompts("stored", prompts);
        // Handed back in the order in which they came.
        let mut next = |arriving: &Arriving| outcomes.get_mut(&arriving.organization).and_then(Iterator::next);
        Ok(groups.iter().map(|group| group.iter().filter_map(&mut next).collect()).collect())
    }

    /// Stores groups, whatever their ids.
    async fn store_any(&self, groups: &[Vec<Arriving>]) -> sqlx::Result<Vec<Vec<Outcome>>> {
        let left = |left: u32| left.checked_sub(1);
        if self.doubtful.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_err() {
            match self.store(groups, true).await {
                Err(error) if db::violates(&error, TAKEN) => {}
                stored => return stored,
            }
        }
        let outcomes = self.store(groups, false).await?;
        if outcomes.iter().flatten().any(|outcome| *outcome != Outcome::Stored) {
            self.doubtful.store(DOUBTFUL, Ordering::Relaxed);
        }
        Ok(outcomes)
    }

    /// Counts what was stored, after the commit.
    fn count(&self, groups: &[Vec<Arriving>], outcomes: &[Vec<Outcome>]) {
        let mut taken: BTreeMap<(&'static str, &'static str), u64> = BTreeMap::new();
        let mut models: BTreeMap<(&str, &str, bool), Counted> = BTreeMap::new();
        for (Arriving { event, .. }, outcome) in groups.iter().flatten().zip(outcomes.iter().flatten()) {
            *taken.entry((event.source.name(), outcome.name())).or_default() += 1;
            if *outcome != Outcome::Stored {
                continue;
            }
            let key = (event.provider.as_str(), event.model.as_str(), event.price.cost.is_some());
            let counted = models.entry(key).or_default();
            counted.events += 1;
            counted.unsplit += event.told.used.unsplit;
            for (kind, quantity) in event.told.used.quantities.iter() {
                counted.units[kind.index()] += quantity.to_u64().unwrap_or_default();
            }
        }
        for ((source, outcome), count) in taken {
            self.metrics.events(source, outcome, count);
        }
        for ((provider, model, priced), Counted { events, units, unsplit }) in models {
            if !priced {
                self.metrics.unpriced(provider, model, events);
            }
            let kinds = UnitKind::ALL.into_iter().filter(|kind| kind.is_token());
            let kinds = kinds.map(|kind| (kind.name(), units[kind.index()])).chain([("unsplit", unsplit)]);
            self.metrics.tokens(provider, model, priced, kinds.filter(|(_, count)| *count > 0));
        }
    }
}

/// Whether a row found no partition for its day.
fn is_without_partition(error: &sqlx::Error) -> bool {
    // PostgreSQL tells it as a check that failed, and of no constraint.
    let error = error.as_database_error();
    error.is_some_and(|error| error.code().as_deref() == Some(NO_PARTITION) && error.constraint().is_none())
}

#[async_trait]
impl Commit for Store {
    type Item = Arriving;
    type Outcome = Outcome;
    type Error = sqlx::Error;

    async fn commit(&self, groups: &[Vec<Arriving>]) -> sqlx::Result<Vec<Vec<Outcome>>> {
        let began = Instant::now();
        let outcomes = match self.store_any(groups).await {
            // The partition of a day was dropped since this process learned that there is one.
            Err(error) if is_without_partition(&error) => {
                self.days.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.store_any(groups).await
            }
            stored => stored,
        };
        let outcomes = outcomes.inspect_err(|error| tracing::warn!(%error, "a group of events was not stored"))?;
        self.metrics.group(groups.iter().map(Vec::len).sum(), began.elapsed());
        self.count(groups, &outcomes);
        Ok(outcomes)
    }

    fn is_about_items(&self, error: &sqlx::Error) -> bool {
        // SQLSTATE classes 22 and 23: a value or a constraint.
        let state = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
        state.starts_with("22") || state.starts_with("23")
    }

    fn copy(&self, error: &sqlx::Error) -> sqlx::Error {
        // It is in the log once, for all; callers need to know only that they may try again.
        tracing::debug!(%error, "a caller's events were not stored");
        sqlx::Error::WorkerCrashed
    }
}

/// Stores the events whose ids nobody took. Of one id twice in a group, the first is stored.
async fn store(
    conn: &mut PgConnection,
    organization: OrganizationId,
    events: &[&Event],
    received_at: DateTime<Utc>,
    hopeful: bool,
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
    let mut fresh: HashSet<Uuid>;
    let mut before = HashMap::new();
    if hopeful {
        insert(conn, organization, &unique, &unique, received_at).await?;
        if unique.len() == events.len() {
            return Ok(vec![Outcome::Stored; events.len()]);
        }
        fresh = unique.iter().map(|event| event.key).collect();
    } else {
        fresh = take(conn, organization, &unique, received_at).await?.into_iter().collect();
        let (new, known): (Vec<&Event>, Vec<&Event>) = unique.into_iter().partition(|event| fresh.contains(&event.key));
        if !new.is_empty() {
            insert(conn, organization, &new, &[], received_at).await?;
        }
        if !known.is_empty() {
            before = stored_before(conn, organization, &known).await?;
        }
    }
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
) -> sqlx::Result<HashMap<Uuid, i64>> {
    let known: Vec<Uuid> = events.iter().map(|event| event.key).collect();
    let rows = sqlx::query!(
        "SELECT event_key, body_hash FROM usage_event_ids WHERE organization_id = $1 AND event_key = ANY ($2)",
        organization as OrganizationId,
        &known
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.event_key, row.body_hash)).collect())
}
