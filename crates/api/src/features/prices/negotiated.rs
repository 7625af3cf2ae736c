//! Rows of what organizations negotiated.

use chrono::{DateTime, Utc};
use finops_contract::prices::{PriceOverride, PriceTier};
use finops_contract::{ErrorCode, UnitKind};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::overrides::{Override, Terms};
use super::terms::Agreed;
use crate::platform::db::{self, OrganizationId};
use crate::platform::http::cursor::Keyset;
use crate::platform::http::{Actor, ApiError, ApiResult, Ctx};

/// Which state of an organization's own prices is stored.
pub(super) async fn revision(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "SELECT revision FROM price_override_revisions WHERE organization_id = $1",
        organization as OrganizationId
    )
    .fetch_optional(conn)
    .await
    .map(Option::unwrap_or_default)
}

/// Everything that an organization ever negotiated.
pub(super) async fn all(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<Override>> {
    let rows = sqlx::query!(
        "
        SELECT id, provider, model, kind, tier, unit_price, discount_percent, same_as, effective_from, effective_to
        FROM price_overrides WHERE organization_id = $1
        ",
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().map(|row| {
        let kind = row.kind.as_deref().and_then(UnitKind::from_name);
        let tier = row.tier.as_deref().and_then(PriceTier::from_name);
        let terms = match (row.unit_price, kind, tier, row.discount_percent, row.same_as) {
            (Some(price), Some(kind), Some(tier), _, _) => Terms::Price { kind, tier, price: price.normalize() },
            (_, _, _, Some(percent), _) => Terms::Discount(percent),
            (_, _, _, _, Some(name)) => Terms::SameAs(name),
            _ => return Err(sqlx::Error::Decode(format!("the terms of {} make no sense", row.id).into())),
        };
        let (provider, model) = (row.provider, row.model);
        Ok(Override { id: row.id, provider, model, terms, from: row.effective_from, to: row.effective_to })
    });
    read.collect()
}

struct Row {
    id: Uuid,
    provider: String,
    model: Option<String>,
    kind: Option<String>,
    tier: Option<String>,
    unit_price: Option<Decimal>,
    discount_percent: Option<Decimal>,
    same_as: Option<String>,
    note: Option<String>,
    effective_from: DateTime<Utc>,
    effective_to: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Row> for PriceOverride {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            provider: row.provider,
            model: row.model,
            kind: row.kind.as_deref().and_then(UnitKind::from_name),
            tier: row.tier.as_deref().and_then(PriceTier::from_name),
            unit_price: row.unit_price.map(Into::into),
            discount_percent: row.discount_percent.map(Into::into),
            same_as: row.same_as,
            note: row.note,
            currency: "USD".into(),
            effective_from: row.effective_from,
            effective_to: row.effective_to,
            created_at: row.created_at,
        }
    }
}

/// What an organization negotiated, the latest first; one alone if it is named.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    only: Option<Uuid>,
    keyset: &Keyset<Uuid>,
) -> sqlx::Result<Vec<PriceOverride>> {
    let rows = sqlx::query_as!(
        Row,
        "
        SELECT id, provider, model, kind, tier, unit_price, discount_percent, same_as, note, effective_from, effective_to,
            created_at
        FROM price_overrides
        WHERE organization_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4
        ",
        organization as OrganizationId,
        only,
        keyset.after,
        keyset.fetch()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Stores something negotiated.
///
/// # Errors
/// `price_override_overlaps`.
pub(super) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: Uuid,
    agreed: &Agreed,
    note: Option<&str>,
) -> ApiResult<()> {
    let by = match &ctx.actor {
        Actor::User { email, .. } => email.as_str(),
        Actor::ApiKey { name, .. } => name.as_str(),
        Actor::System { job } => *job,
        Actor::Cli => "finops",
    };
    let (kind, tier, price) = match &agreed.terms {
        Terms::Price { kind, tier, price } => (Some(kind.name()), Some(tier.name()), Some(*price)),
        Terms::Discount(_) | Terms::SameAs(_) => (None, None, None),
    };
    let percent = if let Terms::Discount(percent) = &agreed.terms { Some(*percent) } else { None };
    let same_as = if let Terms::SameAs(name) = &agreed.terms { Some(name) } else { None };
    sqlx::query!(
        "
        INSERT INTO price_overrides (organization_id, id, provider, model, kind, tier, unit_price, discount_percent, same_as,
            note, effective_from, effective_to, created_at, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ",
        ctx.organization as OrganizationId,
        id,
        agreed.provider,
        agreed.model,
        kind,
        tier,
        price,
        percent,
        same_as,
        note,
        agreed.from,
        agreed.to,
        ctx.now(),
        by
    )
    .execute(&mut *conn)
    .await
    .map_err(|error| match db::violates(&error, "price_overrides_one_at_a_time") {
        true => ApiError::from(ErrorCode::PriceOverrideOverlaps),
        false => error.into(),
    })?;
    Ok(count_change(conn, ctx.organization).await?)
}

/// Ends something negotiated: now, or never to begin.
pub(super) async fn end(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        "
        UPDATE price_overrides SET effective_to = greatest($3, effective_from)
        WHERE organization_id = $1 AND id = $2 AND (effective_to IS NULL OR effective_to > greatest($3, effective_from))
        ",
        organization as OrganizationId,
        id,
        now
    )
    .execute(&mut *conn)
    .await?;
    count_change(conn, organization).await?;
    Ok(ended.rows_affected() > 0)
}

async fn count_change(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<()> {
    sqlx::query!(
        "
        INSERT INTO price_override_revisions AS r (organization_id, revision) VALUES ($1, 1)
        ON CONFLICT (organization_id) DO UPDATE SET revision = r.revision + 1
        ",
        organization as OrganizationId
    )
    .execute(conn)
    .await
    .map(drop)
}
