//! What a provider measured, minutes after it happened: catches a runaway hours before the bill does. Usage does not
//! always reconcile with costs exactly; costs do with the invoice.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::capabilities::Cursor;
use crate::error::ProviderError;

/// The provider's usage, by minute, hour or UTC day.
#[async_trait]
pub trait UsageSource: Send + Sync {
    /// Gives one page of usage buckets, in order. Use [`UsagePages`](crate::UsagePages) to walk all of them.
    ///
    /// # Errors
    /// Any [`ProviderError`]; [`InvalidRequest`](ProviderError::InvalidRequest) without calling when the query is not
    /// valid; [`Malformed`](ProviderError::Malformed) when token parts exceed their whole.
    async fn usage_page(&self, query: &UsageQuery, page: Option<&Cursor>) -> Result<UsagePage, ProviderError>;
}

/// Which of the provider's meters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageKind {
    /// Text, audio and image tokens of model calls.
    Completions,
    /// Tokens embedded.
    Embeddings,
    /// Tokens moderated.
    Moderations,
    /// Images made.
    Images,
    /// Characters spoken.
    AudioSpeeches,
    /// Seconds transcribed.
    AudioTranscriptions,
    /// Bytes stored.
    VectorStores,
    /// Interpreter sessions.
    CodeInterpreterSessions,
    /// File searches.
    FileSearchCalls,
    /// Web searches.
    WebSearchCalls,
}

impl UsageKind {
    /// All ten.
    pub const ALL: [Self; 10] = [
        Self::Completions,
        Self::Embeddings,
        Self::Moderations,
        Self::Images,
        Self::AudioSpeeches,
        Self::AudioTranscriptions,
        Self::VectorStores,
        Self::CodeInterpreterSessions,
        Self::FileSearchCalls,
        Self::WebSearchCalls,
    ];
}

/// How long one usage bucket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BucketWidth {
    /// One minute; 60 a page by default, 1440 at most.
    Minute,
    /// One hour; 24 a page by default, 168 at most.
    Hour,
    /// One UTC day; 7 a page by default, 31 at most.
    Day,
}

impl BucketWidth {
    /// The most buckets a page may have.
    pub fn max_limit(self) -> u16 {
        match self {
            Self::Minute => 1440,
            Self::Hour => 168,
            Self::Day => 31,
        }
    }

    /// The length of one bucket.
    pub fn duration(self) -> TimeDelta {
        match self {
            Self::Minute => TimeDelta::minutes(1),
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
        }
    }
}

/// Which usage. The answer is always grouped by everything the meter can be grouped by, except the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageQuery {
    /// The meter.
    pub kind: UsageKind,
    /// Inclusive; must be the start of a bucket, or the first bucket would be part of one.
    pub start: DateTime<Utc>,
    /// Exclusive; None means up to now.
    pub end: Option<DateTime<Utc>>,
    /// Length of a bucket.
    pub width: BucketWidth,
    /// Only these projects (the provider's ids); empty means the whole organization.
    pub project_ids: Vec<String>,
    /// Buckets a page, 1 to [`BucketWidth::max_limit`].
    pub limit: u16,
}

impl UsageQuery {
    /// Checks what the provider would answer wrongly rather than refuse.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when `start` is within a bucket, `end` is not after it, or `limit` is out of
    /// range for the width.
    pub fn validate(&self) -> Result<(), ProviderError> {
        let width = self.width.duration().num_seconds();
        let aligned = self.start.timestamp() % width == 0 && self.start.timestamp_subsec_nanos() == 0;
        let reason = if !aligned {
            "start must be the start of a bucket"
        } else if self.end.is_some_and(|end| end <= self.start) {
            "end must be after start"
        } else if !(1..=self.width.max_limit()).contains(&self.limit) {
            "limit is out of range for the bucket width"
        } else {
            return Ok(());
        };
        Err(ProviderError::InvalidRequest { reason })
    }
}

/// One page of usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsagePage {
    /// As the provider ordered them.
    pub buckets: Vec<UsageBucket>,
    /// Where the next page starts; None on the last one.
    pub next: Option<Cursor>,
}

/// One stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageBucket {
    /// Inclusive.
    pub start: DateTime<Utc>,
    /// Exclusive.
    pub end: DateTime<Utc>,
    /// What was used; empty when nothing was.
    pub lines: Vec<UsageLine>,
}

/// One combination of project, key, model and so on. What a meter is not grouped by is None.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine {
    /// The provider's project id; None for what belongs to no project.
    pub project_id: Option<String>,
    /// The provider's id of the API key used.
    pub api_key_id: Option<String>,
    /// The model as the provider names it, with its date.
    pub model: Option<String>,
    /// Whether it ran through the batch interface.
    pub batch: Option<bool>,
    /// The provider's service tier, such as `default`, `flex` or `priority`.
    pub service_tier: Option<String>,
    /// Calls made to the model; None where the meter does not count them.
    pub model_requests: Option<u64>,
    /// How much.
    pub measure: UsageMeasure,
}

