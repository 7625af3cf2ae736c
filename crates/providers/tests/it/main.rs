//! The clients against a hand-written provider on loopback: what goes over the wire, and every way it can go wrong.
// The bans keep the service's clients and tasks in one place; a test of the client has to make its own.
#![allow(clippy::disallowed_methods)]

mod calls;
mod channels;
mod faults;
mod paging;
mod secrets;
mod server;
mod verify;

use std::time::Duration;

use chrono::{DateTime, Utc};
use finops_providers::{CallPolicy, CostQuery, OpenAiClient};
use secrecy::SecretString;

/// In every key; must never come back.
const CANARY: &str = "sk-admin-CANARY-4f1d";

fn client(base: &str) -> OpenAiClient {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client without TLS roots to load");
    OpenAiClient::new(http, base, SecretString::from(CANARY)).expect("a valid base").with_policy(policy())
}

fn policy() -> CallPolicy {
    CallPolicy { timeout: Duration::from_secs(10), ..CallPolicy::fast() }
}

/// 2026-06-26, a Friday.
fn midnight() -> DateTime<Utc> {
    DateTime::from_timestamp(1_782_432_000, 0).expect("in range")
}

fn query() -> CostQuery {
    CostQuery { start: midnight(), end: None, project_ids: Vec::new(), limit: 7 }
}

/// One page of costs: a day for each offset, with one line of one dollar.
fn page(days: &[i64], rest: &str) -> String {
    let buckets: Vec<_> = days
        .iter()
        .map(|day| {
            let start = midnight().timestamp() + day * 86_400;
            format!(
                r#"{{"object":"bucket","start_time":{start},"end_time":{},"results":[{{"object":"organization.costs.result","amount":{{"value":1.00,"currency":"usd"}},"project_id":"proj_a"}}]}}"#,
                start + 86_400
            )
        })
        .collect();
    format!(r#"{{"object":"page","data":[{}],{rest}}}"#, buckets.join(","))
}

const LAST: &str = r#""has_more":false,"next_page":null"#;
