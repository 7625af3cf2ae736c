//! The book in memory, as one organization sees it: pure, no I/O, and made for ten thousand questions a second.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use finops_contract::prices::PriceTier;
use finops_contract::{Quantities, UnitKind};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::domain::{EntryKey, Listing, Lookup, Priced, Reason, Resolution, input_length, priced_as, provider_name};
use super::overrides::{Overrides, Own};
use super::resolve::{self, Found};
use crate::platform::exact;

/// A cost of this much or more is a slip. With [`MAX_SCALE`], the bounds of every stored amount.
const MAX_COST: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// The decimal places of a stored amount.
const MAX_SCALE: u32 = 18;

/// The prices of one tier and step, by kind.
#[derive(Clone, Debug)]
struct Rates {
    tier: PriceTier,
    above: u32,
    by_kind: [Option<Decimal>; UnitKind::ALL.len()],
}

/// What a model costs for some time, everywhere or in one region.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: Uuid,
    region: Option<Arc<str>>,
    from: DateTime<Utc>,
    to: Option<DateTime<Utc>>,
    /// By tier, the highest step of each first.
    rates: Vec<Rates>,
    factors: Vec<(Arc<str>, Decimal)>,
}

impl Entry {
    pub(super) fn new(
        id: Uuid,
        region: Option<&str>,
        from: DateTime<Utc>,
        to: Option<DateTime<Utc>>,
        listing: &Listing,
    ) -> Self {
        let mut rates: Vec<Rates> = Vec::new();
        for (key, price) in &listing.prices {
            let known = rates.iter().position(|rates| (rates.tier, rates.above) == (key.tier, key.above));
            let at = known.unwrap_or_else(|| {
                rates.push(Rates { tier: key.tier, above: key.above, by_kind: Default::default() });
                rates.len() - 1
            });
            rates[at].by_kind[key.kind.index()] = Some(*price);
        }
        rates.sort_by_key(|rates| (rates.tier, std::cmp::Reverse(rates.above)));
        let factors = listing.factors.iter().map(|(region, factor)| (region.as_str().into(), *factor)).collect();
        Self { id, region: region.map(Into::into), from, to, rates, factors }
    }

    fn holds_at(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    /// The steps at an urgency, the lowest first.
    pub(super) fn steps(&self, tier: PriceTier) -> Vec<u32> {
        let mut steps: Vec<u32> =
            self.rates.iter().filter(|rates| rates.tier == tier).map(|rates| rates.above).collect();
        steps.sort_unstable();
        steps
    }

    fn has(&self, tier: PriceTier) -> bool {
        self.rates.iter().any(|rates| rates.tier == tier)
    }

    /// The price of a unit in a call of this length. A step that does not name the kind leaves it at its price below the
    /// step; what is no token costs the same at every urgency unless the book says otherwise.
    pub(super) fn unit_price(&self, kind: UnitKind, tier: PriceTier, length: Decimal) -> Option<Decimal> {
        let own = |kind: UnitKind, tier: PriceTier| {
            self.rates
                .iter()
                .filter(|rates| rates.tier == tier && (rates.above == 0 || Decimal::from(rates.above) < length))
                .find_map(|rates| rates.by_kind[kind.index()])
        };
        own(kind, tier)
            .or_else(|| own(priced_as(kind)?, tier))
            .or_else(|| if kind.is_token() { None } else { own(kind, PriceTier::Standard) })
    }

    fn factor(&self, region: Option<&str>) -> Option<&(Arc<str>, Decimal)> {
        let region = region?;
        self.factors.iter().find(|(known, _)| known.eq_ignore_ascii_case(region))
    }
}

/// A model of a provider, with everything that it ever cost anywhere.
#[derive(Clone, Debug)]
pub(super) struct Model {
    name: Arc<str>,
    entries: Vec<Entry>,
}

/// The public prices: the same for every organization.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    providers: HashMap<Box<str>, HashMap<Box<str>, Model>>,
}

impl Catalog {
    pub(super) fn add(&mut self, key: &EntryKey, entry: Entry) {
        let models = self.providers.entry(key.provider.as_str().into()).or_default();
        let model = models
            .entry(key.model.as_str().into())
            .or_insert_with(|| Model { name: key.model.as_str().into(), entries: Vec::new() });
        model.entries.push(entry);
    }

    fn find<'a>(&self, provider: &str, model: &'a str) -> Option<Found<'a, &Model>> {
        let models = self.providers.get(provider)?;
        resolve::resolve(provider, model, |name| models.get(name))
    }
}

/// Models that a provider charges more for when a profile keeps them in a region. A region that the book does not list
/// is not guessed: Anthropic's models on Bedrock cost a tenth more in a region than anywhere (`global.`).
fn is_priced_by_profile(provider: &str, model: &str) -> bool {
    provider == "aws_bedrock" && model.starts_with("anthropic.")
}

/// What a call is priced with.
pub(super) struct Match<'b> {
    /// The book's entry; nothing where only the organization has a price.
    pub(super) entry: Option<&'b Entry>,
    pub(super) tier: PriceTier,
    /// What the organization negotiated.
    own: Own<'b>,
    /// The factor on tokens, and the region that it is of.
    factor: Option<&'b (Arc<str>, Decimal)>,
    pub(super) resolution: Resolution,
}

/// The price book of one organization: the public prices, and what it negotiated.
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub(super) catalog: Arc<Catalog>,
    pub(super) overrides: Arc<Overrides>,
}

