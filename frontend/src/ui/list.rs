//! Facts, and steps to go.

use leptos::prelude::*;

use super::Text;
use super::icon::{Glyph, Icon};
use crate::i18n::{t, words};
use crate::reactive::live;

/// A list of names and values.
#[component]
pub fn Facts(
    /// The [`Fact`]s.
    children: Children,
) -> AnyView {
    view! { <dl class="facts">{children()}</dl> }.into_any()
}

/// A name and its value.
#[component]
pub fn Fact(
    /// The name.
    #[prop(into)]
    label: Text,
    /// The value.
    children: Children,
) -> AnyView {
    view! { <dt>{live(move || label.get())}</dt><dd>{children()}</dd> }.into_any()
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Behind.
    Done,
    /// The next one.
    Open,
    /// Not possible yet.
    Later,
}

/// Steps in their order.
#[component]
pub fn Checklist(
    /// The [`Step`]s.
    children: Children,
) -> AnyView {
    view! { <ol class="steps">{children()}</ol> }.into_any()
}

/// One step.
#[component]
pub fn Step(
    /// Its number.
    number: u8,
    /// Where it stands.
    state: StepState,
    /// What is to be done.
    #[prop(into)]
    title: Text,
    /// Why, or what came of it.
    #[prop(into)]
    body: Text,
    /// What does it.
    #[prop(into, optional)]
    action: ViewFnOnce,
    /// What is done or seen right here, below.
    #[prop(into, optional)]
    content: ViewFnOnce,
) -> AnyView {
    let (name, word) = match state {
        StepState::Done => ("done", words::common::STEP_DONE),
        StepState::Open => ("open", words::common::STEP_OPEN),
        StepState::Later => ("later", words::common::STEP_LATER),
    };
    let mark = if state == StepState::Done {
        view! { <Glyph icon=Icon::Check /> }.into_any()
    } else {
        number.to_string().into_any()
    };
    view! {
        <li class="step" data-state=name aria-current=(state == StepState::Open).then_some("step")>
            <span class="step-mark" aria-hidden="true">{mark}</span>
            <h3 class="step-title"><span class="sr-only">{t(word)}": "</span>{live(move || title.get())}</h3>
            <p class="step-body">{live(move || body.get())}</p>
            <div class="step-action">{action.run()}</div>
            <div class="step-content">{content.run()}</div>
        </li>
    }
    .into_any()
}
