//! The edges between the parts of the house (ARCHITECTURE.md), held by reading the sources.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            files.push((path, text));
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Lines of code that hold one of the texts.
fn offenders(directory: &str, forbidden: impl Fn(&Path, &str) -> bool) -> Vec<String> {
    let files = sources(&root().join(directory));
    assert!(!files.is_empty(), "{directory} has no sources");
    let mut found = Vec::new();
    for (path, text) in files {
        for (number, line) in text.lines().enumerate() {
            if !line.trim_start().starts_with("//") && forbidden(&path, line) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn the_platform_does_not_know_the_features() {
    let found = offenders("crates/api/src/platform", |_, line| line.contains("crate::features"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_feature_uses_another_only_through_what_its_mod_offers() {
    let inside = ["store", "routes", "service", "domain", "jobs", "page", "lease", "query", "summary"];
    let found = offenders("crates/api/src/features", |_, line| {
        line.split("features::").skip(1).any(|rest| {
            let mut path = rest.split("::");
            let (_feature, part) = (path.next(), path.next().unwrap_or_default());
            let part: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            inside.contains(&part.as_str()) && rest.contains(&format!("::{part}::"))
        })
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_contract_and_the_simulator_stand_alone() {
    let server = ["actix", "sqlx", "reqwest", "aws_", "tokio"];
    let found =
        offenders("crates/contract/src", |_, line| server.iter().any(|name| line.contains(&format!("{name}::"))));
    assert!(found.is_empty(), "{}", found.join("\n"));
    let found = offenders("crates/simulator/src", |_, line| {
        ["finops_api", "finops_providers", "finops_contract"].iter().any(|name| line.contains(name))
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
    let found =
        offenders("crates/providers/src", |_, line| line.contains("finops_api") || line.contains("finops_contract"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn routes_hold_no_sql_and_read_no_clock() {
    let found = offenders("crates/api/src/features", |path, line| {
        path.ends_with("routes.rs")
            && ["sqlx::query", "Utc::now", "env::var", "SELECT "].iter().any(|text| line.contains(text))
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}
