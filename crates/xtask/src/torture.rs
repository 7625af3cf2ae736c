//! `cargo xtask torture`: what must hold when processes, servers and networks die under load. It judges: a promise that
//! is broken fails the run. The seed it prints makes the same moments and the same events again.

mod control;
mod import;
mod ledger;
mod load;
mod numbers;
mod proxy;
mod scene;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::postgres::{Cluster, Spec};
use crate::programs::Programs;
use crate::report::{Report, say};
use crate::services::{self, Ledger};
use crate::{paths, test, toolchain};
use scene::Stage;

/// What to torture.
#[derive(clap::Subcommand)]
pub(crate) enum Torture {
    /// Storing usage events; one JSON line a promise on standard output
    Ingest(Ingest),
    /// Alerts and stops; one JSON line a promise on standard output
    Control(Control),
}

/// What both kinds are told.
#[derive(clap::Args)]
struct Common {
    /// What decides the moments and the events
    #[arg(long)]
    seed: Option<u64>,
    /// With unoptimised programs, which are built sooner
    #[arg(long)]
    dev: bool,
}

/// How much of it.
#[derive(clap::Args)]
pub(crate) struct Control {
    /// Which promises: 8 many events cross thresholds, 9 the sender is killed, 10 sinks refuse or hang, 11 a hard budget under
    /// many callers, 12 ten thousand anomalies a minute
    #[arg(long, value_delimiter = ',', default_values_t = [8, 9, 10, 11, 12])]
    only: Vec<u8>,
    #[command(flatten)]
    common: Common,
}

/// How much of it.
#[derive(clap::Args)]
pub(crate) struct Ingest {
    /// Which promises: 1 the service is killed, 2 PostgreSQL is restarted and killed, 3 the database is out of reach,
    /// 4 one id many times at two replicas, 7 the service is killed during a large import
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3, 4, 7])]
    only: Vec<u8>,
    /// Kills of the service, and twice its share of PostgreSQL's: 50 is 20 restarts and 10 kills
    #[arg(long, default_value_t = 50)]
    rounds: u32,
    /// Seconds that the database is out of reach
    #[arg(long, default_value_t = 60)]
    outage: u64,
    /// Lines of the import
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    #[command(flatten)]
    common: Common,
}

/// Builds, tortures and judges. Everything is stopped and removed at the end.
///
/// # Errors
/// When something cannot be built or started, a promise is broken, or a stop is asked for.
pub(crate) fn run(root: &Path, torture: &Torture) -> Result<()> {
    let (only, common) = match torture {
        Torture::Ingest(options) => (&options.only, &options.common),
        Torture::Control(options) => (&options.only, &options.common),
    };
    let home = root.join("target/torture");
    paths::private_dir(&home, rustix::process::geteuid().is_root())?;
    let _lock = test::lock(&home.join("lock"), "the torture")?;
    let ledger = Ledger::at(home.join("children.json"));
    ledger.sweep();
    let mut report = Report::aside();
    let profile = if common.dev { "debug" } else { "release" };
    report.step("building the service", || {
        let mut build = toolchain::cargo(root);
        build.args(["build", "-p", "finops-api", "-p", "finops-simulator"]).args((!common.dev).then_some("--release"));
        services::run(&mut build)
    })?;
    let programs = Programs { root, bin: toolchain::target(root).join(profile), home: &home, ledger: &ledger };
    let spec = Spec { home: home.join("postgres"), throw_away: true, flush: true, room: false, connections: 100 };
    let mut cluster = report.step("PostgreSQL", || Cluster::start(&spec))?;
    report.line(&cluster.describe());
    let seed = common.seed.unwrap_or_else(now);
    report.line(&format!("the seed is {seed}"));
    let mut stage = Stage { programs: &programs, cluster: &mut cluster, spec: &spec, seed };
    let mut broken = Vec::new();
    for number in only {
        let verdict = report.step(&format!("promise {number}"), || judge(&mut stage, *number, torture))?;
        if verdict["held"] != true {
            broken.push(number.to_string());
        }
        say(&verdict.to_string());
    }
    ensure!(broken.is_empty(), "broken promises: {}", broken.join(", "));
    Ok(())
}

fn judge(stage: &mut Stage<'_>, number: u8, torture: &Torture) -> Result<Value> {
    match (torture, number) {
        (Torture::Ingest(options), 1) => numbers::kill_the_service(stage, options.rounds),
        (Torture::Ingest(options), 2) => {
            numbers::kill_postgres(stage, (options.rounds * 2).div_ceil(5), options.rounds.div_ceil(5))
        }
        (Torture::Ingest(options), 3) => numbers::out_of_reach(stage, options.outage),
        (Torture::Ingest(_), 4) => numbers::one_id(stage),
        (Torture::Ingest(options), 7) => import::killed(stage, options.rows),
        (Torture::Control(_), 8) => control::crossed_by_many(stage),
        (Torture::Control(_), 9) => control::killed_between(stage),
        (Torture::Control(_), 10) => control::refused(stage),
        (Torture::Control(_), 11) => control::guarded(stage),
        (Torture::Control(_), 12) => control::flooded(stage),
        (_, other) => anyhow::bail!("there is no promise {other} here"),
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Clone, Copy, Debug)]
struct Dice(u64);

impl Dice {
    /// The next number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}
