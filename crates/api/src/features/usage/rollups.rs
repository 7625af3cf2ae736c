//! What events add to the hourly sums.

use chrono::{DateTime, Utc};
use finops_contract::UnitKind;
use finops_contract::projects::Environment;
use foldhash::HashMap;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{Event, hour};
use super::histogram;
use super::rows::{DimensionRow, OutcomeRow, SumRow};
use crate::platform::db::OrganizationId;
use crate::platform::exact::Total;

/// The coarse grain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key<'a> {
    hour: DateTime<Utc>,
    project: Option<Uuid>,
    team: Option<Uuid>,
    environment: Option<Environment>,
    provider: &'a str,
    model: &'a str,
    service: Option<&'a str>,
}

/// The fine grain: all the dimensions together, as events tell them. Folding takes them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FineKey<'a> {
    hour: DateTime<Utc>,
    project: Option<Uuid>,
    team: Option<Uuid>,
    provider: &'a str,
    learner: Option<&'a str>,
    user: Option<&'a str>,
    api_key: Option<Uuid>,
    task_type: Option<&'a str>,
}

/// What both grains count.
#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    events: i64,
    failed: i64,
    unpriced: i64,
    cost: Total,
    reported: Total,
}

#[derive(Clone, Debug, Default)]
struct Sum {
    calls: Calls,
    free: i64,
    units: [i64; UnitKind::ALL.len()],
    unsplit: i64,
    seconds: Decimal,
    /// The bucket of each call that says how long it took.
    latency: Vec<i16>,
}

#[derive(Clone, Copy, Debug, Default)]
struct FineSum {
    calls: Calls,
    tokens: i64,
}

impl Calls {
    fn add(&mut self, event: &Event) {
        self.events += 1;
        self.failed += i64::from(event.told.failed);
        match event.price.cost {
            None => self.unpriced += 1,
            Some(cost) => self.cost.add(cost),
        }
        self.reported.add(event.told.reported_cost.unwrap_or_default());
    }

    /// Adds what changes when one event that was counted costs something else.
    fn correct(&mut self, before: Option<Decimal>, after: Option<Decimal>) {
        self.unpriced += i64::from(after.is_none()) - i64::from(before.is_none());
        self.cost.add(after.unwrap_or_default());
        self.cost.add(-before.unwrap_or_default());
    }
}

impl Sum {
    fn add(&mut self, event: &Event) {
        let used = &event.told.used;
        self.calls.add(event);
        self.free += i64::from(is_free(event.price.cost));
        for (kind, quantity) in used.quantities.iter() {
            if kind == UnitKind::Second {
                self.seconds += quantity;
            } else {
                self.units[kind.index()] += quantity.to_i64().unwrap_or_default();
            }
        }
        self.unsplit += i64::try_from(used.unsplit).unwrap_or_default();
        self.latency.extend(event.told.latency_ms.and_then(|latency| i16::try_from(histogram::bucket(latency)).ok()));
    }

    fn row<'a>(&'a self, key: &Key<'a>) -> SumRow<'a> {
        let some = |count: i64| Some(count).filter(|count| *count != 0);
        let units = |kind: UnitKind| some(self.units[kind.index()]);
        SumRow {
            hour: key.hour,
            project_id: key.project,
            team_id: key.team,
            environment: key.environment.map(Environment::name),
            provider: key.provider,
            model: key.model,
            service: key.service,
            events: self.calls.events,
            failed: self.calls.failed,
            unpriced: self.calls.unpriced,
            free: self.free,
            input: units(UnitKind::Input),
            cached_input: units(UnitKind::CachedInput),
            cache_write_5m: units(UnitKind::CacheWrite5m),
            cache_write_1h: units(UnitKind::CacheWrite1h),
            output: units(UnitKind::Output),
            reasoning: units(UnitKind::Reasoning),
            audio_input: units(UnitKind::AudioInput),
            audio_output: units(UnitKind::AudioOutput),
            image: units(UnitKind::Image),
            character: units(UnitKind::Character),
            request: units(UnitKind::Request),
            search: units(UnitKind::Search),
            unsplit: some(self.unsplit),
            second: Some(self.seconds).filter(|seconds| !seconds.is_zero()),
            cost: self.calls.cost,
            reported_cost: self.calls.reported,
            latency: Some(self.latency.as_slice()).filter(|latency| !latency.is_empty()),
        }
    }
}

