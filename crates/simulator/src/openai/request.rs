//! What a handler sees of a request, and what it answers.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::errors::ApiError;

/// One authenticated request.
#[derive(Debug)]
pub(crate) struct ApiRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) params: Params,
    pub(crate) body: &'a [u8],
    pub(crate) now: DateTime<Utc>,
    /// A fault: bring the page before once more.
    pub(crate) duplicate_page: bool,
    /// A fault: amounts and counts below zero.
    pub(crate) negative: bool,
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: String,
    /// The cursor that brings this very answer again, for the repeated-cursor fault.
    pub(crate) own_cursor: Option<String>,
}

/// What handlers return.
pub(crate) type ApiResult = Result<Answer, ApiError>;

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self { body: value.to_string(), own_cursor: None }
    }
}

impl ApiRequest<'_> {
    /// The JSON object of the body.
    pub(crate) fn json(&self) -> Result<Map<String, Value>, ApiError> {
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            _ => Err(ApiError::refused(
                "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP \
                library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
            )),
        }
    }
}

/// The query string, decoded. Names lose their brackets: `group_by[]`, `group_by[0]` and `group_by` are one.
#[derive(Debug, Clone)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(query: &str) -> Result<Self, ApiError> {
        let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|_| ApiError::refused("The query string could not be parsed."))?
            .into_inner();
        let plain = |name: String| name.split_once('[').map_or(name.clone(), |(plain, _)| plain.to_owned());
        Ok(Self(pairs.into_iter().map(|(name, value)| (plain(name), value)).collect()))
    }

    /// The last value given for `name`.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong = |_| {
            let message = format!("Invalid type for '{name}': expected an integer, but got '{text}' instead.");
            ApiError::invalid(name, message, "invalid_type")
        };
        text.parse().map(Some).map_err(wrong)
    }

    /// An integer within bounds, or `default`.
    pub(crate) fn bounded(&self, name: &str, default: i64, low: i64, high: i64) -> Result<i64, ApiError> {
        let value = self.integer(name)?.unwrap_or(default);
        let (bound, relation, code) = if value < low {
            (low, ">=", "integer_below_min_value")
        } else if value > high {
            (high, "<=", "integer_above_max_value")
        } else {
            return Ok(value);
        };
        let message = format!(
            "Invalid '{name}': integer out of range. Expected a value {relation} {bound}, but got {value} instead."
        );
        Err(ApiError::invalid(name, message, code))
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name) {
            None => Ok(None),
            Some("true" | "True" | "1") => Ok(Some(true)),
            Some("false" | "False" | "0") => Ok(Some(false)),
            Some(text) => {
                let message = format!("Invalid type for '{name}': expected a boolean, but got '{text}' instead.");
                Err(ApiError::invalid(name, message, "invalid_type"))
            }
        }
    }

    /// All values of an array, in whichever spelling.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let given = self.0.iter().filter(|(given, _)| given == name);
        given.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// An array whose values must be among `allowed`; returns the indices of those given, ascending.
    pub(crate) fn choices(&self, name: &str, allowed: &[&str]) -> Result<Vec<usize>, ApiError> {
        let mut chosen = Vec::new();
        for value in self.list(name) {
            let position = allowed.iter().position(|allowed| *allowed == value);
            chosen.push(position.ok_or_else(|| unsupported(name, value, allowed))?);
        }
        chosen.sort_unstable();
        chosen.dedup();
        Ok(chosen)
    }

    /// One of `allowed`, or `default`.
    pub(crate) fn choice<'a>(&self, name: &str, allowed: &[&'a str], default: &'a str) -> Result<&'a str, ApiError> {
        let Some(value) = self.text(name) else { return Ok(default) };
        let found = allowed.iter().find(|allowed| **allowed == value);
        found.copied().ok_or_else(|| unsupported(name, value, allowed))
    }

    /// What the request asks for, whatever its spelling and its page: names and values, sorted.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut parts: Vec<String> = Vec::new();
        for (name, _) in self.0.iter().filter(|(name, _)| name != "page") {
            parts.extend(self.list(name).into_iter().map(|value| format!("{name}={value}")));
        }
        parts.sort_unstable();
        parts.dedup();
        crate::rng::hash_text(&parts.join("&"))
    }
}

fn unsupported(name: &str, value: &str, allowed: &[&str]) -> ApiError {
    let quoted: Vec<String> = allowed.iter().map(|allowed| format!("'{allowed}'")).collect();
    let message = format!("Invalid value: '{value}'. Supported values are: {}.", quoted.join(", "));
    ApiError::invalid(name, message, "invalid_value")
}

#[cfg(test)]
mod tests {
    use super::Params;

    #[test]
    fn every_spelling_of_an_array_is_the_same() {
        let spellings =
            ["group_by=a&group_by=b", "group_by[]=a&group_by[]=b", "group_by=a,b", "group_by%5B%5D=b&group_by[1]=a"];
        let prints: Vec<u64> = spellings.iter().map(|query| Params::parse(query).unwrap().fingerprint()).collect();
        assert!(prints.iter().all(|print| *print == prints[0]));
        assert_eq!(Params::parse(spellings[1]).unwrap().list("group_by"), ["a", "b"]);
        assert_ne!(Params::parse("group_by=a").unwrap().fingerprint(), prints[0]);
    }
}
