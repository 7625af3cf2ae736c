//! Rows of the public prices.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use finops_contract::UnitKind;
use finops_contract::prices::{PriceChangeState, PriceListing, PriceTier, PriceVersionKind};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::book::{Catalog, Entry};
use super::changes::{Doubt, Latest, NewEntry};
use super::domain::{EntryKey, Listing, PriceKey};

/// Writers of the book take turns on this lock of the database.
const WRITERS: i64 = 0x0066_696e_7072_6963;

/// Waits for the turn to write. Given back with the transaction.
pub(super) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", WRITERS).execute(conn).await.map(drop)
}

/// Which state of the book is stored.
pub(super) async fn number(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"SELECT coalesce(max(number), 0) AS "number!" FROM price_versions"#).fetch_one(conn).await
}

/// Whether this source was read, exactly as it is.
pub(super) async fn has_version(conn: &mut PgConnection, source: &str, checksum: &[u8]) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM price_versions WHERE source = $1 AND checksum = $2) AS "exists!""#,
        source,
        checksum
    )
    .fetch_one(conn)
    .await
}

/// A version to be written down.
pub(super) struct NewVersion<'a> {
    pub(super) id: Uuid,
    pub(super) kind: PriceVersionKind,
    pub(super) source: &'a str,
    pub(super) licence: Option<&'a str>,
    pub(super) checksum: Option<&'a [u8]>,
    pub(super) effective_from: DateTime<Utc>,
    pub(super) checked_at: DateTime<Utc>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: &'a str,
    pub(super) new: usize,
    pub(super) changed: usize,
    pub(super) ended: usize,
    pub(super) unchanged: usize,
    pub(super) suspicious: usize,
    pub(super) skipped: usize,
}

