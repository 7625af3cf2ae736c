//! One folder a capability. This is the whole list.

pub mod accounts;
pub mod admin_keys;
pub mod alerts;
pub mod api_keys;
pub mod audit;
pub mod blocks;
pub mod budgets;
pub mod channels;
pub mod collector;
pub mod costs;
pub mod deliveries;
pub mod figures;
pub mod guard;
pub mod operations;
pub mod organizations;
pub mod prices;
pub mod projects;
pub mod provider_keys;
pub mod provider_usage;
pub mod reports;
pub mod teams;
pub mod usage;
pub mod value;

use crate::platform::http::routes::Routes;
use crate::platform::jobs::JobsBuilder;
use crate::platform::state::State;

/// What requests and jobs of one process share beside [`State`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Every organization's price book.
    pub books: prices::Books,
    /// Takes usage events.
    pub ingest: usage::Ingest,
    /// Organizations' figures for Prometheus.
    pub figures: figures::Figures,
    /// Says whether calls may be made.
    pub guard: guard::Guard,
}

impl Shared {
    /// Puts the parts together, and starts what runs by itself. Reads nothing yet.
    #[must_use]
    pub fn new(state: &State) -> Self {
        let books = prices::Books::new(state.db.clone(), state.clock.clone());
        let (ingest, figures) = (usage::Ingest::new(state, books.clone()), figures::Figures::new(state));
        Self { books, ingest, figures, guard: guard::Guard::new(state) }
    }
}

/// Every route below `/api`.
pub fn routes(config: &mut Routes<'_>) {
    // First, because routes are tried in their order, and this is where most requests go.
    usage::routes(config);
    guard::routes(config);
    accounts::routes(config);
    organizations::routes(config);
    teams::routes(config);
    admin_keys::routes(config);
    api_keys::routes(config);
    provider_keys::routes(config);
    projects::routes(config);
    collector::routes(config);
    costs::routes(config);
    prices::routes(config);
    budgets::routes(config);
    alerts::routes(config);
    figures::routes(config);
    value::routes(config);
    channels::routes(config);
    deliveries::routes(config);
    blocks::routes(config);
    reports::routes(config);
    audit::routes(config);
    operations::api_routes(config);
}

/// Every background job.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State, shared: &Shared) -> JobsBuilder {
    let builder = collector::jobs(builder, state);
    let builder = provider_usage::jobs(builder, state, &shared.books);
    let builder = prices::jobs(builder, state);
    let builder = blocks::jobs(builder, state);
    let builder = usage::jobs(builder, state, &shared.ingest);
    let builder = alerts::jobs(builder, state);
    let builder = reports::jobs(builder, state, &shared.books);
    let builder = channels::jobs(builder, state);
    let builder = deliveries::jobs(builder, state);
    operations::jobs(builder, state)
}
