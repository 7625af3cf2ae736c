//! One folder a capability. This is the whole list.

pub mod accounts;
pub mod admin_keys;
pub mod api_keys;
pub mod audit;
pub mod collector;
pub mod costs;
pub mod operations;
pub mod organizations;
pub mod projects;
pub mod provider_keys;
pub mod teams;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::platform::jobs::JobsBuilder;
use crate::platform::state::State;

/// Every route below `/api`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    accounts::routes(config);
    organizations::routes(config);
    teams::routes(config);
    admin_keys::routes(config);
    api_keys::routes(config);
    provider_keys::routes(config);
    projects::routes(config);
    collector::routes(config);
    costs::routes(config);
    audit::routes(config);
    operations::api_routes(config);
}

/// Every background job.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State) -> JobsBuilder {
    let builder = collector::jobs(builder, state);
    operations::jobs(builder, state)
}
