//! What dimensions and their values are called.

use finops_contract::costs::Dimension;

use super::model::Part;
use crate::format::time::{self, Show};
use crate::i18n::{Word, words};

/// What a dimension is called.
pub const fn dimension_name(dimension: Dimension) -> Word {
    match dimension {
        Dimension::Project => words::explore::PROJECT,
        Dimension::Team => words::explore::TEAM,
        Dimension::LineItem => words::explore::LINE_ITEM,
        Dimension::Model => words::explore::MODEL,
        Dimension::Provider => words::explore::PROVIDER,
        Dimension::ApiKey => words::explore::API_KEY,
        Dimension::Day => words::explore::DAY,
    }
}

/// What to know about a chart over days, and what a press on it does: a finger shows a day, a mouse chooses it.
pub fn day_note() -> Word {
    let coarse = leptos::prelude::window().match_media("(pointer: coarse)").ok().flatten();
    if coarse.is_some_and(|coarse| coarse.matches()) {
        words::explore::DAY_NOTE_TOUCH
    } else {
        words::explore::DAY_NOTE
    }
}

/// What a value is called; follows the language.
pub fn part_name(part: &Part) -> String {
    let Some(name) = &part.name else {
        return match part.dimension {
            Dimension::Project => words::explore::NO_PROJECT,
            Dimension::Team => words::explore::NO_TEAM,
            Dimension::Model => words::explore::NO_MODEL,
            Dimension::ApiKey => words::explore::NO_API_KEY,
            Dimension::LineItem | Dimension::Provider | Dimension::Day => words::explore::NO_LINE_ITEM,
        }
        .get()
        .to_owned();
    };
    match part.dimension {
        Dimension::Day => time::date(name, Show::Date),
        Dimension::Provider => provider_name(name).to_owned(),
        _ if part.deleted => words::explore::deleted(name),
        _ => name.clone(),
    }
}

/// What several values together are called.
pub fn parts_name(parts: &[Part]) -> String {
    if parts.is_empty() {
        return words::explore::COST.get().to_owned();
    }
    parts.iter().map(part_name).collect::<Vec<_>>().join(" · ")
}

/// What a vendor calls itself.
pub fn provider_name(provider: &str) -> &str {
    match provider {
        "openai" => "OpenAI",
        "anthropic" => "Anthropic",
        "google_ai" => "Google AI",
        "aws_bedrock" => "AWS Bedrock",
        other => other,
    }
}
