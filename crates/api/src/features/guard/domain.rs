//! Which budgets cover a call, and whether it fits into them. Pure.

use chrono::{DateTime, Utc};
use finops_contract::budgets::{Budget, BudgetKind, Enforcement};
use finops_contract::guard::{GuardBlock, GuardBlockCause, GuardBlockTarget, GuardBudget};
use finops_contract::projects::Environment;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::features::budgets::{self, Running};
use crate::features::costs::Spender;
use crate::features::teams::Visibility;
use crate::platform::exact::{self, Inexact};
use crate::platform::http::ApiError;

/// A cost that a caller tells is below this, …
const MAX_COST: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);
/// … and has no more decimal places.
const COST_SCALE: u32 = 12;
/// A caller who is refused looks again after so many seconds at the latest: an amount may be raised at any time.
const LOOKS_AGAIN: i64 = 3_600;

/// A cost as a caller tells it.
///
/// # Errors
/// `validation_failed`.
pub(super) fn cost(told: Decimal, pointer: &str) -> Result<Decimal, ApiError> {
    let cost = told.normalize();
    if cost < Decimal::ZERO || cost >= MAX_COST || cost.scale() > COST_SCALE {
        let message = "must be from 0, below 10^12, with at most twelve decimal places";
        return Err(ApiError::field(pointer, "range", message));
    }
    Ok(cost)
}

/// A name as events have it: what is around it does not belong to it.
///
/// # Errors
/// `validation_failed` for one that no event could have.
pub(super) fn name(told: Option<&str>, pointer: &str) -> Result<Option<String>, ApiError> {
    let name = told.map(str::trim);
    match name {
        Some(name) if name.is_empty() || name.chars().any(char::is_control) => {
            Err(ApiError::field(pointer, "length", "must be 1 to 256 visible characters"))
        }
        name => Ok(name.map(str::to_owned)),
    }
}

/// A call, by what budgets are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) project: Uuid,
    pub(super) team: Uuid,
    /// The project's: what its calls cost counts for that, whatever they name.
    pub(super) environment: Environment,
    pub(super) service: Option<String>,
    pub(super) learner: Option<String>,
}

impl Call {
    /// Whether what this call costs counts for somebody.
    pub(super) fn is_of(&self, spender: &Spender) -> bool {
        match spender {
            Spender::Organization => true,
            Spender::Team(team) => self.team == *team,
            Spender::Project(project) => self.project == *project,
            Spender::Environment(environment) => self.environment == *environment,
            Spender::Service(name) => self.service.as_deref() == Some(name),
            Spender::Learner(name) => self.learner.as_deref() == Some(name),
        }
    }
}

/// What is held for calls alike, in US dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) call: Call,
    pub(super) dollars: Decimal,
}

/// A budget, and how it stands.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) budget: Budget,
    pub(super) spender: Spender,
    pub(super) running: Running,
}

impl Known {
    /// What is held of it, of all that is held.
    ///
    /// # Errors
    /// [`Inexact`].
    pub(super) fn held(&self, all: &[Held]) -> Result<Decimal, Inexact> {
        let of_this = all.iter().filter(|held| held.call.is_of(&self.spender));
        of_this.map(|held| held.dollars).try_fold(Decimal::ZERO, exact::add)
    }

    /// What is spent. Of a period that is over, nobody knows what is spent in the next.
    fn spent(&self, now: DateTime<Utc>) -> Option<Decimal> {
        self.running.spent.filter(|_| now < self.running.ends_at)
    }

    /// Whether a call does not fit into it, with so many dollars held for others.
    ///
    /// # Errors
    /// [`Inexact`] for what cannot be compared exactly.
    pub(super) fn refuses(
        &self,
        held: Decimal,
        estimate: Option<Decimal>,
        now: DateTime<Utc>,
    ) -> Result<bool, Inexact> {
        if self.budget.enforcement != Enforcement::Hard {
            return Ok(false);
        }
        // What is known is the least that was spent.
        let spent = self.spent(now).unwrap_or(Decimal::ZERO);
        let more = budgets::of_dollars(&self.budget, exact::add(held, estimate.unwrap_or(Decimal::ZERO))?)?;
        let total = exact::add(spent, more)?;
        let amount = self.budget.amount.0;
        Ok(if estimate.is_some() { total > amount } else { total >= amount })
    }

    /// Whether nothing of it is left, by what is spent alone.
    pub(super) fn is_used_up(&self, now: DateTime<Utc>) -> bool {
        self.spent(now).is_some_and(|spent| spent >= self.budget.amount.0)
    }

    /// Whether a check tells of it: what may refuse, and projects' cost thresholds.
    pub(super) fn is_told(&self) -> bool {
        self.budget.enforcement == Enforcement::Hard || self.budget.kind == BudgetKind::Limit
    }

    /// Whether somebody may know how it stands: a team's and a project's who sees the team or the project, all others who
    /// sees everything.
    pub(super) fn is_seen(&self, sees: &Visibility, call: &Call) -> bool {
        match self.spender {
            Spender::Team(team) => sees.sees_team(team),
            Spender::Project(project) => sees.sees_project(project, call.team),
            _ => *sees == Visibility::Everything,
        }
    }

