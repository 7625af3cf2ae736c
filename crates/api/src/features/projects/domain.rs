//! What a Project ID looks like.

use finops_contract::ErrorCode;

use crate::platform::http::ApiResult;

/// A provider's longest id that is worth asking about.
const MAX_LENGTH: usize = 200;

/// A Project ID at OpenAI that looks like one: `^proj_[a-zA-Z0-9_-]+$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenaiProjectId(String);

impl OpenaiProjectId {
    /// Reads what somebody pasted.
    ///
    /// # Errors
    /// `openai_project_id_invalid`.
    pub(super) fn parse(text: &str) -> ApiResult<Self> {
        let text = text.trim();
        let rest = text.strip_prefix("proj_").unwrap_or_default();
        let plain = rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if rest.is_empty() || !plain || text.len() > MAX_LENGTH {
            return Err(ErrorCode::OpenaiProjectIdInvalid.into());
        }
        Ok(Self(text.to_owned()))
    }

    /// Its text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::OpenaiProjectId;

    #[test]
    fn project_ids_are_taken_and_slips_of_the_clipboard_are_not() {
        assert_eq!(OpenaiProjectId::parse(" proj_abc-1_X\n").unwrap().as_str(), "proj_abc-1_X");
        let long = format!("proj_{}", "a".repeat(300));
        for text in ["", "proj_", "abc", "PROJ_abc", "proj_a b", "proj_é", "proj_a/../b", "xproj_a", &long] {
            assert!(OpenaiProjectId::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_matches_the_pattern(text in ".{0,40}") {
            if let Ok(id) = OpenaiProjectId::parse(&text) {
                let rest = id.as_str().strip_prefix("proj_").unwrap();
                prop_assert!(!rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            }
        }
    }
}
