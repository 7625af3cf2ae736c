//! Projects' cost thresholds: what one may cost a day and a week.

use finops_contract::budgets::{AlertAction, CostThresholds, CostThresholdsRequest, Enforcement};
use finops_contract::fx_rates::SetFxRateRequest;
use leptos::prelude::*;
use uuid::Uuid;

use super::currency::{self, CurrencyFields, currency_fields};
use super::draft::{LimitDraft, Wrong};
use super::form::{enforcement_choice, refuse};
use super::scope::project_choices;
use super::thresholds::action_choices;
use super::wording::wrong_at;
use crate::api;
use crate::data::{Task, section, use_get};
use crate::i18n::{Word, t, words};
use crate::reactive::{live, memo};
use crate::ui::{Button, ButtonKind, Form, FormActions, Glyph, Icon, Select, Skeleton, TextField, toast};
use crate::url::use_param;

/// What the form holds of one threshold.
#[derive(Clone, Copy)]
struct Fields {
    amount: RwSignal<String>,
    money: CurrencyFields,
    action: RwSignal<String>,
    enforcement: RwSignal<String>,
}

impl Fields {
    fn new(draft: LimitDraft) -> Fields {
        Fields {
            amount: RwSignal::new(draft.amount),
            money: CurrencyFields::new(&draft.currency),
            action: RwSignal::new(draft.action.name().to_owned()),
            enforcement: RwSignal::new(draft.enforcement.name().to_owned()),
        }
    }

    fn draft(self) -> LimitDraft {
        LimitDraft {
            amount: self.amount.get_untracked(),
            currency: self.money.currency.get_untracked(),
            action: self.action.with_untracked(|name| AlertAction::from_name(name)).unwrap_or(AlertAction::Both),
            enforcement: self
                .enforcement
                .with_untracked(|name| Enforcement::from_name(name))
                .unwrap_or(Enforcement::Soft),
        }
    }

    /// The rate to store before the amount, if there is an amount and a rate was asked for.
    fn rate(self, wrong: &mut Wrong) -> Option<SetFxRateRequest> {
        let is_set = self.amount.with_untracked(|amount| !amount.trim().is_empty());
        let read = if is_set { self.money.read() } else { Ok(None) };
        read.unwrap_or_else(|refused| {
            wrong.extend(refused);
            None
        })
    }
}

/// The form, in a dialog: of a project, or of one that is chosen first.
#[component]
pub fn LimitForm(
    /// The dialog.
    open: RwSignal<bool>,
    /// The project, where it is known.
    #[prop(optional_no_strip)]
    project: Option<Uuid>,
    /// Called when they are set.
    saved: Callback<()>,
) -> AnyView {
    let named = project.map(|id| id.to_string()).or_else(|| use_param("projectId").get_untracked());
    let chosen = RwSignal::new(named.unwrap_or_default());
    let id = memo(move |_| chosen.with(|id| id.parse::<Uuid>().ok()));
    let choose = project.is_none().then(|| {
        view! { <Select label=words::explore::PROJECT value=chosen choices=project_choices() /> }
    });
    view! {
        <div class="stack">
            <p class="muted">{t(words::budgets::LIMIT_LEAD)}</p>
            {choose}
            {live(move || id.get().map(|id| of_project(open, id, saved)))}
        </div>
    }
    .into_any()
}

fn of_project(open: RwSignal<bool>, id: Uuid, saved: Callback<()>) -> AnyView {
    let now = use_get::<CostThresholds>(move || Some(format!("/projects/{id}/cost-thresholds")));
    let skeleton = || view! { <Skeleton shape="row" count=4 /> }.into_any();
    section(now, skeleton, move |now| view! { <Fill open id now saved /> }.into_any())
}

#[component]
fn Fill(open: RwSignal<bool>, id: Uuid, now: CostThresholds, saved: Callback<()>) -> AnyView {
    let daily = Fields::new(LimitDraft::of(now.daily.as_ref()));
    let weekly = Fields::new(LimitDraft::of(now.weekly.as_ref()));
    let task = Task::new();
    let submit = move |()| {
        let mut wrong = Wrong::new();
        let rates = [daily, weekly].map(|fields| fields.rate(&mut wrong));
        let daily = daily.draft().read("/daily", &mut wrong);
        let weekly = weekly.draft().read("/weekly", &mut wrong);
        if refuse(task, &wrong) {
            return;
        }
        let path = format!("/projects/{id}/cost-thresholds");
        let request = CostThresholdsRequest { daily, weekly };
        let work = async move {
            for rate in rates {
                currency::store_rate(rate).await?;
            }
            api::put(&path, Some(&request)).await
        };
        task.run(work, move |_| {
            toast::done(words::budgets::LIMITS_SAVED.get_untracked());
            saved.run(());
        });
    };
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            {limit(words::budgets::LIMIT_DAILY, daily, "/daily", task)}
            {limit(words::budgets::LIMIT_WEEKLY, weekly, "/weekly", task)}
            <p class="field-hint"><Glyph icon=Icon::Info size=12 />" "{t(words::budgets::NOT_SENT)}</p>
            <FormActions>
                <Button on_press=move |_| open.set(false)>{t(words::common::CANCEL)}</Button>
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::common::SAVE)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

fn limit(title: Word, fields: Fields, at: &'static str, task: Task) -> AnyView {
    let is_set = memo(move |_| fields.amount.with(|amount| !amount.trim().is_empty()));
    let wrong = move |field: &'static str| wrong_at(task, move || format!("{at}/{field}"));
    // What happens says nothing while there is no amount.
    let more = move || {
        is_set.get().then(|| {
            view! {
                {currency_fields(fields.money, task)}
                <Select
                    label=words::budgets::THRESHOLD_ACTION
                    value=fields.action
                    choices=action_choices()
                    error=wrong("type")
                />
                {enforcement_choice(fields.enforcement)}
            }
        })
    };
    view! {
        <div class="form" role="group" aria-label=move || title.get()>
            <TextField
                label=title
                value=fields.amount
                hint=words::budgets::LIMIT_AMOUNT_HINT
                error=wrong("amount")
                optional=true
            />
            {live(more)}
        </div>
    }
    .into_any()
}
