//! `cargo xtask dist`: the one file that, with PostgreSQL, is a whole deployment.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::report::Report;
use crate::{frontend, services, toolchain};

/// Builds `target/dist/finops` and says how big it is.
///
/// # Errors
/// When a build fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut report = Report::new();
    report.step("building the app", || {
        toolchain::wasm_target()?;
        frontend::build(root, frontend::Profile::Release)
    })?;
    report.step("building the service with the app inside", || {
        services::run(toolchain::cargo(root).args([
            "build",
            "--release",
            "-p",
            "finops-api",
            "--features",
            "embed-app",
        ]))
    })?;
    let built = toolchain::target(root).join("release/finops");
    let dist = root.join("target/dist");
    fs::create_dir_all(&dist)?;
    let file = dist.join("finops");
    // Not a copy onto a file that may be running: replaced in one step.
    let fresh = dist.join("finops.new");
    fs::copy(&built, &fresh).with_context(|| format!("no {}", built.display()))?;
    fs::rename(&fresh, &file)?;
    let bytes = fs::metadata(&file)?.len();
    #[expect(clippy::cast_precision_loss, reason = "megabytes for a person")]
    let megabytes = bytes as f64 / 1e6;
    report.line(&format!("{} ({megabytes:.1} MB)", file.display()));
    Ok(())
}
