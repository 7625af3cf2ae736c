//! What every handler and job can reach.

use std::fmt;
use std::sync::Arc;

use crate::platform::auth::{Passwords, Tokens};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::db::{Db, PoolSizes};
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
    /// Metrics.
    pub metrics: Metrics,
}

impl State {
    /// Puts the parts together. Opens no connection yet.
    ///
    /// # Errors
    /// When the database's URL cannot be read.
    pub fn new(config: Config, clock: Clock) -> anyhow::Result<Self> {
        use secrecy::ExposeSecret as _;
        let half = (config.database_pool_size / 2).max(2);
        let sizes = PoolSizes { api: config.database_pool_size, analytics: half, jobs: half };
        Ok(Self {
            db: Db::new(config.database_url.expose_secret(), sizes)?,
            clock,
            passwords: Passwords::new()?,
            tokens: Arc::new(Tokens::new(&config.jwt_secret, config.jwt_expiration_minutes)),
            metrics: Metrics::default(),
            config: Arc::new(config),
        })
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("clock", &self.clock).finish_non_exhaustive()
    }
}
