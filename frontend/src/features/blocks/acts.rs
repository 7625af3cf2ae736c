//! Deciding about a block: lifting it, approving or declining what waits for a second person.

use finops_contract::blocks::{
    ApproveBlockRequest, Block, BlockQuestion, BlockStatus, DeclineBlockRequest, LiftBlockRequest,
};
use leptos::prelude::*;
use uuid::Uuid;

use super::wording::target_text;
use crate::api;
use crate::data::Task;
use crate::features::ask;
use crate::i18n::{Word, t, words};
use crate::reactive::live;
use crate::shell;
use crate::ui::{Button, ButtonKind, ConfirmDialog, Dialog, Form, FormActions, Text, Textarea, toast};

/// What can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Lift it, or ask for that.
    Lift,
    /// Let it, or its lifting, be.
    Approve,
    /// Do not.
    Decline,
}

/// What is asked about before it is decided.
pub type Asked = RwSignal<Option<(Act, Block)>>;

/// The buttons of what the reader may decide about a block.
pub(super) fn buttons(block: &Block, asked: Asked) -> AnyView {
    let of = StoredValue::new(block.clone());
    let one = move |act: Act, kind: ButtonKind, word: Word| {
        let name = target_text(&of.get_value().target);
        view! {
            <Button kind on_press=move |_| asked.set(Some((act, of.get_value())))>
                <span aria-hidden="true">{t(word)}</span>
                <span class="sr-only">{live(move || format!("{name} {}", word.get()))}</span>
            </Button>
        }
    };
    let decide = block.may_approve.then(|| {
        let word = match question_of(block) {
            BlockQuestion::Block => words::blocks::APPROVE,
            BlockQuestion::Lift => words::blocks::APPROVE_LIFT,
        };
        view! {
            {one(Act::Decline, ButtonKind::Secondary, words::blocks::DECLINE)}
            {one(Act::Approve, ButtonKind::Primary, word)}
        }
    });
    let lift = block.may_lift.then(|| one(Act::Lift, ButtonKind::Secondary, words::blocks::LIFT));
    view! { {decide}{lift} }.into_any()
}

/// The dialogs. `done` is called after each decision.
#[component]
pub fn ActDialogs(
    /// What is asked about.
    asked: Asked,
    /// Called when it is decided.
    done: Callback<()>,
) -> AnyView {
    let open = ask::opened_by(asked);
    let decided = Callback::new(move |(act, block): (Act, Block)| {
        open.set(false);
        toast::done(told(act, &block));
        shell::look_for_blocks();
        done.run(());
    });
    live(move || {
        asked.get().map(|(act, block)| match act {
            Act::Approve => view! { <Approve open block decided /> }.into_any(),
            Act::Lift | Act::Decline => view! { <WithReason open act block decided /> }.into_any(),
        })
    })
}

/// What came of a decision.
fn told(act: Act, block: &Block) -> String {
    let name = target_text(&block.target);
    match (act, block.status) {
        (Act::Lift, BlockStatus::Active) => words::blocks::lift_asked(&name),
        (Act::Decline, _) => words::blocks::declined(&name),
        (_, BlockStatus::Lifted) => words::blocks::lifted(&name),
        _ => words::blocks::blocked(&name),
    }
}

/// What waits for a second person as the reader sees it.
fn question_of(block: &Block) -> BlockQuestion {
    if block.status == BlockStatus::Requested { BlockQuestion::Block } else { BlockQuestion::Lift }
}

#[component]
fn Approve(open: RwSignal<bool>, block: Block, decided: Callback<(Act, Block)>) -> AnyView {
    let task = Task::new();
    let path = format!("/blocks/{}/approve", block.id);
    let question = question_of(&block);
    let confirm = Callback::new(move |()| {
        let path = path.clone();
        task.run(async move { api::post::<Block>(&path, &ApproveBlockRequest { question }).await }, move |block| {
            decided.run((Act::Approve, block));
        });
    });
    let is_lift = question == BlockQuestion::Lift;
    let name = target_text(&block.target);
    let title = Text::derive(move || if is_lift { words::blocks::lift_ask(&name) } else { words::blocks::ask(&name) });
    let (by, why) = match &block.lift_request {
        Some(lift) => (lift.by.as_ref().map(|by| by.name.clone()).unwrap_or_default(), lift.reason.clone()),
        None => (block.requested_by.as_ref().map(|by| by.name.clone()).unwrap_or_default(), block.reason.clone()),
    };
    let asked = Text::derive(move || words::blocks::asked_by(&by, &why));
    let (effect, confirm_word, kind) = if is_lift {
        (lift_effect(&block), words::blocks::LIFT, ButtonKind::Primary)
    } else {
        (words::blocks::STOP_1, words::blocks::BLOCK, ButtonKind::Danger)
    };
    view! {
        <ConfirmDialog
            open
            title
            consequences=vec![asked, effect.into()]
            confirm=confirm_word
            kind
            busy=task.busy
            error=task.text()
            on_confirm=confirm
        />
    }
    .into_any()
}

/// What a lift does. A budget that is over goes on refusing.
fn lift_effect(block: &Block) -> Word {
    if block.budget_id.is_some() { words::blocks::LIFT_BUDGET } else { words::blocks::LIFT_1 }
}

/// The way to the budget that stopped it.
fn budget_link(budget: Option<Uuid>) -> Option<AnyView> {
    let id = budget?;
    let link = view! { <a class="link" href=format!("/budgets/{id}")>{t(words::budgets::PROJECT_BUDGETS)}</a> };
    Some(link.into_any())
}

#[component]
fn WithReason(open: RwSignal<bool>, act: Act, block: Block, decided: Callback<(Act, Block)>) -> AnyView {
    let task = Task::new();
    let is_lift = act == Act::Lift;
    let usual = if is_lift { words::blocks::LIFT_REASON } else { words::blocks::DECLINE_REASON };
    let reason = RwSignal::new(usual.get_untracked().to_owned());
    let (id, question) = (block.id, question_of(&block));
    let submit = move |()| {
        let wanted = reason.with_untracked(|reason| reason.trim().to_owned());
        if wanted.is_empty() && task.refuse(&[("/reason", "required")]) {
            return;
        }
        let call = async move {
            if is_lift {
                api::post::<Block>(&format!("/blocks/{id}/lift"), &LiftBlockRequest { reason: wanted }).await
            } else {
                let request = DeclineBlockRequest { question, reason: wanted };
                api::post(&format!("/blocks/{id}/decline"), &request).await
            }
        };
        task.run(call, move |block| decided.run((act, block)));
    };
    let name = target_text(&block.target);
    let title =
        Text::derive(move || if is_lift { words::blocks::lift_ask(&name) } else { words::blocks::decline_ask(&name) });
    let effect = if is_lift { lift_effect(&block) } else { words::blocks::DECLINE_1 };
    let of_budget = block.budget_id.filter(|_| is_lift);
    let word = if is_lift { words::blocks::LIFT } else { words::blocks::DECLINE };
    let children = move || {
        view! {
            <Form on_submit=submit error=task.text() failures=task.failures>
                <p class="muted">{t(effect)} " " {budget_link(of_budget)}</p>
                <Textarea label=words::blocks::REASON value=reason error=task.field("/reason") />
                <FormActions>
                    <Button on_press=move |_| open.set(false)>{t(words::common::LEAVE_IT)}</Button>
                    <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(word)}</Button>
                </FormActions>
            </Form>
        }
        .into_any()
    };
    let children = StoredValue::new(children);
    view! { <Dialog open title>{live(move || children.with_value(|children| children()))}</Dialog> }.into_any()
}
