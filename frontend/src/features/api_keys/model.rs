//! What a key's form says, and what its list shows. Pure.

use chrono::{DateTime, Utc};
use finops_contract::api_keys::{ApiKeyState, CreateApiKeyRequest, Scope};
use finops_contract::projects::Environment;

use crate::i18n::{Word, words};
use crate::ui::Tone;

/// The most requests in a minute that a quota may allow.
const MAX_QUOTA: u32 = 10_000_000;

/// How many hours the old text may work beside the new one, and what that is called.
pub(super) const OVERLAPS: [(u16, Word); 6] = [
    (0, words::api_keys::OVERLAP_0),
    (1, words::api_keys::OVERLAP_1),
    (24, words::api_keys::OVERLAP_24),
    (72, words::api_keys::OVERLAP_72),
    (168, words::api_keys::OVERLAP_168),
    (720, words::api_keys::OVERLAP_720),
];

/// What a scope is called.
pub(super) const fn scope_name(scope: Scope) -> Word {
    match scope {
        Scope::Ingest => words::api_keys::SCOPE_INGEST,
        Scope::Read => words::api_keys::SCOPE_READ,
        Scope::Guard => words::api_keys::SCOPE_GUARD,
    }
}

/// What a scope allows, in a sentence.
pub(super) const fn scope_body(scope: Scope) -> Word {
    match scope {
        Scope::Ingest => words::api_keys::SCOPE_INGEST_BODY,
        Scope::Read => words::api_keys::SCOPE_READ_BODY,
        Scope::Guard => words::api_keys::SCOPE_GUARD_BODY,
    }
}

/// What a key's state means, and what it is called.
pub(super) const fn state(state: ApiKeyState) -> (Tone, Word) {
    match state {
        ApiKeyState::Active => (Tone::Success, words::api_keys::ACTIVE),
        ApiKeyState::Expired => (Tone::Warning, words::api_keys::EXPIRED),
        ApiKeyState::Stopped => (Tone::Danger, words::api_keys::STOPPED),
        ApiKeyState::Blocked => (Tone::Danger, words::api_keys::BLOCKED),
    }
}

/// What somebody has filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) scopes: Vec<Scope>,
    /// A project's id; empty for the whole organization.
    pub(super) project: String,
    /// An environment's name; empty for the project's own.
    pub(super) environment: String,
    /// Requests in a minute; empty for as many as come.
    pub(super) quota: String,
    /// The last day on which the key works; empty for good.
    pub(super) last_day: String,
}

impl Draft {
    /// What is asked for, or what is wrong: pointer and code of each field. `must_bind` where the maker may not leave the
    /// project out; `end_of` gives the instant at which a day is over.
    pub(super) fn read(
        &self,
        must_bind: bool,
        now: DateTime<Utc>,
        end_of: impl Fn(&str) -> Option<DateTime<Utc>>,
    ) -> Result<CreateApiKeyRequest, Vec<(&'static str, &'static str)>> {
        let mut wrong = Vec::new();
        let name = self.name.trim();
        if name.is_empty() {
            wrong.push(("/name", "required"));
        }
        if self.scopes.is_empty() {
            wrong.push(("/scopes", "required"));
        }
        let project_id = self.project.parse().ok();
        if must_bind && project_id.is_none() {
            wrong.push(("/projectId", "required"));
        }
        let quota: Option<u32> =
            self.quota.trim().replace(',', "").parse().ok().filter(|n| (1..=MAX_QUOTA).contains(n));
        if quota.is_none() && !self.quota.trim().is_empty() {
            wrong.push(("/quotaPerMinute", "range"));
        }
        let expires_at = end_of(&self.last_day);
        if !self.last_day.is_empty() && expires_at.is_none_or(|end| end <= now) {
            wrong.push(("/expiresAt", "range"));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(CreateApiKeyRequest {
            name: name.to_owned(),
            scopes: self.scopes.clone(),
            project_id,
            environment: Environment::from_name(&self.environment),
            quota_per_minute: quota,
            expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = "01936f00-0000-7000-8000-0000000000b1";

    fn end_of(day: &str) -> Option<DateTime<Utc>> {
        let day: chrono::NaiveDate = day.parse().ok()?;
        Some(day.succ_opt()?.and_time(chrono::NaiveTime::MIN).and_utc())
    }

    fn read(draft: &Draft, must_bind: bool) -> Result<CreateApiKeyRequest, Vec<(&'static str, &'static str)>> {
        draft.read(must_bind, "2026-11-24T10:00:00Z".parse().unwrap(), end_of)
    }

    fn good() -> Draft {
        Draft { name: " SDK ".into(), scopes: vec![Scope::Ingest], ..Draft::default() }
    }

    #[test]
    fn what_is_left_out_is_not_sent() {
        let request = read(&good(), false).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"name":"SDK","scopes":["ingest"]}"#);
    }

    #[test]
    fn a_key_works_through_its_last_day() {
        let draft = Draft { last_day: "2026-11-24".into(), ..good() };
        assert_eq!(read(&draft, false).unwrap().expires_at, Some("2026-11-25T00:00:00Z".parse().unwrap()));
        for day in ["2026-11-23", "someday"] {
            assert_eq!(read(&Draft { last_day: day.into(), ..good() }, false).unwrap_err(), [("/expiresAt", "range")]);
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let draft = Draft { quota: "0".into(), ..Draft::default() };
        let wrong: Vec<_> = read(&draft, true).unwrap_err().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(wrong, ["/name", "/scopes", "/projectId", "/quotaPerMinute"]);
    }

    #[test]
    fn a_quota_is_a_number_of_requests() {
        for (text, expected) in [("1,000", Some(1000)), ("10000000", Some(10_000_000)), ("", None)] {
            assert_eq!(read(&Draft { quota: text.into(), ..good() }, false).unwrap().quota_per_minute, expected);
        }
        for text in ["0", "1.5", "many", "10000001", "-1"] {
            assert!(read(&Draft { quota: text.into(), ..good() }, false).is_err(), "{text}");
        }
    }

    #[test]
    fn who_sees_a_part_binds_the_key_to_it() {
        assert_eq!(read(&good(), true).unwrap_err(), [("/projectId", "required")]);
        let bound = Draft { project: PROJECT.into(), ..good() };
        assert_eq!(read(&bound, true).unwrap().project_id, PROJECT.parse().ok());
    }
}
