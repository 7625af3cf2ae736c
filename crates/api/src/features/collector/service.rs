//! Collecting one team's bill.

use chrono::NaiveDate;
use finops_contract::admin_keys::Provider;
use finops_providers::{CostPages, CostQuery, CostSource, OpenAiClient};
use uuid::Uuid;

use super::accounts::Named;
use super::domain::{PAGE_DAYS, Window};
use super::error::CollectError;
use super::lease::{End, Lease};
use super::page::{self, Page, Source, Tally};
use super::store;
use crate::features::admin_keys;
use crate::platform::http::Ctx;
use crate::platform::lease;
use crate::platform::state::State;

/// Which team's bill to collect, and up to which day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
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
    ctx: &Ctx,
    target: Target,
    stop: impl Future<Output = ()>,
) -> Result<Tally, CollectError> {
    let lease = Lease::take(state, ctx.organization, target.team, Provider::Openai).await?;
    let outcome = lease::keep(&lease, &state.db, run(state, ctx, &lease, target.through), stop).await;
    let end = match &outcome {
        Ok(_) => End::Success,
        Err(CollectError::Busy | CollectError::Interrupted) => End::Interrupted,
        Err(error) => End::Failure(error.code()),
    };
    let mut tx = state.db.background().tenant(ctx.organization).await?;
    lease.release(&mut tx, end, state.clock.now()).await?;
    tx.commit().await?;
    if let End::Failure(code) = end {
        tracing::warn!(organization = %ctx.organization, team = %target.team, code, "a collection failed");
    }
    outcome
}

async fn run(state: &State, ctx: &Ctx, lease: &Lease, through: Option<NaiveDate>) -> Result<Tally, CollectError> {
    let open = admin_keys::open_active(state, lease.organization, lease.team, lease.provider).await?;
    let client = state.providers.openai_background(open.secret.clone())?;
    let name = admin_keys::settle(state, ctx, lease.team, &open, &client).await?;
    let mut account = account_of(state, lease, &name).await?;
    let collected = loop {
        let source = Source { ctx, account: &account, key: (open.key.id, open.version) };
        match collect_account(state, lease, source, &client, through).await {
            // The bill shows only now that it is stored under another name: it is read again, for that one.
            Ok(Page::Elsewhere(other)) => account = other,
            Ok(Page::Stored(tally)) => break Ok(tally),
            Err(error) => break Err(error),
        }
    };
    let refusal = collected.as_ref().err().and_then(|error| match error {
        CollectError::Provider(error) if error.is_unauthorized() => Some(error),
        _ => None,
    });
    if collected.is_ok() || refusal.is_some() {
        admin_keys::note_use(state, ctx, lease.team, (open.key.id, open.version), refusal).await?;
    }
    collected
}

async fn account_of(state: &State, lease: &Lease, name: &str) -> sqlx::Result<String> {
    let named = Named { organization: lease.organization, provider: lease.provider.name(), name };
    let mut tx = state.db.background().tenant(lease.organization).await?;
    let account = named.account(&mut tx).await?;
    tx.commit().await?;
    Ok(account)
}

/// Pages through the bill of an account, from where the last run for it ended.
async fn collect_account(
    state: &State,
    lease: &Lease,
    from: Source<'_>,
    client: &OpenAiClient,
    through: Option<NaiveDate>,
) -> Result<Page, CollectError> {
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
        match page::store(state, lease, from, window, page).await? {
            Page::Stored(page) => tally.add(page),
            elsewhere @ Page::Elsewhere(_) => return Ok(elsewhere),
        }
    }
    Ok(Page::Stored(tally))
}

/// The whole organization, not only known Project IDs: what belongs to none of them must be seen.
fn query(window: Window) -> CostQuery {
    CostQuery { start: window.start(), end: Some(window.end()), project_ids: Vec::new(), limit: PAGE_DAYS }
}
