//! Dependencies that no source file names. The same rule as cargo-machete's, and its way of
//! excusing one (`[package.metadata.cargo-machete] ignored = ["x"]`), without building it.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::services::capture;
use crate::toolchain;

/// # Errors
/// When a crate has a dependency that its sources do not name.
pub(crate) fn check(root: &Path) -> Result<()> {
    let metadata = capture(toolchain::cargo(root).args(["metadata", "--no-deps", "--offline", "--format-version=1"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let mut unused = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let mut sources = String::new();
        for part in ["src", "tests", "benches", "examples", "build.rs"] {
            read(&manifest.with_file_name(part), &mut sources)?;
        }
        let ignored = &package["metadata"]["cargo-machete"]["ignored"];
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let name = dependency["rename"].as_str().or_else(|| dependency["name"].as_str());
            let name = name.unwrap_or_default();
            let excused = ignored.as_array().into_iter().flatten().any(|other| other == name);
            if !excused && !names(&sources, &name.replace('-', "_")) {
                unused.push(format!("  {}: {name}", package["name"].as_str().unwrap_or_default()));
            }
        }
    }
    if !unused.is_empty() {
        bail!("dependencies that are not used:\n{}", unused.join("\n"));
    }
    Ok(())
}

fn read(path: &Path, sources: &mut String) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            read(&entry?.path(), sources)?;
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") && path.is_file() {
        sources.push_str(&fs::read_to_string(path)?);
        sources.push('\n');
    }
    Ok(())
}

/// Whether `word` stands in `text` as a word of its own, comments aside.
fn names(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.lines().map(|line| line.split("//").next().unwrap_or(line)).any(|line| {
        line.match_indices(word)
            .any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn only_whole_words_outside_comments_count() {
        assert!(names("use serde_json::Value;", "serde_json"));
        assert!(names("#[serde(default)]", "serde"));
        assert!(!names("use serde_json::Value;", "serde"));
        assert!(!names("// anyhow is not used", "anyhow"));
    }
}
