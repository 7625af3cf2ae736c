//! The question before a block: what stops, why, and the safe answer first.

use finops_contract::alerts::Alert;
use finops_contract::blocks::{
    Block, BlockMode, BlockPreview, BlockStatus, BlockTarget, CreateBlockRequest, PreviewBlockRequest,
};
use leptos::prelude::*;
use leptos::task::spawn_local;
use uuid::Uuid;

use super::preview::consequences;
use super::wording::target_text;
use crate::api::{self, ApiError};
use crate::data::{self, Task, use_told};
use crate::i18n::{t, words};
use crate::reactive::{effect, live, memo};
use crate::shell;
use crate::ui::dom::{focus_within, unique_id};
use crate::ui::{Banner, Button, ButtonKind, Checkbox, LinkButton, Skeleton, Text, Textarea, Tone, toast};

/// The most characters of a reason.
const REASON: usize = 1000;

type Previewed = RwSignal<Option<Result<BlockPreview, ApiError>>>;

/// What the dialog holds.
#[derive(Clone, Copy)]
struct Fields {
    target: BlockTarget,
    alert: Option<Uuid>,
    preview: Previewed,
    reason: RwSignal<String>,
    /// Whether the provider is to be told, where that can be chosen.
    at_provider: RwSignal<bool>,
    task: Task,
}

impl Fields {
    /// Asks what would happen.
    fn look(self, at_provider: Option<bool>) {
        let request = PreviewBlockRequest { target: self.target, mode: None, at_provider };
        spawn_local(async move {
            let answer = api::post::<BlockPreview>("/blocks/preview", &request).await;
            if let Ok(preview) = &answer {
                self.at_provider.try_set(preview.provider.will_clamp);
            }
            self.preview.try_set(Some(answer));
        });
    }

    fn known(self) -> Option<BlockPreview> {
        self.preview.with(|preview| preview.as_ref()?.as_ref().ok().cloned())
    }
}

/// The dialog. It is there from the start, with the focus on the answer that changes nothing; what it says comes when it
/// is known.
#[component]
pub fn BlockDialog(
    /// What is to be stopped.
    target: BlockTarget,
    /// The alert that led here.
    alert: Option<Uuid>,
    /// Called with what was made; without anything when it is left as it is.
    done: Callback<Option<Block>>,
) -> AnyView {
    let fields = Fields {
        target,
        alert,
        preview: RwSignal::new(None),
        reason: RwSignal::new(words::blocks::USUAL_REASON.get_untracked().to_owned()),
        at_provider: RwSignal::new(false),
        task: Task::new(),
    };
    fields.look(None);
    fill_reason(fields);
    let title = Text::derive(move || match fields.known() {
        Some(preview) => words::blocks::ask(&target_text(&preview.target)),
        None => words::blocks::TITLE.get().to_owned(),
    });
    let body = move || match fields.preview.get() {
        None => {
            view! { <p class="sr-only" role="status">{t(words::common::LOADING)}</p><Skeleton shape="row" count=4 /> }
                .into_any()
        }
        Some(Err(error)) => data::failed(
            error,
            Callback::new(move |()| {
                fields.preview.set(None);
                fields.look(None);
            }),
        ),
        Some(Ok(preview)) => asked(&preview, fields),
    };
    let node = NodeRef::<leptos::html::Dialog>::new();
    effect(move |_| {
        if let Some(dialog) = node.get().filter(|dialog| !dialog.open()) {
            drop(dialog.show_modal());
            focus_within(&dialog, ".dialog-foot button");
        }
    });
    let (id, described) = (unique_id("block"), unique_id("block"));
    let (named_by, described_by) = (id.clone(), described.clone());
    view! {
        <dialog
            class="dialog"
            node_ref=node
            role="alertdialog"
            aria-labelledby=named_by
            aria-describedby=described_by
            on:close=move |_| done.run(None)
        >
            <div class="dialog-head"><h2 id=id>{live(move || title.get())}</h2></div>
            <div class="dialog-body stack" id=described aria-busy=move || fields.preview.with(Option::is_none).then_some("true")>
                {live(body)}
            </div>
            <div class="dialog-foot">
                <Button on_press=move |_| done.run(None)>{t(words::common::LEAVE_IT)}</Button>
                {live(move || confirm(fields, done))}
            </div>
        </dialog>
    }
    .into_any()
}

