//! From the name that a caller uses to the one that the book has. Every step takes off what is known to say nothing
//! about the price, and what is left must be in the book to the letter: nothing is ever matched by likeness, so that
//! `gpt-4o` cannot become `gpt-4o-mini`.

use std::borrow::Cow;

use chrono::{Datelike as _, NaiveDate};

use super::domain::Steps;

/// What the name of a model stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'a, T> {
    /// What the book has.
    pub(super) entry: T,
    /// The steps that were needed.
    pub(super) steps: Steps,
    /// The region that the name says: `us` of `us.anthropic.claude-opus-4-6-v1`, `us-east-1` of an ARN.
    pub(super) region: Option<&'a str>,
    /// Whether that is the region of an inference profile, which may have prices of its own.
    pub(super) profile: bool,
}

/// Snapshots that cost something else than the model that they are named after. OpenAI's list has the first version of
/// gpt-4o at $5 and $15 a million tokens, and gpt-4o at $2.50 and $10.
const NOT_THEIR_MODEL: [&str; 1] = ["gpt-4o-2024-05-13"];

/// Prefixes under which a provider's own tools and gateways know its models, besides `<provider>/`.
const PREFIXES: [(&str, &[&str]); 6] = [
    ("openai", &["openai/"]),
    ("anthropic", &["anthropic/"]),
    ("google_ai", &["models/", "gemini/", "google/"]),
    ("vertex_ai", &["models/", "google/", "vertex/"]),
    ("aws_bedrock", &["bedrock/", "converse/", "amazon-bedrock/"]),
    ("azure", &["openai/"]),
];

/// Where an inference profile of Bedrock may run. The longest first: one is the beginning of another.
const PROFILES: [&str; 9] = ["us-gov.", "global.", "apac.", "us.", "eu.", "ap.", "jp.", "au.", "ca."];

/// Splits the region off the id of an inference profile.
pub(super) fn split_profile(model: &str) -> Option<(&str, &str)> {
    let prefix = PROFILES.into_iter().find(|prefix| model.starts_with(prefix))?;
    Some((prefix.trim_end_matches('.'), &model[prefix.len()..]))
}

/// Looks for a model of a provider. `find` knows the book's names.
pub(super) fn resolve<'a, T>(provider: &str, model: &'a str, find: impl Fn(&str) -> Option<T>) -> Option<Found<'a, T>> {
    let model = model.trim();
    if let Some(entry) = find(model) {
        return Some(Found { entry, steps: Steps::default(), region: None, profile: false });
    }
    let mut steps = Steps::default();
    let mut name = model;
    let (mut region, mut profile) = (None, false);
    if provider == "aws_bedrock"
        && let Some((place, id)) = split_arn(name)
    {
        (name, region, steps.provider_prefix) = (id, Some(place), true);
    }
    let bare = without_prefixes(provider, name);
    steps.provider_prefix |= bare.len() != name.len();
    name = bare;
    if provider == "aws_bedrock"
        && let Some((place, id)) = split_profile(name)
    {
        (name, region, profile, steps.region_prefix) = (id, Some(place), true, true);
    }
    if let Some(tuned) = fine_tuned(name) {
        (name, steps.fine_tuned) = (tuned, true);
    }
    let found = |entry, steps| Found { entry, steps, region, profile };
    if let Some(entry) = find(name) {
        return Some(found(entry, steps));
    }
    if NOT_THEIR_MODEL.contains(&name) {
        return None;
    }
    let dated = Steps { dated_snapshot: true, ..steps };
    let latest = Steps { latest: true, ..steps };
    let shorter = without_date(provider, name).map(|name| (name, dated));
    let shorter = shorter.or_else(|| name.strip_suffix("-latest").map(|name| (name, latest)));
    if let Some((name, steps)) = shorter
        && let Some(entry) = find(name)
    {
        return Some(found(entry, steps));
    }
    let (name, steps) = shorter.unwrap_or((name, steps));
    let spelled = other_spelling(provider, name)?;
    find(&spelled).map(|entry| found(entry, Steps { alias: true, ..steps }))
}

