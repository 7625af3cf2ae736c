//! What may be asked for, and what a key's text leaves behind.

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::api_keys::{ApiKeyState, CreateApiKeyRequest, RotateApiKeyRequest, Scope};

use crate::platform::auth::api_keys::PREFIX;
use crate::platform::clock::{END_OF_DAYS, midnight};
use crate::platform::http::{ApiError, ApiResult};

/// How long the old text of a rotated key works beside the new one, unless the caller says otherwise.
const OVERLAP_HOURS: u16 = 24;

/// The scopes that were asked for, each once, in their order.
pub(super) fn scopes(request: &CreateApiKeyRequest) -> Vec<Scope> {
    Scope::ALL.into_iter().filter(|scope| request.scopes.contains(scope)).collect()
}

/// When a key ends by itself.
///
/// # Errors
/// `validation_failed` for a time that is over, or will never come.
pub(super) fn expiry(request: &CreateApiKeyRequest, now: DateTime<Utc>) -> ApiResult<Option<DateTime<Utc>>> {
    match request.expires_at {
        Some(end) if end <= now => Err(ApiError::field("/expiresAt", "range", "must be in the future")),
        Some(end) if end >= midnight(END_OF_DAYS) => {
            Err(ApiError::field("/expiresAt", "range", "must be before the year 2100"))
        }
        end => Ok(end),
    }
}

/// Until when the old text works; nothing, if it ends at once.
pub(super) fn overlap(request: &RotateApiKeyRequest, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let hours = request.overlap_hours.unwrap_or(OVERLAP_HOURS);
    (hours > 0).then(|| now + TimeDelta::hours(hours.into()))
}

/// A key with all but its ends hidden.
pub(super) fn masked(last4: &str) -> String {
    format!("{PREFIX}…{last4}")
}

/// Whether a key opens anything.
pub(super) fn state(
    in_force: bool,
    blocked: bool,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> ApiKeyState {
    match in_force {
        _ if expires_at.is_some_and(|end| end <= now) => ApiKeyState::Expired,
        true if blocked => ApiKeyState::Blocked,
        true => ApiKeyState::Active,
        false => ApiKeyState::Stopped,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use finops_contract::api_keys::{ApiKeyState, CreateApiKeyRequest, RotateApiKeyRequest, Scope};

    use super::{expiry, overlap, scopes, state};

    fn now() -> DateTime<Utc> {
        "2026-11-24T10:00:00Z".parse().unwrap()
    }

    fn request(scopes: &[Scope], expires_at: Option<DateTime<Utc>>) -> CreateApiKeyRequest {
        CreateApiKeyRequest {
            name: "SDK".into(),
            scopes: scopes.to_vec(),
            project_id: None,
            environment: None,
            quota_per_minute: None,
            expires_at,
        }
    }

    #[test]
    fn a_scope_is_had_once() {
        let asked = request(&[Scope::Guard, Scope::Ingest, Scope::Guard], None);
        assert_eq!(scopes(&asked), [Scope::Ingest, Scope::Guard]);
    }

    #[test]
    fn a_key_ends_in_the_future_or_never() {
        let of = |end: Option<&str>| expiry(&request(&[Scope::Read], end.map(|end| end.parse().unwrap())), now());
        assert_eq!(of(None).unwrap(), None);
        assert_eq!(of(Some("2026-11-24T10:00:01Z")).unwrap(), Some(now() + TimeDelta::seconds(1)));
        for bad in ["2026-11-24T10:00:00Z", "1999-01-01T00:00:00Z", "2100-01-01T00:00:00Z"] {
            assert_eq!(of(Some(bad)).unwrap_err().fields[0].pointer, "/expiresAt", "{bad}");
        }
    }

    #[test]
    fn the_old_text_works_for_a_day_unless_somebody_says_otherwise() {
        let until = |hours| overlap(&RotateApiKeyRequest { overlap_hours: hours }, now());
        assert_eq!(until(None), Some(now() + TimeDelta::days(1)));
        assert_eq!(until(Some(1)), Some(now() + TimeDelta::hours(1)));
        assert_eq!(until(Some(0)), None);
    }

    #[test]
    fn what_has_expired_is_not_called_stopped() {
        assert_eq!(state(true, false, None, now()), ApiKeyState::Active);
        assert_eq!(state(true, true, Some(now()), now()), ApiKeyState::Expired);
        assert_eq!(state(false, false, Some(now()), now()), ApiKeyState::Expired);
        assert_eq!(state(false, true, Some(now() + TimeDelta::days(1)), now()), ApiKeyState::Stopped);
        assert_eq!(state(true, true, None, now()), ApiKeyState::Blocked);
    }
}
