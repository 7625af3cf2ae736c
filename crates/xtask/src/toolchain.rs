//! What the build and the tests need on the machine, installed where that can be done without
//! asking, and named in one clear error where it cannot.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::services::{self, capture, run};

/// The target of the app.
const WASM: &str = "wasm32-unknown-unknown";

/// What moto (a stand-in for AWS, here for its key service) is installed from.
const MOTO: &[&str] = &["moto==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];

/// The vendors' clients that the Python library meters in its tests.
const METERED: &[&str] = &["anthropic==2.13.0", "openai==3.57.0"];
/// What an unmodified program that uses OpenTelemetry has.
const OTLP: &[&str] = &["opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2"];

/// A mail server.
const SMTP: &[&str] = &["aiosmtpd==1.4.6"];

/// The cargo that runs this xtask, in the checkout. Queries are always checked against `.sqlx`:
/// a `DATABASE_URL` in the environment must not change what is built.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).env("SQLX_OFFLINE", "true");
    cargo
}

/// Cargo's target directory.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// Adds the wasm32 target to the Rust toolchain unless it is there.
///
/// # Errors
/// When it is missing and rustup cannot add it.
pub(crate) fn wasm_target() -> Result<()> {
    let sysroot = capture(Command::new("rustc").args(["--print", "sysroot"]))?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib").join(WASM).join("lib");
    if library.is_dir() {
        return Ok(());
    }
    run(Command::new("rustup").args(["target", "add", WASM])).with_context(|| {
        format!("the Rust target {WASM} is missing: add it with rustup, or install your distribution's package of it")
    })
}

/// Installs Debian packages, when root on a Debian or Ubuntu.
///
/// # Errors
/// When not root, not Debian, or the installation fails.
pub(crate) fn install_debian(packages: &[&str]) -> Result<()> {
    if !Path::new("/etc/debian_version").exists() {
        bail!("not found: {}", packages.join(", "));
    }
    if !rustix::process::geteuid().is_root() {
        bail!("not found: {0} (as root this would install it: `apt-get install {0}`)", packages.join(" "));
    }
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    crate::report::say(&format!("installing Debian's {}", packages.join(", ")));
    // An index from long ago names files that are gone, and a fresh machine has none at all.
    run(apt().args(["update", "--quiet=2"]))?;
    run(apt().args(["install", "--yes", "--quiet=2", "--no-install-recommends"]).args(packages))
}

/// Whether a program is on the PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// Makes sure of Node.js and npm.
///
/// # Errors
/// When they are missing and cannot be installed.
pub(crate) fn node() -> Result<()> {
    if on_path("node").is_some() && on_path("npm").is_some() {
        return Ok(());
    }
    install_debian(&["nodejs", "npm"]).context("Node.js 18 or newer with npm is needed to build and test the app")
}

/// Installs `dir`'s npm packages exactly as locked, unless that lock is installed already.
///
/// # Errors
/// When npm fails.
pub(crate) fn npm_ci(dir: &Path) -> Result<()> {
    let lock = fs::read(dir.join("package-lock.json"))
        .with_context(|| format!("no package-lock.json in {}", dir.display()))?;
    let stamp = dir.join("node_modules/.installed");
    let now = paths::fingerprint(&lock);
    if fs::read_to_string(&stamp).is_ok_and(|then| then == now) {
        return Ok(());
    }
    node()?;
    run(Command::new("npm")
        .current_dir(dir)
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        // A browser is looked for on the machine, never downloaded.
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    fs::write(&stamp, now).with_context(|| format!("cannot write {}", stamp.display()))
}

/// The Chromium that the browser tests drive: `CHROMIUM`, else one found, else Debian's.
///
/// # Errors
/// When there is none and it cannot be installed.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM").map(PathBuf::from) {
        anyhow::ensure!(named.is_file(), "CHROMIUM names {}, which is no file", named.display());
        return Ok(named);
    }
    let find = || {
        ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].into_iter().find_map(on_path).or_else(
            || {
                [
                    "/Applications/Chromium.app/Contents/MacOS/Chromium",
                    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
                ]
                .into_iter()
                .map(PathBuf::from)
                .find(|file| file.is_file())
            },
        )
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    // Korean glyphs: without a font that has them, screenshots show boxes.
    install_debian(&["chromium", "fonts-noto-cjk"])
        .context("the browser tests need Chromium: install it, or name one in CHROMIUM")?;
    find().context("Chromium was installed but is not on the PATH")
}

/// moto's server in a virtual environment under `target/`.
///
/// # Errors
/// When Python or pip fails.
pub(crate) fn moto(root: &Path) -> Result<PathBuf> {
    let home = python(&root.join("target/moto"), MOTO).context("the key service's tests need moto")?;
    Ok(home.join("moto_server"))
}

/// A Python for the tests of the client library: it has the vendors' clients, which the library meters.
///
/// # Errors
/// When Python or pip fails.
pub(crate) fn sdk_python(root: &Path) -> Result<PathBuf> {
    let home = python(&root.join("target/sdk/python"), METERED).context("the client library's tests need Python")?;
    Ok(home.join("python"))
}

/// A Python with OpenTelemetry's SDK and exporter.
///
/// # Errors
/// When Python or pip fails.
pub(crate) fn otlp(root: &Path) -> Result<PathBuf> {
    let home = python(&root.join("target/otlp"), OTLP).context("the test of OpenTelemetry's exporter needs Python")?;
    Ok(home.join("python"))
}

/// A Python with a mail server.
///
/// # Errors
/// When Python or pip fails.
pub(crate) fn smtp(root: &Path) -> Result<PathBuf> {
    let home = python(&root.join("target/smtp"), SMTP).context("the test of mail by SMTP needs Python")?;
    Ok(home.join("python"))
}

/// A virtual environment with these packages, installed once per pinned version; answers where its programs are.
fn python(home: &Path, packages: &[&str]) -> Result<PathBuf> {
    let bin = home.join("bin");
    let stamp = home.join(".installed");
    let now = packages.join("\n");
    if bin.join("python").exists() && fs::read_to_string(&stamp).is_ok_and(|then| then == now) {
        return Ok(bin);
    }
    let _ = fs::remove_dir_all(home);
    let create = || {
        capture(Command::new("python3").args(["-m", "venv"]).arg(home)).context("cannot create a Python environment")
    };
    if let Err(error) = create() {
        install_debian(&["python3", "python3-venv"]).context(format!("{error:#}"))?;
        let _ = fs::remove_dir_all(home);
        create()?;
    }
    run(Command::new(bin.join("python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(packages))
    .with_context(|| format!("cannot install {}", packages.join(", ")))?;
    fs::write(&stamp, now)?;
    Ok(bin)
}

/// Starts moto on a free port; answers the service and its address once it listens.
///
/// # Errors
/// When it does not start.
pub(crate) fn start_moto(server: &Path, log: &Path) -> Result<(services::Service, String)> {
    let port = crate::postgres::free_port()?;
    let mut command = Command::new(server);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let mut moto = services::Service::start("moto", &mut command, log, None, None)?;
    moto.wait_for(std::time::Duration::from_secs(60), || std::net::TcpStream::connect(("127.0.0.1", port)).ok())?;
    Ok((moto, format!("http://127.0.0.1:{port}")))
}
