//! The service as it runs, with a clock that stands still and an outside world that obeys.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use chrono::{DateTime, TimeDelta, Utc};
use finops_api::app;
use finops_api::features::Shared;
use finops_api::platform::clock::Clock;
use finops_api::platform::config::Config;
use finops_api::platform::db::Db;
use finops_api::platform::jobs::Jobs;
use finops_api::platform::state::State;
use finops_contract::jobs::Job;
use finops_providers::CallPolicy;
use finops_simulator::{Channel, Control, OrganizationSpec, ProjectSpec, Simulator, SimulatorConfig, presets};
use rust_decimal::Decimal;
use tokio::sync::oneshot;

use super::client::Client;
use super::database::{Database, aside};
use super::people::People;

/// When tests begin: a Friday morning in UTC.
pub(crate) const NOW: &str = "2026-03-20T10:30:00Z";
/// The first day that the provider's organizations have costs of.
pub(crate) const FIRST_DAY: &str = "2026-03-01";
/// What the daily batch's caller presents.
pub(crate) const CRON_SECRET: &str = "cron-secret-of-the-tests";

/// What its secrets are encrypted with.
pub(crate) const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// One service on a database of its own. Dropping it fails the test if jobs were left unfinished.
pub(crate) struct TestApp {
    /// The service's parts, shared with the server.
    pub(crate) state: State,
    /// The outside world.
    pub(crate) simulator: Simulator,
    /// The database, for what no API shows.
    pub(crate) database: Database,
    address: SocketAddr,
    server: Option<(ServerHandle, JoinHandle<()>)>,
    jobs_may_be_left: bool,
}

/// How a service is started.
#[derive(Default)]
pub(crate) struct TestAppBuilder {
    settings: BTreeMap<&'static str, String>,
}

impl TestAppBuilder {
    /// Another environment variable, or another value of one.
    #[must_use]
    pub(crate) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.insert(name, value.into());
        self
    }

    /// With accounts for mail (Resend) and SMS (Twilio).
    #[must_use]
    pub(crate) fn with_accounts(self) -> Self {
        self.set("MAIL_FROM", "FinOps <alerts@finops.example>")
            .set("RESEND_API_KEY", presets::RESEND_KEY)
            .set("TWILIO_ACCOUNT_SID", presets::TWILIO_ACCOUNT)
            .set("TWILIO_AUTH_TOKEN", presets::TWILIO_TOKEN)
            .set("TWILIO_FROM", presets::TWILIO_FROM)
    }

    /// Starts it.
    pub(crate) async fn spawn(self) -> TestApp {
        self.spawn_on(Database::new().await).await
    }

    /// Starts it on a database that is there.
    pub(crate) async fn spawn_on(self, database: Database) -> TestApp {
        let now: DateTime<Utc> = NOW.parse().expect("a time");
        let simulator = SimulatorConfig { now: Some(now), organizations: provider(), ..SimulatorConfig::default() };
        let simulator = Simulator::start(simulator).await.expect("a simulator");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut settings = defaults();
        settings.insert("DATABASE_URL", database.url().to_owned());
        settings.insert("OPENAI_BASE_URL", simulator.openai_base_url());
        settings.insert("PUBLIC_URL", format!("http://{address}"));
        settings.extend(vendors(&simulator));
        settings.extend(self.settings);
        // Tests know the outside world's address only once it listens.
        settings.values_mut().for_each(|value| *value = value.replace("{simulator}", &simulator.base_url()));
        let config = Config::read(&|name| settings.get(name).cloned()).expect("a configuration");
        let mut state = State::new(config, Clock::fixed(now)).await.expect("the service's parts");
        state.providers = state.providers.with_policy(CallPolicy::fast());
        let server = Some(serve(state.clone(), listener).await);
        TestApp { state, simulator, database, address, server, jobs_may_be_left: false }
    }
}

fn defaults() -> BTreeMap<&'static str, String> {
    [
        ("FINOPS_ENV", "production"),
        ("DATABASE_POOL_SIZE", "8"),
        ("JWT_SECRET", "a secret of the tests, 32 bytes and more"),
        ("ENCRYPTION_KEY", MASTER_KEY),
        ("REGISTRATION", "open"),
        ("CRON_SECRET", CRON_SECRET),
        // Tests of the poll turn it on; the others ask the provider for bills only.
        ("USAGE_POLL_INTERVAL", "0"),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect()
}

