//! From what vendors and callers count to disjoint kinds (product rule 4).
//!
//! Two ways of counting are about. OpenAI, OpenTelemetry and Gemini report wholes that include their parts: input
//! includes what came from a cache, output includes reasoning (Gemini's does not). Anthropic and Bedrock report parts
//! that do not overlap. What arrives is split here, once; parts that exceed their whole are refused.

use finops_contract::{ErrorCode, Quantities, UnitKind};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::raw::Object;
use super::reject::Reject;

/// More of anything in one event is a mistake of the caller's.
pub(super) const MAX_COUNT: u64 = 10_000_000_000;

/// What one event used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// By kind.
    pub(super) quantities: Quantities,
    /// Tokens of which it was not said whether they went in or came out.
    pub(super) unsplit: u64,
    /// Whether anything at all was measured.
    pub(super) measured: bool,
}

impl Used {
    /// All tokens that went in, and all that came out.
    pub(super) fn sides(&self) -> (Decimal, Decimal) {
        let sum = |kinds: &[UnitKind]| kinds.iter().map(|kind| self.quantities.get(*kind)).sum();
        (
            sum(&[
                UnitKind::Input,
                UnitKind::CachedInput,
                UnitKind::CacheWrite5m,
                UnitKind::CacheWrite1h,
                UnitKind::AudioInput,
            ]),
            sum(&[UnitKind::Output, UnitKind::Reasoning, UnitKind::AudioOutput]),
        )
    }
}

/// Counts as OpenAI and OpenTelemetry report them: wholes, and parts within them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Overlapping {
    pub(super) input: Option<u64>,
    pub(super) cached: Option<u64>,
    pub(super) cache_write_5m: Option<u64>,
    pub(super) cache_write_1h: Option<u64>,
    pub(super) audio_input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) reasoning: Option<u64>,
    pub(super) audio_output: Option<u64>,
    pub(super) total: Option<u64>,
}

impl Overlapping {
    /// The disjoint kinds.
    ///
    /// # Errors
    /// `tokens_exceed_whole`.
    pub(super) fn split(self, pointer: &str) -> Result<Used, Reject> {
        let input_parts = [self.cached, self.cache_write_5m, self.cache_write_1h, self.audio_input];
        let output_parts = [self.reasoning, self.audio_output];
        let input = rest(self.input, &input_parts, pointer, "input")?;
        let output = rest(self.output, &output_parts, pointer, "output")?;
        let mut used = Used { measured: self.any(), ..Used::default() };
        let kinds = [
            (UnitKind::Input, Some(input)),
            (UnitKind::CachedInput, self.cached),
            (UnitKind::CacheWrite5m, self.cache_write_5m),
            (UnitKind::CacheWrite1h, self.cache_write_1h),
            (UnitKind::AudioInput, self.audio_input),
            (UnitKind::Output, Some(output)),
            (UnitKind::Reasoning, self.reasoning),
            (UnitKind::AudioOutput, self.audio_output),
        ];
        for (kind, count) in kinds {
            used.quantities.set(kind, count.unwrap_or_default().into());
        }
        if let Some(total) = self.total {
            let known = self.input.unwrap_or_default() + self.output.unwrap_or_default();
            if known > total {
                return Err(exceeds(pointer, "total"));
            }
            // With both sides told, a larger total is the vendor's own way of counting; with neither, it is all there is.
            if self.input.is_none() && self.output.is_none() {
                used.unsplit = total;
            }
        }
        Ok(used)
    }

    fn any(&self) -> bool {
        let Self { input, cached, cache_write_5m, cache_write_1h, audio_input, output, reasoning, audio_output, total } =
            self;
        [input, cached, cache_write_5m, cache_write_1h, audio_input, output, reasoning, audio_output, total]
            .iter()
            .any(|count| count.is_some())
    }
}

/// What is left of a whole without its parts; a whole that was not told is its parts.
fn rest(whole: Option<u64>, parts: &[Option<u64>], pointer: &str, name: &str) -> Result<u64, Reject> {
    let parts: u64 = parts.iter().flatten().sum();
    match whole {
        None => Ok(0),
        Some(whole) => whole.checked_sub(parts).ok_or_else(|| exceeds(pointer, name)),
    }
}

