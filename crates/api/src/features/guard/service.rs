//! Checks, from the question to the answer.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::ErrorCode;
use finops_contract::guard::{
    GuardAnswer, GuardBlock, GuardBudget, GuardCheckRequest, GuardRefusal, SettleReservationRequest,
};
use rust_decimal::Decimal;
use tokio::time::Instant;
use uuid::Uuid;

use super::caller::Caller;
use super::domain::{self, Block, Call, Known};
use super::reserve::{Decided, Holder, LIMITS, Wish};
use super::snapshot::Snapshot;
use super::store::{self, Reservation};
use super::watch::Snapshots;
use crate::features::projects::Place;
use crate::features::teams::{self, Visibility};
use crate::platform::auth::api_keys::Quotas;
use crate::platform::config::OnDatabaseLoss;
use crate::platform::db::{Db, Tx};
use crate::platform::exact::Inexact;
use crate::platform::group_commit::{GroupCommit, Refused};
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;
use crate::platform::telemetry::GuardMetrics;

/// How long something is held, unless it is said.
const RESERVED: u8 = 10;

/// Says whether calls may be made. One a process; cheap to clone.
#[derive(Clone, Debug)]
pub struct Guard {
    db: Db,
    snapshots: Arc<Snapshots>,
    holder: GroupCommit<Holder>,
    throttles: Quotas,
    on_loss: OnDatabaseLoss,
    metrics: GuardMetrics,
}

/// What is known for a check: figures, and what is held beside them.
struct Ground {
    snapshot: Arc<Snapshot>,
    held: Vec<Result<Decimal, Inexact>>,
    reservation: Option<Reservation>,
}

/// A call and who asks about it.
struct Question<'a> {
    ctx: &'a Ctx,
    sees: Visibility,
    call: Call,
    now: DateTime<Utc>,
}

impl Guard {
    /// Starts what it needs. Reads nothing yet.
    pub fn new(state: &State) -> Self {
        let (db, metrics) = (state.db.clone(), state.metrics.guard.clone());
        let snapshots = Snapshots::start(db.clone(), state.clock.clone(), metrics.clone());
        Self {
            holder: GroupCommit::start(Holder::new(Arc::clone(&snapshots)), LIMITS),
            throttles: Quotas::of("guard"),
            on_loss: state.config.guard_on_database_loss,
            db,
            snapshots,
            metrics,
        }
    }

    /// Whether the database does not answer.
    pub(super) fn is_away(&self) -> bool {
        self.snapshots.is_away()
    }

    /// Whether a call may be made; counted and timed.
    ///
    /// # Errors
    /// `budget_exceeded`, `blocked`, `throttled`, `guard_unavailable`; `validation_failed`, `project_required`, and
    /// `not_found` for a project that the caller does not see.
    pub(super) async fn check(&self, caller: &Caller, request: &GuardCheckRequest) -> ApiResult<GuardAnswer> {
        let arrived = Instant::now();
        let answer = match caller.is_known {
            true => self.decide(caller, request, arrived).await,
            false => Err(ApiError::new(ErrorCode::GuardUnavailable).with_retry_after(1)),
        };
        let is_lost = answer.as_ref().is_err_and(|error| error.code == ErrorCode::GuardUnavailable);
        let answer = if is_lost && self.on_loss == OnDatabaseLoss::Open { Ok(self.degraded(caller)) } else { answer };
        let outcome = match &answer {
            Ok(answer) if answer.degraded => "degraded",
            Ok(_) => "allowed",
            Err(error) => match error.code {
                ErrorCode::BudgetExceeded | ErrorCode::Blocked | ErrorCode::Throttled => error.code.name(),
                code if code.status() >= 500 => "error",
                // The caller's mistakes are no checks.
                _ => return answer,
            },
        };
        self.metrics.check(outcome, arrived.elapsed());
        answer
    }

    async fn decide(&self, ctx: &Ctx, request: &GuardCheckRequest, arrived: Instant) -> ApiResult<GuardAnswer> {
        let estimate = request.estimated_cost.map(|cost| domain::cost(cost.0, "/estimatedCost")).transpose()?;
        if request.reserve && estimate.is_none() {
            return Err(ApiError::field("/estimatedCost", "required", "say how much is to be held"));
        }
        let service = domain::name(request.service.as_deref(), "/service")?;
        let learner = domain::name(request.learner_id.as_deref(), "/learnerId")?;
        let sees = self.visibility(ctx).await?;
        let snapshot = self.snapshots.get(ctx.organization).await?;
        let (snapshot, place) = self.place(ctx, &sees, request, snapshot, arrived).await?;
        let call = Call { project: place.project, team: place.team, environment: place.environment, service, learner };
        let question = Question { ctx, sees, call, now: ctx.now() };
        let turns = self.pass_blocks(&question, &snapshot).await?;
        let decided = self.decide_on_budgets(&question, snapshot, request, estimate).await;
        if decided.is_err() {
            // A call that is not made was nobody's turn.
            self.give_back(&question, &turns).await;
        }
        question.answer(decided?)
    }

