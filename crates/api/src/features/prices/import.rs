//! Bringing a price map into the book: one writer at a time, one transaction, and nothing that is past is changed.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};
use finops_contract::prices::{PriceChangeState, PriceImportReport, PriceVersionKind, SkippedPrice};
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use uuid::Uuid;

use super::changes::{self, Doubt, NewEntry, Plan, SHIPPED, Said};
use super::litellm::{self, PriceMap, Skipped};
use super::store::{self, NewVersion};
use crate::platform::clock::Clock;
use crate::platform::db::Tx;

/// The book that comes with the program: public facts, with where they are from.
const BOOK: &str = include_str!("book.json");
/// Entries that could not be read and are told at once.
const SHOWN: usize = 100;

/// The shape of the shipped book.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shipped {
    source: String,
    licence: String,
    checked_at: DateTime<Utc>,
    prices: Box<RawValue>,
}

/// A price map from somewhere.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) kind: PriceVersionKind,
    /// Its name: the same for the same list at another time.
    pub(super) name: &'a str,
    pub(super) licence: Option<&'a str>,
    pub(super) checksum: Vec<u8>,
    pub(super) effective_from: DateTime<Utc>,
    pub(super) checked_at: DateTime<Utc>,
    /// Who brings it in.
    pub(super) by: &'a str,
}

/// Reads the shipped book into the tables, unless it is there: whatever begins first does it, and the others wait.
///
/// # Errors
/// The database's.
pub async fn install(tx: &mut Tx, clock: &Clock) -> anyhow::Result<()> {
    let shipped: Shipped = serde_json::from_str(BOOK)?;
    let name = format!("{SHIPPED}{}", shipped.source);
    let checksum = checksum(BOOK);
    store::lock(tx).await?;
    if store::has_version(tx, &name, &checksum).await? {
        return Ok(());
    }
    let source = Source {
        kind: PriceVersionKind::Shipped,
        name: &name,
        licence: Some(&shipped.licence),
        checksum,
        effective_from: clock.now(),
        checked_at: shipped.checked_at,
        by: "finops",
    };
    let map = litellm::parse(shipped.prices.get())?;
    take(tx, clock, &source, map).await?;
    Ok(())
}

/// The checksum of a source's text.
pub(super) fn checksum(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

/// Takes a price map into the book. What is too strange waits for somebody; the rest holds from the source's time on.
/// The version that this made comes with the report, unless the map said nothing new.
///
/// # Errors
/// The database's.
pub(super) async fn take(
    tx: &mut Tx,
    clock: &Clock,
    source: &Source<'_>,
    map: PriceMap,
) -> sqlx::Result<(PriceImportReport, Option<Uuid>)> {
    store::lock(tx).await?;
    let latest = store::latest(tx).await?;
    let PriceMap { listings, skipped } = map;
    let now = clock.now();
    let shipped = source.kind == PriceVersionKind::Shipped;
    let said = Said { source: source.name, shipped, from: source.effective_from.max(now), now };
    let mut plan = changes::plan(&latest, &said, listings);
    let known = store::doubts(tx).await?;
    let known_as = |doubt: &Doubt, state: PriceChangeState| {
        let proposed = doubt.proposed.as_ref().map(Into::into);
        known.iter().any(|known| known.state == state && known.entry == doubt.entry && known.proposed == proposed)
    };
    plan.doubts.retain(|doubt| !known_as(doubt, PriceChangeState::Dismissed));
    let doubts = plan.doubts.len();
    plan.doubts.retain(|doubt| !known_as(doubt, PriceChangeState::Pending));
    let (version, is_new) = record(tx, clock, source, &said, &plan, skipped.len()).await?;
    write(tx, clock, source, version, &plan).await?;
    Ok((report(source, &plan, doubts, skipped), is_new.then_some(version)))
}

/// The version that a plan makes, and whether it is new: a list that says nothing new was looked at once more.
async fn record(
    conn: &mut PgConnection,
    clock: &Clock,
    source: &Source<'_>,
    said: &Said<'_>,
    plan: &Plan,
    skipped: usize,
) -> sqlx::Result<(Uuid, bool)> {
    let nothing_new = plan.new.is_empty() && plan.changed.is_empty() && plan.doubts.is_empty();
    if nothing_new
        && let Some(known) = store::checked_again(conn, source.name, &source.checksum, source.checked_at).await?
    {
        return Ok((known, false));
    }
    let version = NewVersion {
        id: clock.new_id(),
        kind: source.kind,
        source: source.name,
        licence: source.licence,
        checksum: Some(&source.checksum),
        effective_from: said.from,
        checked_at: source.checked_at,
        created_at: said.now,
        created_by: source.by,
        new: plan.new.len(),
        changed: plan.changed.len(),
        ended: 0,
        unchanged: plan.same.len(),
        suspicious: plan.doubts.len(),
        skipped,
    };
    store::insert_version(conn, &version).await?;
    Ok((version.id, true))
}

async fn write(
    conn: &mut PgConnection,
    clock: &Clock,
    source: &Source<'_>,
    version: Uuid,
    plan: &Plan,
) -> sqlx::Result<()> {
    let now = clock.now();
    // Whatever waited is withdrawn where the source now says something else, or the same as the book again.
    let settled: Vec<Uuid> =
        plan.same.iter().copied().chain(plan.changed.iter().filter_map(|entry| entry.replaces)).collect();
    store::withdraw(conn, &settled, now).await?;
    store::end(conn, plan.changed.iter().filter_map(|entry| Some((entry.replaces?, entry.from)))).await?;
    let entries: Vec<(Uuid, &NewEntry)> =
        plan.new.iter().chain(&plan.changed).map(|entry| (clock.new_id(), entry)).collect();
    store::insert_entries(conn, version, source.name, source.checked_at, &entries).await?;
    store::confirm_entries(conn, &plan.same, source.name, source.checked_at).await?;
    for doubt in &plan.doubts {
        store::doubt(conn, clock.new_id(), version, source.name, doubt, now).await?;
    }
    Ok(())
}

fn report(source: &Source<'_>, plan: &Plan, doubts: usize, skipped: Vec<Skipped>) -> PriceImportReport {
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let scheduled = plan.scheduled.iter().map(|key| SkippedPrice {
        name: key.to_string(),
        reason: "has another price from a later time already".into(),
    });
    let total = skipped.len() + plan.scheduled.len();
    let unreadable = skipped.into_iter().map(|skipped| SkippedPrice { name: skipped.name, reason: skipped.why });
    PriceImportReport {
        source: source.name.to_owned(),
        entries_new: count(plan.new.len()),
        entries_changed: count(plan.changed.len()),
        entries_unchanged: count(plan.same.len()),
        entries_suspicious: count(doubts),
        entries_skipped: count(total),
        skipped: unreadable.chain(scheduled).take(SHOWN).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_book_can_be_read_whole() {
        let shipped: Shipped = serde_json::from_str(BOOK).unwrap();
        let map = litellm::parse(shipped.prices.get()).unwrap();
        assert!(map.skipped.is_empty(), "{:?}", map.skipped);
        assert!(map.listings.len() > 80);
        for provider in ["openai", "anthropic", "google_ai", "aws_bedrock"] {
            assert!(map.listings.keys().any(|key| key.provider == provider), "{provider}");
        }
        assert!(shipped.licence.contains("MIT"));
    }
}
