//! The book in memory: what calls cost.

use chrono::{DateTime, Utc};
use finops_contract::{Quantities, UnitKind};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::book::{Book, Catalog, Entry};
use super::domain::{Lookup, Priced, Reason};
use super::litellm;
use super::overrides::{Override, Overrides, Terms};
use crate::platform::clock::{FIRST_DAY, midnight};
use finops_contract::prices::PriceTier;

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// The shipped book.
fn shipped() -> Book {
    #[derive(serde::Deserialize)]
    struct Shipped {
        prices: Box<serde_json::value::RawValue>,
    }
    let shipped: Shipped = serde_json::from_str(include_str!("book.json")).unwrap();
    book(shipped.prices.get())
}

fn book(map: &str) -> Book {
    let mut catalog = Catalog::default();
    for (number, (key, listing)) in litellm::parse(map).unwrap().listings.iter().enumerate() {
        let id = Uuid::from_u128(number as u128 + 1);
        catalog.add(key, Entry::new(id, key.region.as_deref(), midnight(FIRST_DAY), None, listing));
    }
    Book { catalog: catalog.into(), ..Book::default() }
}

fn with(book: &Book, overrides: Vec<(&str, Option<&str>, Terms)>) -> Book {
    let overrides = overrides.into_iter().enumerate().map(|(number, (provider, model, terms))| Override {
        id: Uuid::from_u128(1_000 + number as u128),
        provider: provider.into(),
        model: model.map(Into::into),
        terms,
        from: "2026-11-01T00:00:00Z".parse().unwrap(),
        to: Some("2026-12-01T00:00:00Z".parse().unwrap()),
    });
    Book { overrides: Overrides::new(overrides).into(), ..book.clone() }
}

fn used(quantities: &[(UnitKind, i64)]) -> Quantities {
    quantities.iter().fold(Quantities::default(), |all, (kind, quantity)| all.with(*kind, *quantity))
}

fn call<'a>(provider: &'a str, model: &'a str, quantities: &'a Quantities) -> Lookup<'a> {
    Lookup { provider, model, tier: None, region: None, at: now(), quantities }
}

/// The cost and how it was found, or why not.
fn shown(priced: &Priced) -> String {
    match priced {
        Priced::Priced { cost, resolution, .. } => format!("{cost} {resolution}"),
        Priced::Free { resolution, .. } => format!("free {resolution}"),
        Priced::Unpriced { reason } => reason.name().into(),
    }
}

fn price(book: &Book, lookup: &Lookup<'_>) -> String {
    shown(&book.price(lookup))
}

const MILLION: i64 = 1_000_000;

#[test]
fn a_call_costs_what_the_provider_publishes() {
    use UnitKind::{
        AudioInput, AudioOutput, CacheWrite1h, CacheWrite5m, CachedInput, Character, Input, Output, Reasoning, Search,
        Second,
    };
    let book = shipped();
    for (provider, model, quantities, expected) in [
        ("openai", "gpt-4o", &[(Input, 1_000), (Output, 500)][..], "0.0075 exact:gpt-4o"),
        ("openai", "gpt-4o-mini", &[(Input, 1_000), (Output, 500)], "0.00045 exact:gpt-4o-mini"),
        (
            "openai",
            "gpt-5.4-2026-03-05",
            &[(Input, 1_000), (CachedInput, 2_000), (Output, 300), (Reasoning, 700)],
            "0.018 exact:gpt-5.4-2026-03-05",
        ),
        (
            "OpenAI",
            "openai/gpt-5.4-mini-2026-03-17",
            &[(Input, MILLION)],
            "0.75 provider_prefix+dated_snapshot:gpt-5.4-mini",
        ),
        ("openai", "text-embedding-3-small", &[(Input, 8_191)], "0.00016382 exact:text-embedding-3-small"),
        ("openai", "gpt-audio", &[(AudioInput, 100), (AudioOutput, 50)], "0.0064 exact:gpt-audio"),
        ("openai", "whisper-1", &[(Second, 90)], "0.009 exact:whisper-1"),
        ("openai", "tts-1", &[(Character, 1_000)], "0.015 exact:tts-1"),
        ("openai", "gpt-5.6", &[(Input, 1), (Search, 3)], "0.030004 exact:gpt-5.6"),
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            &[(Input, 1_000), (CachedInput, 1_000), (CacheWrite5m, 1_000), (CacheWrite1h, 1_000), (Output, 1_000)],
            "0.02805 exact:claude-sonnet-4-5-20250929",
        ),
        (
            "gcp.gemini",
            "models/gemini-2.5-flash",
            &[(Input, MILLION), (Reasoning, MILLION)],
            "2.8 provider_prefix:gemini-2.5-flash",
        ),
        ("aws.bedrock", "amazon.nova-lite-v1:0", &[(Input, MILLION)], "0.06 exact:amazon.nova-lite-v1:0"),
        (
            "aws_bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            &[(Input, 100_000)],
            "0.33 region_prefix:anthropic.claude-sonnet-4-5-20250929-v1:0@us",
        ),
        (
            "aws_bedrock",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            &[(Input, 100_000)],
            "0.3 region_prefix:anthropic.claude-sonnet-4-5-20250929-v1:0@global",
        ),
        (
            "aws_bedrock",
            "global.anthropic.claude-opus-5",
            &[(Input, MILLION)],
            "5 region_prefix:anthropic.claude-opus-5",
        ),
        ("aws_bedrock", "eu.anthropic.claude-opus-5", &[(Input, MILLION)], "unknown_region"),
        (
            "aws_bedrock",
            "us.meta.llama3-3-70b-instruct-v1:0",
            &[(Input, MILLION)],
            "0.72 region_prefix:meta.llama3-3-70b-instruct-v1:0",
        ),
        ("openai", "gpt-9", &[(Input, 1)], "unknown_model"),
        ("nobody", "gpt-4o", &[(Input, 1)], "unknown_model"),
        ("openai", "gpt-4o", &[(Input, 1), (AudioInput, 1)], "unknown_kind"),
        ("openai", "gpt-4o", &[(Input, 1), (CacheWrite1h, 1)], "unknown_kind"),
        ("openai", "text-embedding-3-small", &[(Output, 5)], "free exact:text-embedding-3-small"),
        ("openai", "gpt-4o", &[], "0 exact:gpt-4o"),
    ] {
        let quantities = used(quantities);
        assert_eq!(price(&book, &call(provider, model, &quantities)), expected, "{provider} {model}");
    }
}

