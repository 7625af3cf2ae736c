//! `GET /organization/usage/*`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use chrono::{DateTime, NaiveDate};

use super::catalogue::Kind;
use super::costs::page_end;
use super::errors::ApiError;
use super::ledger::midnight;
use super::request::{Answer, ApiRequest, ApiResult};
use super::state::Organization;
use super::usage_rows::{Counters, DIMENSIONS, UsageRow, of_day};
use super::window::{Width, Window};

const WIDTHS: [Width; 3] = [("1m", 60, 60, 1_440), ("1h", 3_600, 24, 168), ("1d", 86_400, 7, 31)];

/// A field of a result and the counters (as bits) that it sums up.
type Field = (&'static str, u8);

/// One usage endpoint.
struct Endpoint {
    name: &'static str,
    object: &'static str,
    kinds: &'static [Kind],
    fields: &'static [Field],
    /// The dimensions of its results, all of which can be grouped by.
    dimensions: &'static [&'static str],
    /// Its filters and the dimension that each is about.
    filters: &'static [(&'static str, &'static str)],
}

const BY_PERSON: &[&str] = &["project_id", "user_id", "api_key_id", "model"];
const OF_PERSON: &[(&str, &str)] =
    &[("project_ids", "project_id"), ("user_ids", "user_id"), ("api_key_ids", "api_key_id"), ("models", "model")];
const OF_PROJECT: &[(&str, &str)] = &[("project_ids", "project_id")];

const ENDPOINTS: [Endpoint; 10] = [
    Endpoint {
        name: "completions",
        object: "completions",
        kinds: &[Kind::Input, Kind::CachedInput, Kind::Output],
        fields: &[
            ("input_tokens", 0b00111),
            ("input_cached_tokens", 0b00100),
            ("input_cache_write_tokens", 0b00010),
            ("input_uncached_tokens", 0b00001),
            ("output_tokens", 0b01000),
            ("input_text_tokens", 0b00001),
            ("output_text_tokens", 0b01000),
            ("input_cached_text_tokens", 0b00100),
            ("input_audio_tokens", 0),
            ("input_cached_audio_tokens", 0),
            ("output_audio_tokens", 0),
            ("input_image_tokens", 0),
            ("input_cached_image_tokens", 0),
            ("output_image_tokens", 0),
            ("num_model_requests", 0b10000),
        ],
        dimensions: &["project_id", "user_id", "api_key_id", "model", "batch", "service_tier"],
        filters: &[
            ("project_ids", "project_id"),
            ("user_ids", "user_id"),
            ("api_key_ids", "api_key_id"),
            ("models", "model"),
            ("batch", "batch"),
        ],
    },
    Endpoint {
        name: "embeddings",
        object: "embeddings",
        kinds: &[Kind::Embedding],
        fields: &[("input_tokens", 1), ("num_model_requests", 16)],
        dimensions: BY_PERSON,
        filters: OF_PERSON,
    },
    Endpoint {
        name: "moderations",
        object: "moderations",
        kinds: &[Kind::Moderation],
        fields: &[("input_tokens", 1), ("num_model_requests", 16)],
        dimensions: BY_PERSON,
        filters: OF_PERSON,
    },
    Endpoint {
        name: "images",
        object: "images",
        kinds: &[Kind::Image],
        fields: &[("images", 1), ("num_model_requests", 16)],
        dimensions: &["project_id", "user_id", "api_key_id", "model", "size", "source"],
        filters: &[
            ("project_ids", "project_id"),
            ("user_ids", "user_id"),
            ("api_key_ids", "api_key_id"),
            ("models", "model"),
            ("sizes", "size"),
            ("sources", "source"),
        ],
    },
    Endpoint {
        name: "audio_speeches",
        object: "audio_speeches",
        kinds: &[Kind::Speech],
        fields: &[("characters", 1), ("num_model_requests", 16)],
        dimensions: BY_PERSON,
        filters: OF_PERSON,
    },
    Endpoint {
        name: "audio_transcriptions",
        object: "audio_transcriptions",
        kinds: &[Kind::Transcription],
        fields: &[("seconds", 1), ("num_model_requests", 16)],
        dimensions: BY_PERSON,
        filters: OF_PERSON,
    },
    Endpoint {
        name: "vector_stores",
        object: "vector_stores",
        kinds: &[Kind::VectorStore],
        fields: &[("usage_bytes", 1)],
        dimensions: &["project_id"],
        filters: OF_PROJECT,
    },
    Endpoint {
        name: "code_interpreter_sessions",
        object: "code_interpreter_sessions",
        kinds: &[Kind::CodeInterpreter],
        fields: &[("num_sessions", 1)],
        dimensions: &["project_id"],
        filters: OF_PROJECT,
    },
    Endpoint {
        name: "file_search_calls",
        object: "file_searches",
        kinds: &[Kind::FileSearch],
        fields: &[("num_requests", 1)],
        dimensions: &["project_id", "user_id", "api_key_id", "vector_store_id"],
        filters: &[
            ("project_ids", "project_id"),
            ("user_ids", "user_id"),
            ("api_key_ids", "api_key_id"),
            ("vector_store_ids", "vector_store_id"),
        ],
    },
    Endpoint {
        name: "web_search_calls",
        object: "web_searches",
        kinds: &[Kind::WebSearch],
        fields: &[("num_model_requests", 16), ("num_requests", 1)],
        dimensions: &["project_id", "user_id", "api_key_id", "model", "context_level"],
        filters: &[
            ("project_ids", "project_id"),
            ("user_ids", "user_id"),
            ("api_key_ids", "api_key_id"),
            ("models", "model"),
            ("context_levels", "context_level"),
        ],
    },
];

