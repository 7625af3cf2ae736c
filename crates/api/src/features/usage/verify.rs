//! Proving that the hourly sums are what their events add up to, and making it so while events come in.
//!
//! An event and what it adds are one transaction, so what a statement sees of the two belongs together: the difference
//! it finds (`finops_usage_hourly_drift`) is real, and adding it to the sums is right whatever was added meanwhile.
//! Whoever stores events does not wait for it; folding does (`fold`).
//!
//! Sums outlive their events. Days of which events were deleted (`usage_kept`) are left alone.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::fold;
use crate::features::organizations;
use crate::platform::db::OrganizationId;
use crate::platform::state::State;

/// What was found, of all organizations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageReport {
    /// UTC days of an organization that were looked at.
    pub days: usize,
    /// Hours, days and grains whose sums differ from their events.
    pub differing: usize,
    /// Of those, mended.
    pub repaired: usize,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// An hour whose sums differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Whose.
    pub organization_id: Uuid,
    /// The hour; of a day, its first.
    pub hour: DateTime<Utc>,
    /// Which sums: the table's name.
    pub grain: &'static str,
    /// How many of them.
    pub sums: i64,
}

/// The grains.
#[derive(Clone, Copy, Debug)]
enum Grain {
    Dimension,
    Daily,
    Hourly,
    Outcome,
}

impl Grain {
    const ALL: [Self; 4] = [Self::Dimension, Self::Daily, Self::Hourly, Self::Outcome];

    const fn name(self) -> &'static str {
        match self {
            Self::Dimension => "usage_dimension_hourly",
            Self::Daily => "usage_daily",
            Self::Hourly => "usage_hourly",
            Self::Outcome => "usage_outcome_hourly",
        }
    }
}

/// An hour and how many of its sums differ.
struct Found {
    hour: DateTime<Utc>,
    sums: i64,
}

/// Compares every day's sums with its events, to the last decimal, and mends what differs if told to.
///
/// # Errors
/// The database's. What was mended before stays.
pub async fn verify(state: &State, repair: bool) -> sqlx::Result<UsageReport> {
    let mut tx = state.db.background().platform().await?;
    let organizations = organizations::ids(&mut tx).await?;
    tx.commit().await?;
    let mut report = UsageReport::default();
    for organization in organizations {
        let mut tx = state.db.background().tenant(organization).await?;
        let days = days(&mut tx, organization).await?;
        tx.commit().await?;
        for day in days {
            let differences = compare(state, organization, day, repair).await?;
            report.days += 1;
            report.differing += differences.len();
            report.repaired += if repair { differences.len() } else { 0 };
            report.differences.extend(differences);
        }
    }
    Ok(report)
}

async fn compare(
    state: &State,
    organization: OrganizationId,
    day: NaiveDate,
    repair: bool,
) -> sqlx::Result<Vec<Difference>> {
    let mut differences = Vec::new();
    let mut tx = state.db.background().tenant(organization).await?;
    if repair {
        fold::lock(&mut tx, organization).await?;
    }
    for grain in Grain::ALL {
        let found = match (grain, repair) {
            (grain, false) => drift(&mut tx, organization, day, grain).await?,
            (Grain::Hourly, true) => mend_hourly(&mut tx, organization, day).await?,
            (Grain::Daily, true) => mend_daily(&mut tx, organization, day).await?,
            (Grain::Dimension, true) => mend_dimension(&mut tx, organization, day).await?,
            (Grain::Outcome, true) => mend_outcome(&mut tx, organization, day).await?,
        };
        differences.extend(found.into_iter().map(|Found { hour, sums }| Difference {
            organization_id: organization.0,
            hour,
            grain: grain.name(),
            sums,
        }));
    }
    tx.commit().await?;
    Ok(differences)
}

