//! The HTTP application: the route table, and what surrounds it.

use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, middleware as actix, web};
use tracing_actix_web::TracingLogger;

use crate::features::{self, Shared};
use crate::platform::http::routes::{self, Routes};
use crate::platform::http::{assets, docs, idempotency, middleware};
use crate::platform::jobs::{self, Jobs};
use crate::platform::state::State;
use crate::platform::telemetry::logs::RequestSpan;

/// How long a request's head may take to arrive.
const HEAD_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
/// How long running requests are waited for when the service stops.
pub const DRAIN: std::time::Duration = std::time::Duration::from_secs(20);

/// The API's description as it is served and checked in: complete, and always the same for the same code.
pub fn openapi() -> String {
    let below_api = routes::describe(features::routes);
    let collected = docs::base().nest("/api", below_api).merge_from(routes::describe(root_routes));
    let mut text = serde_json::to_string_pretty(&docs::complete(&collected)).unwrap_or_default();
    text.push('\n');
    text
}

/// Every route that is not below `/api`, but for the app's and the description's own.
fn root_routes(config: &mut Routes<'_>) {
    features::operations::routes(config);
    features::usage::root_routes(config);
    features::reports::root_routes(config);
}

/// Everything that runs in the background, not running yet. Woken by the state's nudge.
///
/// # Errors
/// When two jobs have one name or a schedule makes no sense, which would be a bug.
pub fn jobs(state: &State, shared: &Shared) -> anyhow::Result<Jobs> {
    // A handler and its heartbeat use a connection each, now and then.
    let places = usize::try_from(state.config.pool_sizes().jobs)?;
    let settings = jobs::Settings::default();
    let settings =
        jobs::Settings { concurrency: settings.concurrency.min(places.saturating_sub(1).max(1)), ..settings };
    let builder = Jobs::builder(state.db.clone(), state.clock.clone()).settings(settings).nudge(state.nudge.clone());
    features::jobs(builder, state, shared).build()
}

/// Starts answering on a listener. The server runs when it is awaited.
///
/// # Errors
/// When the listener cannot be taken over.
pub fn serve(state: State, shared: Shared, listener: TcpListener, workers: usize) -> std::io::Result<Server> {
    let shared = web::Data::new(shared);
    let state = web::Data::new(state);
    let description = web::Data::new(docs::Description::new(openapi()));
    let server = HttpServer::new(move || {
        App::new()
            .wrap(actix::from_fn(middleware::problems))
            .wrap(actix::from_fn(idempotency::replay))
            .wrap(actix::from_fn(middleware::measure))
            .wrap(actix::Compress::default())
            .wrap(TracingLogger::<RequestSpan>::new())
            .app_data(state.clone())
            .app_data(shared.clone())
            .app_data(description.clone())
            .service(web::scope("/api").configure(|config| features::routes(&mut Routes::served(config))))
            .configure(|config| root_routes(&mut Routes::served(config)))
            .route("/openapi.json", web::get().to(docs::openapi_json))
            .route("/redoc", web::get().to(docs::redoc))
            .service(web::redirect("/docs", "/docs/"))
            .service(docs::swagger())
            .default_service(web::to(assets::serve))
    });
    Ok(server
        .workers(workers)
        .client_request_timeout(HEAD_TIMEOUT)
        .shutdown_timeout(DRAIN.as_secs())
        .disable_signals()
        .listen(listener)?
        .run())
}
