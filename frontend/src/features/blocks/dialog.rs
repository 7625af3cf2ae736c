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
use crate::ui::{
    Banner, Button, ButtonKind, Checkbox, Choice, LinkButton, SegmentedControl, Skeleton, Text, TextField, Textarea,
    Tone, toast,
};

/// The most characters of a reason.
const REASON: usize = 1000;
/// Calls a minute, before somebody says how many.
const USUAL_LIMIT: &str = "60";
/// The most that may be said.
const MOST_CALLS: u32 = 1_000_000;

type Previewed = RwSignal<Option<Result<BlockPreview, ApiError>>>;

/// What the dialog holds.
#[derive(Clone, Copy)]
struct Fields {
    target: BlockTarget,
    alert: Option<Uuid>,
    preview: Previewed,
    /// How often it was asked what would happen: an answer to an earlier question says nothing any more.
    turn: StoredValue<u32>,
    /// Whether an answer is on its way.
    looking: RwSignal<bool>,
    reason: RwSignal<String>,
    /// Whether the provider is to be told, where that can be chosen.
    at_provider: RwSignal<bool>,
    /// How far: the name of a [`BlockMode`].
    mode: RwSignal<String>,
    /// Calls a minute that pass a throttle.
    limit: RwSignal<String>,
    task: Task,
}

/// What of the dialog changes with what is known. What somebody fills in stays where it is meanwhile.
#[derive(Clone, PartialEq)]
enum Shape {
    Loading,
    Failed(ApiError),
    /// There is a block already.
    Blocked(Uuid),
    /// What it would do, and whether the reader may do it and choose whether the provider is told.
    Known {
        may_block: bool,
        can_choose: bool,
    },
}

impl Fields {
    /// Asks what would happen. Without a choice it is what the team allows.
    fn look(self, at_provider: Option<bool>) {
        let mode = self.chosen();
        let is_stop = mode == BlockMode::Stop;
        let request =
            PreviewBlockRequest { target: self.target, mode: Some(mode), at_provider: at_provider.filter(|_| is_stop) };
        self.turn.update_value(|turn| *turn += 1);
        let turn = self.turn.get_value();
        self.looking.set(true);
        spawn_local(async move {
            let answer = api::post::<BlockPreview>("/blocks/preview", &request).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            if let (Ok(preview), None, true) = (&answer, at_provider, is_stop) {
                self.at_provider.set(preview.provider.will_clamp);
            }
            self.preview.set(Some(answer));
            self.looking.set(false);
        });
    }

    /// How far; does not follow it.
    fn chosen(self) -> BlockMode {
        self.mode.with_untracked(|name| BlockMode::from_name(name)).unwrap_or(BlockMode::Stop)
    }

    /// Whether all is to stop; follows it.
    fn is_stop(self) -> bool {
        self.mode.with(|name| name == BlockMode::Stop.name())
    }

    fn shape(self) -> Shape {
        self.preview.with(|preview| match preview {
            None => Shape::Loading,
            Some(Err(error)) => Shape::Failed(error.clone()),
            Some(Ok(BlockPreview { block_id: Some(id), .. })) => Shape::Blocked(*id),
            Some(Ok(preview)) => Shape::Known {
                may_block: preview.may_block,
                can_choose: preview.may_block && preview.provider.allowed && !preview.projects.is_empty(),
            },
        })
    }

    /// Whether how far can be chosen: what is throttled already can be stopped, and what is stopped cannot be throttled.
    fn may_choose(self) -> bool {
        let may = |preview: &BlockPreview| {
            preview.may_block && (preview.block_id.is_none() || preview.mode == BlockMode::Throttle)
        };
        self.preview.with(|preview| preview.as_ref().is_some_and(|preview| preview.as_ref().is_ok_and(may)))
    }

    fn known(self) -> Option<BlockPreview> {
        self.preview.with(|preview| preview.as_ref()?.as_ref().ok().cloned())
    }
}

/// What became of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is a block now, or somebody was asked for one.
    Blocked,
    /// Everything is as it was. With the team of what was asked about, once that is known.
    Left(Option<Uuid>),
}

