//! What providers' keys look like.

use finops_contract::ErrorCode;
use finops_contract::provider_keys::KeyService;
use secrecy::SecretString;

use crate::platform::http::ApiResult;

/// Keys seen have 39 to 200 characters; anything far outside is a slip of the clipboard.
const LENGTH: std::ops::RangeInclusive<usize> = 20..=300;
/// `AIza` and 35 characters.
const GOOGLE_LENGTH: usize = 39;
/// An AWS access key id, and its secret.
const AWS_ID_LENGTH: usize = 20;
const AWS_SECRET_LENGTH: usize = 40;

/// A key that looks like one of its provider's.
#[derive(Debug)]
pub(super) struct ProviderKeySecret {
    pub(super) secret: SecretString,
    pub(super) prefix: &'static str,
    pub(super) last4: String,
}

impl ProviderKeySecret {
    /// Reads what somebody pasted.
    ///
    /// # Errors
    /// `provider_key_invalid`.
    pub(super) fn parse(service: KeyService, text: &str) -> ApiResult<Self> {
        let text = text.trim();
        let prefix = match service {
            KeyService::Openai => openai(text),
            KeyService::Anthropic => anthropic(text),
            KeyService::GoogleAi => google_ai(text),
            KeyService::AwsBedrock => aws_bedrock(text),
        };
        let prefix = prefix.filter(|_| LENGTH.contains(&text.len())).ok_or(ErrorCode::ProviderKeyInvalid)?;
        let last4 = text.get(text.len() - 4..).unwrap_or_default().to_owned();
        Ok(Self { secret: text.into(), prefix, last4 })
    }
}

/// A key with all but its ends hidden.
pub(super) fn masked(prefix: &str, last4: &str) -> String {
    format!("{prefix}…{last4}")
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn is_base64(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

/// The first of these that the text begins with.
fn prefix_of(text: &str, prefixes: &[&'static str]) -> Option<&'static str> {
    prefixes.iter().copied().find(|prefix| text.starts_with(prefix))
}

/// `sk-…`, `sk-proj-…`, `sk-svcacct-…`. Organization-level keys belong to teams.
fn openai(text: &str) -> Option<&'static str> {
    let elsewhere = prefix_of(text, &["sk-admin-", "sk-ant-"]).is_some();
    prefix_of(text, &["sk-proj-", "sk-svcacct-", "sk-"]).filter(|_| is_plain(text) && !elsewhere)
}

/// `sk-ant-api03-…`. Organization-level keys belong to teams.
fn anthropic(text: &str) -> Option<&'static str> {
    prefix_of(text, &["sk-ant-"]).filter(|_| is_plain(text) && !text.starts_with("sk-ant-admin"))
}

/// `AIza…`, and the newer `AQ.…`.
fn google_ai(text: &str) -> Option<&'static str> {
    if text.starts_with("AIza") {
        return (text.len() == GOOGLE_LENGTH && is_plain(text)).then_some("AIza");
    }
    text.strip_prefix("AQ.").filter(|rest| is_plain(rest)).map(|_| "AQ.")
}

/// A Bedrock API key, `ABSK` and base64; or an access key's id and secret with a colon between them.
fn aws_bedrock(text: &str) -> Option<&'static str> {
    if let Some((id, secret)) = text.split_once(':') {
        let id_fits = id.len() == AWS_ID_LENGTH && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let secret_fits = secret.len() == AWS_SECRET_LENGTH && is_base64(secret);
        return prefix_of(id, &["AKIA"]).filter(|_| id_fits && secret_fits);
    }
    prefix_of(text, &["ABSK"]).filter(|_| is_base64(text))
}

#[cfg(test)]
mod tests {
    use finops_contract::provider_keys::KeyService::{self, Anthropic, AwsBedrock, GoogleAi, Openai};

    use super::ProviderKeySecret;

    /// One that fits, of each kind.
    fn good() -> Vec<(KeyService, String, &'static str)> {
        vec![
            (Openai, format!("sk-{}", "a".repeat(48)), "sk-"),
            (Openai, format!("  sk-proj-{}_wxyz\n", "a".repeat(40)), "sk-proj-"),
            (Openai, format!("sk-svcacct-{}", "a".repeat(48)), "sk-svcacct-"),
            (Anthropic, format!("sk-ant-api03-{}", "a".repeat(95)), "sk-ant-"),
            (GoogleAi, format!("AIza{}", "a".repeat(35)), "AIza"),
            (GoogleAi, format!("AQ.{}", "a".repeat(50)), "AQ."),
            (AwsBedrock, format!("ABSK{}==", "a".repeat(100)), "ABSK"),
            (AwsBedrock, format!("AKIAIOSFODNN7EXAMPLE:{}", "a/".repeat(20)), "AKIA"),
        ]
    }

    #[test]
    fn keys_are_taken_for_their_own_provider_alone() {
        for (service, text, prefix) in good() {
            for other in KeyService::ALL {
                let parsed = ProviderKeySecret::parse(other, &text);
                match (other == service, parsed) {
                    (true, Ok(key)) => {
                        assert_eq!(key.prefix, prefix);
                        assert!(text.trim().ends_with(&key.last4));
                    }
                    (false, Err(_)) => {}
                    (_, parsed) => panic!("{text} for {other:?}: {parsed:?}"),
                }
            }
        }
    }

    #[test]
    fn anything_else_is_not() {
        for (service, text) in [
            (Openai, String::new()),
            (Openai, "sk-short".into()),
            (Openai, format!("sk-admin-{}", "a".repeat(40))),
            (Openai, format!("sk-{} {}", "a".repeat(20), "a".repeat(20))),
            (Openai, format!("sk-{}", "a".repeat(300))),
            (Openai, format!("sk-{}키", "a".repeat(40))),
            (Anthropic, format!("sk-ant-admin01-{}", "a".repeat(40))),
            (GoogleAi, format!("AIza{}", "a".repeat(34))),
            (GoogleAi, format!("AIza{}", "a".repeat(36))),
            (AwsBedrock, format!("akiaiosfodnn7example:{}", "a".repeat(40))),
            (AwsBedrock, format!("AKIAIOSFODNN7EXAMPLE:{}", "a".repeat(39))),
            (AwsBedrock, "AKIAIOSFODNN7EXAMPLE".into()),
        ] {
            assert!(ProviderKeySecret::parse(service, &text).is_err(), "{text} for {service:?}");
        }
    }
}
