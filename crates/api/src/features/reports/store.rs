//! Rows of reports: what was sent, to whom, and what is read for one.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::accounts::Locale;
use finops_contract::costs::Named;
use finops_contract::projects::Environment;
use finops_contract::reports::{ReportReader, WeeklyReport};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::features::costs::Days;
use crate::platform::auth::OpaqueToken;
use crate::platform::db::OrganizationId;
use crate::platform::exact::Exact;

/// Writes a report down as it is sent. False where the week's was sent already.
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    report: &WeeklyReport,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let written = sqlx::query!(
        "
        INSERT INTO weekly_reports (organization_id, week, id, report, sent_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        ",
        organization as OrganizationId,
        report.from,
        id,
        Json(report) as _,
        now
    )
    .execute(conn)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// Writes down to whom it goes, and by which token they are told.
pub(super) async fn insert_send(
    conn: &mut PgConnection,
    organization: OrganizationId,
    week: NaiveDate,
    (email, locale): (&str, Locale),
    token: &OpaqueToken,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        INSERT INTO weekly_report_sends (organization_id, week, email, locale, token_hash) VALUES ($1, $2, $3, $4, $5)
        ",
        organization as OrganizationId,
        week,
        email,
        locale.tag(),
        token.hash()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A week's report as it was sent.
pub(super) async fn sent(
    conn: &mut PgConnection,
    organization: OrganizationId,
    week: NaiveDate,
) -> sqlx::Result<Option<WeeklyReport>> {
    let report = sqlx::query_scalar!(
        r#"SELECT report AS "report: Json<WeeklyReport>" FROM weekly_reports WHERE organization_id = $1 AND week = $2"#,
        organization as OrganizationId,
        week
    )
    .fetch_optional(conn)
    .await?;
    Ok(report.map(|report| report.0))
}

/// The weeks whose reports were sent, and when, the latest first.
pub(super) async fn sent_weeks(
    conn: &mut PgConnection,
    organization: OrganizationId,
    most: i64,
) -> sqlx::Result<Vec<(NaiveDate, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        "SELECT week, sent_at FROM weekly_reports WHERE organization_id = $1 ORDER BY week DESC LIMIT $2",
        organization as OrganizationId,
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.week, row.sent_at)).collect())
}

/// Who got the reports of some weeks, and what they did with them.
pub(super) async fn readers(
    conn: &mut PgConnection,
    organization: OrganizationId,
    weeks: &[NaiveDate],
) -> sqlx::Result<BTreeMap<NaiveDate, Vec<ReportReader>>> {
    let rows = sqlx::query!(
        "
        SELECT week, email, opened_at, clicked_at FROM weekly_report_sends
        WHERE organization_id = $1 AND week = ANY ($2) ORDER BY week, email
        ",
        organization as OrganizationId,
        weeks
    )
    .fetch_all(conn)
    .await?;
    let mut readers: BTreeMap<NaiveDate, Vec<ReportReader>> = BTreeMap::new();
    for row in rows {
        let reader = ReportReader { email: row.email, opened_at: row.opened_at, clicked_at: row.clicked_at };
        readers.entry(row.week).or_default().push(reader);
    }
    Ok(readers)
}

/// What a recipient does with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    Opened,
    Followed,
}

