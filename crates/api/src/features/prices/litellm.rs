//! Reads the public price map that LiteLLM publishes, and the shipped book, which has its shape: one object a model, USD
//! a single unit. Amounts are taken from their literals, never through a float. What is not about prices is ignored;
//! what cannot be read is reported and left out, and the rest is taken.

use std::borrow::Cow;
use std::collections::BTreeMap;

use finops_contract::UnitKind;
use finops_contract::prices::PriceTier;
use finops_providers::amount::parse_json_decimal;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::domain::{EntryKey, Listing, MAX_NAME, PriceKey, provider_name};
use super::resolve::split_profile;

/// An object whose values are left as they are written.
type Object<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// A unit price of this much or more is a slip.
const MAX_PRICE: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// The most decimal places that a unit price may have.
const MAX_SCALE: u32 = 18;

/// What a price map says.
#[derive(Debug, Default)]
pub(super) struct PriceMap {
    /// What it has prices of.
    pub(super) listings: BTreeMap<EntryKey, Listing>,
    /// What could not be read, and why. Models without any price that the book has a kind for are not among them.
    pub(super) skipped: Vec<Skipped>,
}

/// An entry that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Skipped {
    /// Its name in the map.
    pub(super) name: String,
    /// What is wrong with it.
    pub(super) why: String,
}

/// The text is not a price map at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a price map: {0}")]
pub(super) struct NotAMap(String);

/// Reads a whole map.
///
/// # Errors
/// When the text is not a JSON object of objects, at least one of which has a price.
pub(super) fn parse(text: &str) -> Result<PriceMap, NotAMap> {
    let models: Object<'_> = serde_json::from_str(text)
        .map_err(|error| NotAMap(format!("not a JSON object at line {} column {}", error.line(), error.column())))?;
    let mut map = PriceMap::default();
    for (name, entry) in &models {
        // The map's own documentation.
        if name == "sample_spec" {
            continue;
        }
        match read(name, entry) {
            Ok(Some((key, listing))) => map.add(name, key, listing),
            Ok(None) => {}
            Err(why) => map.skip(name, why),
        }
    }
    if map.listings.is_empty() { Err(NotAMap("it has no prices".into())) } else { Ok(map) }
}

impl PriceMap {
    fn skip(&mut self, name: &str, why: String) {
        let name = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        self.skipped.push(Skipped { name, why });
    }

    /// Takes an entry. Two names may stand for one: the first is kept if they say the same.
    fn add(&mut self, name: &str, key: EntryKey, listing: Listing) {
        match self.listings.get(&key) {
            None => drop(self.listings.insert(key, listing)),
            Some(known) if known.prices == listing.prices => {}
            Some(_) => self.skip(name, format!("other prices than another name of {key}")),
        }
    }
}