#[test]
fn urgency_has_its_price_or_none() {
    use UnitKind::{CachedInput, Image, Input, Search};
    let book = shipped();
    let quantities = used(&[(Input, MILLION)]);
    let of = |model: &str, tier: &str, quantities: &Quantities| {
        let tiered = Lookup { tier: Some(tier), ..call("openai", model, quantities) };
        price(&book, &tiered)
    };
    // A call of a million tokens is above the step of 272,000.
    for (tier, expected) in [
        ("default", "5 exact:gpt-5.4"),
        ("batch", "2.5 exact:gpt-5.4"),
        ("flex", "2.5 exact:gpt-5.4"),
        // No step is published for it.
        ("priority", "5 exact:gpt-5.4"),
        ("scale", "unknown_tier"),
    ] {
        assert_eq!(of("gpt-5.4", tier, &quantities), expected, "{tier}");
    }
    assert_eq!(of("whisper-1", "batch", &used(&[(Input, 1)])), "unknown_tier");
    assert_eq!(of("gpt-4o", "flex", &quantities), "unknown_tier");
    // No discount on what was cached is published for the batch: it is input there.
    assert_eq!(of("gpt-4.1", "batch", &used(&[(CachedInput, MILLION)])), "1 exact:gpt-4.1");
    // A search costs what it costs.
    assert_eq!(of("gpt-4.1", "batch", &used(&[(Input, MILLION), (Search, 1)])), "1.025 exact:gpt-4.1");
    assert_eq!(of("gpt-4.1", "batch", &used(&[(Image, 1)])), "unknown_kind");
}

#[test]
fn the_whole_call_is_at_the_price_of_its_length() {
    use UnitKind::{CacheWrite5m, CachedInput, Input, Output};
    let book = shipped();
    let of = |quantities: &[(UnitKind, i64)]| {
        let quantities = used(quantities);
        book.price(&call("google_ai", "gemini-2.5-pro", &quantities)).cost().unwrap()
    };
    assert_eq!(of(&[(Input, 200_000), (Output, 1_000)]), decimal("0.26"));
    assert_eq!(of(&[(Input, 200_001), (Output, 1_000)]), decimal("0.5150025"));
    // What was read from a cache is as long; what was answered is not.
    assert_eq!(of(&[(Input, 1), (CachedInput, 200_000)]), decimal("0.0500025"));
    assert_eq!(of(&[(Input, 1), (CacheWrite5m, 200_000)]), decimal("0.5000025"));
    assert_eq!(of(&[(Input, 1), (Output, 300_000)]), decimal("3.00000125"));
}

