//! The daily update of the public prices, where an address of a list is configured.

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::source::Incoming;
use crate::platform::jobs::{Cadence, JobContext, JobHandler, JobOutcome, JobsBuilder, Schedule};
use crate::platform::state::State;

/// The name of the job.
const NAME: &str = "update_prices";

/// This feature's jobs.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State) -> JobsBuilder {
    let builder = builder.handler(Update(state.clone()));
    // Nobody asks for news where nobody said whom to ask.
    match state.config.price_map_url {
        Some(_) => builder.schedule(Schedule { job: NAME, cadence: Cadence::Daily { hour: 3, minute: 20 } }),
        None => builder,
    }
}

/// Reads the configured list.
struct Update(State);

#[async_trait]
impl JobHandler for Update {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run(&self, _: &JobContext) -> JobOutcome {
        let state = &self.0;
        let Some(url) = &state.config.price_map_url else { return JobOutcome::Done(json!({"configured": false})) };
        let incoming = match Incoming::configured(state, url.expose_secret(), NAME).await {
            Ok(incoming) => incoming,
            Err(error) => return JobOutcome::retry(error),
        };
        match incoming.take(state).await {
            Ok(report) => JobOutcome::Done(json!(report)),
            Err(error) => JobOutcome::retry(error),
        }
    }
}
