//! Reads one event as callers send it: both spellings of a field where they differ, what we do not know kept aside.

use chrono::{DateTime, TimeZone as _, Utc};
use finops_contract::projects::Environment;
use finops_contract::{Amount, ErrorCode, UnitKind};
use rust_decimal::Decimal;
use serde_json::Value;
use serde_json::value::RawValue;

use super::domain::Told;
use super::raw::{self, Object};
use super::reject::Reject;
use super::tokens::{self, Overlapping, Used};

/// The longest text that is kept of a field.
pub(super) const MAX_TEXT: usize = 256;
/// The longest user agent that is kept.
const MAX_USER_AGENT: usize = 512;
/// The most tags an event may have.
const MAX_TAGS: usize = 50;
/// The dearest call that is believed, in US dollars.
const MAX_COST: i64 = 1_000_000_000;

/// Reads an event from its JSON text.
///
/// # Errors
/// The first field that cannot be taken, with its pointer.
pub(super) fn read(text: &str) -> Result<Told, Reject> {
    read_object(&Object::read(text, "")?)
}

/// Reads an event from an object.
///
/// # Errors
/// The first field that cannot be taken, with its pointer.
pub(super) fn read_object(object: &Object<'_>) -> Result<Told, Reject> {
    let mut reader = Reader::default();
    for (name, value) in object.fields() {
        reader.field(name, value, "").map_err(|reject| reject.under(name))?;
    }
    reader.finish()
}

/// Reads an event field by field, for callers whose fields lie in more than one place.
#[derive(Default)]
pub(super) struct Reader {
    told: Told,
    counts: Overlapping,
    other: Used,
    vendor: Option<Used>,
    response_id: Option<String>,
    extra: Vec<(String, Value)>,
    metadata: Option<Value>,
}

impl Reader {
    /// Takes a field that is not null.
    ///
    /// # Errors
    /// Why it cannot be taken.
    pub(super) fn field(&mut self, name: &str, raw: &RawValue, at: &str) -> Result<(), Reject> {
        let told = &mut self.told;
        let texts = &mut told.texts;
        match name {
            "eventId" | "event_id" | "id" => told.event_id = Some(text(raw, at, MAX_TEXT)?),
            "responseId" | "response_id" => self.response_id = Some(text(raw, at, MAX_TEXT)?),
            "projectId" | "project_id" => told.project = Some(text(raw, at, MAX_TEXT)?),
            "environment" => told.environment = Some(environment(raw, at)?),
            "service" | "serviceName" | "service_name" => told.service = Some(text(raw, at, MAX_TEXT)?),
            "provider" => told.provider = Some(text(raw, at, 64)?),
            "model" | "modelId" | "model_id" => told.model = Some(text(raw, at, MAX_TEXT)?),
            "timestamp" | "occurredAt" | "occurred_at" | "time" => told.occurred_at = Some(time(raw, at)?),
            "cost" | "reportedCost" | "reported_cost" => told.reported_cost = Some(cost(raw, at)?),
            "responseTime" | "response_time" | "responseTimeMs" | "latencyMs" | "latency_ms" => {
                told.latency_ms = Some(milliseconds(raw, at)?);
            }
            "status" => {
                let status = status(raw, at)?;
                told.failed = is_failure(&status);
                told.status = Some(status);
            }
            "serviceTier" | "service_tier" => texts.service_tier = Some(text(raw, at, 64)?),
            "region" => texts.region = Some(text(raw, at, 64)?),
            "userId" | "user_id" => texts.user_id = Some(text(raw, at, MAX_TEXT)?),
            "learnerId" | "learner_id" | "endUserId" | "end_user_id" => {
                texts.learner_id = Some(text(raw, at, MAX_TEXT)?);
            }
            "sessionId" | "session_id" => texts.session_id = Some(text(raw, at, MAX_TEXT)?),
            "taskType" | "task_type" => texts.task_type = Some(text(raw, at, MAX_TEXT)?),
            "intent" => texts.intent = Some(text(raw, at, MAX_TEXT)?),
            "outcome" => texts.outcome = Some(text(raw, at, MAX_TEXT)?),
            "ip" | "ipAddress" | "ip_address" => texts.ip = Some(ip(raw, at)?),
            "userAgent" | "user_agent" => texts.user_agent = Some(text(raw, at, MAX_USER_AGENT)?),
            "feedbackScore" | "feedback_score" => told.feedback_score = Some(score(raw, at)?),
            "tags" => told.tags = tags(raw, at)?,
            "costAllocation" | "cost_allocation" => told.cost_allocation = Some(allocation(raw, at)?),
            "metadata" => self.metadata = Some(raw::bounded(raw, at)?),
            // What was said is nobody's business here unless the project opted in; it is no part of the event.
            "prompt" => told.text.add("prompt", raw.get()),
            "completion" => told.text.add("completion", raw.get()),
            "messages" => told.text.add("messages", raw.get()),
            "usage" | "usageMetadata" => self.vendor = Some(tokens::vendor_usage(raw, at)?),
            _ => return self.quantity(name, raw, at),
        }
        Ok(())
    }

