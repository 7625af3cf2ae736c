//! `cargo xtask up`: from a checkout to a running product in one command.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::postgres::{Cluster, Spec, free_port};
use crate::programs::{Address, Environment, Programs};
use crate::report::{Report, say};
use crate::services::{self, Ledger, Service};
use crate::{demo, env_file, frontend, paths, toolchain};

/// What `up` was asked for.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Start empty, against the real provider, instead of filling a demo from the simulator
    #[arg(long)]
    no_demo: bool,
    /// The port to serve on
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Build the service optimised (slower to build, faster to run)
    #[arg(long)]
    release: bool,
}

/// Everything that runs. Fields are dropped in this order: the service first, its database last.
struct Running {
    service: Option<Service>,
    simulator: Option<Service>,
    cluster: Option<Cluster>,
    _lock: File,
}

impl Running {
    /// # Errors
    /// When a part has ended, or a stop was asked for.
    fn check(&mut self) -> Result<()> {
        services::check_stop()?;
        for part in [&mut self.service, &mut self.simulator].into_iter().flatten() {
            part.check()?;
        }
        self.cluster.as_ref().map_or(Ok(()), Cluster::check)
    }

    fn stop(mut self, report: &Report) {
        for (name, part) in [("service", self.service.take()), ("simulator", self.simulator.take())] {
            if let Some(part) = part {
                drop(part);
                report.line(&format!("{name} stopped"));
            }
        }
        if let Some(cluster) = self.cluster.take() {
            drop(cluster);
            report.line("PostgreSQL stopped");
        }
    }
}

/// Sets everything up, runs it, and stops it again on Ctrl-C.
///
/// # Errors
/// When a step fails or a part ends by itself; everything is stopped by then.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    services::listen_for_stop()?;
    let home = root.join(".finops");
    paths::private_dir(&home, rustix::process::geteuid().is_root())?;
    let mut running = Running { service: None, simulator: None, cluster: None, _lock: lock(&home)? };
    let mut report = Report::new();
    let result = start(root, &home, options, &mut report, &mut running);
    running.stop(&report);
    match result {
        Err(error) if services::is_stopped(&error) => Ok(()),
        other => other,
    }
}

fn start(root: &Path, home: &Path, options: &Options, report: &mut Report, running: &mut Running) -> Result<()> {
    let ledger = Ledger::at(home.join("children.json"));
    let left = ledger.sweep();
    if left > 0 {
        report.line(&format!("ended {left} processes that an earlier run had left"));
    }
    if TcpListener::bind(("127.0.0.1", options.port)).is_err() {
        bail!("port {0} is in use: stop what listens there, or pass --port", options.port);
    }
    let demo = !options.no_demo
        && std::env::var_os("OPENAI_BASE_URL").is_none()
        && std::env::var_os("OPENAI_ADMIN_API_KEY").is_none();
    let database = database(home, demo, report, running)?;

    let profile = build(root, options, report)?;
    let programs = Programs { root, bin: toolchain::target(root).join(profile), home, ledger: &ledger };
    let url = format!("http://localhost:{}", options.port);
    let mut env = environment(root, home, options.port, &url, database)?;
    if demo {
        let address = simulator(&programs, running)?;
        report.line(&format!("the outside world is simulated on {}", address.base));
        env.push(("OPENAI_BASE_URL".into(), address.openai.clone().into()));
        let allowed = std::env::var_os("OUTBOUND_ALLOW").and_then(|allowed| allowed.into_string().ok());
        let vendors = address.vendors(|name| std::env::var_os(name).is_some(), allowed.as_deref());
        env.extend(vendors.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        serve(&programs, &env, options.port, report, running)?;
        let sign_in = demo::sign_in(&home.join("demo.json"))?;
        let service = format!("http://127.0.0.1:{}", options.port);
        let clock = report.clock();
        report.step("filling the demo", || demo::fill(clock, &service, &address, &sign_in, &mut || running.check()))?;
        announce(&url, Some((&sign_in, &address.base)));
    } else {
        serve(&programs, &env, options.port, report, running)?;
        announce(&url, None);
    }
    loop {
        services::pause(Duration::from_millis(300))?;
        running.check()?;
    }
}

/// Builds all that runs, and says by which profile the service.
fn build(root: &Path, options: &Options, report: &mut Report) -> Result<&'static str> {
    report.step("building the app", || {
        toolchain::wasm_target()?;
        frontend::build(root, frontend::Profile::Release)
    })?;
    report.step("building the service", || {
        let mut build = toolchain::cargo(root);
        build.args(["build", "-p", "finops-api", "-p", "finops-simulator"]);
        if options.release {
            build.arg("--release");
        }
        services::run(&mut build)
    })?;
    Ok(if options.release { "release" } else { "debug" })
}

