//! What a meter counts, in units that do not overlap, and what they cost.

use finops_contract::{Quantities, UnitKind};
use finops_providers::{TokenUsage, UsageKind, UsageLine, UsageMeasure};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::domain::LineKey;
use super::error::PollError;
use crate::features::prices::{Book, Lookup, Priced};

/// A meter's name in the database.
pub(super) const fn name(kind: UsageKind) -> &'static str {
    match kind {
        UsageKind::Completions => "completions",
        UsageKind::Embeddings => "embeddings",
        UsageKind::Moderations => "moderations",
        UsageKind::Images => "images",
        UsageKind::AudioSpeeches => "audio_speeches",
        UsageKind::AudioTranscriptions => "audio_transcriptions",
        UsageKind::VectorStores => "vector_stores",
        UsageKind::CodeInterpreterSessions => "code_interpreter_sessions",
        UsageKind::FileSearchCalls => "file_search_calls",
        UsageKind::WebSearchCalls => "web_search_calls",
    }
}

macro_rules! units {
    ($($(#[$doc:meta])* $field:ident,)+) => {
        /// How much was used, in whole units of each kind.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(super) struct Units {
            $($(#[$doc])* pub(super) $field: i64,)+
        }

        impl Units {
            /// Adds what is said of the same line in other words: a size of images, a store that was searched.
            ///
            /// # Errors
            /// [`PollError::OutOfRange`].
            pub(super) fn add(&mut self, more: &Self) -> Result<(), PollError> {
                $(self.$field = self.$field.checked_add(more.$field).ok_or(PollError::OutOfRange)?;)+
                Ok(())
            }
        }
    };
}

units! {
    /// Calls of a model. What a tool did is part of a call that another meter counts.
    requests,
    /// What lacks a price if this does: calls, searches, sessions; at least one.
    calls,
    input,
    cached_input,
    cache_write,
    output,
    audio_input,
    audio_output,
    image,
    character,
    second,
    session,
    search,
    bytes,
    /// Tokens of pictures among `output`, which cost something else than words. Not stored: see [`Price::of`].
    drawn,
}

impl Units {
    /// Reads what a line of a meter says.
    ///
    /// # Errors
    /// [`PollError::Malformed`] for parts that exceed their whole, [`PollError::OutOfRange`].
    pub(super) fn of(line: &UsageLine) -> Result<Self, PollError> {
        let requests = count(line.model_requests.unwrap_or_default())?;
        let of_a_model = |units: Self| Self { requests, calls: requests.max(1), ..units };
        Ok(match &line.measure {
            UsageMeasure::Completions(tokens) => of_a_model(Self::tokens(tokens)?),
            UsageMeasure::Embeddings { input_tokens } | UsageMeasure::Moderations { input_tokens } => {
                of_a_model(Self { input: count(*input_tokens)?, ..Self::default() })
            }
            UsageMeasure::Images { images, .. } => of_a_model(Self { image: count(*images)?, ..Self::default() }),
            UsageMeasure::AudioSpeeches { characters } => {
                of_a_model(Self { character: count(*characters)?, ..Self::default() })
            }
            UsageMeasure::AudioTranscriptions { seconds } => {
                of_a_model(Self { second: count(*seconds)?, ..Self::default() })
            }
            UsageMeasure::VectorStores { usage_bytes } => {
                Self { calls: 1, bytes: count(*usage_bytes)?, ..Self::default() }
            }
            UsageMeasure::CodeInterpreterSessions { sessions } => {
                let session = count(*sessions)?;
                Self { calls: session.max(1), session, ..Self::default() }
            }
            UsageMeasure::FileSearchCalls { requests, .. } | UsageMeasure::WebSearchCalls { requests, .. } => {
                let search = count(*requests)?;
                Self { calls: search.max(1), search, ..Self::default() }
            }
        })
    }

    /// Audio is taken out of what it is part of. Pictures that a model sees are input like words, as are those that it saw
    /// before; audio that it heard before is cached input.
    fn tokens(tokens: &TokenUsage) -> Result<Self, PollError> {
        let part = |part: Option<u64>| part.unwrap_or_default();
        let without = |whole: u64, part: u64| whole.checked_sub(part).ok_or(PollError::Malformed);
        let (heard, spoken) = (part(tokens.input_audio), part(tokens.output_audio));
        without(tokens.input_uncached, part(tokens.input_image))?;
        without(tokens.output, part(tokens.output_image))?;
        Ok(Self {
            input: count(without(tokens.input_uncached, heard)?)?,
            cached_input: count(tokens.input_cached)?,
            cache_write: count(tokens.input_cache_write)?,
            output: count(without(tokens.output, spoken)?)?,
            audio_input: count(heard)?,
            audio_output: count(spoken)?,
            drawn: count(part(tokens.output_image))?,
            ..Self::default()
        })
    }

    fn quantities(&self) -> Quantities {
        [
            (UnitKind::Input, self.input),
            (UnitKind::CachedInput, self.cached_input),
            (UnitKind::CacheWrite5m, self.cache_write),
            (UnitKind::Output, self.output),
            (UnitKind::AudioInput, self.audio_input),
            (UnitKind::AudioOutput, self.audio_output),
            (UnitKind::Image, self.image),
            (UnitKind::Character, self.character),
            (UnitKind::Second, self.second),
            (UnitKind::Request, self.session),
            (UnitKind::Search, self.search),
        ]
        .into_iter()
        .fold(Quantities::default(), |quantities, (kind, count)| quantities.with(kind, count))
    }
}

/// Counts are bounded, so that sums of many fit.
fn count(count: u64) -> Result<i64, PollError> {
    const MAX: u64 = 1 << 53;
    i64::try_from(count).ok().filter(|_| count <= MAX).ok_or(PollError::OutOfRange)
}

/// What the organization's price book makes of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Price {
    /// In US dollars; nothing is unpriced.
    pub(super) cost: Option<Decimal>,
    pub(super) price_id: Option<Uuid>,
    /// How it was found, or why not.
    pub(super) resolution: String,
}

impl Price {
    /// The price of a line. What ran through the batch interface has that tier's price, whatever the tier is said to be.
    pub(super) fn of(book: &Book, provider: &str, key: &LineKey, units: &Units) -> Self {
        let unknown = |why: &str| Self { cost: None, price_id: None, resolution: why.to_owned() };
        let Some(model) = key.model.as_deref() else { return unknown("no_model") };
        if units.bytes > 0 || units.drawn > 0 {
            return unknown("unknown_kind");
        }
        let quantities = units.quantities();
        let tier = if key.batch == Some(true) { Some("batch") } else { key.tier.as_deref() };
        let lookup = Lookup { provider, model, tier, region: None, at: key.minute, quantities: &quantities };
        let priced = book.price_sum(&lookup, u64::try_from(units.calls).unwrap_or(1));
        let resolution = match &priced {
            Priced::Unpriced { reason } => reason.name().to_owned(),
            known => known.resolution().map(ToString::to_string).unwrap_or_default(),
        };
        Self { cost: priced.cost(), price_id: priced.price_id(), resolution }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completions(change: impl FnOnce(&mut TokenUsage)) -> Result<Units, PollError> {
        let mut tokens = TokenUsage::split(1_000, None, Some(300), Some(100), 500).unwrap();
        change(&mut tokens);
        let measure = UsageMeasure::Completions(tokens);
        Units::of(&UsageLine {
            project_id: None,
            api_key_id: None,
            model: None,
            batch: None,
            service_tier: None,
            model_requests: Some(4),
            measure,
        })
    }

    #[test]
    fn kinds_are_disjoint_and_nothing_is_lost() {
        let units = completions(|tokens| (tokens.input_audio, tokens.output_audio) = (Some(50), Some(20))).unwrap();
        assert_eq!((units.input, units.cached_input, units.cache_write, units.audio_input), (550, 300, 100, 50));
        assert_eq!((units.output, units.audio_output, units.requests, units.calls), (480, 20, 4, 4));
        assert_eq!(units.quantities().tokens(), Decimal::from(1_500));
        assert!(matches!(completions(|tokens| tokens.input_audio = Some(601)), Err(PollError::Malformed)));
        assert!(matches!(completions(|tokens| tokens.output_image = Some(501)), Err(PollError::Malformed)));
        assert!(matches!(completions(|tokens| tokens.input_cached = u64::MAX), Err(PollError::OutOfRange)));
    }

    #[test]
    fn lines_are_added_or_too_large() {
        let mut units = Units { calls: 1, image: 2, drawn: i64::MAX - 1, ..Units::default() };
        units.add(&Units { calls: 1, search: 3, drawn: 1, ..Units::default() }).unwrap();
        assert_eq!(units, Units { calls: 2, image: 2, search: 3, drawn: i64::MAX, ..Units::default() });
        let one = Units { drawn: 1, ..Units::default() };
        assert!(matches!(units.add(&one), Err(PollError::OutOfRange)));
    }
}
