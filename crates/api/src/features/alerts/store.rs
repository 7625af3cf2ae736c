//! Rows of alerts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::Percent;
use finops_contract::alerts::{AlertEnd, AlertKind, AlertMark, AlertSeverity, AlertStatus, AlertsQuery};
use finops_contract::budgets::{AlertAction, AlertBasis};
use finops_contract::costs::Named;
use finops_contract::reports::ReportAlert;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::domain::Facts;
use crate::features::teams::Visibility;
use crate::platform::db::OrganizationId;

/// An alert that is raised.
pub(super) struct New<'a> {
    pub(super) id: Uuid,
    pub(super) kind: AlertKind,
    pub(super) severity: AlertSeverity,
    pub(super) subject_key: &'a str,
    pub(super) crossing: Option<Uuid>,
    pub(super) facts: &'a Facts,
    pub(super) raised_at: DateTime<Utc>,
}

/// Raises it. False where the same is raised already, and not resolved.
pub(super) async fn insert(conn: &mut PgConnection, organization: OrganizationId, new: &New<'_>) -> sqlx::Result<bool> {
    let written = sqlx::query!(
        "
        INSERT INTO alerts (organization_id, id, kind, severity, status, subject_key, crossing_id, team_id, project_id, facts,
            raised_at)
        VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, $10)
        ON CONFLICT DO NOTHING
        ",
        organization as OrganizationId,
        new.id,
        new.kind.name(),
        new.severity.name(),
        new.subject_key,
        new.crossing,
        new.facts.team.as_ref().map(|team| team.id),
        new.facts.project.as_ref().map(|project| project.id),
        Json(new.facts) as _,
        new.raised_at
    )
    .execute(conn)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// An alert as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: Uuid,
    pub(super) kind: AlertKind,
    pub(super) severity: AlertSeverity,
    pub(super) status: AlertStatus,
    pub(super) facts: Facts,
    pub(super) raised_at: DateTime<Utc>,
    pub(super) acknowledged: Option<AlertMark>,
    pub(super) resolved: Option<AlertMark>,
    /// Why it is over by itself.
    pub(super) ended: Option<AlertEnd>,
}

/// Which alerts are asked for.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    pub(super) id: Option<Uuid>,
    pub(super) status: Option<AlertStatus>,
    pub(super) severity: Option<AlertSeverity>,
    pub(super) kind: Option<AlertKind>,
    pub(super) project: Option<Uuid>,
    pub(super) budget: Option<Uuid>,
    /// Whose alerts are seen; all of them when absent.
    pub(super) seen: Option<&'a Visibility>,
    pub(super) after: Option<Uuid>,
}

impl<'a> Filter<'a> {
    pub(super) fn of(query: &AlertsQuery, seen: &'a Visibility, after: Option<Uuid>) -> Self {
        let AlertsQuery { status, severity, kind, project_id: project, budget_id: budget, .. } = *query;
        Self { id: None, status, severity, kind, project, budget, seen: Some(seen), after }
    }
}

