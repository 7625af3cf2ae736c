//! Where PostgreSQL's server programs are on this machine, and which version they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::services::capture;

/// The oldest version that the schema works on.
const OLDEST: u32 = 15;

/// A PostgreSQL version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    /// 17 of 17.2.
    pub(crate) major: u32,
    /// 2 of 17.2.
    pub(crate) minor: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// One installation.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    /// Holds `postgres`, `initdb`, `pg_ctl` and `psql`.
    pub(crate) dir: PathBuf,
    /// What `postgres --version` says.
    pub(crate) version: Version,
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `… 18beta1` and the like.
fn parse_version(text: &str) -> Option<Version> {
    let word = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let mut numbers = word.split(|c: char| !c.is_ascii_digit());
    Some(Version {
        major: numbers.next()?.parse().ok()?,
        minor: numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0),
    })
}

/// Every installation of a version that works, each once.
pub(crate) fn find() -> Vec<Binaries> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    if let Ok(dir) = capture(Command::new("pg_config").arg("--bindir")) {
        dirs.push(PathBuf::from(dir.trim()));
    }
    if let Some(path) = std::env::var_os("PATH") {
        dirs.extend(std::env::split_paths(&path));
    }
    for (parent, prefix, inner) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/usr/local", "pgsql", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                dirs.push(entry.path().join(inner));
            }
        }
    }
    let mut found: Vec<Binaries> = Vec::new();
    for dir in dirs {
        // A link in /usr/local/bin names one program; its neighbours are where it points to.
        let Some(dir) =
            fs::canonicalize(dir.join("postgres")).ok().and_then(|file| file.parent().map(Path::to_path_buf))
        else {
            continue;
        };
        if found.iter().any(|known| known.dir == dir) {
            continue;
        }
        let whole = ["initdb", "pg_ctl", "psql"].iter().all(|name| dir.join(name).exists());
        let version =
            capture(Command::new(dir.join("postgres")).arg("--version")).ok().and_then(|text| parse_version(&text));
        if let (true, Some(version)) = (whole, version)
            && version.major >= OLDEST
        {
            found.push(Binaries { dir, version });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_every_packager_are_read() {
        for (text, major, minor) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15, 18),
            ("postgres (PostgreSQL) 17.2 (Homebrew)", 17, 2),
            ("postgres (PostgreSQL) 18beta1", 18, 0),
            ("postgres (PostgreSQL) 16", 16, 0),
        ] {
            assert_eq!(parse_version(text), Some(Version { major, minor }), "{text}");
        }
        assert_eq!(parse_version("command not found"), None);
    }

    #[test]
    fn newer_is_greater() {
        let version = |major, minor| Version { major, minor };
        assert!(version(17, 0) > version(15, 18));
        assert!(version(15, 18) > version(15, 9));
    }
}
