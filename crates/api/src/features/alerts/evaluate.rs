//! Holds budgets against spending, and raises alerts.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Days, TimeDelta, Utc};
use finops_contract::accounts::Locale;
use finops_contract::alerts::{AlertKind, AlertStatus};
use finops_contract::budgets::{AlertAction, AlertBasis, Budget, BudgetAlert, BudgetPeriod};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use sqlx::PgConnection;
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::domain::{self, Facts};
use super::due::{Due, Seen, Turns};
use super::find::{self, Place};
use super::message::{self, Told};
use super::store::{self, Filter, New, Stored};
use super::telling::tell;
use super::{ending, unpriced};
use crate::features::blocks::{self, BudgetStop};
use crate::features::budgets::{self, Calendar, CrossingKey, Standing, ThresholdKey, Watch};
use crate::features::deliveries;
use crate::features::organizations;
use crate::platform::db::OrganizationId;
use crate::platform::http::ApiResult;
use crate::platform::jobs::Reconciler;
use crate::platform::state::State;

/// How often it is asked whether anything changed.
const PERIOD: Duration = Duration::from_secs(1);
/// Organizations that are checked at once, …
const AT_ONCE: usize = 4;
/// … of which each may need so many connections: its own, and one more while it raises an alert. Who would need the last one
/// of the pool keeps everything else in the background waiting.
const CONNECTIONS: u32 = 2;
/// How long after it was told an alert that was over by itself may be told again: who hovers about a threshold is not news.
const AGAIN: TimeDelta = TimeDelta::hours(1);
/// Days for which what was crossed is remembered: longer than any past period that is looked at is over.
const REMEMBERED: u64 = 40;

/// Raises alerts, in every replica: who crosses a threshold first is decided in the database.
pub(super) struct Evaluator {
    state: State,
    at_once: usize,
    seen: Mutex<Seen>,
    watched: Mutex<HashMap<OrganizationId, Watched>>,
}

/// What this process remembers of an organization, so that the next look costs less.
#[derive(Default)]
struct Watched {
    watch: Watch,
    /// What past periods were known by when they were looked at last.
    past: Option<String>,
}

impl Evaluator {
    pub(super) fn new(state: &State) -> Self {
        let spare = state.config.pool_sizes().jobs.saturating_sub(1) / CONNECTIONS;
        let at_once = usize::try_from(spare).unwrap_or(AT_ONCE).clamp(1, AT_ONCE);
        Self { state: state.clone(), at_once, seen: Mutex::default(), watched: Mutex::default() }
    }

    async fn due(&self) -> sqlx::Result<Vec<Due>> {
        let now = self.state.clock.now();
        let interval = TimeDelta::seconds(self.state.config.budget_check_interval.into());
        let is_time = self.seen.lock().unwrap_or_else(PoisonError::into_inner).wants_all(now, interval);
        let mut tx = self.state.db.background().platform().await?;
        let all = if is_time { Some(organizations::ids(&mut tx).await?) } else { None };
        let said = budgets::to_check(&mut tx, now).await?;
        tx.commit().await?;
        Ok(self.seen.lock().unwrap_or_else(PoisonError::into_inner).take(now, all, said))
    }

    /// Checks an organization's budgets, unless another replica is at it.
    async fn check(&self, Due { organization, past_from }: Due) -> ApiResult<()> {
        let mut tx = self.state.db.background().tenant(organization).await?;
        if !try_lock(&mut tx, organization).await? {
            return Ok(());
        }
        let said = budgets::said(&mut tx, organization).await?;
        let Some(found) = organizations::find(&mut tx, organization).await? else { return Ok(()) };
        let (calendar, now) = (Calendar::of(&found), self.state.clock.now());
        let place = Place { organization, name: &found.name, calendar, today: calendar.today(now) };
        let check = Check { state: &self.state, place, now, past: past_from.is_none() };
        let mut watched = self.watched(organization);
        check.budgets(&mut tx, &mut watched).await?;
        unpriced::check(&self.state, &mut tx, &check.place, now).await?;
        budgets::checked(&mut tx, organization, &said, past_from).await?;
        tx.commit().await?;
        // Not if anything failed: what was not committed is looked at again.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(organization, watched);
        deliveries::nudge(&self.state);
        Ok(())
    }

    /// What is remembered of an organization, taken out.
    fn watched(&self, organization: OrganizationId) -> Watched {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(&organization).unwrap_or_default()
    }
}

