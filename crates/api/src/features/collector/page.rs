//! One page of the bill, stored in one transaction.

use chrono::NaiveDate;
use finops_providers::CostPage;
use uuid::Uuid;

use super::accounts::{Named, Recognition};
use super::domain::{self, Line, Window};
use super::error::CollectError;
use super::lease::Lease;
use super::store::{self, Slice};
use crate::features::admin_keys::{self, KeyProblem};
use crate::features::budgets;
use crate::features::projects::{self, Owners};
use crate::platform::http::Ctx;
use crate::platform::lease;
use crate::platform::state::State;

/// What storing did, in lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Seen for the first time.
    pub(super) created: i64,
    /// Restated.
    pub(super) updated: i64,
    /// Of Project IDs that no project has.
    pub(super) unattributed: i64,
    /// All of them.
    pub(super) lines: i64,
    /// Project IDs that no project has; the first few.
    pub(super) unknown_projects: Vec<String>,
}

/// As many unknown Project IDs as a person wants to read.
const SHOWN_UNKNOWN: usize = 10;

impl Tally {
    /// What a page holds, before it is known what of it is new.
    fn of(lines: &[Line], owners: &Owners) -> Self {
        let mut tally = Self { lines: count(lines.len()), ..Self::default() };
        for line in lines {
            let id = line.key.provider_project_id.as_deref();
            if id.is_none_or(|id| owners.of(id, line.key.day).is_none()) {
                tally.unattributed += 1;
                let unknown = id.filter(|id| !tally.unknown_projects.iter().any(|known| known == id));
                tally.unknown_projects.extend(unknown.map(str::to_owned));
            }
        }
        tally
    }

    /// Counts a page's.
    pub(super) fn add(&mut self, page: Self) {
        self.created += page.created;
        self.updated += page.updated;
        self.unattributed += page.unattributed;
        self.lines += page.lines;
        for id in page.unknown_projects {
            if !self.unknown_projects.contains(&id) && self.unknown_projects.len() < SHOWN_UNKNOWN {
                self.unknown_projects.push(id);
            }
        }
    }
}

/// Where a page comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// On whose behalf.
    pub(super) ctx: &'a Ctx,
    /// The provider's account.
    pub(super) account: &'a str,
    /// The key that it was asked with, by id and version.
    pub(super) key: (Uuid, i32),
}

/// What became of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// It is stored.
    Stored(Tally),
    /// It belongs to an account that is stored under this other name: nothing of it is stored under this one.
    Elsewhere(String),
}

/// Stores a page: new lines, what was restated with what it was before, the days' sums, and how far the collection is.
/// `window` is what was asked for; the last of its days is the last whole one.
///
/// # Errors
/// [`CollectError::Interrupted`] when the team is not this worker's any more, [`CollectError::AccountAmbiguous`] when the
/// bill is stored under another name already: nothing is stored then.
pub(super) async fn store(
    state: &State,
    lease: &Lease,
    source: Source<'_>,
    window: Window,
    page: CostPage,
) -> Result<Page, CollectError> {
    let days: Vec<NaiveDate> = page.buckets.iter().map(|bucket| bucket.start.date_naive()).collect();
    if days.iter().any(|day| !window.holds(*day)) {
        return Err(CollectError::UnexpectedDay);
    }
    let lines = domain::lines(page.buckets)?;
    let mut tx = state.db.background().tenant(lease.organization).await?;
    let slice = Slice {
        organization: lease.organization,
        provider: lease.provider.name(),
        account: source.account,
        api_version: "costs_v1",
    };
    // In this order everywhere: what Project IDs stand for, the account, the team.
    store::share_attribution(&mut tx, lease.organization).await?;
    slice.lock(&mut tx).await?;
    lease::hold(lease, &mut tx).await?;
    // A key that was stopped, replaced or deleted meanwhile stores nothing more.
    if !admin_keys::is_in_use(&mut tx, lease.organization, source.key).await? {
        return Err(KeyProblem::Missing.into());
    }
    let now = state.clock.now();
    let named = Named { organization: lease.organization, provider: slice.provider, name: source.account };
    match named.recognize_page(&mut tx, &lines, now).await? {
        Recognition::Ambiguous => return Err(CollectError::AccountAmbiguous),
        Recognition::Adopted(account) => {
            named.record(&mut tx, source.ctx, lease.team, &account).await?;
            tx.commit().await?;
            return Ok(Page::Elsewhere(account));
        }
        Recognition::Account(account) if account != source.account => return Ok(Page::Elsewhere(account)),
        Recognition::Account(_) => {}
    }
    let owners = projects::owners(&mut tx, lease.organization, window.first).await?;
    let mut tally = Tally::of(&lines, &owners);
    let stored = slice.lines(&mut tx, &days).await?;
    let changes = domain::compare(stored, lines);
    tally.created = count(changes.new.len());
    tally.updated = count(changes.restated.len());
    slice.restate(&mut tx, &changes.restated, now).await?;
    slice.insert(&mut tx, &changes.new, lease.team, &owners, &state.clock).await?;
    slice.rebuild_rollup(&mut tx, &changes.days()).await?;
    slice.mark_collected(&mut tx, &days, window.last, lease.team, now).await?;
    budgets::check_soon(&mut tx, lease.organization).await?;
    store::advance(&mut tx, lease, days.iter().max().copied(), count(days.len()) as i32).await?;
    tx.commit().await?;
    Ok(Page::Stored(tally))
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