    fn quantity(&mut self, name: &str, raw: &RawValue, at: &str) -> Result<(), Reject> {
        let counts = &mut self.counts;
        let place = match name {
            "promptTokens" | "prompt_tokens" | "inputTokens" | "input_tokens" => &mut counts.input,
            "completionTokens" | "completion_tokens" | "outputTokens" | "output_tokens" => &mut counts.output,
            "totalTokens" | "total_tokens" => &mut counts.total,
            "cachedTokens" | "cached_tokens" | "cachedInputTokens" => &mut counts.cached,
            "cacheWriteTokens" | "cache_write_tokens" => &mut counts.cache_write_5m,
            "cacheWrite1hTokens" | "cache_write_1h_tokens" => &mut counts.cache_write_1h,
            "reasoningTokens" | "reasoning_tokens" => &mut counts.reasoning,
            "audioInputTokens" | "audio_input_tokens" => &mut counts.audio_input,
            "audioOutputTokens" | "audio_output_tokens" => &mut counts.audio_output,
            "tokens" if raw.get().starts_with('{') => {
                self.vendor = Some(tokens::vendor_usage(raw, at)?);
                return Ok(());
            }
            "tokens" => &mut counts.total,
            _ => return self.unit(name, raw, at),
        };
        *place = Some(tokens::count(raw, at)?);
        Ok(())
    }

    fn unit(&mut self, name: &str, raw: &RawValue, at: &str) -> Result<(), Reject> {
        let (kind, quantity) = match name {
            "images" | "imageCount" | "image_count" => (UnitKind::Image, tokens::count(raw, at)?.into()),
            "characters" | "characterCount" | "character_count" => {
                (UnitKind::Character, tokens::count(raw, at)?.into())
            }
            "searches" | "webSearches" | "web_searches" => (UnitKind::Search, tokens::count(raw, at)?.into()),
            "requests" | "requestCount" => (UnitKind::Request, tokens::count(raw, at)?.into()),
            "audioSeconds" | "audio_seconds" | "seconds" => (UnitKind::Second, tokens::seconds(raw, at)?),
            _ => {
                self.extra.push((name.to_owned(), raw::bounded(raw, at)?));
                return Ok(());
            }
        };
        self.other.quantities.set(kind, quantity);
        self.other.measured = true;
        Ok(())
    }

    /// The event.
    ///
    /// # Errors
    /// What no field is wrong in alone.
    pub(super) fn finish(self) -> Result<Told, Reject> {
        let mut told = self.told;
        let counted = self.counts.split("")?;
        told.used = match self.vendor {
            Some(_) if counted.measured && counted.unsplit == 0 => {
                return Err(Reject::field("/usage", "give the tokens once: as usage or as counts"));
            }
            Some(vendor) => vendor,
            None => counted,
        };
        for (kind, quantity) in self.other.quantities.iter() {
            told.used.quantities.set(kind, quantity);
            told.used.measured = true;
        }
        told.event_id = told.event_id.or(self.response_id);
        match self.metadata {
            Some(Value::Object(metadata)) => told.metadata = metadata,
            Some(other) => _ = told.metadata.insert("metadata".into(), other),
            None => {}
        }
        for (name, value) in self.extra {
            told.metadata.entry(name).or_insert(value);
        }
        Ok(told)
    }
}

/// A text without control characters; a number is taken as its text, as ids often are numbers.
fn text(raw: &RawValue, at: &str, longest: usize) -> Result<String, Reject> {
    let raw = raw.get();
    match raw.as_bytes() {
        // Nothing is escaped, so it says what it is.
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => checked(&raw[1..raw.len() - 1], at, longest),
        [b'"', ..] => {
            checked(&serde_json::from_str::<String>(raw).map_err(|error| Reject::json(&error, at))?, at, longest)
        }
        [b'0'..=b'9' | b'-', ..] => checked(raw, at, longest),
        _ => Err(Reject::field(at, "must be a string")),
    }
}