#[async_trait]
impl Reconciler for Evaluator {
    fn name(&self) -> &'static str {
        "budget_check"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    /// Goes on looking who is due while somebody's check takes its time, so that one with much to look at keeps nobody else's
    /// alerts back.
    async fn pass(&self) -> anyhow::Result<()> {
        let (mut turns, mut running, mut failed) = (Turns::default(), FuturesUnordered::new(), None);
        turns.add(self.due().await?);
        let mut look = tokio::time::interval_at(Instant::now() + PERIOD, PERIOD);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            while running.len() < self.at_once
                && let Some(due) = turns.take()
            {
                running.push(async move { (due.organization, self.check(due).await) });
            }
            tokio::select! {
                ended = running.next() => match ended {
                    None => break,
                    Some((organization, checked)) => {
                        turns.ended(organization);
                        if let Err(error) = checked {
                            tracing::warn!(%organization, %error, "budgets could not be checked");
                            failed = Some(error);
                        }
                    }
                },
                _ = look.tick() => match self.due().await {
                    Ok(due) => turns.add(due),
                    // What is under way must not be dropped for that.
                    Err(error) => tracing::warn!(%error, "whose budgets are to be checked is not known; trying again"),
                },
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// What is known of thresholds before a check.
struct Known {
    crossed: HashSet<CrossingKey>,
    /// Since when each holds.
    since: HashMap<ThresholdKey, DateTime<Utc>>,
    /// The alerts of those that were crossed in a period that runs, were over by themselves, and may be told again.
    dipped: HashMap<store::DippedKey, Uuid>,
}

impl Known {
    /// Whether a period that is over was held to a threshold: not to one that was added since.
    fn held(&self, place: &Place<'_>, standing: &Standing, alert: BudgetAlert) -> bool {
        let (_, end) = place.calendar.bounds(standing.period);
        let since = self.since.get(&(standing.budget_id, alert.threshold, alert.basis));
        since.is_some_and(|since| *since < end)
    }

    fn dipped(&self, standing: &Standing, alert: BudgetAlert) -> Option<Uuid> {
        self.dipped.get(&(standing.budget_id, standing.period.from, alert.threshold, alert.basis)).copied()
    }
}

/// One check of one organization.
struct Check<'a> {
    state: &'a State,
    place: Place<'a>,
    now: DateTime<Utc>,
    past: bool,
}

impl Check<'_> {
    async fn budgets(&self, conn: &mut PgConnection, watched: &mut Watched) -> ApiResult<()> {
        let organization = self.place.organization;
        let all = budgets::in_force(conn, organization).await?;
        let remembered = self.place.today.checked_sub_days(Days::new(REMEMBERED)).unwrap_or(self.place.today);
        let known = Known {
            crossed: budgets::crossed_since(conn, organization, remembered).await?,
            since: budgets::thresholds_since(conn, organization).await?,
            dipped: store::dipped(conn, organization, self.place.today, self.now - AGAIN).await?,
        };
        let mut current = HashMap::new();
        for (budget, standings) in all.iter().zip(self.standings(conn, &all, watched).await?) {
            for standing in &standings {
                self.cross(conn, budget, standing, &known).await?;
            }
            current.extend(standings.into_iter().find(|standing| !standing.is_over).map(|now| (budget.id, now)));
        }
        ending::resolve(self.state, conn, &self.place, self.now, &all, &current).await
    }

    /// How all of them stand, each in the period that runs and in those before that are looked at. What cannot be told exactly
    /// reaches nothing, and is no reason to leave the others alone.
    async fn standings(
        &self,
        conn: &mut PgConnection,
        all: &[Budget],
        watched: &mut Watched,
    ) -> ApiResult<Vec<Vec<Standing>>> {
        let (organization, calendar) = (self.place.organization, self.place.calendar);
        let before = |budget: &Budget| periods_before(budget.period);
        let past = match self.past {
            true => Some(budgets::past(conn, organization, calendar, all, self.now, before).await?),
            false => None,
        };
        // What is the same as at the last look was crossed then.
        if past.is_none() || past == watched.past {
            let running = watched.watch.standings(conn, organization, calendar, all, self.now).await?;
            return Ok(running.into_iter().map(|standing| standing.into_iter().collect()).collect());
        }
        let standings = budgets::standings_of(conn, organization, calendar, all, self.now, before).await?;
        watched.past = past;
        Ok(standings.into_iter().map(Result::unwrap_or_default).collect())
    }

    /// Crosses what is reached, the highest first: messages of one check are one group, so that who jumps over four thresholds
    /// at once is told of the highest now and of the others together.
    async fn cross(
        &self,
        conn: &mut PgConnection,
        budget: &Budget,
        standing: &Standing,
        known: &Known,
    ) -> ApiResult<()> {
        let mut group = None;
        let mut reached: Vec<&BudgetAlert> = standing.reached.iter().collect();
        reached.sort_by_key(|alert| (alert.basis == AlertBasis::Forecast, std::cmp::Reverse(alert.threshold)));
        for alert in reached {
            let key: CrossingKey = (budget.id, standing.revision, standing.period.from, alert.threshold, alert.basis);
            if !known.crossed.contains(&key) {
                if standing.is_over && !known.held(&self.place, standing, *alert) {
                    continue;
                }
                let facts = find::budget_facts(conn, &self.place, budget, standing, *alert).await?;
                self.raise(standing, *alert, facts, &mut group, budgets::spender(budget)).await?;
            } else if let Some(id) = known.dipped(standing, *alert) {
                let facts = find::budget_facts(conn, &self.place, budget, standing, *alert).await?;
                self.reopen(id, *alert, facts).await?;
            }
        }
        Ok(())
    }

    /// Crosses a threshold, and raises its alert in the same transaction. Nothing, if somebody else was first.
    async fn raise(
        &self,
        standing: &Standing,
        alert: BudgetAlert,
        facts: Facts,
        group: &mut Option<String>,
        spender: Option<crate::features::costs::Spender>,
    ) -> ApiResult<()> {
        let (organization, clock) = (self.place.organization, &self.state.clock);
        let mut tx = self.state.db.background().tenant(organization).await?;
        let Some(crossing) = budgets::cross(&mut tx, organization, clock, standing, alert).await? else {
            return Ok(());
        };
        let id = clock.new_id();
        let subject_key = format!("{}:{}", AlertKind::Budget.name(), crossing.budget_id);
        let new = New {
            id,
            kind: AlertKind::Budget,
            severity: domain::severity(alert.threshold, alert.basis),
            subject_key: &subject_key,
            crossing: Some(crossing.id),
            facts: &facts,
            raised_at: crossing.crossed_at,
        };
        store::insert(&mut tx, organization, &new).await?;
        let (mut stored, mut made) = (new.stored(), Vec::new());
        // What is over is nothing to stop: whoever overspent last month may be well within this one's amount.
        if let (AlertAction::Block, Some(spender), false) = (alert.action, spender, standing.is_over) {
            let reasons = [Locale::Ko, Locale::En].map(|locale| message::reason(&facts, locale));
            let stop = BudgetStop { budget_id: crossing.budget_id, alert_id: Some(id), spender, reasons };
            let stopped = blocks::stop_for_budget(self.state, &mut tx, organization, &stop).await?;
            if stopped.holds {
                stored.facts.blocked = true;
                store::set_facts(&mut tx, organization, id, &stored.facts).await?;
            }
            made = stopped.made;
        }
        let group = group.get_or_insert_with(|| format!("crossing-{}", crossing.id));
        let types = domain::channels(alert.action);
        tell(self.state, &mut tx, organization, &stored, Told::Triggered, types, Some(group)).await?;
        blocks::tell_of_stops(self.state, &mut tx, organization, id, &made).await?;
        tx.commit().await?;
        deliveries::nudge(self.state);
        Ok(())
    }

    /// Opens an alert again that was over by itself, with the figures of now, and tells whom it was told. What it stopped, and
    /// somebody let go since, stays: that was decided knowing of this period.
    async fn reopen(&self, id: Uuid, alert: BudgetAlert, facts: Facts) -> ApiResult<()> {
        let organization = self.place.organization;
        let mut tx = self.state.db.background().tenant(organization).await?;
        let filter = Filter { id: Some(id), ..Filter::default() };
        let Some(before) = store::list(&mut tx, organization, &filter, 1).await?.pop() else { return Ok(()) };
        let facts = Facts { blocked: blocks::stopped_with(&mut tx, organization, id).await?, ..facts };
        if !store::reopen(&mut tx, organization, id, &facts, self.now).await? {
            return Ok(());
        }
        let stored =
            Stored { status: AlertStatus::Open, facts, acknowledged: None, resolved: None, ended: None, ..before };
        // A group of its own: the one that it was raised in may be held back still.
        let group = format!("alert-{id}");
        let types = domain::channels(alert.action);
        tell(self.state, &mut tx, organization, &stored, Told::Triggered, types, Some(&group)).await?;
        tx.commit().await?;
        deliveries::nudge(self.state);
        Ok(())
    }
}

/// Past periods that are looked at: as many as bills are restated in.
const fn periods_before(period: BudgetPeriod) -> usize {
    match period {
        BudgetPeriod::Daily => 7,
        BudgetPeriod::Weekly => 2,
        BudgetPeriod::Monthly | BudgetPeriod::Quarterly | BudgetPeriod::Yearly => 1,
    }
}

/// Holds an organization's check until the transaction ends, if nobody else does.
async fn try_lock(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<bool> {
    let name = format!("finops.budget_check.{organization}");
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS "locked!""#, name)
        .fetch_one(conn)
        .await
}
