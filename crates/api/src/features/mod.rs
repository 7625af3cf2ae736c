//! One folder a capability. This is the whole list.

pub mod accounts;
pub mod audit;
pub mod operations;
pub mod organizations;
pub mod teams;

use utoipa_actix_web::service_config::ServiceConfig;

/// Every route below `/api`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    accounts::routes(config);
    organizations::routes(config);
    teams::routes(config);
    audit::routes(config);
}
