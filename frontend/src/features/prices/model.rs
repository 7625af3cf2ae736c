//! Prices cut for a table, and the difference that pricing anew makes. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use finops_contract::prices::{PriceChange, PriceEntry, PriceOverride, PriceTier, UnitPrice};
use finops_contract::reprices::RepriceSums;
use finops_contract::{Amount, UnitKind};
use rust_decimal::Decimal;

/// Places that a price moves between one unit and a million of them.
const MILLION: u32 = 6;

/// Whether a price is told for a million units: what is counted in thousands at least.
pub(super) const fn is_per_million(kind: UnitKind) -> bool {
    kind.is_token() || matches!(kind, UnitKind::Character)
}

/// A price as it is shown: for a million units or for one, every digit of it. `None` where it has more than can be held.
pub(super) fn shown(price: Amount, kind: UnitKind) -> Option<Decimal> {
    let mut price = price.0.normalize();
    if !is_per_million(kind) {
        return Some(price);
    }
    match price.scale().checked_sub(MILLION) {
        // Moving the point changes no digit.
        Some(scale) => price.set_scale(scale).ok().map(|()| price.normalize()),
        None => price.checked_mul(Decimal::from(1_000_000)).map(|price| price.normalize()),
    }
}

/// The price of one unit, from what is typed for a million or for one. `None` for what the service would refuse: text
/// that is no price, less than nothing, a million and more, digits that it does not keep.
pub(super) fn read(text: &str, kind: UnitKind) -> Option<Amount> {
    let text = text.trim().trim_start_matches('$').replace(',', "");
    let typed: Amount = text.parse().ok()?;
    let mut price = typed.0.normalize();
    if is_per_million(kind) {
        price.set_scale(price.scale() + MILLION).ok()?;
        price = price.normalize();
    }
    let fits = !price.is_sign_negative() && price < Decimal::from(1_000_000) && price.scale() <= 18;
    fits.then_some(Amount(price))
}

/// Percent off, as the service takes it.
pub(super) fn read_percent(text: &str) -> Option<Amount> {
    let typed: Amount = text.trim().trim_end_matches('%').trim_end().parse().ok()?;
    let percent = typed.0.normalize();
    let fits = percent > Decimal::ZERO && percent <= Decimal::ONE_HUNDRED && percent.scale() <= 4;
    fits.then_some(Amount(percent))
}

/// The usual price of a kind: at no particular urgency, for a call of any length.
pub(super) fn usual(prices: &[UnitPrice], kind: UnitKind) -> Option<Amount> {
    at(prices, kind, PriceTier::Standard, 0)
}

fn at(prices: &[UnitPrice], kind: UnitKind, tier: PriceTier, above: u32) -> Option<Amount> {
    let found = prices.iter().find(|one| one.kind == kind && one.tier == tier && one.above_tokens == above)?;
    Some(found.price)
}

/// The kinds that have no column of their own, with their usual prices.
pub(super) fn others(prices: &[UnitPrice]) -> Vec<(UnitKind, Amount)> {
    let columns = [UnitKind::Input, UnitKind::CachedInput, UnitKind::Output];
    let rest = UnitKind::ALL.into_iter().filter(|kind| !columns.contains(kind));
    rest.filter_map(|kind| Some((kind, usual(prices, kind)?))).collect()
}

/// The urgencies that there are prices for.
pub(super) fn tiers(prices: &[UnitPrice]) -> Vec<PriceTier> {
    PriceTier::ALL.into_iter().filter(|tier| prices.iter().any(|one| one.tier == *tier)).collect()
}

/// The lengths from which other prices hold, 0 first.
pub(super) fn steps(prices: &[UnitPrice]) -> Vec<u32> {
    prices.iter().map(|one| one.above_tokens).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A kind with its price at each of the urgencies that were asked for.
pub(super) type KindPrices = (UnitKind, Vec<Option<Amount>>);

/// The prices from one length on: a line a kind, a column an urgency.
pub(super) fn grid(prices: &[UnitPrice], tiers: &[PriceTier], above: u32) -> Vec<KindPrices> {
    let line = |kind| (kind, tiers.iter().map(|tier| at(prices, kind, *tier, above)).collect::<Vec<_>>());
    UnitKind::ALL.into_iter().map(line).filter(|(_, prices)| prices.iter().any(Option::is_some)).collect()
}

/// Entries of one model, the latest first.
pub(super) fn history(mut entries: Vec<PriceEntry>, of: &PriceEntry) -> Vec<PriceEntry> {
    // The service finds every model whose name holds the text.
    entries.retain(|one| one.provider == of.provider && one.model == of.model && one.region == of.region);
    crate::order::sort_by(&mut entries, |a, b| b.effective_from.cmp(&a.effective_from));
    entries
}

/// Whether something negotiated holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// It does.
    Now,
    /// Not yet.
    Later,
    /// No more.
    Over,
}

