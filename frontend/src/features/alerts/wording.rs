//! What kinds, severities, states and reasons are called.

use finops_contract::alerts::{Alert, AlertKind, AlertSeverity, AlertStatus};
use finops_contract::channels::{ChannelState, ChannelType};
use finops_contract::deliveries::{AttemptOutcome, DeliveryStatus};
use leptos::prelude::*;

use crate::features::budgets::scope_text;
use crate::i18n::{Word, t, words};
use crate::ui::{Badge, Glyph, Icon, Tone};

/// What a kind of alert is called.
pub(super) const fn kind_name(kind: AlertKind) -> Word {
    match kind {
        AlertKind::Budget => words::alerts::KIND_BUDGET,
        AlertKind::Unpriced => words::alerts::KIND_UNPRICED,
    }
}

/// How bad it is: by shape, by word, and by colour.
pub(super) fn severity_badge(severity: AlertSeverity) -> AnyView {
    use words::alerts as w;
    let (tone, icon, word) = match severity {
        AlertSeverity::Info => (Tone::Info, Icon::Info, w::SEVERITY_INFO),
        AlertSeverity::Warning => (Tone::Warning, Icon::Warning, w::SEVERITY_WARNING),
        AlertSeverity::Error => (Tone::Danger, Icon::Warning, w::SEVERITY_ERROR),
        AlertSeverity::Critical => (Tone::Danger, Icon::Failure, w::SEVERITY_CRITICAL),
    };
    view! { <Badge tone><Glyph icon size=12 />{t(word)}</Badge> }.into_any()
}

/// How far an alert is dealt with.
pub(super) const fn status_name(status: AlertStatus) -> (Tone, Word) {
    use words::alerts as w;
    match status {
        AlertStatus::Open => (Tone::Warning, w::OPEN),
        AlertStatus::Acknowledged => (Tone::Info, w::ACKNOWLEDGED),
        AlertStatus::Resolved => (Tone::Success, w::RESOLVED),
    }
}

/// The same, as a badge.
pub(super) fn status_badge(status: AlertStatus) -> AnyView {
    let (tone, word) = status_name(status);
    view! { <Badge tone dot=true>{t(word)}</Badge> }.into_any()
}

/// Whom or what an alert is about.
pub(super) fn about(alert: &Alert) -> String {
    if let Some(scope) = &alert.scope {
        return scope_text(scope);
    }
    if let Some(calls) = &alert.unpriced {
        return format!("{} · {}", calls.provider, calls.model);
    }
    let named = alert.project.as_ref().or(alert.team.as_ref());
    named.map_or_else(|| words::budgets::SCOPE_ORGANIZATION.get().to_owned(), |named| named.name.clone())
}

/// What a type of channel is called, and its icon.
pub(super) const fn channel_type(kind: ChannelType) -> (Icon, Word) {
    use words::alerts as w;
    match kind {
        ChannelType::Email => (Icon::Mail, w::TYPE_EMAIL),
        ChannelType::Slack => (Icon::Chat, w::TYPE_SLACK),
        ChannelType::Webhook => (Icon::Plug, w::TYPE_WEBHOOK),
        ChannelType::Sms => (Icon::Phone, w::TYPE_SMS),
        ChannelType::Pagerduty => (Icon::Bell, w::TYPE_PAGERDUTY),
    }
}

/// When a channel of this type is told, in words.
pub(super) const fn channel_gets(kind: ChannelType) -> Word {
    use words::alerts as w;
    match kind {
        ChannelType::Email => w::GETS_EMAIL,
        ChannelType::Slack => w::GETS_SLACK,
        ChannelType::Webhook => w::GETS_WEBHOOK,
        ChannelType::Sms => w::GETS_SMS,
        ChannelType::Pagerduty => w::GETS_PAGERDUTY,
    }
}