/// Where the vendors are that messages go to, and the one private address that tenants may name.
fn vendors(simulator: &Simulator) -> [(&'static str, String); 5] {
    let host = simulator.base_url().trim_start_matches("http://").to_owned();
    [
        ("RESEND_BASE_URL", simulator.channel_base_url(Channel::Resend)),
        ("SENDGRID_BASE_URL", simulator.channel_base_url(Channel::SendGrid)),
        ("TWILIO_BASE_URL", simulator.channel_base_url(Channel::Twilio)),
        ("PAGERDUTY_BASE_URL", simulator.channel_base_url(Channel::PagerDuty)),
        ("OUTBOUND_ALLOW", host),
    ]
}

/// What the provider knows: `org-alpha` with `proj_web` (three lines a day), `proj_batch`
/// (two lines, no key) and costs of no project; `org-beta` with `proj_other`. Both since [`FIRST_DAY`].
fn provider() -> Vec<OrganizationSpec> {
    let first_day = FIRST_DAY.parse().expect("a day");
    let project = |id: &str, daily: i64, line_items: usize, api_keys: usize| {
        let name = id.trim_start_matches("proj_");
        ProjectSpec { line_items, api_keys, ..ProjectSpec::new(id, name, Decimal::from(daily)) }
    };
    let alpha = OrganizationSpec::new("org-alpha", 7, first_day)
        .with_project(project("proj_web", 120, 3, 1))
        .with_project(project("proj_batch", 30, 2, 0))
        .with_project(project("", 9, 1, 0));
    vec![alpha, OrganizationSpec::new("org-beta", 8, first_day).with_project(project("proj_other", 50, 2, 1))]
}

/// Serves on a thread with a runtime of its own, as the program does.
async fn serve(state: State, listener: TcpListener) -> (ServerHandle, JoinHandle<()>) {
    let (ready, started) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = app::serve(state.clone(), Shared::new(&state), listener, 2).expect("a server");
            ready.send(server.handle()).expect("somebody waits");
            server.await.expect("served");
        });
    });
    (started.await.expect("the server started"), thread)
}

impl TestApp {
    /// One with the usual settings.
    pub(crate) async fn spawn() -> Self {
        Self::builder().spawn().await
    }

    /// One with others.
    pub(crate) fn builder() -> TestAppBuilder {
        TestAppBuilder::default()
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The database, as the service reaches it.
    pub(crate) fn db(&self) -> &Db {
        &self.state.db
    }

    /// The time, for the service and for the outside world.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.state.clock.now()
    }

    /// Moves the time, everywhere but in the database. People stay signed in.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.state.clock.advance(by);
        self.provider().set_now(Some(self.now()));
    }

    /// What steers the outside world.
    pub(crate) fn provider(&self) -> &Control {
        self.simulator.control()
    }

    /// An admin key of the provider's organization with this id.
    pub(crate) fn provider_key(&self, organization: &str) -> String {
        let organizations = self.provider().organizations();
        let found = organizations.iter().find(|spec| spec.id == organization);
        found.expect("such an organization at the provider").admin_keys[0].clone()
    }

    /// Somebody who is not signed in.
    pub(crate) fn anonymous(&self) -> Client {
        Client::anonymous(self.url())
    }

    /// The usual people, all signed in.
    pub(crate) async fn people(&self) -> People {
        People::register(self).await
    }

    /// Makes what is scheduled and runs everything that is due; returns how many attempts it took. A job that gave up
    /// fails the test.
    pub(crate) async fn run_jobs(&self) -> usize {
        let attempts = self.run_jobs_and_let_them_die().await;
        let dead = self.jobs("dead").await;
        assert!(dead.is_empty(), "jobs died: {dead:#?}");
        attempts
    }

    /// The same, for jobs that are meant to give up.
    pub(crate) async fn run_jobs_and_let_them_die(&self) -> usize {
        let jobs = self.runner();
        let mut attempts = 0;
        loop {
            let made = jobs.run_due().await.expect("the jobs ran");
            attempts += made;
            // What only stepped aside for another worker waits for no time of its own.
            let aside =
                "UPDATE jobs SET run_at = now() WHERE state = 'queued' AND run_at > now() AND last_error IS NULL";
            let is_idle = self.database.sql(aside).await == 0;
            // A reconciler may have put in more.
            let due = "SELECT count(*) FROM jobs WHERE state = 'queued' AND run_at <= now()";
            if is_idle && (made == 0 || self.database.count(due).await == 0) {
                return attempts;
            }
        }
    }

    /// What runs the jobs, not running yet.
    pub(crate) fn runner(&self) -> Jobs {
        app::jobs(&self.state, &Shared::new(&self.state)).expect("a runner")
    }

    /// Lets every job that waits for a later attempt be due now.
    pub(crate) async fn hurry_jobs(&self) -> u64 {
        self.database.sql("UPDATE jobs SET run_at = now() WHERE state = 'queued' AND run_at > now()").await
    }

    /// The jobs in this state.
    pub(crate) async fn jobs(&self, state: &str) -> Vec<Job> {
        jobs_in(&self.state.db, state).await
    }

    /// Says that this test leaves jobs behind on purpose.
    pub(crate) fn leave_jobs(&mut self) {
        self.jobs_may_be_left = true;
    }
}

async fn jobs_in(db: &Db, state: &str) -> Vec<Job> {
    use finops_api::platform::jobs::queue::{self, ListFilter};
    let state = finops_contract::jobs::JobState::from_name(state).expect("a state of a job");
    let mut tx = db.platform().await.expect("a transaction");
    let filter = ListFilter { state: Some(state), ..ListFilter::default() };
    queue::list(&mut tx, filter, 1_000).await.expect("an answer")
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let server = self.server.take();
        let db = self.database.db();
        let unfinished = aside(async move {
            if let Some((handle, thread)) = server {
                handle.stop(false).await;
                thread.join().expect("the server's thread ended well");
            }
            let mut left = Vec::new();
            for state in ["queued", "running"] {
                left.extend(jobs_in(&db, state).await);
            }
            db.close().await;
            left
        });
        if std::thread::panicking() {
            return;
        }
        let left = unfinished.expect("the service could not be taken down");
        assert!(self.jobs_may_be_left || left.is_empty(), "jobs were left unfinished: {left:#?}");
    }
}
