//! The OpenAI organization admin API: costs, usage, projects, keys, rate limits and spend limits.

mod admin_keys;
mod amount;
mod api_keys;
mod catalogue;
mod costs;
mod errors;
pub(crate) mod ledger;
mod lists;
mod mutate;
mod projects;
mod rate_limits;
mod request;
mod routes;
mod serve;
pub(crate) mod spec;
mod spend_limits;
pub(crate) mod state;
pub(crate) mod stops;
mod usage;
mod usage_rows;
mod window;

pub(crate) use serve::configure;

/// The operations that are served: method and path as in the provider's specification, without the `/v1` before it.
pub const OPERATIONS: &[(&str, &str)] = &[
    ("GET", "/organization/costs"),
    ("GET", "/organization/usage/completions"),
    ("GET", "/organization/usage/embeddings"),
    ("GET", "/organization/usage/moderations"),
    ("GET", "/organization/usage/images"),
    ("GET", "/organization/usage/audio_speeches"),
    ("GET", "/organization/usage/audio_transcriptions"),
    ("GET", "/organization/usage/vector_stores"),
    ("GET", "/organization/usage/code_interpreter_sessions"),
    ("GET", "/organization/usage/file_search_calls"),
    ("GET", "/organization/usage/web_search_calls"),
    ("GET", "/organization/projects"),
    ("POST", "/organization/projects"),
    ("GET", "/organization/projects/{project_id}"),
    ("POST", "/organization/projects/{project_id}"),
    ("POST", "/organization/projects/{project_id}/archive"),
    ("GET", "/organization/projects/{project_id}/api_keys"),
    ("GET", "/organization/projects/{project_id}/api_keys/{api_key_id}"),
    ("DELETE", "/organization/projects/{project_id}/api_keys/{api_key_id}"),
    ("GET", "/organization/projects/{project_id}/rate_limits"),
    ("POST", "/organization/projects/{project_id}/rate_limits/{rate_limit_id}"),
    ("GET", "/organization/projects/{project_id}/spend_limit"),
    ("POST", "/organization/projects/{project_id}/spend_limit"),
    ("DELETE", "/organization/projects/{project_id}/spend_limit"),
    ("GET", "/organization/spend_limit"),
    ("POST", "/organization/spend_limit"),
    ("DELETE", "/organization/spend_limit"),
    ("GET", "/organization/admin_api_keys"),
];
