//! How a budget stands in a period: what was spent by the costs' word, in its own currency, and which thresholds that
//! reaches. Pure, but for [`Facts::read`].

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::budgets::{AlertBasis, Budget, BudgetAlert, ScopeType};
use finops_contract::projects::Environment;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::calendar::{Calendar, Span};
use super::domain;
use super::forecast::{Course, Forecast, LOOKS_BACK};
use super::fx::{DailyRates, Exchange};
use super::store::{self, Revision};
use crate::features::costs::{self, Parts, Spender, Spenders, Spending};
use crate::platform::db::OrganizationId;
use crate::platform::exact::{self, Inexact};
use crate::platform::http::ApiResult;

/// How a budget stands in a period that runs, or is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The budget.
    pub budget_id: Uuid,
    /// Which of its amounts holds: the one at the period's end, or now.
    pub revision: i32,
    /// The period.
    pub period: Span,
    /// Whether it is over.
    pub is_over: bool,
    /// How much may be spent.
    pub amount: Decimal,
    /// What was spent: at least this, where something is unknown. Nothing where nothing is known.
    pub spent: Option<Decimal>,
    /// What will have been spent at its end, while it runs.
    pub forecast: Option<Decimal>,
    /// Of all of these.
    pub currency: String,
    /// What was spent on each day of which anything is known, from a week ago or the period's first day on, up to today;
    /// empty for a period that is over.
    pub days: BTreeMap<NaiveDate, Decimal>,
    /// The thresholds that are reached.
    pub reached: Vec<BudgetAlert>,
}

impl Standing {
    /// With the budget's thresholds that are reached.
    pub(super) fn of(mut self, budget: &Budget) -> Self {
        self.reached = reached(&self, &domain::told(budget));
        self
    }

    /// What a threshold is compared with.
    pub const fn figure(&self, basis: AlertBasis) -> Option<Decimal> {
        match basis {
            AlertBasis::Actual => self.spent,
            AlertBasis::Forecast => self.forecast,
        }
    }
}

/// Whose spending a budget is about. Nothing for a name that there is no such thing of, which the tables do not allow.
pub fn spender(budget: &Budget) -> Option<Spender> {
    let id = budget.scope.id.as_deref();
    match budget.scope.kind {
        ScopeType::Organization => Some(Spender::Organization),
        ScopeType::Team => id?.parse().ok().map(Spender::Team),
        ScopeType::Project => id?.parse().ok().map(Spender::Project),
        ScopeType::Environment => Environment::from_name(id?).map(Spender::Environment),
        ScopeType::Service => id.map(|name| Spender::Service(name.to_owned())),
        ScopeType::Learner => id.map(|name| Spender::Learner(name.to_owned())),
    }
}

/// What is known of a budget: its amounts, and what was spent.
pub(super) struct Facts<'a> {
    pub(super) budget: &'a Budget,
    pub(super) calendar: Calendar,
    pub(super) now: DateTime<Utc>,
    revisions: Vec<Revision>,
    rates: Arc<DailyRates>,
    spending: Spending,
}

/// What was spent in a period, and what is not known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// In the budget's currency.
    pub(super) parts: Parts,
    /// Whether anything is known.
    pub(super) known: bool,
    /// Days before today of which nothing is.
    pub(super) unknown_days: i64,
    /// What could not be converted, by currency.
    pub(super) unconverted: BTreeMap<String, Decimal>,
}

impl Tally {
    /// Of several, which are about other days.
    ///
    /// # Errors
    /// [`Inexact`] for what does not add up exactly.
    pub(super) fn sum(all: &[Self]) -> Result<Self, Inexact> {
        exact::hold_sums(all.iter().flat_map(|tally| tally.parts.costs()))?;
        let mut sum = Self::default();
        for tally in all {
            sum.parts.add(&tally.parts);
            sum.known |= tally.known;
            sum.unknown_days += tally.unknown_days;
            for (currency, cost) in &tally.unconverted {
                *sum.unconverted.entry(currency.clone()).or_default() += *cost;
            }
        }
        Ok(sum)
    }

    pub(super) fn spent(&self) -> Option<Decimal> {
        self.known.then(|| self.parts.cost())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.known && self.unknown_days == 0 && self.unconverted.is_empty() && self.parts.unpriced() == 0
    }
}

