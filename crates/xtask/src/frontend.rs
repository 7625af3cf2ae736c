//! `cargo xtask frontend`: from Rust and style sheets to the directory that the service serves.
//!
//! cargo compiles, the library `wasm_split_cli_support` cuts off the pages that are fetched on demand, the library
//! `wasm-bindgen-cli-support` (at the version that is locked, so it cannot mismatch) makes the JavaScript beside what
//! is left, and `frontend/scripts/pack.mjs` does what Node's packages are for: `wasm-opt`, one style sheet, fonts, names
//! by content, `.br` and `.gz`, `index.html`.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use wasm_bindgen_cli_support::Bindgen;

use crate::{services, toolchain};

/// Quick to build, or quick to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Unoptimised.
    Dev,
    /// As people get it.
    Release,
}

impl Profile {
    const fn name(self) -> &'static str {
        match self {
            Profile::Dev => "dev",
            Profile::Release => "wasm-release",
        }
    }

    /// Cargo's directory for it.
    const fn directory(self) -> &'static str {
        match self {
            Profile::Dev => "debug",
            Profile::Release => "wasm-release",
        }
    }
}

/// What was built.
#[expect(dead_code, reason = "for callers that want to look at it")]
pub(crate) struct BuildReport {
    /// The directory to serve: `index.html`, `csp.json` and `assets/`.
    pub(crate) dist: PathBuf,
}

/// Builds the app into `target/app/dist`.
///
/// # Errors
/// When a step fails. The directory then holds what it held before.
pub(crate) fn build(root: &Path, profile: Profile) -> Result<BuildReport> {
    let source = root.join("frontend");
    let home = root.join("target/app");
    let (bound, dist) = (home.join("bound"), home.join("dist"));
    toolchain::node()?;
    toolchain::npm_ci(&source)?;

    let mut cargo = toolchain::cargo(root);
    cargo.args(["build", "-p", "finops-frontend", "--bin", "finops-app", "--target", "wasm32-unknown-unknown"]);
    cargo.args(["--profile", profile.name()]);
    // One type for every view: far faster to compile, and 13 % smaller than a type for each.
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "--cfg erase_components");
    services::run(&mut cargo)?;

    let wasm = toolchain::target(root).join("wasm32-unknown-unknown").join(profile.directory()).join("finops-app.wasm");
    let made_of = fingerprint(&wasm, &source, profile)?;
    let mark = home.join("dist.made-of");
    if fs::read_to_string(&mark).is_ok_and(|known| known == made_of) && dist.join("index.html").is_file() {
        return Ok(BuildReport { dist });
    }
    let _ = fs::remove_dir_all(&bound);
    fs::create_dir_all(&bound).with_context(|| format!("cannot create {}", bound.display()))?;
    let rest = home.join("finops-app.rest.wasm");
    cut(&wasm, &bound, &rest)?;
    bind(&rest, &bound, profile)?;

    // Whatever happens from here on, the directory is not what the mark says.
    let _ = fs::remove_file(&mark);
    fs::create_dir_all(&dist)?;
    services::run(
        Command::new("node")
            .current_dir(&source)
            .arg("scripts/pack.mjs")
            .args([&bound, &dist])
            .args((profile == Profile::Dev).then_some("--dev")),
    )?;
    fs::write(&mark, made_of)?;
    Ok(BuildReport { dist })
}

/// What the packed app depends on, as one number: optimising and compressing take most of a minute, and nothing changes
/// between two runs of the same checkout. Not for trust, only for telling apart.
fn fingerprint(wasm: &Path, source: &Path, profile: Profile) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    profile.name().hash(&mut hasher);
    let mut files = vec![wasm.to_owned(), source.join("index.html"), source.join("package-lock.json")];
    // Names the versions of what cuts and binds.
    files.push(source.join("../Cargo.lock"));
    for directory in ["style", "scripts", "public"] {
        list(&source.join(directory), &mut files)?;
    }
    files.sort();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("no {}", directory.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Cuts the wasm at the functions of `frontend/src/pieces.rs`: the pieces and `pieces.js`, which fetches them, go to
/// `pieces`, and what is loaded at once to `rest`. Needs the relocations that `frontend/build.rs` asks the linker for.
fn cut(wasm: &Path, pieces: &Path, rest: &Path) -> Result<()> {
    let whole = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let mut options = wasm_split_cli_support::Options::new(&whole);
    options.output_dir = pieces;
    options.main_out_path = rest;
    options.link_name = "./pieces.js";
    options.main_module = "./app.js";
    wasm_split_cli_support::transform(options).map_err(|error| anyhow!("wasm_split: {error:#}"))?;
    Ok(())
}

/// Makes the JavaScript that loads the wasm.
fn bind(wasm: &Path, out: &Path, profile: Profile) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name("app").typescript(false);
    // What the pieces share with the rest is found by the names that the linker gave it.
    bindgen.keep_lld_exports(true).demangle(false);
    bindgen.debug(profile == Profile::Dev).keep_debug(profile == Profile::Dev);
    bindgen.remove_name_section(profile == Profile::Release).remove_producers_section(true);
    bindgen.web(true).and_then(|bindgen| bindgen.generate(out)).map_err(|error| anyhow!("wasm-bindgen: {error:#}"))
}
