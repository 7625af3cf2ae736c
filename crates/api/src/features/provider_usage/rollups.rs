//! Proving that the sums are what their lines add up to, and making them so.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::store::{self, Slice};
use crate::features::collector::rollups::RollupReport;
use crate::features::organizations;
use crate::platform::db::OrganizationId;
use crate::platform::state::State;

struct Hour {
    provider: String,
    account: String,
    meter: String,
    hour: DateTime<Utc>,
}

struct Day {
    provider: String,
    account: String,
    day: NaiveDate,
}

/// Compares every hour's sums with its lines, where those are still kept, and every day's with its hours, to the last
/// decimal; computes anew what differs if told to.
///
/// # Errors
/// The database's. What was repaired before stays.
pub async fn verify(state: &State, repair: bool) -> sqlx::Result<RollupReport> {
    let mut tx = state.db.background().platform().await?;
    let organizations = organizations::ids(&mut tx).await?;
    tx.commit().await?;
    let mut report = RollupReport::default();
    for organization in organizations {
        let mut tx = state.db.background().tenant(organization).await?;
        let (hours, days) = (hours(&mut tx, organization).await?, days(&mut tx, organization).await?);
        tx.commit().await?;
        report.organizations += 1;
        report.differing += i64::try_from(hours.len() + days.len()).unwrap_or(i64::MAX);
        if !repair {
            continue;
        }
        for hour in hours {
            let mut tx = state.db.background().tenant(organization).await?;
            hold(&mut tx, organization, &hour.provider, &hour.account).await?;
            let slice = Slice { organization, provider: &hour.provider, account: &hour.account, meter: &hour.meter };
            slice.rebuild(&mut tx, &[hour.hour]).await?;
            tx.commit().await?;
            report.repaired += 1;
        }
        for day in days {
            let mut tx = state.db.background().tenant(organization).await?;
            hold(&mut tx, organization, &day.provider, &day.account).await?;
            store::rebuild_days(&mut tx, organization, &day.provider, &day.account, &[day.day]).await?;
            tx.commit().await?;
            report.repaired += 1;
        }
    }
    Ok(report)
}

/// Keeps pollers of an account waiting until the transaction ends.
async fn hold(
    conn: &mut PgConnection,
    organization: OrganizationId,
    provider: &str,
    account: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        SELECT provider_account FROM provider_usage_accounts
        WHERE organization_id = $1 AND provider = $2 AND provider_account = $3 FOR UPDATE
        ",
        organization as OrganizationId,
        provider,
        account
    )
    .fetch_optional(conn)
    .await
    .map(drop)
}

/// Hours whose sums differ from their lines.
async fn hours(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<Hour>> {
    sqlx::query_as!(
        Hour,
        r#"
        WITH l AS (
            SELECT date_trunc('hour', minute, 'UTC') AS hour, provider, provider_account, meter, provider_api_key_id, model,
                project_id, team_id, sum(requests) AS requests, coalesce(sum(calls) FILTER (WHERE cost IS NULL), 0) AS unpriced,
                sum(input) AS input, sum(cached_input) AS cached_input, sum(cache_write_5m) AS cache_write_5m,
                sum(output) AS output, sum(audio_input) AS audio_input, sum(audio_output) AS audio_output, sum(image) AS image,
                sum("character") AS "character", sum("second") AS "second", sum(session) AS session, sum(search) AS search,
                sum(bytes) AS bytes, coalesce(sum(cost), 0) AS cost
            FROM provider_usage WHERE organization_id = $1 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
        ), h AS (
            SELECT hour, provider, provider_account, meter, provider_api_key_id, model, project_id, team_id, requests::numeric,
                unpriced::numeric, input::numeric, cached_input::numeric, cache_write_5m::numeric, output::numeric,
                audio_input::numeric, audio_output::numeric, image::numeric, "character"::numeric, "second"::numeric,
                session::numeric, search::numeric, bytes::numeric, cost
            FROM provider_usage_hourly s WHERE organization_id = $1 AND EXISTS (SELECT FROM provider_usage_hours k
                WHERE k.organization_id = $1 AND k.provider = s.provider AND k.provider_account = s.provider_account
                    AND k.meter = s.meter AND k.hour = s.hour)
        )
        SELECT DISTINCT provider AS "provider!", provider_account AS "account!", meter AS "meter!", hour AS "hour!"
        FROM ((TABLE l EXCEPT TABLE h) UNION ALL (TABLE h EXCEPT TABLE l)) AS d ORDER BY 4, 1, 2, 3
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await
}

/// Days whose sums differ from their hours.
async fn days(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<Day>> {
    sqlx::query_as!(
        Day,
        r#"
        WITH h AS (
            SELECT (hour AT TIME ZONE 'UTC')::date AS day, provider, provider_account, project_id, team_id,
                sum(requests) AS requests, sum(unpriced) AS unpriced, sum(input) AS input, sum(cached_input) AS cached_input,
                sum(cache_write_5m) AS cache_write_5m, sum(output) AS output, sum(audio_input) AS audio_input,
                sum(audio_output) AS audio_output, sum(cost) AS cost
            FROM provider_usage_hourly WHERE organization_id = $1 GROUP BY 1, 2, 3, 4, 5
        ), d AS (
            SELECT day, provider, provider_account, project_id, team_id, requests::numeric, unpriced::numeric, input::numeric,
                cached_input::numeric, cache_write_5m::numeric, output::numeric, audio_input::numeric, audio_output::numeric,
                cost
            FROM provider_usage_daily WHERE organization_id = $1
        )
        SELECT DISTINCT provider AS "provider!", provider_account AS "account!", day AS "day!"
        FROM ((TABLE h EXCEPT TABLE d) UNION ALL (TABLE d EXCEPT TABLE h)) AS x ORDER BY 3, 1, 2
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await
}
