//! The rules of registering and inviting.

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::ErrorCode;
use finops_contract::accounts::{RegistrationMode, Role};

use crate::platform::auth::is_common;
use crate::platform::http::{ApiError, ApiResult};

/// How long a session lasts without being used.
pub(super) const SESSION_LIFETIME: TimeDelta = TimeDelta::days(30);
/// How long after a refresh token was used a second use is taken for a race of two tabs, not for a theft.
pub(super) const REFRESH_GRACE: TimeDelta = TimeDelta::seconds(10);
/// How long an invitation is good for.
pub(super) const INVITATION_LIFETIME: TimeDelta = TimeDelta::days(7);

/// An e-mail address as it is stored and compared.
pub(super) fn normalize_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Refuses a new password that cannot be typed again, or that is guessed first. `known` is what everybody knows of them.
///
/// # Errors
/// `validation_failed` at the pointer, `password_too_common`.
pub(super) fn acceptable_password(password: &str, pointer: &str, known: &[&str]) -> ApiResult<()> {
    if password.chars().any(char::is_control) {
        return Err(ApiError::field(pointer, "control_character", "must not contain control characters"));
    }
    if is_common(password, known) { Err(ErrorCode::PasswordTooCommon.into()) } else { Ok(()) }
}

/// Whether somebody without an invitation may register, and as what.
///
/// # Errors
/// `registration_closed`, `invitation_required`.
pub(super) fn founder_role(mode: RegistrationMode, first_account: bool) -> ApiResult<Role> {
    match (first_account, mode) {
        (true, _) => Ok(Role::Admin),
        (false, RegistrationMode::Open) => Ok(Role::TenantAdmin),
        (false, RegistrationMode::Invite) => Err(ErrorCode::InvitationRequired.into()),
        (false, RegistrationMode::Closed) => Err(ErrorCode::RegistrationClosed.into()),
    }
}

/// Whether an invitation opens the door.
///
/// # Errors
/// `registration_closed`.
pub(super) fn invitable(mode: RegistrationMode) -> ApiResult<()> {
    match mode {
        RegistrationMode::Open | RegistrationMode::Invite => Ok(()),
        RegistrationMode::Closed => Err(ErrorCode::RegistrationClosed.into()),
    }
}

/// Nobody makes somebody more than they are.
///
/// # Errors
/// `validation_failed` at `/role`.
pub(super) fn grantable(role: Role, by: Role) -> ApiResult<()> {
    if role <= by { Ok(()) } else { Err(ApiError::field("/role", "range", "no higher than your own role")) }
}

/// What a presented refresh token turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// The live one: rotate it.
    Live,
    /// Used a moment ago: another tab was faster. Refused, but nobody is signed out.
    Raced,
    /// Used long ago: somebody has a copy. The family ends.
    Replayed,
    /// Expired or ended.
    Ended,
}

/// Judges a stored refresh token.
pub(super) fn judge(
    used_at: Option<DateTime<Utc>>,
    ended: bool,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Refresh {
    match used_at {
        _ if ended || expires_at <= now => Refresh::Ended,
        None => Refresh::Live,
        Some(used) if now - used < REFRESH_GRACE => Refresh::Raced,
        Some(_) => Refresh::Replayed,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use finops_contract::accounts::{RegistrationMode, Role};

    use super::{REFRESH_GRACE, Refresh, founder_role, grantable, judge};

    #[test]
    fn the_first_account_runs_the_platform_whatever_the_mode() {
        for mode in [RegistrationMode::Open, RegistrationMode::Invite, RegistrationMode::Closed] {
            assert_eq!(founder_role(mode, true).unwrap(), Role::Admin);
        }
        assert_eq!(founder_role(RegistrationMode::Open, false).unwrap(), Role::TenantAdmin);
        assert!(founder_role(RegistrationMode::Invite, false).is_err());
        assert!(founder_role(RegistrationMode::Closed, false).is_err());
    }

    #[test]
    fn roles_are_granted_downwards() {
        assert!(
            grantable(Role::User, Role::TenantAdmin).is_ok() && grantable(Role::TenantAdmin, Role::TenantAdmin).is_ok()
        );
        assert!(grantable(Role::Admin, Role::TenantAdmin).is_err());
    }

    #[test]
    fn a_second_use_is_a_race_only_for_a_moment() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let later = now + TimeDelta::days(1);
        assert_eq!(judge(None, false, later, now), Refresh::Live);
        assert_eq!(judge(Some(now), false, later, now), Refresh::Raced);
        assert_eq!(judge(Some(now - REFRESH_GRACE), false, later, now), Refresh::Replayed);
        assert_eq!(judge(None, true, later, now), Refresh::Ended);
        assert_eq!(judge(None, false, now, now), Refresh::Ended);
    }
}
