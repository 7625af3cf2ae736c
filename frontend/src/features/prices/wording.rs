//! What units, urgencies and reasons are called, and how a price is written.

use finops_contract::prices::{PriceTier, PriceVersionKind};
use finops_contract::{Amount, UnitKind};
use leptos::prelude::*;

use super::model::{self, Holds};
use crate::format::money;
use crate::i18n::{Word, words};
use crate::ui::Tone;

/// What a kind of unit is called.
pub(super) const fn kind_name(kind: UnitKind) -> Word {
    use words::prices as w;
    match kind {
        UnitKind::Input => w::KIND_INPUT,
        UnitKind::CachedInput => w::KIND_CACHED_INPUT,
        UnitKind::CacheWrite5m => w::KIND_CACHE_WRITE_5M,
        UnitKind::CacheWrite1h => w::KIND_CACHE_WRITE_1H,
        UnitKind::Output => w::KIND_OUTPUT,
        UnitKind::Reasoning => w::KIND_REASONING,
        UnitKind::AudioInput => w::KIND_AUDIO_INPUT,
        UnitKind::AudioOutput => w::KIND_AUDIO_OUTPUT,
        UnitKind::Image => w::KIND_IMAGE,
        UnitKind::Character => w::KIND_CHARACTER,
        UnitKind::Second => w::KIND_SECOND,
        UnitKind::Request => w::KIND_REQUEST,
        UnitKind::Search => w::KIND_SEARCH,
    }
}

/// What a price of a kind is for.
pub(super) const fn per(kind: UnitKind) -> Word {
    use words::prices as w;
    match kind {
        UnitKind::Image => w::PER_IMAGE,
        UnitKind::Character => w::PER_CHARACTERS,
        UnitKind::Second => w::PER_SECOND,
        UnitKind::Request => w::PER_REQUEST,
        UnitKind::Search => w::PER_SEARCH,
        _ => w::PER_TOKENS,
    }
}

/// What an urgency is called.
pub(super) const fn tier_name(tier: PriceTier) -> Word {
    use words::prices as w;
    match tier {
        PriceTier::Standard => w::TIER_STANDARD,
        PriceTier::Batch => w::TIER_BATCH,
        PriceTier::Flex => w::TIER_FLEX,
        PriceTier::Priority => w::TIER_PRIORITY,
    }
}

/// How a version of the book came about.
pub(super) const fn version_kind(kind: PriceVersionKind) -> Word {
    use words::prices as w;
    match kind {
        PriceVersionKind::Shipped => w::VERSION_SHIPPED,
        PriceVersionKind::Import => w::VERSION_IMPORT,
        PriceVersionKind::Update => w::VERSION_UPDATE,
        PriceVersionKind::Confirmation => w::VERSION_CONFIRMATION,
    }
}

/// Whether something negotiated holds: what that means, and what it is called.
pub(super) const fn holds(holds: Holds) -> (Tone, Word) {
    use words::prices as w;
    match holds {
        Holds::Now => (Tone::Success, w::HOLDS_NOW),
        Holds::Later => (Tone::Info, w::HOLDS_LATER),
        Holds::Over => (Tone::Neutral, w::HOLDS_OVER),
    }
}

/// Why a call has no price. `None` for a reason of a later version, which is then shown by its code.
pub(super) fn reason(code: &str) -> Option<Word> {
    use words::prices as w;
    Some(match code {
        "unknown_model" => w::REASON_UNKNOWN_MODEL,
        "not_then" => w::REASON_NOT_THEN,
        "unknown_region" => w::REASON_UNKNOWN_REGION,
        "unknown_tier" => w::REASON_UNKNOWN_TIER,
        "unknown_kind" => w::REASON_UNKNOWN_KIND,
        "too_large" => w::REASON_TOO_LARGE,
        _ => return None,
    })
}

/// What is strange about a change. `None` for a reason of a later version.
pub(super) fn suspicion(code: &str) -> Option<Word> {
    use words::prices as w;
    Some(match code {
        "ten_times" => w::SUSPICION_TEN_TIMES,
        "to_zero" => w::SUSPICION_TO_ZERO,
        "from_zero" => w::SUSPICION_FROM_ZERO,
        "missing" => w::SUSPICION_MISSING,
        _ => return None,
    })
}

/// A price with every digit, for a million units or for one: `$2.50`.
pub(super) fn price_text(price: Amount, kind: UnitKind) -> String {
    match model::shown(price, kind) {
        Some(shown) => {
            let text = money::exact(&shown.to_string(), "USD");
            text.strip_suffix(" USD").map(str::to_owned).unwrap_or(text)
        }
        None => words::common::UNKNOWN.get().to_owned(),
    }
}

/// A price as a cell, with what it is for as its title; a dash where there is none.
pub(super) fn price(price: Option<Amount>, kind: UnitKind) -> AnyView {
    let Some(price) = price else { return "–".into_any() };
    let title = move || format!("{} USD · {}", price_text(price, kind), per(kind).get());
    view! { <span class="money" title=title>{price_text(price, kind)}</span> }.into_any()
}

/// The head of a source's address, by which people know it; the whole text for what is no address.
pub(super) fn host(source: &str) -> &str {
    let rest = source.strip_prefix("https://").or_else(|| source.strip_prefix("http://"));
    rest.and_then(|rest| rest.split('/').next()).filter(|host| !host.is_empty()).unwrap_or(source)
}

/// A source, as a link where it is one.
pub(super) fn source(source: &str) -> AnyView {
    // Nothing but the web: what a list says of itself is not trusted with a script.
    if !source.starts_with("https://") && !source.starts_with("http://") {
        return view! { <span>{source.to_owned()}</span> }.into_any();
    }
    view! {
        <a class="link" href=source.to_owned() target="_blank" rel="noopener noreferrer">{host(source).to_owned()}</a>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_source_is_known_by_its_host() {
        assert_eq!(host("https://developers.openai.com/api/docs/pricing"), "developers.openai.com");
        assert_eq!(host("shipped: 2026-11-01"), "shipped: 2026-11-01");
        assert_eq!(host("https://"), "https://");
    }
}