impl FineSum {
    fn add(&mut self, event: &Event) {
        let used = &event.told.used;
        self.calls.add(event);
        let tokens = used.quantities.iter().filter(|(kind, _)| kind.is_token());
        self.tokens += tokens.map(|(_, count)| count.to_i64().unwrap_or_default()).sum::<i64>();
        self.tokens += i64::try_from(used.unsplit).unwrap_or_default();
    }

    fn row<'a>(&self, key: &FineKey<'a>) -> DimensionRow<'a> {
        DimensionRow {
            hour: key.hour,
            project_id: key.project,
            team_id: key.team,
            provider: key.provider,
            learner_id: key.learner,
            user_id: key.user,
            api_key_id: key.api_key,
            task_type: key.task_type,
            events: self.calls.events,
            failed: self.calls.failed,
            unpriced: self.calls.unpriced,
            tokens: self.tokens,
            cost: self.calls.cost,
            reported_cost: self.calls.reported,
        }
    }
}

/// Where an outcome and a score are counted, and what the outcome is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OutcomeKey<'a> {
    hour: DateTime<Utc>,
    project: Option<Uuid>,
    team: Option<Uuid>,
    task_type: Option<&'a str>,
    provider: Option<&'a str>,
    model: Option<&'a str>,
    outcome: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, Default)]
struct OutcomeSum {
    outcomes: i64,
    scores: i64,
    score: Total,
}

/// What came of something, as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CameOf<'a> {
    pub(super) at: DateTime<Utc>,
    pub(super) project: Option<Uuid>,
    pub(super) team: Option<Uuid>,
    pub(super) task_type: Option<&'a str>,
    /// The call's provider and model, where it came of one.
    pub(super) call: Option<(&'a str, &'a str)>,
    pub(super) outcome: Option<&'a str>,
    pub(super) score: Option<Decimal>,
}

impl<'a> CameOf<'a> {
    fn key(&self) -> OutcomeKey<'a> {
        OutcomeKey {
            hour: hour(self.at),
            project: self.project,
            team: self.team,
            task_type: self.task_type,
            provider: self.call.map(|(provider, _)| provider),
            model: self.call.map(|(_, model)| model),
            outcome: self.outcome,
        }
    }
}

impl OutcomeSum {
    fn row<'a>(&self, key: &OutcomeKey<'a>) -> OutcomeRow<'a> {
        OutcomeRow {
            hour: key.hour,
            project_id: key.project,
            team_id: key.team,
            task_type: key.task_type,
            provider: key.provider,
            model: key.model,
            outcome: key.outcome,
            outcomes: self.outcomes,
            scores: self.scores,
            score: self.score,
        }
    }
}

fn is_free(cost: Option<Decimal>) -> bool {
    cost.is_some_and(|cost| cost.is_zero())
}

/// Where an event is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted<'a> {
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) project: Option<Uuid>,
    pub(super) team: Option<Uuid>,
    pub(super) environment: Option<Environment>,
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
    pub(super) service: Option<&'a str>,
    pub(super) learner: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    pub(super) api_key: Option<Uuid>,
    pub(super) task_type: Option<&'a str>,
}

impl<'a> Counted<'a> {
    fn of(event: &'a Event) -> Self {
        let texts = &event.told.texts;
        Self {
            occurred_at: event.occurred_at,
            project: event.project_id,
            team: event.team_id,
            environment: event.told.environment,
            provider: &event.provider,
            model: &event.model,
            service: event.told.service.as_deref(),
            learner: texts.learner_id.as_deref(),
            user: texts.user_id.as_deref(),
            api_key: event.api_key_id,
            task_type: texts.task_type.as_deref(),
        }
    }

