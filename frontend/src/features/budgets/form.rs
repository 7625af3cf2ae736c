//! Making a budget, and changing one.

use finops_contract::Page;
use finops_contract::budgets::{Budget, BudgetPeriod, BudgetRequest, BudgetTemplate, Enforcement, ScopeType};
use leptos::prelude::*;

use super::currency::{self, CurrencyFields, currency_fields};
use super::draft::{Draft, Wrong};
use super::scope::{ScopeFields, scope_fields};
use super::thresholds::{self, Editor};
use super::wording::{enforcement_name, period_name, scope_text, wrong_with};
use crate::api;
use crate::data::{Task, use_get};
use crate::features::projects::model::environment_name;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Button, ButtonKind, Choice, Form, FormActions, SegmentedControl, Select, TextField};
use crate::url::use_param;

/// What the form holds.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    scope: ScopeFields,
    amount: RwSignal<String>,
    money: CurrencyFields,
    period: RwSignal<String>,
    enforcement: RwSignal<String>,
    editor: Editor,
}

impl Fields {
    fn new(draft: &Draft) -> Fields {
        Fields {
            name: RwSignal::new(draft.name.clone()),
            scope: ScopeFields::new(draft.scope, &draft.scope_id),
            amount: RwSignal::new(draft.amount.clone()),
            money: CurrencyFields::new(&draft.currency),
            period: RwSignal::new(draft.period.name().to_owned()),
            enforcement: RwSignal::new(draft.enforcement.name().to_owned()),
            editor: Editor::new(&draft.lines),
        }
    }

    /// Replaces everything.
    fn put(self, draft: &Draft) {
        self.name.set(draft.name.clone());
        self.scope.put(draft.scope, &draft.scope_id);
        self.amount.set(draft.amount.clone());
        self.money.currency.set(draft.currency.clone());
        self.period.set(draft.period.name().to_owned());
        self.enforcement.set(draft.enforcement.name().to_owned());
        self.editor.put(&draft.lines);
    }

    fn draft(self) -> Draft {
        untrack(|| {
            let kind = self.scope.chosen();
            Draft {
                name: self.name.get(),
                scope: kind,
                scope_id: self.scope.id_of(kind).get(),
                amount: self.amount.get(),
                currency: self.money.currency.get(),
                period: self.period.with(|name| BudgetPeriod::from_name(name)).unwrap_or(BudgetPeriod::Monthly),
                enforcement: self.enforcement.with(|name| Enforcement::from_name(name)).unwrap_or(Enforcement::Soft),
                lines: self.editor.ordered(),
            }
        })
    }
}

/// Refuses to try because of these fields. Whether it did.
pub(super) fn refuse(task: Task, wrong: &Wrong) -> bool {
    let wrong: Vec<_> = wrong.iter().map(|(pointer, code)| (pointer.as_str(), *code)).collect();
    task.refuse(&wrong)
}

