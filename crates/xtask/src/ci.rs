//! `cargo xtask ci`: everything that a change has to pass, in the order that finds the cheap
//! mistakes first. A failed step does not end the run: one run shows all that is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::report::Report;
use crate::services::{capture, run as execute};
use crate::test::{self, Servers};
use crate::{openapi, prepare, services, toolchain, unused};

const CARGO_DENY: &str = "0.20.2";

/// What of the app's wasm a browser fetches before home can be used, in bytes of brotli.
const FIRST_LOAD: u64 = 400_000;

/// What each piece that is fetched on demand may be, in bytes of brotli: some 15 % above what it is. A page that grows
/// past its ceiling is to be looked at before the ceiling is.
const PIECES: [(&str, u64); 13] = [
    ("common", 140_000),
    ("alerts", 160_000),
    ("audit", 34_000),
    ("budgets", 86_000),
    ("events", 57_000),
    ("explore", 7_000),
    ("integration", 15_000),
    ("pricebook", 85_000),
    // With what a project's cost was worth, its budgets, and what the guard says.
    ("projects", 74_000),
    ("reports", 60_000),
    ("settings", 56_000),
    ("setup", 19_000),
    ("teams", 44_000),
];

/// What the style sheet may be, in bytes as they are parsed.
const CSS: u64 = 40_000;

/// Runs everything.
///
/// # Errors
/// When a step fails; which ones is printed, with the time each took.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut report = Report::new();
    let steps = &mut report;
    steps.keep_going("format", || execute(toolchain::cargo(root).args(["fmt", "--all", "--check"])));
    steps.keep_going("unused dependencies", || unused::check(root));
    steps.keep_going("licences, sources and bans", || deny(root));
    steps.keep_going("lints", || lints(root));
    steps.keep_going("lints of the app in the browser", || {
        toolchain::wasm_target()?;
        clippy(root, &["--package", "finops-frontend", "--target", "wasm32-unknown-unknown"])
    });
    services::check_stop()?;
    let servers = steps.step("starting what the tests talk to", || Servers::start(root))?;
    steps.keep_going("checked-in queries are up to date", || prepare::queries(root, &servers, true));
    let app = steps.keep_going("building the app", || test::app(root).map(drop));
    if app {
        steps.keep_going("bundle budgets", || budgets(&root.join("target/app/dist")));
    }
    services::check_stop()?;
    steps.keep_going("API description is complete", || openapi::lint(root));
    if steps.keep_going("building the tests", || test::build(root)) {
        steps.keep_going("checked-in API description is up to date", || {
            openapi::generate(root, &test::program(root, "finops"), true)
        });
        steps.keep_going("cargo test", || test::cargo_test(root, &servers, None));
        steps.keep_going("client libraries", || test::clients(root, &servers));
        services::check_stop()?;
        if app {
            steps.keep_going("browser journeys", || test::journeys(root, &servers, None));
        }
    }
    drop(servers);
    services::check_stop()?;
    report.finish()
}

fn lints(root: &Path) -> Result<()> {
    // The feature `embed-app` looks at this directory when it is compiled.
    fs::create_dir_all(root.join("target/app/dist"))?;
    clippy(root, &["--workspace", "--bins", "--tests", "--features", "finops-api/embed-app"])
}

fn clippy(root: &Path, selection: &[&str]) -> Result<()> {
    let mut clippy = toolchain::cargo(root);
    clippy.arg("clippy").args(selection).args(["--", "--deny", "warnings"]);
    execute(&mut clippy)
}

/// Advisories are left to a scheduled job outside: they need a database from the network, and a
/// change is not wrong because the world has learnt something.
fn deny(root: &Path) -> Result<()> {
    let deny = cargo_deny(root)?;
    execute(
        Command::new(deny)
            .current_dir(root)
            .args(["--locked", "check", "--hide-inclusion-graph"])
            .args(["bans", "licenses", "sources"]),
    )
}

/// cargo-deny from the PATH when it is the pinned version, else built into `target/tools`.
fn cargo_deny(root: &Path) -> Result<PathBuf> {
    let tools = root.join("target/tools");
    let mine = tools.join("bin/cargo-deny");
    let pinned = |file: &Path| capture(Command::new(file).arg("--version")).is_ok_and(|text| text.contains(CARGO_DENY));
    let known = toolchain::on_path("cargo-deny").into_iter().chain([mine.clone()]);
    for file in known {
        if pinned(&file) {
            return Ok(file);
        }
    }
    execute(
        toolchain::cargo(root)
            .args(["install", "cargo-deny", "--locked", "--quiet", "--version", CARGO_DENY])
            .arg("--root")
            .arg(&tools)
            .arg("--target-dir")
            .arg(tools.join("build"))
            // It runs for a second: what counts is how fast it builds.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    )
    .context("cannot install cargo-deny")?;
    let _ = fs::remove_dir_all(tools.join("build"));
    Ok(mine)
}

/// Holds the app to its budgets: what home waits for, each piece, the style sheet.
fn budgets(dist: &Path) -> Result<()> {
    let shell = fs::read_to_string(dist.join("index.html")).context("the app is not built")?;
    let (mut first, mut css, mut whole) = (0, 0, 0);
    let mut over = Vec::new();
    let mut hold = |what: &str, size: u64, ceiling: u64| {
        crate::report::say(&format!("  {what}: {size} of {ceiling} bytes"));
        if size == 0 {
            over.push(format!("{what} is missing"));
        } else if size > ceiling {
            over.push(format!("{what}: {size} bytes, {ceiling} allowed"));
        }
    };
    let mut pieces = PIECES.map(|(piece, ceiling)| (piece, ceiling, 0));
    for entry in fs::read_dir(dist.join("assets"))? {
        let entry = entry?;
        let (name, size) = (entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len());
        if name.ends_with(".css") {
            css += size;
        }
        let Some(module) = name.strip_suffix(".br").filter(|module| module.ends_with(".wasm")) else { continue };
        whole += size;
        // What is loaded at once is what the shell names; a spec of the browser holds it to that.
        if shell.contains(module) {
            first += size;
            continue;
        }
        let piece = module.rsplit_once('-').map_or(module, |(piece, _)| piece);
        let Some((.., measured)) = pieces.iter_mut().find(|(known, ..)| *known == piece) else {
            bail!("the piece {piece} ({size} bytes) has no ceiling yet: give it one in {}", file!());
        };
        *measured += size;
    }
    hold("wasm before home can be used", first, FIRST_LOAD);
    for (piece, ceiling, size) in pieces {
        hold(&format!("piece {piece}"), size, ceiling);
    }
    hold("style sheet", css, CSS);
    crate::report::say(&format!("  wasm of the whole app: {whole} bytes"));
    if !over.is_empty() {
        bail!("{}", over.join("; "));
    }
    Ok(())
}
