//! What targets, states and steps are called.

use finops_contract::blocks::{
    Block, BlockCause, BlockEnding, BlockMode, BlockRestoration, BlockStatus, BlockTargetType, BlockedTarget,
    ProviderStop, ProviderStopMeans, ProviderStopState,
};
use leptos::prelude::*;

use super::model::is_waiting;
use crate::format::number::grouped;
use crate::i18n::{Word, t, words};
use crate::reactive::live;
use crate::ui::{Badge, Glyph, Icon, Tone};

/// What a kind of target is called.
pub(super) const fn target_kind(kind: BlockTargetType) -> (Icon, Word) {
    match kind {
        BlockTargetType::AdminKey => (Icon::Key, words::blocks::ADMIN_KEY),
        BlockTargetType::Project => (Icon::Folder, words::explore::PROJECT),
        BlockTargetType::ApiKey => (Icon::Key, words::explore::API_KEY),
    }
}

/// Kind and name.
pub(super) fn target_text(target: &BlockedTarget) -> String {
    let kind = target_kind(target.kind).1.get();
    let name = if target.deleted { words::explore::deleted(&target.name) } else { target.name.clone() };
    format!("{kind} {name}")
}

/// How far along a block is.
pub(super) const fn status_name(status: BlockStatus) -> (Tone, Icon, Word) {
    use words::blocks as w;
    match status {
        BlockStatus::Requested => (Tone::Warning, Icon::Clock, w::REQUESTED),
        BlockStatus::Active => (Tone::Danger, Icon::Stop, w::ACTIVE),
        BlockStatus::Lifted => (Tone::Success, Icon::Success, w::IS_LIFTED),
        BlockStatus::Declined => (Tone::Neutral, Icon::Close, w::IS_DECLINED),
    }
}

/// The state, how far it goes, whether a lift waits, and how it stands at the provider.
pub(super) fn badges(block: &Block) -> AnyView {
    let (tone, icon, word) = status_name(block.status);
    let limit = (block.mode == BlockMode::Throttle).then(|| {
        let mode = block.clone();
        view! { <Badge>{live(move || mode_text(&mode))}</Badge> }
    });
    view! {
        <span class="row" data-gap="4">
            <Badge tone><Glyph icon size=12 />{t(word)}</Badge>
            {limit}{marks(block)}
        </span>
    }
    .into_any()
}

/// Whether a lift waits, and how it stands at the provider.
pub(super) fn marks(block: &Block) -> AnyView {
    let waits = (is_waiting(block) && block.status == BlockStatus::Active).then(|| {
        view! { <Badge tone=Tone::Warning><Glyph icon=Icon::Clock size=12 />{t(words::blocks::LIFT_WAITS)}</Badge> }
    });
    // The worst is what matters of several.
    let worst = block.provider.iter().max_by_key(|stop| rank(stop.state)).map(|stop| {
        let (tone, icon, word) = stop_name(stop.state);
        view! { <Badge tone><Glyph icon size=12 />{t(word)}</Badge> }
    });
    view! { {waits}{worst} }.into_any()
}

const fn rank(state: ProviderStopState) -> u8 {
    match state {
        ProviderStopState::Failed => 3,
        ProviderStopState::Clamping | ProviderStopState::Restoring => 2,
        ProviderStopState::Clamped => 1,
        ProviderStopState::Restored => 0,
    }
}

/// How a stop at the provider stands.
pub(super) const fn stop_name(state: ProviderStopState) -> (Tone, Icon, Word) {
    use words::blocks as w;
    match state {
        ProviderStopState::Clamping => (Tone::Info, Icon::Clock, w::CLAMPING),
        ProviderStopState::Clamped => (Tone::Danger, Icon::Lock, w::CLAMPED),
        ProviderStopState::Restoring => (Tone::Info, Icon::Clock, w::RESTORING),
        ProviderStopState::Restored => (Tone::Success, Icon::Success, w::RESTORED),
        ProviderStopState::Failed => (Tone::Warning, Icon::Warning, w::STOP_FAILED),
    }
}

/// Why a stop at the provider failed, and that it is tried again.
pub(super) fn stop_failure(stop: &ProviderStop) -> Option<String> {
    if stop.state != ProviderStopState::Failed {
        return None;
    }
    let why = stop.error.clone().or_else(|| stop.error_code.clone()).unwrap_or_default();
    let count = u64::try_from(stop.failures).unwrap_or_default();
    Some(format!("{why} {}", words::blocks::tried_again(count)).trim().to_owned())
}

/// How a project is stopped at the provider.
pub(super) const fn means_name(means: ProviderStopMeans) -> Word {
    match means {
        ProviderStopMeans::SpendLimit => words::blocks::SPEND_LIMIT,
        ProviderStopMeans::RateLimits => words::blocks::RATE_LIMITS,
    }
}

/// How far it is stopped.
pub(super) fn mode_text(block: &Block) -> String {
    match (block.mode, block.limit_per_minute) {
        (BlockMode::Throttle, Some(limit)) => words::blocks::throttled(&grouped(&limit.to_string())),
        (BlockMode::Throttle, None) => words::blocks::THROTTLE.get().to_owned(),
        (BlockMode::Stop, _) => words::blocks::STOP.get().to_owned(),
    }
}

/// Who stopped it.
pub(super) fn by_text(block: &Block) -> String {
    match (&block.requested_by, block.cause) {
        (Some(by), _) => by.name.clone(),
        (None, BlockCause::Budget) => words::blocks::BY_BUDGET.get().to_owned(),
        (None, BlockCause::Manual) => words::blocks::BY_NOBODY.get().to_owned(),
    }
}

/// How it ended.
pub(super) const fn ending(ending: BlockEnding) -> Word {
    use words::blocks as w;
    match ending {
        BlockEnding::Lifted => w::IS_LIFTED,
        BlockEnding::Deleted => w::ENDED_DELETED,
        BlockEnding::Replaced => w::ENDED_REPLACED,
    }
}

/// What lifting put back.
pub(super) const fn restoration(restoration: BlockRestoration) -> Word {
    use words::blocks as w;
    match restoration {
        BlockRestoration::ProjectIdReturned => w::PROJECT_ID_RETURNED,
        BlockRestoration::ProjectIdTaken => w::PROJECT_ID_TAKEN,
        BlockRestoration::KeyActivated => w::KEY_ACTIVATED,
        BlockRestoration::KeyReplaced => w::KEY_REPLACED,
        BlockRestoration::Nothing => w::NOTHING_RESTORED,
    }
}

/// What was done; a later version's step by its code.
pub(super) fn step(action: &str) -> Option<Word> {
    use words::blocks as w;
    Some(match action {
        "block.create" => w::STEP_CREATE,
        "block.approve" => w::STEP_APPROVE,
        "block.decline" => w::STEP_DECLINE,
        "block.request_lift" => w::STEP_REQUEST_LIFT,
        "block.decline_lift" => w::STEP_DECLINE_LIFT,
        "block.lift" => w::STEP_LIFT,
        "block.provider_clamped" => w::STEP_CLAMPED,
        "block.provider_restored" => w::STEP_RESTORED,
        "block.provider_failed" => w::STEP_FAILED,
        _ => return None,
    })
}