/// The region and the model of `arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-…`. Models
/// that somebody trained or bought capacity for are not charged by the token, and profiles of one's own say nothing.
fn split_arn(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix("arn:")?;
    let mut parts = rest.splitn(5, ':');
    let (_partition, service, region, _account) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (kind, id) = parts.next()?.split_once('/')?;
    (service == "bedrock" && matches!(kind, "foundation-model" | "inference-profile")).then_some((region, id))
}

/// Takes off what names the provider: at most two prefixes, and the path of a Google resource.
fn without_prefixes<'a>(provider: &str, model: &'a str) -> &'a str {
    let mut name = model;
    if matches!(provider, "google_ai" | "vertex_ai")
        && let Some(at) = name.rfind("publishers/google/models/")
    {
        name = &name[at + "publishers/google/models/".len()..];
    }
    for _ in 0..2 {
        let own = name.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'));
        let known = PREFIXES.iter().filter(|(known, _)| *known == provider).flat_map(|(_, prefixes)| prefixes.iter());
        let Some(rest) = own.or_else(|| known.into_iter().find_map(|prefix| name.strip_prefix(prefix))) else { break };
        name = rest;
    }
    name
}

/// `ft:gpt-4o-mini-2024-07-18` of `ft:gpt-4o-mini-2024-07-18:acme:support:9ixrG`.
fn fine_tuned(name: &str) -> Option<&str> {
    let base = name.strip_prefix("ft:")?;
    base.find(':').map(|end| &name[.."ft:".len() + end])
}

/// Takes off a date: `-2026-03-05`, `-20250929`, `@20250929`. On Bedrock the version that may follow it, too.
fn without_date<'a>(provider: &str, name: &'a str) -> Option<&'a str> {
    if provider == "aws_bedrock" {
        let unversioned = without_version(name);
        let undated = split_date(unversioned).unwrap_or(unversioned);
        return (undated.len() != name.len()).then_some(undated);
    }
    split_date(name)
}

fn split_date(name: &str) -> Option<&str> {
    let cut = |length: usize, separators: &[char], format: &str| {
        let (head, tail) = name.split_at_checked(name.len().checked_sub(length)?)?;
        let text = tail.strip_prefix(separators)?;
        let date = NaiveDate::parse_from_str(text, format).ok()?;
        // chrono takes `2024-1-05` as well.
        let fits = date.format(format).to_string() == text && (2020..2100).contains(&date.year());
        (fits && !head.is_empty()).then_some(head)
    };
    cut("-2026-03-05".len(), &['-'], "%Y-%m-%d").or_else(|| cut("-20260305".len(), &['-', '@'], "%Y%m%d"))
}

/// Takes off `-v1:0` or `-v1`.
fn without_version(name: &str) -> &str {
    let Some((head, version)) = name.rsplit_once("-v") else { return name };
    let numbers = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match version.split_once(':') {
        Some((major, minor)) => numbers(major) && numbers(minor),
        None => numbers(version),
    };
    if fits { head } else { name }
}