/// The dialog. It is there from the start, with the focus on the answer that changes nothing; what it says comes when it
/// is known.
#[component]
pub fn BlockDialog(
    /// What is to be stopped.
    target: BlockTarget,
    /// The alert that led here.
    alert: Option<Uuid>,
    /// Called when it is answered.
    done: Callback<Answer>,
) -> AnyView {
    let fields = Fields {
        target,
        alert,
        preview: RwSignal::new(None),
        turn: StoredValue::new(0),
        looking: RwSignal::new(false),
        reason: RwSignal::new(words::blocks::USUAL_REASON.get_untracked().to_owned()),
        at_provider: RwSignal::new(false),
        mode: RwSignal::new(BlockMode::Stop.name().to_owned()),
        limit: RwSignal::new(USUAL_LIMIT.to_owned()),
        task: Task::new(),
    };
    fields.look(None);
    fill_reason(fields);
    let title = Text::derive(move || match fields.known() {
        Some(preview) if preview.mode == BlockMode::Throttle => {
            words::blocks::throttle_ask(&target_text(&preview.target))
        }
        Some(preview) => words::blocks::ask(&target_text(&preview.target)),
        None => words::blocks::TITLE.get().to_owned(),
    });
    let shape = memo(move |_| fields.shape());
    let may_choose = memo(move |_| fields.may_choose());
    let body = move || match shape.get() {
        Shape::Loading => {
            view! { <p class="sr-only" role="status">{t(words::common::LOADING)}</p><Skeleton shape="row" count=4 /> }
                .into_any()
        }
        Shape::Failed(error) => data::failed(
            error,
            Callback::new(move |()| {
                fields.preview.set(None);
                fields.look(None);
            }),
        ),
        Shape::Blocked(id) => already(id),
        Shape::Known { may_block, can_choose } => question(fields, may_block, can_choose),
    };
    let leave = move || {
        let team = untrack(|| fields.known()).and_then(|preview| preview.team).map(|team| team.id);
        done.run(Answer::Left(team));
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
            on:close=move |_| leave()
        >
            <div class="dialog-head"><h2 id=id>{live(move || title.get())}</h2></div>
            <div class="dialog-body stack" id=described aria-busy=move || fields.looking.get().then_some("true")>
                {live(move || may_choose.get().then(|| how_far(fields)))}
                {live(body)}
            </div>
            <div class="dialog-foot">
                <Button on_press=move |_| leave()>{t(words::common::LEAVE_IT)}</Button>
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

/// What is blocked already is not asked about: its page says how it stands.
fn already(id: Uuid) -> AnyView {
    view! {
        <Banner
            tone=Tone::Warning
            actions=move || view! { <LinkButton href=format!("/blocks?block={id}")>{t(words::blocks::SEE)}</LinkButton> }
        >
            {t(words::blocks::ALREADY)}
        </Banner>
    }
    .into_any()
}

fn question(fields: Fields, may_block: bool, can_choose: bool) -> AnyView {
    let refused = (!may_block).then(|| view! { <Banner tone=Tone::Warning>{t(words::blocks::MAY_NOT)}</Banner> });
    let answer = may_block.then(|| {
        view! {
            {can_choose.then(|| live(move || fields.is_stop().then(|| choice(fields))))}
            {live(move || (!fields.is_stop()).then(|| view! {
                <TextField label=words::blocks::LIMIT value=fields.limit hint=words::blocks::LIMIT_HINT error=fields.task.field("/limitPerMinute") />
            }))}
            <Textarea label=words::blocks::REASON value=fields.reason hint=words::blocks::REASON_HINT error=fields.task.field("/reason") />
            <div aria-live="assertive">
                {live(move || fields.task.text().get().map(|text| view! { <Banner tone=Tone::Danger>{text}</Banner> }))}
            </div>
        }
    });
    let known = move || fields.known().map(|preview| consequences(&preview));
    view! { {refused}{live(known)}{answer} }.into_any()
}

/// Everything, or some calls a minute. What would happen is asked again when that changes.
fn how_far(fields: Fields) -> AnyView {
    let choices = vec![
        Choice::new(BlockMode::Stop.name(), words::blocks::STOP),
        Choice::new(BlockMode::Throttle.name(), words::blocks::THROTTLE),
    ];
    let choose = move |name: &'static str| {
        if fields.mode.with_untracked(|now| now != name) {
            fields.task.error.set(None);
            let usual = |name: &str| {
                let is_stop = name == BlockMode::Stop.name();
                (if is_stop { words::blocks::USUAL_REASON } else { words::blocks::THROTTLE_REASON }).get_untracked()
            };
            if fields.reason.with_untracked(|reason| fields.mode.with_untracked(|now| reason == usual(now))) {
                fields.reason.set(usual(name).to_owned());
            }
            fields.mode.set(name.to_owned());
            fields.look(None);
        }
    };
    view! { <div><SegmentedControl label=words::blocks::MODE choices value=fields.mode on_change=choose /></div> }
        .into_any()
}

/// Whether the provider is told. What would happen is asked again when that changes.
fn choice(fields: Fields) -> AnyView {
    effect(move |before: Option<bool>| {
        let now = fields.at_provider.get();
        if before.is_some_and(|before| before != now) {
            fields.look(Some(now));
        }
        now
    });
    view! { <Checkbox value=fields.at_provider label=words::blocks::AT_PROVIDER_TOO /> }.into_any()
}

/// The answer that does it, once it is known what it would do.
fn confirm(fields: Fields, done: Callback<Answer>) -> Option<AnyView> {
    let preview = fields.known()?;
    if !preview.may_block || preview.block_id.is_some() {
        return None;
    }
    let is_choosable = preview.provider.allowed;
    let submit = move |_| {
        let reason = fields.reason.with_untracked(|reason| reason.trim().to_owned());
        let is_stop = fields.chosen() == BlockMode::Stop;
        let limit = fields.limit.with_untracked(|limit| read_limit(limit));
        let wrong = [
            (!is_stop && limit.is_none()).then_some(("/limitPerMinute", "range")),
            reason.is_empty().then_some(("/reason", "required")),
        ];
        if fields.task.refuse(&wrong.into_iter().flatten().collect::<Vec<_>>()) {
            return;
        }
        let request = CreateBlockRequest {
            target: fields.target,
            reason,
            mode: fields.chosen(),
            limit_per_minute: limit.filter(|_| !is_stop),
            alert_id: fields.alert,
            at_provider: (is_choosable && is_stop).then(|| fields.at_provider.get_untracked()),
        };
        fields.task.run(async move { api::post::<Block>("/blocks", &request).await }, move |block| {
            let name = target_text(&block.target);
            toast::done(match block.status {
                BlockStatus::Requested => words::blocks::asked(&name),
                _ if block.mode == BlockMode::Throttle => words::blocks::is_throttled(&name),
                _ => words::blocks::blocked(&name),
            });
            shell::look_for_blocks();
            done.run(Answer::Blocked);
        });
    };
    let word = match (preview.needs_approval, preview.mode) {
        (true, _) => words::blocks::REQUEST,
        (false, BlockMode::Stop) => words::blocks::BLOCK,
        (false, BlockMode::Throttle) => words::blocks::THROTTLE_IT,
    };
    // Nobody agrees to what they have not seen yet.
    let busy = memo(move |_| fields.task.busy.get() || fields.looking.get());
    Some(view! { <Button kind=ButtonKind::Danger busy=busy on_press=submit>{t(word)}</Button> }.into_any())
}

/// Calls a minute as people type them.
fn read_limit(text: &str) -> Option<u32> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    plain.parse().ok().filter(|limit| (1..=MOST_CALLS).contains(limit))
}

#[cfg(test)]
mod tests {
    use super::read_limit;

    #[test]
    fn calls_a_minute_are_a_whole_number_above_zero() {
        assert_eq!(
            [read_limit(" 1,000 "), read_limit("1"), read_limit("1000000")],
            [Some(1_000), Some(1), Some(1_000_000)]
        );
        for bad in ["", "0", "-1", "1.5", "1000001", "many"] {
            assert_eq!(read_limit(bad), None, "{bad}");
        }
    }
}