/// What the service is set up by.
fn environment(root: &Path, home: &Path, port: u16, url: &str, database: String) -> Result<Vec<(String, OsString)>> {
    let mut env = env_file::secrets(&home.join("secrets.env"))?
        .into_iter()
        .map(|(name, value)| (name, OsString::from(value)))
        .collect::<Vec<_>>();
    for (name, value) in [
        ("FINOPS_ENV", "development".to_owned()),
        ("HOST", "127.0.0.1".to_owned()),
        ("PUBLIC_URL", url.to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
    ] {
        env.push((name.to_owned(), value.into()));
    }
    // What the person set by hand holds, but for what this run is about.
    env.retain(|(name, _)| std::env::var_os(name).is_none());
    env.push(("PORT".into(), port.to_string().into()));
    env.push(("DATABASE_URL".into(), database.into()));
    env.push(("APP_DIR".into(), root.join("target/app/dist").into()));
    Ok(env)
}

/// One `up` a checkout: the lock goes with the process, however it ends.
fn lock(home: &Path) -> Result<File> {
    let path = home.join("up.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!("`cargo xtask up` is running in this checkout already; stop that one first")
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error).context("cannot lock `.finops`"),
    }
}

/// `DATABASE_URL`, else a database of the private cluster. The demo has one of its own, so that
/// simulated bills never mix with real ones.
fn database(home: &Path, demo: bool, report: &mut Report, running: &mut Running) -> Result<String> {
    if let Some(url) = std::env::var_os("DATABASE_URL").filter(|url| !url.is_empty()) {
        report.line("using the database in DATABASE_URL");
        return url.into_string().ok().context("DATABASE_URL is not text");
    }
    let name = if demo { "finops_demo" } else { "finops" };
    let cluster = report.step("PostgreSQL", || {
        let cluster = Cluster::start(&Spec {
            home: home.join("postgres"),
            throw_away: false,
            flush: true,
            room: false,
            connections: 100,
        })?;
        cluster.ensure_database(name)?;
        Ok(cluster)
    })?;
    report.line(&cluster.describe());
    let url = cluster.url(name);
    running.cluster = Some(cluster);
    Ok(url)
}

/// Starts the simulator on the port it had before, so that the database's demo keeps its provider.
fn simulator(programs: &Programs<'_>, running: &mut Running) -> Result<Address> {
    let memory = programs.home.join("simulator.json");
    let remembered = paths::read_json::<Value>(&memory)
        .and_then(|known| u16::try_from(known["port"].as_u64()?).ok())
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    let port = remembered.map_or_else(free_port, Ok)?;
    paths::write_json(&memory, &json!({ "port": port }))?;
    let (service, address) = programs.simulator(port, "demo")?;
    running.simulator = Some(service);
    Ok(address)
}

/// Migrates, starts the service and waits until it is ready.
fn serve(
    programs: &Programs<'_>,
    env: &Environment,
    port: u16,
    report: &mut Report,
    running: &mut Running,
) -> Result<()> {
    env_file::save(&programs.home.join("finops.env"), env.iter().cloned())?;
    report.step("migrating the database", || programs.migrate(env))?;
    running.service = Some(report.step("starting the service", || programs.serve(env, port))?);
    Ok(())
}

fn announce(url: &str, demo: Option<(&demo::SignIn, &str)>) {
    say("");
    say(&format!("  FinOps for AI   {url}"));
    match demo {
        Some((sign_in, simulator)) => {
            say(&format!("  e-mail          {}", sign_in.email));
            say(&format!("  password        {}", sign_in.password));
            say(&format!("  what it sends   {simulator}/_sim/inbox/slack  (resend, twilio, pagerduty, webhook)"));
        }
        None => say("  Register there: the first account becomes the administrator."),
    }
    say("  log             .finops/finops.log");
    say("  Ctrl-C stops everything.");
    say("");
}
