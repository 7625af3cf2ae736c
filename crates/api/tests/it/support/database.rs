//! A database of its own for every test: a copy of one that was migrated once.

use std::fmt::Write as _;
use std::str::FromStr as _;

use aws_lc_rs::digest::{Context, SHA256};
use finops_api::platform::clock::Clock;
use finops_api::platform::db::{self, Db, MIGRATIONS, OrganizationId, PoolSizes};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::OnceCell;

/// A database, dropped with this.
#[derive(Debug)]
pub(crate) struct Database {
    /// Whether it is another one's, who drops it.
    shared: bool,
    server: String,
    name: String,
    url: String,
}

/// Two test binaries may make the template at once; they take turns on this lock of the server.
const TEMPLATE_LOCK: i64 = 0x0066_696e_6f70_7300;

/// Row-level security binds a tables' owner too. Tests look from outside, as nobody in the service can: the owner's role,
/// which the service never has, sees all rows.
const SHOW_EVERYTHING_TO_TESTS: &str = "DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relrowsecurity LOOP
        EXECUTE format('CREATE POLICY tests_see_everything ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', t);
    END LOOP; END $$";

impl Database {
    /// A migrated one.
    pub(crate) async fn new() -> Self {
        let server = server();
        let template = template(&server).await;
        Self::create(server, &format!(" TEMPLATE {template}")).await
    }

    /// One without any table.
    pub(crate) async fn empty() -> Self {
        Self::create(server(), "").await
    }

    async fn create(server: String, options: &str) -> Self {
        let name = format!("finops_test_{}", Clock::system().new_id().simple());
        execute(&server, &format!("CREATE DATABASE {name}{options}")).await;
        let url = url_of(&server, &name);
        Self { shared: false, server, name, url }
    }

    /// The same one, for a second replica. This one must outlive it.
    pub(crate) fn share(&self) -> Self {
        Self { shared: true, server: self.server.clone(), name: self.name.clone(), url: self.url.clone() }
    }

    /// Where it is, as its owner.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Pools as one replica has them.
    pub(crate) fn db(&self) -> Db {
        Db::new(&self.url, PoolSizes { api: 4, analytics: 2, jobs: 8, ingest: 3, guard: 2 }).expect("pools")
    }

    /// A connection of the owner, in the platform scope: row-level security binds an owner too (unless they are a
    /// superuser, as on most test servers).
    pub(crate) async fn owner(&self) -> PgConnection {
        let mut owner = connect(&self.url).await;
        sqlx::query("SET finops.scope = 'platform'").execute(&mut owner).await.expect("a scope");
        owner
    }

    /// Runs a statement of the owner; returns how many rows it touched.
    pub(crate) async fn sql(&self, statement: &'static str) -> u64 {
        sqlx::query(statement).execute(&mut self.owner().await).await.expect(statement).rows_affected()
    }

    /// Counts rows, as the owner.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut self.owner().await).await.expect(query)
    }

    /// An organization without people.
    pub(crate) async fn organization(&self, clock: &Clock) -> OrganizationId {
        let id = clock.new_id();
        sqlx::query("INSERT INTO organizations (organization_id, name, created_at) VALUES ($1, 'Acme', $2)")
            .bind(id)
            .bind(clock.now())
            .execute(&mut self.owner().await)
            .await
            .expect("an organization");
        OrganizationId(id)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.shared {
            return;
        }
        let (name, server) = (self.name.clone(), self.server.clone());
        let dropped = aside(async move {
            let mut server = connect(&server).await;
            // Not by force: that ends in an error when it meets an autovacuum worker, which is not ours to end. Without it
            // the server sends such a worker away itself.
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename = current_user",
            )
            .bind(&name)
            .execute(&mut server)
            .await?;
            let statement = format!("DROP DATABASE IF EXISTS {name}");
            sqlx::query(AssertSqlSafe(statement)).execute(&mut server).await.map(drop)
        });
        assert!(std::thread::panicking() || matches!(dropped, Ok(Ok(()))), "the database was not dropped: {dropped:?}");
    }
}

/// Runs a future to its end on a thread of its own: this one may be inside the test's runtime, or unwinding.
pub(super) fn aside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> std::thread::Result<T> {
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work)
    });
    thread.join()
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration to read this from")]
fn server() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL is not set: run `cargo xtask test`")
}

fn url_of(server: &str, database: &str) -> String {
    PgConnectOptions::from_str(server).expect("a URL").database(database).to_url_lossy().to_string()
}

async fn connect(url: &str) -> PgConnection {
    PgConnectOptions::from_str(url).expect("a URL").connect().await.expect("PostgreSQL does not answer at DATABASE_URL")
}

async fn execute(server: &str, statement: &str) {
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connect(server).await).await.expect("a statement");
}

/// The database that the others are copies of. Its name says which migrations it has, so it outlives this run and is
/// made anew when they change; it takes its name only once it is complete.
async fn template(server: &str) -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(async || {
            let name = template_name();
            let mut admin = connect(server).await;
            sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut admin).await.expect("a lock");
            let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(&name)
                .fetch_one(&mut admin)
                .await
                .expect("an answer");
            if !exists {
                execute(server, &format!("DROP DATABASE IF EXISTS {name}_new")).await;
                execute(server, &format!("CREATE DATABASE {name}_new")).await;
                let url = url_of(server, &format!("{name}_new"));
                db::migrate(&url).await.expect("migrated");
                install_prices(&url).await;
                execute(&url, SHOW_EVERYTHING_TO_TESTS).await;
                execute(server, &format!("ALTER DATABASE {name}_new RENAME TO {name}")).await;
            }
            // Gives the lock back.
            admin.close().await.expect("closed");
            name
        })
        .await
}

/// As `finops migrate` does. The clock stands where that of the tests begins.
async fn install_prices(url: &str) {
    let db = Db::new(url, PoolSizes { api: 1, analytics: 1, jobs: 1, ingest: 1, guard: 1 }).expect("pools");
    let mut tx = db.platform().await.expect("a transaction");
    let clock = Clock::fixed(super::app::NOW.parse().expect("a time"));
    finops_api::features::prices::install(&mut tx, &clock).await.expect("the shipped prices");
    tx.commit().await.expect("committed");
    db.close().await;
}

fn template_name() -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(SHOW_EVERYTHING_TO_TESTS.as_bytes());
    hash.update(include_bytes!("../../../src/features/prices/book.json"));
    hash.update(include_bytes!("../../../src/features/prices/litellm.rs"));
    for migration in MIGRATIONS.iter() {
        hash.update(&migration.checksum);
    }
    let mut name = "finops_template_".to_owned();
    for byte in &hash.finish().as_ref()[..8] {
        write!(name, "{byte:02x}").expect("written");
    }
    name
}
