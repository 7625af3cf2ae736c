//! The lists of the public prices that the API shows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use finops_contract::prices::{
    PriceChange, PriceChangeState, PriceEntry, PriceListing, PriceVersion, PriceVersionKind, PricesQuery,
};
use finops_contract::{ErrorCode, Page};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::domain::{Listing, provider_name};
use super::store;
use crate::platform::http::ApiResult;
use crate::platform::http::cursor::Keyset;

/// Where a page of entries ends.
type Position = (String, String, Uuid);

/// Entries by provider and model.
///
/// # Errors
/// `validation_failed` for the limit, `invalid_cursor`, `invalid_query` for text that cannot be stored.
pub(super) async fn entries(
    conn: &mut PgConnection,
    query: &PricesQuery,
    now: DateTime<Utc>,
) -> ApiResult<Page<PriceEntry>> {
    let keyset = Keyset::<Position>::read(query.limit, query.cursor.as_deref())?;
    let texts = [query.provider.as_deref(), query.model.as_deref()];
    if texts.into_iter().flatten().any(|text| text.contains('\0')) {
        return Err(ErrorCode::InvalidQuery.into());
    }
    let at = if query.history.unwrap_or_default() { None } else { Some(query.at.unwrap_or(now)) };
    let after = keyset.after.as_ref();
    let provider = query.provider.as_deref().map(provider_name);
    let rows = sqlx::query!(
        "
        SELECT id, provider, model, region, effective_from, effective_to, source_url, confirmed_by, checked_at
        FROM price_entries
        WHERE ($1::text IS NULL OR provider = $1)
            AND ($2::text IS NULL OR strpos(lower(model), lower($2)) > 0)
            AND ($3::timestamptz IS NULL OR (effective_from <= $3 AND (effective_to IS NULL OR effective_to > $3)))
            AND ($4::text IS NULL OR (provider, model, id) > ($4, $5, $6))
        ORDER BY provider, model, id LIMIT $7
        ",
        provider.as_deref(),
        query.model,
        at,
        after.map(|(provider, ..)| provider),
        after.map(|(_, model, _)| model),
        after.map(|(.., id)| *id),
        keyset.fetch()
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut listings = store::listings_of(conn, &ids).await?;
    let entries = rows.into_iter().map(|row| {
        let listing = PriceListing::from(&listings.remove(&row.id).unwrap_or_default());
        PriceEntry {
            id: row.id,
            provider: row.provider,
            model: row.model,
            region: row.region,
            effective_from: row.effective_from,
            effective_to: row.effective_to,
            currency: "USD".into(),
            prices: listing.prices,
            factors: listing.factors,
            source: row.source_url,
            confirmed_by: row.confirmed_by,
            checked_at: row.checked_at,
        }
    });
    Ok(keyset.page(entries.collect(), |entry| (entry.provider.clone(), entry.model.clone(), entry.id)))
}

/// Versions, the latest first.
pub(super) async fn versions(conn: &mut PgConnection, keyset: &Keyset<i64>) -> sqlx::Result<Vec<PriceVersion>> {
    let rows = sqlx::query!(
        r#"
        SELECT id, number, kind, source, licence, effective_from,
            (SELECT n.effective_from FROM price_versions n WHERE n.number > v.number ORDER BY n.number LIMIT 1)
                AS effective_to,
            checked_at, created_at, entries_new, entries_changed, entries_ended, entries_unchanged, entries_suspicious,
            entries_skipped
        FROM price_versions v
        WHERE $1::bigint IS NULL OR number < $1
        ORDER BY number DESC LIMIT $2
        "#,
        keyset.after,
        keyset.fetch()
    )
    .fetch_all(conn)
    .await?;
    let versions = rows.into_iter().map(|row| PriceVersion {
        id: row.id,
        number: row.number,
        // The table's CHECK allows no other.
        kind: PriceVersionKind::from_name(&row.kind).unwrap_or(PriceVersionKind::Import),
        source: row.source,
        licence: row.licence,
        effective_from: row.effective_from,
        effective_to: row.effective_to,
        checked_at: row.checked_at,
        created_at: row.created_at,
        entries_new: row.entries_new,
        entries_changed: row.entries_changed,
        entries_ended: row.entries_ended,
        entries_unchanged: row.entries_unchanged,
        entries_suspicious: row.entries_suspicious,
        entries_skipped: row.entries_skipped,
    });
    Ok(versions.collect())
}

/// Changes that wait or waited for an administrator, the latest first; one alone if it is named.
pub(super) async fn changes(
    conn: &mut PgConnection,
    state: Option<PriceChangeState>,
    only: Option<Uuid>,
    keyset: &Keyset<Uuid>,
) -> sqlx::Result<Vec<PriceChange>> {
    let rows = sqlx::query!(
        r#"
        SELECT id, provider, model, region, entry_id, source, reasons, proposed AS "proposed: Json<PriceListing>", state,
            created_at, decided_at
        FROM price_changes
        WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4
        "#,
        state.map(PriceChangeState::name),
        only,
        keyset.after,
        keyset.fetch()
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.entry_id).collect();
    let current: BTreeMap<Uuid, Listing> = store::listings_of(conn, &ids).await?;
    let changes = rows.into_iter().map(|row| PriceChange {
        id: row.id,
        provider: row.provider,
        model: row.model,
        region: row.region,
        source: row.source,
        reasons: row.reasons,
        current: current.get(&row.entry_id).map(PriceListing::from).unwrap_or_default(),
        proposed: row.proposed.map(|json| json.0),
        // The table's CHECK allows no other.
        state: PriceChangeState::from_name(&row.state).unwrap_or(PriceChangeState::Pending),
        created_at: row.created_at,
        decided_at: row.decided_at,
    });
    Ok(changes.collect())
}
