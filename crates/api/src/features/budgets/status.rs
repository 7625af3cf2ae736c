//! How a budget stands, as people see it.

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::Percent;
use finops_contract::budgets::{
    Budget, BudgetStanding, BudgetState, BudgetStatus, DaySpend, PeriodSpend, ThresholdStanding, Unconverted,
};
use finops_contract::costs::{Basis, CostState};
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
        state: state(&current, forecast.breach, !reached.is_empty()),
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

/// How budgets stand in the period that runs, in their order, by a few questions for all of them. Of one whose spending
/// does not add up exactly nothing is known.
///
/// # Errors
/// When the database fails.
pub(super) async fn standings(
    conn: &mut PgConnection,
    organization: OrganizationId,
    calendar: Calendar,
    budgets: &[Budget],
    now: DateTime<Utc>,
) -> ApiResult<Vec<BudgetStanding>> {
    let all = Facts::read_all(conn, organization, calendar, budgets, now, &|_| 0).await?;
    let standing = |(facts, budget): (Result<Facts<'_>, Inexact>, &Budget)| {
        facts.and_then(|facts| standing(&facts)).unwrap_or_else(|_| unknown(calendar, budget, now))
    };
    Ok(all.into_iter().zip(budgets).map(standing).collect())
}

fn standing(facts: &Facts<'_>) -> Result<BudgetStanding, Inexact> {
    let span = facts.current();
    let (current, forecast) = (period(facts, span)?, facts.forecast()?);
    let is_reached = facts.standing(span)?.is_some_and(|standing| !standing.reached.is_empty());
    Ok(BudgetStanding {
        state: state(&current, forecast.breach, is_reached),
        current,
        forecast: forecast.total.map(Into::into),
        breach_date: forecast.breach,
        as_of: facts.now,
    })
}

fn unknown(calendar: Calendar, budget: &Budget, now: DateTime<Utc>) -> BudgetStanding {
    let span = calendar.period(budget.period, calendar.today(now));
    let (starts_at, ends_at) = calendar.bounds(span);
    let current = PeriodSpend {
        from: span.from,
        to: span.to,
        starts_at,
        ends_at,
        amount: Some(budget.amount),
        spent: None,
        percent: None,
        basis: Basis::default(),
        state: CostState::default(),
        by_basis: Vec::new(),
        unpriced: 0,
        unconverted: Vec::new(),
        unknown_days: 0,
        complete: false,
    };
    BudgetStanding { state: BudgetState::Unknown, current, forecast: None, breach_date: None, as_of: now }
}

/// How a budget stands, in one word.
fn state(current: &PeriodSpend, breach: Option<NaiveDate>, is_reached: bool) -> BudgetState {
    if current.percent.is_some_and(|percent| percent.0 >= Decimal::ONE_HUNDRED) {
        BudgetState::Over
    } else if breach.is_some() {
        BudgetState::Breaches
    } else if is_reached {
        BudgetState::Reached
    } else if current.spent.is_none() {
        BudgetState::Unknown
    } else if current.complete {
        BudgetState::Fine
    } else {
        BudgetState::Partial
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_told_first_and_unknown_is_not_fine() {
        let calendar = Calendar::of(&finops_contract::organizations::Organization {
            id: uuid::Uuid::nil(),
            name: String::new(),
            time_zone: "Asia/Seoul".into(),
            currency: "USD".into(),
            fiscal_year_start_month: 1,
            two_person_blocks: false,
            retention_days: 90,
            created_at: DateTime::UNIX_EPOCH,
        });
        let budget: Budget = serde_json::from_value(serde_json::json!({
            "id": uuid::Uuid::nil(), "kind": "budget", "name": "a", "scope": {"type": "organization", "id": null, "name": null},
            "amount": "100", "currency": "USD", "fx": null, "period": "monthly", "enforcement": "soft", "alerts": [],
            "revision": 1, "revisedAt": DateTime::UNIX_EPOCH, "createdAt": DateTime::UNIX_EPOCH,
            "updatedAt": DateTime::UNIX_EPOCH,
        }))
        .unwrap();
        let now = "2026-03-20T03:00:00Z".parse().unwrap();
        let nothing = unknown(calendar, &budget, now);
        assert_eq!(
            (nothing.current.from.to_string(), nothing.current.to.to_string()),
            ("2026-03-01".into(), "2026-04-01".into())
        );
        let breach = Some(nothing.current.from);
        let of = |percent: &str, complete: bool, breach, is_reached| {
            let known = (!percent.is_empty()).then(|| Percent(percent.parse().unwrap()));
            let spent = known.map(|percent| percent.0.into());
            state(&PeriodSpend { spent, percent: known, complete, ..nothing.current.clone() }, breach, is_reached)
        };
        assert_eq!(of("100", false, breach, true), BudgetState::Over);
        assert_eq!(of("99.99", true, breach, true), BudgetState::Breaches);
        assert_eq!(of("99.99", true, None, true), BudgetState::Reached);
        assert_eq!(of("", false, None, false), BudgetState::Unknown);
        assert_eq!(of("99.99", false, None, false), BudgetState::Partial);
        assert_eq!(of("99.99", true, None, false), BudgetState::Fine);
    }
}
