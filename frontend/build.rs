//! Turns `locales/{ko,en}/<feature>.json` into Rust: one module a file, a `Word` constant for a plain text and a
//! function for a text with `{placeholders}`. A key, a placeholder or a file that one language has and the other
//! lacks stops the build, so an untranslated text cannot ship.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A text in one language: one form, or forms by count (English needs two, Korean one).
#[derive(Clone)]
struct Text {
    one: Option<String>,
    other: String,
}

type File = BTreeMap<String, Text>;
type Language = BTreeMap<String, File>;

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("locales");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=locales");
    // By its relocations `cargo xtask frontend` knows what calls what, and cuts the pages off (`src/pieces.rs`).
    if std::env::var_os("CARGO_CFG_TARGET_ARCH").is_some_and(|arch| arch == "wasm32") {
        println!("cargo:rustc-link-arg-bins=--emit-relocs");
    }
    let (ko, en) = (read_language(&root, "ko"), read_language(&root, "en"));
    let mut problems = Vec::new();
    compare(&ko, &en, &mut problems);
    if !problems.is_empty() {
        panic!("locales/ko and locales/en differ:\n  {}", problems.join("\n  "));
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("words.rs");
    std::fs::write(out, generate(&ko, &en)).expect("the output directory is writable");
}

fn read_language(root: &Path, language: &str) -> Language {
    let folder = root.join(language);
    let mut files = Language::new();
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        println!("cargo:rerun-if-changed={}", path.display());
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        files.insert(name, read_file(&path));
    }
    files
}

fn read_file(path: &Path) -> File {
    let fail = |what: &str| -> ! { panic!("{}: {what}", path.display()) };
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| fail(&e.to_string()));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|e| fail(&e.to_string()));
    let Some(object) = json.as_object() else { fail("must be an object") };
    let mut file = File::new();
    for (key, value) in object {
        if !key.starts_with(|c: char| c.is_ascii_lowercase())
            || !key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            fail(&format!("the key {key:?} must be snake_case"));
        }
        let text = match value {
            serde_json::Value::String(other) => Text { one: None, other: other.clone() },
            serde_json::Value::Object(forms) => {
                let form = |name: &str| forms.get(name).and_then(|v| v.as_str()).map(str::to_owned);
                let Some(other) = form("other") else { fail(&format!("{key} lacks \"other\"")) };
                Text { one: form("one"), other }
            }
            _ => fail(&format!("{key} must be a text or {{\"one\", \"other\"}}")),
        };
        if text.other.trim().is_empty() {
            fail(&format!("{key} is empty"));
        }
        file.insert(key.clone(), text);
    }
    file
}

fn compare(ko: &Language, en: &Language, problems: &mut Vec<String>) {
    for (name, missing) in names_apart(ko.keys(), en.keys()) {
        problems.push(format!("{missing}/{name}.json is missing"));
    }
    for (name, ko_file) in ko {
        let Some(en_file) = en.get(name) else { continue };
        for (key, missing) in names_apart(ko_file.keys(), en_file.keys()) {
            problems.push(format!("{missing}/{name}.json lacks {key:?}"));
        }
        for (key, ko_text) in ko_file {
            let Some(en_text) = en_file.get(key) else { continue };
            if placeholders(ko_text) != placeholders(en_text) {
                problems.push(format!("{name}.{key}: the languages have different placeholders"));
            }
            if (ko_text.one.is_some() || en_text.one.is_some()) && !placeholders(ko_text).contains("count") {
                problems.push(format!("{name}.{key}: a text with a singular needs {{count}}"));
            }
        }
    }
}

fn names_apart<'a>(
    ko: impl Iterator<Item = &'a String>,
    en: impl Iterator<Item = &'a String>,
) -> Vec<(String, &'static str)> {
    let (ko, en): (BTreeSet<_>, BTreeSet<_>) = (ko.collect(), en.collect());
    let mut apart: Vec<_> = ko.difference(&en).map(|n| ((*n).clone(), "en")).collect();
    apart.extend(en.difference(&ko).map(|n| ((*n).clone(), "ko")));
    apart
}

fn placeholders(text: &Text) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for form in text.one.iter().chain([&text.other]) {
        let mut rest = form.as_str();
        while let Some(start) = rest.find('{') {
            let Some(end) = rest[start..].find('}') else { break };
            names.insert(rest[start + 1..start + end].to_owned());
            rest = &rest[start + end + 1..];
        }
    }
    names
}

fn generate(ko: &Language, en: &Language) -> String {
    let mut out = String::new();
    for (name, ko_file) in ko {
        let en_file = &en[name];
        let _ = writeln!(out, "/// The words of `locales/*/{name}.json`.\npub mod {name} {{");
        out.push_str("    #[allow(unused_imports)]\n    use super::{Word, fill, plural};\n");
        for (key, ko_text) in ko_file {
            generate_key(&mut out, key, ko_text, &en_file[key]);
        }
        out.push_str("}\n");
    }
    out
}

fn generate_key(out: &mut String, key: &str, ko: &Text, en: &Text) {
    let _ = writeln!(out, "    /// {} · {}", doc(&ko.other), doc(&en.other));
    let names = placeholders(ko);
    if names.is_empty() {
        let name = key.to_uppercase();
        let _ = writeln!(out, "    pub const {name}: Word = Word::new({:?}, {:?});", ko.other, en.other);
        return;
    }
    // `count` comes as a number where a singular depends on it, everything else as what it displays.
    let counted = ko.one.is_some() || en.one.is_some();
    let parameters: Vec<_> = names
        .iter()
        .map(|n| if counted && n == "count" { "count: u64".into() } else { format!("{n}: &dyn std::fmt::Display") })
        .collect();
    let word = if counted {
        let one = |t: &Text| t.one.clone().unwrap_or_else(|| t.other.clone());
        format!("plural(count, Word::new({:?}, {:?}), Word::new({:?}, {:?}))", one(ko), one(en), ko.other, en.other)
    } else {
        format!("Word::new({:?}, {:?})", ko.other, en.other)
    };
    let values: Vec<_> = names
        .iter()
        .map(|n| {
            if counted && n == "count" {
                "(\"count\", &crate::format::number::grouped(&count.to_string()))".to_owned()
            } else {
                format!("({n:?}, {n})")
            }
        })
        .collect();
    let _ = writeln!(
        out,
        "    pub fn {key}({}) -> String {{ fill({word}, &[{}]) }}",
        parameters.join(", "),
        values.join(", ")
    );
}

fn doc(text: &str) -> String {
    text.replace('\n', " ").replace('[', "\\[").replace('<', "\\<")
}
