//! Sums of projects' calls and of what came of them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{CallSums, Tally};
use super::intents::OfIntent;
use crate::features::costs::Days;
use crate::platform::db::OrganizationId;
use crate::platform::exact::Exact;

/// A question about projects: from when until when, by whose days.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) organization: OrganizationId,
    pub(super) projects: &'a [Uuid],
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) days: Days,
}

/// What a sum is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    /// The whole project's.
    All,
    Day(NaiveDate),
    TaskType(Option<String>),
    /// A provider's model.
    Model(Option<String>, Option<String>),
}

/// What `GROUPING` says of a row that is not summed up by something.
const WHOLE: i32 = 1;

/// Outcomes and scores of each project: all, by day, by task type and by model.
pub(super) async fn outcomes(conn: &mut PgConnection, of: &Question<'_>) -> sqlx::Result<Vec<(Uuid, Of, Tally)>> {
    let rows = sqlx::query!(
        r#"
        SELECT project_id AS "project_id!", (hour AT TIME ZONE $5)::date AS day, task_type, provider, model, grouping((hour AT TIME ZONE $5)::date) AS "no_day!",
            grouping(task_type) AS "no_task!", grouping(provider) AS "no_model!",
            coalesce(sum(successes), 0)::bigint AS "successes!", coalesce(sum(failures), 0)::bigint AS "failures!",
            coalesce(sum(others), 0)::bigint AS "others!", coalesce(sum(scores), 0)::bigint AS "scores!",
            coalesce(sum(score), 0) AS "score!: Exact"
        FROM usage_outcome_sums
        WHERE organization_id = $1 AND project_id = ANY ($2) AND hour >= $3 AND hour < $4
        GROUP BY project_id, GROUPING SETS ((), ((hour AT TIME ZONE $5)::date), (task_type), (provider, model))
        "#,
        of.organization as OrganizationId,
        of.projects,
        of.from,
        of.to,
        of.days.name()
    )
    .fetch_all(conn)
    .await?;
    let tallies = rows.into_iter().map(|row| {
        let tally = Tally {
            successes: row.successes,
            failures: row.failures,
            others: row.others,
            scores: row.scores,
            score: row.score.0,
        };
        let of = match (row.no_day == WHOLE, row.no_task == WHOLE, row.no_model == WHOLE) {
            (false, _, _) => row.day.map_or(Of::All, Of::Day),
            (_, false, _) => Of::TaskType(row.task_type),
            (_, _, false) => Of::Model(row.provider, row.model),
            _ => Of::All,
        };
        (row.project_id, of, tally)
    });
    // What was taken away again leaves sums of nothing.
    Ok(tallies.filter(|(_, _, tally)| !tally.is_empty()).collect())
}

/// Calls of each project as they were reported: all, by day and by model.
pub(super) async fn calls(conn: &mut PgConnection, of: &Question<'_>) -> sqlx::Result<Vec<(Uuid, Of, CallSums)>> {
    let rows = sqlx::query!(
        r#"
        SELECT project_id AS "project_id!", (hour AT TIME ZONE $5)::date AS day, provider AS "provider?", model AS "model?",
            grouping((hour AT TIME ZONE $5)::date) AS "no_day!", grouping(provider) AS "no_model!",
            sum(events)::bigint AS "calls!", sum(failed)::bigint AS "failed!", sum(unpriced)::bigint AS "unpriced!",
            sum(cost) AS "cost!: Exact"
        FROM usage_sums
        WHERE organization_id = $1 AND project_id = ANY ($2) AND hour >= $3 AND hour < $4
        GROUP BY project_id, GROUPING SETS ((), ((hour AT TIME ZONE $5)::date), (provider, model))
        HAVING sum(events) > 0
        "#,
        of.organization as OrganizationId,
        of.projects,
        of.from,
        of.to,
        of.days.name()
    )
    .fetch_all(conn)
    .await?;
    let sums = rows.into_iter().map(|row| {
        let sums = CallSums { calls: row.calls, failed: row.failed, unpriced: row.unpriced, cost: row.cost.0 };
        let of = match (row.no_day == WHOLE, row.no_model == WHOLE) {
            (false, _) => row.day.map_or(Of::All, Of::Day),
            (_, false) => Of::Model(row.provider, row.model),
            _ => Of::All,
        };
        (row.project_id, of, sums)
    });
    Ok(sums.collect())
}

/// Calls of the projects as they were reported, of those that name a task type, by it.
pub(super) async fn calls_by_task_type(
    conn: &mut PgConnection,
    of: &Question<'_>,
) -> sqlx::Result<Vec<(String, CallSums)>> {
    let rows = sqlx::query!(
        r#"
        SELECT value AS "task_type!", sum(events)::bigint AS "calls!", sum(failed)::bigint AS "failed!",
            sum(unpriced)::bigint AS "unpriced!", sum(cost) AS "cost!: Exact"
        FROM usage_dimension_sums
        WHERE organization_id = $1 AND dimension = 'task_type' AND project_id = ANY ($2) AND hour >= $3 AND hour < $4
        GROUP BY value HAVING sum(events) > 0
        "#,
        of.organization as OrganizationId,
        of.projects,
        of.from,
        of.to
    )
    .fetch_all(conn)
    .await?;
    let sums = rows.into_iter().map(|row| {
        let sums = CallSums { calls: row.calls, failed: row.failed, unpriced: row.unpriced, cost: row.cost.0 };
        (row.task_type, sums)
    });
    Ok(sums.collect())
}

