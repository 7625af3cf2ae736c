//! Whether a team's set-up would collect, step by step, as the set-up guide checks it.

use chrono::Days;
use finops_contract::accounts::Locale;
use finops_contract::admin_keys::Provider;
use finops_providers::{CostPages, CostQuery, CostSource};
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

use super::domain::PAGE_DAYS;
use super::error::{self, CollectError};
use crate::features::{admin_keys, projects, teams};
use crate::platform::clock::midnight;
use crate::platform::db::OrganizationId;
use crate::platform::exact;
use crate::platform::state::State;

/// Days that the Costs API is tried with.
const PROBE_DAYS: u64 = 30;

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Whether it is well.
    pub ok: bool,
    /// What was found, in English, in the set-up guide's words.
    pub text: String,
    /// The stable code of what is wrong.
    pub code: Option<&'static str>,
}

impl Check {
    fn good(text: impl Into<String>) -> Self {
        Self { ok: true, text: text.into(), code: None }
    }

    fn bad(code: &'static str, text: impl Into<String>) -> Self {
        Self { ok: false, text: text.into(), code: Some(code) }
    }

    fn failed(state: &State, error: &CollectError) -> Self {
        Self::bad(error.code(), error::describe(error.code(), state.clock.now(), Locale::En).message)
    }
}

/// What was checked for one team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TeamSetup {
    /// The team.
    pub team_id: Uuid,
    /// Its name.
    pub team_name: String,
    /// Whether all is well.
    pub ok: bool,
    /// What was checked, in order; what builds on a failed check is left out.
    pub checks: Vec<Check>,
}

/// Checks a team: its key, its projects, and whether the provider answers.
///
/// # Errors
/// The database's.
pub async fn check_team(
    state: &State,
    organization: OrganizationId,
    team: Uuid,
    name: String,
) -> sqlx::Result<TeamSetup> {
    let mut checks = Vec::new();
    let mut tx = state.db.background().tenant(organization).await?;
    let key = admin_keys::active(&mut tx, organization, team, Provider::Openai).await?;
    let count = teams::find(&mut tx, organization, team).await?.map_or(0, |team| team.project_count);
    let ids = projects::attributions(&mut tx, organization).await?;
    tx.commit().await?;
    let ids = ids.iter().filter(|id| id.team_id == team).count();
    match key {
        None => checks
            .push(Check::bad("admin_key_missing", "Admin API Key not registered: register one in Team Settings first")),
        Some(key) => {
            checks.push(Check::good(format!("Admin API Key registered (ends with ...{})", key.last4)));
            match connect(state, organization, team).await {
                Ok(connection) => {
                    checks.push(Check::good("Admin API Key decryption successful"));
                    projects(&mut checks, count, ids);
                    checks.push(connection);
                }
                Err(error) => checks.push(Check::failed(state, &error)),
            }
        }
    }
    Ok(TeamSetup { team_id: team, team_name: name, ok: checks.iter().all(|check| check.ok), checks })
}

fn projects(checks: &mut Vec<Check>, count: i64, ids: usize) {
    checks.push(Check::good(format!("{count} projects found")));
    checks.push(match ids {
        0 => Check::bad(
            "no_project_ids",
            "No projects with OpenAI Project ID found: register Project IDs in Project Settings",
        ),
        ids => Check::good(format!("{ids} projects with OpenAI Project ID")),
    });
}

/// Opens the key, then asks the provider about it.
async fn connect(state: &State, organization: OrganizationId, team: Uuid) -> Result<Check, CollectError> {
    let open = admin_keys::open_active(state, organization, team, Provider::Openai).await?;
    let client = state.providers.openai_interactive(open.secret)?;
    Ok(match client.verify().await {
        Ok(_) => Check::good("Costs API connection successful"),
        Err(error) => Check::failed(state, &error.into()),
    })
}

/// What the Costs API answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// Days in the answer.
    pub buckets: usize,
    /// Their sum, by currency.
    pub totals: BTreeMap<String, Decimal>,
    /// Project IDs in the answer.
    pub projects: usize,
}

/// Asks the Costs API for a team's last thirty days, and stores nothing.
///
/// # Errors
/// What is wrong, as a failed check.
pub async fn probe(state: &State, organization: OrganizationId, team: Uuid) -> Result<Probe, Check> {
    ask(state, organization, team).await.map_err(|error| Check::failed(state, &error))
}

async fn ask(state: &State, organization: OrganizationId, team: Uuid) -> Result<Probe, CollectError> {
    let open = admin_keys::open_active(state, organization, team, Provider::Openai).await?;
    let client = state.providers.openai_interactive(open.secret)?;
    let today = state.clock.today();
    let query = CostQuery {
        start: midnight(today - Days::new(PROBE_DAYS)),
        end: Some(midnight(today)),
        project_ids: Vec::new(),
        limit: PAGE_DAYS,
    };
    let source: &dyn CostSource = &client;
    let mut pages = CostPages::new(source, query);
    let mut probe = Probe { buckets: 0, totals: BTreeMap::new(), projects: 0 };
    let mut projects = BTreeSet::new();
    while let Some(page) = pages.next().await? {
        probe.buckets += page.buckets.len();
        for line in page.buckets.into_iter().flat_map(|bucket| bucket.lines) {
            let total = probe.totals.entry(line.currency).or_default();
            *total = exact::add(*total, line.amount).map_err(|_| CollectError::OutOfRange)?;
            projects.extend(line.project_id);
        }
    }
    probe.projects = projects.len();
    Ok(probe)
}
