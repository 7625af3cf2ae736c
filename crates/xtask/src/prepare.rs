//! `cargo xtask prepare`: what is generated and checked in, made anew or compared.
//!
//! `.sqlx` holds what PostgreSQL says about every `query!` in the service, so that building needs
//! no database. sqlx's macros write it themselves when they are expanded against a live database
//! with `SQLX_OFFLINE_DIR` set; all that is left to do here is to offer them a migrated database
//! and to have the service's library compiled again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::report::Report;
use crate::test::{EVERYTHING, Servers, build, program};
use crate::{openapi, sdk, services, toolchain};

/// Makes or checks everything that is generated.
///
/// # Errors
/// When something does not compile, or (with `check`) is out of date.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let mut report = Report::new();
    let servers = report.step("PostgreSQL", || Servers::database(root))?;
    report.keep_going(".sqlx", || queries(root, &servers, check));
    report.keep_going("openapi/openapi.json", || {
        build(root)?;
        openapi::generate(root, &program(root, "finops"), check)
    });
    report.keep_going("client libraries' types", || sdk::types(root, check));
    report.finish()
}

/// Makes or checks `.sqlx`.
///
/// # Errors
/// When the migrations do not apply, a query is wrong, or (with `check`) a file differs.
pub(crate) fn queries(root: &Path, servers: &Servers, check: bool) -> Result<()> {
    servers.cluster.ensure_database("finops_prepare")?;
    servers.cluster.apply("finops_prepare", &migrations(root)?)?;
    let fresh = root.join("target/sqlx");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh)?;
    {
        let _touched = Touched::new(root.join("crates/api/src/lib.rs"))?;
        services::run(
            toolchain::cargo(root)
                .arg("check")
                .args(EVERYTHING)
                .env("DATABASE_URL", servers.cluster.url("finops_prepare"))
                .env("SQLX_OFFLINE", "false")
                .env("SQLX_OFFLINE_DIR", &fresh),
        )?;
    }
    let checked_in = root.join(".sqlx");
    let (now, then) = (read(&fresh)?, read(&checked_in)?);
    let differing = differences(&now, &then);
    if check && !differing.is_empty() {
        bail!(".sqlx is out of date; run `cargo xtask prepare`:\n{}", differing.join("\n"));
    }
    for name in then.keys().filter(|name| !now.contains_key(*name)) {
        fs::remove_file(checked_in.join(name))?;
    }
    if !now.is_empty() {
        fs::create_dir_all(&checked_in)?;
    }
    for (name, text) in now.iter().filter(|(name, text)| then.get(*name) != Some(text)) {
        fs::write(checked_in.join(name), text)?;
    }
    Ok(())
}

/// The migrations in their order.
fn migrations(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(root.join("migrations"))
        .context("no migrations")?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".sql") && !name.ends_with(".down.sql")
        })
        .collect();
    files.sort_by_key(|file| version(file));
    Ok(files)
}

/// The number a migration's name starts with.
fn version(file: &Path) -> u64 {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.split('_').next().and_then(|number| number.parse().ok()).unwrap_or(u64::MAX)
}

fn read(dir: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("query-") {
            files.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(files)
}

fn differences(now: &BTreeMap<String, String>, then: &BTreeMap<String, String>) -> Vec<String> {
    let changed = now.iter().filter_map(|(name, text)| match then.get(name) {
        None => Some(format!("  missing  {name}")),
        Some(old) if old != text => Some(format!("  changed  {name}")),
        Some(_) => None,
    });
    let gone = then.keys().filter(|name| !now.contains_key(*name));
    changed.chain(gone.map(|name| format!("  unused   {name}"))).collect()
}

/// Makes cargo compile a file's crate again. The file's time is put back afterwards, so that what
/// was built from it otherwise still counts as up to date.
struct Touched {
    file: File,
    before: SystemTime,
}

impl Touched {
    fn new(path: PathBuf) -> Result<Self> {
        let file =
            File::options().append(true).open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let before = file.metadata()?.modified()?;
        file.set_modified(SystemTime::now())?;
        Ok(Self { file, before })
    }
}

impl Drop for Touched {
    fn drop(&mut self) {
        let _ = self.file.set_modified(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_sort_by_number() {
        assert!(version(Path::new("m/9_a.sql")) < version(Path::new("m/10_b.sql")));
        assert_eq!(version(Path::new("m/20260101120000_init.sql")), 20_260_101_120_000);
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let now: BTreeMap<_, _> = map(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let then = map(&[("a", "1"), ("b", "x"), ("d", "4")]);
        let found = differences(&now, &then);
        assert_eq!(found, ["  changed  b", "  missing  c", "  unused   d"]);
    }
}