    /// How it stands, with so many dollars held.
    ///
    /// # Errors
    /// [`Inexact`].
    pub(super) fn standing(&self, held: Decimal, now: DateTime<Utc>) -> Result<GuardBudget, Inexact> {
        let (budget, amount, spent) = (&self.budget, self.budget.amount.0, self.spent(now));
        let reserved = budgets::of_dollars(budget, held)?;
        let remaining = spent.map(|spent| exact::add(amount, -exact::add(spent, reserved)?)).transpose()?;
        Ok(GuardBudget {
            id: budget.id,
            kind: budget.kind,
            name: budget.name.clone(),
            scope_type: budget.scope.kind,
            enforcement: budget.enforcement,
            period: budget.period,
            period_ends_at: self.running.ends_at,
            amount: amount.into(),
            spent: spent.map(Into::into),
            reserved: reserved.into(),
            remaining: remaining.map(Into::into),
            percent: spent.map(|spent| budgets::percent_of(spent, amount)).transpose()?,
            currency: budget.currency.clone(),
        })
    }

    /// What is left in dollars, to compare budgets of several currencies by; what is unknown comes last.
    pub(super) fn left(&self, standing: &GuardBudget) -> Decimal {
        let rate = self.budget.fx.as_ref().map_or(Decimal::ONE, |fx| fx.rate.0);
        standing.remaining.and_then(|left| left.0.checked_div(rate)).unwrap_or(Decimal::MAX)
    }

    /// Seconds after which somebody who was refused may look again.
    pub(super) fn retry_after(&self, now: DateTime<Utc>) -> u64 {
        let seconds = (self.running.ends_at - now).num_seconds().clamp(1, LOOKS_AGAIN);
        u64::try_from(seconds).unwrap_or(1)
    }
}

/// What stops calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) id: Uuid,
    pub(super) project: Option<Uuid>,
    pub(super) api_key: Option<Uuid>,
    pub(super) target: GuardBlockTarget,
    pub(super) cause: GuardBlockCause,
    pub(super) since: DateTime<Utc>,
    /// How many calls a minute it lets through; none where there is none.
    pub(super) limit: Option<u32>,
}

impl Block {
    /// Whether it stops calls of a project, asked for with a key.
    pub(super) fn is_about(&self, project: Uuid, api_key: Option<Uuid>) -> bool {
        self.project == Some(project) || (self.api_key.is_some() && self.api_key == api_key)
    }
}