fn exceeds(pointer: &str, whole: &str) -> Reject {
    Reject::new(ErrorCode::TokensExceedWhole, pointer, format!("the parts are more than the {whole} tokens"))
}

/// A count: a JSON number or string that is a whole number.
///
/// # Errors
/// `quantity_invalid`.
pub(super) fn count(raw: &RawValue, pointer: &str) -> Result<u64, Reject> {
    let text = raw.get().trim_matches('"');
    // `12.0` is what languages without integers send.
    let digits = text.strip_suffix(".0").unwrap_or(text);
    let whole = !digits.is_empty() && digits.len() <= 11 && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse::<u64>() {
        Ok(count) if whole && count <= MAX_COUNT => Ok(count),
        _ => Err(Reject::new(
            ErrorCode::QuantityInvalid,
            pointer,
            format!("must be a whole number from 0 to {MAX_COUNT}"),
        )),
    }
}

/// A vendor's `usage` object as it is in the vendor's answer: OpenAI (chat, responses, embeddings, images), Anthropic,
/// Gemini (`usageMetadata`), Bedrock (Converse); or our own kinds by their names.
///
/// # Errors
/// `quantity_invalid`, `tokens_exceed_whole`, `validation_failed` for an object of none of these shapes.
pub(super) fn vendor_usage(raw: &RawValue, pointer: &str) -> Result<Used, Reject> {
    let usage = Object::read(raw.get(), pointer)?;
    let read = Reader { usage: &usage, pointer };
    if usage.get("promptTokenCount").is_some() || usage.get("totalTokenCount").is_some() {
        read.gemini()
    } else if usage.get("inputTokens").is_some() || usage.get("outputTokens").is_some() {
        read.bedrock()
    } else if usage.get("cache_read_input_tokens").is_some()
        || usage.get("cache_creation_input_tokens").is_some()
        || usage.get("cache_creation").is_some()
        || usage.get("server_tool_use").is_some()
    {
        read.anthropic()
    } else if usage.fields().any(|(name, _)| UnitKind::from_name(name).is_some()) {
        read.kinds()
    } else if ["prompt_tokens", "input_tokens", "total_tokens", "completion_tokens", "output_tokens"]
        .iter()
        .any(|name| usage.get(name).is_some())
    {
        read.openai()
    } else {
        Err(Reject::field(pointer, "is not the usage of a vendor we know"))
    }
}

struct Reader<'a> {
    usage: &'a Object<'a>,
    pointer: &'a str,
}