/// Alerts, the newest first. Of a team or project who sees it, of the others who sees everything.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    filter: &Filter<'_>,
    limit: i64,
) -> sqlx::Result<Vec<Stored>> {
    let (teams, projects) = (filter.seen.and_then(Visibility::teams), filter.seen.and_then(Visibility::projects));
    let rows = sqlx::query!(
        r#"
        SELECT a.id, a.kind, a.severity, a.status, a.facts AS "facts: Json<Facts>", a.raised_at,
            a.acknowledged_at, a.acknowledged_by, a.resolved_at, a.resolved_by, a.resolved_because,
            u.name AS "acknowledged_name?", v.name AS "resolved_name?"
        FROM alerts a
            LEFT JOIN budget_crossings c ON c.organization_id = a.organization_id AND c.id = a.crossing_id
            LEFT JOIN users u ON u.organization_id = a.organization_id AND u.id = a.acknowledged_by
            LEFT JOIN users v ON v.organization_id = a.organization_id AND v.id = a.resolved_by
        WHERE a.organization_id = $1
            AND ($2::uuid IS NULL OR a.id = $2)
            AND ($3::text IS NULL OR a.status = $3)
            AND ($4::text IS NULL OR a.kind = $4)
            AND ($5::uuid IS NULL OR a.project_id = $5)
            AND ($6::uuid IS NULL OR c.budget_id = $6)
            AND ($7::uuid[] IS NULL OR a.team_id = ANY ($7) OR a.project_id = ANY ($8))
            AND ($9::uuid IS NULL OR a.id < $9)
            AND ($10::text IS NULL OR a.severity = $10)
        ORDER BY a.id DESC LIMIT $11
        "#,
        organization as OrganizationId,
        filter.id,
        filter.status.map(AlertStatus::name),
        filter.kind.map(AlertKind::name),
        filter.project,
        filter.budget,
        teams,
        projects,
        filter.after,
        filter.severity.map(AlertSeverity::name),
        limit
    )
    .fetch_all(conn)
    .await?;
    let mark = |at: Option<DateTime<Utc>>, by: Option<Uuid>, name: Option<String>| {
        // Whoever runs the platform is of another organization, and has no name here.
        let by = by.map(|id| Named { id, name: name.unwrap_or_default(), deleted: false });
        at.map(|at| AlertMark { at, by })
    };
    // The tables' CHECKs allow no other names.
    let rows = rows.into_iter().map(|row| Stored {
        id: row.id,
        kind: AlertKind::from_name(&row.kind).unwrap_or(AlertKind::Budget),
        severity: AlertSeverity::from_name(&row.severity).unwrap_or(AlertSeverity::Error),
        status: AlertStatus::from_name(&row.status).unwrap_or(AlertStatus::Open),
        facts: row.facts.0,
        raised_at: row.raised_at,
        acknowledged: mark(row.acknowledged_at, row.acknowledged_by, row.acknowledged_name),
        resolved: mark(row.resolved_at, row.resolved_by, row.resolved_name),
        ended: row.resolved_because.as_deref().and_then(AlertEnd::from_name),
    });
    Ok(rows.collect())
}

/// Alerts that were raised from one moment to another: how many, and those that are not over, the worst first.
///
/// # Errors
/// The database's.
pub async fn raised_between(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    most: i64,
) -> sqlx::Result<(i64, Vec<ReportAlert>)> {
    let raised = sqlx::query_scalar!(
        r#"SELECT count(*) AS "raised!" FROM alerts WHERE organization_id = $1 AND raised_at >= $2 AND raised_at < $3"#,
        organization as OrganizationId,
        from,
        to
    )
    .fetch_one(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"
        SELECT id, kind, severity, status, facts AS "facts: Json<Facts>", raised_at FROM alerts
        WHERE organization_id = $1 AND raised_at >= $2 AND raised_at < $3 AND status <> 'resolved'
        ORDER BY array_position(ARRAY['critical', 'error', 'warning', 'info'], severity), id DESC LIMIT $4
        "#,
        organization as OrganizationId,
        from,
        to,
        most
    )
    .fetch_all(conn)
    .await?;
    let open = rows.into_iter().map(|row| ReportAlert {
        id: row.id,
        kind: AlertKind::from_name(&row.kind).unwrap_or(AlertKind::Budget),
        severity: AlertSeverity::from_name(&row.severity).unwrap_or(AlertSeverity::Error),
        status: AlertStatus::from_name(&row.status).unwrap_or(AlertStatus::Open),
        budget: row.facts.budget.as_ref().map(|budget| budget.name.clone()),
        threshold: row.facts.budget.as_ref().map(|budget| budget.threshold),
        basis: row.facts.budget.as_ref().map(|budget| budget.basis),
        project: row.facts.0.project,
        raised_at: row.raised_at,
    });
    Ok((raised, open.collect()))
}

