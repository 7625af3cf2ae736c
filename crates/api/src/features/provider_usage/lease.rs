//! One worker at a time for one account, on the database's time; checked in every transaction that stores usage.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use finops_contract::admin_keys::Provider;
use sqlx::PgConnection;
use sqlx::postgres::PgQueryResult;
use uuid::Uuid;

use super::error::PollError;
use crate::platform::db::OrganizationId;
use crate::platform::lease::{self, LEASE};
use crate::platform::state::State;

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

#[async_trait]
impl lease::Lease for Lease {
    fn organization(&self) -> OrganizationId {
        self.organization
    }

    async fn extend(&self, conn: &mut PgConnection) -> sqlx::Result<PgQueryResult> {
        sqlx::query!(
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
        .await
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
