//! How much of every budget is spent in the period that runs, asked again and again.
//!
//! What was spent yesterday and today is asked anew each time. What the days before say is remembered for as long as
//! [`costs::mark`] is the same, and never longer than [`BELIEVED`]: bills and providers' usage of earlier days, and imports of
//! events older than a month, are seen by then, everything else at once.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::budgets::Budget;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::calendar::{Calendar, Span};
use super::fx::{Exchange, Rates};
use super::standing::{self, Tally, tally};
use crate::features::costs::{self, Spenders, SpentByAll};
use crate::platform::db::OrganizationId;
use crate::platform::exact::Inexact;
use crate::platform::http::ApiResult;

/// How long days that are over are believed to be what they were.
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

/// Says how an organization's budgets stand.
#[derive(Debug, Default)]
pub struct Watch {
    past: Option<Past>,
}

/// What is remembered, and of what.
#[derive(Debug)]
struct Past {
    about: About,
    mark: String,
    read_at: Instant,
    spenders: Spenders,
    rates: Rates,
    /// What each budget's period that runs says of the days before yesterday.
    tallies: HashMap<Uuid, Result<Tally, Inexact>>,
}

#[derive(Debug, PartialEq, Eq)]
struct About {
    calendar: Calendar,
    today: NaiveDate,
    budgets: Vec<(Uuid, i32)>,
}

impl Watch {
    /// How budgets stand in the period that runs, in their order.
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
        let today = calendar.today(now);
        let (yesterday, tomorrow) = (today.pred_opt().unwrap_or(today), today.succ_opt().unwrap_or(today));
        let about =
            About { calendar, today, budgets: budgets.iter().map(|budget| (budget.id, budget.revision)).collect() };
        // Yesterday may begin within a day of UTC: what is said of that day may be of the days before.
        let mark = costs::mark(conn, organization, calendar.days().start(yesterday).date_naive()).await?;
        let is_known = |past: &Past| past.about == about && past.mark == mark && past.read_at.elapsed() < BELIEVED;
        let past = match self.past.take().filter(is_known) {
            Some(past) => past,
            None => Past::read(conn, organization, budgets, about, mark).await?,
        };
        let lately = past.spenders.spending(conn, calendar.days(), (yesterday, tomorrow)).await?;
        let running = budgets.iter().map(|budget| {
            let period = calendar.period(budget.period, today);
            let since = Span { from: period.from.max(yesterday), to: tomorrow };
            let spent = past.spent(budget, &lately, since).ok().and_then(|tally| tally.spent());
            Running { period, ends_at: calendar.bounds(period).1, spent }
        });
        let running = running.collect();
        self.past = Some(past);
        Ok(running)
    }
}

impl Past {
    async fn read(
        conn: &mut PgConnection,
        organization: OrganizationId,
        budgets: &[Budget],
        about: About,
        mark: String,
    ) -> ApiResult<Self> {
        // Before anything is asked: what changes meanwhile may not be in it.
        let read_at = Instant::now();
        let (calendar, today) = (about.calendar, about.today);
        let (yesterday, tomorrow) = (today.pred_opt().unwrap_or(today), today.succ_opt().unwrap_or(today));
        let periods = budgets.iter().map(|budget| calendar.period(budget.period, today).from);
        let first = periods.fold(yesterday, NaiveDate::min);
        let all = budgets.iter().filter_map(standing::spender);
        let spenders = Spenders::read(conn, organization, all, (first, tomorrow)).await?;
        let rates = Rates::on(conn, organization, today).await?;
        let spent = spenders.spending(conn, calendar.days(), (first, yesterday)).await?;
        let mut past = Self { about, mark, read_at, spenders, rates, tallies: HashMap::new() };
        let tallies = budgets.iter().map(|budget| {
            let span = Span { from: calendar.period(budget.period, today).from, to: yesterday };
            (budget.id, past.tally(budget, &spent, span))
        });
        past.tallies = tallies.collect();
        Ok(past)
    }

    fn tally(&self, budget: &Budget, spent: &SpentByAll, span: Span) -> Result<Tally, Inexact> {
        let spent = standing::spender(budget).and_then(|spender| spent.get(&spender));
        let Some(spending) = spent.map(Result::as_ref).transpose().map_err(|error| *error)? else {
            return Ok(Tally::default());
        };
        let pinned = budget.fx.as_ref().map(|fx| fx.rate.0);
        let exchange = Exchange { to: &budget.currency, pinned, rates: &self.rates };
        tally(spending, &exchange, span.each(), self.about.today)
    }

    fn spent(&self, budget: &Budget, lately: &SpentByAll, since: Span) -> Result<Tally, Inexact> {
        let before = self.tallies.get(&budget.id).cloned().transpose()?.unwrap_or_default();
        Tally::sum(&[before, self.tally(budget, lately, since)?])
    }
}
