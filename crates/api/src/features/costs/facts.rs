//! What is known about the collected days: which there are, which may still change, how fresh they are.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::costs::{Freshness, Named, Settlement};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Period;
use super::scope::Scope;
use crate::features::provider_usage;
use crate::platform::db::OrganizationId;

/// What is known of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CollectedDay {
    /// Nothing of it is asked for again.
    settled: bool,
    /// Every account that is being collected, and was by then, has it.
    whole: bool,
}

/// The days that were collected.
#[derive(Clone, Debug, Default)]
pub(super) struct CollectedDays(BTreeMap<NaiveDate, CollectedDay>);

impl CollectedDays {
    /// Those of a period, for the accounts that the scope's team collects from. An account that nobody collects any more
    /// neither moves nor is missed.
    pub(super) async fn of(
        conn: &mut PgConnection,
        organization: OrganizationId,
        team: Option<Uuid>,
        period: Period,
    ) -> sqlx::Result<Self> {
        let rows = sqlx::query!(
            r#"
            WITH accounts AS (
                SELECT account, (SELECT min(day) FROM collected_days d
                    WHERE d.organization_id = $1 AND d.provider_account = account) AS first
                FROM (SELECT DISTINCT provider_account AS account FROM collections
                    WHERE organization_id = $1 AND has_active_key AND ($4::uuid IS NULL OR team_id = $4)) a
            ), days AS (
                SELECT day, bool_and(settled OR provider_account NOT IN (SELECT account FROM accounts WHERE account IS NOT NULL))
                        AS settled,
                    array_agg(provider_account) AS collected
                FROM collected_days
                WHERE organization_id = $1 AND day >= $2 AND day < $3
                    AND ($4::uuid IS NULL OR team_id = $4 OR provider_account IN (SELECT account FROM accounts))
                GROUP BY day
            )
            SELECT day AS "day!", settled AS "settled!", NOT EXISTS (SELECT FROM accounts
                WHERE first <= day AND account <> ALL (collected)) AS "whole!"
            FROM days
            "#,
            organization as OrganizationId,
            period.from,
            period.to,
            team
        )
        .fetch_all(conn)
        .await?;
        let day = |settled, whole| CollectedDay { settled, whole };
        Ok(Self(rows.into_iter().map(|row| (row.day, day(row.settled, row.whole))).collect()))
    }

    /// Whether anything was collected for a day.
    pub(super) fn has(&self, day: NaiveDate) -> bool {
        self.0.contains_key(&day)
    }

    /// Whether all of a day was collected: only then is what is not there zero.
    pub(super) fn is_whole(&self, day: NaiveDate) -> bool {
        self.0.get(&day).is_some_and(|day| day.whole)
    }

    /// The days that were collected whole, in order.
    pub(super) fn whole(&self) -> impl Iterator<Item = NaiveDate> + '_ {
        self.0.iter().filter(|(_, day)| day.whole).map(|(day, _)| *day)
    }

    /// Whether anything of a period was.
    pub(super) fn has_some(&self, period: Period) -> bool {
        period.from < period.to && self.0.range(period.from..period.to).next().is_some()
    }

    /// Whether all of it was: only then is its sum one to compare with.
    pub(super) fn has_all(&self, period: Period) -> bool {
        period.from < period.to && period.each().all(|day| self.is_whole(day))
    }

    /// Whether a period's sum may still change. What was not collected yet may bring more.
    pub(super) fn settlement(&self, period: Period) -> Settlement {
        let settled = period.each().all(|day| self.0.get(&day).is_some_and(|day| day.settled && day.whole));
        if settled { Settlement::Settled } else { Settlement::Moving }
    }
}

/// Days of a period, `to` exclusive, of which an account that is being collected has neither its bill nor what the provider
/// measured: what others have of them is not all.
///
/// # Errors
/// The database's.
pub async fn missing_days(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (from, to): (NaiveDate, NaiveDate),
) -> sqlx::Result<BTreeSet<NaiveDate>> {
    let days = sqlx::query_scalar!(
        r#"
        WITH accounts AS (
            SELECT account, (SELECT min(day) FROM collected_days d
                WHERE d.organization_id = $1 AND d.provider_account = account) AS first
            FROM (SELECT DISTINCT provider_account AS account FROM collections
                WHERE organization_id = $1 AND has_active_key AND provider_account IS NOT NULL) a
        )
        SELECT day AS "day!" FROM (SELECT $2::date + n AS day FROM generate_series(0, $3::date - $2::date - 1) n) days
        WHERE EXISTS (SELECT FROM accounts a WHERE a.first <= day
            AND NOT EXISTS (SELECT FROM collected_days c
                WHERE c.organization_id = $1 AND c.provider_account = a.account AND c.day = days.day)
            AND NOT EXISTS (SELECT FROM provider_usage_daily u
                WHERE u.organization_id = $1 AND u.provider_account = a.account AND u.day = days.day))
        "#,
        organization as OrganizationId,
        from,
        to
    )
    .fetch_all(conn)
    .await?;
    Ok(days.into_iter().collect())
}

struct State {
    collected_at: Option<DateTime<Utc>>,
    moving: Option<NaiveDate>,
    last: Option<NaiveDate>,
}

/// How fresh the costs are, of the team that was asked for or of the whole organization.
pub(super) async fn freshness(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<Freshness> {
    let state = sqlx::query_as!(
        State,
        "
        SELECT max(c.last_success_at) AS collected_at, min(d.moving) AS moving, max(d.last) AS last
        FROM collections c
        LEFT JOIN LATERAL (
            SELECT min(day) FILTER (WHERE NOT settled) AS moving, max(day) AS last FROM collected_days
            WHERE organization_id = $1 AND provider_account = c.provider_account AND c.has_active_key
        ) d ON true
        WHERE c.organization_id = $1 AND ($2::uuid IS NULL OR c.team_id = $2)
        ",
        scope.organization() as OrganizationId,
        scope.team
    )
    .fetch_one(&mut *conn)
    .await?;
    let stale = sqlx::query!(
        "
        SELECT t.id, t.name FROM collections c JOIN teams t ON t.organization_id = c.organization_id AND t.id = c.team_id
        WHERE c.organization_id = $1 AND c.last_error_code IS NOT NULL AND t.deleted_at IS NULL
            AND EXISTS (SELECT FROM admin_keys k WHERE k.organization_id = $1 AND k.team_id = t.id AND k.is_active)
        ORDER BY t.name, t.id
        ",
        scope.organization() as OrganizationId
    )
    .fetch_all(&mut *conn)
    .await?;
    let usage_through = provider_usage::reach(conn, scope.organization(), scope.team).await?;
    let stale = stale.into_iter().filter(|team| scope.sees_team(team.id));
    Ok(Freshness {
        collected_at: state.collected_at,
        settled_before: state.moving.or_else(|| state.last.and_then(|last| last.succ_opt())),
        stale_teams: stale.map(|team| Named { id: team.id, name: team.name, deleted: false }).collect(),
        usage_through,
    })
}
