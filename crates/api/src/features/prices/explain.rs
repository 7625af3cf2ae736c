//! What a call would be priced with, for people who wonder.

use chrono::{DateTime, Utc};
use finops_contract::prices::{PriceTier, ResolvePriceQuery, ResolvedPrice, ResolvedUnitPrice};
use finops_contract::{Quantities, UnitKind};
use rust_decimal::Decimal;

use super::book::{Book, Match};
use super::domain::{Lookup, Reason, provider_name};

/// Finds what a call of a model would be priced with, and lists the prices of every kind at every length.
pub(super) fn explain(book: &Book, query: &ResolvePriceQuery, now: DateTime<Utc>) -> ResolvedPrice {
    let provider = provider_name(&query.provider);
    let nothing = Quantities::default();
    let lookup = Lookup {
        provider: &query.provider,
        model: &query.model,
        tier: query.tier.as_deref(),
        region: query.region.as_deref(),
        at: query.at.unwrap_or(now),
        quantities: &nothing,
    };
    let found = book.find(&provider, &lookup);
    let prices = found.as_ref().map(prices).unwrap_or_default();
    let unknown_tier = prices.is_empty().then_some(Reason::UnknownTier);
    let reason = found.as_ref().err().copied().or(unknown_tier);
    let found = found.ok();
    ResolvedPrice {
        provider: provider.clone().into_owned(),
        model: found.as_ref().map(|found| found.resolution.model.to_string()),
        region: found.as_ref().and_then(|found| found.resolution.region.as_deref().map(Into::into)),
        tier: PriceTier::said(query.tier.as_deref()),
        entry_id: found.as_ref().and_then(|found| found.entry).map(|entry| entry.id),
        resolution: found.map(|found| {
            let negotiated = prices.iter().any(|price| price.negotiated);
            super::domain::Resolution { negotiated, ..found.resolution }.to_string()
        }),
        reason: reason.map(|reason| reason.name().to_owned()),
        currency: "USD".into(),
        prices,
    }
}

fn prices(found: &Match<'_>) -> Vec<ResolvedUnitPrice> {
    let mut steps = found.entry.map(|entry| entry.steps(found.tier)).unwrap_or_default();
    if steps.is_empty() {
        steps.push(0);
    }
    let mut all = Vec::new();
    for above in steps {
        // The shortest call that is longer than the step.
        let length = Decimal::from(above) + Decimal::ONE;
        for kind in UnitKind::ALL {
            let Ok((price, own)) = found.unit_price(kind, length) else { continue };
            all.push(ResolvedUnitPrice { kind, above_tokens: above, price: price.into(), negotiated: own.is_some() });
        }
    }
    all
}