    /// Whether a call fits into its budgets, and holds what it may cost where that is wanted.
    async fn decide_on_budgets(
        &self,
        question: &Question<'_>,
        snapshot: Arc<Snapshot>,
        request: &GuardCheckRequest,
        estimate: Option<Decimal>,
    ) -> ApiResult<Ground> {
        if let Some(estimate) = estimate.filter(|_| request.reserve) {
            let minutes = request.reserve_minutes.unwrap_or(RESERVED);
            return self.hold(question, estimate, TimeDelta::minutes(minutes.into())).await;
        }
        let held = snapshot.held().to_vec();
        let ground = Ground { snapshot, held, reservation: None };
        question.fits(&ground, estimate)?;
        Ok(ground)
    }

    /// What the caller sees. What a key sees is known with it.
    async fn visibility(&self, ctx: &Ctx) -> ApiResult<Visibility> {
        if let Some(key) = &ctx.key {
            return Ok(match key.project {
                Some(project) => Visibility::Only { teams: Vec::new(), projects: vec![project] },
                None => Visibility::Everything,
            });
        }
        let mut tx = self.db.tenant(ctx.organization).await?;
        let sees = teams::visibility(&mut tx, ctx).await?;
        tx.commit().await?;
        Ok(sees)
    }

    /// Where the call belongs. What is not seen does not exist; what is not there yet is looked for once more.
    async fn place(
        &self,
        ctx: &Ctx,
        sees: &Visibility,
        request: &GuardCheckRequest,
        snapshot: Arc<Snapshot>,
        arrived: Instant,
    ) -> ApiResult<(Arc<Snapshot>, Place)> {
        let bound = ctx.key.as_ref().and_then(|key| key.project);
        let find = |snapshot: &Snapshot| match (&request.project_id, bound) {
            (Some(id), _) => snapshot.projects.find(id),
            (None, bound) => bound.and_then(|bound| snapshot.projects.place(bound)),
        };
        if request.project_id.is_none() && bound.is_none() {
            return Err(ApiError::field("/projectId", "required", "say whose call it is"));
        }
        let mut snapshot = snapshot;
        let mut found = find(&snapshot);
        if found.is_none() && snapshot.asked_at < arrived {
            snapshot = self.snapshots.newer(ctx.organization, arrived).await?;
            found = find(&snapshot);
        }
        let seen = found.filter(|place| sees.sees_project(place.project, place.team));
        Ok((snapshot, seen.ok_or(ErrorCode::NotFound)?))
    }

    /// Goes past what stops calls, and takes a turn of each that lets some through; answers whose turns it took.
    async fn pass_blocks(&self, question: &Question<'_>, snapshot: &Snapshot) -> ApiResult<Vec<Uuid>> {
        let key = question.ctx.key.as_ref().map(|key| key.id);
        let refusal = |block: &Block| GuardRefusal {
            block: Some(GuardBlock::from(block)),
            as_of: Some(snapshot.as_of.clock),
            ..GuardRefusal::default()
        };
        let mut limited = Vec::new();
        for block in snapshot.blocks(question.call.project, key) {
            match block.limit {
                Some(limit) => limited.push((block, limit)),
                None => return Err(ApiError::new(ErrorCode::Blocked).with_more(&refusal(block))),
            }
        }
        let mut turns = Vec::new();
        for (block, limit) in limited {
            let refused = match self.throttles.take(&self.db, block.id, limit, question.now).await {
                Ok(taken) if taken.granted => {
                    turns.push(block.id);
                    continue;
                }
                Ok(taken) => {
                    ApiError::new(ErrorCode::Throttled).with_retry_after(taken.resets_in).with_more(&refusal(block))
                }
                Err(error) => away(error),
            };
            self.give_back(question, &turns).await;
            return Err(refused);
        }
        Ok(turns)
    }

    async fn give_back(&self, question: &Question<'_>, turns: &[Uuid]) {
        for id in turns {
            self.throttles.give_back(*id, question.now).await;
        }
    }

    /// Holds what a call may cost.
    async fn hold(&self, question: &Question<'_>, estimate: Decimal, lasting: TimeDelta) -> ApiResult<Ground> {
        let reservation = Reservation {
            id: question.ctx.clock.new_id(),
            call: question.call.clone(),
            estimate,
            expires_at: question.now + lasting,
        };
        let wish = Wish { organization: question.ctx.organization, reservation: reservation.clone() };
        let decided = self.holder.submit(vec![wish]).await.map_err(|refused| match refused {
            Refused::Failed(never) => match never {},
            Refused::Full | Refused::Gone => ApiError::new(ErrorCode::Unavailable).with_retry_after(1),
        })?;
        let Decided { snapshot, held, refused_by } = decided.into_iter().next().ok_or(ErrorCode::Internal)??;
        let ground = Ground { snapshot, held, reservation: Some(reservation) };
        match refused_by {
            Some(place) => Err(question.exceeded(&ground, place)?),
            None => Ok(ground),
        }
    }

