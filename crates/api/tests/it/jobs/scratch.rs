//! A database of its own for one test, and handlers made of closures.

use std::future::Future;
use std::str::FromStr as _;

use async_trait::async_trait;
use finops_api::platform::clock::Clock;
use finops_api::platform::db::{self, Db, OrganizationId, PoolSizes};
use finops_api::platform::jobs::{JobContext, JobHandler, JobOutcome, Jobs, JobsBuilder, NewJob, queue};
use finops_contract::jobs::Job;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use uuid::Uuid;

/// A migrated database, dropped with this.
pub(super) struct Scratch {
    pub(super) clock: Clock,
    server: String,
    name: String,
    url: String,
}

impl Scratch {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration to read this from")]
    pub(super) async fn new() -> Self {
        let server = std::env::var("DATABASE_URL").expect("DATABASE_URL names a server for scratch databases");
        let clock = Clock::system();
        let name = format!("finops_test_{}", clock.new_id().simple());
        let mut admin = connect(&server).await;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.expect("a database");
        admin.close().await.expect("closed");
        let options = PgConnectOptions::from_str(&server).expect("a URL");
        let url = options.database(&name).to_url_lossy().to_string();
        let scratch = Self { clock, server, name, url };
        db::migrate(&scratch.url).await.expect("migrated");
        scratch
    }

    /// Pools as one replica has them.
    pub(super) fn db(&self) -> Db {
        Db::new(&self.url, PoolSizes { api: 4, analytics: 1, jobs: 8 }).expect("pools")
    }

    /// A replica.
    pub(super) fn replica(&self) -> JobsBuilder {
        Jobs::builder(self.db(), self.clock.clone())
    }

    /// A replica that runs one kind of job.
    pub(super) fn runs<F, R>(&self, name: &'static str, run: F) -> Jobs
    where
        F: Fn(JobContext) -> R + Send + Sync + 'static,
        R: Future<Output = JobOutcome> + Send + 'static,
    {
        self.replica().handler(Work { name, run }).build().expect("a runner")
    }

    /// A connection of the owner, in the platform scope: row-level security binds the owner too.
    pub(super) async fn owner(&self) -> PgConnection {
        let mut owner = connect(&self.url).await;
        sqlx::query("SET finops.scope = 'platform'").execute(&mut owner).await.expect("a scope");
        owner
    }

    /// Runs a statement that moves the database's times.
    pub(super) async fn sql(&self, statement: &'static str) -> u64 {
        sqlx::query(statement).execute(&mut self.owner().await).await.expect(statement).rows_affected()
    }

    pub(super) async fn organization(&self) -> OrganizationId {
        let id = self.clock.new_id();
        sqlx::query("INSERT INTO organizations (organization_id, name, created_at) VALUES ($1, 'Acme', now())")
            .bind(id)
            .execute(&mut self.owner().await)
            .await
            .expect("an organization");
        OrganizationId(id)
    }

    pub(super) async fn enqueue(&self, job: NewJob<'_>) -> Uuid {
        let mut tx = self.db().platform().await.expect("a transaction");
        let enqueued = queue::enqueue(&mut tx, &self.clock, job).await.expect("enqueued");
        tx.commit().await.expect("committed");
        enqueued.id
    }

    pub(super) async fn job(&self, id: Uuid) -> Job {
        let mut tx = self.db().platform().await.expect("a transaction");
        queue::get(&mut tx, id).await.expect("an answer").expect("a job")
    }

    /// Seconds from the database's now until the job may run.
    pub(super) async fn waits(&self, id: Uuid) -> f64 {
        sqlx::query_scalar("SELECT extract(epoch FROM run_at - now())::float8 FROM jobs WHERE id = $1")
            .bind(id)
            .fetch_one(&mut self.owner().await)
            .await
            .expect("a job")
    }
}

async fn connect(url: &str) -> PgConnection {
    PgConnectOptions::from_str(url).expect("a URL").connect().await.expect("a connection")
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (server, statement) = (self.server.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // On a thread of its own: this one may be inside the test's runtime, or unwinding.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                sqlx::query(AssertSqlSafe(statement)).execute(&mut connect(&server).await).await.map(drop)
            })
        });
        assert!(std::thread::panicking() || matches!(dropped.join(), Ok(Ok(()))), "the database was not dropped");
    }
}

/// A handler made of a closure.
pub(super) struct Work<F> {
    pub(super) name: &'static str,
    pub(super) run: F,
}

#[async_trait]
impl<F, R> JobHandler for Work<F>
where
    F: Fn(JobContext) -> R + Send + Sync,
    R: Future<Output = JobOutcome> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn max_attempts(&self) -> i32 {
        3
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        (self.run)(job.clone()).await
    }
}

/// A job of this name and slot, for no organization, due at once, with three attempts.
pub(super) fn new_job<'a>(name: &'a str, slot: &'a str) -> NewJob<'a> {
    NewJob { organization_id: None, name, slot, payload: Value::Null, run_at: None, max_attempts: 3 }
}
