//! What every project was worth over some days: what they are compared by.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{CallSums, Tally};
use super::store::{self, Of, Question};
use super::total::Total;
use crate::features::costs::{self, Days, Spending};
use crate::platform::db::OrganizationId;
use crate::platform::http::ApiResult;

/// What a project cost, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    /// What it cost, by the ledgers' word.
    pub total: Total,
    /// What came of it.
    pub tally: Tally,
    /// Calls that were reported, and what came of them, by provider and model.
    pub models: BTreeMap<(String, String), (CallSums, Tally)>,
}

/// What each project was worth over some days that are over, `to` exclusive; projects of which nothing is said are left out.
/// Whoever asks must be allowed to see all of it.
///
/// # Errors
/// `sum_too_large`.
pub async fn of_projects(
    conn: &mut PgConnection,
    organization: OrganizationId,
    days: Days,
    (from, to): (NaiveDate, NaiveDate),
) -> ApiResult<BTreeMap<Uuid, Worth>> {
    let projects = store::projects(conn, organization).await?;
    let question = Question { organization, projects: &projects, from: days.start(from), to: days.start(to), days };
    let mut spending = costs::spending_of_projects(conn, organization, days, (from, to)).await?;
    let mut worth: BTreeMap<Uuid, Worth> = BTreeMap::new();
    for (project, of, tally) in store::outcomes(conn, &question).await? {
        let worth = worth.entry(project).or_default();
        match of {
            Of::All => worth.tally = tally,
            Of::Model(Some(provider), Some(model)) => worth.models.entry((provider, model)).or_default().1 = tally,
            Of::Day(_) | Of::TaskType(_) | Of::Model(..) => {}
        }
    }
    for (project, of, sums) in store::calls(conn, &question).await? {
        if let Of::Model(Some(provider), Some(model)) = of {
            worth.entry(project).or_default().models.entry((provider, model)).or_default().0 = sums;
        }
    }
    for project in spending.keys() {
        worth.entry(*project).or_default();
    }
    for (project, worth) in &mut worth {
        // Of what no ledger says anything, nothing is known: there is an outcome, so something was called.
        let spending = spending.remove(project).unwrap_or_else(Spending::default);
        worth.total = Total::over(&spending, (from, to))?;
    }
    Ok(worth)
}
