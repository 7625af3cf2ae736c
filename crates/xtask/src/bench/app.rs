//! How soon the app can be used, in a throttled browser, against the demo that `cargo xtask up` runs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{demo, services, toolchain};

/// Cold loads of the home page; the 95th percentile is the second slowest.
const ROUNDS: &str = "21";

/// Measures and prints one line.
///
/// # Errors
/// When the demo does not run, or the browser is missing.
pub(super) fn measure(root: &Path, url: &str) -> Result<()> {
    let frontend = root.join("frontend");
    toolchain::node()?;
    toolchain::npm_ci(&frontend)?;
    let chromium = toolchain::chromium()?;
    let sign_in = demo::sign_in(&root.join(".finops/demo.json"))?;
    let mut node = Command::new("node");
    node.current_dir(&frontend)
        .args(["scripts/speed.mjs", url, &sign_in.email, &sign_in.password, ROUNDS])
        .env("CHROMIUM", chromium);
    services::run(&mut node).context("the demo has to run beside this: `cargo xtask up`")
}
