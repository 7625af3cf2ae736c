//! What the team pages say of what the service answers.

use finops_contract::ErrorCode;
use finops_contract::admin_keys::Verification;
use finops_contract::collector::CollectionStatus;
use finops_contract::costs::CostsAnswer;
use finops_contract::organizations::Member;
use finops_contract::projects::{Environment, Project, ProviderProject};
use finops_contract::teams::GroupMember;
use uuid::Uuid;

use crate::i18n::{Word, words};
use crate::order::sort_by;
use crate::ui::Tone;

/// Whether a text can be an admin key. The service decides; this keeps a slip of the clipboard from leaving the browser.
pub fn looks_like_admin_key(text: &str) -> bool {
    (20..=300).contains(&text.len())
        && ["sk-admin-", "sk-proj-"].iter().any(|prefix| text.starts_with(prefix))
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whether a text can be a Project ID.
pub fn looks_like_project_id(text: &str) -> bool {
    text.strip_prefix("proj_").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

/// Whether the key itself is at fault, rather than the circumstances, and what to do about it.
pub fn key_fault(code: Option<ErrorCode>) -> (bool, Option<Word>) {
    match code {
        Some(ErrorCode::AdminKeyInvalid) => (true, Some(words::teams::KEY_FIX_INVALID)),
        Some(ErrorCode::AdminKeyRejected) => (true, Some(words::teams::KEY_FIX_REJECTED)),
        Some(ErrorCode::AdminKeyActiveExists) => (false, Some(words::teams::KEY_FIX_EXISTS)),
        Some(ErrorCode::EncryptionUnavailable) => (false, Some(words::teams::KEY_FIX_ENCRYPTION)),
        Some(ErrorCode::Conflict) => (false, Some(words::teams::KEY_FIX_CONFLICT)),
        _ => (false, None),
    }
}

/// Why a collection failed or a key is not verified, and what to check. `None` for a code of a later version.
pub fn cause(code: &str) -> Option<(Word, Word)> {
    use words::teams as w;
    Some(match code {
        "unauthorized" => (w::CAUSE_UNAUTHORIZED, w::FIX_UNAUTHORIZED),
        "rejected" | "invalid_request" => (w::CAUSE_REJECTED, w::FIX_REJECTED),
        "rate_limited" => (w::CAUSE_RATE_LIMITED, w::FIX_RATE_LIMITED),
        "unavailable" => (w::CAUSE_UNAVAILABLE, w::FIX_UNAVAILABLE),
        "malformed" | "too_large" | "broken_paging" | "endpoint_not_found" => (w::CAUSE_MALFORMED, w::FIX_MALFORMED),
        "admin_key_missing" => (w::CAUSE_ADMIN_KEY_MISSING, w::FIX_ADMIN_KEY_MISSING),
        "decryption_failed" => (w::CAUSE_DECRYPTION_FAILED, w::FIX_DECRYPTION_FAILED),
        "encryption_unavailable" => (w::CAUSE_ENCRYPTION_UNAVAILABLE, w::FIX_ENCRYPTION_UNAVAILABLE),
        _ => return None,
    })
}

/// A state of the collection in a word.
pub fn status(status: CollectionStatus) -> (Tone, Word) {
    match status {
        CollectionStatus::NotConfigured => (Tone::Neutral, words::teams::STATUS_NOT_CONFIGURED),
        CollectionStatus::NeverRun => (Tone::Neutral, words::teams::STATUS_NEVER_RUN),
        CollectionStatus::Queued => (Tone::Info, words::teams::STATUS_QUEUED),
        CollectionStatus::Running => (Tone::Info, words::teams::STATUS_RUNNING),
        CollectionStatus::Healthy => (Tone::Success, words::teams::STATUS_HEALTHY),
        CollectionStatus::Failed => (Tone::Danger, words::teams::STATUS_FAILED),
    }
}

/// Whether the collection changes by itself right now.
pub fn is_moving(status: CollectionStatus) -> bool {
    matches!(status, CollectionStatus::Queued | CollectionStatus::Running)
}

/// How much is done, in percent; `None` while nobody knows how much there is.
pub fn percent(done: i32, total: i32) -> Option<f64> {
    (total > 0).then(|| f64::from(done.clamp(0, total)) * 100.0 / f64::from(total))
}

/// What the provider says of a key, in a word.
pub fn verification(verification: Verification) -> (Tone, Word) {
    match verification {
        Verification::Pending => (Tone::Warning, words::teams::PENDING),
        Verification::Verified => (Tone::Success, words::teams::VERIFIED),
        Verification::Rejected => (Tone::Danger, words::teams::REJECTED),
    }
}

/// An environment in a word.
pub fn environment(environment: Environment) -> Word {
    match environment {
        Environment::Production => words::teams::ENVIRONMENT_PRODUCTION,
        Environment::Staging => words::teams::ENVIRONMENT_STAGING,
        Environment::Development => words::teams::ENVIRONMENT_DEVELOPMENT,
        Environment::Ci => words::teams::ENVIRONMENT_CI,
    }
}

/// What a team cost, one amount a currency, from an answer that is grouped by team.
pub fn costs_of(team: Uuid, answer: &CostsAnswer) -> Vec<(String, String)> {
    let of_team = answer.data.iter().filter(|row| {
        let named = row.dimensions.team.as_ref().and_then(Option::as_ref);
        named.is_some_and(|named| named.id == team)
    });
    of_team.map(|row| (row.cost.to_string(), row.currency.clone())).collect()
}

/// Projects that have no Project ID yet.
pub fn unconnected(projects: &[Project]) -> Vec<&Project> {
    projects.iter().filter(|project| project.openai_project_id.is_none()).collect()
}

/// Projects at the provider that no project of ours has, those in use there first.
pub fn connectable(projects: &[ProviderProject]) -> Vec<&ProviderProject> {
    let mut free: Vec<_> = projects.iter().filter(|project| project.project_id.is_none()).collect();
    sort_by(&mut free, |a, b| (a.archived, &a.name).cmp(&(b.archived, &b.name)));
    free
}

/// People of the organization who are not in the team yet.
pub fn addable<'a>(people: &'a [Member], members: &[GroupMember]) -> Vec<&'a Member> {
    people.iter().filter(|person| members.iter().all(|member| member.user_id != person.user_id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_admin_scope_look_like_keys() {
        assert!(looks_like_admin_key("sk-admin-0123456789abcdefABC1"));
        assert!(looks_like_admin_key("sk-proj-0123456789abcdef_xyz9"));
        for text in ["", "sk-admin-short", "sk-0123456789abcdef01234567", "sk-admin-0123456789 abcdefgh"] {
            assert!(!looks_like_admin_key(text), "{text}");
        }
        assert!(!looks_like_admin_key(&format!("sk-admin-{}", "a".repeat(300))));
    }

    #[test]
    fn a_project_id_has_its_prefix_and_something_after_it() {
        assert!(looks_like_project_id("proj_abc-123_X"));
        for text in ["", "proj_", "abc", "proj_a b", "proj_가", " proj_abc"] {
            assert!(!looks_like_project_id(text), "{text}");
        }
    }

    #[test]
    fn only_the_key_is_blamed_for_what_the_key_did() {
        assert!(key_fault(Some(ErrorCode::AdminKeyRejected)).0);
        assert!(key_fault(Some(ErrorCode::AdminKeyInvalid)).0);
        for code in [ErrorCode::AdminKeyActiveExists, ErrorCode::EncryptionUnavailable] {
            let (at_key, advice) = key_fault(Some(code));
            assert!(!at_key && advice.is_some(), "{code}");
        }
        assert_eq!(key_fault(None), (false, None));
    }

    #[test]
    fn progress_is_unknown_before_anything_is_planned_and_never_past_its_end() {
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(45, 180), Some(25.0));
        assert_eq!(percent(200, 180), Some(100.0));
    }

    #[test]
    fn a_teams_cost_is_kept_apart_by_currency() {
        let answer: CostsAnswer = serde_json::from_str(
            r#"{"data":[
                {"dimensions":{"team":{"id":"01936f00-0000-7000-8000-0000000000a1","name":"a"}},"cost":"12.5","currency":"USD","basis":"billed","state":"billed","settlement":"settled"},
                {"dimensions":{"team":{"id":"01936f00-0000-7000-8000-0000000000a1","name":"a"}},"cost":"3","currency":"EUR","basis":"billed","state":"billed","settlement":"settled"},
                {"dimensions":{"team":null},"cost":"1","currency":"USD","basis":"billed","state":"billed","settlement":"settled"}
            ],"nextCursor":null,"totals":[],"basis":"billed","from":"2026-10-25","to":"2026-11-24","dayZone":"UTC",
            "freshness":{"collectedAt":null,"settledBefore":null,"staleTeams":[]}}"#,
        )
        .unwrap();
        let team = "01936f00-0000-7000-8000-0000000000a1".parse().unwrap();
        let expected = [("12.500000", "USD"), ("3.000000", "EUR")].map(|(a, c)| (a.to_owned(), c.to_owned()));
        assert_eq!(costs_of(team, &answer), expected);
        assert!(costs_of(Uuid::nil(), &answer).is_empty());
    }

    #[test]
    fn archived_and_connected_projects_are_not_offered_first() {
        let project = |id: &str, archived, ours: Option<Uuid>| ProviderProject {
            id: id.to_owned(),
            name: id.to_owned(),
            archived,
            project_id: ours,
        };
        let all = [project("a", true, None), project("b", false, Some(Uuid::nil())), project("c", false, None)];
        let ids: Vec<_> = connectable(&all).iter().map(|project| project.id.as_str()).collect();
        assert_eq!(ids, ["c", "a"]);
    }
}
