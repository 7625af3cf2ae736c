//! Why a collection failed, and what to tell people about it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use finops_contract::accounts::Locale;
use finops_contract::collector::CollectionError;
use finops_providers::ProviderError;

use crate::features::admin_keys::KeyProblem;
use crate::platform::lease::NotHeld;

/// Why one team's collection did not end well. What was stored before it failed stays.
#[derive(Debug, thiserror::Error)]
pub(super) enum CollectError {
    /// Another worker is at this team.
    #[error("another worker is collecting for this team")]
    Busy,
    /// This worker lost the team's lease, or is told to stop: somebody else goes on from the last stored page.
    #[error("the collection was interrupted")]
    Interrupted,
    /// The team's key.
    #[error(transparent)]
    Key(#[from] KeyProblem),
    /// The provider.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// A bill that holds what is stored under another name of its account already.
    #[error("the bill is stored under another name of its account already")]
    AccountAmbiguous,
    /// A bill with an amount that cannot be stored exactly.
    #[error("the bill holds an amount that cannot be held exactly")]
    OutOfRange,
    /// The provider answered with days that were not asked for.
    #[error("the bill holds days that were not asked for")]
    UnexpectedDay,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<NotHeld> for CollectError {
    fn from(not_held: NotHeld) -> Self {
        match not_held {
            NotHeld::Lost => Self::Interrupted,
            NotHeld::Database(error) => Self::Database(error),
        }
    }
}

impl CollectError {
    /// The stable code that is stored and shown.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Interrupted => "interrupted",
            Self::Key(KeyProblem::Missing) => "admin_key_missing",
            Self::Key(KeyProblem::Secret(error)) => error.code(),
            Self::Provider(error) | Self::Key(KeyProblem::Provider(error)) => error.user_reason(),
            Self::AccountAmbiguous => "account_ambiguous",
            Self::OutOfRange => "amount_out_of_range",
            Self::UnexpectedDay => "malformed",
            Self::Key(KeyProblem::Database(_)) | Self::Database(_) => "database_unavailable",
        }
    }

    /// Whether the same may succeed later without anyone changing anything.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Provider(error) | Self::Key(KeyProblem::Provider(error)) => {
                // An answer that makes no sense is often a proxy's, and gone an hour later.
                error.is_transient()
                    || matches!(error, ProviderError::Malformed { .. } | ProviderError::BrokenPaging { .. })
            }
            Self::Key(KeyProblem::Secret(_)) => self.code() == "encryption_unavailable",
            Self::Key(KeyProblem::Missing) | Self::AccountAmbiguous | Self::OutOfRange => false,
            Self::Busy | Self::Interrupted | Self::UnexpectedDay => true,
            Self::Key(KeyProblem::Database(_)) | Self::Database(_) => true,
        }
    }

    /// How long the provider asked to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Provider(ProviderError::RateLimited { retry_after })
            | Self::Key(KeyProblem::Provider(ProviderError::RateLimited { retry_after })) => *retry_after,
            _ => None,
        }
    }
}

/// What to tell people about a code, with what to check.
pub fn describe(code: &str, at: DateTime<Utc>, locale: Locale) -> CollectionError {
    let (en, ko) = words(code);
    let message = match locale {
        Locale::Ko => ko,
        Locale::En => en,
    };
    CollectionError { code: code.to_owned(), message: message.to_owned(), at }
}

