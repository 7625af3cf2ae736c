//! What a source changes in the book, and what of it is too strange to be believed at once. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::prices::{PriceListing, RegionFactor, UnitPrice};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::domain::{EntryKey, Listing, PriceKey};
use crate::platform::clock::{FIRST_DAY, midnight};

/// A price that becomes this many times as high, or as low, is looked at by somebody first.
const SUSPICIOUS: Decimal = Decimal::TEN;

/// The latest entry of a key, as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Latest {
    pub(super) id: Uuid,
    pub(super) from: DateTime<Utc>,
    pub(super) to: Option<DateTime<Utc>>,
    /// Which list was last found to agree.
    pub(super) confirmed_by: String,
    pub(super) listing: Listing,
}

/// Who says what the prices are.
#[derive(Clone, Debug)]
pub(super) struct Said<'a> {
    /// Its name.
    pub(super) source: &'a str,
    /// Whether it came with the program: it never overrules a list that somebody chose.
    pub(super) shipped: bool,
    /// From when it holds.
    pub(super) from: DateTime<Utc>,
    /// The time now.
    pub(super) now: DateTime<Utc>,
}

/// An entry to be stored, and the one that ends as it begins.
#[derive(Debug)]
pub(super) struct NewEntry {
    pub(super) key: EntryKey,
    pub(super) listing: Listing,
    pub(super) from: DateTime<Utc>,
    pub(super) replaces: Option<Uuid>,
}

/// A change that waits for somebody.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) key: EntryKey,
    pub(super) entry: Uuid,
    pub(super) reasons: Vec<String>,
    /// Nothing if it would have no price any more.
    pub(super) proposed: Option<Listing>,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) new: Vec<NewEntry>,
    pub(super) changed: Vec<NewEntry>,
    /// Entries that the source agrees with.
    pub(super) same: Vec<Uuid>,
    pub(super) doubts: Vec<Doubt>,
    /// Entries with another price from a later time already: they are left as they are.
    pub(super) scheduled: Vec<EntryKey>,
}

/// Compares the latest entries with what a source says.
pub(super) fn plan(
    latest: &BTreeMap<EntryKey, Latest>,
    said: &Said<'_>,
    listings: BTreeMap<EntryKey, Listing>,
) -> Plan {
    let mut plan = Plan::default();
    let named: BTreeSet<EntryKey> = listings.keys().cloned().collect();
    for (key, listing) in listings {
        plan.consider(latest.get(&key), said, key, listing);
    }
    // A list that is a part of another's leaves the rest alone; one that named a model before does not forget it.
    let missing = latest.iter().filter(|(key, latest)| {
        !said.shipped && latest.to.is_none() && latest.confirmed_by == said.source && !named.contains(*key)
    });
    plan.doubts.extend(missing.map(|(key, latest)| Doubt {
        key: key.clone(),
        entry: latest.id,
        reasons: vec!["missing".into()],
        proposed: None,
    }));
    plan
}

impl Plan {
    fn consider(&mut self, latest: Option<&Latest>, said: &Said<'_>, key: EntryKey, listing: Listing) {
        let Some(latest) = latest else {
            // The first price that is known of a model is also the best that is known of the time before: nothing was priced
            // otherwise then.
            self.new.push(NewEntry { key, listing, from: midnight(FIRST_DAY), replaces: None });
            return;
        };
        if let Some(ended) = latest.to {
            self.new.push(NewEntry { key, listing, from: said.from.max(ended), replaces: None });
        } else if said.shipped && latest.confirmed_by != said.source && !latest.is_shipped() {
            // Somebody chose another list.
        } else if says_the_same(&latest.listing, &listing) {
            self.same.push(latest.id);
        } else if latest.from > said.now {
            self.scheduled.push(key);
        } else {
            match suspicions(&latest.listing, &listing) {
                reasons if reasons.is_empty() => {
                    // Two changes at one instant of the clock are one after the other.
                    let from = said.from.max(latest.from + TimeDelta::microseconds(1));
                    self.changed.push(NewEntry { key, listing, from, replaces: Some(latest.id) });
                }
                reasons => self.doubts.push(Doubt { key, entry: latest.id, reasons, proposed: Some(listing) }),
            }
        }
    }
}

