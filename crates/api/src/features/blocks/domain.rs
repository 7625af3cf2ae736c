//! What may be stopped, how, and what that leaves running.

use finops_contract::accounts::Locale;
use finops_contract::blocks::{
    BlockCause, BlockMode, BlockTarget, BlockTargetType, CreateBlockRequest, NotStopped, ProviderStopMeans, StillRuns,
};
use uuid::Uuid;

use super::targets::Found;
use crate::platform::http::{ApiError, ApiResult};

/// What is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A team's Admin key, and with it all projects of the team.
    AdminKey(Uuid),
    /// A project.
    Project(Uuid),
    /// A key of our own API.
    ApiKey(Uuid),
}

impl Target {
    /// The one that this names.
    pub const fn new(kind: BlockTargetType, id: Uuid) -> Self {
        match kind {
            BlockTargetType::AdminKey => Self::AdminKey(id),
            BlockTargetType::Project => Self::Project(id),
            BlockTargetType::ApiKey => Self::ApiKey(id),
        }
    }

    /// What kind of thing it is.
    pub const fn kind(self) -> BlockTargetType {
        match self {
            Self::AdminKey(_) => BlockTargetType::AdminKey,
            Self::Project(_) => BlockTargetType::Project,
            Self::ApiKey(_) => BlockTargetType::ApiKey,
        }
    }

    /// Its id.
    pub const fn id(self) -> Uuid {
        match self {
            Self::AdminKey(id) | Self::Project(id) | Self::ApiKey(id) => id,
        }
    }
}

impl From<BlockTarget> for Target {
    fn from(target: BlockTarget) -> Self {
        Self::new(target.kind, target.id)
    }
}

/// A block to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) target: Target,
    pub(super) mode: BlockMode,
    /// Calls a minute, of a throttle.
    pub(super) limit: Option<i32>,
    pub(super) cause: BlockCause,
    pub(super) reason: String,
    /// The same in English, where the service says why.
    pub(super) reason_en: Option<String>,
    pub(super) alert: Option<Uuid>,
    pub(super) budget: Option<Uuid>,
    pub(super) at_provider: bool,
}

impl Draft {
    /// What somebody asks for, of something that was found.
    ///
    /// # Errors
    /// `validation_failed` for a limit that does not fit the mode, and for a stop at the provider that cannot be.
    pub(super) fn read(request: &CreateBlockRequest, found: &Found) -> ApiResult<Self> {
        let limit = match (request.mode, request.limit_per_minute) {
            (BlockMode::Stop, None) => None,
            (BlockMode::Throttle, Some(limit)) => i32::try_from(limit).ok(),
            (BlockMode::Stop, Some(_)) => {
                return Err(ApiError::field("/limitPerMinute", "unexpected", "only a throttle has a limit"));
            }
            (BlockMode::Throttle, None) => {
                return Err(ApiError::field("/limitPerMinute", "required", "say how many calls a minute may pass"));
            }
        };
        Ok(Self {
            target: found.target,
            mode: request.mode,
            limit,
            cause: BlockCause::Manual,
            reason: request.reason.trim().to_owned(),
            reason_en: None,
            alert: request.alert_id,
            budget: None,
            at_provider: at_provider(found, request.mode, request.at_provider)?,
        })
    }
}

/// Whether the provider is told: where that can be, as somebody wishes, else as the team has it.
///
/// # Errors
/// `validation_failed` where somebody wishes what cannot be.
pub(super) fn at_provider(found: &Found, mode: BlockMode, wished: Option<bool>) -> ApiResult<bool> {
    let refused = |message| Err(ApiError::field("/atProvider", "not_possible", message));
    match wished {
        Some(false) => Ok(false),
        Some(true) if mode == BlockMode::Throttle => {
            refused("a throttle is the guard's: the provider knows no such thing")
        }
        Some(true) if matches!(found.target, Target::ApiKey(_)) => refused("the provider does not know our API keys"),
        Some(true) if !found.allows_provider_stops => {
            refused("the team does not allow stops at the provider: an administrator can turn allowProviderStops on")
        }
        Some(true) => Ok(true),
        None => Ok(can_tell_provider(found, mode)),
    }
}

