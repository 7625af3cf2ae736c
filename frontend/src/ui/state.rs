//! What stands where content should be: four kinds of nothing, failures, and placeholders.

use leptos::prelude::*;

use super::button::Button;
use super::copy::CopyButton;
use super::icon::{Glyph, Icon};
use super::{ButtonKind, ButtonSize, Text};
use crate::i18n::{t, words};
use crate::reactive::live;

/// Why there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyKind {
    /// Nothing has come in yet.
    NoData,
    /// The filter lets nothing through.
    NoMatch,
    /// The reader may not see it.
    Forbidden,
    /// It is being collected, later than usual.
    Delayed,
    /// The address names nothing.
    Missing,
    /// The app has been replaced by a newer one.
    Outdated,
}

/// Nothing, with the reason and the next step.
#[component]
pub fn EmptyState(
    /// Why.
    kind: EmptyKind,
    /// In other words than the kind's own.
    #[prop(into, optional)]
    title: Option<Text>,
    /// What it means here.
    #[prop(into, optional)]
    body: Option<Text>,
    /// The next step.
    #[prop(into, optional)]
    actions: ViewFnOnce,
) -> AnyView {
    let (icon, word, more) = match kind {
        EmptyKind::NoData => (Icon::Inbox, words::common::NO_DATA_TITLE, None),
        EmptyKind::NoMatch => (Icon::Search, words::common::NO_MATCH_TITLE, None),
        EmptyKind::Forbidden => (Icon::Lock, words::common::FORBIDDEN_TITLE, Some(words::common::FORBIDDEN_BODY)),
        EmptyKind::Delayed => (Icon::Clock, words::common::DELAYED_TITLE, None),
        EmptyKind::Missing => (Icon::Search, words::common::NOT_FOUND_TITLE, Some(words::common::NOT_FOUND_BODY)),
        EmptyKind::Outdated => (Icon::Retry, words::shell::OUTDATED_TITLE, Some(words::shell::OUTDATED_BODY)),
    };
    let title = title.unwrap_or_else(|| word.into());
    let body = body.or_else(|| more.map(Into::into));
    view! {
        <div class="state">
            <span class="state-icon"><Glyph icon size=20 /></span>
            <p class="state-title">{live(move || title.get())}</p>
            {body.map(|body| view! { <p class="state-body">{live(move || body.get())}</p> })}
            <div class="state-actions">{actions.run()}</div>
        </div>
    }
    .into_any()
}

/// A failure, with a way to try again and what to tell the support.
#[component]
pub fn ErrorState(
    /// What went wrong.
    #[prop(into)]
    text: Text,
    /// The request's id.
    request_id: Option<String>,
    /// Tries again.
    retry: Callback<()>,
) -> AnyView {
    view! {
        <div class="state" data-tone="danger" role="alert">
            <span class="state-icon"><Glyph icon=Icon::Failure size=20 /></span>
            <p class="state-title">{t(words::common::FAILED_TITLE)}</p>
            <p class="state-body">{live(move || text.get())}</p>
            <div class="state-actions">
                <Button kind=ButtonKind::Secondary icon=Icon::Retry on_press=move |_| retry.run(())>
                    {t(words::common::RETRY)}
                </Button>
            </div>
            {request_id.map(|id| view! {
                <p class="state-foot">
                    {t(words::common::REQUEST_ID)} " " <code>{id.clone()}</code>
                    <CopyButton text=id size=ButtonSize::Small />
                </p>
            })}
        </div>
    }
    .into_any()
}

/// The outline of what is being loaded. Appears after 200 ms.
#[component]
pub fn Skeleton(
    /// `text`, `title`, `number`, `short`, `chart` or `row`.
    #[prop(default = "text")]
    shape: &'static str,
    /// How many, one below the other.
    #[prop(default = 1)]
    count: usize,
) -> AnyView {
    (0..count)
        .map(|_| view! { <span class="skeleton" data-shape=shape aria-hidden="true"></span> })
        .collect_view()
        .into_any()
}
