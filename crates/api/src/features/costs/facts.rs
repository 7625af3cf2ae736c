//! What is known about the collected days: which there are, which may still change, how fresh they are.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::costs::{Freshness, Named, Settlement};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Period;
use super::scope::Scope;
use crate::platform::db::OrganizationId;

/// The days that were collected, and whether each is settled.
#[derive(Clone, Debug, Default)]
pub(super) struct CollectedDays(BTreeMap<NaiveDate, bool>);

impl CollectedDays {
    /// Those of a period, for the accounts that the scope's team collects from.
    pub(super) async fn of(
        conn: &mut PgConnection,
        organization: OrganizationId,
        team: Option<Uuid>,
        period: Period,
    ) -> sqlx::Result<Self> {
        let rows = sqlx::query!(
            r#"
            SELECT day, bool_and(settled) AS "settled!" FROM collected_days
            WHERE organization_id = $1 AND day >= $2 AND day < $3
                AND ($4::uuid IS NULL OR team_id = $4 OR provider_account IN (
                    SELECT provider_account FROM collections WHERE organization_id = $1 AND team_id = $4))
            GROUP BY day
            "#,
            organization as OrganizationId,
            period.from,
            period.to,
            team
        )
        .fetch_all(conn)
        .await?;
        Ok(Self(rows.into_iter().map(|row| (row.day, row.settled)).collect()))
    }

    /// Whether a day was collected.
    pub(super) fn has(&self, day: NaiveDate) -> bool {
        self.0.contains_key(&day)
    }

    /// Whether anything of a period was.
    pub(super) fn has_some(&self, period: Period) -> bool {
        period.from < period.to && self.0.range(period.from..period.to).next().is_some()
    }

    /// Whether all of it was: only then is its sum one to compare with.
    pub(super) fn has_all(&self, period: Period) -> bool {
        period.from < period.to && period.each().all(|day| self.has(day))
    }

    /// Whether a period's sum may still change. Days that were not collected yet may bring more.
    pub(super) fn settlement(&self, period: Period) -> Settlement {
        let settled = period.each().all(|day| self.0.get(&day) == Some(&true));
        if settled { Settlement::Settled } else { Settlement::Moving }
    }
}

struct State {
    collected_at: Option<DateTime<Utc>>,
    moving: Option<NaiveDate>,
    last: Option<NaiveDate>,
}

/// How fresh the organization's billed costs are.
pub(super) async fn freshness(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<Freshness> {
    let state = sqlx::query_as!(
        State,
        "
        SELECT (SELECT max(last_success_at) FROM collections WHERE organization_id = $1) AS collected_at,
            (SELECT min(day) FROM collected_days WHERE organization_id = $1 AND NOT settled) AS moving,
            (SELECT max(day) FROM collected_days WHERE organization_id = $1) AS last
        ",
        scope.organization() as OrganizationId
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
    .fetch_all(conn)
    .await?;
    let stale = stale.into_iter().filter(|team| scope.sees_team(team.id));
    Ok(Freshness {
        collected_at: state.collected_at,
        settled_before: state.moving.or_else(|| state.last.and_then(|last| last.succ_opt())),
        stale_teams: stale.map(|team| Named { id: team.id, name: team.name, deleted: false }).collect(),
    })
}
