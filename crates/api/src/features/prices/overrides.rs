//! What an organization negotiated: prices of its own, discounts, and names of its own for models of the book.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use finops_contract::UnitKind;
use finops_contract::prices::PriceTier;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::resolve;

/// One thing that was negotiated, for some time.
#[derive(Clone, Debug)]
pub(super) struct Override {
    pub(super) id: Uuid,
    pub(super) provider: String,
    /// Nothing for a discount on everything of the provider.
    pub(super) model: Option<String>,
    pub(super) terms: Terms,
    pub(super) from: DateTime<Utc>,
    pub(super) to: Option<DateTime<Utc>>,
}

/// What was negotiated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Terms {
    /// A price a unit, in USD, instead of the book's: at every length of a call, in every region.
    Price { kind: UnitKind, tier: PriceTier, price: Decimal },
    /// Percent off the book's price.
    Discount(Decimal),
    /// The name stands for this model of the book.
    SameAs(String),
}

#[derive(Clone, Debug)]
struct Dated<T> {
    id: Uuid,
    from: DateTime<Utc>,
    to: Option<DateTime<Utc>>,
    value: T,
}

impl<T> Dated<T> {
    fn holds_at(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

fn at<T>(all: &[Dated<T>], at: DateTime<Utc>) -> impl Iterator<Item = &Dated<T>> {
    all.iter().filter(move |dated| dated.holds_at(at))
}

#[derive(Clone, Debug)]
struct ModelTerms {
    name: Arc<str>,
    prices: Vec<Dated<(UnitKind, PriceTier, Decimal)>>,
    shares: Vec<Dated<Decimal>>,
    same_as: Vec<Dated<String>>,
}

#[derive(Clone, Debug, Default)]
struct ProviderTerms {
    /// What is left of a price after a discount.
    shares: Vec<Dated<Decimal>>,
    models: HashMap<Box<str>, ModelTerms>,
}

/// Everything that an organization negotiated.
#[derive(Clone, Debug, Default)]
pub(super) struct Overrides {
    providers: HashMap<Box<str>, ProviderTerms>,
}

/// What holds for one model at one time and urgency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own<'o> {
    provider: Option<&'o ProviderTerms>,
    model: Option<&'o ModelTerms>,
    tier: PriceTier,
    at: DateTime<Utc>,
}

impl Overrides {
    pub(super) fn new(all: impl IntoIterator<Item = Override>) -> Self {
        let mut overrides = Self::default();
        for one in all {
            overrides.add(one);
        }
        overrides
    }

    fn add(&mut self, one: Override) {
        fn dated<T>(id: Uuid, from: DateTime<Utc>, to: Option<DateTime<Utc>>, value: T) -> Dated<T> {
            Dated { id, from, to, value }
        }
        let Override { id, provider, model, terms, from, to } = one;
        let provider = self.providers.entry(provider.into()).or_default();
        let Some(model) = model else {
            if let Terms::Discount(percent) = terms {
                provider.shares.push(dated(id, from, to, share(percent)));
            }
            return;
        };
        let name: Arc<str> = model.as_str().into();
        let empty = || ModelTerms { name, prices: Vec::new(), shares: Vec::new(), same_as: Vec::new() };
        let model = provider.models.entry(model.into()).or_insert_with(empty);
        match terms {
            Terms::Price { kind, tier, price } => model.prices.push(dated(id, from, to, (kind, tier, price))),
            Terms::Discount(percent) => model.shares.push(dated(id, from, to, share(percent))),
            Terms::SameAs(name) => model.same_as.push(dated(id, from, to, name)),
        }
    }

    /// The model of the book that a name of the organization's own stands for.
    pub(super) fn same_as(&self, provider: &str, model: &str, when: DateTime<Utc>) -> Option<&str> {
        let terms = self.providers.get(provider)?.models.get(model.trim())?;
        at(&terms.same_as, when).next().map(|dated| dated.value.as_str())
    }

    /// A model that only the organization has prices of.
    pub(super) fn model(&self, provider: &str, model: &str, when: DateTime<Utc>) -> Option<Arc<str>> {
        let models = &self.providers.get(provider)?.models;
        let found = resolve::resolve(provider, model, |name| {
            models.get(name).filter(|terms| at(&terms.prices, when).next().is_some())
        })?;
        Some(Arc::clone(&found.entry.name))
    }

    /// What holds for a model of the book.
    pub(super) fn terms(&self, provider: &str, model: &str, tier: PriceTier, when: DateTime<Utc>) -> Own<'_> {
        let provider = self.providers.get(provider);
        Own { provider, model: provider.and_then(|provider| provider.models.get(model)), tier, at: when }
    }
}

impl Own<'_> {
    fn prices(&self) -> impl Iterator<Item = &Dated<(UnitKind, PriceTier, Decimal)>> {
        let prices = self.model.map_or(&[][..], |model| &model.prices);
        at(prices, self.at).filter(|dated| dated.value.1 == self.tier)
    }

    /// The negotiated price of a kind.
    pub(super) fn price(&self, kind: UnitKind) -> Option<(Uuid, Decimal)> {
        self.prices().find(|dated| dated.value.0 == kind).map(|dated| (dated.id, dated.value.2))
    }

    /// Any negotiated price.
    pub(super) fn any(&self) -> Option<Uuid> {
        self.prices().next().map(|dated| dated.id)
    }

    /// What is left of the book's price: the model's own discount, else the provider's.
    pub(super) fn discount(&self) -> Option<(Uuid, Decimal)> {
        let own = self.model.and_then(|model| at(&model.shares, self.at).next());
        let found = own.or_else(|| at(&self.provider?.shares, self.at).next())?;
        Some((found.id, found.value))
    }
}

/// What is left of a price after a discount in percent, exactly.
fn share(percent: Decimal) -> Decimal {
    let left = (Decimal::ONE_HUNDRED - percent).normalize();
    Decimal::try_from_i128_with_scale(left.mantissa(), left.scale() + 2).unwrap_or(Decimal::ONE).normalize()
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::share;

    #[test]
    fn a_discount_is_an_exact_share() {
        for (percent, left) in [("12.5", "0.875"), ("0.0001", "0.999999"), ("100", "0"), ("7", "0.93")] {
            assert_eq!(share(Decimal::from_str_exact(percent).unwrap()).to_string(), left);
        }
    }
}