/// Writes down that the bearer of a token did so for the first time. In the platform scope: nobody is signed in.
pub(super) async fn note(
    conn: &mut PgConnection,
    token: &OpaqueToken,
    did: Did,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE weekly_report_sends SET opened_at = CASE WHEN $2 THEN opened_at ELSE coalesce(opened_at, $3) END,
            clicked_at = CASE WHEN $2 THEN coalesce(clicked_at, $3) ELSE clicked_at END
        WHERE token_hash = $1 AND CASE WHEN $2 THEN clicked_at IS NULL ELSE opened_at IS NULL END
        ",
        token.hash(),
        did == Did::Followed,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A project that there is, with its team.
#[derive(Clone, Debug)]
pub(super) struct ProjectNames {
    pub(super) project: Named,
    pub(super) team: Named,
    pub(super) environment: Option<Environment>,
    pub(super) openai_project_id: Option<String>,
}

/// The projects that there are. Of those that were deleted there is nothing to be done.
pub(super) async fn projects(
    conn: &mut PgConnection,
    organization: OrganizationId,
) -> sqlx::Result<BTreeMap<Uuid, ProjectNames>> {
    let rows = sqlx::query!(
        r#"
        SELECT p.id, p.name, p.environment, p.openai_project_id, t.id AS team_id, t.name AS team_name, t.deleted_at IS NOT NULL AS "team_deleted!"
        FROM projects p JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
        WHERE p.organization_id = $1 AND p.deleted_at IS NULL
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    let names = rows.into_iter().map(|row| {
        let project = Named { id: row.id, name: row.name, deleted: false };
        let team = Named { id: row.team_id, name: row.team_name, deleted: row.team_deleted };
        let (environment, openai_project_id) = (Environment::from_name(&row.environment), row.openai_project_id);
        (row.id, ProjectNames { project, team, environment, openai_project_id })
    });
    Ok(names.collect())
}

/// What went into a model from a project.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) project: Uuid,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) calls: i64,
    /// Tokens, however they were read.
    pub(super) tokens: i64,
    /// Of those, what was read from a cache.
    pub(super) cached: i64,
}

/// Tokens that went in from one moment to another, by project and model.
pub(super) async fn inputs(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<Vec<Input>> {
    sqlx::query_as!(
        Input,
        r#"
        SELECT project_id AS "project!", provider AS "provider!", model AS "model!", sum(events)::bigint AS "calls!",
            sum(input + cached_input + cache_write_5m + cache_write_1h)::bigint AS "tokens!",
            sum(cached_input)::bigint AS "cached!"
        FROM usage_sums
        WHERE organization_id = $1 AND hour >= $2 AND hour < $3 AND project_id IS NOT NULL
        GROUP BY project_id, provider, model
        HAVING sum(input + cached_input + cache_write_5m + cache_write_1h) > 0 AND sum(events) > 0
        "#,
        organization as OrganizationId,
        from,
        to
    )
    .fetch_all(conn)
    .await
}

/// What a model's calls cost a project in a week, by what was reported.
#[derive(Clone, Debug)]
pub(super) struct ModelWeek {
    pub(super) week: NaiveDate,
    pub(super) project: Uuid,
    pub(super) model: String,
    pub(super) cost: Decimal,
    pub(super) unpriced: i64,
}

/// The models of every project that there is, week by week.
pub(super) async fn models(
    conn: &mut PgConnection,
    organization: OrganizationId,
    days: Days,
    (from, to): (NaiveDate, NaiveDate),
) -> sqlx::Result<Vec<ModelWeek>> {
    let rows = sqlx::query!(
        r#"
        SELECT date_trunc('week', hour AT TIME ZONE $4)::date AS "week!", project_id AS "project!", model AS "model!",
            sum(cost) AS "cost!: Exact", sum(unpriced)::bigint AS "unpriced!"
        FROM usage_sums
        WHERE organization_id = $1 AND hour >= $2 AND hour < $3 AND project_id IS NOT NULL
        GROUP BY 1, 2, 3
        "#,
        organization as OrganizationId,
        days.start(from),
        days.start(to),
        days.name()
    )
    .fetch_all(conn)
    .await?;
    let weeks = rows.into_iter().map(|row| {
        let (cost, unpriced) = (row.cost.0, row.unpriced);
        ModelWeek { week: row.week, project: row.project, model: row.model, cost, unpriced }
    });
    Ok(weeks.collect())
}

/// Something that somebody did.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) action: String,
    pub(super) target: Option<String>,
    pub(super) actor: String,
    pub(super) at: DateTime<Utc>,
    /// How often something of the kind was done in all.
    pub(super) count: i64,
}

/// What people did from one moment to another that changes what is spent: so many of each kind, the earliest first. A kind is
/// what the action is named after. What waits for a second person has not been done; what a block, or its lift, changes by
/// itself, and blocks that end with what they stopped or give way to others, are done by the same request as what is told.
pub(super) async fn done(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    (actions, by_blocks): (&[String], &[String]),
    most: i64,
) -> sqlx::Result<Vec<Done>> {
    sqlx::query_as!(
        Done,
        r#"
        SELECT action AS "action!", target_name AS target, actor_name AS "actor!", at AS "at!", count AS "count!" FROM (
            SELECT id, action, target_name, actor_name, at,
                row_number() OVER (PARTITION BY target_type ORDER BY id) AS number,
                count(*) OVER (PARTITION BY target_type) AS count
            FROM audit_log a
            WHERE organization_id = $1 AND at > $2 AND at < $3 AND action = ANY ($4) AND actor_type <> 'system'
                AND (action <> 'block.create' OR after ->> 'status' = 'active')
                AND (action <> 'block.lift' OR after ->> 'ended' = 'lifted')
                AND NOT (action = ANY ($6) AND EXISTS (
                    SELECT FROM audit_log b
                    WHERE b.organization_id = a.organization_id AND b.request_id = a.request_id AND b.at > $2 AND b.at < $3
                        AND b.target_type = 'block'))
        ) done WHERE number <= $5 ORDER BY id
        "#,
        organization as OrganizationId,
        from,
        to,
        actions,
        most,
        by_blocks
    )
    .fetch_all(conn)
    .await
}
