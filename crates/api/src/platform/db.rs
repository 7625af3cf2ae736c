//! The database: pools, and the two ways to begin a transaction.
//!
//! Invariant: every statement of a request runs in a transaction begun by [`Db::tenant`] or [`Db::platform`], as the
//! role `finops_app`, behind row-level security. A query that forgets its organization finds nothing, not everything.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool, Postgres, Transaction};
use uuid::Uuid;

/// The schema, embedded; forward only.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// The role that the service's connections take. It owns nothing.
const APP_ROLE: &str = "finops_app";

/// A tenant. Its own type, because mixing it up with another id is the one mistake that leaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct OrganizationId(pub Uuid);

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An open transaction.
pub type Tx = Transaction<'static, Postgres>;

/// The service's pools.
#[derive(Clone, Debug)]
pub struct Db {
    api: PgPool,
    analytics: PgPool,
    jobs: PgPool,
    ingest: PgPool,
    guard: PgPool,
}

/// How many connections each pool may hold, and how long a caller waits for one.
#[derive(Clone, Copy, Debug)]
pub struct PoolSizes {
    /// Short requests.
    pub api: u32,
    /// Cost queries, which may take longer.
    pub analytics: u32,
    /// Background work.
    pub jobs: u32,
    /// Transactions that store usage events.
    pub ingest: u32,
    /// What the guard reads, and holds for calls under way.
    pub guard: u32,
}

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

impl Db {
    /// Opens the pools. Connects on first use, so that the service starts, live but not ready, before its database.
    pub fn new(url: &str, sizes: PoolSizes) -> anyhow::Result<Self> {
        let options = connect_options(url)?;
        let pool = |name: &str, size: u32, statement_timeout: &str| {
            let mut options = options
                .clone()
                .application_name(&format!("finops-{name}"))
                .options([("role", APP_ROLE), ("statement_timeout", statement_timeout)]);
            if name == "ingest" {
                // The same few statements for ever, with arrays as parameters: whatever is in them, the plan is the same,
                // and making it takes longer than running it.
                options = options.options([("plan_cache_mode", "force_generic_plan")]);
            }
            PgPoolOptions::new()
                .max_connections(size)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .max_lifetime(Duration::from_secs(30 * 60))
                .idle_timeout(Duration::from_secs(10 * 60))
                .connect_lazy_with(options)
        };
        Ok(Self {
            api: pool("api", sizes.api, "5s"),
            analytics: pool("analytics", sizes.analytics, "15s"),
            jobs: pool("jobs", sizes.jobs, "60s"),
            ingest: pool("ingest", sizes.ingest, "15s"),
            guard: pool("guard", sizes.guard, "5s"),
        })
    }

    /// Begins a transaction that sees one organization.
    pub async fn tenant(&self, organization: OrganizationId) -> sqlx::Result<Tx> {
        begin(&self.api, Scope::Tenant(organization)).await
    }

    /// Begins a transaction that sees one organization, on the pool whose statements may take longer.
    pub async fn analytics(&self, organization: OrganizationId) -> sqlx::Result<Tx> {
        begin(&self.analytics, Scope::Tenant(organization)).await
    }

    /// Begins a transaction that stores usage events, first of all one organization's.
    pub async fn ingest(&self, organization: OrganizationId) -> sqlx::Result<Tx> {
        begin(&self.ingest, Scope::Tenant(organization)).await
    }

    /// Begins a transaction of the guard, whose answers must not wait for anybody else's connection.
    pub async fn guard(&self, organization: OrganizationId) -> sqlx::Result<Tx> {
        begin(&self.guard, Scope::Tenant(organization)).await
    }

    /// The same to read by: all of its statements see the database as it was at the first, which is not before its `now()`.
    pub async fn guard_snapshot(&self, organization: OrganizationId) -> sqlx::Result<Tx> {
        begin(&self.guard, Scope::Snapshot(organization)).await
    }

    /// Begins a transaction across organizations. It sees organizations, accounts, jobs, hashes of API keys and event ids, and
    /// when which message is due; never costs, messages or secrets.
    pub async fn platform(&self) -> sqlx::Result<Tx> {
        begin(&self.api, Scope::Platform).await
    }