#[test]
fn a_region_multiplies_tokens_and_nothing_else() {
    let book = shipped();
    let quantities = used(&[(UnitKind::Input, MILLION), (UnitKind::Search, 1)]);
    let of = |provider, model, region| price(&book, &Lookup { region, ..call(provider, model, &quantities) });
    assert_eq!(of("openai", "gpt-5.6", Some("eu")), "8.81 exact:gpt-5.6@eu");
    assert_eq!(of("openai", "gpt-5.6", Some("ap-northeast-2")), "8.01 exact:gpt-5.6");
    assert_eq!(of("anthropic", "claude-sonnet-5", Some("US")), "2.21 exact:claude-sonnet-5@us");
}

#[test]
fn what_was_negotiated_comes_first_while_it_holds() {
    use UnitKind::{Input, Output};
    let book = shipped();
    let own = |kind, price| Terms::Price { kind, tier: PriceTier::Standard, price: decimal(price) };
    let mine = with(
        &book,
        vec![
            ("openai", Some("gpt-4o"), own(Input, "0.000001")),
            ("openai", Some("gpt-4o"), Terms::Discount(decimal("50"))),
            ("openai", None, Terms::Discount(decimal("12.5"))),
            ("openai", Some("house-model"), own(Input, "0.00001")),
            ("azure", Some("my-deployment"), Terms::SameAs("gpt-4o".into())),
            ("openai", Some("free-model"), own(Input, "0")),
        ],
    );
    let of = |provider: &str, model: &str, quantities: &[(UnitKind, i64)]| {
        let quantities = used(quantities);
        price(&mine, &call(provider, model, &quantities))
    };
    // The model's discount instead of the provider's, and none on a negotiated price.
    assert_eq!(of("openai", "gpt-4o", &[(Input, MILLION), (Output, MILLION)]), "6 exact:gpt-4o*");
    assert_eq!(of("openai", "gpt-4o-mini", &[(Input, MILLION)]), "0.13125 exact:gpt-4o-mini*");
    assert_eq!(of("openai", "gpt-4o-2026-01-01", &[(Input, MILLION)]), "1 dated_snapshot:gpt-4o*");
    assert_eq!(of("openai", "house-model", &[(Input, 10)]), "0.0001 exact:house-model*");
    assert_eq!(of("openai", "house-model", &[(Output, 10)]), "unknown_kind");
    assert_eq!(of("openai", "free-model", &[(Input, 10)]), "free exact:free-model*");
    assert_eq!(of("azure", "my-deployment", &[(Input, 10)]), "unknown_model", "the shipped book has none of Azure");
    assert_eq!(of("anthropic", "claude-sonnet-5", &[(Input, MILLION)]), "2 exact:claude-sonnet-5");
    let quantities = used(&[(Input, MILLION)]);
    let december = Lookup { at: "2026-12-01T00:00:00Z".parse().unwrap(), ..call("openai", "gpt-4o", &quantities) };
    assert_eq!(price(&mine, &december), "2.5 exact:gpt-4o", "it ended");
    let batch = Lookup { tier: Some("batch"), ..call("openai", "gpt-4o", &quantities) };
    assert_eq!(price(&mine, &batch), "0.625 exact:gpt-4o*", "the price is for the usual urgency");
}

#[test]
fn a_name_of_ones_own_stands_for_a_model() {
    let book = with(&shipped(), vec![("openai", Some("my-deployment"), Terms::SameAs("gpt-4o".into()))]);
    let quantities = used(&[(UnitKind::Input, MILLION)]);
    assert_eq!(price(&book, &call("openai", "my-deployment", &quantities)), "2.5 alias:gpt-4o");
}

