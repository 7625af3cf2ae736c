//! Thresholds that were crossed: each once in a period, whoever notices.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::Percent;
use finops_contract::budgets::{AlertBasis, BudgetAlert};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::calendar::Span;
use super::standing::Standing;
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;

/// A threshold that was crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Its id.
    pub id: Uuid,
    /// The budget, …
    pub budget_id: Uuid,
    /// … which of its amounts, …
    pub revision: i32,
    /// … in which period.
    pub period: Span,
    /// The threshold.
    pub alert: BudgetAlert,
    /// How much may be spent.
    pub amount: Decimal,
    /// How much is spent, or forecast.
    pub figure: Decimal,
    /// Of both.
    pub currency: String,
    /// When.
    pub crossed_at: DateTime<Utc>,
}

/// Writes down that a threshold is reached; nothing if it was written down before, or the budget has another amount by
/// now, or is gone. Whoever gets a crossing is the only one who does, so what it causes belongs in this transaction.
///
/// # Errors
/// When the database fails.
pub async fn cross(
    conn: &mut PgConnection,
    organization: OrganizationId,
    clock: &Clock,
    standing: &Standing,
    alert: BudgetAlert,
) -> sqlx::Result<Option<Crossing>> {
    let crossing = Crossing::new(standing, alert, clock);
    // The lock waits for a change of the amount that is being made. A period that is over is held to the amount it had.
    let is_over = standing.is_over;
    let written = insert(conn, organization, &crossing, is_over, false).await?;
    Ok(written.then_some(crossing))
}

impl Crossing {
    fn new(standing: &Standing, alert: BudgetAlert, clock: &Clock) -> Self {
        Self {
            id: clock.new_id(),
            budget_id: standing.budget_id,
            revision: standing.revision,
            period: standing.period,
            alert,
            amount: standing.amount,
            figure: standing.figure(alert.basis).unwrap_or_default(),
            currency: standing.currency.clone(),
            crossed_at: clock.now(),
        }
    }
}

async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    crossing: &Crossing,
    is_over: bool,
    carried: bool,
) -> sqlx::Result<bool> {
    let written = sqlx::query!(
        "
        WITH b AS (SELECT organization_id, id FROM budgets
            WHERE organization_id = $1 AND id = $3 AND deleted_at IS NULL AND (revision = $4 OR $14) FOR SHARE)
        INSERT INTO budget_crossings (organization_id, id, budget_id, revision, period_start, period_end, threshold, basis,
            action, amount, figure, currency, carried, crossed_at)
        SELECT b.organization_id, $2, b.id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $15, $13 FROM b
        ON CONFLICT (organization_id, budget_id, revision, period_start, threshold, basis) DO NOTHING
        ",
        organization as OrganizationId,
        crossing.id,
        crossing.budget_id,
        crossing.revision,
        crossing.period.from,
        crossing.period.to,
        crossing.alert.threshold.0.normalize(),
        crossing.alert.basis.name(),
        crossing.alert.action.name(),
        crossing.amount,
        crossing.figure,
        crossing.currency,
        crossing.crossed_at,
        is_over,
        carried
    )
    .execute(conn)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// What tells a crossing from all others.
pub type Key = (Uuid, i32, NaiveDate, Percent, AlertBasis);

/// What was crossed in the periods that are not over on a day, and since. What is here need not be crossed again.
///
/// # Errors
/// When the database fails.
pub async fn crossed_since(
    conn: &mut PgConnection,
    organization: OrganizationId,
    day: NaiveDate,
) -> sqlx::Result<HashSet<Key>> {
    let rows = sqlx::query!(
        "SELECT budget_id, revision, period_start, threshold, basis FROM budget_crossings
        WHERE organization_id = $1 AND period_end > $2",
        organization as OrganizationId,
        day
    )
    .fetch_all(conn)
    .await?;
    let key = |basis: &str| AlertBasis::from_name(basis).unwrap_or(AlertBasis::Actual);
    let rows = rows.into_iter();
    Ok(rows.map(|r| (r.budget_id, r.revision, r.period_start, Percent(r.threshold), key(&r.basis))).collect())
}

/// When each threshold was crossed, of one amount in one period.
pub(super) async fn crossed(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (budget, revision): (Uuid, i32),
    period_start: NaiveDate,
) -> sqlx::Result<Vec<(Percent, AlertBasis, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        "
        SELECT threshold, basis, crossed_at FROM budget_crossings
        WHERE organization_id = $1 AND budget_id = $2 AND revision = $3 AND period_start = $4
        ",
        organization as OrganizationId,
        budget,
        revision,
        period_start
    )
    .fetch_all(conn)
    .await?;
    let basis = |name: &str| AlertBasis::from_name(name).unwrap_or(AlertBasis::Actual);
    Ok(rows.into_iter().map(|row| (Percent(row.threshold), basis(&row.basis), row.crossed_at)).collect())
}

/// Takes over what was crossed of the amount before and still is, now that it was raised: nobody is told again. Whatever
/// else is crossed later is crossed anew.
pub(super) async fn carry(
    conn: &mut PgConnection,
    organization: OrganizationId,
    clock: &Clock,
    before: i32,
    now: &Standing,
) -> sqlx::Result<()> {
    let earlier = crossed(conn, organization, (now.budget_id, before), now.period.from).await?;
    for alert in &now.reached {
        if earlier.iter().any(|(threshold, basis, _)| (*threshold, *basis) == (alert.threshold, alert.basis)) {
            insert(conn, organization, &Crossing::new(now, *alert, clock), false, true).await?;
        }
    }
    Ok(())
}
