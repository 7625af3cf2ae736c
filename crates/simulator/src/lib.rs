//! The outside world on loopback.
//!
//! A stateful imitation of the vendors that FinOps for AI talks to, for tests and for demo mode. Its bills are
//! generated from a seed, its ground truth is exact, and its faults come on demand. It shares no code with the clients
//! that it tests. Each vendor is a module of its own: [`openai`], whose bills are read, and [`channels`], where alerts go;
//! `/_sim` steers them all (see [`Control`]).

pub mod channels;
mod connection;
mod control;
mod control_http;
mod faults;
pub mod openai;
pub mod presets;
mod rng;
mod truth;
mod world;

use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

pub use channels::Channel;
pub use channels::inbox::{InboxQuery, Letter};
pub use control::{Control, RequestRecord, RestateSpec};
pub use faults::{ErrorShape, Fault, FaultMatch, FaultSpec};
pub use openai::spec::{AmountStyle, OrganizationSpec, ProjectSpec, Trend};
pub use openai::stops::Limits;
pub use truth::{Dimension, Truth, TruthQuery, TruthRow};

/// How to start a simulator.
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    /// The address to listen on.
    pub host: String,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// A fixed clock; `None`: the real one.
    pub now: Option<DateTime<Utc>>,
    /// The organizations that exist from the start.
    pub organizations: Vec<OrganizationSpec>,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 0, now: None, organizations: Vec::new() }
    }
}

/// A running simulator. It has a thread and a runtime of its own; dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    control: Control,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts listening; returns once requests are accepted.
    ///
    /// # Errors
    /// If the address cannot be bound or the organizations contradict each other.
    pub async fn start(config: SimulatorConfig) -> Result<Self> {
        let world = world::Shared::default();
        world.lock().clock = config.now;
        let control = Control { world };
        config.organizations.into_iter().try_for_each(|spec| control.add_organization(spec))?;
        let listener = TcpListener::bind((config.host.as_str(), config.port))
            .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
        let address = listener.local_addr()?;
        let (ready, started) = oneshot::channel();
        let served = control.clone();
        let thread = std::thread::Builder::new()
            .name("finops-simulator".to_owned())
            .spawn(move || serve(listener, served, ready))?;
        let handle = started.await.context("the simulator's thread ended")??;
        tracing::debug!(%address, "simulator listening");
        Ok(Self { address, control, handle, thread: Some(thread) })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL for an OpenAI client: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn openai_base_url(&self) -> String {
        format!("{}/v1", self.base_url())
    }

    /// The base URL for a channel's client: `http://127.0.0.1:PORT/resend`.
    #[must_use]
    pub fn channel_base_url(&self, channel: Channel) -> String {
        format!("{}/{}", self.base_url(), channel.name())
    }

    /// The Slack webhook that is there from the start.
    #[must_use]
    pub fn slack_webhook_url(&self) -> String {
        format!("{}/services/{}", self.channel_base_url(Channel::Slack), presets::SLACK_WEBHOOK)
    }

    /// A webhook sink of this name.
    #[must_use]
    pub fn webhook_url(&self, name: &str) -> String {
        format!("{}/{name}", self.channel_base_url(Channel::Webhook))
    }

    /// The handle that steers it.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Stops it, open connections included, and waits until it has ended.
    pub async fn stop(mut self) {
        self.handle.stop(false).await;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // The command is sent at once; only waiting for its end would need the future.
        drop(self.handle.stop(false));
    }
}

fn serve(listener: TcpListener, control: Control, ready: oneshot::Sender<Result<ServerHandle>>) {
    actix_web::rt::System::new().block_on(async move {
        let data = web::Data::new(control);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .configure(control_http::configure)
                .configure(channels::configure)
                .configure(openai::configure)
        })
        .on_connect(connection::Connection::remember)
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .listen(listener);
        match server {
            Err(error) => drop(ready.send(Err(error.into()))),
            Ok(server) => {
                let server = server.run();
                if ready.send(Ok(server.handle())).is_ok()
                    && let Err(error) = server.await
                {
                    tracing::error!(%error, "simulator ended");
                }
            }
        }
    });
}
