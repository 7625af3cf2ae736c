//! The command line.

mod collect;
mod output;
mod prices;
mod setup;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Parser, Subcommand};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use self::output::{Output, print};

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
    /// Prove that every sum that dashboards read is what its lines add up to.
    VerifyRollups {
        /// Compute anew what differs.
        #[arg(long)]
        repair: bool,
        /// How to print what was found.
        #[arg(short, long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Public prices of models.
    Prices {
        #[command(subcommand)]
        command: prices::PricesCommand,
    },
    /// Collect every team's costs now, and wait for it.
    Collect {
        /// The UTC day to collect up to and including; yesterday by default.
        #[arg(long)]
        date: Option<NaiveDate>,
        /// How to print what was done.
        #[arg(short, long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Register a team's OpenAI Admin API key, read from standard input or a prompt.
    RegisterAdminKey {
        /// The team.
        team_id: Uuid,
        /// How to print what was done.
        #[arg(short, long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Check encryption, keys, Project IDs and the connection to the Costs API, of one team or of all.
    ValidateOpenaiSetup {
        /// The team; all of them by default.
        team_id: Option<Uuid>,
        /// Every team of every organization.
        #[arg(long, conflicts_with = "team_id")]
        all: bool,
        /// How to print what was found.
        #[arg(short, long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Ask the Costs API for a team's last thirty days, storing nothing.
    TestCostsApi {
        /// The team.
        team_id: Uuid,
        /// How to print what was found.
        #[arg(short, long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
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
        Command::VerifyRollups { repair, output } => run(|config| verify::rollups(config, repair, output)),
        Command::Prices { command } => run(|config| prices::run(config, command)),
        Command::Collect { date, output } => run(|config| collect::collect(config, date, output)),
        Command::RegisterAdminKey { team_id, output } => {
            run(|config| setup::register_admin_key(config, team_id, output))
        }
        Command::ValidateOpenaiSetup { team_id, output, .. } => run(|config| setup::validate(config, team_id, output)),
        Command::TestCostsApi { team_id, output } => run(|config| setup::test_costs_api(config, team_id, output)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "finops: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the configuration, starts logging, and runs a command on the runtime that its handlers will use.
fn run<F: Future<Output = anyhow::Result<()>>>(command: impl FnOnce(Config) -> F) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    logs::init(config.log_format);
    actix_web::rt::System::new().block_on(command(config))
}

async fn migrate(config: Config) -> anyhow::Result<()> {
    db::migrate(config.database_url.expose_secret()).await?;
    let state = State::new(config, Clock::system()).await?;
    let installed = prices::install(&state).await;
    state.db.close().await;
    installed
}

async fn rekey(config: Config, output: Output) -> anyhow::Result<()> {
    let state = State::new(config, Clock::system()).await?;
    let progress = |report: &RekeyReport| tracing::info!(?report, "re-encrypting");
    let report = rekey::run(&state.db, &state.secrets, progress).await.context("stopped; run it again to go on")?;
    state.db.close().await;
    output.print(&report, |report| {
        format!(
            "{} of {} secrets of {} organizations re-encrypted; {} changed meanwhile, {} could not be opened\n",
            report.rekeyed, report.checked, report.organizations, report.changed_meanwhile, report.failed
        )
    })?;
    anyhow::ensure!(report.failed == 0, "{} secrets could not be opened; the log names them", report.failed);
    Ok(())
}
