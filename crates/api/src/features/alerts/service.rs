//! What people do with alerts.

use finops_contract::ErrorCode;
use finops_contract::alerts::{
    Alert, AlertKind, AlertRule, AlertRuleRequest, AlertStatus, TestAlertAnswer, TestAlertRequest,
};
use finops_contract::budgets::AlertAction;
use finops_contract::channels::ChannelType;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{self, Facts};
use super::find::{self, Place};
use super::message::{self, Told};
use super::store::{self, Filter, New, Stored};
use super::telling::follow_up;
use super::unpriced;
use crate::features::budgets::{self, Calendar};
use crate::features::deliveries::{self, Outgoing, To};
use crate::features::{audit, organizations, teams};
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// An alert that the caller sees; any other does not exist.
///
/// # Errors
/// `not_found`.
pub(super) async fn seen(conn: &mut PgConnection, ctx: &Ctx, id: Uuid) -> ApiResult<Stored> {
    let visibility = teams::visibility(conn, ctx).await?;
    let filter = Filter { id: Some(id), seen: Some(&visibility), ..Filter::default() };
    store::list(conn, ctx.organization, &filter, 1).await?.pop().ok_or_else(|| ErrorCode::NotFound.into())
}

/// Acknowledges or resolves an alert. What is that far already, or further, stays as it is.
///
/// # Errors
/// `not_found`.
pub(super) async fn advance(state: &State, ctx: &Ctx, id: Uuid, status: AlertStatus) -> ApiResult<Alert> {
    let user = ctx.user_id()?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = seen(&mut tx, ctx, id).await?;
    if !store::advance(&mut tx, ctx.organization, id, status, user, ctx.now()).await? {
        return Ok(message::alert(&before, ctx.locale));
    }
    let after = seen(&mut tx, ctx, id).await?;
    let (told, action) = match status {
        AlertStatus::Resolved => (Told::Resolved, "alert.resolve"),
        AlertStatus::Acknowledged | AlertStatus::Open => (Told::Acknowledged, "alert.acknowledge"),
    };
    let shown = message::alert(&after, ctx.locale);
    let change = audit::Change::new(action, id, shown.subject.clone())
        .before(serde_json::json!({"status": before.status}))
        .after(serde_json::json!({"status": after.status}));
    audit::record(&mut tx, ctx, change).await?;
    follow_up(state, &mut tx, ctx.organization, &after, told).await?;
    tx.commit().await?;
    deliveries::nudge(state);
    Ok(shown)
}

/// The rules, as they are in force.
pub(super) async fn rules(conn: &mut PgConnection, ctx: &Ctx) -> ApiResult<Vec<AlertRule>> {
    let kind = AlertKind::Unpriced;
    let (enabled, action) = store::rule(conn, ctx.organization, kind).await?.unwrap_or(unpriced::DEFAULT);
    Ok(vec![AlertRule { kind, enabled, action }])
}

/// Sets a rule.
///
/// # Errors
/// `validation_failed` for budgets, whose rules are their thresholds, and for `block`.
pub(super) async fn set_rule(state: &State, ctx: &Ctx, request: &AlertRuleRequest) -> ApiResult<AlertRule> {
    let kind = request.kind;
    if kind == AlertKind::Budget {
        return Err(ApiError::field("/kind", "unknown", "budgets' rules are their thresholds"));
    }
    if request.action == AlertAction::Block {
        return Err(ApiError::field("/type", "unknown", "there is nothing to block: email, slack, both, …"));
    }
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = rules(&mut tx, ctx).await?.into_iter().find(|rule| rule.kind == kind);
    store::set_rule(&mut tx, ctx.organization, kind, (request.enabled, request.action)).await?;
    budgets::check_soon(&mut tx, ctx.organization).await?;
    let after = AlertRule { kind, enabled: request.enabled, action: request.action };
    let change = audit::Change::new("alert_rule.update", ctx.organization.0, kind.name()).before(before).after(&after);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(after)
}

/// Sends a message as if an alert had been raised: a budget's, with its figures of now, or an example.
///
/// # Errors
/// `not_found` for a budget or channel that is not there; `validation_failed` for a budget without a threshold; `rate_limited`.
pub(super) async fn test(state: &State, ctx: &Ctx, request: &TestAlertRequest) -> ApiResult<TestAlertAnswer> {
    deliveries::allow_test(state, ctx).await?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let found = organizations::find(&mut tx, ctx.organization).await?.ok_or(ErrorCode::NotFound)?;
    let (calendar, now) = (Calendar::of(&found), ctx.now());
    let place = Place { organization: ctx.organization, name: &found.name, calendar, today: calendar.today(now) };
    let (facts, action) = match request.budget_id {
        Some(budget) => of_budget(&mut tx, ctx, &place, budget).await?,
        None => (Facts::example(&found.name, place.today, &ctx.clock), None),
    };
    let new = New {
        id: ctx.clock.new_id(),
        kind: AlertKind::Budget,
        severity: finops_contract::alerts::AlertSeverity::Info,
        subject_key: "test",
        crossing: None,
        facts: &facts,
        raised_at: now,
    };
    let stored = new.stored();
    let notice = |locale| message::test(&stored, now, &state.config.public_url, locale);
    let team = facts.team.as_ref().map(|team| team.id);
    let to = match request.channel_id {
        Some(channel) => To::Channel(channel),
        None => To::Types { types: action.map_or(ChannelType::ALL, domain::channels), team },
    };
    let outgoing = Outgoing { to, alert_id: None, group: None, kind: "alert.test", notice: &notice };
    let deliveries = deliveries::enqueue(&mut tx, ctx.organization, &ctx.clock, &outgoing).await?;
    if deliveries == 0 && request.channel_id.is_some() {
        return Err(ErrorCode::NotFound.into());
    }
    let subject = notice(ctx.locale).subject;
    let change = audit::Change::new("alert.test", new.id, subject.clone());
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    deliveries::nudge(state);
    Ok(TestAlertAnswer { deliveries, subject })
}

/// What would be said if a budget's highest threshold were crossed now, and where.
async fn of_budget(
    conn: &mut PgConnection,
    ctx: &Ctx,
    place: &Place<'_>,
    id: Uuid,
) -> ApiResult<(Facts, Option<AlertAction>)> {
    let all = budgets::in_force(conn, ctx.organization).await?;
    let budget = all.into_iter().find(|budget| budget.id == id).ok_or(ErrorCode::NotFound)?;
    let alert = budget.alerts.iter().max_by_key(|alert| alert.threshold);
    let alert = *alert.ok_or_else(|| ApiError::field("/budgetId", "no_threshold", "has no threshold to cross"))?;
    let now = budgets::standings(conn, ctx.organization, place.calendar, &budget, ctx.now(), 0).await?;
    let standing = now.first().ok_or(ErrorCode::NotFound)?;
    let mut facts = find::budget_facts(conn, place, &budget, standing, alert).await?;
    facts.blocked = false;
    Ok((facts, Some(alert.action)))
}
