//! Where a team's collection stands.

use chrono::{DateTime, Days, NaiveDate, Utc};
use finops_contract::accounts::Locale;
use finops_contract::admin_keys::Provider;
use finops_contract::collector::{CollectionStatus, TeamCollection, UnattributedProject};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error;
use super::jobs::COLLECT;
use crate::features::{admin_keys, provider_usage};
use crate::platform::clock::midnight;
use crate::platform::db::OrganizationId;
use crate::platform::exact::Exact;

/// Days that unattributed costs are shown for.
const UNATTRIBUTED_DAYS: u64 = 30;

struct Row {
    account: Option<String>,
    running: bool,
    last_run_at: Option<DateTime<Utc>>,
    last_success_at: Option<DateTime<Utc>>,
    last_error_code: Option<String>,
    last_error_at: Option<DateTime<Utc>>,
    days_total: i32,
    days_done: i32,
}

/// A team's collection as it is shown. Who does not see everything is not told what another team's key brought in.
pub(super) async fn of_team(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
    everything: bool,
    locale: Locale,
    now: DateTime<Utc>,
) -> sqlx::Result<TeamCollection> {
    let key = admin_keys::active(conn, organization, team, Provider::Openai).await?;
    let row = find(conn, organization, team).await?;
    let queued = is_queued(conn, organization, team).await?;
    let status = status(key.is_some(), queued, row.as_ref());
    let account = row.as_ref().and_then(|row| row.account.clone());
    let settled_before = match &account {
        Some(account) => settled_before(conn, organization, account).await?,
        None => None,
    };
    let since = midnight(now.date_naive() - Days::new(UNATTRIBUTED_DAYS));
    let unattributed = match &account {
        Some(account) => unattributed(conn, organization, account, (!everything).then_some(team), since).await?,
        None => Vec::new(),
    };
    let last_error = row.as_ref().and_then(|row| {
        let at = row.last_error_at?;
        row.last_error_code.as_deref().map(|code| error::describe(code, at, locale))
    });
    Ok(TeamCollection {
        team_id: team,
        status,
        last_run_at: row.as_ref().and_then(|row| row.last_run_at),
        last_success_at: row.as_ref().and_then(|row| row.last_success_at),
        last_error,
        next_run_at: midnight(now.date_naive() + Days::new(1)),
        days_total: row.as_ref().map_or(0, |row| row.days_total),
        days_done: row.as_ref().map_or(0, |row| row.days_done),
        settled_before,
        unattributed,
        usage: provider_usage::of_team(conn, organization, team, locale).await?,
    })
}

fn status(has_key: bool, queued: bool, row: Option<&Row>) -> CollectionStatus {
    if row.is_some_and(|row| row.running) {
        return CollectionStatus::Running;
    }
    if !has_key {
        return CollectionStatus::NotConfigured;
    }
    match row {
        _ if queued => CollectionStatus::Queued,
        Some(row) if row.last_error_code.is_some() => CollectionStatus::Failed,
        Some(row) if row.last_success_at.is_some() => CollectionStatus::Healthy,
        _ => CollectionStatus::NeverRun,
    }
}

async fn find(conn: &mut PgConnection, organization: OrganizationId, team: Uuid) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT provider_account AS account, coalesce(lease_until > now(), false) AS "running!", last_run_at,
            last_success_at, last_error_code, last_error_at, days_total, days_done
        FROM collections WHERE organization_id = $1 AND team_id = $2 AND provider = $3
        "#,
        organization as OrganizationId,
        team,
        Provider::Openai.name()
    )
    .fetch_optional(conn)
    .await
}

async fn is_queued(conn: &mut PgConnection, organization: OrganizationId, team: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM jobs WHERE organization_id = $1 AND name = $2 AND payload ->> 'teamId' = $3
            AND state IN ('queued', 'running')) AS "queued!"
        "#,
        organization as OrganizationId,
        COLLECT,
        team.to_string()
    )
    .fetch_one(conn)
    .await
}

/// Every day before this one is settled.
async fn settled_before(
    conn: &mut PgConnection,
    organization: OrganizationId,
    account: &str,
) -> sqlx::Result<Option<NaiveDate>> {
    let row = sqlx::query!(
        r#"
        SELECT min(day) FILTER (WHERE NOT settled) AS moving, max(day) AS last FROM collected_days
        WHERE organization_id = $1 AND provider_account = $2
        "#,
        organization as OrganizationId,
        account
    )
    .fetch_one(conn)
    .await?;
    Ok(row.moving.or_else(|| row.last.and_then(|last| last.succ_opt())))
}

async fn unattributed(
    conn: &mut PgConnection,
    organization: OrganizationId,
    account: &str,
    only: Option<Uuid>,
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<UnattributedProject>> {
    let rows = sqlx::query!(
        r#"
        SELECT provider_project_id, currency, sum(amount) AS "cost!: Exact",
            (max(bucket_start) AT TIME ZONE 'UTC')::date AS "last_day!"
        FROM billed_costs
        WHERE organization_id = $1 AND provider_account = $2 AND project_id IS NULL AND bucket_start >= $3
            AND api_version = 'costs_v1' AND ($4::uuid IS NULL OR team_id = $4)
        GROUP BY provider_project_id, currency HAVING sum(amount) <> 0
        ORDER BY sum(amount) DESC, provider_project_id LIMIT 100
        "#,
        organization as OrganizationId,
        account,
        since,
        only
    )
    .fetch_all(conn)
    .await?;
    let projects = rows.into_iter().map(|row| UnattributedProject {
        openai_project_id: row.provider_project_id,
        cost: row.cost.0.into(),
        currency: row.currency,
        last_day: row.last_day,
    });
    Ok(projects.collect())
}

/// Notes whether a team has an active key, in the transaction that changes it. A team without one is not behind.
///
/// # Errors
/// The database's.
pub async fn follow_key(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
    active: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        INSERT INTO collections (organization_id, team_id, provider, has_active_key) VALUES ($1, $2, $4, $3)
        ON CONFLICT (organization_id, team_id, provider) DO UPDATE SET has_active_key = excluded.has_active_key
        ",
        organization as OrganizationId,
        team,
        active,
        Provider::Openai.name()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// How far behind the collections of all organizations are, for the service's metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Teams whose last run succeeded.
    pub healthy: i64,
    /// Teams whose last run failed.
    pub failed: i64,
    /// Seconds since the team that waits longest was last brought in whole; 0 when there is none.
    pub oldest_success_seconds: i64,
}

/// Measures it. Needs the platform's scope.
///
/// # Errors
/// The database's.
pub async fn lag(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Lag> {
    let row = sqlx::query!(
        r#"
        SELECT count(*) FILTER (WHERE last_error_code IS NULL AND last_success_at IS NOT NULL) AS "healthy!",
            count(*) FILTER (WHERE last_error_code IS NOT NULL) AS "failed!",
            min(last_success_at) AS oldest
        FROM collections WHERE has_active_key
        "#
    )
    .fetch_one(conn)
    .await?;
    let oldest_success_seconds = row.oldest.map_or(0, |oldest| (now - oldest).num_seconds().max(0));
    Ok(Lag { healthy: row.healthy, failed: row.failed, oldest_success_seconds })
}
