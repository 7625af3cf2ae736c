//! Snapshots of the organizations that are asked about, kept young.
//!
//! The first check of an organization reads its snapshot; while checks come, it is read again every [`TICK`], by one reader
//! for all who wait. Figures that are older than [`FRESH`] are used only while a reader does not get on: the database is
//! slow, or away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use finops_contract::ErrorCode;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior};

use super::BELIEVED;
use super::snapshot::Snapshot;
use crate::features::budgets::Watch;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, OrganizationId};
use crate::platform::http::{ApiError, ApiResult};
use crate::platform::telemetry::GuardMetrics;

/// How often snapshots are read.
const TICK: Duration = Duration::from_millis(400);
/// How old a snapshot may be that is used without asking for another.
const FRESH: Duration = Duration::from_secs(1);
/// How long a check waits for another snapshot when there is one that is believed.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long a reader may take.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a reader may take before the database counts as away.
const AWAY_AFTER: Duration = Duration::from_secs(2);
/// For how long after the last check of an organization its snapshot is kept young, …
const WATCHED: Duration = Duration::from_secs(60);
/// … and remembered at all.
const REMEMBERED: Duration = Duration::from_secs(600);

/// The snapshots of one process.
#[derive(Debug)]
pub(super) struct Snapshots {
    pub(super) db: Db,
    pub(super) clock: Clock,
    metrics: GuardMetrics,
    slots: RwLock<HashMap<OrganizationId, Arc<Slot>>>,
    /// Whether the database did not answer the last reader.
    away: AtomicBool,
    started: Instant,
}

/// One organization's.
#[derive(Debug)]
struct Slot {
    organization: OrganizationId,
    current: RwLock<Option<Arc<Snapshot>>>,
    /// Held by who reads.
    reader: Mutex<Reader>,
    /// When the reader began, and when somebody asked last: milliseconds since the process started; zero for never.
    reading_since: AtomicU64,
    asked: AtomicU64,
}

/// What reading goes by.
#[derive(Debug, Default)]
struct Reader {
    watch: Watch,
    /// When nothing could be read last.
    failed_at: Option<Instant>,
}

impl Snapshots {
    /// None yet. What keeps them young ends with the last who uses them.
    pub(super) fn start(db: Db, clock: Clock, metrics: GuardMetrics) -> Arc<Self> {
        let (slots, away, started) = (RwLock::default(), AtomicBool::new(false), Instant::now());
        let snapshots = Arc::new(Self { db, clock, metrics, slots, away, started });
        #[expect(clippy::disallowed_methods, reason = "it ends with the snapshots, which live as long as the process")]
        tokio::spawn(keep_young(Arc::downgrade(&snapshots)));
        snapshots
    }

    /// Whether the database does not answer.
    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// The organization's snapshot, young; or while the database does not get on, one that is believed.
    ///
    /// # Errors
    /// `guard_unavailable`.
    pub(super) async fn get(&self, organization: OrganizationId) -> ApiResult<Arc<Snapshot>> {
        let slot = self.slot(organization);
        let now = self.clock.now();
        slot.asked.store(self.since_start().max(1), Ordering::Relaxed);
        let current = slot.current();
        if let Some(current) = &current
            && current.asked_at.elapsed() < FRESH
            && !current.is_over(now)
        {
            return Ok(Arc::clone(current));
        }
        // By both clocks: one that is turned back makes nothing younger.
        let believed = current.filter(|current| {
            now - current.as_of.clock <= BELIEVED
                && BELIEVED.to_std().is_ok_and(|believed| current.asked_at.elapsed() <= believed)
        });
        let newest = Instant::now().checked_sub(FRESH).unwrap_or(self.started);
        let read = match &believed {
            Some(_) if self.is_away() || self.is_slow(&slot) => None,
            Some(_) => tokio::time::timeout(PATIENCE, self.read(&slot, newest)).await.ok(),
            None if self.is_away() => None,
            None => Some(self.read(&slot, newest).await),
        };
        match (read, believed) {
            (Some(Ok(snapshot)), _) => Ok(snapshot),
            (_, Some(believed)) => Ok(believed),
            (Some(Err(error)), None) => Err(error),
            (None, None) => Err(lost()),
        }
    }

    /// A snapshot that was asked for after this moment, if the database answers; otherwise the one that there is.
    ///
    /// # Errors
    /// `guard_unavailable`.
    pub(super) async fn newer(&self, organization: OrganizationId, than: Instant) -> ApiResult<Arc<Snapshot>> {
        match self.is_away() {
            true => self.get(organization).await,
            false => self.read(&self.slot(organization), than).await,
        }
    }

    /// When what an organization's checks went by last was read.
    pub(super) fn last(&self, organization: OrganizationId) -> Option<Arc<Snapshot>> {
        self.slot(organization).current()
    }

