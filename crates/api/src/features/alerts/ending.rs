//! Resolves alerts that are over by themselves, and says why.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::alerts::AlertEnd;
use finops_contract::budgets::Budget;
use sqlx::PgConnection;
use uuid::Uuid;

use super::find::Place;
use super::message::Told;
use super::store::{self, Filter, Unresolved};
use super::telling::follow_up;
use crate::features::budgets::{Span, Standing};
use crate::platform::db::OrganizationId;
use crate::platform::http::ApiResult;
use crate::platform::state::State;

/// How long an alert about a period that was over already stays open by itself.
const LATE: TimeDelta = TimeDelta::days(7);

/// Resolves the budgets' alerts that are over by themselves.
///
/// # Errors
/// When the database fails.
pub(super) async fn resolve(
    state: &State,
    conn: &mut PgConnection,
    place: &Place<'_>,
    now: DateTime<Utc>,
    all: &[Budget],
    current: &HashMap<Uuid, Standing>,
) -> ApiResult<()> {
    for open in store::unresolved(conn, place.organization).await? {
        let budget = all.iter().find(|budget| budget.id == open.budget);
        if let Some(because) = over(&open, budget, current.get(&open.budget), place, now) {
            end(state, conn, place.organization, open.id, Some(because), now).await?;
        }
    }
    Ok(())
}

/// Why an alert is over by itself, if it is.
fn over(
    open: &Unresolved,
    budget: Option<&Budget>,
    now_stands: Option<&Standing>,
    place: &Place<'_>,
    now: DateTime<Utc>,
) -> Option<AlertEnd> {
    let Some(budget) = budget else { return Some(AlertEnd::BudgetDeleted) };
    let span = Span { from: open.period_start, to: open.period_end };
    let runs = span.from <= place.today && place.today < span.to;
    // A period of the kind that the budget had, or one that begins or ends otherwise in the calendar of now.
    let is_another =
        open.period != budget.period.name() || (runs && span != place.calendar.period(budget.period, place.today));
    if is_another {
        return Some(AlertEnd::PeriodChanged);
    }
    // What is noticed after its period waits for somebody, a week at most.
    let is_late = place.calendar.today(open.raised_at) >= span.to && now - open.raised_at < LATE;
    if span.to <= place.today && !is_late {
        return Some(AlertEnd::PeriodOver);
    }
    if open.superseded {
        return Some(AlertEnd::AmountChanged);
    }
    let standing = now_stands.filter(|standing| standing.period.from == span.from && standing.spent.is_some())?;
    let is_reached =
        standing.reached.iter().any(|alert| alert.threshold.0 == open.threshold && alert.basis.name() == open.basis);
    (!is_reached).then_some(AlertEnd::BelowThreshold)
}

/// Resolves an alert that is over by itself.
///
/// # Errors
/// When the database fails.
pub(super) async fn end(
    state: &State,
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    because: Option<AlertEnd>,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    if store::end(conn, organization, id, because, now).await? {
        let filter = Filter { id: Some(id), ..Filter::default() };
        if let Some(stored) = store::list(conn, organization, &filter, 1).await?.pop() {
            follow_up(state, conn, organization, &stored, Told::Resolved).await?;
        }
    }
    Ok(())
}
