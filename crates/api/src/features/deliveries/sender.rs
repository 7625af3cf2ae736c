//! What sends: takes lanes that are due, and lets each make one attempt.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::attempt;
use super::claim::{self, Lane, Limits};
use super::domain::Ended;
use super::finish::{self, Written};
use super::plan::{self, Planned, Work};
use crate::platform::jobs::Reconciler;
use crate::platform::state::State;

/// Attempts at once in this process.
const PLACES: usize = 32;
/// Attempts at once of all processes. An organization whose sinks hang keeps these, and no more.
const LIMITS: Limits = Limits { organization: 4, host: 8 };
/// Transactions at once: an attempt waits for the other side most of its time, and jobs need connections as well.
const TRANSACTIONS: usize = 2;
/// How often to look for what nobody nudged about.
const POLL: Duration = Duration::from_secs(1);
/// How long a lane goes on with one message after the other before others get its place.
const TURN: Duration = Duration::from_secs(3);
/// How often, and after which time again, the end of an attempt is written down when the database does not answer: a message must
/// not go out twice for that.
const WRITES: (u32, Duration) = (20, Duration::from_millis(500));
/// How often the backlog is measured.
const MEASURE: Duration = Duration::from_secs(15);

/// Sends what is due, until nothing is.
#[derive(Clone)]
pub(super) struct Sender {
    state: State,
    database: Arc<Semaphore>,
    measured: Arc<Mutex<Option<Instant>>>,
}

impl Sender {
    pub(super) fn new(state: State) -> Self {
        Self { state, database: Arc::new(Semaphore::new(TRANSACTIONS)), measured: Arc::default() }
    }

    async fn claim(&self, most: usize) -> sqlx::Result<Vec<Lane>> {
        if most == 0 || self.state.stopping.has_begun() {
            return Ok(Vec::new());
        }
        let (clock, most) = (&self.state.clock, i64::try_from(most).unwrap_or(i64::MAX));
        let mut tx = self.state.db.background().platform().await?;
        let lanes = claim::claim(&mut tx, clock.new_id(), most, LIMITS, clock.now()).await?;
        tx.commit().await?;
        Ok(lanes)
    }

    /// A lane's turn. What goes wrong with the database leaves a lease that runs out.
    async fn turn(self, lane: Lane) {
        let until = Instant::now() + TURN;
        loop {
            match self.attempt(lane, until).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    let (organization, lane) = (lane.organization, lane.lane);
                    tracing::warn!(%organization, %lane, %error, "a lane was left; another worker takes it over");
                    return;
                }
            }
        }
    }

    /// One attempt; whether the lane is still this worker's.
    async fn attempt(&self, lane: Lane, until: Instant) -> anyhow::Result<bool> {
        let Some(work) = self.plan(lane).await? else { return Ok(false) };
        let ended = attempt::make(&self.state, &self.state.notifiers, &work).await;
        let keep = Instant::now() < until && !self.state.stopping.has_begun();
        let Some(written) = self.write(&work, &ended, keep).await? else {
            tracing::warn!(id = %work.id, "the attempt ended after another worker had taken its lane over");
            return Ok(false);
        };
        finish::tell(&self.state.metrics.deliveries, &work, &ended.0, written.becomes);
        Ok(written.is_kept)
    }

    async fn write(&self, work: &Work, ended: &(Ended, Duration), keep: bool) -> anyhow::Result<Option<Written>> {
        let (times, pause) = WRITES;
        for _ in 1..times {
            match self.write_once(work, ended, keep).await {
                Err(error) => tracing::debug!(%error, "the end of an attempt could not be written down; trying again"),
                written => return written,
            }
            tokio::time::sleep(pause).await;
        }
        self.write_once(work, ended, keep).await
    }

    async fn write_once(&self, work: &Work, ended: &(Ended, Duration), keep: bool) -> anyhow::Result<Option<Written>> {
        let _permit = self.database.acquire().await?;
        let mut tx = self.state.db.background().tenant(work.lane.organization).await?;
        let written = finish::write(&mut tx, &self.state.clock, work, ended, keep).await?;
        tx.commit().await?;
        Ok(written)
    }

    async fn plan(&self, lane: Lane) -> anyhow::Result<Option<Box<Work>>> {
        let _permit = self.database.acquire().await?;
        let mut tx = self.state.db.background().tenant(lane.organization).await?;
        let planned = plan::next(&mut tx, &self.state.clock, &self.state.metrics.deliveries, lane).await?;
        tx.commit().await?;
        Ok(match planned {
            Planned::Attempt(work) => Some(work),
            Planned::Nothing | Planned::Lost => None,
        })
    }

    async fn measure(&self) -> sqlx::Result<()> {
        {
            let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
            if measured.is_some_and(|at| at.elapsed() < MEASURE) {
                return Ok(());
            }
            *measured = Some(Instant::now());
        }
        let mut tx = self.state.db.background().platform().await?;
        let (waiting, oldest) = claim::backlog(&mut tx, self.state.clock.now()).await?;
        tx.commit().await?;
        self.state.metrics.deliveries.backlog(waiting, oldest);
        Ok(())
    }
}

#[async_trait]
impl Reconciler for Sender {
    fn name(&self) -> &'static str {
        "deliveries"
    }

    fn period(&self) -> Duration {
        POLL
    }

    async fn woken(&self) {
        self.state.outbox.woken().await;
    }

    /// Once the process is stopping nothing more is taken, and what is under way ends within its time-out.
    fn ends_by_itself(&self) -> bool {
        true
    }

    async fn pass(&self) -> anyhow::Result<()> {
        let mut running = JoinSet::new();
        loop {
            if let Err(error) = self.measure().await {
                tracing::debug!(%error, "the backlog cannot be measured");
            }
            let claimed = self.claim(PLACES.saturating_sub(running.len())).await;
            match claimed {
                Ok(lanes) => {
                    for lane in lanes {
                        running.spawn(self.clone().turn(lane).in_current_span());
                    }
                }
                // What is under way must not be dropped for that.
                Err(error) if !running.is_empty() => tracing::warn!(%error, "messages cannot be claimed; trying again"),
                Err(error) => return Err(error.into()),
            }
            if running.is_empty() {
                return Ok(());
            }
            tokio::select! {
                _ = running.join_next() => {}
                () = self.woken() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}
