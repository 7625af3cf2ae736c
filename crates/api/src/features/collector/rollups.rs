//! Proving that the rollup is what its lines add up to, and making it so.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use super::store::Slice;
use crate::features::organizations;
use crate::platform::db::OrganizationId;
use crate::platform::state::State;

/// What was found, of all organizations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RollupReport {
    /// Organizations looked at.
    pub organizations: i64,
    /// Days (of usage: hours) of an account whose sums differ from their lines.
    pub differing: i64,
    /// Of those, computed anew.
    pub repaired: i64,
}

struct Differing {
    provider: String,
    account: String,
    api_version: String,
    day: NaiveDate,
}

/// Compares every day's sums with their lines, to the last decimal, and computes anew what differs if told to.
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
        let found = differing(&mut tx, organization).await?;
        tx.commit().await?;
        report.organizations += 1;
        for day in found {
            report.differing += 1;
            if repair {
                rebuild(state, organization, &day).await?;
                report.repaired += 1;
            }
        }
    }
    Ok(report)
}

async fn rebuild(state: &State, organization: OrganizationId, day: &Differing) -> sqlx::Result<()> {
    let slice = Slice { organization, provider: &day.provider, account: &day.account, api_version: &day.api_version };
    let mut tx = state.db.background().tenant(organization).await?;
    slice.lock(&mut tx).await?;
    slice.rebuild_rollup(&mut tx, &[day.day]).await?;
    tx.commit().await
}

async fn differing(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<Differing>> {
    sqlx::query_as!(
        Differing,
        r#"
        WITH l AS (
            SELECT (bucket_start AT TIME ZONE 'UTC')::date AS day, provider, provider_account, api_version, team_id,
                currency, coalesce(project_id, '00000000-0000-0000-0000-000000000000') AS project, sum(amount) AS amount,
                count(*) AS lines
            FROM billed_costs WHERE organization_id = $1 GROUP BY 1, 2, 3, 4, 5, 6, 7
        ), d AS (
            SELECT day, provider, provider_account, api_version, team_id, currency,
                coalesce(project_id, '00000000-0000-0000-0000-000000000000') AS project, amount, lines
            FROM billed_daily WHERE organization_id = $1
        )
        SELECT DISTINCT provider AS "provider!", provider_account AS "account!", api_version AS "api_version!", day AS "day!"
        FROM l FULL JOIN d USING (day, provider, provider_account, api_version, team_id, currency, project)
        WHERE l.amount IS DISTINCT FROM d.amount OR l.lines IS DISTINCT FROM d.lines
        ORDER BY 4, 1, 2, 3
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await
}