/// Since when an organization's events are all there; nothing where none were deleted.
pub(super) async fn kept_since(
    conn: &mut PgConnection,
    organization: OrganizationId,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"SELECT since::timestamp AT TIME ZONE 'UTC' AS "since!" FROM usage_kept WHERE organization_id = $1"#,
        organization as OrganizationId
    )
    .fetch_optional(conn)
    .await
}

/// How many calls all of an organization's projects reported, by hour.
pub(super) async fn calls_by_hour(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<BTreeMap<DateTime<Utc>, i64>> {
    let rows = sqlx::query!(
        r#"
        SELECT hour AS "hour!", sum(events)::bigint AS "calls!" FROM usage_sums
        WHERE organization_id = $1 AND hour >= $2 AND hour < $3 GROUP BY hour
        "#,
        organization as OrganizationId,
        from,
        to
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.hour, row.calls)).collect())
}

/// Calls of a project and what came of them by intent, the dearest first: so many of them, those that name none, and the
/// others together. What was told of a call later counts instead of what its event said, as in `usage_outcome_sums`.
pub(super) async fn by_intent(conn: &mut PgConnection, of: &Question<'_>, most: i32) -> sqlx::Result<Vec<OfIntent>> {
    let rows = sqlx::query!(
        r#"
        WITH said AS (
            SELECT e.intent, 1 AS calls, e.failed::int AS failed, (e.cost IS NULL)::int AS unpriced, e.cost, 1::bigint AS outcomes,
                CASE WHEN o.event_key IS NULL THEN e.outcome ELSE o.outcome END AS outcome,
                CASE WHEN o.event_key IS NULL THEN e.feedback_score ELSE o.score END AS score
            FROM usage_events e LEFT JOIN usage_event_outcomes o
                ON o.organization_id = $1 AND o.event_key = e.event_key AND o.occurred_at = e.occurred_at
            WHERE e.organization_id = $1 AND e.project_id = ANY ($2) AND e.occurred_at >= $3 AND e.occurred_at < $4
            UNION ALL
            SELECT t.intent, 0, 0, 0, NULL, t.outcomes, t.outcome, t.score FROM usage_outcomes t
            WHERE t.organization_id = $1 AND t.project_id = ANY ($2) AND t.event_at IS NULL
                AND t.occurred_at >= $3 AND t.occurred_at < $4
        ), sums AS (
            SELECT intent, sum(calls) AS calls, sum(failed) AS failed, sum(unpriced) AS unpriced,
                coalesce(sum(cost), 0) AS cost, sum(outcomes) FILTER (WHERE finops_outcome(outcome) = 'success') AS successes,
                sum(outcomes) FILTER (WHERE finops_outcome(outcome) = 'failure') AS failures,
                sum(outcomes) FILTER (WHERE finops_outcome(outcome) = 'other') AS others,
                sum(outcomes) FILTER (WHERE score IS NOT NULL) AS scores, sum(score * outcomes) AS score
            FROM said GROUP BY intent
        ), ranked AS (
            SELECT *, CASE WHEN intent IS NULL THEN 0 ELSE least($5::int + 1,
                row_number() OVER (PARTITION BY intent IS NULL ORDER BY cost DESC, calls DESC, intent))::int END AS place
            FROM sums
        )
        SELECT place AS "place!", CASE WHEN place <= $5 THEN min(intent) END AS intent, count(*) AS "intents!",
            sum(calls)::bigint AS "calls!", sum(failed)::bigint AS "failed!", sum(unpriced)::bigint AS "unpriced!",
            sum(cost) AS "cost!: Exact", coalesce(sum(successes), 0)::bigint AS "successes!",
            coalesce(sum(failures), 0)::bigint AS "failures!", coalesce(sum(others), 0)::bigint AS "others!",
            coalesce(sum(scores), 0)::bigint AS "scores!", coalesce(sum(score), 0) AS "score!: Exact"
        FROM ranked GROUP BY place ORDER BY place = 0, place
        "#,
        of.organization as OrganizationId,
        of.projects,
        of.from,
        of.to,
        most
    )
    .fetch_all(conn)
    .await?;
    let told = rows.into_iter().map(|row| OfIntent {
        place: row.place,
        intent: row.intent,
        intents: row.intents,
        calls: CallSums { calls: row.calls, failed: row.failed, unpriced: row.unpriced, cost: row.cost.0 },
        tally: Tally {
            successes: row.successes,
            failures: row.failures,
            others: row.others,
            scores: row.scores,
            score: row.score.0,
        },
    });
    Ok(told.collect())
}

/// Every project that there is or was.
pub(super) async fn projects(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("SELECT id FROM projects WHERE organization_id = $1", organization as OrganizationId)
        .fetch_all(conn)
        .await
}
