//! One folder a capability. This is the whole list.

pub mod accounts;
pub mod admin_keys;
pub mod audit;
pub mod collector;
pub mod operations;
pub mod organizations;
pub mod projects;
pub mod teams;

use utoipa_actix_web::service_config::ServiceConfig;

/// Every route below `/api`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    accounts::routes(config);
    organizations::routes(config);
    teams::routes(config);
    admin_keys::routes(config);
    projects::routes(config);
    collector::routes(config);
    audit::routes(config);
}