/// Resolves an alert that is over by itself. False where it is resolved already.
pub(super) async fn end(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    because: Option<AlertEnd>,
    at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let written = sqlx::query!(
        "UPDATE alerts SET status = 'resolved', resolved_at = $3, resolved_because = $4
        WHERE organization_id = $1 AND id = $2 AND status <> 'resolved'",
        organization as OrganizationId,
        id,
        at,
        because.map(AlertEnd::name)
    )
    .execute(conn)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// Sets how far somebody has dealt with an alert. False where it is that far already, or further.
pub(super) async fn advance(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    status: AlertStatus,
    by: Uuid,
    at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let written = match status {
        AlertStatus::Open => return Ok(false),
        AlertStatus::Acknowledged => {
            sqlx::query!(
                "UPDATE alerts SET status = 'acknowledged', acknowledged_at = $3, acknowledged_by = $4
                WHERE organization_id = $1 AND id = $2 AND status = 'open'",
                organization as OrganizationId,
                id,
                at,
                by
            )
            .execute(conn)
            .await?
        }
        AlertStatus::Resolved => {
            sqlx::query!(
                "UPDATE alerts SET status = 'resolved', resolved_at = $3, resolved_by = $4
                WHERE organization_id = $1 AND id = $2 AND status <> 'resolved'",
                organization as OrganizationId,
                id,
                at,
                by
            )
            .execute(conn)
            .await?
        }
    };
    Ok(written.rows_affected() > 0)
}

/// A budget's alert that is not resolved, and what it was raised by.
pub(super) struct Unresolved {
    pub(super) id: Uuid,
    pub(super) budget: Uuid,
    pub(super) threshold: rust_decimal::Decimal,
    pub(super) basis: String,
    /// How long the amount lasted that was crossed.
    pub(super) period: String,
    pub(super) period_start: NaiveDate,
    pub(super) period_end: NaiveDate,
    pub(super) raised_at: DateTime<Utc>,
    /// Whether the same threshold was crossed anew since, of another amount.
    pub(super) superseded: bool,
}

/// The budgets' alerts that are not resolved.
pub(super) async fn unresolved(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<Unresolved>> {
    sqlx::query_as!(
        Unresolved,
        r#"
        SELECT a.id, c.budget_id AS budget, c.threshold, c.basis, r.period, c.period_start, c.period_end, a.raised_at,
            EXISTS (SELECT FROM budget_crossings n WHERE n.organization_id = c.organization_id AND n.budget_id = c.budget_id
                AND n.period_start = c.period_start AND n.threshold = c.threshold AND n.basis = c.basis
                AND n.revision > c.revision AND NOT n.carried) AS "superseded!"
        FROM alerts a JOIN budget_crossings c ON c.organization_id = a.organization_id AND c.id = a.crossing_id
            JOIN budget_revisions r
                ON r.organization_id = c.organization_id AND r.budget_id = c.budget_id AND r.revision = c.revision
        WHERE a.organization_id = $1 AND a.status <> 'resolved'
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await
}

/// What tells a threshold's crossings in a period from all others, whichever the amount.
pub(super) type DippedKey = (Uuid, NaiveDate, Percent, AlertBasis);

/// Of each threshold's latest alert in a period that runs: those that were over by themselves, and were told last before a time.
pub(super) async fn dipped(
    conn: &mut PgConnection,
    organization: OrganizationId,
    today: NaiveDate,
    told_before: DateTime<Utc>,
) -> sqlx::Result<HashMap<DippedKey, Uuid>> {
    let rows = sqlx::query!(
        r#"
        SELECT DISTINCT ON (c.budget_id, c.period_start, c.threshold, c.basis)
            c.budget_id, c.period_start, c.threshold, c.basis, a.id,
            a.status = 'resolved' AND a.resolved_by IS NULL AND coalesce(a.reopened_at, a.raised_at) <= $3 AS "dipped!"
        FROM budget_crossings c JOIN alerts a ON a.organization_id = c.organization_id AND a.crossing_id = c.id
        WHERE c.organization_id = $1 AND c.period_start <= $2 AND c.period_end > $2
        ORDER BY c.budget_id, c.period_start, c.threshold, c.basis, c.revision DESC
        "#,
        organization as OrganizationId,
        today,
        told_before
    )
    .fetch_all(conn)
    .await?;
    let basis = |name: &str| AlertBasis::from_name(name).unwrap_or(AlertBasis::Actual);
    let dipped = rows.into_iter().filter(|row| row.dipped);
    Ok(dipped.map(|r| ((r.budget_id, r.period_start, Percent(r.threshold), basis(&r.basis)), r.id)).collect())
}

/// Opens an alert again that was over by itself. False where it is not.
pub(super) async fn reopen(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    facts: &Facts,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let written = sqlx::query!(
        "UPDATE alerts SET status = 'open', facts = $3, reopened_at = $4, resolved_at = NULL, resolved_because = NULL,
            acknowledged_at = NULL, acknowledged_by = NULL
        WHERE organization_id = $1 AND id = $2 AND status = 'resolved' AND resolved_by IS NULL",
        organization as OrganizationId,
        id,
        Json(facts) as _,
        now
    )
    .execute(conn)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// Says anew what was found.
pub(super) async fn set_facts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    facts: &Facts,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE alerts SET facts = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        id,
        Json(facts) as _
    )
    .execute(conn)
    .await
    .map(drop)
}

impl New<'_> {
    /// As it is stored.
    pub(super) fn stored(&self) -> Stored {
        Stored {
            id: self.id,
            kind: self.kind,
            severity: self.severity,
            status: AlertStatus::Open,
            facts: self.facts.clone(),
            raised_at: self.raised_at,
            acknowledged: None,
            resolved: None,
            ended: None,
        }
    }
}

/// The alerts of a kind that are not resolved, by what they are about.
pub(super) async fn open_by_key(
    conn: &mut PgConnection,
    organization: OrganizationId,
    kind: AlertKind,
) -> sqlx::Result<BTreeMap<String, Uuid>> {
    let rows = sqlx::query!(
        "SELECT subject_key, id FROM alerts WHERE organization_id = $1 AND kind = $2 AND status <> 'resolved'",
        organization as OrganizationId,
        kind.name()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subject_key, row.id)).collect())
}