impl From<&Block> for GuardBlock {
    fn from(block: &Block) -> Self {
        Self {
            id: block.id,
            target_type: block.target,
            cause: block.cause,
            since: block.since,
            limit_per_minute: block.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::budgets::{BudgetPeriod, NamedScope, ScopeType};
    use finops_contract::fx_rates::FxRate;
    use proptest::prelude::*;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn known(amount: Decimal, spent: Option<Decimal>, rate: Option<Decimal>, spender: Spender) -> Known {
        let day = NOW.date_naive();
        let currency = if rate.is_some() { "KRW" } else { "USD" }.to_owned();
        let fx = rate.map(|rate| FxRate { currency: "KRW".into(), date: day, rate: rate.into(), source: "x".into() });
        let budget = Budget {
            id: Uuid::nil(),
            kind: BudgetKind::Budget,
            name: "Budget".into(),
            scope: NamedScope { kind: ScopeType::Organization, id: None, name: None, deleted: false },
            amount: amount.into(),
            currency,
            fx,
            period: BudgetPeriod::Daily,
            enforcement: Enforcement::Hard,
            alerts: Vec::new(),
            revision: 1,
            revised_at: NOW,
            created_at: NOW,
            updated_at: NOW,
            standing: None,
        };
        let ends_at = NOW + chrono::TimeDelta::hours(2);
        let period = budgets::Span { from: day, to: day.succ_opt().unwrap() };
        Known { budget, spender, running: Running { period, ends_at, spent } }
    }

    fn call() -> Call {
        Call {
            project: Uuid::from_u128(1),
            team: Uuid::from_u128(2),
            environment: Environment::Ci,
            service: Some("chatbot".into()),
            learner: None,
        }
    }

    #[test]
    fn a_budget_covers_what_counts_for_it() {
        for (spender, covers) in [
            (Spender::Organization, true),
            (Spender::Project(Uuid::from_u128(1)), true),
            (Spender::Project(Uuid::from_u128(2)), false),
            (Spender::Team(Uuid::from_u128(2)), true),
            (Spender::Team(Uuid::from_u128(1)), false),
            (Spender::Environment(Environment::Ci), true),
            (Spender::Environment(Environment::Production), false),
            (Spender::Service("chatbot".into()), true),
            (Spender::Service("Chatbot".into()), false),
            (Spender::Learner("chatbot".into()), false),
        ] {
            assert_eq!(call().is_of(&spender), covers, "{spender:?}");
        }
        let held = |dollars| Held { call: call(), dollars: decimal(dollars) };
        let of = |spender| known(Decimal::ONE, None, None, spender).held(&[held("0.1"), held("0.25")]).unwrap();
        assert_eq!(of(Spender::Service("chatbot".into())), decimal("0.35"));
        assert_eq!(of(Spender::Learner("ann".into())), Decimal::ZERO);
    }

    #[test]
    fn a_call_fits_or_it_does_not() {
        for (spent, held, estimate, refused) in [
            (Some("99.99"), "0", None, false),
            (Some("100"), "0", None, true),
            (Some("99.99"), "0.01", None, true),
            (Some("99.99"), "0", Some("0.01"), false),
            (Some("99.99"), "0", Some("0.010000000001"), true),
            (Some("99.98"), "0.01", Some("0.01"), false),
            (Some("99.98"), "0.010000000001", Some("0.01"), true),
            (Some("100"), "0", Some("0"), false),
            (Some("100.000001"), "0", Some("0"), true),
            // What is not known is no reason, what is held is.
            (None, "99", Some("1"), false),
            (None, "99", Some("1.01"), true),
            (None, "0", None, false),
        ] {
            let budget = known(decimal("100"), spent.map(decimal), None, Spender::Organization);
            let found = budget.refuses(decimal(held), estimate.map(decimal), NOW).unwrap();
            assert_eq!(found, refused, "{spent:?} {held} {estimate:?}");
        }
        let mut soft = known(decimal("100"), Some(decimal("200")), None, Spender::Organization);
        soft.budget.enforcement = Enforcement::Soft;
        assert_eq!((soft.refuses(Decimal::ONE, None, NOW), soft.is_used_up(NOW)), (Ok(false), true));
    }

    #[test]
    fn another_currency_is_by_the_budgets_own_rate() {
        let won = known(decimal("13855"), Some(decimal("12469.5")), Some(decimal("1385.5")), Spender::Organization);
        assert_eq!(won.refuses(Decimal::ZERO, Some(Decimal::ONE), NOW), Ok(false));
        assert_eq!(won.refuses(Decimal::ZERO, Some(decimal("1.000001")), NOW), Ok(true));
        let standing = won.standing(decimal("0.5"), NOW).unwrap();
        let told = [standing.reserved, standing.remaining.unwrap()].map(|amount| amount.0.normalize());
        assert_eq!(told, [decimal("692.75"), decimal("692.75")]);
        assert_eq!((won.left(&standing), standing.percent.unwrap().to_string().as_str()), (decimal("0.5"), "90"));
        assert_eq!(won.refuses(Decimal::MAX, Some(Decimal::ONE), NOW), Err(Inexact));
    }

    #[test]
    fn nobody_knows_what_is_spent_after_the_period() {
        let budget = known(decimal("100"), Some(decimal("100")), None, Spender::Organization);
        let later = budget.running.ends_at;
        assert_eq!(budget.refuses(Decimal::ZERO, None, later - chrono::TimeDelta::seconds(1)), Ok(true));
        assert_eq!(budget.refuses(Decimal::ZERO, None, later), Ok(false));
        let standing = budget.standing(Decimal::ZERO, later).unwrap();
        assert_eq!((standing.spent, standing.remaining, standing.percent), (None, None, None));
        assert_eq!(budget.retry_after(NOW), 3_600, "an hour of two");
        assert_eq!(budget.retry_after(later), 1);
    }

    #[test]
    fn costs_are_money_that_can_be_told() {
        for good in ["0", "0.000000000001", "999999999999.99", "1.0000000000000000"] {
            assert!(cost(decimal(good), "/estimatedCost").is_ok(), "{good}");
        }
        for bad in ["-0.01", "1000000000000", "0.0000000000001"] {
            assert_eq!(cost(decimal(bad), "/estimatedCost").unwrap_err().fields[0].code, "range", "{bad}");
        }
    }

    proptest! {
        /// However calls come, as long as each is held before the next is decided, they never add up to more.
        #[test]
        fn what_is_let_through_one_by_one_never_adds_up_to_more(
            spent in 0_i64..12_000,
            costs in proptest::collection::vec(0_i64..3_000, 0..40),
            rate in proptest::option::of(1_i64..200_000),
        ) {
            let rate = rate.map(|rate| Decimal::new(rate, 2));
            let amount = Decimal::new(10_000, 2) * rate.unwrap_or(Decimal::ONE);
            let already = Decimal::new(spent, 2) * rate.unwrap_or(Decimal::ONE);
            let budget = known(amount, Some(already), rate, Spender::Organization);
            let mut held = Decimal::ZERO;
            for cost in costs.into_iter().map(|cost| Decimal::new(cost, 2)) {
                if !budget.refuses(held, Some(cost), NOW).unwrap() {
                    held += cost;
                    prop_assert!(already + budgets::of_dollars(&budget.budget, held).unwrap() <= amount);
                }
            }
        }
    }
}