    /// The same two for background work, which must not take the connections that requests wait for.
    pub fn background(&self) -> Background<'_> {
        Background(&self.jobs)
    }

    /// Whether the database answers and has every migration that this version knows. It may have newer ones.
    pub async fn is_migrated(&self) -> sqlx::Result<bool> {
        let known: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        let statement = "SELECT count(*) = cardinality($1) FROM _sqlx_migrations WHERE success AND version = ANY ($1)";
        match sqlx::query_scalar(statement).bind(known).fetch_one(&self.api).await {
            // Before the first migration there is neither the table nor the role that this connection takes.
            Err(sqlx::Error::Database(error)) if is_unprepared(&*error) => Ok(false),
            answer => answer,
        }
    }

    /// Connections of all pools: open, and of them idle.
    pub fn usage(&self) -> (u32, usize) {
        [&self.api, &self.analytics, &self.jobs, &self.ingest, &self.guard]
            .iter()
            .fold((0, 0), |(open, idle), pool| (open + pool.size(), idle + pool.num_idle()))
    }

    /// Closes the pools once their connections are returned.
    pub async fn close(&self) {
        let all = [&self.api, &self.analytics, &self.jobs, &self.ingest, &self.guard];
        futures_util::future::join_all(all.map(PgPool::close)).await;
    }
}

/// The pool of background work.
#[derive(Clone, Copy, Debug)]
pub struct Background<'a>(&'a PgPool);

impl Background<'_> {
    /// Begins a transaction that sees one organization.
    pub async fn tenant(&self, organization: OrganizationId) -> sqlx::Result<Tx> {
        begin(self.0, Scope::Tenant(organization)).await
    }

    /// Begins a transaction across organizations.
    pub async fn platform(&self) -> sqlx::Result<Tx> {
        begin(self.0, Scope::Platform).await
    }
}

enum Scope {
    Tenant(OrganizationId),
    Snapshot(OrganizationId),
    Platform,
}

async fn begin(pool: &PgPool, scope: Scope) -> sqlx::Result<Tx> {
    // One round trip: `SET LOCAL` rides with BEGIN. Citus passes on `SET LOCAL`, not `set_config()`. The value is a
    // formatted UUID, so nothing can be smuggled in.
    let statement = match scope {
        Scope::Tenant(organization) => format!("BEGIN; SET LOCAL finops.organization_id = '{organization}'"),
        Scope::Snapshot(organization) => format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL finops.organization_id = '{organization}'"
        ),
        Scope::Platform => "BEGIN; SET LOCAL finops.scope = 'platform'".to_owned(),
    };
    let pool = pool.clone();
    // In a task of its own: a caller that goes away half-way (a request that another extractor refused, a time-out) would
    // leave an open transaction, scope and all, to whoever gets the connection next. What the task brings back and nobody
    // takes is rolled back as it is dropped.
    #[expect(clippy::disallowed_methods, reason = "it ends by itself, within the pool's and the server's time limits")]
    let begun = tokio::spawn(async move { pool.begin_with(AssertSqlSafe(statement)).await });
    begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

/// Narrows a transaction of the platform scope to one organization as well, for rows that belong to a tenant.
pub async fn enter(tx: &mut Tx, organization: OrganizationId) -> sqlx::Result<()> {
    // A formatted UUID, as in `begin`.
    let statement = AssertSqlSafe(format!("SET LOCAL finops.organization_id = '{organization}'"));
    sqlx::raw_sql(statement).execute(&mut **tx).await.map(drop)
}

/// Lets a transaction of one organization see the platform too, or ends that.
pub async fn look_across(tx: &mut Tx, across: bool) -> sqlx::Result<()> {
    let statement = if across { "SET LOCAL finops.scope = 'platform'" } else { "SET LOCAL finops.scope = ''" };
    sqlx::raw_sql(statement).execute(&mut **tx).await.map(drop)
}

/// Whether the database lacks what migrations make: 42P01 a table, 42501 the right to read it, 22023 the role.
fn is_unprepared(error: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(error.code().as_deref(), Some("42P01" | "42501" | "22023"))
}

/// Whether the error is this constraint or unique index refusing a row.
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
}

/// Brings the schema up to date, as the role of the URL. Safe to run from many processes at once: they take turns.
pub async fn migrate(url: &str) -> anyhow::Result<()> {
    let mut connection = connect_options(url)?.connect().await.context("cannot reach the database at DATABASE_URL")?;
    MIGRATIONS.run(&mut connection).await.context("a migration failed")?;
    Ok(())
}

/// What every connection has: a dead peer is noticed, a forgotten transaction or a lock ends by itself.
fn connect_options(url: &str) -> anyhow::Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url).context("DATABASE_URL is not a PostgreSQL URL")?;
    Ok(options
        .options([
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("tcp_keepalives_idle", "15"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            ("tcp_user_timeout", "20s"),
            ("timezone", "UTC"),
            // Compiling a query takes longer than running any of ours, and comes when they are least expected: with size.
            ("jit", "off"),
        ])
        .disable_statement_logging())
}
