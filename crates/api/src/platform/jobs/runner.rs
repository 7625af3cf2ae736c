//! What claims jobs and keeps as many running as it may.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::supervise::Attempt;
use super::{Backoff, JobHandler, JobMetrics, NewJob, Reconciler, Schedule, lease, queue, reconcile};
use crate::platform::clock::Clock;
use crate::platform::db::Db;

/// How the runner behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Jobs at once in this process; at least 1. Fewer than the connections of the background pool, or heartbeats wait
    /// for the handlers that they are to keep alive.
    pub concurrency: usize,
    /// How often to look for jobs that nobody nudged about.
    pub poll: Duration,
    /// How long a job is this worker's without a heartbeat.
    pub lease: Duration,
    /// How often the lease is extended.
    pub heartbeat: Duration,
    /// How long a handler may go on after it lost its lease.
    pub grace: Duration,
    /// The wait after a failed attempt.
    pub backoff: Backoff,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 4,
            poll: Duration::from_secs(1),
            lease: Duration::from_secs(10),
            heartbeat: Duration::from_secs(3),
            grace: Duration::from_secs(5),
            backoff: Backoff::default(),
        }
    }
}

/// Wakes the runner of this process. Features call it once the transaction that enqueued has committed; without it the
/// job waits for the next poll. Clones wake the same runner.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// Says that there is work.
    pub fn nudge(&self) {
        self.0.notify_one();
    }

    /// Returns once somebody has nudged, also if that was before.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}

/// The jobs that this process knows to run. Clones share everything.
#[derive(Clone)]
pub struct Jobs(Arc<Shared>);

pub(super) struct Shared {
    pub(super) db: Db,
    pub(super) settings: Settings,
    pub(super) handlers: BTreeMap<&'static str, Arc<dyn JobHandler>>,
    pub(super) metrics: Arc<JobMetrics>,
    clock: Clock,
    names: Vec<String>,
    schedules: Vec<Scheduled>,
    reconcilers: Vec<Arc<dyn Reconciler>>,
    nudge: Nudge,
    measured: Mutex<Option<Instant>>,
}

struct Scheduled {
    schedule: Schedule,
    max_attempts: i32,
    /// The slot that is known to be in the database.
    made: Mutex<Option<String>>,
}

/// How often the queue is measured.
const MEASURE: Duration = Duration::from_secs(15);

/// What has come of a stop: the time by which handlers must have ended.
pub(super) type Stop = watch::Receiver<Option<Instant>>;

/// What a runner is made of.
pub struct JobsBuilder {
    db: Db,
    clock: Clock,
    settings: Settings,
    handlers: Vec<Arc<dyn JobHandler>>,
    schedules: Vec<Schedule>,
    reconcilers: Vec<Arc<dyn Reconciler>>,
    nudge: Nudge,
}

impl JobsBuilder {
    /// Runs these jobs too.
    #[must_use]
    pub fn handler(mut self, handler: impl JobHandler + 'static) -> Self {
        self.handlers.push(Arc::new(handler));
        self
    }

