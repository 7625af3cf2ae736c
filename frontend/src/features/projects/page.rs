//! `/projects`.

use finops_contract::Page;
use finops_contract::costs::{CostSummary, CostsAnswer};
use finops_contract::projects::{Environment, Project};
use finops_contract::teams::Team;
use leptos::prelude::*;

use super::form::CreateProject;
use super::model::{before, comparable, environment_name, until_today};
use super::table::{Costs, projects_table};
use crate::data::{section, use_get};
use crate::features::budgets::{ProjectBudgets, use_project_budgets};
use crate::i18n::{t, words};
use crate::period::{Period, today, use_period};
use crate::reactive::{effect, live, memo};
use crate::session;
use crate::shell::tell_freshness;
use crate::ui::{
    Button, ButtonKind, Card, DensityMenu, EmptyKind, EmptyState, Icon, LinkButton, Money, PageHeader, Pager,
    ParamSelect, Skeleton,
};
use crate::url::{self, use_open, use_param, use_set_params};

/// Every project with what it cost in the period.
#[component]
pub fn ProjectsPage() -> AnyView {
    let (team, cursor, environment) = (use_param("teamId"), use_param("cursor"), use_param("environment"));
    let projects = use_get::<Page<Project>>(move || {
        let (team, cursor) = (team.get(), cursor.get());
        let params = [("limit", Some("200")), ("teamId", team.as_deref()), ("cursor", cursor.as_deref())];
        Some(format!("/projects{}", url::query(&params)))
    });
    let teams = use_get::<Page<Team>>(|| Some("/teams?limit=200".to_owned()));
    let budgets = use_project_budgets(move || {
        projects.data.with(|page| page.iter().flat_map(|page| &page.data).map(|project| project.id).collect())
    });
    let costs = use_costs(budgets);
    effect(move |_| {
        costs.now.data.with(|answer| {
            if let Some(answer) = answer {
                tell_freshness(&answer.freshness);
            }
        });
    });
    let creating = use_open("new", "project");
    let next = Signal::derive(move || projects.data.with(|page| page.as_ref()?.next_cursor.clone()));
    let team_choices = Signal::derive(move || {
        let all = teams.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        all.into_iter().map(|team| (team.id.to_string(), team.name)).collect::<Vec<_>>()
    });
    let environments = Signal::derive(|| {
        Environment::ALL.map(|one| (one.name().to_owned(), environment_name(one).get().to_owned())).to_vec()
    });
    let list = section(projects, skeleton, move |page| {
        let wanted = environment.get().and_then(|name| Environment::from_name(&name));
        let is_filtered = wanted.is_some() || team.with(Option::is_some);
        let shown: Vec<_> =
            page.data.iter().filter(|project| wanted.is_none_or(|env| project.environment == env)).cloned().collect();
        if shown.is_empty() {
            return empty(is_filtered, creating);
        }
        let whole = page.next_cursor.is_none() && cursor.with_untracked(Option::is_none);
        view! {
            {projects_table(shown, costs, whole)}
            <p class="card-foot small muted">{t(words::projects::PERIODS_NOTE)}</p>
        }
        .into_any()
    });
    view! {
        <PageHeader
            title=words::projects::TITLE
            lead=words::projects::LEAD
            actions=move || session::manages().then(|| view! {
                <Button kind=ButtonKind::Primary icon=Icon::Plus on_press=move |_| creating.set(true)>
                    {t(words::projects::CREATE)}
                </Button>
            })
        />
        <div class="filters" role="group" aria-label=move || words::explore::FILTERS.get()>
            <ParamSelect name="teamId" label=words::explore::TEAM all=words::explore::ALL_TEAMS choices=team_choices />
            <ParamSelect name="environment" label=words::projects::ENVIRONMENT all=words::projects::ALL_ENVIRONMENTS choices=environments />
            <span class="end wide-only"><DensityMenu /></span>
        </div>
        <Card flush=true>
            {list}
            <Pager next />
            {unattributed(costs)}
        </Card>
        {move || session::manages().then(|| view! { <CreateProject open=creating teams /> })}
    }
    .into_any()
}

/// What the period and the one before it cost, by project.
fn use_costs(budgets: ProjectBudgets) -> Costs {
    let period = use_period();
    let ask = move |period: Period, by: &str, limit: &str| {
        Some(format!("/costs/query?{}&groupBy={by}&limit={limit}", period.query()))
    };
    // Whether all of it and of what came before was collected; a day that is not over was not.
    let summary = use_get::<CostSummary>(move || {
        let period = period.get();
        (period.to <= today()).then(|| format!("/costs/summary?{}", period.query()))
    });
    let comparable = memo(move |_| {
        summary.data.with(|summary| summary.as_ref().is_some_and(|summary| comparable(summary, period.get())))
    });
    Costs {
        budgets,
        comparable,
        period: memo(move |_| until_today(period.get(), today())),
        now: use_get::<CostsAnswer>(move || ask(period.get(), "project", "5000")),
        before: use_get::<CostsAnswer>(move || ask(before(period.get()), "project", "5000")),
        days: use_get::<CostsAnswer>(move || ask(period.get(), "project,day", "5000")),
    }
}

fn skeleton() -> AnyView {
    view! { <div class="pad"><Skeleton shape="row" count=6 /></div> }.into_any()
}

fn empty(is_filtered: bool, creating: RwSignal<bool>) -> AnyView {
    if is_filtered {
        let set = use_set_params();
        let clear = move |_| set(&[("teamId", None), ("environment", None), ("cursor", None)], false);
        return view! {
            <EmptyState
                kind=EmptyKind::NoMatch
                actions=move || view! { <Button on_press=clear>{t(words::common::CLEAR_FILTERS)}</Button> }
            />
        }
        .into_any();
    }
    if !session::manages() {
        return view! {
            <EmptyState kind=EmptyKind::Forbidden title=words::projects::NONE_VISIBLE body=words::home::HIDDEN />
        }
        .into_any();
    }
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::projects::NONE
            body=words::projects::NONE_BODY
            actions=move || view! {
                <LinkButton href="/setup">{t(words::home::TO_SETUP)}</LinkButton>
                <Button icon=Icon::Plus on_press=move |_| creating.set(true)>{t(words::projects::CREATE)}</Button>
            }
        />
    }
    .into_any()
}

/// What belongs to no project, below those that there are: shown, never dropped.
fn unattributed(costs: Costs) -> AnyView {
    live(move || {
        let currency = costs.currency();
        let total = costs.now.data.with(|answer| {
            answer.as_ref()?.totals.iter().find(|total| total.currency == currency).map(|total| total.unattributed)
        })?;
        let href = format!("/explore?{}&projectId=none&groupBy=model", costs.period.get().query());
        (!total.0.is_zero()).then(|| {
            view! {
                <div class="card-foot">
                    <span>{t(words::explore::NO_PROJECT)}" "<b><Money amount=total.to_string() currency /></b></span>
                    <a class="link" href=href>{t(words::projects::SEE_UNATTRIBUTED)}</a>
                </div>
            }
        })
    })
}