/// English and Korean. Codes of the setup guide keep its words, so that people find them there.
fn words(code: &str) -> (&'static str, &'static str) {
    match code {
        "unauthorized" => (
            "Unauthorized (401): check that the Admin API key is correct and active, of type admin, with organization-level permissions.",
            "Unauthorized (401): Admin API Key가 맞고 활성 상태인지, admin 종류이고 조직 권한이 있는지 확인해 주세요.",
        ),
        "admin_key_missing" => (
            "Admin API Key not registered: register one in the team's settings, or activate it.",
            "Admin API Key not registered: 팀 설정에서 Admin API Key를 등록하거나 활성화해 주세요.",
        ),
        "decryption_failed" => (
            "The Admin API key cannot be decrypted: check the KMS key and its policy, or register the key again.",
            "Admin API Key를 복호화할 수 없어요. KMS 키와 권한을 확인하거나 키를 다시 등록해 주세요.",
        ),
        "encryption_unavailable" => (
            "The key service does not answer. Collection goes on by itself once it does; check AWS KMS and its permissions.",
            "암호화 서비스가 응답하지 않아요. 응답하면 자동으로 다시 수집해요. AWS KMS와 권한을 확인해 주세요.",
        ),
        "rate_limited" => (
            "The provider's rate limit was reached. It is tried again by itself.",
            "공급자의 호출 한도에 걸렸어요. 자동으로 다시 시도해요.",
        ),
        "unavailable" => (
            "The provider does not answer. It is tried again by itself; what was collected stays.",
            "공급자가 응답하지 않아요. 자동으로 다시 시도하고, 수집한 데이터는 그대로 있어요.",
        ),
        "malformed" | "too_large" | "broken_paging" => (
            "The provider's answer could not be read. Nothing of it was stored; the last good data stays.",
            "공급자의 응답을 읽을 수 없었어요. 응답은 저장하지 않았고, 마지막으로 수집한 데이터를 보여 드려요.",
        ),
        "amount_out_of_range" => (
            "The bill holds an amount that cannot be stored exactly. Nothing of that page was stored.",
            "정확하게 저장할 수 없는 금액이 있어서 해당 부분을 저장하지 않았어요.",
        ),
        "account_ambiguous" => (
            "The provider's account now comes under another name, and costs of both names are stored. Nothing of it was stored a second time: keep one of the two Admin API keys, the one whose collection succeeds.",
            "공급자 계정의 이름이 바뀌었고, 두 이름으로 저장된 비용이 모두 있어요. 같은 비용을 두 번 저장하지 않았어요. 수집에 성공하는 Admin API Key 하나만 사용해 주세요.",
        ),
        "endpoint_not_found" => (
            "The provider's Costs API was not found: check OPENAI_BASE_URL.",
            "공급자의 Costs API를 찾을 수 없어요. OPENAI_BASE_URL을 확인해 주세요.",
        ),
        "database_unavailable" => (
            "The database did not answer. It is tried again by itself.",
            "데이터베이스가 응답하지 않았어요. 자동으로 다시 시도해요.",
        ),
        "busy" | "interrupted" => (
            "Another worker is collecting for this team. It goes on by itself.",
            "이 팀의 수집이 이미 진행 중이에요. 자동으로 이어서 수집해요.",
        ),
        _ => (
            "The provider refused the request. Check the Admin API key's permissions and try again.",
            "공급자가 요청을 거절했어요. Admin API Key의 권한을 확인하고 다시 시도해 주세요.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_can_be_stored_is_told_in_both_languages() {
        for code in [
            "unauthorized",
            "admin_key_missing",
            "decryption_failed",
            "encryption_unavailable",
            "rate_limited",
            "unavailable",
            "malformed",
            "too_large",
            "broken_paging",
            "account_ambiguous",
            "amount_out_of_range",
            "endpoint_not_found",
            "database_unavailable",
            "busy",
            "interrupted",
            "rejected",
        ] {
            let (en, ko) = words(code);
            assert!(en.is_ascii() && en.ends_with('.'), "{code}");
            assert!(ko.chars().any(|c| ('가'..='힣').contains(&c)), "{code}");
        }
    }

    #[test]
    fn what_somebody_must_mend_is_not_tried_for_hours() {
        let rejected = ProviderError::Rejected { status: 401, code: None, message: None };
        assert!(!CollectError::Provider(rejected).is_transient());
        assert!(!CollectError::OutOfRange.is_transient());
        assert!(CollectError::Provider(ProviderError::Unavailable { reason: "timeout".into() }).is_transient());
        assert!(CollectError::Provider(ProviderError::Malformed { reason: "html".into() }).is_transient());
    }
}
