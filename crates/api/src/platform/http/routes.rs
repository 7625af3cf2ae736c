//! What features add their operations to: the server, or the description of the API.

use actix_web::dev::HttpServiceFactory;
use actix_web::web::ServiceConfig;
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ComponentsBuilder, OpenApi, OpenApiBuilder, RefOr};
use utoipa_actix_web::OpenApiFactory;

/// Where a feature's operations go.
///
/// Each worker of the server has routes of its own. Had each described them as well, which is what utoipa's own type does, the
/// process would hold tens of megabytes of descriptions at its start that nobody reads.
pub struct Routes<'a>(To<'a>);

enum To<'a> {
    Server(&'a mut ServiceConfig),
    Description(&'a mut Described),
}

/// Operations and the types that they name.
#[derive(Default)]
struct Described {
    paths: Paths,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl<'a> Routes<'a> {
    /// What answers requests.
    pub fn served(config: &'a mut ServiceConfig) -> Self {
        Self(To::Server(config))
    }

    /// Adds an operation.
    pub fn service(&mut self, operation: impl HttpServiceFactory + OpenApiFactory + 'static) -> &mut Self {
        match &mut self.0 {
            To::Server(config) => _ = config.service(operation),
            To::Description(described) => {
                described.paths.merge(operation.paths());
                operation.schemas(&mut described.schemas);
            }
        }
        self
    }
}

/// Describes operations, as far as they describe themselves.
pub fn describe(routes: impl FnOnce(&mut Routes<'_>)) -> OpenApi {
    let mut described = Described::default();
    routes(&mut Routes(To::Description(&mut described)));
    let components = ComponentsBuilder::new().schemas_from_iter(described.schemas).build();
    OpenApiBuilder::new().paths(described.paths).components(Some(components)).build()
}
