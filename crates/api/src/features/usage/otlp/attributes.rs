//! What a span or its resource says of itself, as far as an event has a place for it.

use std::collections::BTreeMap;

/// The longest text that can be a field of an event. What models were asked and answered is longer, and none of ours.
const MAX_TEXT: usize = 2_048;
/// How the names begin that an event has a place for.
const WANTED: [&str; 12] = [
    "gen_ai.",
    "finops.",
    "openai.",
    "llm.",
    "traceloop.",
    "service.",
    "deployment.",
    "user.",
    "enduser.",
    "session.",
    "error.",
    "server.",
];

/// An attribute's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Another number.
    Double(f64),
    /// Yes or no.
    Bool(bool),
    /// Several texts.
    Texts(Vec<String>),
}

impl Value {
    /// The same in JSON.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Int(number) => (*number).into(),
            Self::Double(number) => (*number).into(),
            Self::Bool(bool) => (*bool).into(),
            Self::Texts(texts) => texts.as_slice().into(),
        }
    }
}

/// Attributes by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Attributes(BTreeMap<String, Value>);

impl Attributes {
    /// Whether an attribute of this name is kept at all.
    pub(super) fn wants(name: &str) -> bool {
        WANTED.iter().any(|start| name.starts_with(start))
    }

    /// Keeps one, unless it is of no use. The first of a name stays.
    pub(super) fn add(&mut self, name: String, value: Value) {
        let short = match &value {
            Value::Text(text) => text.len() <= MAX_TEXT,
            Value::Texts(texts) => texts.iter().map(String::len).sum::<usize>() <= MAX_TEXT,
            Value::Int(_) | Value::Double(_) | Value::Bool(_) => true,
        };
        if short && Self::wants(&name) {
            self.0.entry(name).or_insert(value);
        }
    }

    /// The first of these names that is there.
    pub(super) fn first(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.0.get(*name))
    }

    /// The first of these names that is there and a text that says something.
    pub(super) fn text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| match self.0.get(*name) {
            Some(Value::Text(text)) if !text.trim().is_empty() => Some(text.as_str()),
            _ => None,
        })
    }

    /// Those whose names begin so, without that beginning.
    pub(super) fn under<'a>(&'a self, start: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(start)?, value)))
    }
}