/// A group: its value in each dimension of the endpoint, `None` where it is not grouped by or has none.
type Group = Vec<Option<String>>;

/// What a query keeps (dimension, values) and how it groups (positions in the endpoint's dimensions).
struct Selection {
    filters: Vec<(usize, Vec<String>)>,
    grouped: Vec<usize>,
}

/// Serves one page of an endpoint's usage; `None` if there is no such endpoint.
pub(crate) fn list(organization: &mut Organization, request: &ApiRequest<'_>, name: &str) -> Option<ApiResult> {
    let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.name == name)?;
    Some(page(organization, request, endpoint))
}

fn page(organization: &mut Organization, request: &ApiRequest<'_>, endpoint: &Endpoint) -> ApiResult {
    let selection = Selection::parse(request, endpoint)?;
    let window = Window::parse(request, &WIDTHS, "1d")?;
    let mut days: HashMap<NaiveDate, Vec<UsageRow>> = HashMap::new();
    let mut body = String::from("{\"object\":\"page\",\"data\":[");
    for (index, (start, end)) in window.buckets.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(body, "{comma}{{\"object\":\"bucket\",\"start_time\":{start},\"end_time\":{end},\"results\":[");
        if let Some(start_time) = DateTime::from_timestamp(*start, 0) {
            let day = start_time.date_naive();
            let rows = days.entry(day).or_insert_with(|| of_day(organization, day, endpoint.kinds));
            let begin = midnight(day).timestamp();
            // Near real time: up to the last whole minute.
            let stop = (*end).min(request.now.timestamp().div_euclid(60) * 60);
            let groups = selection.sum(endpoint, rows, start - begin, stop - begin);
            results(&mut body, endpoint, groups, request.negative);
        }
        body.push_str("]}");
    }
    page_end(&mut body, &window);
    Ok(Answer { body, own_cursor: Some(window.own_page) })
}

impl Selection {
    fn parse(request: &ApiRequest<'_>, endpoint: &Endpoint) -> Result<Self, ApiError> {
        let params = &request.params;
        params.boolean("batch")?;
        let grouped = params.choices("group_by", endpoint.dimensions)?;
        let filters = endpoint
            .filters
            .iter()
            .filter_map(|(name, dimension)| {
                let values: Vec<String> = params.list(name).into_iter().map(str::to_owned).collect();
                (!values.is_empty()).then(|| (position(dimension), values))
            })
            .collect();
        Ok(Self { filters, grouped })
    }

    /// What happened between two seconds of the day, by group.
    fn sum(&self, endpoint: &Endpoint, rows: &[UsageRow], from: i64, to: i64) -> BTreeMap<Group, Counters> {
        let mut groups: BTreeMap<Group, Counters> = BTreeMap::new();
        for row in rows.iter().filter(|row| self.keeps(row)) {
            let counters = row.between(from, to);
            if counters == Counters::default() {
                continue;
            }
            let value = |(index, name): (usize, &&str)| {
                if self.grouped.contains(&index) { row.dimensions[position(name)].clone() } else { None }
            };
            let group = endpoint.dimensions.iter().enumerate().map(value).collect();
            let sums = groups.entry(group).or_default();
            sums.iter_mut().zip(counters).for_each(|(sum, counter)| *sum += counter);
        }
        groups
    }

    fn keeps(&self, row: &UsageRow) -> bool {
        let kept = |(dimension, values): &(usize, Vec<String>)| {
            row.dimensions[*dimension].as_ref().is_some_and(|value| values.contains(value))
        };
        self.filters.iter().all(kept)
    }
}

fn position(dimension: &str) -> usize {
    DIMENSIONS.iter().position(|known| *known == dimension).unwrap_or_default()
}

fn results(body: &mut String, endpoint: &Endpoint, groups: BTreeMap<Group, Counters>, negative: bool) {
    for (index, (group, counters)) in groups.into_iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(body, "{comma}{{\"object\":\"organization.usage.{}.result\"", endpoint.object);
        for (name, bits) in endpoint.fields {
            let summed = counters.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
            let value: u64 = summed.map(|(_, counter)| counter).sum();
            let sign = if negative && value > 0 { "-" } else { "" };
            let _ = write!(body, ",\"{name}\":{sign}{value}");
        }
        for (name, value) in endpoint.dimensions.iter().zip(group) {
            let _ = match value {
                None => write!(body, ",\"{name}\":null"),
                Some(value) if *name == "batch" => write!(body, ",\"{name}\":{value}"),
                Some(value) => write!(body, ",\"{name}\":{}", serde_json::Value::from(value)),
            };
        }
        body.push('}');
    }
}
