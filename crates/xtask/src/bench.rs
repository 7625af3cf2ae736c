//! `cargo xtask bench`: how fast costs are stored and read, measured on the optimised programs with a PostgreSQL that
//! flushes every commit. It measures and does not judge: a missed target is printed, and no failure.

mod app;
mod collect;
mod figures;
mod guard;
mod ingest;
mod load;
mod queries;
mod rollups;
mod stage;

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::postgres::{Cluster, Spec};
use crate::programs::Programs;
use crate::report::{Report, say};
use crate::services::{self, Ledger};
use crate::{paths, test, toolchain};
use stage::Stage;

/// What to measure.
#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// Collecting half a year of a large bill beside one COPY of the same rows, then the cost queries
    Collect,
    /// The cost queries alone
    Queries,
    /// Storing usage events beside what PostgreSQL itself stores of the same rows
    Ingest {
        /// How often each way is measured
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
        rounds: u8,
    },
    /// How soon the guard says whether a call may be made, asked 5,000 times a second while events come in
    Guard {
        /// How often it is measured
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
        rounds: u8,
    },
    /// What ninety days of usage events cost by day and model: ten million of them beside one million
    Rollups,
    /// How soon the app can be used, throttled, against the demo that `cargo xtask up` runs beside this
    App {
        /// Where it runs
        #[arg(long, default_value = "http://localhost:8080")]
        url: String,
    },
}

/// Builds, measures and prints. Everything is stopped and removed at the end.
///
/// # Errors
/// When something cannot be built, started or measured, or a stop is asked for.
pub(crate) fn run(root: &Path, bench: &Bench) -> Result<()> {
    if let Bench::App { url } = bench {
        return app::measure(root, url);
    }
    let home = root.join("target/bench");
    paths::private_dir(&home, rustix::process::geteuid().is_root())?;
    let _lock = test::lock(&home.join("lock"), "the benchmarks")?;
    let ledger = Ledger::at(home.join("children.json"));
    ledger.sweep();
    let mut report = Report::aside();
    report.step("building the service and the simulator, optimised", || {
        services::run(toolchain::cargo(root).args(["build", "--release", "-p", "finops-api", "-p", "finops-simulator"]))
    })?;
    let programs = Programs { root, bin: toolchain::target(root).join("release"), home: &home, ledger: &ledger };
    let cluster = report.step("PostgreSQL", || {
        Cluster::start(&Spec {
            home: home.join("postgres"),
            throw_away: true,
            flush: true,
            room: true,
            connections: 50,
        })
    })?;
    report.line(&cluster.describe());
    let stage = Stage::set(&programs, &cluster)?;
    let result = measure(&stage, bench, &mut report);
    drop(stage);
    let _ = fs::remove_file(root.join(collect::ROWS_FILE));
    result
}

fn measure(stage: &Stage<'_>, bench: &Bench, report: &mut Report) -> Result<()> {
    if let Bench::Ingest { rounds } = bench {
        for figure in ingest::measure(stage, usize::from(*rounds), report)? {
            say(&figure.to_string());
        }
        return Ok(());
    }
    if let Bench::Guard { rounds } = bench {
        say(&guard::measure(stage, usize::from(*rounds), report)?.to_string());
        return Ok(());
    }
    if let Bench::Rollups = bench {
        say(&rollups::measure(stage, report)?.to_string());
        return Ok(());
    }
    if let Bench::Collect = bench {
        say(&collect::measure(stage, report)?.to_string());
    }
    for figure in queries::measure(stage, report)? {
        say(&figure.to_string());
    }
    Ok(())
}
