//! What the parts of an event are called.

use finops_contract::UnitKind;
use finops_contract::costs::CostState;
use finops_contract::usage::UsageEvent;
use leptos::prelude::*;

use super::filter::{Key, Problem};
use super::model::{Range, Resolution};
use crate::i18n::{Word, t, words};
use crate::ui::{Glyph, Icon, Money, Tone};

/// What a key of the filter is about.
pub(super) const fn key_label(key: Key) -> Word {
    match key {
        Key::Project => words::explore::PROJECT,
        Key::Model => words::explore::MODEL,
        Key::Service => words::events::SERVICE,
        Key::Provider => words::explore::PROVIDER,
        Key::Environment => words::projects::ENVIRONMENT,
        Key::State => words::events::STATE,
        Key::Failed => words::events::FAILED_OR_NOT,
        Key::Learner => words::events::LEARNER,
        Key::User => words::events::USER,
        Key::Session => words::events::SESSION,
        Key::Task => words::events::TASK,
        Key::Tag => words::events::TAG,
        Key::Credential => words::explore::API_KEY,
    }
}

/// Why a filter was not understood; follows the language.
pub(super) fn problem(problem: &Problem) -> String {
    match problem {
        Problem::Key(word) => words::events::unknown_key(word),
        Problem::Value(term) => words::events::wrong_value(&term.key.name(), &term.value),
        Problem::Project(name) => words::events::unknown_project(name),
    }
}

/// What a range is called.
pub(super) const fn range_name(range: Range) -> Word {
    match range {
        Range::Quarter => words::events::RANGE_15M,
        Range::Hour => words::events::RANGE_1H,
        Range::Day => words::events::RANGE_24H,
        Range::Week => words::shell::PERIOD_7,
        Range::Month => words::shell::PERIOD_30,
    }
}

/// What a kind of units is called.
pub(super) const fn unit_name(kind: UnitKind) -> Word {
    match kind {
        UnitKind::Input => words::events::UNIT_INPUT,
        UnitKind::CachedInput => words::events::UNIT_CACHED_INPUT,
        UnitKind::CacheWrite5m => words::events::UNIT_CACHE_WRITE_5M,
        UnitKind::CacheWrite1h => words::events::UNIT_CACHE_WRITE_1H,
        UnitKind::Output => words::events::UNIT_OUTPUT,
        UnitKind::Reasoning => words::events::UNIT_REASONING,
        UnitKind::AudioInput => words::events::UNIT_AUDIO_INPUT,
        UnitKind::AudioOutput => words::events::UNIT_AUDIO_OUTPUT,
        UnitKind::Image => words::events::UNIT_IMAGE,
        UnitKind::Character => words::events::UNIT_CHARACTER,
        UnitKind::Second => words::events::UNIT_SECOND,
        UnitKind::Request => words::events::UNIT_REQUEST,
        UnitKind::Search => words::events::UNIT_SEARCH,
    }
}

/// What is known of a cost, as an icon and a word.
pub fn state_badge(state: CostState) -> AnyView {
    let (tone, icon, word) = match state {
        CostState::Billed => (Tone::Neutral, Icon::Check, words::events::STATE_BILLED),
        CostState::Estimated => (Tone::Neutral, Icon::Chart, words::events::STATE_ESTIMATED),
        CostState::Unpriced => (Tone::Warning, Icon::Warning, words::events::STATE_UNPRICED),
        CostState::Free => (Tone::Success, Icon::Check, words::events::STATE_FREE),
    };
    view! { <span class="badge" data-tone=tone.name()><Glyph icon size=12 />{t(word)}</span> }.into_any()
}

/// What an event cost, with what is known of it. One without a price has no amount: it is not zero, it is unknown.
pub fn cost(event: &UsageEvent) -> AnyView {
    let amount = event.cost.filter(|_| event.state != CostState::Free).map(|cost| {
        view! { <Money amount=cost.to_string() currency=event.currency.clone() bare=true />" " }
    });
    view! { <span class="nowrap">{amount}{state_badge(event.state)}</span> }.into_any()
}

/// How the price was found; follows the language.
pub(super) fn resolution_text(resolution: &Resolution) -> String {
    let steps = resolution.steps.iter().filter_map(|step| step_name(step)).map(Word::get).collect::<Vec<_>>();
    let steps = if steps.is_empty() { words::events::STEP_EXACT.get().to_owned() } else { steps.join(" → ") };
    if resolution.negotiated { format!("{steps} · {}", words::events::NEGOTIATED.get()) } else { steps }
}

fn step_name(step: &str) -> Option<Word> {
    Some(match step {
        "alias" => words::events::STEP_ALIAS,
        "provider_prefix" => words::events::STEP_PROVIDER_PREFIX,
        "region_prefix" => words::events::STEP_REGION_PREFIX,
        "fine_tuned" => words::events::STEP_FINE_TUNED,
        "dated_snapshot" => words::events::STEP_DATED_SNAPSHOT,
        "latest" => words::events::STEP_LATEST,
        _ => return None,
    })
}

/// Why there is no price.
pub(super) fn reason(name: &str) -> Word {
    match name {
        "unknown_model" => words::events::WHY_UNKNOWN_MODEL,
        "not_then" => words::events::WHY_NOT_THEN,
        "unknown_region" => words::events::WHY_UNKNOWN_REGION,
        "unknown_tier" => words::events::WHY_UNKNOWN_TIER,
        "unknown_kind" => words::events::WHY_UNKNOWN_KIND,
        "too_large" => words::events::WHY_TOO_LARGE,
        "unsplit_tokens" => words::events::WHY_UNSPLIT_TOKENS,
        _ => words::events::WHY_NOTHING_MEASURED,
    }
}