/// What the meter counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageMeasure {
    /// Tokens of model calls.
    Completions(TokenUsage),
    /// Tokens embedded.
    Embeddings {
        /// Whole tokens.
        input_tokens: u64,
    },
    /// Tokens moderated.
    Moderations {
        /// Whole tokens.
        input_tokens: u64,
    },
    /// Images made.
    Images {
        /// Whole images.
        images: u64,
        /// Such as `1024x1024`.
        size: Option<String>,
        /// Such as `image.generation`.
        source: Option<String>,
    },
    /// Characters spoken.
    AudioSpeeches {
        /// Whole characters.
        characters: u64,
    },
    /// Audio transcribed.
    AudioTranscriptions {
        /// Whole seconds.
        seconds: u64,
    },
    /// Vector storage.
    VectorStores {
        /// Bytes.
        usage_bytes: u64,
    },
    /// Interpreter sessions.
    CodeInterpreterSessions {
        /// Sessions.
        sessions: u64,
    },
    /// File searches.
    FileSearchCalls {
        /// Searches.
        requests: u64,
        /// The store searched.
        vector_store_id: Option<String>,
    },
    /// Web searches.
    WebSearchCalls {
        /// Searches.
        requests: u64,
        /// `low`, `medium` or `high`.
        context_level: Option<String>,
    },
}

/// Tokens as reported, and split into kinds that do not overlap: `uncached + cached + cache_write = input_reported`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// All input tokens as reported, cached and cache-write ones included.
    pub input_reported: u64,
    /// Input neither read from nor written to the cache; what the provider leaves unexplained counts here.
    pub input_uncached: u64,
    /// Input read from the cache.
    pub input_cached: u64,
    /// Input written to the cache.
    pub input_cache_write: u64,
    /// All output tokens, reasoning included (this meter does not tell it apart).
    pub output: u64,
    /// Of `input_uncached`, what was audio; None when not reported.
    pub input_audio: Option<u64>,
    /// Of `input_cached`, what was audio; None when not reported.
    pub input_cached_audio: Option<u64>,
    /// Of `output`, what was audio; None when not reported.
    pub output_audio: Option<u64>,
    /// Of `input_uncached`, what was images; None when not reported.
    pub input_image: Option<u64>,
    /// Of `input_cached`, what was images; None when not reported.
    pub input_cached_image: Option<u64>,
    /// Of `output`, what was images; None when not reported.
    pub output_image: Option<u64>,
}

impl TokenUsage {
    /// Splits the reported input. Parts not reported count as zero: answers older than a part do not have it.
    ///
    /// # Errors
    /// [`ProviderError::Malformed`] when the parts exceed the whole.
    pub fn split(
        input: u64,
        uncached: Option<u64>,
        cached: Option<u64>,
        cache_write: Option<u64>,
        output: u64,
    ) -> Result<Self, ProviderError> {
        let (cached, cache_write) = (cached.unwrap_or(0), cache_write.unwrap_or(0));
        let exceeds = || ProviderError::malformed("usage: input token parts exceed their whole");
        let rest = input.checked_sub(cached).and_then(|rest| rest.checked_sub(cache_write)).ok_or_else(exceeds)?;
        if uncached.is_some_and(|uncached| uncached > rest) {
            return Err(exceeds());
        }
        Ok(Self {
            input_reported: input,
            input_uncached: rest,
            input_cached: cached,
            input_cache_write: cache_write,
            output,
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn split_kinds_add_up_or_are_refused(input: u64, uncached: Option<u64>, cached: Option<u64>, write: Option<u64>) {
            let claimed = [uncached, cached, write].into_iter().flatten().map(u128::from).sum::<u128>();
            match TokenUsage::split(input, uncached, cached, write, 0) {
                Ok(t) => {
                    prop_assert_eq!(u128::from(t.input_uncached) + u128::from(t.input_cached) + u128::from(t.input_cache_write), u128::from(input));
                    prop_assert!(claimed <= u128::from(input));
                }
                Err(_) => prop_assert!(claimed > u128::from(input)),
            }
        }

        #[test]
        fn small_splits_add_up(parts in (0_u64..9, 0_u64..9, 0_u64..9), gap in 0_u64..3) {
            let (uncached, cached, write) = parts;
            let t = TokenUsage::split(uncached + cached + write + gap, Some(uncached), Some(cached), Some(write), 0).unwrap();
            prop_assert_eq!((t.input_uncached, t.input_cached, t.input_cache_write), (uncached + gap, cached, write));
        }
    }

    #[test]
    fn usage_queries_are_checked() {
        let start = DateTime::from_timestamp(1_782_432_000, 0).unwrap();
        let good = UsageQuery {
            kind: UsageKind::Completions,
            start,
            end: None,
            width: BucketWidth::Minute,
            project_ids: vec![],
            limit: 1440,
        };
        assert_eq!(good.validate(), Ok(()));
        let minute = start + TimeDelta::minutes(1);
        assert_eq!(UsageQuery { start: minute, ..good.clone() }.validate(), Ok(()));
        for bad in [
            UsageQuery { start: minute, width: BucketWidth::Hour, limit: 24, ..good.clone() },
            UsageQuery { start: start + TimeDelta::seconds(1), ..good.clone() },
            UsageQuery { end: Some(start), ..good.clone() },
            UsageQuery { limit: 0, ..good.clone() },
            UsageQuery { limit: 1441, ..good.clone() },
            UsageQuery { width: BucketWidth::Hour, limit: 169, ..good.clone() },
            UsageQuery { width: BucketWidth::Day, limit: 32, ..good.clone() },
        ] {
            assert_eq!(bad.validate().unwrap_err().user_reason(), "invalid_request");
        }
    }
}
