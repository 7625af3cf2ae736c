//! One worker at a time for one account, on the database's time; checked in every transaction that stores usage.

use std::time::Duration;

use chrono::{DateTime, Utc};
use finops_contract::admin_keys::Provider;
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::PollError;
use crate::platform::db::OrganizationId;
use crate::platform::state::State;

/// How long an account is this worker's without a word from it.
const LEASE: Duration = Duration::from_secs(9);
/// How often the lease is extended while the provider is waited for.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// How long an account is left alone after a failure, doubled with each one in a row, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// The longest wait that a provider may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(3_600);

/// An account, held by this worker.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) organization: OrganizationId,
    pub(super) provider: Provider,
    pub(super) account: String,
    /// Runs in a row that failed before this one.
    pub(super) failures: i32,
    owner: Uuid,
}

impl Lease {
    /// Takes an account.
    ///
    /// # Errors
    /// [`PollError::Busy`] while another worker has it, or after a failure.
    pub(super) async fn take(
        state: &State,
        organization: OrganizationId,
        provider: Provider,
        account: &str,
    ) -> Result<Self, PollError> {
        let owner = state.clock.new_id();
        let mut tx = state.db.background().tenant(organization).await?;
        let failures = sqlx::query_scalar!(
            "
            INSERT INTO provider_usage_accounts AS a (organization_id, provider, provider_account, lease_owner, lease_until,
                last_run_at)
            VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5), $6)
            ON CONFLICT (organization_id, provider, provider_account) DO UPDATE SET lease_owner = excluded.lease_owner,
                lease_until = excluded.lease_until, last_run_at = excluded.last_run_at
            WHERE (a.lease_until IS NULL OR a.lease_until < now()) AND (a.not_before IS NULL OR a.not_before <= $6)
            RETURNING failures
            ",
            organization as OrganizationId,
            provider.name(),
            account,
            owner,
            LEASE.as_secs_f64(),
            state.clock.now()
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(PollError::Busy)?;
        tx.commit().await?;
        Ok(Self { organization, provider, account: account.to_owned(), failures, owner })
    }

    /// Makes sure, inside a transaction, that the account is still this worker's, and that nobody takes it before the
    /// transaction ends.
    ///
    /// # Errors
    /// [`PollError::Interrupted`] when it is not.
    pub(super) async fn hold(&self, conn: &mut PgConnection) -> Result<(), PollError> {
        let held = sqlx::query!(
            "
            UPDATE provider_usage_accounts SET lease_until = now() + make_interval(secs => $5)
            WHERE organization_id = $1 AND provider = $2 AND provider_account = $3 AND lease_owner = $4
            ",
            self.organization as OrganizationId,
            self.provider.name(),
            self.account,
            self.owner,
            LEASE.as_secs_f64()
        )
        .execute(conn)
        .await?;
        if held.rows_affected() == 1 { Ok(()) } else { Err(PollError::Interrupted) }
    }

    /// Runs the work and extends the lease meanwhile. Once it is lost, or `stop` has come, the work is dropped where it
    /// waits.
    ///
    /// # Errors
    /// The work's, or [`PollError::Interrupted`].
    pub(super) async fn keep<T>(
        &self,
        state: &State,
        work: impl Future<Output = Result<T, PollError>>,
        stop: impl Future<Output = ()>,
    ) -> Result<T, PollError> {
        tokio::select! {
            outcome = work => outcome,
            lost = self.beat(state) => Err(lost),
            () = stop => Err(PollError::Interrupted),
        }
    }

    async fn beat(&self, state: &State) -> PollError {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            match self.extend(state).await {
                Ok(()) => {}
                // Two beats may fail before the lease ends; the store's own check is what counts.
                Err(PollError::Database(error)) => tracing::debug!(%error, "a poll's lease was not extended"),
                Err(lost) => return lost,
            }
        }
    }

    async fn extend(&self, state: &State) -> Result<(), PollError> {
        let mut tx = state.db.background().tenant(self.organization).await?;
        self.hold(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Gives the account back and writes down how the run ended. After a failure it is left alone for a while.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn release(&self, conn: &mut PgConnection, end: End, now: DateTime<Utc>) -> sqlx::Result<()> {
        let (success, error, wait) = match end {
            End::Success => (true, None, None),
            End::Failure { code, asked } => (false, Some(code), Some(wait_after(self.failures + 1, asked))),
            End::Interrupted => (false, None, None),
        };
        sqlx::query!(
            "
            UPDATE provider_usage_accounts SET lease_owner = NULL, lease_until = NULL,
                last_success_at = CASE WHEN $5 THEN $7 ELSE last_success_at END,
                last_error_code = CASE WHEN $5 THEN NULL ELSE coalesce($6, last_error_code) END,
                last_error_at = CASE WHEN $5 THEN NULL WHEN $6 IS NULL THEN last_error_at ELSE $7 END,
                failures = CASE WHEN $5 THEN 0 WHEN $6 IS NULL THEN failures ELSE failures + 1 END,
                not_before = CASE WHEN $5 THEN NULL ELSE coalesce($8, not_before) END
            WHERE organization_id = $1 AND provider = $2 AND provider_account = $3 AND lease_owner = $4
            ",
            self.organization as OrganizationId,
            self.provider.name(),
            self.account,
            self.owner,
            success,
            error,
            now,
            wait.map(|wait| now + wait)
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
    /// It failed.
    Failure {
        /// Why.
        code: &'static str,
        /// How long the provider asked to wait.
        asked: Option<Duration>,
    },
    /// Somebody else goes on; the state before stands.
    Interrupted,
}

fn wait_after(failures: i32, asked: Option<Duration>) -> Duration {
    let doublings = u32::try_from(failures - 1).unwrap_or_default().min(16);
    asked.map_or((FIRST_WAIT * 2_u32.pow(doublings)).min(LONGEST_WAIT), |asked| asked.min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_spaced_out_and_a_provider_may_ask_for_more() {
        let waits: Vec<u64> = (1..7).map(|failures| wait_after(failures, None).as_secs()).collect();
        assert_eq!(waits, [60, 120, 240, 480, 600, 600]);
        assert_eq!(wait_after(1, Some(Duration::from_secs(5))).as_secs(), 5);
        assert_eq!(wait_after(1, Some(Duration::from_secs(86_400))), LONGEST_ASKED);
    }
}
