//! One worker at a time for one team's collection, on the database's time.
//!
//! Jobs have a lease of their own; this one also keeps the daily batch's caller, the command line and the jobs apart,
//! and it is what [`lease::hold`] checks in every transaction that stores costs.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::admin_keys::Provider;
use sqlx::PgConnection;
use sqlx::postgres::PgQueryResult;
use uuid::Uuid;

use super::error::CollectError;
use crate::platform::db::OrganizationId;
use crate::platform::lease::{self, LEASE};
use crate::platform::state::State;

/// A team's collection, held by this worker.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) organization: OrganizationId,
    pub(super) team: Uuid,
    pub(super) provider: Provider,
    owner: Uuid,
    /// The account that the last run collected from.
    pub(super) account: Option<String>,
    /// The last UTC day that is stored for it.
    pub(super) collected_through: Option<NaiveDate>,
}

impl Lease {
    /// Takes a team's collection.
    ///
    /// # Errors
    /// [`CollectError::Busy`] while another worker has it.
    pub(super) async fn take(
        state: &State,
        organization: OrganizationId,
        team: Uuid,
        provider: Provider,
    ) -> Result<Self, CollectError> {
        let owner = state.clock.new_id();
        let mut tx = state.db.background().tenant(organization).await?;
        let row = sqlx::query!(
            "
            INSERT INTO collections AS c (organization_id, team_id, provider, lease_owner, lease_until, last_run_at)
            VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5), $6)
            ON CONFLICT (organization_id, team_id, provider) DO UPDATE SET lease_owner = excluded.lease_owner,
                lease_until = excluded.lease_until, last_run_at = excluded.last_run_at
            WHERE c.lease_until IS NULL OR c.lease_until < now()
            RETURNING provider_account, collected_through
            ",
            organization as OrganizationId,
            team,
            provider.name(),
            owner,
            LEASE.as_secs_f64(),
            state.clock.now()
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(CollectError::Busy)?;
        tx.commit().await?;
        let (account, collected_through) = (row.provider_account, row.collected_through);
        Ok(Self { organization, team, provider, owner, account, collected_through })
    }

    /// Gives the team back and writes down how the run ended.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn release(&self, conn: &mut PgConnection, end: End, now: DateTime<Utc>) -> sqlx::Result<()> {
        let (success, error) = match end {
            End::Success => (true, None),
            End::Failure(code) => (false, Some(code)),
            End::Interrupted => (false, None),
        };
        sqlx::query!(
            "
            UPDATE collections SET lease_owner = NULL, lease_until = NULL,
                last_success_at = CASE WHEN $5 THEN $7 ELSE last_success_at END,
                last_error_code = CASE WHEN $5 THEN NULL ELSE coalesce($6, last_error_code) END,
                last_error_at = CASE WHEN $5 THEN NULL WHEN $6 IS NULL THEN last_error_at ELSE $7 END
            WHERE organization_id = $1 AND team_id = $2 AND provider = $3 AND lease_owner = $4
            ",
            self.organization as OrganizationId,
            self.team,
            self.provider.name(),
            self.owner,
            success,
            error,
            now
        )
        .execute(conn)
        .await
        .map(drop)
    }
}

#[async_trait]
impl lease::Lease for Lease {
    fn organization(&self) -> OrganizationId {
        self.organization
    }

    async fn extend(&self, conn: &mut PgConnection) -> sqlx::Result<PgQueryResult> {
        sqlx::query!(
            "
            UPDATE collections SET lease_until = now() + make_interval(secs => $5)
            WHERE organization_id = $1 AND team_id = $2 AND provider = $3 AND lease_owner = $4
            ",
            self.organization as OrganizationId,
            self.team,
            self.provider.name(),
            self.owner,
            LEASE.as_secs_f64()
        )
        .execute(conn)
        .await
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Everything asked for is stored.
    Success,
    /// It failed, with this code.
    Failure(&'static str),
    /// Somebody else goes on; the state before stands.
    Interrupted,
}
