//! What every handler and job can reach.

use std::fmt;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use crate::platform::auth::{ApiKeys, Passwords, Tokens};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::crypto::{self, SecretStore};
use crate::platform::db::Db;
use crate::platform::jobs::Nudge;
use crate::platform::notifiers::Notifiers;
use crate::platform::providers::Providers;
use crate::platform::stopping::Stopping;
use crate::platform::telemetry::Metrics;

/// The service's parts, put together once. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// How the service was told to run.
    pub config: Arc<Config>,
    /// The database.
    pub db: Db,
    /// Time and ids.
    pub clock: Clock,
    /// Passwords.
    pub passwords: Passwords,
    /// Access tokens.
    pub tokens: Arc<Tokens>,
    /// Keys of our own API.
    pub api_keys: ApiKeys,
    /// Secrets at rest.
    pub secrets: SecretStore,
    /// Clients of the providers.
    pub providers: Providers,
    /// Clients that tell somebody something.
    pub notifiers: Notifiers,
    /// Wakes the jobs of this process after something was put in their queue.
    pub nudge: Nudge,
    /// Wakes what sends messages in this process after one was put into the outbox.
    pub outbox: Nudge,
    /// Metrics.
    pub metrics: Metrics,
    /// Whether this process is going away.
    pub stopping: Stopping,
}

impl State {
    /// Puts the parts together. Opens no connection yet.
    ///
    /// # Errors
    /// When the database's URL cannot be read.
    pub async fn new(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let db = Db::new(config.database_url.expose_secret(), config.pool_sizes())?;
        let metrics = Metrics::default();
        let config = Arc::new(config);
        Ok(Self {
            api_keys: ApiKeys::new(db.clone(), clock.clone(), metrics.api_key_lookups()),
            db,
            secrets: SecretStore::new(crypto::vault(&config.encryption).await, clock.clone()),
            providers: Providers::new(&config)?,
            notifiers: Notifiers::new(Arc::clone(&config))?,
            nudge: Nudge::default(),
            outbox: Nudge::default(),
            clock,
            passwords: Passwords::new()?,
            tokens: Arc::new(Tokens::new(&config.jwt_secret, config.jwt_expiration_minutes)),
            metrics,
            stopping: Stopping::default(),
            config,
        })
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("clock", &self.clock).finish_non_exhaustive()
    }
}
