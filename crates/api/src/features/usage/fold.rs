//! Folds what events add to the hourly sums into them.
//!
//! A group of events writes what it adds as one row of `usage_deltas`, in its own transaction (`insert`). Here those rows
//! become part of `usage_hourly`, `usage_dimension_hourly` and `usage_outcome_hourly`, many at a time: a sum that a thousand
//! events add to is changed once. Readers see both, through views (`usage_sums` and the like), so it is nobody's loss how far
//! this has come; it only keeps short what they add up themselves.
//!
//! Invariant: the sums of an organization are changed by whoever holds its lock ([`lock`]), and by nobody else.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::features::budgets;
use crate::platform::db::{Db, OrganizationId};
use crate::platform::jobs::Reconciler;

/// Elements of one transaction: some hundred milliseconds.
const ELEMENTS: i64 = 50_000;
/// How long what events add lies there, about.
const PERIOD: Duration = Duration::from_secs(2);
/// Rows that are counted of those that wait: some thousands wait at the busiest, and beyond that more is no news.
const COUNTED: i32 = 10_000;

/// Folds every organization's.
#[derive(Debug)]
pub(super) struct Fold(pub(super) Db);

#[async_trait]
impl Reconciler for Fold {
    fn name(&self) -> &'static str {
        "usage_fold"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    async fn pass(&self) -> anyhow::Result<()> {
        let mut tx = self.0.background().platform().await?;
        let organizations = unfolded(&mut tx).await?;
        tx.commit().await?;
        for organization in organizations {
            while fold(&self.0, organization).await? >= ELEMENTS {}
        }
        Ok(())
    }
}

/// Folds what an organization's events added, up to about [`ELEMENTS`], and says how much that was. Nothing, if somebody
/// else is at it.
async fn fold(db: &Db, organization: OrganizationId) -> sqlx::Result<i64> {
    let mut tx = db.background().tenant(organization).await?;
    if !try_lock(&mut tx, organization).await? {
        return Ok(0);
    }
    let folded = sqlx::query_file_scalar!("src/features/usage/fold.sql", organization as OrganizationId, ELEMENTS)
        .fetch_one(&mut *tx)
        .await?;
    if folded > 0 {
        budgets::check_soon(&mut tx, organization).await?;
    }
    tx.commit().await?;
    Ok(folded)
}

/// Who has something to fold.
async fn unfolded(conn: &mut PgConnection) -> sqlx::Result<Vec<OrganizationId>> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar!(r#"SELECT finops_unfolded_organizations() AS "id!""#).fetch_all(conn).await?;
    Ok(ids.into_iter().map(OrganizationId).collect())
}

/// What is not folded yet, of all organizations.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Rows of `usage_deltas`: groups of events that were stored together. Counted up to [`COUNTED`].
    pub rows: i64,
    /// How long the oldest of them has waited; zero where there is none.
    pub oldest_seconds: f64,
}

/// Measures it. Needs the platform's scope.
///
/// # Errors
/// The database's.
pub async fn waiting(conn: &mut PgConnection) -> sqlx::Result<Waiting> {
    sqlx::query_as!(
        Waiting,
        r#"SELECT waiting AS "rows!", oldest_seconds AS "oldest_seconds!" FROM finops_unfolded($1)"#,
        COUNTED
    )
    .fetch_one(conn)
    .await
}

/// What the lock of an organization's sums is called.
fn lock_name(organization: OrganizationId) -> String {
    format!("finops.usage_sums.{organization}")
}

/// Waits for an organization's sums and holds them until the transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<()> {
    let name = lock_name(organization);
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).fetch_one(conn).await.map(drop)
}

/// Holds an organization's sums until the transaction ends, if nobody else does.
async fn try_lock(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<bool> {
    let name = lock_name(organization);
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS "locked!""#, name)
        .fetch_one(conn)
        .await
}