/// Reads one entry; nothing if it has no price of any kind that the book knows.
fn read(name: &str, entry: &RawValue) -> Result<Option<(EntryKey, Listing)>, String> {
    let fields: Object<'_> = serde_json::from_str(entry.get()).map_err(|_| "not an object".to_owned())?;
    let text = |field: &str| fields.get(field).and_then(|raw| serde_json::from_str::<Cow<'_, str>>(raw.get()).ok());
    let Some(provider) = text("litellm_provider") else { return Err("no litellm_provider".into()) };
    let mode = text("mode").unwrap_or_default();
    let mut listing = Listing { source: text("source").and_then(|source| page(&source)), ..Listing::default() };
    for (field, raw) in &fields {
        if let Some(key) = price_field(field, &mode, &fields) {
            listing.prices.insert(key, price(field, raw)?);
        } else if let Some(region) = field.strip_prefix("regional_processing_uplift_multiplier_") {
            listing.factors.insert(region.to_owned(), factor(field, raw)?);
        }
    }
    if let Some(search) = fields.get("search_context_cost_per_query") {
        listing.prices.extend(search_price(search)?.map(|price| (PriceKey::standard(UnitKind::Search), price)));
    }
    if let Some(specific) = fields.get("provider_specific_entry") {
        listing.factors.extend(us_factor(specific)?.map(|factor| ("us".to_owned(), factor)));
    }
    forget_repetitions(&mut listing);
    if listing.prices.is_empty() {
        return Ok(None);
    }
    entry_key(&provider, name).map(|key| key.map(|key| (key, listing)))
}

/// Which price a field holds; nothing for all others.
fn price_field(field: &str, mode: &str, fields: &Object<'_>) -> Option<PriceKey> {
    let (rest, tier) = [("_batches", PriceTier::Batch), ("_flex", PriceTier::Flex), ("_priority", PriceTier::Priority)]
        .into_iter()
        .find_map(|(suffix, tier)| Some((field.strip_suffix(suffix)?, tier)))
        .unwrap_or((field, PriceTier::Standard));
    let (base, above) = match rest.strip_suffix("k_tokens").and_then(|rest| rest.rsplit_once("_above_")) {
        Some((base, thousands)) => (base, thousands.parse::<u32>().ok()?.checked_mul(1_000)?),
        None => (rest, 0),
    };
    Some(PriceKey { tier, above, kind: kind_of(base, mode, fields)? })
}

/// What a field counts. Images and seconds are told by what the model is for: the same field is what it is given
/// elsewhere, which the book does not count.
fn kind_of(base: &str, mode: &str, fields: &Object<'_>) -> Option<UnitKind> {
    Some(match base {
        "input_cost_per_token" => UnitKind::Input,
        "cache_read_input_token_cost" => UnitKind::CachedInput,
        "cache_creation_input_token_cost" => UnitKind::CacheWrite5m,
        "cache_creation_input_token_cost_above_1hr" => UnitKind::CacheWrite1h,
        // Callers do not say which of a model's output tokens are pictures.
        "output_cost_per_token" if pictures_cost_more(fields) => return None,
        "output_cost_per_token" => UnitKind::Output,
        // The output of these models is images.
        "output_cost_per_image_token"
            if mode == "image_generation" && !fields.contains_key("output_cost_per_token") =>
        {
            UnitKind::Output
        }
        "output_cost_per_reasoning_token" => UnitKind::Reasoning,
        "input_cost_per_audio_token" => UnitKind::AudioInput,
        "output_cost_per_audio_token" => UnitKind::AudioOutput,
        "output_cost_per_image" => UnitKind::Image,
        "input_cost_per_image" if mode == "image_generation" && !fields.contains_key("output_cost_per_image") => {
            UnitKind::Image
        }
        "input_cost_per_character" if mode == "audio_speech" => UnitKind::Character,
        "input_cost_per_second" if mode == "audio_transcription" => UnitKind::Second,
        "output_cost_per_second" if matches!(mode, "video_generation" | "audio_speech") => UnitKind::Second,
        "input_cost_per_request" | "input_cost_per_query" => UnitKind::Request,
        _ => return None,
    })
}

/// Whether a token of a picture has another price than a token of text.
fn pictures_cost_more(fields: &Object<'_>) -> bool {
    let price = |field: &str| fields.get(field).map(|raw| parse_json_decimal(raw).ok());
    price("output_cost_per_image_token").is_some_and(|picture| price("output_cost_per_token") != Some(picture))
}

fn price(field: &str, raw: &RawValue) -> Result<Decimal, String> {
    let price = parse_json_decimal(raw).map_err(|error| format!("{field}: {error}"))?;
    if price < Decimal::ZERO || price >= MAX_PRICE {
        return Err(format!("{field}: out of range"));
    }
    // Such as 2.8000000000000002e-08: what somebody's float left of a price is not the price.
    if price.scale() > MAX_SCALE {
        return Err(format!("{field}: more than {MAX_SCALE} decimal places"));
    }
    Ok(price)
}

fn factor(field: &str, raw: &RawValue) -> Result<Decimal, String> {
    let factor = parse_json_decimal(raw).map_err(|error| format!("{field}: {error}"))?;
    if factor <= Decimal::ZERO || factor > Decimal::TEN || factor.scale() > 4 {
        return Err(format!("{field}: out of range"));
    }
    Ok(factor)
}

/// The price of a search, where it does not depend on how much was searched: callers do not report that.
fn search_price(raw: &RawValue) -> Result<Option<Decimal>, String> {
    const FIELD: &str = "search_context_cost_per_query";
    let sizes: Object<'_> = serde_json::from_str(raw.get()).map_err(|_| format!("{FIELD}: not an object"))?;
    let prices = sizes.values().map(|raw| price(FIELD, raw)).collect::<Result<Vec<_>, _>>()?;
    Ok(prices.first().copied().filter(|first| prices.iter().all(|price| price == first)))
}

/// What Anthropic charges more for a call that stays in the United States.
fn us_factor(raw: &RawValue) -> Result<Option<Decimal>, String> {
    let Ok(specific) = serde_json::from_str::<Object<'_>>(raw.get()) else { return Ok(None) };
    specific.get("us").map(|raw| factor("provider_specific_entry.us", raw)).transpose()
}

/// Drops thinking at the price of output: it says nothing, and would hide what output costs above a step.
fn forget_repetitions(listing: &mut Listing) {
    let prices = &listing.prices;
    let repeated: Vec<_> = prices
        .keys()
        .filter(|key| key.kind == UnitKind::Reasoning)
        .filter(|key| prices.get(*key) == prices.get(&PriceKey { kind: UnitKind::Output, ..**key }))
        .copied()
        .collect();
    for key in repeated {
        listing.prices.remove(&key);
    }
}

fn page(source: &str) -> Option<String> {
    let fits = source.len() <= 500 && source.starts_with("https://") && !source.chars().any(char::is_control);
    fits.then(|| source.to_owned())
}

/// The entry that a name in the map is about; nothing for what is not paid by use.
fn entry_key(provider: &str, name: &str) -> Result<Option<EntryKey>, String> {
    // `vertex_ai-anthropic_models` and the like are one provider.
    let said = if provider.starts_with("vertex_ai") { "vertex_ai" } else { provider };
    let known = provider_name(said).into_owned();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    if known.is_empty() || known.len() > 64 || !known.bytes().all(fits) {
        return Err("a strange litellm_provider".into());
    }
    let own = |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/'));
    let mut model = own(said).or_else(|| own(provider)).unwrap_or(name);
    let mut region = None;
    if known == "aws_bedrock" {
        if model.contains("-commitment/") {
            return Ok(None);
        }
        model = model.strip_prefix("bedrock/").unwrap_or(model);
        if let Some((place, rest)) = model.split_once('/').filter(|(place, _)| is_aws_region(place)) {
            (region, model) = (Some(place), rest);
        }
        if let Some((place, rest)) = split_profile(model) {
            if region.is_some() {
                return Err("two regions in one name".into());
            }
            (region, model) = (Some(place), rest);
        }
    }
    // Azure's deployments of a data zone have prices of their own.
    if known == "azure"
        && let Some((zone, rest)) = model.split_once('/').filter(|(zone, _)| matches!(*zone, "eu" | "us" | "global"))
    {
        (region, model) = (Some(zone), rest);
    }
    if model.is_empty()
        || model.chars().count() > MAX_NAME
        || model.chars().any(char::is_control)
        || model.trim() != model
    {
        return Err("a strange name".into());
    }
    Ok(Some(EntryKey { provider: known, model: model.to_owned(), region: region.map(Into::into) }))
}

/// `us-east-1`, `us-gov-west-1`.
fn is_aws_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let area = parts.next().is_some_and(|area| area.len() == 2 && area.bytes().all(|byte| byte.is_ascii_lowercase()));
    area && parts.next_back().is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> PriceMap {
        parse(text).unwrap()
    }

    fn shown(map: &PriceMap, name: &str) -> Vec<String> {
        let (_, listing) = map.listings.iter().find(|(key, _)| key.to_string() == name).expect("an entry");
        let prices = listing.prices.iter();
        prices.map(|(key, price)| format!("{} {} {} {price}", key.tier.name(), key.above, key.kind.name())).collect()
    }

    #[test]
    fn literals_are_read_exactly() {
        let map = map(
            r#"{"sample_spec": {"input_cost_per_token": "text"}, "gpt-x": {"litellm_provider": "openai", "mode": "chat",
            "input_cost_per_token": 2.50e-06, "output_cost_per_token": "0.00001", "cache_read_input_token_cost": 1E-7,
            "input_cost_per_token_batches": 1.25e-6, "input_cost_per_token_above_200k_tokens": 5e-6,
            "output_cost_per_token_above_200k_tokens_priority": 2e-5, "input_cost_per_token_ultrafast": "ignored",
            "max_tokens": 1.5, "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_high": 1e-2}}}"#,
        );
        assert_eq!(
            shown(&map, "openai/gpt-x"),
            [
                "standard 0 input 0.0000025",
                "standard 0 cached_input 0.0000001",
                "standard 0 output 0.00001",
                "standard 0 search 0.01",
                "standard 200000 input 0.000005",
                "batch 0 input 0.00000125",
                "priority 200000 output 0.00002",
            ]
        );
        assert!(map.skipped.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_is_taken() {
        let map = map(r#"{"ok": {"litellm_provider": "openai", "input_cost_per_token": 1e-6},
            "nan": {"litellm_provider": "openai", "input_cost_per_token": "NaN"},
            "huge": {"litellm_provider": "openai", "input_cost_per_token": 1e400},
            "minus": {"litellm_provider": "openai", "input_cost_per_token": -1e-6},
            "fine": {"litellm_provider": "openai", "input_cost_per_token": 1e-19},
            "list": [1], "text": "x", "nobody": {"input_cost_per_token": 1e-6},
            "strange": {"litellm_provider": "a/b", "input_cost_per_token": 1e-6},
            "no price": {"litellm_provider": "openai", "mode": "moderation"},
            "openai/ok": {"litellm_provider": "openai", "input_cost_per_token": 1e-06},
            "openai/other": {"litellm_provider": "openai", "input_cost_per_token": 1e-06},
            "other": {"litellm_provider": "openai", "input_cost_per_token": 2e-06}}"#);
        let skipped: Vec<_> = map.skipped.iter().map(|skipped| skipped.name.as_str()).collect();
        assert_eq!(skipped, ["fine", "huge", "list", "minus", "nan", "nobody", "other", "strange", "text"]);
        assert_eq!(map.listings.len(), 2);
        for text in ["", "[]", "{}", "{\"a\": {}}", "{\"a\": {\"litellm_provider\": \"openai\"}}", "<html>", "null"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_become_entries_of_a_provider_and_region() {
        let of = |provider, name| entry_key(provider, name).unwrap().map(|key| key.to_string()).unwrap_or_default();
        assert_eq!(of("gemini", "gemini/gemini-2.5-pro"), "google_ai/gemini-2.5-pro");
        assert_eq!(of("vertex_ai-language-models", "gemini-2.5-pro"), "vertex_ai/gemini-2.5-pro");
        assert_eq!(of("vertex_ai-anthropic_models", "vertex_ai/claude-opus-5"), "vertex_ai/claude-opus-5");
        assert_eq!(of("bedrock_converse", "us.anthropic.claude-x"), "aws_bedrock/anthropic.claude-x (us)");
        assert_eq!(of("bedrock", "bedrock/us-gov-west-1/amazon.titan"), "aws_bedrock/amazon.titan (us-gov-west-1)");
        assert_eq!(of("bedrock", "bedrock/us-east-1/1-month-commitment/cohere.x"), "");
        assert_eq!(of("mistral", "mistral/mistral-large"), "mistral/mistral-large");
        assert_eq!(of("azure", "azure/eu/gpt-4o"), "azure/gpt-4o (eu)");
    }

    #[test]
    fn output_that_may_be_text_or_pictures_has_no_price() {
        let text = r#"{"both": {"litellm_provider": "gemini", "input_cost_per_token": 3e-7, "output_cost_per_token": 2.5e-6,
            "output_cost_per_image_token": 3e-5, "output_cost_per_image": 0.039},
            "pictures": {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image_token": 4e-5}}"#;
        assert_eq!(shown(&map(text), "google_ai/both"), ["standard 0 input 0.0000003", "standard 0 image 0.039"]);
        assert_eq!(shown(&map(text), "openai/pictures"), ["standard 0 output 0.00004"]);
    }

    #[test]
    fn thinking_at_the_price_of_output_is_output() {
        let text = r#"{"g": {"litellm_provider": "gemini", "output_cost_per_token": 1e-5, "output_cost_per_reasoning_token": 1e-5,
            "output_cost_per_token_above_200k_tokens": 2e-5}, "h": {"litellm_provider": "gemini", "output_cost_per_token": 1e-5,
            "output_cost_per_reasoning_token": 3e-5}}"#;
        assert_eq!(shown(&map(text), "google_ai/g").len(), 2);
        assert!(shown(&map(text), "google_ai/h").contains(&"standard 0 reasoning 0.00003".to_owned()));
    }
}
