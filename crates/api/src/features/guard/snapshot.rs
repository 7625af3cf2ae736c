//! All that a check of an organization is answered from, as it was at one moment.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::domain::{Block, Held, Known};
use super::store::{self, AsOf};
use crate::features::budgets::{self, Watch};
use crate::features::projects::{self, Directory};
use crate::platform::db::OrganizationId;
use crate::platform::exact::Inexact;
use crate::platform::http::ApiResult;

/// An organization, as the guard knows it.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) projects: Directory,
    pub(super) budgets: Vec<Known>,
    /// What is held of each budget, in US dollars.
    held: Vec<Result<Decimal, Inexact>>,
    blocks: Vec<Block>,
    /// When it was asked for.
    pub(super) as_of: AsOf,
    /// The same, by the clock that cannot be turned.
    pub(super) asked_at: Instant,
    /// When the first of the budgets' periods is over.
    ends_at: Option<DateTime<Utc>>,
}

impl Snapshot {
    /// Reads it, by a transaction that sees one moment.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn read(
        conn: &mut PgConnection,
        organization: OrganizationId,
        watch: &mut Watch,
        (asked_at, now): (Instant, DateTime<Utc>),
    ) -> ApiResult<Self> {
        let as_of = AsOf { clock: now, database: store::began_at(conn).await? };
        let calendar = budgets::calendar(conn, organization).await?;
        let all = budgets::in_force(conn, organization).await?;
        let running = watch.read(conn, organization, calendar, &all, now).await?;
        let known = all.into_iter().zip(running).filter_map(|(budget, running)| {
            budgets::spender(&budget).map(|spender| Known { budget, spender, running })
        });
        let budgets: Vec<Known> = known.collect();
        let held = store::held(conn, organization, as_of).await?;
        Ok(Self {
            projects: projects::directory(conn, organization).await?,
            held: of_each(&budgets, &held),
            blocks: store::blocks(conn, organization).await?,
            ends_at: budgets.iter().map(|known| known.running.ends_at).min(),
            budgets,
            as_of,
            asked_at,
        })
    }

    /// Whether a period is over of which it tells.
    pub(super) fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// What is held of each budget.
    pub(super) fn held(&self) -> &[Result<Decimal, Inexact>] {
        &self.held
    }

    /// What stops calls of a project, asked for with a key: first what lets none through.
    pub(super) fn blocks(&self, project: Uuid, api_key: Option<Uuid>) -> Vec<&Block> {
        let about = self.blocks.iter().filter(|block| block.is_about(project, api_key));
        let mut about: Vec<&Block> = about.collect();
        about.sort_by_key(|block| block.limit.is_some());
        about
    }
}

/// What is held of each budget, of all that is held.
pub(super) fn of_each(budgets: &[Known], held: &[Held]) -> Vec<Result<Decimal, Inexact>> {
    budgets.iter().map(|known| known.held(held)).collect()
}
