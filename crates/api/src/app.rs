//! The HTTP application: the route table, and what surrounds it.

use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, middleware as actix, web};
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::{AppExt as _, scope};

use crate::features::{self, Shared};
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
    let (_, collected) = App::new()
        .into_utoipa_app()
        .openapi(docs::base())
        .service(scope::scope("/api").configure(features::routes))
        .configure(features::operations::routes)
        .configure(features::usage::root_routes)
        .configure(features::reports::root_routes)
        .split_for_parts();
    let mut text = serde_json::to_string_pretty(&docs::complete(&collected)).unwrap_or_default();
    text.push('\n');
    text
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
            .into_utoipa_app()
            .service(scope::scope("/api").configure(features::routes))
            .configure(features::operations::routes)
            .configure(features::usage::root_routes)
            .configure(features::reports::root_routes)
            .into_app()
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