impl<'a> Facts<'a> {
    /// Reads what is needed for the period that runs and some before it.
    ///
    /// # Errors
    /// `sum_too_large`.
    pub(super) async fn read(
        conn: &mut PgConnection,
        organization: OrganizationId,
        calendar: Calendar,
        budget: &'a Budget,
        now: DateTime<Utc>,
        before: usize,
    ) -> ApiResult<Self> {
        let today = calendar.today(now);
        let revisions = store::revisions(conn, organization, budget.id).await?;
        let days = looked_at(calendar, std::slice::from_ref(budget), today, &|_| before);
        let rates = Arc::new(DailyRates::over(conn, organization, days).await?);
        let spending = match spender(budget) {
            Some(spender) => costs::spending(conn, organization, &spender, calendar.days(), days).await?,
            None => Spending::default(),
        };
        Ok(Self { budget, calendar, now, revisions, rates, spending })
    }

    /// Reads the same for many budgets at once. What somebody spent that does not add up exactly fails their budgets alone.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn read_all(
        conn: &mut PgConnection,
        organization: OrganizationId,
        calendar: Calendar,
        budgets: &'a [Budget],
        now: DateTime<Utc>,
        before: &impl Fn(&Budget) -> usize,
    ) -> ApiResult<Vec<Result<Self, Inexact>>> {
        let today = calendar.today(now);
        let ids: Vec<Uuid> = budgets.iter().map(|budget| budget.id).collect();
        let mut revisions = store::revisions_of(conn, organization, &ids).await?;
        let days = looked_at(calendar, budgets, today, before);
        let rates = Arc::new(DailyRates::over(conn, organization, days).await?);
        let spenders = Spenders::read(conn, organization, budgets.iter().filter_map(spender), days).await?;
        let spending = spenders.spending(conn, calendar.days(), days).await?;
        let facts = |budget: &'a Budget| {
            let spending = spender(budget).and_then(|spender| spending.get(&spender).cloned()).transpose()?;
            let (revisions, rates) = (revisions.remove(&budget.id).unwrap_or_default(), Arc::clone(&rates));
            Ok(Self { budget, calendar, now, revisions, rates, spending: spending.unwrap_or_default() })
        };
        Ok(budgets.iter().map(facts).collect())
    }

    /// The period that runs.
    pub(super) fn current(&self) -> Span {
        self.calendar.period(self.budget.period, self.calendar.today(self.now))
    }

    /// The amount that held at a period's end, or holds now. Nothing where the budget had none for such a period.
    pub(super) fn revision(&self, span: Span) -> Option<&Revision> {
        let (_, end) = self.calendar.bounds(span);
        let held = self.revisions.iter().rev().find(|revision| revision.since < end);
        held.filter(|revision| revision.period == self.budget.period && revision.currency == self.budget.currency)
    }

    fn exchange(&self, span: Span) -> Exchange<'_> {
        Exchange { to: &self.budget.currency, pinned: self.pinned(span), rates: &self.rates }
    }

    /// The rate of the amount that held at a period's end, or holds now; where there was none in its currency, of the first
    /// that there was since. So what is over does not change when the budget is set anew.
    fn pinned(&self, span: Span) -> Option<Decimal> {
        let (_, end) = self.calendar.bounds(span);
        let mut alike = self.revisions.iter().filter(|revision| revision.currency == self.budget.currency);
        let held = alike.clone().rev().find(|revision| revision.since < end);
        held.or_else(|| alike.next()).and_then(|revision| revision.rate)
    }

    /// What was spent in a period, up to now.
    ///
    /// # Errors
    /// [`Inexact`] for what does not add up exactly.
    pub(super) fn tally(&self, span: Span) -> Result<Tally, Inexact> {
        let exchange = self.exchange(span);
        tally(&self.spending, &exchange, span.each(), self.calendar.today(self.now))
    }

    /// What was spent on each day up to today that anything is known of, from a week ago or the period's beginning on.
    pub(super) fn known_days(&self) -> Result<BTreeMap<NaiveDate, Decimal>, Inexact> {
        let (span, today) = (self.current(), self.calendar.today(self.now));
        let exchange = self.exchange(span);
        known(&self.spending, &exchange, span.from.min(week_before(today)).iter_days().take_while(|day| *day <= today))
    }

    /// What is expected of the period that runs.
    ///
    /// # Errors
    /// [`Inexact`].
    pub(super) fn forecast(&self) -> Result<Forecast, Inexact> {
        let (calendar, span, now) = (self.calendar, self.current(), self.now);
        let spent = self.known_days()?;
        Course { calendar, span, now, amount: self.budget.amount.0, spent: &spent }.forecast()
    }

    /// How it stands in a period. Nothing where the budget had no amount for it.
    ///
    /// # Errors
    /// [`Inexact`].
    pub(super) fn standing(&self, span: Span) -> Result<Option<Standing>, Inexact> {
        let Some(revision) = self.revision(span) else { return Ok(None) };
        let is_over = span != self.current();
        let (forecast, days) = match is_over {
            true => (None, BTreeMap::new()),
            false => (self.forecast()?.total, self.known_days()?),
        };
        let standing = Standing {
            budget_id: self.budget.id,
            revision: revision.number,
            period: span,
            is_over,
            amount: revision.amount,
            spent: self.tally(span)?.spent(),
            forecast,
            currency: revision.currency.clone(),
            days,
            reached: Vec::new(),
        };
        Ok(Some(standing.of(self.budget)))
    }
}