/// The name of the book that comes with the program begins with this.
pub(super) const SHIPPED: &str = "shipped: ";

impl Latest {
    fn is_shipped(&self) -> bool {
        self.confirmed_by.starts_with(SHIPPED)
    }
}

/// Whether two listings have the same prices; the page that says so may have moved.
fn says_the_same(a: &Listing, b: &Listing) -> bool {
    a.prices == b.prices && a.factors == b.factors
}

/// What is strange about a change.
fn suspicions(before: &Listing, after: &Listing) -> Vec<String> {
    let mut found = Vec::new();
    for (key, old) in &before.prices {
        let what = match after.prices.get(key) {
            None => "missing",
            Some(new) if new == old => continue,
            Some(new) if new.is_zero() => "to_zero",
            Some(_) if old.is_zero() => "from_zero",
            // Prices are below 10⁶ with 18 places at most: ten times one is held exactly.
            Some(new) if *new > *old * SUSPICIOUS || *new * SUSPICIOUS < *old => "ten_times",
            Some(_) => continue,
        };
        found.push(format!("{what}: {}", shown(key)));
    }
    found
}

fn shown(key: &PriceKey) -> String {
    match key.above {
        0 => format!("{} {}", key.tier.name(), key.kind.name()),
        above => format!("{} {} above {above}", key.tier.name(), key.kind.name()),
    }
}

impl From<&Listing> for PriceListing {
    fn from(listing: &Listing) -> Self {
        let unit = |(key, price): (&PriceKey, &Decimal)| UnitPrice {
            kind: key.kind,
            tier: key.tier,
            above_tokens: key.above,
            price: (*price).into(),
        };
        let factor =
            |(region, factor): (&String, &Decimal)| RegionFactor { region: region.clone(), factor: (*factor).into() };
        Self {
            prices: listing.prices.iter().map(unit).collect(),
            factors: listing.factors.iter().map(factor).collect(),
            source: listing.source.clone(),
        }
    }
}

