//! Where polling stands.

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::accounts::Locale;
use finops_contract::collector::{UsagePolling, UsagePollingStatus};
use finops_providers::UsageKind;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::features::collector;
use crate::platform::db::OrganizationId;

/// How the account of a team's active key is polled; nothing while none is known.
///
/// # Errors
/// The database's.
pub async fn of_team(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
    locale: Locale,
) -> sqlx::Result<Option<UsagePolling>> {
    let row = sqlx::query!(
        r#"
        SELECT coalesce(a.lease_until > now(), false) AS "running!", a.last_run_at AS "last_run_at?", a.last_success_at,
            a.last_error_code, a.last_error_at, (SELECT min(polled_through) FROM provider_usage_meters m
                WHERE m.organization_id = $1 AND m.provider = k.provider
                    AND m.provider_account = coalesce(n.provider_account, k.provider_account)) AS reach
        FROM admin_keys k
            LEFT JOIN account_aliases n ON n.organization_id = k.organization_id AND n.provider = k.provider
                AND n.name = k.provider_account
            LEFT JOIN provider_usage_accounts a ON a.organization_id = k.organization_id AND a.provider = k.provider
                AND a.provider_account = coalesce(n.provider_account, k.provider_account)
        WHERE k.organization_id = $1 AND k.team_id = $2 AND k.is_active AND k.provider_account IS NOT NULL
        "#,
        organization as OrganizationId,
        team
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| UsagePolling {
        status: match (row.running, &row.last_error_code, row.last_success_at) {
            (true, ..) => UsagePollingStatus::Running,
            (false, Some(_), _) => UsagePollingStatus::Failed,
            (false, None, Some(_)) => UsagePollingStatus::Healthy,
            (false, None, None) => UsagePollingStatus::NeverRun,
        },
        last_run_at: row.last_run_at,
        last_success_at: row.last_success_at,
        last_error: row.last_error_code.zip(row.last_error_at).map(|(code, at)| collector::describe(&code, at, locale)),
        polled_through: row.reach,
    }))
}

/// How far the usage of a team's accounts, or of all, is known: every minute before. Nothing while none is.
///
/// # Errors
/// The database's.
pub async fn reach(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Option<Uuid>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "
        SELECT min(m.polled_through) FROM provider_usage_meters m
        WHERE m.organization_id = $1 AND EXISTS (SELECT FROM admin_keys k
            LEFT JOIN account_aliases n ON n.organization_id = k.organization_id AND n.provider = k.provider
                AND n.name = k.provider_account
            WHERE k.organization_id = $1 AND k.provider = m.provider
                AND m.provider_account = coalesce(n.provider_account, k.provider_account) AND k.is_active AND ($2::uuid IS NULL OR k.team_id = $2))
        ",
        organization as OrganizationId,
        team
    )
    .fetch_one(conn)
    .await
}

/// Days of a zone, `to` exclusive, of which all is measured that a team's accounts, or all of them, were used for: of each that
/// a key in use opens, every meter was brought in for every hour. Of those that nobody has a key to there are none.
///
/// # Errors
/// The database's.
pub async fn whole_days(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Option<Uuid>,
    zone: &str,
    (from, to): (NaiveDate, NaiveDate),
) -> sqlx::Result<Vec<NaiveDate>> {
    sqlx::query_scalar!(
        r#"
        WITH accounts AS (
            SELECT DISTINCT k.provider, coalesce(n.provider_account, k.provider_account) AS account
            FROM admin_keys k LEFT JOIN account_aliases n ON n.organization_id = k.organization_id
                AND n.provider = k.provider AND n.name = k.provider_account
            WHERE k.organization_id = $1 AND k.is_active AND ($2::uuid IS NULL OR k.team_id = $2)
        ), days AS (
            SELECT day, day::timestamp AT TIME ZONE $5 AS start, (day + 1)::timestamp AT TIME ZONE $5 AS until
            FROM (SELECT $3::date + n AS day FROM generate_series(0, $4::date - $3::date - 1) n) all_days
        )
        SELECT d.day AS "day!" FROM days d
        WHERE EXISTS (SELECT FROM accounts) AND NOT EXISTS (SELECT FROM accounts a
            WHERE (SELECT count(*) FROM provider_usage_meters m
                WHERE m.organization_id = $1 AND m.provider = a.provider AND m.provider_account = a.account
                    AND m.polled_through >= d.until
                    -- After a standstill not all of what was missed is asked for.
                    AND (SELECT count(*) FROM provider_usage_hours h
                        WHERE h.organization_id = $1 AND h.provider = m.provider AND h.provider_account = m.provider_account
                            AND h.meter = m.meter AND h.hour >= d.start AND h.hour < d.until)
                        * interval '1 hour' = d.until - d.start) < $6)
        ORDER BY d.day
        "#,
        organization as OrganizationId,
        team,
        from,
        to,
        zone,
        i64::try_from(UsageKind::ALL.len()).unwrap_or(i64::MAX)
    )
    .fetch_all(conn)
    .await
}