/// Whether the provider can be told.
pub(super) fn can_tell_provider(found: &Found, mode: BlockMode) -> bool {
    mode == BlockMode::Stop && found.allows_provider_stops && !matches!(found.target, Target::ApiKey(_))
}

/// How the provider is told, in the order in which that is tried.
pub(super) const MEANS: [ProviderStopMeans; 2] = [ProviderStopMeans::SpendLimit, ProviderStopMeans::RateLimits];

/// What goes on in spite of a block.
pub(super) fn still_runs(target: Target, mode: BlockMode, clamps: bool, lacks_project_id: bool) -> Vec<StillRuns> {
    let mut all = Vec::new();
    match (target, mode) {
        (Target::ApiKey(_), BlockMode::Stop) => all.extend([StillRuns::OtherApiKeys, StillRuns::ProviderKeys]),
        (_, BlockMode::Throttle) => {
            all.extend([StillRuns::WithinLimit, StillRuns::Unguarded, StillRuns::ProviderKeys, StillRuns::Reports]);
        }
        (_, BlockMode::Stop) => {
            if clamps {
                all.push(StillRuns::LeastLimit);
                if lacks_project_id {
                    all.push(StillRuns::NoProjectId);
                }
                all.push(StillRuns::OtherProviders);
            } else {
                all.extend([StillRuns::ProviderKeys, StillRuns::Unguarded]);
            }
            all.push(StillRuns::Reports);
        }
    }
    all
}

/// The same for people.
pub(super) fn not_stopped(code: StillRuns, locale: Locale) -> NotStopped {
    let (en, ko) = match code {
        StillRuns::ProviderKeys => (
            "Calls that are made with the provider's own keys go on: the provider is not told.",
            "공급자의 키로 직접 하는 호출은 계속돼요. 공급자에는 알리지 않아요.",
        ),
        StillRuns::LeastLimit => (
            "The provider takes a moment to hold its limits, and its least spend limit is one US cent a month.",
            "공급자가 한도를 적용하기까지 잠시 걸려요. 공급자의 최소 지출 한도는 한 달에 1센트예요.",
        ),
        StillRuns::NoProjectId => (
            "Projects without a Project ID cannot be stopped at the provider.",
            "Project ID가 없는 프로젝트는 공급자에서 멈출 수 없어요.",
        ),
        StillRuns::Unguarded => (
            "Programs that do not ask the guard before a call are not stopped.",
            "호출 전에 가드를 확인하지 않는 프로그램은 멈추지 않아요.",
        ),
        StillRuns::WithinLimit => {
            ("Calls within the limit go on, and cost money.", "한도 안의 호출은 계속되고 비용이 발생해요.")
        }
        StillRuns::Reports => (
            "What programs report is still stored: what happened, happened.",
            "프로그램이 보고하는 사용량은 계속 저장돼요. 이미 일어난 일이니까요.",
        ),
        StillRuns::OtherApiKeys => {
            ("Other API keys of the same projects go on working.", "같은 프로젝트의 다른 API 키는 계속 쓸 수 있어요.")
        }
        StillRuns::OtherProviders => (
            "At other providers than OpenAI nothing is stopped; there the guard alone refuses.",
            "OpenAI가 아닌 공급자에서는 멈추지 않고, 가드만 호출을 거절해요.",
        ),
    };
    let text = match locale {
        Locale::Ko => ko,
        Locale::En => en,
    };
    NotStopped { code, text: text.to_owned() }
}

