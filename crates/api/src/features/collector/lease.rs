//! One worker at a time for one team's collection, on the database's time.
//!
//! Jobs have a lease of their own; this one also keeps the daily batch's caller, the command line and the jobs apart,
//! and it is what [`Lease::hold`] checks in every transaction that stores costs.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::admin_keys::Provider;
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::CollectError;
use crate::platform::db::OrganizationId;
use crate::platform::state::State;

/// How long a team is this worker's without a word from it: with the job queue's own lease, a dead worker's team is taken
/// over well within 15 s.
const LEASE: Duration = Duration::from_secs(9);
/// How often the lease is extended while the provider is waited for.
const HEARTBEAT: Duration = Duration::from_secs(3);

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

    /// Makes sure, inside a transaction, that the team is still this worker's, and that nobody takes it before the
    /// transaction ends.
    ///
    /// # Errors
    /// [`CollectError::Interrupted`] when it is not.
    pub(super) async fn hold(&self, conn: &mut PgConnection) -> Result<(), CollectError> {
        let held = sqlx::query!(
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
        .await?;
        if held.rows_affected() == 1 { Ok(()) } else { Err(CollectError::Interrupted) }
    }

    /// Runs the work and extends the lease meanwhile. Once it is lost, or `stop` has come, the work is dropped where it
    /// waits.
    ///
    /// # Errors
    /// The work's, or [`CollectError::Interrupted`].
    pub(super) async fn keep<T>(
        &self,
        state: &State,
        work: impl Future<Output = Result<T, CollectError>>,
        stop: impl Future<Output = ()>,
    ) -> Result<T, CollectError> {
        tokio::select! {
            outcome = work => outcome,
            lost = self.beat(state) => Err(lost),
            () = stop => Err(CollectError::Interrupted),
        }
    }

    async fn beat(&self, state: &State) -> CollectError {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            match self.extend(state).await {
                Ok(()) => {}
                // Two beats may fail before the lease ends; the store's own check is what counts.
                Err(CollectError::Database(error)) => tracing::debug!(%error, "a collection's lease was not extended"),
                Err(lost) => return lost,
            }
        }
    }

    async fn extend(&self, state: &State) -> Result<(), CollectError> {
        let mut tx = state.db.background().tenant(self.organization).await?;
        self.hold(&mut tx).await?;
        Ok(tx.commit().await?)
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
