//! Why an account could not be polled.

use std::time::Duration;

use finops_providers::ProviderError;

use crate::features::admin_keys::KeyProblem;
use crate::platform::lease::NotHeld;

/// Why one account's poll did not end well. What was stored before it failed stays.
#[derive(Debug, thiserror::Error)]
pub(super) enum PollError {
    /// Another worker is at this account, or it is to be left alone for a while.
    #[error("the account is not to be polled now")]
    Busy,
    /// This worker lost the account's lease, or is told to stop.
    #[error("the poll was interrupted")]
    Interrupted,
    /// The team's key.
    #[error(transparent)]
    Key(#[from] KeyProblem),
    /// The provider.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Parts that exceed their whole.
    #[error("the usage holds parts that exceed their whole")]
    Malformed,
    /// The provider answered with minutes that were not asked for.
    #[error("the usage holds minutes that were not asked for")]
    UnexpectedMinute,
    /// A count that cannot be stored exactly.
    #[error("the usage holds a count that cannot be held")]
    OutOfRange,
    /// The price book cannot be read.
    #[error("the price book cannot be read")]
    Prices,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<NotHeld> for PollError {
    fn from(not_held: NotHeld) -> Self {
        match not_held {
            NotHeld::Lost => Self::Interrupted,
            NotHeld::Database(error) => Self::Database(error),
        }
    }
}

impl PollError {
    /// The stable code that is stored and shown; the collector's words describe it.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Interrupted => "interrupted",
            Self::Key(KeyProblem::Missing) => "admin_key_missing",
            Self::Key(KeyProblem::Secret(error)) => error.code(),
            Self::Provider(error) | Self::Key(KeyProblem::Provider(error)) => error.user_reason(),
            Self::Malformed | Self::UnexpectedMinute => "malformed",
            Self::OutOfRange => "amount_out_of_range",
            Self::Prices | Self::Key(KeyProblem::Database(_)) | Self::Database(_) => "database_unavailable",
        }
    }

    /// Whether only one meter is at fault, so that the others can go on.
    pub(super) fn is_of_the_meter(&self) -> bool {
        match self {
            Self::Malformed | Self::UnexpectedMinute | Self::OutOfRange => true,
            Self::Provider(error) => matches!(
                error,
                ProviderError::Malformed { .. }
                    | ProviderError::BrokenPaging { .. }
                    | ProviderError::TooLarge { .. }
                    | ProviderError::NotFound { .. }
            ),
            _ => false,
        }
    }

    /// What the provider says of the key, if it refuses it.
    pub(super) fn refusal(&self) -> Option<&ProviderError> {
        match self {
            Self::Provider(error) if error.is_unauthorized() => Some(error),
            _ => None,
        }
    }

    /// How long the provider asked to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Provider(ProviderError::RateLimited { retry_after }) => *retry_after,
            _ => None,
        }
    }
}