    /// What is answered when nothing is known and that is no reason to stop anybody.
    fn degraded(&self, ctx: &Ctx) -> GuardAnswer {
        let last = self.snapshots.last(ctx.organization);
        GuardAnswer {
            budgets: Vec::new(),
            warnings: Vec::new(),
            as_of: last.map_or_else(|| ctx.now(), |last| last.as_of.clock),
            degraded: true,
            reservation_id: None,
            expires_at: None,
        }
    }

    /// Says that a call was made and reported. Said again, it changes nothing.
    ///
    /// # Errors
    /// `not_found` for what is not held (any more); `validation_failed`.
    pub(super) async fn settle(&self, ctx: &Ctx, id: Uuid, request: &SettleReservationRequest) -> ApiResult<()> {
        let cost = request.cost.map(|cost| domain::cost(cost.0, "/cost")).transpose()?;
        let mut tx = self.seen(ctx, id).await?;
        store::settle(&mut tx, ctx.organization, id, cost).await?;
        Ok(tx.commit().await?)
    }

    /// Lets go of what is held: the call was not made.
    ///
    /// # Errors
    /// `not_found` for what is not held (any more).
    pub(super) async fn release(&self, ctx: &Ctx, id: Uuid) -> ApiResult<()> {
        let mut tx = self.seen(ctx, id).await?;
        let released = store::release(&mut tx, ctx.organization, id).await?;
        tx.commit().await?;
        if released { Ok(()) } else { Err(ErrorCode::NotFound.into()) }
    }

    /// A transaction in which something is held that the caller sees.
    async fn seen(&self, ctx: &Ctx, id: Uuid) -> ApiResult<Tx> {
        let sees = self.visibility(ctx).await?;
        let mut tx = self.db.guard(ctx.organization).await?;
        let owner = store::owner(&mut tx, ctx.organization, id, ctx.now()).await?;
        let seen = owner.is_some_and(|(project, team)| sees.sees_project(project, team));
        if seen { Ok(tx) } else { Err(ErrorCode::NotFound.into()) }
    }
}

impl Question<'_> {
    /// Budgets that cover the call, with what is held of them.
    fn covering<'a>(&self, ground: &'a Ground) -> impl Iterator<Item = (usize, &'a Known, Result<Decimal, Inexact>)> {
        let all = ground.snapshot.budgets.iter().zip(&ground.held).enumerate();
        all.filter(|(_, (known, _))| self.call.is_of(&known.spender))
            .map(|(place, (known, held))| (place, known, *held))
    }

    /// Refuses a call that does not fit into a hard budget.
    fn fits(&self, ground: &Ground, estimate: Option<Decimal>) -> ApiResult<()> {
        for (place, known, held) in self.covering(ground) {
            if known.refuses(held?, estimate, self.now)? {
                return Err(self.exceeded(ground, place)?);
            }
        }
        Ok(())
    }

    /// Tells about the budget into which it does not fit.
    fn exceeded(&self, ground: &Ground, place: usize) -> ApiResult<ApiError> {
        let known = &ground.snapshot.budgets[place];
        let standing = known.standing(ground.held[place]?, self.now)?;
        let refusal = GuardRefusal {
            budget: Some(standing).filter(|_| known.is_seen(&self.sees, &self.call)),
            period_ends_at: Some(known.running.ends_at),
            block: None,
            as_of: Some(ground.snapshot.as_of.clock),
        };
        let error = ApiError::new(ErrorCode::BudgetExceeded).with_retry_after(known.retry_after(self.now));
        Ok(error.with_more(&refusal))
    }

    /// What remains.
    fn answer(&self, ground: Ground) -> ApiResult<GuardAnswer> {
        let mut told: Vec<(Decimal, GuardBudget)> = Vec::new();
        let mut warnings = Vec::new();
        for (_, known, held) in self.covering(&ground).filter(|(_, known, _)| known.is_seen(&self.sees, &self.call)) {
            let is_warning =
                known.budget.enforcement == finops_contract::budgets::Enforcement::Soft && known.is_used_up(self.now);
            if !known.is_told() && !is_warning {
                continue;
            }
            let standing = known.standing(held?, self.now)?;
            if is_warning {
                warnings.push(standing.clone());
            }
            if known.is_told() {
                told.push((known.left(&standing), standing));
            }
        }
        told.sort_by_key(|(left, _)| *left);
        Ok(GuardAnswer {
            budgets: told.into_iter().map(|(_, standing)| standing).collect(),
            warnings,
            as_of: ground.snapshot.as_of.clock,
            degraded: false,
            reservation_id: ground.reservation.as_ref().map(|reservation| reservation.id),
            expires_at: ground.reservation.map(|reservation| reservation.expires_at),
        })
    }
}

/// That the database is away is the guard's to say.
fn away(error: ApiError) -> ApiError {
    match error.code {
        ErrorCode::Unavailable => ApiError::new(ErrorCode::GuardUnavailable).with_retry_after(1).with_source(error),
        _ => error,
    }
}
