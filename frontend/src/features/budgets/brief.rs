//! A project's budget in a few words, where the project is the subject.

use std::collections::BTreeMap;

use finops_contract::Page;
use finops_contract::budgets::{Budget, BudgetInclude, BudgetKind, BudgetStanding};
use leptos::prelude::*;
use uuid::Uuid;

use super::meter::current_bar;
use super::model::{nearest, percent_text};
use super::wording::{breach_text, period_name};
use crate::data::{Query, use_list};
use crate::format::money;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{Icon, RowAction, Skeleton};

/// The budgets of projects, of each the one that is nearest to its limit.
#[derive(Clone, Copy)]
pub struct ProjectBudgets {
    query: Query<Page<Budget>>,
    nearest: Memo<BTreeMap<Uuid, Budget>>,
}

/// Asks for the budgets of some projects: of all of them at once.
pub fn use_project_budgets(projects: impl Fn() -> Vec<Uuid> + Send + Sync + 'static) -> ProjectBudgets {
    let query = use_list::<Budget>(move || {
        let ids = projects().iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
        let include = BudgetInclude::Standing.name();
        (!ids.is_empty()).then(|| format!("/budgets?include={include}&limit=200&projectId={ids}"))
    });
    let nearest =
        memo(move |_| query.data.with(|page| page.as_ref().map(|page| nearest(&page.data)).unwrap_or_default()));
    ProjectBudgets { query, nearest }
}

impl ProjectBudgets {
    /// A project's; follows it.
    pub fn of(self, project: Uuid) -> Option<Budget> {
        self.nearest.with(|nearest| nearest.get(&project).cloned())
    }

    /// How a project's budget stands, or the way to one.
    pub fn view(self, project: Uuid) -> AnyView {
        live(move || {
            if self.query.data.with(Option::is_some) {
                return match self.of(project) {
                    Some(budget) => brief(&budget),
                    None => none(project),
                };
            }
            if self.query.busy.get() || self.query.error.with(Option::is_none) {
                return view! { <Skeleton /> }.into_any();
            }
            view! {
                <span class="row" data-gap="4">
                    <span class="small danger">{t(words::budgets::STATUS_FAILED)}</span>
                    <RowAction icon=Icon::Retry label=words::common::RETRY on_press=move |()| self.query.reload() />
                </span>
            }
            .into_any()
        })
    }
}

/// The way to a budget, for who may set one.
fn none(project: Uuid) -> AnyView {
    if !session::manages() {
        return view! { <span class="muted">{t(words::budgets::NONE_SET)}</span> }.into_any();
    }
    let href = format!("/budgets?projectId={project}&new=budget");
    view! { <a class="link small" href=href>{t(words::budgets::SET)}</a> }.into_any()
}

fn brief(budget: &Budget) -> AnyView {
    let (period, name) = (period_name(budget.period), budget.name.clone());
    // A cost threshold has the project's name.
    let name = match budget.kind {
        BudgetKind::Budget => name.into_any(),
        BudgetKind::Limit => t(words::budgets::LIMIT).into_any(),
    };
    let head = view! {
        <a class="link" href=format!("/budgets/{}", budget.id)>{name}</a>
        <span class="muted">{t(period)}</span>
    };
    let Some(standing) = &budget.standing else { return head.into_any() };
    let bar = current_bar(budget, &standing.current, standing.state);
    let percent = standing.current.percent.map(|percent| view! { <b>{percent_text(percent)}</b> });
    let (day, state) = (standing.breach_date, standing.state);
    let breach = day.map(|_| view! { <div class="danger">{live(move || breach_text(day, state))}</div> });
    let spent = spent(budget, standing);
    view! {
        <div class="small">
            <span class="row" data-gap="4">{head}{percent}</span>
            {bar}
            <div class="muted">{spent}</div>
            {breach}
        </div>
    }
    .into_any()
}

/// So much of so much: at least so much, where something is unknown.
fn spent(budget: &Budget, standing: &BudgetStanding) -> AnyView {
    let currency = budget.currency.clone();
    let text = |amount: String| money::parts(&amount, &currency).amount();
    let amount = text(budget.amount.to_string());
    let Some(spent) = standing.current.spent.map(|spent| text(spent.to_string())) else {
        return t(words::budgets::NOTHING_KNOWN).into_any();
    };
    let complete = standing.current.complete;
    live(move || {
        let spent = if complete { spent.clone() } else { format!("{} {spent}", words::budgets::AT_LEAST.get()) };
        words::budgets::spent_of(&amount, &currency, &spent)
    })
}
