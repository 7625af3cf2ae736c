//! OpenAI's organization admin API: costs, usage, projects, keys, rate limits and spend limits.
//!
//! Source of the formats: openai/openai-openapi, `openapi.yaml` at f85dbe2 (MIT), and what users reported about the
//! answers it really gives (amounts as strings and as Decimal128 renderings, three shapes of error).

mod client;
mod controls;
mod costs;
mod limits;
mod projects;
mod usage;
mod verify;
mod wire;

pub use client::OpenAiClient;