/// The days that have events or sums, from the first to the last, of those whose events are kept.
async fn days(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<NaiveDate>> {
    sqlx::query_scalar!(
        r#"
        WITH times AS (
            SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM usage_events WHERE organization_id = $1
            UNION ALL SELECT min(hour), max(hour) FROM usage_sums WHERE organization_id = $1
            UNION ALL SELECT min(hour), max(hour) FROM usage_dimension_sums WHERE organization_id = $1
            UNION ALL SELECT min(hour), max(hour) FROM usage_outcome_sums WHERE organization_id = $1
            UNION ALL SELECT min(occurred_at), max(occurred_at) FROM usage_outcomes WHERE organization_id = $1
        )
        SELECT generate_series(
            greatest(min(first AT TIME ZONE 'UTC')::date, (SELECT since FROM usage_kept WHERE organization_id = $1)),
            max(last AT TIME ZONE 'UTC')::date, interval '1 day')::date AS "day!"
        FROM times
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await
}

/// The hours of a day of which sums of one kind differ from what they are sums of. Of the others nothing is read.
async fn drift(conn: &mut PgConnection, of: OrganizationId, day: NaiveDate, grain: Grain) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as!(
        Found,
        r#"
        SELECT hour AS "hour!", count(*) AS "sums!" FROM (
            SELECT hour FROM finops_usage_hourly_drift($1, $2) WHERE $3 = 'usage_hourly'
            UNION ALL SELECT hour FROM finops_usage_dimension_drift($1, $2) WHERE $3 = 'usage_dimension_hourly'
            UNION ALL SELECT hour FROM finops_usage_outcome_drift($1, $2) WHERE $3 = 'usage_outcome_hourly'
            UNION ALL SELECT day::timestamp AT TIME ZONE 'UTC' FROM finops_usage_daily_drift($1, $2) WHERE $3 = 'usage_daily'
        ) AS differing GROUP BY 1 ORDER BY 1
        "#,
        of as OrganizationId,
        day,
        grain.name()
    )
    .fetch_all(conn)
    .await
}

/// Makes a function that adds to a day's sums what they lack, and takes away those to which nothing adds. `$add` is the
/// statement that adds, `$hour` of what it changes the hour, and `$empty` what `DELETE FROM` deletes of these hours (`$2`).
///
/// What is added to what, column by column, is what `fold.sql` does when it folds. sqlx reads text, not what other macros make
/// of it, so the columns stand in both.
macro_rules! mend {
    ($name:ident, $add:literal, $hour:literal, $empty:literal) => {
        async fn $name(conn: &mut PgConnection, of: OrganizationId, day: NaiveDate) -> sqlx::Result<Vec<Found>> {
            let found = sqlx::query_as!(
                Found,
                "WITH mended AS ("
                    + $add
                    + " RETURNING "
                    + $hour
                    + " AS hour)"
                    + r#" SELECT hour AS "hour!", count(*) AS "sums!" FROM mended GROUP BY 1 ORDER BY 1"#,
                of as OrganizationId,
                day
            )
            .fetch_all(&mut *conn)
            .await?;
            let hours: Vec<DateTime<Utc>> = found.iter().map(|found| found.hour).collect();
            sqlx::query!("DELETE FROM " + $empty, of as OrganizationId, &hours).execute(conn).await?;
            Ok(found)
        }
    };
}

mend!(
    mend_hourly,
    r#"INSERT INTO usage_hourly AS h SELECT * FROM finops_usage_hourly_drift($1, $2)
    ON CONFLICT (organization_id, hour, project_id, team_id, environment, provider, model, service) DO UPDATE SET
        events = h.events + excluded.events, failed = h.failed + excluded.failed,
        unpriced = h.unpriced + excluded.unpriced, free = h.free + excluded.free,
        input = h.input + excluded.input, cached_input = h.cached_input + excluded.cached_input,
        cache_write_5m = h.cache_write_5m + excluded.cache_write_5m,
        cache_write_1h = h.cache_write_1h + excluded.cache_write_1h,
        output = h.output + excluded.output, reasoning = h.reasoning + excluded.reasoning,
        audio_input = h.audio_input + excluded.audio_input, audio_output = h.audio_output + excluded.audio_output,
        image = h.image + excluded.image, "character" = h."character" + excluded."character",
        request = h.request + excluded.request, search = h.search + excluded.search,
        unsplit = h.unsplit + excluded.unsplit, "second" = h."second" + excluded."second",
        cost = h.cost + excluded.cost, reported_cost = h.reported_cost + excluded.reported_cost,
        latency = finops_add_buckets(h.latency, excluded.latency)"#,
    "hour",
    "usage_hourly WHERE organization_id = $1 AND hour = ANY ($2) AND events = 0"
);

mend!(
    mend_daily,
    r#"INSERT INTO usage_daily AS h SELECT * FROM finops_usage_daily_drift($1, $2)
    ON CONFLICT (organization_id, day, project_id, team_id, environment, provider, model, service) DO UPDATE SET
        events = h.events + excluded.events, failed = h.failed + excluded.failed,
        unpriced = h.unpriced + excluded.unpriced, free = h.free + excluded.free,
        input = h.input + excluded.input, cached_input = h.cached_input + excluded.cached_input,
        cache_write_5m = h.cache_write_5m + excluded.cache_write_5m,
        cache_write_1h = h.cache_write_1h + excluded.cache_write_1h,
        output = h.output + excluded.output, reasoning = h.reasoning + excluded.reasoning,
        audio_input = h.audio_input + excluded.audio_input, audio_output = h.audio_output + excluded.audio_output,
        image = h.image + excluded.image, "character" = h."character" + excluded."character",
        request = h.request + excluded.request, search = h.search + excluded.search,
        unsplit = h.unsplit + excluded.unsplit, "second" = h."second" + excluded."second",
        cost = h.cost + excluded.cost, reported_cost = h.reported_cost + excluded.reported_cost"#,
    "day::timestamp AT TIME ZONE 'UTC'",
    "usage_daily WHERE organization_id = $1 AND events = 0
        AND day IN (SELECT (hour AT TIME ZONE 'UTC')::date FROM unnest($2::timestamptz[]) AS hour)"
);

mend!(
    mend_dimension,
    r#"INSERT INTO usage_dimension_hourly AS h SELECT * FROM finops_usage_dimension_drift($1, $2)
    ON CONFLICT (organization_id, dimension, hour, value, project_id, team_id, provider) DO UPDATE SET
        events = h.events + excluded.events, failed = h.failed + excluded.failed,
        unpriced = h.unpriced + excluded.unpriced, tokens = h.tokens + excluded.tokens,
        cost = h.cost + excluded.cost, reported_cost = h.reported_cost + excluded.reported_cost"#,
    "hour",
    "usage_dimension_hourly WHERE organization_id = $1 AND dimension IN ('learner', 'user', 'api_key', 'task_type')
        AND hour = ANY ($2) AND events = 0"
);

mend!(
    mend_outcome,
    r#"INSERT INTO usage_outcome_hourly AS h SELECT * FROM finops_usage_outcome_drift($1, $2)
    ON CONFLICT (organization_id, project_id, hour, team_id, task_type, provider, model) DO UPDATE SET
        successes = h.successes + excluded.successes, failures = h.failures + excluded.failures,
        others = h.others + excluded.others, scores = h.scores + excluded.scores, score = h.score + excluded.score"#,
    "hour",
    "usage_outcome_hourly WHERE organization_id = $1 AND hour = ANY ($2)
        AND (successes, failures, others, scores) = (0, 0, 0, 0)"
);
