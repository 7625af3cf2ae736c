//! What an admin key looks like.

use finops_contract::ErrorCode;
use secrecy::{ExposeSecret as _, SecretString};

use crate::platform::http::ApiResult;

/// Prefixes of OpenAI keys that can have admin scope.
const PREFIXES: [&str; 2] = ["sk-admin-", "sk-proj-"];
/// Keys seen have 51 to 200 characters; anything far outside is a slip of the clipboard.
const LENGTH: std::ops::RangeInclusive<usize> = 20..=300;

/// A key that looks like one.
#[derive(Debug)]
pub(super) struct AdminKeySecret {
    pub(super) secret: SecretString,
    pub(super) prefix: &'static str,
    pub(super) last4: String,
}

impl AdminKeySecret {
    /// Reads what somebody pasted.
    ///
    /// # Errors
    /// `admin_key_invalid`.
    pub(super) fn parse(text: &str) -> ApiResult<Self> {
        let text = text.trim();
        let prefix = PREFIXES.into_iter().find(|prefix| text.starts_with(prefix));
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        match prefix {
            Some(prefix) if plain && LENGTH.contains(&text.len()) => {
                let last4 = text[text.len() - 4..].to_owned();
                Ok(Self { secret: text.into(), prefix, last4 })
            }
            _ => Err(ErrorCode::AdminKeyInvalid.into()),
        }
    }

    /// Whether this is the same key as another one.
    pub(super) fn is(&self, other: &SecretString) -> bool {
        self.secret.expose_secret() == other.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::AdminKeySecret;

    #[test]
    fn admin_keys_and_project_keys_with_admin_scope_are_taken() {
        for (text, prefix, last4) in [
            ("sk-admin-0123456789abcdefABC1", "sk-admin-", "ABC1"),
            (" sk-proj-0123456789abcdef_xyz9\n", "sk-proj-", "xyz9"),
        ] {
            let key = AdminKeySecret::parse(text).unwrap();
            assert_eq!((key.prefix, key.last4.as_str()), (prefix, last4));
        }
    }

    #[test]
    fn anything_else_is_not() {
        let long = format!("sk-admin-{}", "a".repeat(300));
        for text in [
            "",
            "sk-admin-",
            "sk-admin-short",
            "sk-0123456789abcdef01234567",
            "sk-admin-0123456789 abcdefgh",
            "sk-admin-0123456789abcdef키",
            &long,
        ] {
            assert!(AdminKeySecret::parse(text).is_err(), "{text}");
        }
    }
}