impl Reader<'_> {
    fn count(&self, names: &[&str]) -> Result<Option<u64>, Reject> {
        for name in names {
            if let Some(raw) = self.usage.get(name) {
                return count(raw, &format!("{}/{name}", self.pointer)).map(Some);
            }
        }
        Ok(None)
    }

    fn detail(&self, objects: &[&str], name: &str) -> Result<Option<u64>, Reject> {
        for object in objects {
            if let Some(raw) = self.usage.get(object) {
                let pointer = format!("{}/{object}", self.pointer);
                let details = Object::read(raw.get(), &pointer)?;
                return Reader { usage: &details, pointer: &pointer }.count(&[name]);
            }
        }
        Ok(None)
    }

    fn openai(&self) -> Result<Used, Reject> {
        let input = ["prompt_tokens_details", "input_tokens_details", "input_token_details"];
        let output = ["completion_tokens_details", "output_tokens_details", "output_token_details"];
        Overlapping {
            input: self.count(&["prompt_tokens", "input_tokens"])?,
            cached: self.detail(&input, "cached_tokens")?,
            cache_write_5m: self.detail(&input, "cache_write_tokens")?,
            cache_write_1h: None,
            audio_input: self.detail(&input, "audio_tokens")?,
            output: self.count(&["completion_tokens", "output_tokens"])?,
            reasoning: self.detail(&output, "reasoning_tokens")?,
            audio_output: self.detail(&output, "audio_tokens")?,
            total: self.count(&["total_tokens"])?,
        }
        .split(self.pointer)
    }

    fn anthropic(&self) -> Result<Used, Reject> {
        let written = self.count(&["cache_creation_input_tokens"])?;
        let hour = self.detail(&["cache_creation"], "ephemeral_1h_input_tokens")?;
        let five_minutes = self.detail(&["cache_creation"], "ephemeral_5m_input_tokens")?;
        let parts = hour.unwrap_or_default() + five_minutes.unwrap_or_default();
        let short = match written {
            Some(written) if parts > written => return Err(exceeds(self.pointer, "cache creation")),
            // What is not said to be kept for an hour is kept for five minutes, Anthropic's default.
            Some(written) => written - hour.unwrap_or_default(),
            None => five_minutes.unwrap_or_default(),
        };
        self.disjoint(&[
            (UnitKind::Input, self.count(&["input_tokens"])?),
            (UnitKind::CachedInput, self.count(&["cache_read_input_tokens"])?),
            (UnitKind::CacheWrite5m, Some(short)),
            (UnitKind::CacheWrite1h, hour),
            (UnitKind::Output, self.count(&["output_tokens"])?),
            (UnitKind::Search, self.detail(&["server_tool_use"], "web_search_requests")?),
        ])
    }

    fn bedrock(&self) -> Result<Used, Reject> {
        self.disjoint(&[
            (UnitKind::Input, self.count(&["inputTokens"])?),
            (UnitKind::CachedInput, self.count(&["cacheReadInputTokens"])?),
            (UnitKind::CacheWrite5m, self.count(&["cacheWriteInputTokens"])?),
            (UnitKind::Output, self.count(&["outputTokens"])?),
        ])
    }

    fn gemini(&self) -> Result<Used, Reject> {
        let thoughts = self.count(&["thoughtsTokenCount"])?;
        let candidates = self.count(&["candidatesTokenCount"])?;
        let used = Overlapping {
            input: self.count(&["promptTokenCount"])?,
            cached: self.count(&["cachedContentTokenCount"])?,
            // Gemini counts thoughts beside the candidates, not among them.
            output: candidates.or(thoughts).map(|_| candidates.unwrap_or_default() + thoughts.unwrap_or_default()),
            reasoning: thoughts,
            total: self.count(&["totalTokenCount"])?,
            ..Overlapping::default()
        };
        used.split(self.pointer)
    }

    fn kinds(&self) -> Result<Used, Reject> {
        let mut used = Used { measured: true, ..Used::default() };
        for (name, raw) in self.usage.fields() {
            let pointer = format!("{}/{name}", self.pointer);
            let kind = UnitKind::from_name(name).ok_or_else(|| Reject::field(&pointer, "is not a kind of unit"))?;
            let quantity =
                if kind == UnitKind::Second { seconds(raw, &pointer)? } else { count(raw, &pointer)?.into() };
            used.quantities.set(kind, quantity);
        }
        Ok(used)
    }

    fn disjoint(&self, kinds: &[(UnitKind, Option<u64>)]) -> Result<Used, Reject> {
        let mut used = Used { measured: true, ..Used::default() };
        for (kind, count) in kinds {
            used.quantities.set(*kind, count.unwrap_or_default().into());
        }
        Ok(used)
    }
}

