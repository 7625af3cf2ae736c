//! How every budget stands in the period that runs, asked again and again.
//!
//! What was spent yesterday and today is asked anew each time. What the days before say is remembered for as long as
//! [`costs::mark`] is the same; every [`BELIEVED`] they are proved to be what they were by [`costs::fingerprint`]. So bills
//! and providers' usage of earlier days, and imports of events older than a month, are seen by then, everything else at once.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::budgets::Budget;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::calendar::{Calendar, Span};
use super::forecast::Course;
use super::fx::{DailyRates, Exchange};
use super::standing::{self, Standing, Tally, tally, week_before};
use crate::features::costs::{self, Spenders, SpentByAll};
use crate::platform::db::OrganizationId;
use crate::platform::exact::Inexact;
use crate::platform::http::ApiResult;

/// How long days that are over are believed to be what they were, unless their mark says otherwise.
const BELIEVED: Duration = Duration::from_secs(30);

/// How a budget stands in the period that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// The period.
    pub period: Span,
    /// When it is over.
    pub ends_at: DateTime<Utc>,
    /// What was spent, in the budget's currency: at least this, where something is unknown. Nothing where nothing is known,
    /// or where it does not add up exactly.
    pub spent: Option<Decimal>,
}

/// Says how an organization's budgets stand. Whoever keeps it asks again at little cost.
#[derive(Debug, Default)]
pub struct Watch {
    past: Option<Past>,
}

/// What is remembered, and of what.
#[derive(Debug)]
struct Past {
    about: About,
    mark: String,
    fingerprint: String,
    proved_at: Instant,
    spenders: Spenders,
    rates: DailyRates,
    /// What the days before yesterday say of each budget.
    budgets: HashMap<Uuid, Result<Before, Inexact>>,
}

/// What the days before yesterday say of a budget.
#[derive(Clone, Debug)]
struct Before {
    /// Of those in the period that runs.
    tally: Tally,
    /// Of those and of the last week's, where something is known.
    days: BTreeMap<NaiveDate, Decimal>,
}

/// What it is about.
#[derive(Debug, PartialEq, Eq)]
struct About {
    calendar: Calendar,
    today: NaiveDate,
    budgets: Vec<(Uuid, i32)>,
}

impl About {
    fn yesterday(&self) -> NaiveDate {
        self.today.pred_opt().unwrap_or(self.today)
    }

    fn tomorrow(&self) -> NaiveDate {
        self.today.succ_opt().unwrap_or(self.today)
    }

    fn period(&self, budget: &Budget) -> Span {
        self.calendar.period(budget.period, self.today)
    }

    /// The first day that is asked of: of a period that runs, or of the last week.
    fn first(&self, budgets: &[Budget]) -> NaiveDate {
        let week_ago = week_before(self.today).min(self.yesterday());
        budgets.iter().map(|budget| self.period(budget).from).fold(week_ago, NaiveDate::min)
    }
}

impl Watch {
    /// How much of budgets is spent in the period that runs, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(
        &mut self,
        conn: &mut PgConnection,
        organization: OrganizationId,
        calendar: Calendar,
        budgets: &[Budget],
        now: DateTime<Utc>,
    ) -> ApiResult<Vec<Running>> {
        let (past, lately) = self.look(conn, organization, calendar, budgets, now).await?;
        let running = budgets.iter().map(|budget| {
            let period = past.about.period(budget);
            let spent = past.spent(budget, &lately).ok().and_then(|tally| tally.spent());
            Running { period, ends_at: calendar.bounds(period).1, spent }
        });
        Ok(running.collect())
    }

    /// How budgets stand in the period that runs, in their order, with what is forecast. Whose spending does not add up
    /// exactly has no standing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standings(
        &mut self,
        conn: &mut PgConnection,
        organization: OrganizationId,
        calendar: Calendar,
        budgets: &[Budget],
        now: DateTime<Utc>,
    ) -> ApiResult<Vec<Result<Standing, Inexact>>> {
        let (past, lately) = self.look(conn, organization, calendar, budgets, now).await?;
        Ok(budgets.iter().map(|budget| past.standing(budget, &lately, now)).collect())
    }

    /// What is remembered, read anew where it is another, and what was spent yesterday and today.
    async fn look(
        &mut self,
        conn: &mut PgConnection,
        organization: OrganizationId,
        calendar: Calendar,
        budgets: &[Budget],
        now: DateTime<Utc>,
    ) -> ApiResult<(&Past, SpentByAll)> {
        let today = calendar.today(now);
        let about =
            About { calendar, today, budgets: budgets.iter().map(|budget| (budget.id, budget.revision)).collect() };
        // Yesterday may begin within a day of UTC: what is said of that day may be of the days before.
        let yesterday = calendar.days().start(about.yesterday());
        let mark = costs::mark(conn, organization, yesterday.date_naive()).await?;
        let mut known = self.past.take().filter(|past| past.about == about && past.mark == mark);
        let time = (about.first(budgets).pred_opt().unwrap_or(today), yesterday);
        if let Some(past) = known.take_if(|past| past.proved_at.elapsed() >= BELIEVED) {
            // Before it is asked: what changes meanwhile may not be in it.
            let proved_at = Instant::now();
            let fingerprint = costs::fingerprint(conn, organization, time).await?;
            known = (fingerprint == past.fingerprint).then_some(Past { proved_at, ..past });
        }
        let past = match known {
            Some(past) => past,
            None => {
                let proved_at = Instant::now();
                let fingerprint = costs::fingerprint(conn, organization, time).await?;
                Past::read(conn, organization, budgets, (about, mark, fingerprint, proved_at)).await?
            }
        };
        let days = (past.about.yesterday(), past.about.tomorrow());
        let lately = past.spenders.spending(conn, calendar.days(), days).await?;
        Ok((self.past.insert(past), lately))
    }
}