impl From<PriceListing> for Listing {
    fn from(listing: PriceListing) -> Self {
        let key = |unit: &UnitPrice| PriceKey { tier: unit.tier, above: unit.above_tokens, kind: unit.kind };
        Self {
            prices: listing.prices.iter().map(|unit| (key(unit), unit.price.0.normalize())).collect(),
            factors: listing.factors.into_iter().map(|one| (one.region, one.factor.0.normalize())).collect(),
            source: listing.source,
        }
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::UnitKind;

    use super::*;

    fn listing(prices: &[(UnitKind, &str)]) -> Listing {
        let price = |text| Decimal::from_str_exact(text).unwrap();
        let prices = prices.iter().map(|(kind, text)| (PriceKey::standard(*kind), price(*text)));
        Listing { prices: prices.collect(), ..Listing::default() }
    }

    fn key(model: &str) -> EntryKey {
        EntryKey { provider: "openai".into(), model: model.into(), region: None }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn latest(confirmed_by: &str, listing: Listing) -> Latest {
        Latest { id: Uuid::nil(), from: midnight(FIRST_DAY), to: None, confirmed_by: confirmed_by.into(), listing }
    }

    fn said(source: &str) -> Said<'_> {
        let now = at("2026-11-24T00:00:00Z");
        Said { source, shipped: source.starts_with(SHIPPED), from: now, now }
    }

    /// What becomes of one model: (new, changed, same, doubts).
    fn counts(plan: &Plan) -> (usize, usize, usize, usize) {
        (plan.new.len(), plan.changed.len(), plan.same.len(), plan.doubts.len())
    }

    #[test]
    fn a_price_that_jumps_vanishes_or_becomes_nothing_waits() {
        let before = listing(&[(UnitKind::Input, "0.000002"), (UnitKind::Output, "0")]);
        for (after, expected) in [
            (listing(&[(UnitKind::Input, "0.00002"), (UnitKind::Output, "0")]), vec![]),
            (listing(&[(UnitKind::Input, "0.000020001"), (UnitKind::Output, "0")]), vec!["ten_times: standard input"]),
            (listing(&[(UnitKind::Input, "0.0000002"), (UnitKind::Output, "0")]), vec![]),
            (listing(&[(UnitKind::Input, "0.00000019"), (UnitKind::Output, "0")]), vec!["ten_times: standard input"]),
            (listing(&[(UnitKind::Input, "0"), (UnitKind::Output, "0")]), vec!["to_zero: standard input"]),
            (listing(&[(UnitKind::Input, "0.000002"), (UnitKind::Output, "1")]), vec!["from_zero: standard output"]),
            (listing(&[(UnitKind::Output, "0")]), vec!["missing: standard input"]),
        ] {
            assert_eq!(suspicions(&before, &after), expected);
        }
    }

    #[test]
    fn the_first_price_of_a_model_holds_for_all_time_and_the_next_from_then_on() {
        let mine = listing(&[(UnitKind::Input, "0.000002")]);
        let first = plan(&BTreeMap::new(), &said("list"), [(key("a"), mine.clone())].into());
        assert_eq!((counts(&first), first.new[0].from), ((1, 0, 0, 0), midnight(FIRST_DAY)));
        let known = BTreeMap::from([(key("a"), latest("list", mine.clone()))]);
        assert_eq!(counts(&plan(&known, &said("list"), [(key("a"), mine)].into())), (0, 0, 1, 0));
        let other = listing(&[(UnitKind::Input, "0.000003")]);
        let next = plan(&known, &said("list"), [(key("a"), other)].into());
        assert_eq!((counts(&next), next.changed[0].from), ((0, 1, 0, 0), at("2026-11-24T00:00:00Z")));
    }

    #[test]
    fn a_list_forgets_only_what_it_knew() {
        let mine = || listing(&[(UnitKind::Input, "0.000002")]);
        let known = BTreeMap::from([(key("a"), latest("list", mine())), (key("b"), latest("another", mine()))]);
        let plan = plan(&known, &said("list"), [(key("c"), mine())].into());
        assert_eq!(counts(&plan), (1, 0, 0, 1));
        assert_eq!((&plan.doubts[0].key, &plan.doubts[0].reasons[..]), (&key("a"), &["missing".to_owned()][..]));
    }

    #[test]
    fn the_shipped_book_overrules_itself_and_nobody_else() {
        let (mine, other) = (listing(&[(UnitKind::Input, "0.000002")]), listing(&[(UnitKind::Input, "0.000003")]));
        let known =
            BTreeMap::from([(key("a"), latest("shipped: 1", mine.clone())), (key("b"), latest("chosen", mine))]);
        let plan = plan(&known, &said("shipped: 2"), [(key("a"), other.clone()), (key("b"), other)].into());
        assert_eq!((counts(&plan), &plan.changed[0].key), ((0, 1, 0, 0), &key("a")));
    }

    #[test]
    fn what_was_proposed_reads_back_the_same() {
        let listing = Listing {
            factors: [("eu".to_owned(), Decimal::new(11, 1))].into(),
            source: Some("https://example.com".into()),
            ..listing(&[(UnitKind::Input, "0.000002"), (UnitKind::Search, "0.01")])
        };
        let text = serde_json::to_string(&PriceListing::from(&listing)).unwrap();
        assert_eq!(Listing::from(serde_json::from_str::<PriceListing>(&text).unwrap()), listing);
    }
}
