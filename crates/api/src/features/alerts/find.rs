//! Finds out what an alert says: how the day compares with usual, what grew, and what could be stopped.

use finops_contract::alerts::AlertBudget;
use finops_contract::budgets::{Budget, BudgetAlert, ScopeType};
use finops_contract::costs::Named;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{self, Facts, Target};
use crate::features::budgets::{self, Calendar, Standing};
use crate::features::costs::{self, Growth};
use crate::platform::db::OrganizationId;
use crate::platform::http::ApiResult;

/// Whose alert it is.
pub(super) struct Place<'a> {
    pub(super) organization: OrganizationId,
    pub(super) name: &'a str,
    pub(super) calendar: Calendar,
    pub(super) today: chrono::NaiveDate,
}

/// What is said of a threshold.
///
/// # Errors
/// `sum_too_large`.
pub(super) async fn budget_facts(
    conn: &mut PgConnection,
    place: &Place<'_>,
    budget: &Budget,
    standing: &Standing,
    alert: BudgetAlert,
) -> ApiResult<Facts> {
    let figure = standing.figure(alert.basis).unwrap_or_default();
    let compared = domain::compare(&standing.days, standing.period.from, &standing.currency);
    let growth = match (budgets::spender(budget), &compared) {
        (Some(spender), Some(compared)) => {
            costs::growth(conn, place.organization, &spender, place.calendar.days(), compared.day).await?
        }
        _ => None,
    };
    let (team, project) = owners(conn, place.organization, budget).await?;
    let target = target(conn, place.organization, budget, growth.as_ref()).await?;
    Ok(Facts {
        organization: place.name.to_owned(),
        today: place.today,
        team,
        project,
        scope: Some(budget.scope.clone()),
        budget: Some(AlertBudget {
            id: budget.id,
            name: budget.name.clone(),
            kind: budget.kind,
            period: budget.period,
            from: standing.period.from,
            to: standing.period.to,
            enforcement: budget.enforcement,
            threshold: alert.threshold,
            basis: alert.basis,
            action: alert.action,
            amount: standing.amount.into(),
            figure: figure.into(),
            percent: budgets::percent_of(figure, standing.amount)?,
            currency: standing.currency.clone(),
        }),
        compared,
        cause: growth.map(|growth| domain::cause(growth, budget.scope.kind == ScopeType::Project)),
        unpriced: None,
        target,
        // Whoever stops something says so.
        blocked: false,
    })
}

/// The team and the project that a budget is about.
async fn owners(
    conn: &mut PgConnection,
    organization: OrganizationId,
    budget: &Budget,
) -> sqlx::Result<(Option<Named>, Option<Named>)> {
    let scope = &budget.scope;
    let id: Option<Uuid> = scope.id.as_deref().and_then(|id| id.parse().ok());
    let name = || scope.name.clone().unwrap_or_default();
    match (scope.kind, id) {
        (ScopeType::Team, Some(id)) => Ok((Some(Named { id, name: name(), deleted: scope.deleted }), None)),
        (ScopeType::Project, Some(id)) => {
            let team = sqlx::query!(
                "SELECT t.id, t.name, t.deleted_at IS NOT NULL AS \"deleted!\"
                FROM projects p JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
                WHERE p.organization_id = $1 AND p.id = $2",
                organization as OrganizationId,
                id
            )
            .fetch_optional(conn)
            .await?;
            let team = team.map(|team| Named { id: team.id, name: team.name, deleted: team.deleted });
            Ok((team, Some(Named { id, name: name(), deleted: scope.deleted })))
        }
        _ => Ok((None, None)),
    }
}

/// What to stop: the project; of a team, its Admin key; else the project that grew most.
async fn target(
    conn: &mut PgConnection,
    organization: OrganizationId,
    budget: &Budget,
    growth: Option<&Growth>,
) -> sqlx::Result<Option<Target>> {
    let id: Option<Uuid> = budget.scope.id.as_deref().and_then(|id| id.parse().ok());
    let project = |id| Target { kind: "project".into(), id };
    if let (ScopeType::Project, Some(id)) = (budget.scope.kind, id) {
        return Ok(Some(project(id)));
    }
    if let (ScopeType::Team, Some(team)) = (budget.scope.kind, id) {
        let key = sqlx::query_scalar!(
            "SELECT id FROM admin_keys WHERE organization_id = $1 AND team_id = $2 AND is_active ORDER BY id LIMIT 1",
            organization as OrganizationId,
            team
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(id) = key {
            return Ok(Some(Target { kind: "admin_key".into(), id }));
        }
    }
    Ok(growth.and_then(|growth| growth.project.as_ref()).and_then(costs::Grew::uuid).map(project))
}
