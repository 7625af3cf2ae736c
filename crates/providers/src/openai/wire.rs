//! Pieces that several of OpenAI's answers share. Unknown fields are ignored everywhere.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use crate::amount::parse_json_integer;
use crate::capabilities::Cursor;
use crate::error::ProviderError;

/// `{object:"page", data:[bucket…], has_more, next_page}`: costs and usage.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Page<T> {
    pub(super) data: Vec<Bucket<T>>,
    #[serde(default)]
    has_more: Option<bool>,
    #[serde(default)]
    next_page: Option<String>,
}

/// `{object:"bucket", start_time, end_time, results:[…]}`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Bucket<T> {
    pub(super) start_time: Seconds,
    pub(super) end_time: Seconds,
    pub(super) results: Vec<T>,
}

impl<T> Page<T> {
    /// Where the next page starts. A page that does not say whether there is more is believed if it names a next one.
    pub(super) fn next(&self) -> Result<Option<Cursor>, ProviderError> {
        let named = self.next_page.as_deref().filter(|cursor| !cursor.is_empty());
        next(self.has_more.unwrap_or(named.is_some()), named)
    }
}

/// `{object:"list", data:[…], first_id, last_id, has_more}`: projects, keys, rate limits.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    has_more: Option<bool>,
    #[serde(default)]
    last_id: Option<String>,
}

impl<T> List<T> {
    /// Where the next page starts: after `last_id`, or after the last entry's own id when that is missing.
    pub(super) fn next(&self, id: impl Fn(&T) -> &str) -> Result<Option<Cursor>, ProviderError> {
        let last = self.last_id.as_deref().or_else(|| self.data.last().map(id)).filter(|cursor| !cursor.is_empty());
        next(self.has_more.unwrap_or(false), last)
    }
}

fn next(has_more: bool, cursor: Option<&str>) -> Result<Option<Cursor>, ProviderError> {
    match (has_more, cursor) {
        (false, _) => Ok(None),
        (true, Some(cursor)) => Cursor::new(cursor).map(Some),
        (true, None) => Err(ProviderError::BrokenPaging { reason: "there is more, but no cursor to it" }),
    }
}

/// Unix seconds, as a JSON number or string.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seconds(pub(super) DateTime<Utc>);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = parse_json_integer(<&RawValue>::deserialize(deserializer)?).map_err(de::Error::custom)?;
        DateTime::from_timestamp(seconds, 0).map(Self).ok_or_else(|| de::Error::custom("time out of range"))
    }
}

/// A count, as a JSON number or string; never negative.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count(pub(super) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let count = parse_json_integer(<&RawValue>::deserialize(deserializer)?).map_err(de::Error::custom)?;
        u64::try_from(count).map(Self).map_err(|_| de::Error::custom("negative count"))
    }
}

/// `{object:"….deleted", deleted}`.
#[derive(Deserialize)]
pub(super) struct Deleted {
    pub(super) deleted: bool,
}

/// None for an empty text too: both mean that the provider did not say.
pub(super) fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Upper-case ISO 4217 from what the provider writes in either case.
pub(super) fn currency(text: &str) -> Result<String, ProviderError> {
    if text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err(ProviderError::malformed("a currency is not an ISO 4217 code"))
    }
}
