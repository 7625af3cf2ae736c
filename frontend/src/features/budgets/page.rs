//! `/budgets`: what may be spent, narrowed by the URL.

use finops_contract::Page;
use finops_contract::budgets::{Budget, BudgetInclude, BudgetKind, BudgetState, ScopeType};
use finops_contract::projects::Project;
use finops_contract::teams::Team;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::form::BudgetForm;
use super::limits::LimitForm;
use super::table::table;
use super::wording::{kind_name, scope_name, state_name};
use crate::data::{self, use_get, use_list};
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::session;
use crate::ui::{
    Button, ButtonKind, Card, DensityMenu, Dialog, EmptyKind, EmptyState, Icon, PageHeader, Pager, Select, Skeleton,
    toast,
};
use crate::url::{query, use_field, use_open, use_param, use_set_params};

/// The parameters that narrow the list.
const FILTERS: [&str; 6] = ["kind", "scopeType", "state", "teamId", "projectId", "cursor"];
/// How many are shown at once.
const A_PAGE: &str = "20";

/// The budgets.
#[component]
pub fn BudgetsPage() -> AnyView {
    let params = FILTERS.map(use_param);
    let budgets = use_get::<Page<Budget>>(move || {
        let values = params.map(|param| param.get());
        let mut asked = vec![("include", Some(BudgetInclude::Standing.name())), ("limit", Some(A_PAGE))];
        asked.extend(FILTERS.into_iter().zip(values.iter().map(Option::as_deref)));
        Some(format!("/budgets{}", query(&asked)))
    });
    let narrow = Signal::derive(move || {
        FILTERS.iter().zip(params).any(|(name, param)| *name != "cursor" && param.with(Option::is_some))
    });
    let set = use_set_params();
    let clear = Callback::new(move |()| {
        set(&FILTERS.map(|name| (name, None)), false);
    });
    let (add, limit) = (use_open("new", "budget"), use_open("new", "limit"));
    let manages = session::manages();
    let actions = move || {
        manages.then(|| {
            view! {
                <Button icon=Icon::Sliders on_press=move |_| limit.set(true)>{t(words::budgets::ADD_LIMIT)}</Button>
                <Button kind=ButtonKind::Primary icon=Icon::Plus on_press=move |_| add.set(true)>
                    {t(words::budgets::ADD)}
                </Button>
            }
        })
    };
    let next = Signal::derive(move || budgets.data.with(|page| page.as_ref()?.next_cursor.clone()));
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=6 /></div> }.into_any();
    let list = move |page: Page<Budget>| {
        if page.data.is_empty() { nothing(narrow.get_untracked(), clear, add) } else { table(page.data) }
    };
    let saved = Callback::new(move |()| {
        limit.set(false);
        budgets.reload();
    });
    view! {
        <PageHeader title=words::budgets::TITLE lead=words::budgets::LEAD actions />
        <div class="stack">
            <Filters narrow clear />
            <Card
                title=words::budgets::TITLE
                flush=true
                actions=move || view! { <div class="toolbar end wide-only"><DensityMenu /></div> }
            >
                {data::section(budgets, skeleton, list)}
                <Pager next />
            </Card>
        </div>
        {manages.then(|| view! {
            <Dialog open=add title=words::budgets::ADD><Create open=add /></Dialog>
            <Dialog open=limit title=words::budgets::ADD_LIMIT><LimitForm open=limit saved /></Dialog>
        })}
    }
    .into_any()
}

#[component]
fn Create(open: RwSignal<bool>) -> AnyView {
    let navigate = use_navigate();
    let done = Callback::new(move |budget: Budget| {
        // The dialog goes with the page that is left.
        toast::done(words::budgets::created(&budget.name));
        navigate(&format!("/budgets/{}", budget.id), Default::default());
    });
    view! { <BudgetForm open done /> }.into_any()
}

fn nothing(narrow: bool, clear: Callback<()>, add: RwSignal<bool>) -> AnyView {
    if narrow {
        return view! {
            <EmptyState
                kind=EmptyKind::NoMatch
                actions=move || view! {
                    <Button on_press=move |_| clear.run(())>{t(words::common::CLEAR_FILTERS)}</Button>
                }
            />
        }
        .into_any();
    }
    let manages = session::manages();
    let body = if manages { words::budgets::EMPTY_BODY } else { words::budgets::EMPTY_BODY_READER };
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::budgets::EMPTY_TITLE
            body
            actions=move || manages.then(|| view! {
                <Button icon=Icon::Plus on_press=move |_| add.set(true)>{t(words::budgets::ADD)}</Button>
            })
        />
    }
    .into_any()
}

/// All, and each of these.
fn with_all(choices: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    std::iter::once((String::new(), words::budgets::ALL.get().to_owned())).chain(choices).collect()
}

#[component]
fn Filters(narrow: Signal<bool>, clear: Callback<()>) -> AnyView {
    let teams = use_list::<Team>(|| Some("/teams?limit=200".to_owned()));
    let projects = use_list::<Project>(|| Some("/projects?limit=200".to_owned()));
    let kinds = Signal::derive(|| {
        with_all(BudgetKind::ALL.iter().map(|one| (one.name().to_owned(), kind_name(*one).get().to_owned())))
    });
    let scopes = Signal::derive(|| {
        with_all(ScopeType::ALL.iter().map(|one| (one.name().to_owned(), scope_name(*one).get().to_owned())))
    });
    let states = Signal::derive(|| {
        with_all(BudgetState::ALL.iter().map(|one| (one.name().to_owned(), state_name(*one).1.get().to_owned())))
    });
    let teams = Signal::derive(move || {
        let all = teams.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        with_all(all.into_iter().map(|team| (team.id.to_string(), team.name)))
    });
    let projects = Signal::derive(move || {
        let all = projects.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        with_all(all.into_iter().map(|project| (project.id.to_string(), project.name)))
    });
    view! {
        <div class="log-filters" role="group" aria-label=move || words::explore::FILTERS.get()>
            <Select label=words::budgets::KIND value=use_field("kind") choices=kinds />
            <Select label=words::budgets::SCOPE value=use_field("scopeType") choices=scopes />
            <Select label=words::budgets::STATE value=use_field("state") choices=states />
            <Select label=words::explore::TEAM value=use_field("teamId") choices=teams />
            <Select label=words::explore::PROJECT value=use_field("projectId") choices=projects />
            {live(move || narrow.get().then(|| view! {
                <Button kind=ButtonKind::Ghost icon=Icon::Close on_press=move |_| clear.run(())>
                    {t(words::common::CLEAR_FILTERS)}
                </Button>
            }))}
        </div>
    }
    .into_any()
}