pub(super) async fn insert_version(conn: &mut PgConnection, version: &NewVersion<'_>) -> sqlx::Result<()> {
    let count = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
    sqlx::query!(
        "
        INSERT INTO price_versions (id, number, kind, source, licence, checksum, effective_from, checked_at, created_at,
            created_by, entries_new, entries_changed, entries_ended, entries_unchanged, entries_suspicious, entries_skipped)
        SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
        FROM price_versions
        ",
        version.id,
        version.kind.name(),
        version.source,
        version.licence,
        version.checksum,
        version.effective_from,
        version.checked_at,
        version.created_at,
        version.created_by,
        count(version.new),
        count(version.changed),
        count(version.ended),
        count(version.unchanged),
        count(version.suspicious),
        count(version.skipped)
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Notes that a source still says what its latest version says; that version, if there is one.
pub(super) async fn checked_again(
    conn: &mut PgConnection,
    source: &str,
    checksum: &[u8],
    at: DateTime<Utc>,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "
        UPDATE price_versions SET checked_at = $3, checksum = $2
        WHERE id = (SELECT id FROM price_versions WHERE source = $1 AND kind <> 'confirmation' ORDER BY number DESC LIMIT 1)
        RETURNING id
        ",
        source,
        checksum,
        at
    )
    .fetch_optional(conn)
    .await
}

/// Unit prices and factors of entries.
pub(super) async fn listings_of(conn: &mut PgConnection, entries: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Listing>> {
    listings(conn, Some(entries)).await
}

/// Unit prices and factors by entry; of all entries unless some are named.
async fn listings(conn: &mut PgConnection, only: Option<&[Uuid]>) -> sqlx::Result<BTreeMap<Uuid, Listing>> {
    let mut found: BTreeMap<Uuid, Listing> = BTreeMap::new();
    let prices = sqlx::query!(
        "
        SELECT entry_id, tier, above_tokens, kind, unit_price FROM prices
        WHERE $1::uuid[] IS NULL OR entry_id = ANY ($1)
        ",
        only
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in prices {
        let key = price_key(&row.tier, row.above_tokens, &row.kind)?;
        found.entry(row.entry_id).or_default().prices.insert(key, row.unit_price.normalize());
    }
    let factors = sqlx::query!(
        "SELECT entry_id, region, factor FROM price_factors WHERE $1::uuid[] IS NULL OR entry_id = ANY ($1)",
        only
    )
    .fetch_all(conn)
    .await?;
    for row in factors {
        found.entry(row.entry_id).or_default().factors.insert(row.region, row.factor.normalize());
    }
    Ok(found)
}

/// Reads what the table's own checks let in.
fn price_key(tier: &str, above: i64, kind: &str) -> sqlx::Result<PriceKey> {
    let unknown = || sqlx::Error::Decode(format!("no price is of {kind} at {tier} above {above}").into());
    Ok(PriceKey {
        tier: PriceTier::from_name(tier).ok_or_else(unknown)?,
        above: u32::try_from(above).map_err(|_| unknown())?,
        kind: UnitKind::from_name(kind).ok_or_else(unknown)?,
    })
}

/// The latest entry of everything that ever had a price.
pub(super) async fn latest(conn: &mut PgConnection) -> sqlx::Result<BTreeMap<EntryKey, Latest>> {
    let rows = sqlx::query!(
        "
        SELECT DISTINCT ON (provider, model, region) id, provider, model, region, effective_from, effective_to, confirmed_by
        FROM price_entries ORDER BY provider, model, region, effective_from DESC
        "
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut listings = listings_of(conn, &ids).await?;
    let latest = rows.into_iter().map(|row| {
        let key = EntryKey { provider: row.provider, model: row.model, region: row.region };
        let listing = listings.remove(&row.id).unwrap_or_default();
        let (from, to) = (row.effective_from, row.effective_to);
        (key, Latest { id: row.id, from, to, confirmed_by: row.confirmed_by, listing })
    });
    Ok(latest.collect())
}

/// Everything that anything ever cost.
pub(super) async fn catalog(conn: &mut PgConnection) -> sqlx::Result<Catalog> {
    let mut listings = listings(conn, None).await?;
    let rows = sqlx::query!("SELECT id, provider, model, region, effective_from, effective_to FROM price_entries")
        .fetch_all(conn)
        .await?;
    let mut catalog = Catalog::default();
    for row in rows {
        let listing = listings.remove(&row.id).unwrap_or_default();
        let entry = Entry::new(row.id, row.region.as_deref(), row.effective_from, row.effective_to, &listing);
        catalog.add(&EntryKey { provider: row.provider, model: row.model, region: row.region }, entry);
    }
    Ok(catalog)
}

/// Ends entries, each when its successor begins.
pub(super) async fn end(
    conn: &mut PgConnection,
    entries: impl Iterator<Item = (Uuid, DateTime<Utc>)>,
) -> sqlx::Result<()> {
    let (ids, times): (Vec<Uuid>, Vec<DateTime<Utc>>) = entries.unzip();
    sqlx::query!(
        "
        UPDATE price_entries e SET effective_to = s.effective_to
        FROM unnest($1::uuid[], $2::timestamptz[]) AS s (id, effective_to) WHERE e.id = s.id
        ",
        &ids,
        &times
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Stores entries with their prices.
pub(super) async fn insert_entries(
    conn: &mut PgConnection,
    version: Uuid,
    source: &str,
    checked_at: DateTime<Utc>,
    entries: &[(Uuid, &NewEntry)],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = entries.iter().map(|(id, _)| *id).collect();
    let providers: Vec<String> = entries.iter().map(|(_, entry)| entry.key.provider.clone()).collect();
    let models: Vec<String> = entries.iter().map(|(_, entry)| entry.key.model.clone()).collect();
    let regions: Vec<Option<String>> = entries.iter().map(|(_, entry)| entry.key.region.clone()).collect();
    let froms: Vec<DateTime<Utc>> = entries.iter().map(|(_, entry)| entry.from).collect();
    let pages: Vec<Option<String>> = entries.iter().map(|(_, entry)| entry.listing.source.clone()).collect();
    sqlx::query!(
        "
        INSERT INTO price_entries (version_id, confirmed_by, checked_at, id, provider, model, region, effective_from, source_url)
        SELECT $1, $2, $3, * FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[])
        ",
        version,
        source,
        checked_at,
        &ids,
        &providers,
        &models,
        &regions as &[Option<String>],
        &froms,
        &pages as &[Option<String>]
    )
    .execute(&mut *conn)
    .await?;
    insert_prices(conn, entries).await?;
    insert_factors(conn, entries).await
}

async fn insert_prices(conn: &mut PgConnection, entries: &[(Uuid, &NewEntry)]) -> sqlx::Result<()> {
    let all = || entries.iter().flat_map(|(id, entry)| entry.listing.prices.iter().map(move |price| (*id, price)));
    let ids: Vec<Uuid> = all().map(|(id, _)| id).collect();
    let tiers: Vec<String> = all().map(|(_, (key, _))| key.tier.name().to_owned()).collect();
    let steps: Vec<i64> = all().map(|(_, (key, _))| i64::from(key.above)).collect();
    let kinds: Vec<String> = all().map(|(_, (key, _))| key.kind.name().to_owned()).collect();
    let prices: Vec<Decimal> = all().map(|(_, (_, price))| *price).collect();
    sqlx::query!(
        "
        INSERT INTO prices (entry_id, tier, above_tokens, kind, unit_price)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::numeric[])
        ",
        &ids,
        &tiers,
        &steps,
        &kinds,
        &prices
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn insert_factors(conn: &mut PgConnection, entries: &[(Uuid, &NewEntry)]) -> sqlx::Result<()> {
    let all = || entries.iter().flat_map(|(id, entry)| entry.listing.factors.iter().map(move |factor| (*id, factor)));
    let ids: Vec<Uuid> = all().map(|(id, _)| id).collect();
    let regions: Vec<String> = all().map(|(_, (region, _))| region.clone()).collect();
    let factors: Vec<Decimal> = all().map(|(_, (_, factor))| *factor).collect();
    sqlx::query!(
        "INSERT INTO price_factors (entry_id, region, factor) SELECT * FROM unnest($1::uuid[], $2::text[], $3::numeric[])",
        &ids,
        &regions,
        &factors
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Notes that a source agrees with entries.
pub(super) async fn confirm_entries(
    conn: &mut PgConnection,
    entries: &[Uuid],
    source: &str,
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!("UPDATE price_entries SET confirmed_by = $2, checked_at = $3 WHERE id = ANY ($1)", entries, source, at)
        .execute(conn)
        .await
        .map(drop)
}

/// Puts a change before the administrators, in place of one of the same entry that waits already.
pub(super) async fn doubt(
    conn: &mut PgConnection,
    id: Uuid,
    version: Uuid,
    source: &str,
    doubt: &Doubt,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let proposed = doubt.proposed.as_ref().map(|listing| Json(PriceListing::from(listing)));
    sqlx::query!(
        "
        INSERT INTO price_changes (id, version_id, provider, model, region, entry_id, source, reasons, proposed, state, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', $10)
        ON CONFLICT (provider, model, region) WHERE state = 'pending' DO UPDATE
        SET version_id = excluded.version_id, entry_id = excluded.entry_id, source = excluded.source,
            reasons = excluded.reasons, proposed = excluded.proposed
        ",
        id,
        version,
        doubt.key.provider,
        doubt.key.model,
        doubt.key.region,
        doubt.entry,
        source,
        &doubt.reasons,
        proposed as Option<Json<PriceListing>>,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Withdraws the changes that wait for these entries.
pub(super) async fn withdraw(conn: &mut PgConnection, entries: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE price_changes SET state = 'withdrawn', decided_at = $2 WHERE state = 'pending' AND entry_id = ANY ($1)",
        entries,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A change that waits for somebody, or that somebody refused.
pub(super) struct KnownDoubt {
    pub(super) entry: Uuid,
    pub(super) proposed: Option<PriceListing>,
    pub(super) state: PriceChangeState,
}

/// What waits or was refused of entries that still hold: the same is not asked twice.
pub(super) async fn doubts(conn: &mut PgConnection) -> sqlx::Result<Vec<KnownDoubt>> {
    let rows = sqlx::query!(
        r#"
        SELECT c.entry_id, c.proposed AS "proposed: Json<PriceListing>", c.state
        FROM price_changes c JOIN price_entries e ON e.id = c.entry_id
        WHERE c.state IN ('pending', 'dismissed') AND e.effective_to IS NULL
        "#
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let state = PriceChangeState::from_name(&row.state)?;
        Some(KnownDoubt { entry: row.entry_id, proposed: row.proposed.map(|json| json.0), state })
    });
    Ok(known.collect())
}

/// Since when an entry holds.
pub(super) async fn entry_from(conn: &mut PgConnection, entry: Uuid) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!("SELECT effective_from FROM price_entries WHERE id = $1", entry).fetch_one(conn).await
}

/// The entry that a change would replace.
pub(super) async fn doubted_entry(conn: &mut PgConnection, change: Uuid) -> sqlx::Result<Uuid> {
    sqlx::query_scalar!("SELECT entry_id FROM price_changes WHERE id = $1", change).fetch_one(conn).await
}

/// Writes a decision down.
pub(super) async fn decide(
    conn: &mut PgConnection,
    change: Uuid,
    state: PriceChangeState,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!("UPDATE price_changes SET state = $2, decided_at = $3 WHERE id = $1", change, state.name(), now)
        .execute(conn)
        .await
        .map(drop)
}

/// The organization of those who run the platform: of the first of them who is still there.
pub(super) async fn administrators(conn: &mut PgConnection) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT organization_id FROM users WHERE role = 'admin' AND deleted_at IS NULL ORDER BY created_at, id LIMIT 1"
    )
    .fetch_optional(conn)
    .await
}
