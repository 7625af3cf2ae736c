//! The command line.

mod collect;
mod exit;
mod output;
mod prices;
mod setup;
mod verify;

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use chrono::NaiveDate;
use clap::{Parser, Subcommand};
use secrecy::ExposeSecret as _;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use self::exit::Unwell;
use self::output::{Output, print};
use crate::features::audit;
use crate::platform::clock::Clock;
use crate::platform::config::{self, Config, DatabaseConfig};
use crate::platform::crypto::rekey::{self, RekeyReport};
use crate::platform::db::{self, OrganizationId};
use crate::platform::http::{Actor, Ctx};
use crate::platform::state::State;
use crate::platform::telemetry::logs;
use crate::{app, serve};

/// What an organization's AI costs, who and what causes it.
///
/// Exit codes: 0 all is well; 1 it ran, and not all is well; 2 arguments or settings; 3 no such thing; 4 refused;
/// 5 the database, the key service or the provider did not answer; 70 anything else.
#[derive(Debug, Parser)]
#[command(name = "finops", version)]
struct Cli {
    /// How to print what was done, and what went wrong.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,
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
    Rekey,
    /// Prove that every sum that dashboards read is what its lines add up to.
    VerifyRollups {
        /// Compute anew what differs.
        #[arg(long)]
        repair: bool,
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
    },
    /// Register a team's OpenAI Admin API key, read from standard input or a prompt.
    RegisterAdminKey {
        /// The team.
        team_id: Uuid,
    },
    /// Check encryption, keys, Project IDs and the connection to the Costs API, of one team or of all.
    ValidateOpenaiSetup {
        /// The team; all of them by default.
        team_id: Option<Uuid>,
        /// Every team of every organization.
        #[arg(long, conflicts_with = "team_id")]
        all: bool,
    },
    /// Ask the Costs API for a team's last thirty days, storing nothing.
    TestCostsApi {
        /// The team.
        team_id: Uuid,
    },
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::unread(&error),
    };
    match dispatch(cli.command, cli.output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::failed(cli.output, &error),
    }
}

fn dispatch(command: Command, output: Output) -> anyhow::Result<()> {
    match command {
        Command::Openapi => print(&app::openapi()),
        Command::Config => output.print(&config::settings(), |settings| config::describe(settings)),
        Command::Migrate => migrate(output),
        Command::Serve => run(serve::serve),
        Command::Jobs => run(serve::jobs),
        Command::Rekey => run(|config| rekey(config, output)),
        Command::VerifyRollups { repair } => run(|config| verify::rollups(config, repair, output)),
        Command::Prices { command } => run(|config| prices::run(config, command, output)),
        Command::Collect { date } => run(|config| collect::collect(config, date, output)),
        Command::RegisterAdminKey { team_id } => run(|config| setup::register_admin_key(config, team_id, output)),
        Command::ValidateOpenaiSetup { team_id, .. } => run(|config| setup::validate(config, team_id, output)),
        Command::TestCostsApi { team_id } => run(|config| setup::test_costs_api(config, team_id, output)),
    }
}

/// Reads the configuration, starts logging, and runs a command on the runtime that its handlers will use.
fn run<F: Future<Output = anyhow::Result<()>>>(command: impl FnOnce(Config) -> F) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    logs::init(config.log_format);
    actix_web::rt::System::new().block_on(command(config))
}

/// Where a schema is brought up to date, no secret of the service has to be.
fn migrate(output: Output) -> anyhow::Result<()> {
    let database = DatabaseConfig::from_env()?;
    logs::init(database.log_format);
    actix_web::rt::System::new().block_on(async {
        db::migrate(database.url.expose_secret()).await?;
        prices::install(database.url.expose_secret()).await
    })?;
    output.print(&json!({"migrated": true}), |_| String::new())
}

async fn rekey(config: Config, output: Output) -> anyhow::Result<()> {
    let state = State::new(config, Clock::system()).await?;
    let record = async |conn: &mut PgConnection, organization: OrganizationId, key_id: &str| {
        let ctx = Ctx::trusted(Actor::Cli, organization, state.clock.clone());
        let change = audit::Change::new("secret.rekey", organization.0, "secrets").after(json!({"keyId": key_id}));
        audit::record(conn, &ctx, change).await
    };
    let progress = |report: &RekeyReport| tracing::info!(?report, "re-encrypting");
    let report = rekey::run(&state.db, &state.secrets, record, progress).await;
    state.db.close().await;
    let report = report.context("stopped; run it again to go on")?;
    output.print(&report, |report| {
        format!(
            "{} of {} secrets of {} organizations re-encrypted; {} changed meanwhile, {} could not be opened\n",
            report.rekeyed, report.checked, report.organizations, report.changed_meanwhile, report.failed
        )
    })?;
    ensure!(report.failed == 0, Unwell("not every secret could be opened; the log names those that could not"));
    Ok(())
}
