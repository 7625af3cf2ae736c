//! Collecting from the command line.

use std::fmt::Write as _;

use anyhow::ensure;
use chrono::NaiveDate;
use finops_contract::collector::DailyBatchReport;

use super::exit::{Unwell, Usage};
use super::output::Output;
use crate::features::collector::{self, Caller};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::state::State;

/// Collects every team's bill up to a UTC day, and waits for it.
pub(super) async fn collect(config: Config, date: Option<NaiveDate>, output: Output) -> anyhow::Result<()> {
    let state = State::new(config, Clock::system()).await?;
    let fits = |date| collector::collectable(date, state.clock.today());
    ensure!(date.is_none_or(fits), Usage("--date must be a UTC day of the last 180 that is over"));
    let report = collector::daily(&state, &Caller::CLI, date).await;
    state.db.close().await;
    let report = report?;
    output.print(&report, text)?;
    ensure!(report.success, Unwell("not every team's costs could be collected"));
    Ok(())
}

fn text(report: &DailyBatchReport) -> String {
    let mut text = String::new();
    for team in &report.teams {
        // Writing to a String cannot fail.
        let _ = match &team.error {
            None => writeln!(
                text,
                "✓ {}: {} new, {} restated, {} unattributed",
                team.team_name, team.records_created, team.records_updated, team.records_unattributed
            ),
            Some(error) => writeln!(text, "✗ {}: {} ({})", team.team_name, error.message, error.code),
        };
        for notice in &team.notices {
            let _ = writeln!(text, "  ! {}", notice.message);
        }
    }
    if report.teams.is_empty() {
        text.push_str("! No team has an active Admin API key\n");
    }
    let _ = writeln!(
        text,
        "{} new and {} restated cost lines up to {} in {} ms",
        report.records_created, report.records_updated, report.date, report.duration
    );
    text
}
