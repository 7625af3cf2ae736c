//! `cargo xtask`: every command that works on the project as a whole. What a command does is in
//! the module of its name; this file only reads the command line.

mod bench;
mod ci;
mod demo;
mod dist;
mod env_file;
mod frontend;
mod http;
mod openapi;
mod paths;
mod pg_binaries;
mod postgres;
mod prepare;
mod programs;
mod report;
mod sdk;
mod services;
mod test;
mod toolchain;
mod torture;
mod unused;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Sets up, runs, tests and packs FinOps for AI")]
struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Set everything up and run it on http://localhost:8080, with a demo unless told otherwise
    Up(up::Options),
    /// Run all tests, installing what they need
    Test(test::Options),
    /// Run everything that a change has to pass
    Ci,
    /// Build the app into target/app/dist
    Frontend {
        /// Fast to build, slow to load
        #[arg(long)]
        dev: bool,
    },
    /// Measure how fast costs are stored and read; one JSON line a figure on standard output
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Break what can break under load, and judge what became of it; one JSON line a promise on standard output
    #[command(subcommand)]
    Torture(torture::Torture),
    /// Regenerate what is generated and checked in: .sqlx, openapi/openapi.json and the client libraries' types
    Prepare {
        /// Change nothing; fail if something is out of date
        #[arg(long)]
        check: bool,
    },
    /// Build target/dist/finops: the service with the app inside, one file
    Dist,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if services::is_stopped(&error) => ExitCode::from(130),
        Err(error) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: &Verb) -> Result<()> {
    let root = paths::root()?;
    services::listen_for_stop()?;
    match verb {
        Verb::Up(options) => up::run(&root, options),
        Verb::Test(options) => test::run(&root, options),
        Verb::Ci => ci::run(&root),
        Verb::Frontend { dev } => {
            toolchain::wasm_target()?;
            let profile = if *dev { frontend::Profile::Dev } else { frontend::Profile::Release };
            frontend::build(&root, profile).map(drop)
        }
        Verb::Bench(what) => bench::run(&root, what),
        Verb::Torture(what) => torture::run(&root, what),
        Verb::Prepare { check } => prepare::run(&root, *check),
        Verb::Dist => dist::run(&root),
    }
}
