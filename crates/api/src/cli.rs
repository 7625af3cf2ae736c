//! The command line.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use secrecy::ExposeSecret as _;

use crate::app;
use crate::platform::clock::Clock;
use crate::platform::config::{self, Config};
use crate::platform::db;
use crate::platform::state::State;
use crate::platform::telemetry::logs;

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
    /// Bring the database's schema up to date.
    Migrate,
    /// Print the API's description.
    Openapi,
    /// Print every setting, secrets masked.
    Config,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Openapi => print(&app::openapi()),
        Command::Config => print(&config::describe()),
        Command::Migrate => run(migrate),
        Command::Serve => run(serve),
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

async fn serve(config: Config) -> anyhow::Result<()> {
    let listener = TcpListener::bind((config.host, config.port))
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let state = State::new(config, Clock::system()).await?;
    let db = state.db.clone();
    tracing::info!(address = %listener.local_addr()?, "listening");
    let server = app::serve(state, listener, workers)?;
    let handle = server.handle();
    let mut server = std::pin::pin!(server);
    tokio::select! {
        ended = &mut server => ended?,
        () = stop_signal() => {
            tracing::info!("stopping");
            tokio::join!(handle.stop(true), server).1?;
        }
    }
    db.close().await;
    Ok(())
}

/// SIGTERM or Ctrl-C.
async fn stop_signal() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be listened for");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
