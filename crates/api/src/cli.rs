//! The command line.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use secrecy::ExposeSecret as _;

use crate::platform::clock::Clock;
use crate::platform::config::{self, Config};
use crate::platform::crypto::rekey::{self, RekeyReport};
use crate::platform::db;
use crate::platform::state::State;
use crate::platform::telemetry::logs;
use crate::{app, serve};

/// What an organization's AI costs, who and what causes it.
#[derive(Debug, Parser)]
#[command(name = "finops", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer requests and run background jobs.
    Serve,
    /// Run background jobs alone.
    Jobs,
    /// Bring the database's schema up to date.
    Migrate,
    /// Print the API's description.
    Openapi,
    /// Print every setting, secrets masked.
    Config,
    /// Re-encrypt every stored secret under the current key, while the service runs.
    Rekey {
        /// How to print what was done.
        #[arg(short, long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// How a command prints what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For machines: one JSON document on standard output.
    Json,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Openapi => print(&app::openapi()),
        Command::Config => print(&config::describe()),
        Command::Migrate => run(migrate),
        Command::Serve => run(serve::serve),
        Command::Jobs => run(serve::jobs),
        Command::Rekey { output } => run(|config| rekey(config, output)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "finops: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}

/// Reads the configuration, starts logging, and runs a command on the runtime that its handlers will use.
fn run<F: Future<Output = anyhow::Result<()>>>(command: impl FnOnce(Config) -> F) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    logs::init(config.log_format);
    actix_web::rt::System::new().block_on(command(config))
}

async fn migrate(config: Config) -> anyhow::Result<()> {
    db::migrate(config.database_url.expose_secret()).await
}

async fn rekey(config: Config, output: Output) -> anyhow::Result<()> {
    let state = State::new(config, Clock::system()).await?;
    let progress = |report: &RekeyReport| tracing::info!(?report, "re-encrypting");
    let report = rekey::run(&state.db, &state.secrets, progress).await.context("stopped; run it again to go on")?;
    state.db.close().await;
    print(&match output {
        Output::Json => format!("{}\n", serde_json::to_string(&report)?),
        Output::Text => format!(
            "{} of {} secrets of {} organizations re-encrypted; {} changed meanwhile, {} could not be opened\n",
            report.rekeyed, report.checked, report.organizations, report.changed_meanwhile, report.failed
        ),
    })?;
    anyhow::ensure!(report.failed == 0, "{} secrets could not be opened; the log names them", report.failed);
    Ok(())
}