    /// Makes these jobs at their times.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedules.push(schedule);
        self
    }

    /// Keeps this in line too.
    #[must_use]
    pub fn reconciler(mut self, reconciler: impl Reconciler + 'static) -> Self {
        self.reconcilers.push(Arc::new(reconciler));
        self
    }

    /// Behaves like this.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Is woken by this, which features were given before the runner was made.
    #[must_use]
    pub fn nudge(mut self, nudge: Nudge) -> Self {
        self.nudge = nudge;
        self
    }

    /// The runner, not running yet.
    ///
    /// # Errors
    /// Two handlers have one name, a schedule is never due or has no handler, or the settings cannot work.
    pub fn build(self) -> anyhow::Result<Jobs> {
        let Self { db, clock, settings, handlers: given, schedules, reconcilers, nudge } = self;
        ensure!(settings.concurrency > 0, "at least one job must be able to run");
        ensure!(settings.heartbeat < settings.lease, "a lease must outlast the time between heartbeats");
        let mut handlers = BTreeMap::new();
        for handler in given {
            let name = handler.name();
            ensure!(handler.max_attempts() > 0, "{name} has no attempt");
            ensure!(handlers.insert(name, handler).is_none(), "two handlers are named {name}");
        }
        let mut names: BTreeSet<&'static str> = handlers.keys().copied().collect();
        for reconciler in &reconcilers {
            let name = reconciler.name();
            ensure!(names.insert(name), "two handlers or reconcilers are named {name}");
        }
        let mut scheduled = Vec::new();
        for schedule in schedules {
            let Schedule { job, .. } = schedule;
            ensure!(schedule.slot(clock.now()).is_some(), "the schedule of {job} is never due");
            ensure!(handlers.contains_key(job), "{job} is scheduled but nothing handles it");
            let max_attempts = handlers[job].max_attempts();
            scheduled.push(Scheduled { schedule, max_attempts, made: Mutex::default() });
        }
        Ok(Jobs(Arc::new(Shared {
            metrics: Arc::new(JobMetrics::new(names)),
            names: handlers.keys().map(|name| (*name).to_owned()).collect(),
            schedules: scheduled,
            reconcilers,
            measured: Mutex::default(),
            db,
            settings,
            handlers,
            clock,
            nudge,
        })))
    }
}

impl Jobs {
    /// Begins a runner on this database. The clock decides when schedules are due; leases and waits are on the
    /// database's time.
    pub fn builder(db: Db, clock: Clock) -> JobsBuilder {
        JobsBuilder {
            db,
            clock,
            settings: Settings::default(),
            handlers: Vec::new(),
            schedules: Vec::new(),
            reconcilers: Vec::new(),
            nudge: Nudge::default(),
        }
    }

    /// What it counts.
    pub fn metrics(&self) -> Arc<JobMetrics> {
        Arc::clone(&self.0.metrics)
    }

    /// Works in the background until it is shut down. The last handle that is dropped stops it too, at once.
    #[expect(clippy::disallowed_methods, reason = "this is the background work that everything else is handed to")]
    pub fn start(&self) -> JobsHandle {
        let (stop, receiver) = watch::channel(None);
        let task = tokio::spawn(Arc::clone(&self.0).work(receiver));
        JobsHandle { nudge: self.0.nudge.clone(), stop: Arc::new(stop), task: Arc::new(Mutex::new(Some(task))) }
    }

    /// Makes what is scheduled and runs every job that is due, also those that come up meanwhile, until none is left;
    /// returns how many attempts it made. Jobs that wait for their time, or that another process runs, stay. Then one pass
    /// of every reconciler.
    ///
    /// # Errors
    /// The database failed. Jobs that were running are dropped, and run again once their leases have run out.
    pub async fn run_due(&self) -> sqlx::Result<usize> {
        let (_stop, receiver) = watch::channel(None);
        let mut running = JoinSet::new();
        let mut attempts = 0;
        loop {
            attempts += self.0.turn(&mut running, &receiver).await?;
            if running.join_next().await.is_none() {
                break;
            }
        }
        self.reconcile().await;
        Ok(attempts)
    }

    /// One pass of every reconciler.
    pub async fn reconcile(&self) {
        for reconciler in &self.0.reconcilers {
            reconcile::pass(Arc::clone(reconciler), &self.0.metrics).await;
        }
    }
}

impl Shared {
    async fn work(self: Arc<Self>, mut stop: Stop) {
        let mut running = JoinSet::new();
        let mut reconciling = JoinSet::new();
        for reconciler in &self.reconcilers {
            reconciling.spawn(reconcile::repeat(Arc::clone(reconciler), Arc::clone(&self.metrics), stop.clone()));
        }
        let mut failing = false;
        while stop.borrow().is_none() {
            let turn = self.turn(&mut running, &stop).await;
            match turn.err() {
                None => failing = false,
                Some(error) if failing => tracing::debug!(%error, "jobs still cannot be claimed"),
                Some(error) => {
                    failing = true;
                    tracing::warn!(%error, "jobs cannot be claimed; trying again");
                }
            }
            tokio::select! {
                _ = stop.wait_for(Option::is_some) => break,
                Some(_) = running.join_next() => {}
                () = self.nudge.0.notified() => {}
                () = tokio::time::sleep(self.settings.poll) => {}
            }
        }
        // Every attempt was told too, and ends in time: see `Attempt::run`.
        while running.join_next().await.is_some() {}
        while reconciling.join_next().await.is_some() {}
    }