/// Seconds, which may be fractions: exact, at most a month and a millionth.
///
/// # Errors
/// `quantity_invalid`.
pub(super) fn seconds(raw: &RawValue, pointer: &str) -> Result<Decimal, Reject> {
    let amount: Result<finops_contract::Amount, _> = raw.get().trim_matches('"').parse();
    match amount {
        Ok(amount) if amount.0 >= Decimal::ZERO && amount.0 <= Decimal::from(2_678_400) && amount.0.scale() <= 9 => {
            Ok(amount.0.normalize())
        }
        _ => Err(Reject::new(ErrorCode::QuantityInvalid, pointer, "must be seconds from 0 to 2,678,400")),
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::{ErrorCode, UnitKind};
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::{Overlapping, count, vendor_usage};

    fn kinds(json: &str) -> Vec<(&'static str, u64)> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let used = vendor_usage(raw, "/usage").unwrap();
        used.quantities.iter().map(|(kind, n)| (kind.name(), n.try_into().unwrap())).collect()
    }

    fn code(json: &str) -> ErrorCode {
        vendor_usage(serde_json::from_str(json).unwrap(), "/usage").unwrap_err().code
    }

    #[test]
    fn openai_wholes_are_split() {
        let chat = r#"{"prompt_tokens":1200,"completion_tokens":300,"total_tokens":1500,
            "prompt_tokens_details":{"cached_tokens":1000,"audio_tokens":50},
            "completion_tokens_details":{"reasoning_tokens":100,"accepted_prediction_tokens":0}}"#;
        let expected =
            [("input", 150), ("cached_input", 1000), ("output", 200), ("reasoning", 100), ("audio_input", 50)];
        assert_eq!(kinds(chat), expected);
        let responses = r#"{"input_tokens":75,"input_tokens_details":{"cached_tokens":0},"output_tokens":1186,
            "output_tokens_details":{"reasoning_tokens":1024},"total_tokens":1261}"#;
        assert_eq!(kinds(responses), [("input", 75), ("output", 162), ("reasoning", 1024)]);
        assert_eq!(kinds(r#"{"prompt_tokens":8,"total_tokens":8}"#), [("input", 8)]);
    }

    #[test]
    fn anthropic_and_bedrock_parts_stay_apart() {
        let message = r#"{"input_tokens":2095,"cache_creation_input_tokens":2051,"cache_read_input_tokens":100,
            "cache_creation":{"ephemeral_5m_input_tokens":51,"ephemeral_1h_input_tokens":2000},
            "output_tokens":503,"server_tool_use":{"web_search_requests":2},"service_tier":"standard"}"#;
        let expected = [
            ("input", 2095),
            ("cached_input", 100),
            ("cache_write_5m", 51),
            ("cache_write_1h", 2000),
            ("output", 503),
            ("search", 2),
        ];
        assert_eq!(kinds(message), expected);
        assert_eq!(kinds(r#"{"inputTokens":10,"outputTokens":5,"totalTokens":15}"#), [("input", 10), ("output", 5)]);
    }

    #[test]
    fn gemini_thinks_beside_its_answer() {
        let usage = r#"{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":20,
            "thoughtsTokenCount":30,"totalTokenCount":150}"#;
        assert_eq!(kinds(usage), [("input", 60), ("cached_input", 40), ("output", 20), ("reasoning", 30)]);
    }

    #[test]
    fn parts_over_their_whole_and_other_shapes_are_refused() {
        let over = r#"{"prompt_tokens":10,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":11}}"#;
        assert_eq!(code(over), ErrorCode::TokensExceedWhole);
        assert_eq!(
            code(r#"{"prompt_tokens":10,"completion_tokens":1,"total_tokens":5}"#),
            ErrorCode::TokensExceedWhole
        );
        assert_eq!(code(r#"{"prompt_tokens":-1}"#), ErrorCode::QuantityInvalid);
        assert_eq!(code(r#"{"input":5,"fuel":1}"#), ErrorCode::ValidationFailed);
        assert_eq!(code(r#"{"fuel":1}"#), ErrorCode::ValidationFailed);
    }

    #[test]
    fn counts_are_whole_numbers() {
        let read = |text: &str| count(serde_json::from_str(text).unwrap(), "/n").ok();
        assert_eq!(read("12"), Some(12));
        assert_eq!(read("\"12\""), Some(12));
        assert_eq!(read("12.0"), Some(12));
        for bad in ["-1", "1.5", "1e3", "10000000001", "\"\"", "\"x\"", "true", "99999999999999999999999"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn splitting_loses_no_token(input in 0u64..1_000_000, cached in 0u64..1_000_000, output in 0u64..1_000_000, reasoning in 0u64..1_000_000) {
            let counted = Overlapping {
                input: Some(input), cached: Some(cached), output: Some(output), reasoning: Some(reasoning), ..Overlapping::default()
            };
            match counted.split("") {
                Ok(used) => {
                    prop_assert!(cached <= input && reasoning <= output);
                    prop_assert_eq!(used.quantities.tokens(), (input + output).into());
                    prop_assert_eq!(used.quantities.get(UnitKind::Reasoning), reasoning.into());
                }
                Err(_) => prop_assert!(cached > input || reasoning > output),
            }
        }
    }
}