/// Whether messages pass.
pub(super) const fn channel_state(state: ChannelState) -> (Tone, Word) {
    use words::alerts as w;
    match state {
        ChannelState::Ok => (Tone::Success, w::CHANNEL_OK),
        ChannelState::Failing => (Tone::Warning, w::CHANNEL_FAILING),
        ChannelState::Disabled => (Tone::Danger, w::CHANNEL_DISABLED),
    }
}

/// How far a message is.
pub(super) const fn delivery_status(status: DeliveryStatus) -> (Tone, Icon, Word) {
    use words::alerts as w;
    match status {
        DeliveryStatus::Pending => (Tone::Neutral, Icon::Clock, w::PENDING),
        DeliveryStatus::Sending => (Tone::Info, Icon::ArrowRight, w::SENDING),
        DeliveryStatus::Delivered => (Tone::Success, Icon::Success, w::DELIVERED),
        DeliveryStatus::Retrying => (Tone::Warning, Icon::Retry, w::RETRYING),
        DeliveryStatus::Dead => (Tone::Danger, Icon::Failure, w::DEAD),
        DeliveryStatus::Held => (Tone::Neutral, Icon::Clock, w::HELD),
        DeliveryStatus::Digested => (Tone::Success, Icon::List, w::DIGESTED),
    }
}

/// The same, as a badge.
pub(super) fn delivery_badge(status: DeliveryStatus) -> AnyView {
    let (tone, icon, word) = delivery_status(status);
    view! { <Badge tone><Glyph icon size=12 />{t(word)}</Badge> }.into_any()
}

/// How an attempt ended.
pub(super) const fn outcome(outcome: AttemptOutcome) -> (Tone, Word) {
    use words::alerts as w;
    match outcome {
        AttemptOutcome::Sending => (Tone::Info, w::SENDING),
        AttemptOutcome::Delivered => (Tone::Success, w::DELIVERED),
        AttemptOutcome::Failed => (Tone::Danger, w::ATTEMPT_FAILED),
        AttemptOutcome::Interrupted => (Tone::Warning, w::ATTEMPT_INTERRUPTED),
    }
}

/// What a message tells of; a later version's by its code.
pub(super) fn told(kind: &str) -> Option<Word> {
    use words::alerts as w;
    Some(match kind {
        "alert.triggered" => w::TOLD_TRIGGERED,
        "alert.acknowledged" => w::TOLD_ACKNOWLEDGED,
        "alert.resolved" => w::TOLD_RESOLVED,
        "alert.test" | "channel.test" | "report.test" => w::TOLD_TEST,
        "report.weekly" => w::TOLD_REPORT,
        "block.requested" | "block.lift_requested" => w::TOLD_BLOCK_WAITS,
        "block.active" => w::TOLD_BLOCKED,
        "block.declined" | "block.lift_declined" => w::TOLD_BLOCK_DECLINED,
        "block.lifted" => w::TOLD_LIFTED,
        "block.provider_failed" => w::TOLD_NOT_AT_PROVIDER,
        "digest" => w::TOLD_DIGEST,
        _ => return None,
    })
}

/// Why something was not sent, as a sentence. A later version's reason is shown as it is.
pub(super) fn reason_text(reason: &str) -> String {
    use words::alerts as w;
    let word = match reason {
        "rate_limited" => w::WHY_RATE_LIMITED,
        "unavailable" => w::WHY_UNAVAILABLE,
        "rejected" => w::WHY_REJECTED,
        "unauthorized" => w::WHY_UNAUTHORIZED,
        "gone" => w::WHY_GONE,
        "refused_destination" => w::WHY_REFUSED_DESTINATION,
        "channel_not_configured" => w::WHY_NOT_CONFIGURED,
        "channel_disabled" => w::WHY_DISABLED,
        "encryption_unavailable" | "decryption_failed" => w::WHY_ENCRYPTION,
        _ => return reason.to_owned(),
    };
    word.get().to_owned()
}
