//! What a call to a model is measured in. The kinds are disjoint: no token is counted under two of them.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What is counted, and priced by the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// Input tokens that were neither read from a cache nor written to one, and are not audio.
    Input,
    /// Input tokens read from a cache.
    CachedInput,
    /// Input tokens written to a cache that keeps them for five minutes, or for as long as the provider does.
    #[serde(rename = "cache_write_5m")]
    CacheWrite5m,
    /// Input tokens written to a cache that keeps them for an hour.
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    /// Output tokens that are neither reasoning nor audio.
    Output,
    /// Output tokens that the model thought with.
    Reasoning,
    /// Audio tokens heard.
    AudioInput,
    /// Audio tokens spoken.
    AudioOutput,
    /// Images made.
    Image,
    /// Characters spoken or read.
    Character,
    /// Seconds of audio or video.
    Second,
    /// Calls, where a call itself has a price.
    Request,
    /// Web or file searches.
    Search,
}

impl UnitKind {
    /// All of them, in the order of [`UnitKind::index`].
    pub const ALL: [Self; 13] = [
        Self::Input,
        Self::CachedInput,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::Output,
        Self::Reasoning,
        Self::AudioInput,
        Self::AudioOutput,
        Self::Image,
        Self::Character,
        Self::Second,
        Self::Request,
        Self::Search,
    ];

    /// The name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CachedInput => "cached_input",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::AudioInput => "audio_input",
            Self::AudioOutput => "audio_output",
            Self::Image => "image",
            Self::Character => "character",
            Self::Second => "second",
            Self::Request => "request",
            Self::Search => "search",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its place in [`UnitKind::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether it counts tokens: the sum of these is what a provider calls total tokens.
    pub const fn is_token(self) -> bool {
        self.index() <= Self::AudioOutput.index()
    }
}

/// How much of each kind. What was not measured is zero here; whether it was measured is the event's matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Quantities([Decimal; UnitKind::ALL.len()]);

impl Quantities {
    /// How much of one kind.
    pub fn get(&self, kind: UnitKind) -> Decimal {
        self.0[kind.index()]
    }

    /// Says how much of one kind.
    pub fn set(&mut self, kind: UnitKind, quantity: Decimal) {
        self.0[kind.index()] = quantity;
    }

    /// The same with one kind set.
    #[must_use]
    pub fn with(mut self, kind: UnitKind, quantity: impl Into<Decimal>) -> Self {
        self.set(kind, quantity.into());
        self
    }

    /// What there is some of.
    pub fn iter(&self) -> impl Iterator<Item = (UnitKind, Decimal)> + '_ {
        UnitKind::ALL.into_iter().map(|kind| (kind, self.get(kind))).filter(|(_, quantity)| !quantity.is_zero())
    }

    /// All tokens, of every kind.
    pub fn tokens(&self) -> Decimal {
        UnitKind::ALL.into_iter().filter(|kind| kind.is_token()).map(|kind| self.get(kind)).sum()
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::{Quantities, UnitKind};

    #[test]
    fn every_kind_has_its_name_and_place() {
        for (index, kind) in UnitKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), index);
            assert_eq!(UnitKind::from_name(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn images_are_no_tokens() {
        let used = Quantities::default().with(UnitKind::Input, 7).with(UnitKind::Reasoning, 3).with(UnitKind::Image, 1);
        assert_eq!(used.tokens(), Decimal::from(10));
        assert_eq!(used.iter().count(), 3);
    }
}