/// Whether something negotiated holds at an instant.
pub(super) fn holds(own: &PriceOverride, now: DateTime<Utc>) -> Holds {
    match own.effective_to {
        Some(end) if end <= now => Holds::Over,
        _ if own.effective_from > now => Holds::Later,
        _ => Holds::Now,
    }
}

/// A price that a change touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) kind: UnitKind,
    pub(super) tier: PriceTier,
    pub(super) above: u32,
    /// As it is.
    pub(super) before: Option<Amount>,
    /// As it would be.
    pub(super) after: Option<Amount>,
}

/// The prices that differ between what is and what is proposed.
pub(super) fn touched(change: &PriceChange) -> Vec<Touched> {
    let after = change.proposed.as_ref().map(|listing| listing.prices.as_slice()).unwrap_or_default();
    let before = change.current.prices.as_slice();
    let keys = before.iter().chain(after).map(|one| (one.kind, one.tier, one.above_tokens)).collect::<BTreeSet<_>>();
    let touched = keys.into_iter().map(|(kind, tier, above)| Touched {
        kind,
        tier,
        above,
        before: at(before, kind, tier, above),
        after: at(after, kind, tier, above),
    });
    touched.filter(|one| one.before != one.after).collect()
}

/// What is strange about a change: `ten_times` and the like, without the price that it is about.
pub(super) fn reason_codes(change: &PriceChange) -> BTreeSet<&str> {
    change.reasons.iter().map(|reason| reason.split(':').next().unwrap_or(reason)).collect()
}

/// What pricing anew adds to the cost, to the last digit; `None` where that has more digits than can be held.
pub(super) fn difference(sums: &RepriceSums) -> Option<Decimal> {
    let (before, after) = (sums.cost_before.0, sums.cost_after.0);
    let scale = before.scale().max(after.scale());
    // Decimals would round what they cannot hold.
    let whole = |amount: Decimal| amount.mantissa().checked_mul(10_i128.checked_pow(scale - amount.scale())?);
    let difference = whole(after)?.checked_sub(whole(before)?)?;
    Decimal::try_from_i128_with_scale(difference, scale).ok().map(|exact| exact.normalize())
}

#[cfg(test)]
mod tests {
    use finops_contract::prices::{PriceChangeState, PriceListing};

    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn price(kind: UnitKind, tier: PriceTier, above_tokens: u32, text: &str) -> UnitPrice {
        UnitPrice { kind, tier, above_tokens, price: amount(text) }
    }

    fn book() -> Vec<UnitPrice> {
        use PriceTier::{Batch, Standard};
        vec![
            price(UnitKind::Input, Standard, 0, "0.0000025"),
            price(UnitKind::Input, Standard, 272_000, "0.000005"),
            price(UnitKind::Input, Batch, 0, "0.00000125"),
            price(UnitKind::Output, Standard, 0, "0.000015"),
            price(UnitKind::Search, Standard, 0, "0.01"),
        ]
    }

    #[test]
    fn a_price_is_told_for_a_million_tokens_without_losing_a_digit() {
        for (unit, kind, expected) in [
            ("0.0000025", UnitKind::Input, "2.5"),
            ("0.000000075", UnitKind::CachedInput, "0.075"),
            ("0.000000000000000001", UnitKind::Input, "0.000000000001"),
            ("0.000015", UnitKind::Character, "15"),
            ("2", UnitKind::Output, "2000000"),
            ("0", UnitKind::Output, "0"),
            ("0.04", UnitKind::Image, "0.04"),
            ("0.0001", UnitKind::Second, "0.0001"),
        ] {
            assert_eq!(shown(amount(unit), kind).unwrap().to_string(), expected, "{unit}");
        }
        assert_eq!(shown(Amount(Decimal::MAX), UnitKind::Input), None);
    }