/// The form, in a dialog.
#[component]
pub fn BudgetForm(
    /// The dialog.
    open: RwSignal<bool>,
    /// What is changed; nothing for a new one.
    #[prop(optional_no_strip)]
    before: Option<Budget>,
    /// Called with what came of it.
    done: Callback<Budget>,
) -> AnyView {
    let draft = before.as_ref().map_or_else(prefilled, Draft::of);
    let fields = Fields::new(&draft);
    let task = Task::new();
    let id = before.as_ref().map(|budget| budget.id);
    let submit = move |()| {
        let (draft, rate) = (fields.draft().read(), fields.money.read());
        let (request, rate) = match (draft, rate) {
            (Ok(request), Ok(rate)) => (request, rate),
            (draft, rate) => {
                let wrong = [draft.err(), rate.err()].into_iter().flatten().flatten().collect();
                refuse(task, &wrong);
                return;
            }
        };
        let work = async move {
            currency::store_rate(rate).await?;
            save(id, &request).await
        };
        task.run(work, move |budget| done.run(budget));
    };
    let about = match &before {
        Some(budget) => {
            let scope = budget.scope.clone();
            view! {
                <div>
                    <p class="strong">{live(move || scope_text(&scope))}</p>
                    <p class="field-hint">{t(words::budgets::SCOPE_FIXED)}</p>
                </div>
            }
            .into_any()
        }
        None => scope_fields(fields.scope, task),
    };
    let is_new = id.is_none();
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            {is_new.then(|| templates(fields))}
            <TextField
                label=words::budgets::NAME
                value=fields.name
                hint=words::budgets::NAME_HINT
                error=wrong_with(task, "/name")
                autofocus=true
            />
            {about}
            {money(fields, task, is_new)}
            {enforcement_choice(fields.enforcement)}
            {thresholds::editor(fields.editor, fields.scope, task)}
            <FormActions>
                <Button on_press=move |_| open.set(false)>{t(words::common::CANCEL)}</Button>
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>
                    {t(if is_new { words::budgets::ADD } else { words::common::SAVE })}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

async fn save(id: Option<uuid::Uuid>, request: &BudgetRequest) -> Result<Budget, api::ApiError> {
    match id {
        Some(id) => api::client::read(&api::put(&format!("/budgets/{id}"), Some(request)).await?),
        None => api::post("/budgets", request).await,
    }
}

/// A new budget, about the project that a link names.
fn prefilled() -> Draft {
    let project = use_param("projectId").get_untracked();
    let scope = if project.is_some() { ScopeType::Project } else { ScopeType::Organization };
    Draft { scope, scope_id: project.unwrap_or_default(), ..Draft::default() }
}

/// What is usual for each environment; one press fills the form in.
fn templates(fields: Fields) -> AnyView {
    let templates = use_get::<Page<BudgetTemplate>>(|| Some("/budgets/templates".to_owned()));
    let chips = move || {
        let all = templates.data.with(|page| page.as_ref().map(|page| page.data.clone()))?;
        let chips = all.into_iter().map(|template| {
            let environment = template.environment;
            let fill = move |_| {
                let name = words::budgets::template_name(&environment_name(environment).get_untracked());
                fields.put(&Draft::from_template(&template, &name));
            };
            view! { <button class="chip" type="button" on:click=fill>{t(environment_name(environment))}</button> }
        });
        Some(chips.collect_view())
    };
    let failed = move || templates.data.with(Option::is_none) && templates.error.with(Option::is_some);
    view! {
        <div class="stack" data-gap="4">
            <p class="field-label">{t(words::budgets::TEMPLATE)}</p>
            <div class="chips" role="group" aria-label=move || words::budgets::TEMPLATE.get()>{live(chips)}</div>
            {live(move || failed().then(|| view! { <p class="field-hint">{t(words::budgets::TEMPLATE_FAILED)}</p> }))}
        </div>
    }
    .into_any()
}

fn money(fields: Fields, task: Task, is_new: bool) -> AnyView {
    let periods = Signal::derive(|| {
        BudgetPeriod::ALL
            .iter()
            .map(|one| (one.name().to_owned(), period_name(*one).get().to_owned()))
            .collect::<Vec<_>>()
    });
    let hint = if is_new { words::budgets::AMOUNT_HINT } else { words::budgets::RESTART_NOTE };
    view! {
        <TextField label=words::budgets::AMOUNT value=fields.amount hint error=wrong_with(task, "/amount") />
        {currency_fields(fields.money, task)}
        <Select
            label=words::budgets::PERIOD
            value=fields.period
            choices=periods
            error=wrong_with(task, "/period")
        />
    }
    .into_any()
}

/// Soft or hard, and what hard means.
pub(super) fn enforcement_choice(value: RwSignal<String>) -> AnyView {
    let choices = Enforcement::ALL.iter().map(|one| Choice::new(one.name(), enforcement_name(*one))).collect();
    let is_hard = move || value.with(|name| name == Enforcement::Hard.name());
    view! {
        <div class="stack" data-gap="4">
            <p class="field-label">{t(words::budgets::ENFORCEMENT)}</p>
            <div>
                <SegmentedControl
                    label=words::budgets::ENFORCEMENT
                    choices
                    value
                    on_change=move |name: &'static str| value.set(name.to_owned())
                />
            </div>
            {live(move || is_hard().then(|| view! { <p class="field-hint">{t(words::budgets::HARD_NOTE)}</p> }))}
        </div>
    }
    .into_any()
}