    /// Makes what is scheduled, then claims as many jobs as there are places; returns how many.
    async fn turn(self: &Arc<Self>, running: &mut JoinSet<()>, stop: &Stop) -> sqlx::Result<usize> {
        // One schedule's trouble must not keep the others' jobs from being run.
        let scheduled = self.make_scheduled().await;
        let claimed = self.claim(running, stop).await?;
        self.measure().await?;
        scheduled.map(|()| claimed)
    }

    async fn make_scheduled(&self) -> sqlx::Result<()> {
        let now = self.clock.now();
        for Scheduled { schedule, max_attempts, made } in &self.schedules {
            let Some(slot) = schedule.slot(now) else { continue };
            if made.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&slot) {
                continue;
            }
            let job = NewJob {
                organization_id: None,
                name: schedule.job,
                slot: &slot,
                payload: serde_json::json!({}),
                run_at: None,
                max_attempts: *max_attempts,
            };
            let mut tx = self.db.background().platform().await?;
            queue::enqueue(&mut tx, &self.clock, job).await?;
            tx.commit().await?;
            *made.lock().unwrap_or_else(PoisonError::into_inner) = Some(slot);
        }
        Ok(())
    }

    async fn claim(self: &Arc<Self>, running: &mut JoinSet<()>, stop: &Stop) -> sqlx::Result<usize> {
        let places = self.settings.concurrency.saturating_sub(running.len());
        if places == 0 {
            return Ok(0);
        }
        let owner = self.clock.new_id();
        let claimed_at = Instant::now();
        let mut tx = self.db.background().platform().await?;
        let abandoned = lease::reclaim(&mut tx).await?;
        let limit = i64::try_from(places).unwrap_or(i64::MAX);
        let claimed = lease::claim(&mut tx, owner, &self.names, self.settings.lease, limit).await?;
        tx.commit().await?;
        for job in abandoned {
            self.metrics.count(&job.name, |counters| &counters.lost);
            if job.dead {
                self.metrics.count(&job.name, |counters| &counters.dead);
            }
            tracing::warn!(job.id = %job.id, job.name, job.dead, "the worker of a job stopped answering");
        }
        let count = claimed.len();
        for job in claimed {
            self.metrics.count(&job.name, |counters| &counters.claimed);
            running.spawn(Attempt::new(Arc::clone(self), job, owner, claimed_at).run(stop.clone()));
        }
        Ok(count)
    }

    async fn measure(&self) -> sqlx::Result<()> {
        {
            let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
            if measured.is_some_and(|at| at.elapsed() < MEASURE) {
                return Ok(());
            }
            *measured = Some(Instant::now());
        }
        let mut tx = self.db.background().platform().await?;
        let backlog = queue::backlog(&mut tx).await?;
        tx.commit().await?;
        self.metrics.set_backlog(&backlog);
        Ok(())
    }
}

/// A runner at work. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct JobsHandle {
    nudge: Nudge,
    stop: Arc<watch::Sender<Option<Instant>>>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// How long attempts may take, after the deadline, to give their jobs back.
const RELEASE: Duration = Duration::from_secs(3);

impl JobsHandle {
    /// Says that there is work: call it once a transaction that enqueued has committed.
    pub fn nudge(&self) {
        self.nudge.nudge();
    }

    /// Claims nothing more, tells the running handlers to stop, and waits for them. What has not ended by the deadline
    /// is dropped and put back, so that another replica takes it over at once. Returns at most 3 s after the deadline.
    pub async fn shutdown(&self, deadline: Duration) {
        self.stop.send_replace(Some(Instant::now() + deadline));
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return };
        if tokio::time::timeout(deadline + RELEASE, &mut task).await.is_err() {
            task.abort();
            tracing::error!("jobs did not end in time; others take them over once their leases have run out");
        }
    }
}
