//! One worker at a time for something of an organization's, on the database's time.
//!
//! Whoever takes it writes into its row who they are and until when; how that row is found, and what else is written there,
//! is the feature's. The work goes on while the lease is extended, and is dropped where it waits once it is lost; what
//! counts is [`hold`], in every transaction that stores something.
//!
//! Jobs have leases of their own (`jobs`): their handlers are told to stop and end by themselves, under limits that tests
//! set. A lane of messages has one without a heartbeat (`deliveries::claim`): it outlasts an attempt.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;
use sqlx::postgres::PgQueryResult;

use super::db::{Db, OrganizationId};

/// How long it is a worker's without a word from them: with the job queue's own lease, a dead worker's is taken over well
/// within 15 s.
pub const LEASE: Duration = Duration::from_secs(9);
/// How often the lease is extended while the work waits for somebody.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// Something held by this worker.
#[async_trait]
pub trait Lease: Sync {
    /// Whose it is.
    fn organization(&self) -> OrganizationId;

    /// Sets `lease_until` to now and [`LEASE`] in the row, if this worker is its `lease_owner`.
    async fn extend(&self, conn: &mut PgConnection) -> sqlx::Result<PgQueryResult>;
}

/// Why something is not known to be this worker's.
#[derive(Debug, thiserror::Error)]
pub enum NotHeld {
    /// It is somebody else's, or the work was told to stop.
    #[error("somebody else has it")]
    Lost,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Makes sure, inside a transaction, that it is still this worker's, and that nobody takes it before the transaction ends.
///
/// # Errors
/// [`NotHeld::Lost`] when it is not.
pub async fn hold(lease: &impl Lease, conn: &mut PgConnection) -> Result<(), NotHeld> {
    match lease.extend(conn).await?.rows_affected() {
        1 => Ok(()),
        _ => Err(NotHeld::Lost),
    }
}

/// Runs the work and extends the lease meanwhile. Once it is lost, or `stop` has come, the work is dropped where it waits.
///
/// # Errors
/// The work's, or [`NotHeld::Lost`].
pub async fn keep<T, E: From<NotHeld>>(
    lease: &impl Lease,
    db: &Db,
    work: impl Future<Output = Result<T, E>>,
    stop: impl Future<Output = ()>,
) -> Result<T, E> {
    let extend = || async {
        let mut tx = db.background().tenant(lease.organization()).await?;
        hold(lease, &mut tx).await?;
        Ok(tx.commit().await?)
    };
    tokio::select! {
        outcome = work => outcome,
        () = lost(extend) => Err(NotHeld::Lost.into()),
        () = stop => Err(NotHeld::Lost.into()),
    }
}

/// Returns once it is somebody else's.
async fn lost<F: Future<Output = Result<(), NotHeld>>>(mut extend: impl FnMut() -> F) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match extend().await {
            Ok(()) => {}
            Err(NotHeld::Lost) => return,
            // Two beats may fail before the lease ends; what is checked where something is stored is what counts.
            Err(NotHeld::Database(error)) => tracing::debug!(%error, "a lease was not extended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_beat_that_fails_is_not_the_end_and_a_lost_lease_is() {
        let begun = Instant::now();
        let mut beats = 0;
        lost(|| {
            beats += 1;
            ready(match beats {
                2 => Err(NotHeld::Database(sqlx::Error::PoolTimedOut)),
                4 => Err(NotHeld::Lost),
                _ => Ok(()),
            })
        })
        .await;
        assert_eq!((beats, begun.elapsed()), (4, 4 * HEARTBEAT));
        assert!(2 * HEARTBEAT < LEASE, "two beats may fail");
    }
}