/// What alerts of a kind were about that somebody resolved since a time.
pub(super) async fn resolved_since(
    conn: &mut PgConnection,
    organization: OrganizationId,
    kind: AlertKind,
    since: DateTime<Utc>,
) -> sqlx::Result<BTreeSet<String>> {
    let keys = sqlx::query_scalar!(
        "SELECT DISTINCT subject_key FROM alerts
        WHERE organization_id = $1 AND kind = $2 AND resolved_by IS NOT NULL AND resolved_at > $3",
        organization as OrganizationId,
        kind.name(),
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(keys.into_iter().collect())
}

/// What an organization said of a rule.
pub(super) async fn rule(
    conn: &mut PgConnection,
    organization: OrganizationId,
    kind: AlertKind,
) -> sqlx::Result<Option<(bool, AlertAction)>> {
    let row = sqlx::query!(
        "SELECT enabled, action FROM alert_rules WHERE organization_id = $1 AND kind = $2",
        organization as OrganizationId,
        kind.name()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.enabled, AlertAction::from_name(&row.action).unwrap_or(AlertAction::Both))))
}

/// Says what a rule does.
pub(super) async fn set_rule(
    conn: &mut PgConnection,
    organization: OrganizationId,
    kind: AlertKind,
    (enabled, action): (bool, AlertAction),
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO alert_rules (organization_id, kind, enabled, action) VALUES ($1, $2, $3, $4)
        ON CONFLICT (organization_id, kind) DO UPDATE SET enabled = EXCLUDED.enabled, action = EXCLUDED.action",
        organization as OrganizationId,
        kind.name(),
        enabled,
        action.name()
    )
    .execute(conn)
    .await
    .map(drop)
}
