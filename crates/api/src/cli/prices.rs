//! Public prices from the command line.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use finops_contract::ErrorCode;
use finops_contract::prices::PriceImportReport;

use super::exit::Usage;
use super::output::Output;
use crate::features::prices::{self, Incoming};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::db::{Db, PoolSizes};
use crate::platform::http::ApiError;
use crate::platform::state::State;

/// What can be done with public prices.
#[derive(Debug, Subcommand)]
pub(super) enum PricesCommand {
    /// Read a list in LiteLLM's format into the book. What is too strange waits for an administrator.
    Import {
        /// A file, or an http or https URL.
        from: String,
        /// From when on the prices hold, in RFC 3339; now by default.
        #[arg(long)]
        effective_from: Option<DateTime<Utc>>,
    },
}

/// Runs it.
pub(super) async fn run(config: Config, command: PricesCommand, output: Output) -> anyhow::Result<()> {
    let PricesCommand::Import { from, effective_from } = command;
    let state = State::new(config, Clock::system()).await?;
    let is_past = effective_from.is_some_and(|since| since < state.clock.now());
    ensure!(!is_past, Usage("--effective-from must not be past: what is past was priced"));
    let report = import(&state, &from, effective_from).await;
    state.db.close().await;
    output.print(&report?, text)
}

async fn import(state: &State, from: &str, since: Option<DateTime<Utc>>) -> anyhow::Result<PriceImportReport> {
    let missing = if from.contains("://") { ErrorCode::ProviderUnavailable } else { ErrorCode::NotFound };
    let given = Incoming::given(state, from, since).await;
    given.map_err(|error| ApiError::new(missing).with_detail(format!("{error:#}")))?.take(state).await
}

/// Reads the shipped book into a database that does not have it.
pub(super) async fn install(url: &str) -> anyhow::Result<()> {
    let db = Db::new(url, PoolSizes { api: 1, analytics: 1, jobs: 1, ingest: 1, guard: 1 })?;
    let mut tx = db.platform().await?;
    prices::install(&mut tx, &Clock::system()).await.context("the shipped prices could not be read in")?;
    tx.commit().await?;
    db.close().await;
    Ok(())
}

fn text(report: &PriceImportReport) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} new, {} changed and {} unchanged prices from {}",
        report.entries_new, report.entries_changed, report.entries_unchanged, report.source
    );
    if report.entries_suspicious > 0 {
        let _ = writeln!(text, "! {} changes wait for an administrator", report.entries_suspicious);
    }
    for skipped in &report.skipped {
        let _ = writeln!(text, "✗ {}: {}", skipped.name, skipped.reason);
    }
    text
}