impl Past {
    async fn read(
        conn: &mut PgConnection,
        organization: OrganizationId,
        budgets: &[Budget],
        (about, mark, fingerprint, proved_at): (About, String, String, Instant),
    ) -> ApiResult<Self> {
        let first = about.first(budgets);
        let all = budgets.iter().filter_map(standing::spender);
        let spenders = Spenders::read(conn, organization, all, (first, about.tomorrow())).await?;
        let rates = DailyRates::over(conn, organization, (first, about.tomorrow())).await?;
        let spent = spenders.spending(conn, about.calendar.days(), (first, about.yesterday())).await?;
        let mut past = Self { about, mark, fingerprint, proved_at, spenders, rates, budgets: HashMap::new() };
        past.budgets = budgets.iter().map(|budget| (budget.id, past.before(budget, &spent))).collect();
        Ok(past)
    }

    fn before(&self, budget: &Budget, spent: &SpentByAll) -> Result<Before, Inexact> {
        let (period, yesterday) = (self.about.period(budget), self.about.yesterday());
        let in_period = Span { from: period.from, to: yesterday };
        let all = Span { from: period.from.min(week_before(self.about.today)), to: yesterday };
        Ok(Before { tally: self.tally(budget, spent, in_period)?, days: self.days(budget, spent, all)? })
    }

    /// Yesterday and today, as far as they are in a budget's period.
    fn since(&self, budget: &Budget) -> Span {
        Span { from: self.about.period(budget).from.max(self.about.yesterday()), to: self.about.tomorrow() }
    }

    fn exchange<'a>(&'a self, budget: &'a Budget) -> Exchange<'a> {
        Exchange { to: &budget.currency, pinned: budget.fx.as_ref().map(|fx| fx.rate.0), rates: &self.rates }
    }

    fn tally(&self, budget: &Budget, spent: &SpentByAll, span: Span) -> Result<Tally, Inexact> {
        let Some(spending) = spending_of(budget, spent)? else { return Ok(Tally::default()) };
        tally(spending, &self.exchange(budget), span.each(), self.about.today)
    }

    fn days(&self, budget: &Budget, spent: &SpentByAll, span: Span) -> Result<BTreeMap<NaiveDate, Decimal>, Inexact> {
        let Some(spending) = spending_of(budget, spent)? else { return Ok(BTreeMap::new()) };
        standing::known(spending, &self.exchange(budget), span.each())
    }

    fn spent(&self, budget: &Budget, lately: &SpentByAll) -> Result<Tally, Inexact> {
        let before = match self.budgets.get(&budget.id) {
            Some(before) => before.as_ref().map_err(|error| *error)?.tally.clone(),
            None => Tally::default(),
        };
        Tally::sum(&[before, self.tally(budget, lately, self.since(budget))?])
    }

    fn standing(&self, budget: &Budget, lately: &SpentByAll, now: DateTime<Utc>) -> Result<Standing, Inexact> {
        let (calendar, period) = (self.about.calendar, self.about.period(budget));
        let mut days = match self.budgets.get(&budget.id) {
            Some(before) => before.as_ref().map_err(|error| *error)?.days.clone(),
            None => BTreeMap::new(),
        };
        let since = Span { from: self.about.yesterday(), to: self.about.tomorrow() };
        days.extend(self.days(budget, lately, since)?);
        let course = Course { calendar, span: period, now, amount: budget.amount.0, spent: &days };
        let standing = Standing {
            budget_id: budget.id,
            revision: budget.revision,
            period,
            is_over: false,
            amount: budget.amount.0,
            spent: self.spent(budget, lately)?.spent(),
            forecast: course.forecast()?.total,
            currency: budget.currency.clone(),
            days,
            reached: Vec::new(),
        };
        Ok(standing.of(budget))
    }
}

/// What was spent by whom a budget is about.
fn spending_of<'a>(budget: &Budget, spent: &'a SpentByAll) -> Result<Option<&'a costs::Spending>, Inexact> {
    let spent = standing::spender(budget).and_then(|spender| spent.get(&spender));
    spent.map(Result::as_ref).transpose().map_err(|error| *error)
}