/// The days that have to be looked at for the periods that run and so many before them: a week, for what is forecast.
pub(super) fn looked_at(
    calendar: Calendar,
    budgets: &[Budget],
    today: NaiveDate,
    before: &impl Fn(&Budget) -> usize,
) -> (NaiveDate, NaiveDate) {
    let oldest = budgets.iter().filter_map(|one| calendar.back(one.period, today).take(before(one) + 1).last());
    (oldest.map(|span| span.from).fold(week_before(today), NaiveDate::min), today.succ_opt().unwrap_or(today))
}

/// The first of the days that say how fast money is spent.
pub(super) fn week_before(today: NaiveDate) -> NaiveDate {
    today.checked_sub_days(chrono::Days::new(LOOKS_BACK)).unwrap_or(today)
}

/// What was spent on each of some days of which anything is known, in a budget's currency.
///
/// # Errors
/// [`Inexact`].
pub(super) fn known(
    spending: &Spending,
    exchange: &Exchange<'_>,
    days: impl Iterator<Item = NaiveDate>,
) -> Result<BTreeMap<NaiveDate, Decimal>, Inexact> {
    let mut known = BTreeMap::new();
    for day in days {
        if let Some(spent) = of_day(spending, day, exchange)?.and_then(|tally| tally.spent()) {
            known.insert(day, spent);
        }
    }
    Ok(known)
}

/// What was spent on some days up to today, in a budget's currency.
///
/// # Errors
/// [`Inexact`] for what does not add up exactly.
pub(super) fn tally(
    spending: &Spending,
    exchange: &Exchange<'_>,
    days: impl Iterator<Item = NaiveDate>,
    today: NaiveDate,
) -> Result<Tally, Inexact> {
    let mut tallies = Vec::new();
    for day in days.take_while(|day| *day <= today) {
        let unknown = Tally { unknown_days: i64::from(day < today), ..Tally::default() };
        tallies.push(of_day(spending, day, exchange)?.unwrap_or(unknown));
    }
    Tally::sum(&tallies)
}

/// What was spent on a day, in a budget's currency, and what of it could not be converted. Nothing where nothing is known.
fn of_day(spending: &Spending, day: NaiveDate, exchange: &Exchange<'_>) -> Result<Option<Tally>, Inexact> {
    let Some(spent) = spending.on(day) else { return Ok(None) };
    let mut tally = Tally::default();
    for (currency, parts) in spent.by_currency() {
        if exchange.knows(currency, day) {
            let convert = |amount| exchange.convert(amount, currency, day).and_then(|amount| amount.ok_or(Inexact));
            tally.parts.add(&parts.try_map(convert)?);
            tally.known = true;
        } else {
            *tally.unconverted.entry(currency.to_owned()).or_default() += parts.cost();
        }
    }
    Ok(Some(tally))
}

/// The thresholds that are reached.
fn reached(standing: &Standing, alerts: &[BudgetAlert]) -> Vec<BudgetAlert> {
    let is_reached = |alert: &&BudgetAlert| {
        let figure = standing.figure(alert.basis);
        figure.is_some_and(|figure| figure >= domain::share_of(standing.amount, alert.threshold))
    };
    alerts.iter().filter(is_reached).copied().collect()
}
