//! `/organization/projects/{project_id}/rate_limits`.

use serde_json::{Map, Value};

use super::errors::ApiError;
use super::lists;
use super::projects::{find, find_active};
use super::request::{ApiRequest, ApiResult};
use super::state::Organization;

/// The limits that can be set.
const FIELDS: [&str; 6] = [
    "max_requests_per_1_minute",
    "max_tokens_per_1_minute",
    "max_images_per_1_minute",
    "max_audio_megabytes_per_1_minute",
    "max_requests_per_1_day",
    "batch_1_day_max_input_tokens",
];

/// Models with a limit in every project, and their values in the order of [`FIELDS`]; 0: does not apply to the model.
const MODELS: [(&str, [i64; 6]); 8] = [
    ("gpt-5.4", [10_000, 2_000_000, 0, 0, 0, 200_000_000]),
    ("gpt-5.4-mini", [30_000, 10_000_000, 0, 0, 0, 1_000_000_000]),
    ("gpt-4o", [10_000, 2_000_000, 0, 0, 0, 200_000_000]),
    ("gpt-5-mini", [30_000, 10_000_000, 0, 0, 0, 1_000_000_000]),
    ("text-embedding-3-small", [10_000, 5_000_000, 0, 0, 0, 500_000_000]),
    ("gpt-image-1", [500, 1_000_000, 500, 0, 0, 0]),
    ("whisper-1", [500, 150_000, 0, 500, 0, 0]),
    ("tts-1", [500, 150_000, 0, 0, 10_000, 0]),
];

/// The limits of one model in one project.
#[derive(Debug, Clone)]
pub(crate) struct RateLimit {
    model: &'static str,
    values: [Option<i64>; 6],
}

impl RateLimit {
    /// What a new project has.
    pub(crate) fn defaults() -> Vec<Self> {
        let limit = |(model, values): (&'static str, [i64; 6])| Self {
            model,
            values: values.map(|value| (value > 0).then_some(value)),
        };
        MODELS.into_iter().map(limit).collect()
    }

    pub(crate) fn id(&self) -> String {
        format!("rl-{}", self.model)
    }

    /// In the order of [`FIELDS`].
    pub(crate) const fn values(&self) -> [Option<i64>; 6] {
        self.values
    }

    /// Whether no call passes: none a minute, or of no more than a token.
    pub(crate) fn lets_nothing_through(&self) -> bool {
        self.values[0].is_some_and(|requests| requests == 0) || self.values[1].is_some_and(|tokens| tokens <= 1)
    }

    fn render(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("object".to_owned(), "project.rate_limit".into());
        fields.insert("id".to_owned(), self.id().into());
        fields.insert("model".to_owned(), self.model.into());
        for (name, value) in FIELDS.iter().zip(self.values) {
            if let Some(value) = value {
                fields.insert((*name).to_owned(), value.into());
            }
        }
        Value::Object(fields)
    }
}

pub(crate) fn list(organization: &Organization, request: &ApiRequest<'_>, project: &str) -> ApiResult {
    let limits = &organization.projects[find(organization, project)?].rate_limits;
    let items = limits.iter().map(|limit| (limit.id(), limit.render())).collect();
    lists::page(request, items, 100, 100)
}

pub(crate) fn update(organization: &mut Organization, request: &ApiRequest<'_>, project: &str, id: &str) -> ApiResult {
    let index = find_active(organization, project)?;
    let mut limits = organization.projects[index].rate_limits.iter_mut();
    let limit = limits.find(|limit| limit.id() == id).ok_or_else(|| ApiError::missing("Rate limit", id))?;
    let mut values = limit.values;
    for (name, value) in request.json()? {
        let Some(field) = FIELDS.iter().position(|field| *field == name) else {
            return Err(ApiError::invalid(&name, format!("Unknown parameter: '{name}'."), "unknown_parameter"));
        };
        match value.as_i64() {
            _ if value.is_null() => {}
            Some(number) if number >= 0 && values[field].is_some() => values[field] = Some(number),
            Some(number) if number >= 0 => {
                let message = format!("'{name}' does not apply to model '{}'.", limit.model);
                return Err(ApiError::invalid(&name, message, "invalid_value"));
            }
            _ => {
                let message = format!("Invalid type for '{name}': expected an integer of at least 0.");
                return Err(ApiError::invalid(&name, message, "invalid_type"));
            }
        }
    }
    limit.values = values;
    let rendered = limit.render();
    organization.enforce(request.now);
    Ok(rendered.into())
}
