//! How commands print what they did.

use std::io::Write as _;

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;

/// How a command prints what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Text,
    /// For machines: one JSON document on standard output.
    Json,
}

impl Output {
    /// Prints a report in one of the two.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(super) fn print<T: Serialize>(self, report: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        print(&match self {
            Self::Json => format!("{}\n", serde_json::to_string(report)?),
            Self::Text => text(report),
        })
    }
}

/// Writes text to standard output.
///
/// # Errors
/// When standard output is closed.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}