#[test]
fn every_time_has_its_price() {
    let listing = |price: &str| {
        let text = format!(r#"{{"m": {{"litellm_provider": "openai", "input_cost_per_token": {price}}}}}"#);
        let (key, listing) = litellm::parse(&text).unwrap().listings.into_iter().next().unwrap();
        (key, listing)
    };
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let mut catalog = Catalog::default();
    for (id, price, from, to) in [
        (1, "1e-6", "2026-01-01T00:00:00Z", Some("2026-06-01T00:00:00Z")),
        (2, "2e-6", "2026-06-01T00:00:00Z", Some("2026-07-01T00:00:00Z")),
    ] {
        let (key, listing) = listing(price);
        catalog.add(&key, Entry::new(Uuid::from_u128(id), None, at(from), to.map(at), &listing));
    }
    let book = Book { catalog: catalog.into(), ..Book::default() };
    let quantities = used(&[(UnitKind::Input, MILLION)]);
    let of = |when| book.price(&Lookup { at: at(when), ..call("openai", "m", &quantities) });
    assert_eq!(of("2026-05-31T23:59:59.999999Z").price_id(), Some(Uuid::from_u128(1)));
    assert_eq!(of("2026-06-01T00:00:00Z").price_id(), Some(Uuid::from_u128(2)));
    for outside in ["2025-12-31T23:59:59Z", "2026-07-01T00:00:00Z"] {
        assert_eq!(of(outside), Priced::Unpriced { reason: Reason::NotThen });
    }
}

#[test]
fn what_cannot_be_kept_exactly_is_refused() {
    let book = book(
        r#"{"tiny": {"litellm_provider": "x", "input_cost_per_token": 1e-18}, "dear": {"litellm_provider": "x", "input_cost_per_token": 999999}}"#,
    );
    let too_large = Priced::Unpriced { reason: Reason::TooLarge };
    let half = Quantities::default().with(UnitKind::Input, decimal("0.5"));
    assert_eq!(book.price(&call("x", "tiny", &half)), too_large, "nineteen places");
    assert_eq!(book.price(&call("x", "dear", &used(&[(UnitKind::Input, MILLION)]))), too_large);
    assert_eq!(book.price(&call("x", "dear", &used(&[(UnitKind::Input, -1)]))), too_large);
    assert_eq!(
        book.price(&call("x", "tiny", &used(&[(UnitKind::Input, i64::MAX)]))).cost(),
        Some(decimal("9.223372036854775807"))
    );
}

/// A call of some of every kind of token that the model has prices of, at any length.
fn tokens() -> impl Strategy<Value = [i64; 4]> {
    [0..400_000_i64, 0..400_000_i64, 0..100_000_i64, 0..100_000_i64]
}

fn of_tokens(counts: [i64; 4]) -> Quantities {
    let kinds = [UnitKind::Input, UnitKind::CachedInput, UnitKind::Output, UnitKind::Reasoning];
    kinds.into_iter().zip(counts).fold(Quantities::default(), |all, (kind, count)| all.with(kind, count))
}

proptest! {
    #[test]
    fn a_cost_is_the_exact_sum_of_its_kinds(counts in tokens()) {
        // One without steps: the parts have the same prices as the whole.
        let book = shipped();
        let cost = |counts| book.price(&call("openai", "o3", &of_tokens(counts))).cost().unwrap();
        let [a, b, c, d] = counts;
        let parts = cost([a, 0, 0, 0]) + cost([0, b, 0, 0]) + cost([0, 0, c, 0]) + cost([0, 0, 0, d]);
        prop_assert_eq!(cost(counts), parts);
        // In units of a tenth of a microdollar, where every price of it is whole.
        let units = a * 20 + b * 5 + (c + d) * 80;
        prop_assert_eq!(cost(counts), Decimal::new(units, 7));
    }

    #[test]
    fn more_never_costs_less(counts in tokens(), more in tokens(), tier in prop::sample::select(vec!["standard", "batch", "flex", "priority"])) {
        let book = shipped();
        let total: Vec<i64> = counts.iter().zip(more).map(|(a, b)| a + b).collect();
        let cost = |counts: [i64; 4]| {
            let quantities = of_tokens(counts);
            book.price(&Lookup { tier: Some(tier), ..call("openai", "gpt-5.4", &quantities) }).cost().unwrap()
        };
        prop_assert!(cost([total[0], total[1], total[2], total[3]]) >= cost(counts));
    }

    #[test]
    fn a_step_prices_the_whole_call(input in 1..600_000_i64) {
        let book = shipped();
        let cost = book.price(&call("openai", "gpt-5.4", &of_tokens([input, 0, 0, 0]))).cost().unwrap();
        let price = if input > 272_000 { 50 } else { 25 };
        prop_assert_eq!(cost, Decimal::new(input * price, 7));
    }

    #[test]
    fn a_discount_is_exact(percent in 1..1_000_000_i64, input in 0..10_000_000_i64) {
        // Percent with four places: the largest is one ten-thousandth short of a hundred.
        let discount = Decimal::new(percent, 4);
        let book = with(&shipped(), vec![("openai", None, Terms::Discount(discount))]);
        let cost = book.price(&call("openai", "o3", &of_tokens([input, 0, 0, 0]))).cost().unwrap();
        prop_assert_eq!(cost, Decimal::new(input * 2 * (1_000_000 - percent), 12));
    }
}

#[test]
fn a_price_is_found_ten_thousand_times_a_second_with_room_to_spare() {
    let book = shipped();
    let quantities = used(&[(UnitKind::Input, 1_000), (UnitKind::CachedInput, 500), (UnitKind::Output, 300)]);
    let lookup = call("openai", "gpt-5.4-2026-03-05", &quantities);
    let begun = std::time::Instant::now();
    let found = (0..10_000).filter(|_| book.price(&lookup).cost().is_some()).count();
    assert_eq!(found, 10_000);
    assert!(begun.elapsed().as_millis() < 1_000, "{:?} unoptimised", begun.elapsed());
}