    fn coarse(&self) -> Key<'a> {
        Key {
            hour: hour(self.occurred_at),
            project: self.project,
            team: self.team,
            environment: self.environment,
            provider: self.provider,
            model: self.model,
            service: self.service,
        }
    }

    /// Nothing, if no dimension is known.
    fn fine(&self) -> Option<FineKey<'a>> {
        let known = self.learner.is_some() || self.user.is_some() || self.api_key.is_some() || self.task_type.is_some();
        known.then(|| FineKey {
            hour: hour(self.occurred_at),
            project: self.project,
            team: self.team,
            provider: self.provider,
            learner: self.learner,
            user: self.user,
            api_key: self.api_key,
            task_type: self.task_type,
        })
    }
}

/// What a group of events adds.
#[derive(Debug, Default)]
pub(super) struct Deltas<'a> {
    coarse: HashMap<Key<'a>, Sum>,
    fine: HashMap<FineKey<'a>, FineSum>,
    outcomes: HashMap<OutcomeKey<'a>, OutcomeSum>,
}

impl<'a> Deltas<'a> {
    /// Sums events up.
    pub(super) fn of(events: &[&'a Event]) -> Self {
        let mut deltas = Self::default();
        for event in events {
            let counted = Counted::of(event);
            deltas.coarse.entry(counted.coarse()).or_default().add(event);
            if let Some(fine) = counted.fine() {
                deltas.fine.entry(fine).or_default().add(event);
            }
            let (outcome, score) = (event.told.texts.outcome.as_deref(), event.told.feedback_score);
            if outcome.is_some() || score.is_some() {
                let call = Some((counted.provider, counted.model));
                let Counted { occurred_at: at, project, team, task_type, .. } = counted;
                deltas.count(CameOf { at, project, team, task_type, call, outcome, score }, 1);
            }
        }
        deltas
    }

    /// Counts what came of something, so many times; below zero, takes it away.
    pub(super) fn count(&mut self, of: CameOf<'a>, times: i64) {
        let sum = self.outcomes.entry(of.key()).or_default();
        sum.outcomes += if of.outcome.is_some() { times } else { 0 };
        if let Some(score) = of.score {
            sum.scores += times;
            // At most nine digits of a score with six places, times at most ten of a count: it fits.
            sum.score.add(score * Decimal::from(times));
        }
    }

    /// Adds what changes when an event that was counted costs something else: nothing is unpriced.
    pub(super) fn correct(&mut self, counted: &Counted<'a>, before: Option<Decimal>, after: Option<Decimal>) {
        let sum = self.coarse.entry(counted.coarse()).or_default();
        sum.calls.correct(before, after);
        sum.free += i64::from(is_free(after)) - i64::from(is_free(before));
        if let Some(fine) = counted.fine() {
            self.fine.entry(fine).or_default().calls.correct(before, after);
        }
    }

    /// How much there is to fold.
    pub(super) fn size(&self) -> i32 {
        i32::try_from(self.coarse.len() + self.fine.len() + self.outcomes.len()).unwrap_or(i32::MAX)
    }

    /// Of the coarse grain.
    pub(super) fn sums(&self) -> Vec<SumRow<'_>> {
        self.coarse.iter().map(|(key, sum)| sum.row(key)).collect()
    }

    /// Of the fine grain.
    pub(super) fn dimensions(&self) -> Vec<DimensionRow<'_>> {
        self.fine.iter().map(|(key, sum)| sum.row(key)).collect()
    }

    /// Of outcomes.
    pub(super) fn outcomes(&self) -> Vec<OutcomeRow<'_>> {
        self.outcomes.iter().map(|(key, sum)| sum.row(key)).collect()
    }

    /// Adds them to the sums.
    pub(super) async fn add(&self, conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<()> {
        if self.size() == 0 {
            return Ok(());
        }
        sqlx::query!(
            "INSERT INTO usage_deltas (organization_id, size, sums, dimensions, outcomes) VALUES ($1, $2, $3, $4, $5)",
            organization as OrganizationId,
            self.size(),
            self.sums() as _,
            self.dimensions() as _,
            self.outcomes() as _,
        )
        .execute(conn)
        .await
        .map(drop)
    }
}
