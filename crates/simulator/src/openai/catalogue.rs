//! The line items that the simulated organizations are billed for. Prices are USD per unit.

use rust_decimal::Decimal;

/// What a line item's quantity counts, and so which usage endpoint reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Input,
    CachedInput,
    Output,
    Embedding,
    Moderation,
    Image,
    Speech,
    Transcription,
    VectorStore,
    CodeInterpreter,
    FileSearch,
    WebSearch,
}

/// One thing that is billed.
#[derive(Debug, Clone)]
pub(crate) struct LineItem {
    /// As the costs endpoint spells it.
    pub(crate) name: String,
    /// The model, empty where none applies.
    pub(crate) model: String,
    pub(crate) kind: Kind,
    /// USD per unit.
    pub(crate) price: Decimal,
    /// The provider's word for the unit; `None` where it has none.
    pub(crate) unit: Option<&'static str>,
    /// Relative share of a project's spend.
    pub(crate) weight: u64,
}

/// A chat model: name, then input, cached input and output prices in units of 10^-10 USD per token.
type Chat = (&'static str, [i64; 3]);

const MAIN: Chat = ("gpt-5.4-2026-03-05", [25_000, 2_500, 150_000]);
const SECOND: [Chat; 2] = [("gpt-5.4-mini", [7_500, 750, 45_000]), ("gpt-4o-2024-11-20", [25_000, 12_500, 100_000])];
const THIRD: [Chat; 2] =
    [("gpt-5-mini", [2_500, 250, 20_000]), ("gpt-5-search-api-2025-10-14", [12_500, 1_250, 100_000])];
const FINE_TUNED: [i64; 3] = [8_000, 2_000, 32_000];

/// A line item outside the chat models: name, model, kind, price (10^-10 USD), unit, weight.
type Other = (&'static str, &'static str, Kind, i64, Option<&'static str>, u64);

const TOOLS: [Other; 2] = [
    ("text-embedding-3-small, input", "text-embedding-3-small", Kind::Embedding, 200, Some("tokens"), 4),
    ("web search tool calls", "gpt-5.4-2026-03-05", Kind::WebSearch, 100_000_000, None, 6),
];
const OTHERS: [Other; 7] = [
    ("file search tool calls", "", Kind::FileSearch, 25_000_000, None, 3),
    ("code interpreter sessions", "", Kind::CodeInterpreter, 300_000_000, None, 3),
    ("gpt-image-1, image output", "gpt-image-1", Kind::Image, 420_000_000, Some("images"), 5),
    ("tts-1, audio output", "tts-1", Kind::Speech, 150_000, Some("characters"), 2),
    ("whisper-1, audio input", "whisper-1", Kind::Transcription, 1_000_000, Some("duration_seconds"), 2),
    ("omni-moderation-latest, input", "omni-moderation-latest", Kind::Moderation, 0, Some("tokens"), 1),
    ("file search storage", "", Kind::VectorStore, 41_666_667, Some("gibibyte_hours"), 1),
];

fn chat(items: &mut Vec<LineItem>, model: &str, prices: [i64; 3], weight: u64) {
    let parts = [("input", Kind::Input, 20), ("cached input", Kind::CachedInput, 6), ("output", Kind::Output, 30)];
    for ((part, kind, share), price) in parts.into_iter().zip(prices) {
        items.push(LineItem {
            name: format!("{model}, {part}"),
            model: model.to_owned(),
            kind,
            price: Decimal::new(price, 10).normalize(),
            unit: Some("tokens"),
            weight: weight * share,
        });
    }
}

fn other(&(name, model, kind, price, unit, weight): &Other) -> LineItem {
    LineItem {
        name: name.to_owned(),
        model: model.to_owned(),
        kind,
        price: Decimal::new(price, 10).normalize(),
        unit,
        weight: weight * 4,
    }
}

/// The first `count` line items. The order is fixed, so a project with fewer has a prefix of one with more.
pub(crate) fn line_items(count: usize) -> Vec<LineItem> {
    let mut items = Vec::with_capacity(count + 3);
    chat(&mut items, MAIN.0, MAIN.1, 8);
    items.extend(TOOLS.iter().map(other));
    for (model, prices) in SECOND {
        chat(&mut items, model, prices, 3);
    }
    items.extend(OTHERS.iter().map(other));
    for (model, prices) in THIRD {
        chat(&mut items, model, prices, 2);
    }
    let mut number = 1;
    while items.len() < count {
        chat(&mut items, &format!("ft:gpt-4.1-mini-2025-04-14:sim::{number:04}"), FINE_TUNED, 1);
        number += 1;
    }
    items.truncate(count);
    items
}

#[cfg(test)]
mod tests {
    use super::line_items;
    use std::collections::BTreeSet;

    #[test]
    fn any_number_of_distinct_line_items_can_be_had() {
        for count in [0, 1, 20, 100] {
            let names: BTreeSet<_> = line_items(count).into_iter().map(|item| item.name).collect();
            assert_eq!(names.len(), count);
        }
        assert_eq!(line_items(1)[0].name, "gpt-5.4-2026-03-05, input");
    }
}