/// Another spelling of the same name: letters in capitals, and `claude-sonnet-4.5` as gateways write it.
fn other_spelling<'a>(provider: &str, name: &'a str) -> Option<Cow<'a, str>> {
    let lower = name.bytes().any(|byte| byte.is_ascii_uppercase()).then(|| name.to_ascii_lowercase());
    let plain = lower.as_deref().unwrap_or(name);
    if provider == "anthropic" && plain.contains('.') {
        return Some(Cow::Owned(plain.replace('.', "-")));
    }
    lower.map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: [(&str, &str); 12] = [
        ("openai", "gpt-4o"),
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-5.4"),
        ("openai", "ft:gpt-4o-mini-2024-07-18"),
        ("openai", "ft:gpt-4.1"),
        ("anthropic", "claude-sonnet-4-5"),
        ("anthropic", "claude-3-5-sonnet-20241022"),
        ("google_ai", "gemini-2.5-flash"),
        ("vertex_ai", "gemini-2.5-flash"),
        ("aws_bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("aws_bedrock", "anthropic.claude-opus-5"),
        ("aws_bedrock", "amazon.nova-lite-v1:0"),
    ];

    /// `steps:model@region` of a name, or `-`.
    fn of(provider: &str, model: &str) -> String {
        let find = |name: &str| BOOK.iter().find(|known| **known == (provider, name)).map(|(_, model)| *model);
        let Some(found) = resolve(provider, model, find) else { return "-".into() };
        let region = found.region.map(Into::into);
        super::super::domain::Resolution { steps: found.steps, model: found.entry.into(), region, negotiated: false }
            .to_string()
    }

    #[test]
    fn names_become_entries() {
        for (provider, said, expected) in [
            ("openai", "gpt-5.4", "exact:gpt-5.4"),
            ("openai", "gpt-5.4-2026-03-05", "dated_snapshot:gpt-5.4"),
            ("openai", "openai/gpt-5.4-2026-03-05", "provider_prefix+dated_snapshot:gpt-5.4"),
            ("openai", "gpt-4o-latest", "latest:gpt-4o"),
            ("openai", "GPT-4o", "alias:gpt-4o"),
            ("openai", "ft:gpt-4o-mini-2024-07-18:acme:help:9x", "fine_tuned:ft:gpt-4o-mini-2024-07-18"),
            ("openai", "ft:gpt-4.1-2025-04-14:acme::9x", "fine_tuned+dated_snapshot:ft:gpt-4.1"),
            ("anthropic", "claude-sonnet-4-5-20250929", "dated_snapshot:claude-sonnet-4-5"),
            ("anthropic", "anthropic/claude-sonnet-4.5", "alias+provider_prefix:claude-sonnet-4-5"),
            ("anthropic", "claude-3-5-sonnet-20241022", "exact:claude-3-5-sonnet-20241022"),
            ("google_ai", "models/gemini-2.5-flash", "provider_prefix:gemini-2.5-flash"),
            ("google_ai", "gemini/gemini-2.5-flash", "provider_prefix:gemini-2.5-flash"),
            (
                "vertex_ai",
                "projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash",
                "provider_prefix:gemini-2.5-flash",
            ),
            ("aws_bedrock", "amazon.nova-lite-v1:0", "exact:amazon.nova-lite-v1:0"),
            ("aws_bedrock", "eu.amazon.nova-lite-v1:0", "region_prefix:amazon.nova-lite-v1:0@eu"),
            ("aws_bedrock", "anthropic.claude-opus-5-20260701-v1:0", "dated_snapshot:anthropic.claude-opus-5"),
            (
                "aws_bedrock",
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
                "provider_prefix:amazon.nova-lite-v1:0@us-east-1",
            ),
            (
                "aws_bedrock",
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "provider_prefix+region_prefix:anthropic.claude-sonnet-4-5-20250929-v1:0@us",
            ),
        ] {
            assert_eq!(of(provider, said), expected, "{said}");
        }
    }

    #[test]
    fn nothing_is_matched_by_likeness() {
        for (provider, said) in [
            ("openai", "gpt-4o-2024-05-13"),
            ("openai", "gpt-4o-nano"),
            ("openai", "gpt-4o-mini-x"),
            ("openai", "gpt-4"),
            ("openai", "gpt-4o-0613"),
            ("openai", "gpt-4o-2024-13-05"),
            ("openai", "gpt-4o-2024-1-05"),
            ("openai", "chatgpt-4o-latest"),
            ("openai", "anthropic/claude-sonnet-4-5"),
            ("openai", "ft:gpt-4o:acme::9x"),
            ("openai", "-2026-03-05"),
            ("openai", "한국어-모델"),
            ("openai", ""),
            ("anthropic", "claude-3-5-sonnet"),
            ("anthropic", "claude-3-5-sonnet-20240620"),
            ("openrouter", "openai/gpt-4o"),
            ("google_ai", "gemini-2.5-flash-001"),
            ("aws_bedrock", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2"),
            ("aws_bedrock", "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/amazon.nova-lite-v1:0"),
        ] {
            assert_eq!(of(provider, said), "-", "{said}");
        }
    }
}
