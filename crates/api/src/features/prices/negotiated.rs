//! Rows of what organizations negotiated.

use finops_contract::UnitKind;
use finops_contract::prices::PriceTier;
use sqlx::PgConnection;

use super::overrides::{Override, Terms};
use crate::platform::db::OrganizationId;

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
