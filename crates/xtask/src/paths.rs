//! Where things are: the checkout, the state kept beside it, and small file helpers.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the checkout this xtask was compiled from.
///
/// # Errors
/// When the checkout has moved since (the binary was copied elsewhere).
pub(crate) fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().with_context(|| format!("the checkout is not at {} any more", root.display()))
}

/// Creates `dir` and its parents for this account alone; `shared` lets others pass through
/// (not list), which the database's account needs when root starts it.
///
/// # Errors
/// When the file system refuses.
pub(crate) fn private_dir(dir: &Path, shared: bool) -> Result<()> {
    let mode = if shared { 0o711 } else { 0o700 };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(dir)
        .with_context(|| format!("cannot create {}", dir.display()))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(mode))
        .with_context(|| format!("cannot set the mode of {}", dir.display()))
}

/// Replaces `path` by `text` in one step, readable by this account alone. A crash leaves the old
/// file or the new one, never half of either.
///
/// # Errors
/// When the file system refuses.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension("new");
    let written = (|| {
        let _ = fs::remove_file(&fresh);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    })();
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a small JSON file; a missing or unreadable one counts as `None`, so that deleting the
/// file is always a way out.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// Writes a small JSON file with [`write_private`].
///
/// # Errors
/// When the file system refuses.
pub(crate) fn write_json<T: serde::Serialize>(path: &Path, value: &T) -> Result<()> {
    write_private(path, &format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// `N` bytes from the operating system's random source.
///
/// # Errors
/// When there is no `/dev/urandom`.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(bytes)
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// FNV-1a over a path or text: names a directory or stamps a file's content. Not for secrets.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// The last `lines` lines of a log, indented for printing below an error.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..]
        .iter()
        .map(|line| format!("    {}\n", line.chars().take(400).collect::<String>()))
        .collect()
}

/// Starts a log afresh, keeping the one before it as `<name>.1`.
///
/// # Errors
/// When the file system refuses.
pub(crate) fn fresh_log(path: &Path) -> Result<fs::File> {
    let mut old = path.as_os_str().to_owned();
    old.push(".1");
    let _ = fs::rename(path, old);
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_stable() {
        assert_eq!(fingerprint(b""), "cbf29ce484222325");
        assert_eq!(fingerprint(b"a"), "af63dc4c8601ec8c");
    }

    #[test]
    fn tail_keeps_the_end_and_bounds_lines() {
        let path = std::env::temp_dir().join(format!("xtask-tail-{}", std::process::id()));
        fs::write(&path, format!("one\ntwo\n{}\n", "x".repeat(900))).unwrap();
        let shown = tail(&path, 2);
        fs::remove_file(&path).unwrap();
        assert!(shown.starts_with("    two\n"));
        assert_eq!(shown.lines().last().unwrap().len(), 404);
    }

    #[test]
    fn private_files_are_private() {
        let path = std::env::temp_dir().join(format!("xtask-private-{}.env", std::process::id()));
        write_private(&path, "A=b\n").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        fs::remove_file(&path).unwrap();
        assert_eq!(mode & 0o777, 0o600);
    }
}
