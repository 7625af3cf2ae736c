//! What the guard answers now to a program that asks about the project.

use finops_contract::ErrorCode;
use finops_contract::guard::{GuardAnswer, GuardBlock, GuardBudget, GuardCheckRequest};
use leptos::prelude::*;
use uuid::Uuid;

use crate::api::{self, ApiError};
use crate::data::{Task, failed};
use crate::features::budgets::percent_text;
use crate::features::moment;
use crate::format::money;
use crate::format::number::grouped;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Banner, Button, Icon, LinkButton, Tone};

type Answer = Result<GuardAnswer, ApiError>;

/// Asks when somebody wants to know: of a throttle's calls, a check takes one.
pub(super) fn guard_panel(project: Uuid) -> AnyView {
    let task = Task::new();
    let answer = RwSignal::new(None::<Answer>);
    let ask = move || {
        let request = GuardCheckRequest { project_id: Some(project.to_string()), ..GuardCheckRequest::default() };
        // A refusal is an answer too.
        let work = async move { Ok(api::post::<GuardAnswer>("/guard/check", &request).await) };
        task.run(work, move |told| answer.set(Some(told)));
    };
    let shown = move || {
        answer.get().map(|told| match told {
            Ok(told) => allowed(&told),
            Err(error) => refused(error, Callback::new(move |()| ask())),
        })
    };
    view! {
        <div class="stack">
            <div aria-live="polite">{live(shown)}</div>
            <div>
                <Button icon=Icon::Retry busy=task.busy on_press=move |_| ask()>{t(words::projects::GUARD_ASK)}</Button>
            </div>
        </div>
    }
    .into_any()
}

fn allowed(told: &GuardAnswer) -> AnyView {
    let at = told.as_of;
    let lines = told.budgets.iter().map(|one| view! { <li>{budget(one)}</li> }).collect_view();
    let warnings =
        told.warnings.iter().map(|one| view! { <li>{budget(one)}" "{t(words::projects::GUARD_ONLY_TOLD)}</li> });
    let warnings = warnings.collect_view();
    let none = told.budgets.is_empty().then(|| view! { <p>{t(words::projects::GUARD_NO_BUDGET)}</p> });
    view! {
        <Banner tone=Tone::Success>
            <p class="strong">{t(words::projects::GUARD_ALLOWS)}</p>
            {none}
            <ul class="consequences">{lines}{warnings}</ul>
            <p class="small muted">{live(move || words::projects::guard_as_of(&moment::exact(at, Show::Minute)))}</p>
        </Banner>
    }
    .into_any()
}

fn refused(error: ApiError, retry: Callback<()>) -> AnyView {
    let refusal = error.refusal.clone().unwrap_or_default();
    let (tone, about) = match error.code {
        Some(ErrorCode::BudgetExceeded) => (Tone::Danger, refusal.budget.as_ref().map(budget)),
        Some(ErrorCode::Blocked) => (Tone::Danger, refusal.block.as_ref().map(block)),
        Some(ErrorCode::Throttled) => (Tone::Warning, refusal.block.as_ref().map(block)),
        _ => return failed(error, retry),
    };
    let until = refusal.period_ends_at.map(|at| {
        view! { <p class="small">{live(move || words::projects::guard_until(&moment::exact(at, Show::Minute)))}</p> }
    });
    let see = refusal.block.map(|block| format!("/blocks?block={}", block.id));
    view! {
        <Banner
            tone
            actions=move || see.map(|href| view! { <LinkButton href>{t(words::blocks::SEE)}</LinkButton> })
        >
            <p class="strong">{t(words::projects::GUARD_REFUSES)}</p>
            <p>{live(move || error.text())}</p>
            {about}
            {until}
        </Banner>
    }
    .into_any()
}

/// A budget that covers the call, with what is left of it.
fn budget(one: &GuardBudget) -> AnyView {
    let text = |amount: String| money::parts(&amount, &one.currency).to_string();
    let name = one.name.clone();
    let percent = one.percent.map(percent_text);
    let left = one.remaining.map(|left| text(left.to_string()));
    let amount = text(one.amount.to_string());
    let href = format!("/budgets/{}", one.id);
    let standing = move || match (&left, &percent) {
        (Some(left), Some(percent)) => words::projects::guard_left(&amount, left, percent),
        _ => words::budgets::NOTHING_KNOWN.get().to_owned(),
    };
    view! { <a class="link" href=href>{name}</a>" "{live(standing)} }.into_any()
}

/// Since when it is stopped, and how far.
fn block(one: &GuardBlock) -> AnyView {
    let (since, limit) = (one.since, one.limit_per_minute);
    let text = move || {
        let since = words::projects::guard_since(&moment::exact(since, Show::Minute));
        match limit {
            Some(limit) => format!("{} · {since}", words::blocks::throttled(&grouped(&limit.to_string()))),
            None => since,
        }
    };
    view! { <p>{live(text)}</p> }.into_any()
}
