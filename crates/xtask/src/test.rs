//! `cargo xtask test`: all tests, with the servers and tools that they need.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::postgres::{Cluster, Spec};
use crate::report::{Report, say};
use crate::services::{self, Service};
use crate::{frontend, sdk, toolchain};

/// What `test` was asked for.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only tests whose name contains this
    filter: Option<String>,
    /// Leave out the browser journeys (and the build of the app)
    #[arg(long)]
    no_browser: bool,
    /// Only the client libraries in `sdk`
    #[arg(long, conflicts_with = "filter")]
    sdk: bool,
}

/// Builds every crate the same way wherever something is built for tests, checks or generated
/// files: another selection of packages or targets would unify features differently and build
/// half of the dependencies again.
pub(crate) const EVERYTHING: [&str; 3] = ["--workspace", "--bins", "--tests"];

/// Runs the tests.
///
/// # Errors
/// When one fails, or something they need is missing.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let mut report = Report::new();
    if options.sdk {
        let servers = report.step("PostgreSQL", || Servers::database(root))?;
        report.step("building the service", || {
            services::run(toolchain::cargo(root).args(["build", "--package", "finops-api", "--bins"]))
        })?;
        report.keep_going("client libraries", || clients(root, &servers));
        return report.finish();
    }
    let servers = report.step("starting what the tests talk to", || Servers::start(root))?;
    servers.describe(&report);
    if !options.no_browser {
        report.step("building the app", || app(root).map(drop))?;
    }
    report.step("building the tests", || build(root))?;
    let filter = options.filter.as_deref();
    report.keep_going("cargo test", || cargo_test(root, &servers, filter));
    if filter.is_none() {
        report.keep_going("client libraries", || clients(root, &servers));
    }
    if !options.no_browser {
        report.keep_going("browser journeys", || journeys(root, &servers, filter));
    }
    services::check_stop()?;
    drop(servers);
    report.finish()
}

/// The servers that tests talk to; dropping it stops them and forgets their data.
pub(crate) struct Servers {
    moto: Option<(Service, String)>,
    /// A Python with OpenTelemetry's exporter.
    otlp: Option<PathBuf>,
    /// A Python with a mail server.
    smtp: Option<PathBuf>,
    /// The throw-away PostgreSQL.
    pub(crate) cluster: Cluster,
    _lock: File,
}

impl Servers {
    /// Starts PostgreSQL and moto, and installs what the tests call.
    ///
    /// # Errors
    /// When one of them is missing and cannot be installed, or does not start.
    pub(crate) fn start(root: &Path) -> Result<Self> {
        let mut servers = Self::database(root)?;
        let server = toolchain::moto(root)?;
        servers.otlp = Some(toolchain::otlp(root)?);
        servers.smtp = Some(toolchain::smtp(root)?);
        servers.moto = Some(toolchain::start_moto(&server, &root.join("target/moto.log"))?);
        Ok(servers)
    }

    /// Starts PostgreSQL alone.
    ///
    /// # Errors
    /// When it is missing and cannot be installed, or does not start.
    pub(crate) fn database(root: &Path) -> Result<Self> {
        let home = root.join("target/test-pg");
        fs::create_dir_all(&home)?;
        let lock = lock(&home.join("lock"), "the tests")?;
        let cluster = Cluster::start(&Spec { home, throw_away: true, flush: false, room: false, connections: 200 })?;
        Ok(Self { moto: None, otlp: None, smtp: None, cluster, _lock: lock })
    }

    fn describe(&self, report: &Report) {
        report.line(&self.cluster.describe());
        if let Some((_, address)) = &self.moto {
            report.line(&format!("moto (AWS key service) on {address}"));
        }
    }
}

/// One run of `what` a checkout; a second one waits.
///
/// # Errors
/// When the file cannot be written, or a stop is asked for.
pub(crate) fn lock(path: &Path, what: &str) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    if file.try_lock().is_err() {
        say(&format!("waiting for another run of {what} in this checkout"));
        while file.try_lock().is_err() {
            services::pause(std::time::Duration::from_millis(500))?;
        }
    }
    Ok(file)
}

/// Builds the app as it is shipped.
///
/// # Errors
/// When the build fails.
pub(crate) fn app(root: &Path) -> Result<frontend::BuildReport> {
    toolchain::wasm_target()?;
    frontend::build(root, frontend::Profile::Release)
}

/// Builds the programs and the tests of all crates.
///
/// # Errors
/// When something does not compile.
pub(crate) fn build(root: &Path) -> Result<()> {
    services::run(toolchain::cargo(root).arg("build").args(EVERYTHING))
}

/// Where [`build`] put a program.
pub(crate) fn program(root: &Path, name: &str) -> PathBuf {
    toolchain::target(root).join("debug").join(name)
}

/// Runs the tests of all crates, documentation examples included.
///
/// # Errors
/// When one fails.
pub(crate) fn cargo_test(root: &Path, servers: &Servers, filter: Option<&str>) -> Result<()> {
    let mut test = toolchain::cargo(root);
    test.args(["test", "--workspace", "--no-fail-fast"])
        .args(filter)
        .env("DATABASE_URL", servers.cluster.url("postgres"));
    if let Some((_, address)) = &servers.moto {
        test.env("KMS_TEST_ENDPOINT", address);
    }
    if let Some(python) = &servers.otlp {
        test.env("OTLP_TEST_PYTHON", python);
    }
    if let Some(python) = &servers.smtp {
        test.env("SMTP_TEST_PYTHON", python);
    }
    services::run(&mut test)
}

/// Runs the tests of the client libraries in `sdk` against the built service.
///
/// # Errors
/// When one fails.
pub(crate) fn clients(root: &Path, servers: &Servers) -> Result<()> {
    sdk::test(root, servers, toolchain::target(root).join("debug"))
}

/// Runs the journeys in `frontend/e2e` against the built programs and a database of their own.
///
/// # Errors
/// When one fails, or Chromium is missing.
pub(crate) fn journeys(root: &Path, servers: &Servers, filter: Option<&str>) -> Result<()> {
    let dir = root.join("frontend");
    toolchain::node()?;
    toolchain::npm_ci(&dir)?;
    let chromium = toolchain::chromium()?;
    let package: Value = serde_json::from_str(&fs::read_to_string(dir.join("package.json"))?)?;
    anyhow::ensure!(package["scripts"]["e2e"].is_string(), "frontend/package.json has no script `e2e`");
    servers.cluster.ensure_database("finops_e2e")?;
    let mut npm = Command::new("npm");
    npm.current_dir(&dir)
        .args(["run", "--silent", "e2e"])
        .env("CHROMIUM", chromium)
        .env("FINOPS_BIN", program(root, "finops"))
        .env("SIMULATOR_BIN", program(root, "finops-simulator"))
        .env("APP_DIR", root.join("target/app/dist"))
        .env("DATABASE_URL", servers.cluster.url("finops_e2e"));
    if let Some(filter) = filter {
        npm.args(["--", "--pass-with-no-tests", "--grep", filter]);
    }
    services::run(&mut npm)
}
