//! `.finops/secrets.env`: the secrets of a local run, made once and kept.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;
use base64::Engine;

use crate::paths;

/// `NAME=value` pairs in the order of the file.
pub(crate) type Pairs = Vec<(String, String)>;

/// Reads `NAME=value` lines; comments, blank lines, `export` and surrounding quotes are allowed.
pub(crate) fn parse(text: &str) -> Pairs {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
            let value = value.trim();
            let bare = ['"', '\'']
                .into_iter()
                .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
                .unwrap_or(value);
            Some((name.trim().to_owned(), bare.to_owned()))
        })
        .collect()
}

/// The secrets in `path`, with the missing ones made and added. What is there is kept as it is:
/// a new `ENCRYPTION_KEY` would make every stored provider key unreadable.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn secrets(path: &Path) -> Result<Pairs> {
    let mut text = std::fs::read_to_string(path).unwrap_or_else(|_| {
        "# Made by `cargo xtask up` for this checkout alone. Keep it private, and keep it:\n\
         # without ENCRYPTION_KEY the stored provider keys cannot be read any more.\n"
            .to_owned()
    });
    let mut pairs = parse(&text);
    let before = pairs.len();
    for name in ["JWT_SECRET", "ENCRYPTION_KEY", "CRON_SECRET"] {
        if !pairs.iter().any(|(known, _)| known == name) {
            let random = paths::random::<32>()?;
            let value = if name == "CRON_SECRET" {
                paths::hex(&random)
            } else {
                base64::engine::general_purpose::STANDARD.encode(random)
            };
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&format!("{name}={value}\n"));
            pairs.push((name.to_owned(), value));
        }
    }
    if pairs.len() > before {
        paths::write_private(path, &text)?;
    }
    Ok(pairs)
}

/// Writes what the service was started with, so that a shell can be given the same: `set -a; . FILE`.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn save(path: &Path, pairs: impl Iterator<Item = (String, OsString)>) -> Result<()> {
    let mut text = "# What `cargo xtask up` started the service with the last time. Keep it private.\n".to_owned();
    for (name, value) in pairs {
        // Text that is not UTF-8 could not have come from this program.
        let value = value.to_string_lossy().replace('\'', r"'\''");
        text.push_str(&format!("{name}='{value}'\n"));
    }
    paths::write_private(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_survive_comments_quotes_and_equal_signs() {
        let pairs = parse("# note\n\nA=b==\nexport B=\"two words\"\n C = 'x' \nnonsense\n");
        let expected = [("A", "b=="), ("B", "two words"), ("C", "x")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn secrets_are_made_once_and_what_is_there_is_kept() {
        let path = std::env::temp_dir().join(format!("xtask-secrets-{}.env", std::process::id()));
        std::fs::write(&path, "ENCRYPTION_KEY=mine").unwrap();
        let first = secrets(&path).unwrap();
        let second = secrets(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(first, second);
        assert_eq!(first[0], ("ENCRYPTION_KEY".to_owned(), "mine".to_owned()));
        assert_eq!(first.len(), 3);
        let jwt = &first.iter().find(|(name, _)| name == "JWT_SECRET").unwrap().1;
        let bytes = base64::engine::general_purpose::STANDARD.decode(jwt).unwrap();
        assert_eq!(bytes.len(), 32);
    }
}