    /// Reads a snapshot, unless somebody did who began after that moment.
    async fn read(&self, slot: &Slot, newer_than: Instant) -> ApiResult<Arc<Snapshot>> {
        let arrived = Instant::now();
        let mut reader = slot.reader.lock().await;
        // What failed for whoever was waited for, failed for all who waited.
        if reader.failed_at.is_some_and(|at| at >= arrived) {
            return Err(lost());
        }
        let now = self.clock.now();
        let current = slot.current().filter(|current| current.asked_at > newer_than && !current.is_over(now));
        if let Some(current) = current {
            return Ok(current);
        }
        slot.reading_since.store(self.since_start().max(1), Ordering::Relaxed);
        let reading = tokio::time::timeout(READ_TIMEOUT, self.read_now(slot.organization, &mut reader.watch)).await;
        slot.reading_since.store(0, Ordering::Relaxed);
        let read = reading.unwrap_or_else(|_| Err(lost().with_source(anyhow::anyhow!("not read in time"))));
        match read {
            Ok(snapshot) => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("the guard reads its figures again");
                }
                let snapshot = Arc::new(snapshot);
                *slot.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&snapshot));
                Ok(snapshot)
            }
            Err(error) if matches!(error.code, ErrorCode::Unavailable | ErrorCode::GuardUnavailable) => {
                reader.failed_at = Some(Instant::now());
                self.goes_away(&error.to_string());
                Err(lost().with_source(error))
            }
            Err(error) => Err(error),
        }
    }

    async fn read_now(&self, organization: OrganizationId, watch: &mut Watch) -> ApiResult<Snapshot> {
        let asked = (Instant::now(), self.clock.now());
        let mut tx = self.db.guard_snapshot(organization).await?;
        let snapshot = Snapshot::read(&mut tx, organization, watch, asked).await?;
        tx.commit().await?;
        Ok(snapshot)
    }

    fn goes_away(&self, why: &str) {
        // Once for all: thousands of checks a second may find out.
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = why, "the guard cannot read its figures; it goes by the last ones for a while");
        }
    }

    fn slot(&self, organization: OrganizationId) -> Arc<Slot> {
        if let Some(slot) = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(&organization) {
            return Arc::clone(slot);
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let asked = AtomicU64::new(self.since_start().max(1));
        let (current, reader, reading_since) = (RwLock::new(None), Mutex::default(), AtomicU64::new(0));
        let empty = || Arc::new(Slot { organization, current, reader, reading_since, asked });
        Arc::clone(slots.entry(organization).or_insert_with(empty))
    }

    fn since_start(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// How long ago something was; nothing, if it never was.
    fn ago(&self, at: &AtomicU64) -> Option<Duration> {
        let at = Some(at.load(Ordering::Relaxed)).filter(|at| *at > 0)?;
        Some(Duration::from_millis(self.since_start().saturating_sub(at)))
    }

    /// Whether somebody has waited for this reader already.
    fn is_slow(&self, slot: &Slot) -> bool {
        self.ago(&slot.reading_since).is_some_and(|ago| ago >= PATIENCE)
    }

    /// The organizations that are asked about. Forgets those that nobody asks about any more.
    fn watched(&self) -> Vec<Arc<Slot>> {
        let is_asked = |slot: &Slot, within| self.ago(&slot.asked).is_some_and(|ago| ago < within);
        self.slots.write().unwrap_or_else(PoisonError::into_inner).retain(|_, slot| is_asked(slot, REMEMBERED));
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.values().filter(|slot| is_asked(slot, WATCHED)).cloned().collect()
    }

    /// Takes a look at how old figures are, and whether readers get on.
    fn look(&self, watched: &[Arc<Slot>]) {
        let ages = watched.iter().filter_map(|slot| slot.current()).map(|snapshot| snapshot.asked_at.elapsed());
        self.metrics.snapshot_age(ages.max().unwrap_or_default());
        if watched.iter().any(|slot| self.ago(&slot.reading_since).is_some_and(|ago| ago >= AWAY_AFTER)) {
            self.goes_away("a reader does not get on");
        }
    }
}

impl Slot {
    fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Nothing is known, or nothing that is young enough.
fn lost() -> ApiError {
    ApiError::new(ErrorCode::GuardUnavailable).with_retry_after(1)
}

/// Reads every watched snapshot each tick, those of slow organizations less often.
async fn keep_young(snapshots: Weak<Snapshots>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reading = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(()) = reading.next() => {}
            _ = tick.tick() => {
                let Some(all) = snapshots.upgrade() else { return };
                let watched = all.watched();
                all.look(&watched);
                for slot in watched {
                    // Whoever reads already, reads for this tick too.
                    if slot.reader.try_lock().is_ok() {
                        let snapshots = Weak::clone(&snapshots);
                        reading.push(async move {
                            let Some(all) = snapshots.upgrade() else { return };
                            if let Err(error) = all.read(&slot, Instant::now()).await {
                                tracing::debug!(%error, "the guard's figures were not read");
                            }
                        });
                    }
                }
            }
        }
    }
}
