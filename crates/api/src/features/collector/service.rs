//! Collecting one team's bill.

use chrono::NaiveDate;
use finops_contract::admin_keys::Provider;
use finops_providers::{CostPages, CostQuery, CostSource, OpenAiClient};
use uuid::Uuid;

use super::domain::{PAGE_DAYS, Window};
use super::error::CollectError;
use super::lease::{End, Lease};
use super::page::{self, Source, Tally};
use super::store;
use crate::features::admin_keys;
use crate::platform::db::OrganizationId;
use crate::platform::state::State;

/// Whose bill to collect, and up to which day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) organization: OrganizationId,
    pub(super) team: Uuid,
    /// The last day to collect, a whole UTC day; yesterday when absent.
    pub(super) through: Option<NaiveDate>,
}

/// Collects a team's bill and writes down how it went. `stop` ends it early: another worker goes on from the last page.
///
/// # Errors
/// [`CollectError`]; what was stored before it stays.
pub(super) async fn collect(
    state: &State,
    target: Target,
    stop: impl Future<Output = ()>,
) -> Result<Tally, CollectError> {
    let lease = Lease::take(state, target.organization, target.team, Provider::Openai).await?;
    let outcome = lease.keep(state, run(state, &lease, target.through), stop).await;
    let end = match &outcome {
        Ok(_) => End::Success,
        Err(CollectError::Busy | CollectError::Interrupted) => End::Interrupted,
        Err(error) => End::Failure(error.code()),
    };
    let mut tx = state.db.background().tenant(target.organization).await?;
    lease.release(&mut tx, end, state.clock.now()).await?;
    tx.commit().await?;
    if let End::Failure(code) = end {
        tracing::warn!(organization = %target.organization, team = %target.team, code, "a collection failed");
    }
    outcome
}

async fn run(state: &State, lease: &Lease, through: Option<NaiveDate>) -> Result<Tally, CollectError> {
    let open = admin_keys::open_active(state, lease.organization, lease.team, lease.provider).await?;
    let client = state.providers.openai_background(open.secret.clone())?;
    let account = admin_keys::settle(state, lease.organization, &open, &client).await?;
    let source = Source { account: &account, key: (open.key.id, open.version) };
    let collected = collect_account(state, lease, source, &client, through).await;
    let refusal = collected.as_ref().err().and_then(|error| match error {
        CollectError::Provider(error) if error.is_unauthorized() => Some(error),
        _ => None,
    });
    if collected.is_ok() || refusal.is_some() {
        admin_keys::note_use(state, lease.organization, (open.key.id, open.version), refusal).await?;
    }
    collected
}

/// Pages through the bill of an account, from where the last run for it ended.
async fn collect_account(
    state: &State,
    lease: &Lease,
    from: Source<'_>,
    client: &OpenAiClient,
    through: Option<NaiveDate>,
) -> Result<Tally, CollectError> {
    let yesterday = state.clock.today().pred_opt().unwrap_or_default();
    let last = through.unwrap_or(yesterday).min(yesterday);
    let done = lease.collected_through.filter(|_| lease.account.as_deref() == Some(from.account));
    let window = Window::new(done.map(|done| done.min(last)), last);
    let mut tx = state.db.background().tenant(lease.organization).await?;
    store::begin(&mut tx, lease, from.account, window).await?;
    tx.commit().await?;
    let mut tally = Tally::default();
    let source: &dyn CostSource = client;
    let mut pages = CostPages::new(source, query(window));
    while let Some(page) = pages.next().await? {
        tally.add(page::store(state, lease, from, window, page).await?);
    }
    Ok(tally)
}

/// The whole organization, not only known Project IDs: what belongs to none of them must be seen.
fn query(window: Window) -> CostQuery {
    CostQuery { start: window.start(), end: Some(window.end()), project_ids: Vec::new(), limit: PAGE_DAYS }
}