/// Why the provider was not brought in line, for people.
pub(super) fn trouble(code: &str, locale: Locale) -> &'static str {
    let (en, ko) = match code {
        "unauthorized" => (
            "The provider refused the Admin key. Check that it is active and may manage projects, or rotate it.",
            "공급자가 Admin 키를 거부했어요. 활성 상태이고 프로젝트를 관리할 수 있는지 확인하거나 키를 교체해 주세요.",
        ),
        "admin_key_missing" => (
            "The team has no Admin key that reaches the provider. Register one.",
            "팀에 공급자에 접근할 Admin 키가 없어요. 키를 등록해 주세요.",
        ),
        "decryption_failed" => (
            "The Admin key cannot be decrypted. Check the KMS key, or rotate the Admin key.",
            "Admin 키를 복호화할 수 없어요. KMS 키를 확인하거나 Admin 키를 교체해 주세요.",
        ),
        "encryption_unavailable" => (
            "The key service does not answer. It is tried again by itself.",
            "암호화 서비스가 응답하지 않아요. 자동으로 다시 시도해요.",
        ),
        "rate_limited" | "unavailable" => (
            "The provider does not answer right now. It is tried again by itself.",
            "지금 공급자가 응답하지 않아요. 자동으로 다시 시도해요.",
        ),
        "project_not_found" => (
            "The provider does not know this Project ID, or the Admin key does not reach it.",
            "공급자에 이 Project ID가 없거나 Admin 키로 접근할 수 없어요.",
        ),
        "malformed" | "too_large" | "broken_paging" => (
            "The provider's answer could not be read. It is tried again by itself.",
            "공급자의 응답을 읽을 수 없었어요. 자동으로 다시 시도해요.",
        ),
        _ => (
            "The provider refused to change the limits. It is tried again by itself; they can be changed by hand there.",
            "공급자가 한도 변경을 거절했어요. 자동으로 다시 시도하고, 공급자에서 직접 바꿀 수도 있어요.",
        ),
    };
    match locale {
        Locale::Ko => ko,
        Locale::En => en,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(target: Target, allows_provider_stops: bool) -> Found {
        Found { target, name: "x".into(), team: None, project: None, made_by: None, allows_provider_stops }
    }

    #[test]
    fn the_provider_is_told_where_the_team_allows_it_and_it_can_be() {
        let id = Uuid::from_u128(1);
        let of = |target, allowed, mode, wished| at_provider(&found(target, allowed), mode, wished).ok();
        let project = Target::Project(id);
        assert_eq!(of(project, true, BlockMode::Stop, None), Some(true));
        assert_eq!(of(project, false, BlockMode::Stop, None), Some(false));
        assert_eq!(of(project, false, BlockMode::Stop, Some(true)), None);
        assert_eq!(of(project, true, BlockMode::Stop, Some(false)), Some(false));
        assert_eq!(of(project, true, BlockMode::Throttle, None), Some(false));
        assert_eq!(of(project, true, BlockMode::Throttle, Some(true)), None);
        assert_eq!(of(Target::ApiKey(id), true, BlockMode::Stop, Some(true)), None);
        assert_eq!(of(Target::AdminKey(id), true, BlockMode::Stop, Some(true)), Some(true));
    }

    #[test]
    fn what_goes_on_is_said_in_both_languages() {
        for code in StillRuns::ALL {
            assert!(not_stopped(*code, Locale::En).text.is_ascii(), "{code:?}");
            assert!(not_stopped(*code, Locale::Ko).text.chars().any(|c| ('가'..='힣').contains(&c)), "{code:?}");
        }
        for code in ["unauthorized", "admin_key_missing", "decryption_failed", "unavailable", "project_not_found", "x"]
        {
            assert!(trouble(code, Locale::En).ends_with('.') && trouble(code, Locale::Ko).ends_with('.'), "{code}");
        }
        let project = Target::Project(Uuid::from_u128(1));
        assert!(still_runs(project, BlockMode::Stop, false, false).contains(&StillRuns::ProviderKeys));
        assert!(!still_runs(project, BlockMode::Stop, true, false).contains(&StillRuns::ProviderKeys));
    }
}