    #[test]
    fn what_is_typed_comes_back_as_it_was() {
        for (typed, kind, unit) in [
            ("2.5", UnitKind::Input, "0.0000025"),
            ("$1,000", UnitKind::Input, "0.001"),
            (" 0.075 ", UnitKind::CachedInput, "0.000000075"),
            ("0.04", UnitKind::Image, "0.040000"),
            ("0", UnitKind::Input, "0.000000"),
            ("0.000000000001", UnitKind::Input, "0.000000000000000001"),
        ] {
            let read = read(typed, kind).unwrap();
            assert_eq!(read.to_string(), unit, "{typed}");
            let same = shown(read, kind).unwrap();
            assert_eq!(same, typed.trim().trim_start_matches('$').replace(',', "").parse().unwrap());
        }
        for bad in ["", "free", "-1", "1e400", "0.0000000000001", "1000000000000"] {
            assert_eq!(read(bad, UnitKind::Input), None, "{bad}");
        }
        assert_eq!(read("1000000", UnitKind::Image), None);
    }

    #[test]
    fn a_discount_is_more_than_nothing_and_at_most_all() {
        assert_eq!(read_percent("12.5 %"), Some(amount("12.5")));
        assert_eq!(read_percent("100"), Some(amount("100")));
        for bad in ["0", "-3", "100.0001", "1.23456", "half"] {
            assert_eq!(read_percent(bad), None, "{bad}");
        }
    }

    #[test]
    fn prices_are_cut_by_length_and_urgency() {
        let book = book();
        assert_eq!(tiers(&book), [PriceTier::Standard, PriceTier::Batch]);
        assert_eq!(steps(&book), [0, 272_000]);
        let first = grid(&book, &tiers(&book), 0);
        assert_eq!(first[0], (UnitKind::Input, vec![Some(amount("0.0000025")), Some(amount("0.00000125"))]));
        assert_eq!(first[1].1, [Some(amount("0.000015")), None]);
        assert_eq!(grid(&book, &tiers(&book), 272_000).len(), 1);
        assert_eq!(others(&book), [(UnitKind::Search, amount("0.01"))]);
        assert_eq!(usual(&book, UnitKind::CachedInput), None);
    }

    #[test]
    fn a_change_tells_the_prices_that_differ() {
        let mut proposed = book();
        proposed[0].price = amount("0.00005");
        proposed.remove(3);
        let change = PriceChange {
            id: uuid::Uuid::nil(),
            provider: "openai".into(),
            model: "gpt-5.4".into(),
            region: None,
            source: "list".into(),
            reasons: vec!["ten_times: standard input".into(), "missing: standard output".into()],
            current: PriceListing { prices: book(), ..PriceListing::default() },
            proposed: Some(PriceListing { prices: proposed, ..PriceListing::default() }),
            state: PriceChangeState::Pending,
            created_at: DateTime::UNIX_EPOCH,
            decided_at: None,
        };
        let found = touched(&change);
        assert_eq!(found.iter().map(|one| one.kind).collect::<Vec<_>>(), [UnitKind::Input, UnitKind::Output]);
        assert_eq!((found[0].after, found[1].after), (Some(amount("0.00005")), None));
        assert_eq!(reason_codes(&change).into_iter().collect::<Vec<_>>(), ["missing", "ten_times"]);
        let gone = PriceChange { proposed: None, ..change };
        assert_eq!(touched(&gone).len(), 5);
    }

    #[test]
    fn what_was_negotiated_holds_between_its_ends() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let own: PriceOverride = serde_json::from_str(
            r#"{"id":"01936f00-0000-7000-8000-0000000000b1","provider":"openai","model":null,"kind":null,"tier":null,
                "unitPrice":null,"discountPercent":"10","sameAs":null,"note":null,"currency":"USD",
                "effectiveFrom":"2026-11-01T00:00:00Z","effectiveTo":"2026-12-01T00:00:00Z","createdAt":"2026-10-01T00:00:00Z"}"#,
        )
        .unwrap();
        assert_eq!(holds(&own, at("2026-10-31T23:59:59Z")), Holds::Later);
        assert_eq!(holds(&own, at("2026-11-01T00:00:00Z")), Holds::Now);
        assert_eq!(holds(&own, at("2026-12-01T00:00:00Z")), Holds::Over);
    }

    #[test]
    fn a_difference_is_exact_or_not_told() {
        let sums = |before: &str, after: &str| RepriceSums {
            cost_before: amount(before),
            cost_after: amount(after),
            ..RepriceSums::default()
        };
        assert_eq!(difference(&sums("10.5", "7.25")), Some("-3.25".parse().unwrap()));
        assert_eq!(difference(&sums("0.1", "0.3")), Some("0.2".parse().unwrap()));
        assert_eq!(difference(&sums("0", "79228162514264337593543950335")), Some(Decimal::MAX));
        // Thirty digits.
        assert_eq!(difference(&sums("0.1", "79228162514264337593543950335")), None);
    }
}