/// A text that may be kept: not empty, not too long, nothing invisible.
pub(super) fn checked(text: &str, at: &str, longest: usize) -> Result<String, Reject> {
    let text = text.trim();
    if text.is_empty() || (text.len() > longest && text.chars().count() > longest) {
        return Err(Reject::field(at, format!("must be 1 to {longest} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Reject::field(at, "must not hold control characters"));
    }
    Ok(text.to_owned())
}

/// The environment that people mean by a name.
pub(super) fn environment_of(name: &str) -> Option<Environment> {
    let name = name.trim().to_ascii_lowercase();
    Environment::from_name(match name.as_str() {
        "prod" => "production",
        "dev" => "development",
        "stage" => "staging",
        other => other,
    })
}

fn environment(raw: &RawValue, at: &str) -> Result<Environment, Reject> {
    environment_of(&text(raw, at, 32)?)
        .ok_or_else(|| Reject::field(at, "must be one of: production, staging, development, ci"))
}

/// RFC 3339, or seconds or milliseconds since 1970; kept to the microsecond, as the database does.
pub(super) fn time(raw: &RawValue, at: &str) -> Result<DateTime<Utc>, Reject> {
    let text = raw.get().trim_matches('"');
    let time = match text.parse::<i64>() {
        Ok(milliseconds) if milliseconds.abs() >= 100_000_000_000 => Utc.timestamp_millis_opt(milliseconds).single(),
        Ok(seconds) => Utc.timestamp_opt(seconds, 0).single(),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()),
    };
    time.and_then(|time| DateTime::from_timestamp_micros(time.timestamp_micros())).ok_or_else(|| {
        Reject::new(ErrorCode::TimestampInvalid, at, "must be RFC 3339, or seconds or milliseconds since 1970")
    })
}

/// An amount of money that the caller says the call cost.
pub(super) fn cost(raw: &RawValue, at: &str) -> Result<Decimal, Reject> {
    amount(raw.get().trim_matches('"'), at).and_then(|amount| {
        let believable = amount >= Decimal::ZERO && amount < Decimal::from(MAX_COST) && amount.scale() <= 18;
        if believable { Ok(amount) } else { Err(invalid_amount(at)) }
    })
}

fn amount(text: &str, at: &str) -> Result<Decimal, Reject> {
    text.parse::<Amount>().map(|amount| amount.0.normalize()).map_err(|_| invalid_amount(at))
}

fn invalid_amount(at: &str) -> Reject {
    let message = format!("must be an exact decimal from 0 to below {MAX_COST} with at most 18 fraction digits");
    Reject::new(ErrorCode::AmountInvalid, at, message)
}

/// How long a call took. Fractions of a millisecond are nobody's latency.
fn milliseconds(raw: &RawValue, at: &str) -> Result<u32, Reject> {
    let amount = amount(raw.get().trim_matches('"'), at)?.round();
    match u32::try_from(amount) {
        Ok(milliseconds) if milliseconds <= 86_400_000 => Ok(milliseconds),
        _ => Err(Reject::new(ErrorCode::QuantityInvalid, at, "must be 0 to 86,400,000 milliseconds")),
    }
}

/// A status as a word or as an HTTP status.
fn status(raw: &RawValue, at: &str) -> Result<String, Reject> {
    match raw.get() {
        "true" => Ok("success".into()),
        "false" => Ok("error".into()),
        _ => text(raw, at, 64),
    }
}

/// Whether a status says that the call failed.
pub(super) fn is_failure(status: &str) -> bool {
    let lower = status.to_ascii_lowercase();
    ["error", "failed", "failure", "timeout", "cancelled"].contains(&lower.as_str())
        || lower.parse::<u16>().is_ok_and(|status| status >= 400)
}

fn score(raw: &RawValue, at: &str) -> Result<Decimal, Reject> {
    let score = amount(raw.get().trim_matches('"'), at)?;
    if is_score(score) {
        Ok(score)
    } else {
        Err(Reject::new(ErrorCode::QuantityInvalid, at, "must be -1,000 to 1,000 with at most 6 fraction digits"))
    }
}

/// Whether a number can be a feedback score.
pub(super) fn is_score(score: Decimal) -> bool {
    score.abs() <= Decimal::from(1_000) && score.normalize().scale() <= 6
}

fn ip(raw: &RawValue, at: &str) -> Result<String, Reject> {
    let address = text(raw, at, 64)?;
    let address: std::net::IpAddr = address.parse().map_err(|_| Reject::field(at, "must be an IP address"))?;
    Ok(address.to_string())
}

fn tags(raw: &RawValue, at: &str) -> Result<Vec<String>, Reject> {
    let tags: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| Reject::field(at, "must be a list of strings"))?;
    if tags.len() > MAX_TAGS {
        return Err(Reject::field(at, format!("must be at most {MAX_TAGS} tags")));
    }
    let tag = |(index, tag): (usize, &&RawValue)| text(tag, "", 128).map_err(|reject| reject.under(index).below(at));
    tags.iter().enumerate().map(tag).collect()
}

fn allocation(raw: &RawValue, at: &str) -> Result<Value, Reject> {
    let object = Object::read(raw.get(), at)?;
    let mut allocation = serde_json::Map::new();
    for (name, value) in object.fields() {
        let pair = checked(name, "", 64).and_then(|key| Ok((key, Value::String(text(value, "", MAX_TEXT)?))));
        let (key, value) = pair.map_err(|reject| reject.under(name).below(at))?;
        allocation.insert(key, value);
    }
    Ok(Value::Object(allocation))
}

#[cfg(test)]
#[path = "incoming_tests.rs"]
mod tests;