/// The alert says why, unless somebody has said it already.
fn fill_reason(fields: Fields) {
    let Some(id) = fields.alert else { return };
    let alert = use_told::<Alert>(move || Some(format!("/alerts/{id}")));
    effect(move |_| {
        let subject = alert.data.with(|alert| alert.as_ref().map(|alert| alert.subject.clone()));
        let is_untouched =
            fields.reason.with_untracked(|reason| *reason == words::blocks::USUAL_REASON.get_untracked());
        if let Some(subject) = subject.filter(|_| is_untouched) {
            fields.reason.set(subject.chars().take(REASON).collect());
        }
    });
}

fn asked(preview: &BlockPreview, fields: Fields) -> AnyView {
    if let Some(id) = preview.block_id {
        return view! {
            <Banner
                tone=Tone::Warning
                actions=move || view! { <LinkButton href=format!("/blocks?block={id}")>{t(words::blocks::SEE)}</LinkButton> }
            >
                {t(words::blocks::ALREADY)}
            </Banner>
        }
        .into_any();
    }
    let refused =
        (!preview.may_block).then(|| view! { <Banner tone=Tone::Warning>{t(words::blocks::MAY_NOT)}</Banner> });
    let can_choose = preview.may_block && preview.provider.allowed && !preview.projects.is_empty();
    let answer = preview.may_block.then(|| {
        view! {
            {can_choose.then(|| choice(fields))}
            <Textarea label=words::blocks::REASON value=fields.reason hint=words::blocks::REASON_HINT error=fields.task.field("/reason") />
            <div aria-live="assertive">
                {live(move || fields.task.text().get().map(|text| view! { <Banner tone=Tone::Danger>{text}</Banner> }))}
            </div>
        }
    });
    view! { {refused}{consequences(preview)}{answer} }.into_any()
}

/// Whether the provider is told. What would happen is asked again when that changes.
fn choice(fields: Fields) -> AnyView {
    let wanted = RwSignal::new(fields.at_provider.get_untracked());
    effect(move |before: Option<bool>| {
        let now = wanted.get();
        if before.is_some_and(|before| before != now) {
            fields.look(Some(now));
        }
        now
    });
    view! { <Checkbox value=wanted label=words::blocks::AT_PROVIDER_TOO /> }.into_any()
}

/// The answer that does it, once it is known what it would do.
fn confirm(fields: Fields, done: Callback<Option<Block>>) -> Option<AnyView> {
    let preview = fields.known()?;
    if !preview.may_block || preview.block_id.is_some() {
        return None;
    }
    let chosen = preview.provider.allowed;
    let submit = move |_| {
        let reason = fields.reason.with_untracked(|reason| reason.trim().to_owned());
        if reason.is_empty() && fields.task.refuse(&[("/reason", "required")]) {
            return;
        }
        let request = CreateBlockRequest {
            target: fields.target,
            reason,
            mode: BlockMode::Stop,
            limit_per_minute: None,
            alert_id: fields.alert,
            at_provider: chosen.then(|| fields.at_provider.get_untracked()),
        };
        fields.task.run(async move { api::post::<Block>("/blocks", &request).await }, move |block| {
            let name = target_text(&block.target);
            toast::done(match block.status {
                BlockStatus::Requested => words::blocks::asked(&name),
                _ => words::blocks::blocked(&name),
            });
            shell::look_for_blocks();
            done.run(Some(block));
        });
    };
    let word = if preview.needs_approval { words::blocks::REQUEST } else { words::blocks::BLOCK };
    let busy = memo(move |_| fields.task.busy.get());
    Some(view! { <Button kind=ButtonKind::Danger busy=busy on_press=submit>{t(word)}</Button> }.into_any())
}
