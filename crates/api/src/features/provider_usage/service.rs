//! Polling one account.

use finops_contract::admin_keys::Provider;
use finops_providers::{BucketWidth, OpenAiClient, UsageKind, UsagePages, UsageQuery, UsageSource};
use uuid::Uuid;

use super::domain::{PAGE_MINUTES, Window};
use super::error::PollError;
use super::jobs::POLL;
use super::lease::{End, Lease};
use super::measure;
use super::page::{self, Source};
use super::store::{self, Slice};
use crate::features::admin_keys::{self, KeyProblem};
use crate::features::collector;
use crate::features::prices::Books;
use crate::platform::db::OrganizationId;
use crate::platform::http::{Actor, Ctx};
use crate::platform::lease;
use crate::platform::state::State;

/// An account to poll, and the team whose key opens it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) organization: OrganizationId,
    pub(super) account: String,
    pub(super) team: Uuid,
}

/// Polls an account's meters and writes down how it went; returns how many minutes changed. `stop` ends it early: the next
/// run goes on from the last page.
///
/// # Errors
/// [`PollError`]; what was stored before it stays.
pub(super) async fn poll(
    state: &State,
    books: &Books,
    target: &Target,
    stop: impl Future<Output = ()>,
) -> Result<usize, PollError> {
    let lease = Lease::take(state, target.organization, Provider::Openai, &target.account).await?;
    let outcome = lease::keep(&lease, &state.db, run(state, books, &lease, target.team), stop).await;
    let end = match &outcome {
        Ok(_) => End::Success,
        Err(PollError::Busy | PollError::Interrupted) => End::Interrupted,
        Err(error) => End::Failure { code: error.code(), asked: error.retry_after() },
    };
    let mut tx = state.db.background().tenant(target.organization).await?;
    lease.release(&mut tx, end, state.clock.now()).await?;
    tx.commit().await?;
    if let End::Failure { code, .. } = end {
        tracing::warn!(organization = %target.organization, team = %target.team, code, "a poll of usage failed");
    }
    outcome
}

async fn run(state: &State, books: &Books, lease: &Lease, team: Uuid) -> Result<usize, PollError> {
    let open = admin_keys::open_active(state, lease.organization, team, lease.provider).await?;
    let Some(name) = open.key.account.as_deref() else { return Err(KeyProblem::Missing.into()) };
    let mut tx = state.db.background().tenant(lease.organization).await?;
    let account = collector::account_of(&mut tx, lease.organization, lease.provider, name).await?;
    tx.commit().await?;
    // The key was replaced by one to another account since the accounts were listed.
    if account != lease.account {
        return Err(KeyProblem::Missing.into());
    }
    let client = state.providers.openai_background(open.secret.clone())?;
    let source = Source { team, key: (open.key.id, open.version) };
    let polled = all_meters(state, books, lease, source, &client).await;
    let refusal = polled.as_ref().err().and_then(PollError::refusal);
    // What was never in doubt is not written down every minute.
    if refusal.is_some() || (polled.is_ok() && lease.failures > 0) {
        let ctx = Ctx::trusted(Actor::System { job: POLL }, lease.organization, state.clock.clone());
        admin_keys::note_use(state, &ctx, team, source.key, refusal).await?;
    }
    polled
}

/// One meter's nonsense leaves the others alone; the first is what the run reports.
async fn all_meters(
    state: &State,
    books: &Books,
    lease: &Lease,
    source: Source,
    client: &OpenAiClient,
) -> Result<usize, PollError> {
    let mut changed = 0;
    let mut first = None;
    for kind in UsageKind::ALL {
        match meter(state, books, lease, source, client, kind).await {
            Ok(minutes) => changed += minutes,
            Err(error) if error.is_of_the_meter() => {
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    first.map_or(Ok(changed), Err)
}

async fn meter(
    state: &State,
    books: &Books,
    lease: &Lease,
    from: Source,
    client: &OpenAiClient,
    kind: UsageKind,
) -> Result<usize, PollError> {
    let slice = Slice::of(lease, measure::name(kind));
    let now = state.clock.now();
    let mut tx = state.db.background().tenant(lease.organization).await?;
    let progress = slice.progress(&mut tx, now).await?;
    tx.commit().await?;
    let Some(window) = Window::new(progress.polled_through, progress.moving, now) else { return Ok(0) };
    let query = UsageQuery {
        kind,
        start: window.start,
        end: Some(window.end),
        width: BucketWidth::Minute,
        // The whole account: what belongs to no known project must be seen.
        project_ids: Vec::new(),
        limit: PAGE_MINUTES,
    };
    let source: &dyn UsageSource = client;
    let mut pages = UsagePages::new(source, query);
    let mut changed = 0;
    while let Some(page) = pages.next().await? {
        let book = books.of(lease.organization).await.map_err(|_| PollError::Prices)?;
        changed += page::store(state, &book, lease, from, slice, window, page).await?;
    }
    Ok(changed)
}

/// The accounts that an organization's keys open, each with one of the teams that have a key to it: one that the provider
/// takes, and always the same.
///
/// # Errors
/// The database's.
pub(super) async fn accounts(state: &State, organization: OrganizationId) -> sqlx::Result<Vec<Target>> {
    let mut tx = state.db.background().tenant(organization).await?;
    let accounts = store::accounts(&mut tx, organization, Provider::Openai).await?;
    tx.commit().await?;
    Ok(accounts.into_iter().map(|(account, team)| Target { organization, account, team }).collect())
}
