//! What the figures are made of.

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::alerts::{AlertKind, AlertSeverity};
use sqlx::PgConnection;

use crate::platform::db::OrganizationId;
use crate::platform::exact::Exact;

/// What something with a name cost. No name is none.
pub(super) struct NamedCost {
    pub(super) name: Option<String>,
    pub(super) cost: Exact,
}

/// What each service's calls cost in a period, the most first, by events.
pub(super) async fn by_service(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<Vec<NamedCost>> {
    sqlx::query_as!(
        NamedCost,
        r#"SELECT service AS "name?", sum(cost) AS "cost!: Exact" FROM usage_sums
        WHERE organization_id = $1 AND hour >= $2 AND hour < $3 GROUP BY service ORDER BY 2 DESC, 1"#,
        organization as OrganizationId,
        from,
        to
    )
    .fetch_all(conn)
    .await
}

/// What each learner's calls cost in a period, the most first, by events.
pub(super) async fn by_learner(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<Vec<NamedCost>> {
    sqlx::query_as!(
        NamedCost,
        r#"SELECT value AS "name?", sum(cost) AS "cost!: Exact" FROM usage_dimension_sums
        WHERE organization_id = $1 AND dimension = 'learner' AND hour >= $2 AND hour < $3 GROUP BY value ORDER BY 2 DESC, 1"#,
        organization as OrganizationId,
        from,
        to
    )
    .fetch_all(conn)
    .await
}

/// Tokens of a model.
pub(super) struct ModelTokens {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) tokens: i64,
}

/// Tokens of each model's calls since ever, by events, in the order in which models came up: sums are kept for good, so they only
/// grow, and so does what later models have together.
pub(super) async fn tokens(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<ModelTokens>> {
    sqlx::query_as!(
        ModelTokens,
        r#"SELECT provider AS "provider!", model AS "model!", sum(input + cached_input + cache_write_5m + cache_write_1h + output
            + reasoning + audio_input + audio_output + unsplit)::bigint AS "tokens!"
        FROM usage_daily_sums WHERE organization_id = $1 GROUP BY provider, model ORDER BY min(day), 1, 2"#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await
}

/// How many alerts of a kind and severity are not resolved.
pub(super) struct OpenAlerts {
    pub(super) kind: String,
    pub(super) severity: String,
    pub(super) alerts: i64,
}

/// The alerts that are not resolved; of budgets' kinds that have none too, so that a line falls to zero.
pub(super) async fn open_alerts(
    conn: &mut PgConnection,
    organization: OrganizationId,
) -> sqlx::Result<Vec<OpenAlerts>> {
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    sqlx::query_as!(
        OpenAlerts,
        r#"SELECT k AS "kind!", s AS "severity!", count(a.id) AS "alerts!"
        FROM unnest($2::text[]) k CROSS JOIN unnest($3::text[]) s
            LEFT JOIN alerts a ON a.organization_id = $1 AND a.status <> 'resolved' AND a.kind = k AND a.severity = s
        GROUP BY k, s"#,
        organization as OrganizationId,
        &names(&AlertKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>()),
        &names(&AlertSeverity::ALL.iter().map(|severity| severity.name()).collect::<Vec<_>>())
    )
    .fetch_all(conn)
    .await
}

/// A month of the organization's calendar so far, in days.
pub(super) fn month_so_far(first: NaiveDate, today: NaiveDate) -> (NaiveDate, NaiveDate) {
    (first, today.succ_opt().unwrap_or(today))
}
