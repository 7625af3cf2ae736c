//! Proving the sums that dashboards read.

use std::fmt::Write as _;

use anyhow::ensure;
use serde::Serialize;

use super::exit::Unwell;
use super::output::Output;
use crate::features::collector::rollups::{self, RollupReport};
use crate::features::provider_usage;
use crate::features::usage::verify::{self, UsageReport};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::state::State;

/// Differing hours that are printed for people; the JSON names all of them.
const SHOWN: usize = 50;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    #[serde(flatten)]
    billed: RollupReport,
    provider_usage: RollupReport,
    usage: UsageReport,
}

/// Compares the sums of bills and of usage with what they are made of, and mends them if told to.
pub(super) async fn rollups(config: Config, repair: bool, output: Output) -> anyhow::Result<()> {
    let state = State::new(config, Clock::system()).await?;
    let billed = rollups::verify(&state, repair).await;
    let measured = provider_usage::rollups::verify(&state, repair).await;
    let usage = verify::verify(&state, repair).await;
    state.db.close().await;
    let report = Report { billed: billed?, provider_usage: measured?, usage: usage? };
    output.print(&report, text)?;
    let whole = report.billed.differing == report.billed.repaired
        && report.provider_usage.differing == report.provider_usage.repaired
        && report.usage.differing == report.usage.repaired;
    ensure!(whole, Unwell("sums differ from what they are made of; --repair mends them"));
    Ok(())
}

fn text(Report { billed, provider_usage, usage }: &Report) -> String {
    let mut text = format!(
        "{} organizations: {} days differ from their lines, {} repaired\n",
        billed.organizations, billed.differing, billed.repaired
    );
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} sums of provider usage differ from their lines, {} repaired",
        provider_usage.differing, provider_usage.repaired
    );
    let _ = writeln!(
        text,
        "{} days of usage: {} hours differ from their events, {} repaired",
        usage.days, usage.differing, usage.repaired
    );
    for difference in usage.differences.iter().take(SHOWN) {
        let hour = difference.hour.format("%Y-%m-%dT%H:00Z");
        let _ = writeln!(
            text,
            "  {hour} of {} in {}: {} sums",
            difference.organization_id, difference.grain, difference.sums
        );
    }
    text
}
