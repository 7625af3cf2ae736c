//! How a budget stands, as people see it.

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::Percent;
use finops_contract::budgets::{Budget, BudgetStatus, DaySpend, PeriodSpend, ThresholdStanding, Unconverted};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::calendar::{Calendar, Span};
use super::standing::Facts;
use super::{crossings, domain};
use crate::platform::db::OrganizationId;
use crate::platform::exact::Inexact;
use crate::platform::http::ApiResult;

/// Periods before the one that runs.
const HISTORY: usize = 12;

/// How a budget stands. The caller must be known to see it.
///
/// # Errors
/// `sum_too_large` for what cannot be told exactly.
pub(super) async fn of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    calendar: Calendar,
    budget: Budget,
    now: DateTime<Utc>,
) -> ApiResult<BudgetStatus> {
    let facts = Facts::read(conn, organization, calendar, &budget, now, HISTORY).await?;
    let span = facts.current();
    let crossed = crossings::crossed(conn, organization, (budget.id, budget.revision), span.from).await?;
    let current = period(&facts, span)?;
    let forecast = facts.forecast()?;
    let amount = budget.amount.0;
    let remaining = current.spent.map(|spent| amount.checked_sub(spent.0).ok_or(Inexact)).transpose()?;
    let reached = facts.standing(span)?.map(|standing| standing.reached).unwrap_or_default();
    let thresholds = budget.alerts.iter().map(|alert| {
        let noticed =
            crossed.iter().find(|(threshold, basis, _)| (*threshold, *basis) == (alert.threshold, alert.basis));
        ThresholdStanding {
            threshold: alert.threshold,
            action: alert.action,
            basis: alert.basis,
            amount: domain::share_of(amount, alert.threshold).into(),
            reached: reached.contains(alert),
            crossed_at: noticed.map(|(_, _, at)| *at),
        }
    });
    let spans = calendar.back(budget.period, span.from).skip(1).take(HISTORY);
    Ok(BudgetStatus {
        time_zone: calendar.days().name().into(),
        currency: budget.currency.clone(),
        remaining: remaining.map(Into::into),
        burn_rate_per_day: forecast.burn_rate.map(Into::into),
        forecast: forecast.total.map(Into::into),
        forecast_percent: forecast.total.map(|total| domain::percent_of(total, amount)).transpose()?,
        breach_date: forecast.breach,
        thresholds: thresholds.collect(),
        days: days(&facts, span)?,
        history: spans.map(|span| period(&facts, span)).collect::<Result<_, _>>()?,
        as_of: now,
        current,
        budget,
    })
}

fn period(facts: &Facts<'_>, span: Span) -> Result<PeriodSpend, Inexact> {
    let tally = facts.tally(span)?;
    let amount = facts.revision(span).map(|revision| revision.amount);
    let (starts_at, ends_at) = facts.calendar.bounds(span);
    Ok(PeriodSpend {
        from: span.from,
        to: span.to,
        starts_at,
        ends_at,
        amount: amount.map(Into::into),
        spent: tally.spent().map(Into::into),
        percent: percent(tally.spent(), amount)?,
        basis: tally.parts.basis(),
        state: tally.parts.state(),
        by_basis: tally.parts.by_basis(),
        unpriced: tally.parts.unpriced(),
        unknown_days: tally.unknown_days,
        complete: tally.is_complete(),
        unconverted: tally
            .unconverted
            .into_iter()
            .map(|(currency, cost)| Unconverted { cost: cost.into(), currency })
            .collect(),
    })
}

fn percent(spent: Option<Decimal>, amount: Option<Decimal>) -> Result<Option<Percent>, Inexact> {
    spent.zip(amount).map(|(spent, amount)| domain::percent_of(spent, amount)).transpose()
}

fn days(facts: &Facts<'_>, span: Span) -> Result<Vec<DaySpend>, Inexact> {
    let known = facts.known_days()?;
    let today = facts.calendar.today(facts.now);
    let point = |day: NaiveDate| DaySpend { day, spent: known.get(&day).copied().map(Into::into) };
    Ok(span.each().take_while(|day| *day <= today).map(point).collect())
}