impl Book {
    /// What a call costs. A call of nothing costs nothing where the model is known: whether something was measured is the
    /// caller's to say.
    pub fn price(&self, lookup: &Lookup<'_>) -> Priced {
        let provider = provider_name(lookup.provider);
        self.find(&provider, lookup)
            .and_then(|found| found.cost(input_length(lookup.quantities), lookup.quantities))
            .unwrap_or_else(|reason| Priced::Unpriced { reason })
    }

    /// What many calls cost of which only the sum is known, as providers' meters tell it: each is taken to be as long as
    /// all of them are on average.
    pub fn price_sum(&self, sum: &Lookup<'_>, calls: u64) -> Priced {
        let average = input_length(sum.quantities) / Decimal::from(calls.max(1));
        let provider = provider_name(sum.provider);
        self.find(&provider, sum)
            .and_then(|found| found.cost(average, sum.quantities))
            .unwrap_or_else(|reason| Priced::Unpriced { reason })
    }

    /// Finds what a call is priced with.
    pub(super) fn find<'b>(&'b self, provider: &str, lookup: &Lookup<'_>) -> Result<Match<'b>, Reason> {
        let tier = PriceTier::said(lookup.tier).ok_or(Reason::UnknownTier)?;
        let same_as = self.overrides.same_as(provider, lookup.model, lookup.at);
        let said = same_as.unwrap_or(lookup.model);
        let Some(found) = self.catalog.find(provider, said) else {
            let name = self.overrides.model(provider, said, lookup.at).ok_or(Reason::UnknownModel)?;
            let steps = super::domain::Steps { alias: same_as.is_some(), ..Default::default() };
            let resolution = Resolution { steps, model: name, region: None, negotiated: false };
            let own = self.overrides.terms(provider, &resolution.model, tier, lookup.at);
            return Ok(Match { entry: None, tier, own, factor: None, resolution });
        };
        let entry = choose(provider, &found, lookup)?;
        let factor = entry.factor(lookup.region);
        let region = entry.region.clone().or_else(|| factor.map(|(region, _)| Arc::clone(region)));
        let mut steps = found.steps;
        steps.alias |= same_as.is_some();
        let resolution = Resolution { steps, model: Arc::clone(&found.entry.name), region, negotiated: false };
        let own = self.overrides.terms(provider, &resolution.model, tier, lookup.at);
        Ok(Match { entry: Some(entry), tier, own, factor, resolution })
    }
}

impl Match<'_> {
    /// The price of a unit in a call of this length, with the factor of the region, and with what the organization
    /// negotiated instead; says which of its own prices that was, if one.
    pub(super) fn unit_price(&self, kind: UnitKind, length: Decimal) -> Result<(Decimal, Option<Uuid>), Reason> {
        if let Some((id, price)) = self.own.price(kind) {
            return Ok((price, Some(id)));
        }
        let Some(entry) = self.entry else { return Err(Reason::UnknownKind) };
        let listed = entry
            .unit_price(kind, self.tier, length)
            .ok_or_else(|| if entry.has(self.tier) { Reason::UnknownKind } else { Reason::UnknownTier })?;
        let factored = match self.factor.filter(|_| kind.is_token()) {
            Some((_, factor)) => exact::multiply(listed, *factor)?,
            None => listed,
        };
        match self.own.discount() {
            Some((id, share)) => Ok((exact::multiply(factored, share)?, Some(id))),
            None => Ok((factored, None)),
        }
    }

    /// What so much costs, at the prices of a call of this length.
    fn cost(self, length: Decimal, quantities: &Quantities) -> Result<Priced, Reason> {
        let mut cost = Decimal::ZERO;
        let (mut any, mut own) = (false, None);
        for (kind, quantity) in quantities.iter() {
            let (price, negotiated) = self.unit_price(kind, length)?;
            let part = exact::multiply(quantity, price)?;
            cost = exact::add(cost, part)?;
            own = own.or(negotiated);
            any = true;
        }
        let cost = cost.normalize();
        if cost.is_sign_negative() || cost >= MAX_COST || cost.scale() > MAX_SCALE {
            return Err(Reason::TooLarge);
        }
        // Nothing was used of a model that only the organization has prices of: any of them stands for it.
        let id = self.entry.map(|entry| entry.id).or(own).or_else(|| self.own.any());
        let price_id = id.ok_or(Reason::UnknownTier)?;
        let resolution = Resolution { negotiated: own.is_some(), ..self.resolution };
        if any && cost.is_zero() {
            return Ok(Priced::Free { price_id, resolution });
        }
        Ok(Priced::Priced { cost, price_id, resolution })
    }
}

/// The entry of the region that the call was worked on in, else the one that holds everywhere.
fn choose<'b>(provider: &str, found: &Found<'_, &'b Model>, lookup: &Lookup<'_>) -> Result<&'b Entry, Reason> {
    let entries = &found.entry.entries;
    let in_region = |region: Option<&str>| entries.iter().any(|entry| entry.region.as_deref() == region);
    let at = |region: Option<&str>| {
        entries
            .iter()
            .find(|entry| entry.region.as_deref() == region && entry.holds_at(lookup.at))
            .ok_or(Reason::NotThen)
    };
    let said = [found.region, lookup.region.filter(|_| !found.profile)];
    if let Some(region) = said.into_iter().flatten().find(|region| in_region(Some(region))) {
        return at(Some(region));
    }
    let unlisted = found.region.filter(|region| found.profile && *region != "global");
    if unlisted.is_some() && is_priced_by_profile(provider, &found.entry.name) {
        return Err(Reason::UnknownRegion);
    }
    if in_region(None) { at(None) } else { Err(Reason::UnknownRegion) }
}
