//! Projects' cost thresholds: at most one a day and one a week, each a budget with one threshold, all of its amount.

use finops_contract::budgets::{
    AlertBasis, Budget, BudgetAlert, BudgetKind, BudgetPeriod, CostThreshold, CostThresholds, CostThresholdsRequest,
    ScopeType,
};
use finops_contract::{FieldError, Percent};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{self, Draft};
use super::{service, store};
use crate::features::costs::Spender;
use crate::features::projects;
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// The periods that there are, each with where its threshold is in a request.
const PERIODS: [(BudgetPeriod, &str); 2] = [(BudgetPeriod::Daily, "/daily"), (BudgetPeriod::Weekly, "/weekly")];

/// What the one threshold is of the amount.
const WHOLE: Percent = Percent(Decimal::ONE_HUNDRED);

/// A project's cost thresholds. The caller must be known to see the project.
pub(super) async fn of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
) -> sqlx::Result<CostThresholds> {
    let filter =
        store::Filter { projects: Some(vec![project]), kind: Some(BudgetKind::Limit), ..store::Filter::default() };
    let found = store::list(conn, organization, &filter, 2).await?;
    let of = |period| found.iter().find(|budget| budget.period == period).cloned();
    Ok(CostThresholds { daily: of(BudgetPeriod::Daily), weekly: of(BudgetPeriod::Weekly) })
}

/// Sets a project's cost thresholds. What is the same already stays as it is.
///
/// # Errors
/// `not_found`, `validation_failed`, `fx_rate_missing`, `conflict` when somebody else is setting them.
pub(super) async fn set(
    state: &State,
    ctx: &Ctx,
    project: Uuid,
    request: &CostThresholdsRequest,
) -> ApiResult<CostThresholds> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let seen = projects::seen(&mut tx, ctx, project).await?;
    projects::require(&mut tx, ctx, project, "/projectId").await?;
    let wanted = [&request.daily, &request.weekly];
    let faults: Vec<FieldError> =
        PERIODS.iter().zip(wanted).flat_map(|((_, at), wanted)| faults(wanted.as_ref(), at)).collect();
    if !faults.is_empty() {
        return Err(ApiError::fields(faults));
    }
    for ((period, _), wanted) in PERIODS.into_iter().zip(wanted) {
        let draft = wanted.as_ref().map(|wanted| draft(project, &seen.name, period, wanted));
        set_one(&mut tx, ctx, project, period, draft).await?;
    }
    let thresholds = of(&mut tx, ctx.organization, project).await?;
    tx.commit().await?;
    Ok(thresholds)
}

fn faults(wanted: Option<&CostThreshold>, at: &str) -> Vec<FieldError> {
    let Some(wanted) = wanted else { return Vec::new() };
    let amount = domain::amount_faults(wanted.amount.0, &format!("{at}/amount"));
    let currency = domain::currency_fault(&wanted.currency, &format!("{at}/currency"));
    let threshold = domain::threshold_faults(&[alert(wanted)], wanted.enforcement, ScopeType::Project).into_iter();
    let threshold = threshold.map(|fault| FieldError { pointer: format!("{at}/type"), ..fault });
    amount.into_iter().chain(currency).chain(threshold).collect()
}

fn alert(wanted: &CostThreshold) -> BudgetAlert {
    BudgetAlert { threshold: WHOLE, action: wanted.action, basis: AlertBasis::Actual }
}

/// Makes sure that a cost threshold, changed as the budget that it is, is one still: it keeps its period, has its project's
/// name, and one threshold, all of its amount.
///
/// # Errors
/// `validation_failed`.
pub(super) fn check(before: &Budget, draft: &Draft) -> ApiResult<()> {
    let fault = |pointer: &str, code: &str, message: &str| FieldError {
        pointer: pointer.into(),
        code: code.into(),
        message: message.into(),
    };
    let mut faults = Vec::new();
    if draft.period != before.period {
        faults.push(fault("/period", "immutable", "a cost threshold keeps its period"));
    }
    if draft.name != before.name {
        faults.push(fault("/name", "immutable", "a cost threshold has its project's name"));
    }
    let is_one =
        |alerts: &[BudgetAlert]| matches!(alerts, [one] if (one.threshold, one.basis) == (WHOLE, AlertBasis::Actual));
    if !is_one(&draft.alerts) {
        let message = "a cost threshold has one, at 100 percent of what is spent: its amount is the threshold";
        faults.push(fault("/alerts", "one_threshold", message));
    }
    if faults.is_empty() { Ok(()) } else { Err(ApiError::fields(faults)) }
}

fn draft(project: Uuid, name: &str, period: BudgetPeriod, wanted: &CostThreshold) -> Draft {
    Draft {
        name: name.to_owned(),
        spender: Spender::Project(project),
        amount: wanted.amount.0.normalize(),
        currency: wanted.currency.clone(),
        period,
        enforcement: wanted.enforcement,
        alerts: vec![alert(wanted)],
    }
}

async fn set_one(tx: &mut Tx, ctx: &Ctx, project: Uuid, period: BudgetPeriod, draft: Option<Draft>) -> ApiResult<()> {
    let before = locked(tx, ctx, project, period).await?;
    match (before, draft) {
        (None, None) => {}
        (None, Some(draft)) => drop(service::insert(tx, ctx, BudgetKind::Limit, &draft).await?),
        (Some(before), Some(draft)) => drop(service::change(tx, ctx, &before, &draft).await?),
        (Some(before), None) => service::remove(tx, ctx, &before).await?,
    }
    Ok(())
}

/// The threshold that is about to change, locked, as it is then.
async fn locked(tx: &mut Tx, ctx: &Ctx, project: Uuid, period: BudgetPeriod) -> ApiResult<Option<Budget>> {
    let found = of(tx, ctx.organization, project).await?;
    let found = if period == BudgetPeriod::Daily { found.daily } else { found.weekly };
    let Some(found) = found else { return Ok(None) };
    store::lock(tx, ctx.organization, found.id).await?;
    Ok(store::find(tx, ctx.organization, found.id).await?)
}
