//! One page of a meter, stored in one transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use finops_providers::UsagePage;
use uuid::Uuid;

use super::domain::{self, Line, LineKey, Lines, Window};
use super::error::PollError;
use super::lease::Lease;
use super::measure::{Price, Units};
use super::store::Slice;
use crate::features::admin_keys::{self, KeyProblem};
use crate::features::budgets;
use crate::features::collector;
use crate::features::prices::Book;
use crate::features::projects;
use crate::platform::lease;
use crate::platform::state::State;

/// Where a page comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// The team whose key it was asked with; what belongs to no project is shown with it.
    pub(super) team: Uuid,
    /// The key, by id and version.
    pub(super) key: (Uuid, i32),
}

/// Stores a page: every minute as the provider says it now, the sums of the hours and days that changed, and how far the
/// meter is. Returns how many minutes changed.
///
/// # Errors
/// [`PollError::Interrupted`] when the account is not this worker's any more: nothing is stored then.
pub(super) async fn store(
    state: &State,
    book: &Book,
    lease: &Lease,
    source: Source,
    slice: Slice<'_>,
    window: Window,
    page: UsagePage,
) -> Result<usize, PollError> {
    let Some(span) = span(&page, window)? else { return Ok(0) };
    let units = units(page)?;
    let now = state.clock.now();
    let mut tx = state.db.background().tenant(lease.organization).await?;
    // In this order everywhere: what Project IDs stand for, the account.
    collector::share_attribution(&mut tx, lease.organization).await?;
    lease::hold(lease, &mut tx).await?;
    // A key that was stopped, replaced or deleted meanwhile stores nothing more.
    if !admin_keys::is_in_use(&mut tx, lease.organization, source.key).await? {
        return Err(KeyProblem::Missing.into());
    }
    let owners = projects::owners(&mut tx, lease.organization, span.start.date_naive()).await?;
    let lines: Lines = units
        .into_iter()
        .map(|(key, units)| {
            let owner = key.provider_project_id.as_deref().and_then(|id| owners.of(id, key.minute.date_naive()));
            let line = Line {
                price: Price::of(book, slice.provider, &key, &units),
                // What only the price needs to know; stored lines do not have it.
                units: Units { drawn: 0, ..units },
                project_id: owner.map(|owner| owner.project_id),
                team_id: owner.map_or(source.team, |owner| owner.team_id),
            };
            (key, line)
        })
        .collect();
    let stored = slice.lines(&mut tx, span).await?;
    let changes = domain::changes(stored, lines);
    slice.replace(&mut tx, &changes).await?;
    slice.rebuild(&mut tx, &changes.hours()).await?;
    if !changes.minutes.is_empty() {
        budgets::check_soon(&mut tx, lease.organization).await?;
    }
    slice.mark(&mut tx, span, &changes.moved, now).await?;
    tx.commit().await?;
    Ok(changes.minutes.len())
}

/// From the first of a page's minutes to the end of its last; nothing for a page without any.
fn span(page: &UsagePage, window: Window) -> Result<Option<Window>, PollError> {
    let whole = |start: DateTime<Utc>, end: DateTime<Utc>| {
        start.timestamp() % 60 == 0 && end - start == TimeDelta::minutes(1) && window.holds(start)
    };
    if !page.buckets.iter().all(|bucket| whole(bucket.start, bucket.end)) {
        return Err(PollError::UnexpectedMinute);
    }
    let start = page.buckets.iter().map(|bucket| bucket.start).min();
    let end = page.buckets.iter().map(|bucket| bucket.end).max();
    Ok(start.zip(end).map(|(start, end)| Window { start, end }))
}

/// The lines of a page. What the meter tells apart further (sizes of images, stores searched) has one price: it is one line.
fn units(page: UsagePage) -> Result<BTreeMap<LineKey, Units>, PollError> {
    let mut lines = BTreeMap::<LineKey, Units>::new();
    for bucket in page.buckets {
        for line in bucket.lines {
            let units = Units::of(&line)?;
            let key = LineKey {
                minute: bucket.start,
                provider_project_id: line.project_id,
                provider_api_key_id: line.api_key_id,
                model: line.model,
                batch: line.batch,
                tier: line.service_tier,
            };
            match lines.get_mut(&key) {
                Some(sum) => sum.add(&units)?,
                None => {
                    lines.insert(key, units);
                }
            }
        }
    }
    Ok(lines)
}
