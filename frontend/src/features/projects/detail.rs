//! `/projects/:id`.

use finops_contract::costs::{CostSummary, Dimension};
use finops_contract::projects::Project;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use uuid::Uuid;

use super::keys::KeysTab;
use super::members::MembersTab;
use super::model::environment_name;
use super::settings::SettingsTab;
use super::value::ValueTab;
use crate::data::{Query, section, use_get};
use crate::features::budgets::use_project_budgets;
use crate::features::explore::Breakdown;
use crate::features::explore::wording::day_note;
use crate::features::home::model::plot;
use crate::features::home::periods::{periods, periods_skeleton};
use crate::i18n::{t, words};
use crate::period::{Period, use_period, use_set_period};
use crate::reactive::{effect, live, memo};
use crate::session;
use crate::shell::{period_note, tell_freshness};
use crate::ui::{
    Badge, Banner, Card, Chart, ChartKind, Crumb, EmptyKind, EmptyState, Icon, LinkButton, Money, PageHeader, Skeleton,
    Tab, Tabs, Text, Tone,
};
use crate::url::{use_param, use_set_params};

const OFFERED: &[Dimension] = &[Dimension::Model, Dimension::LineItem, Dimension::ApiKey, Dimension::Day];

/// One project.
#[component]
pub fn ProjectPage() -> AnyView {
    let params = use_params_map();
    // What is no id names nothing, which the service says best.
    let id = memo(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<Uuid>().ok())));
    let project = use_get::<Project>(move || Some(format!("/projects/{}", id.get().unwrap_or_default())));
    let period = use_period();
    let summary = use_get::<CostSummary>(move || {
        Some(format!("/costs/summary?projectId={}&{}", id.get().unwrap_or_default(), period.get().query()))
    });
    effect(move |_| {
        summary.data.with(|summary| {
            if let Some(summary) = summary {
                tell_freshness(&summary.freshness);
            }
        });
    });
    let name = Text::derive(move || {
        let known = project.data.with(|project| project.as_ref().map(|project| project.name.clone()));
        known.unwrap_or_else(|| words::explore::PROJECT.get().to_owned())
    });
    let description = Text::derive(move || {
        project.data.with(|project| project.as_ref().and_then(|p| p.description.clone()).unwrap_or_default())
    });
    let trail = vec![Crumb { href: "/projects", label: words::projects::TITLE.into() }];
    // A changed name must not take the form away in which it was changed.
    let loaded = memo(move |_| project.data.with(|project| project.as_ref().map(|project| project.id)));
    let content = move || match loaded.get() {
        Some(id) => view! { <Loaded id project summary /> }.into_any(),
        None => view! { <div class="card">{section(project, skeleton, |_| ().into_any())}</div> }.into_any(),
    };
    view! {
        <PageHeader title=name lead=description trail actions=move || view! { {live(move || badges(project))} } />
        {live(content)}
    }
    .into_any()
}

fn skeleton() -> AnyView {
    view! { <div class="card-body"><Skeleton shape="chart" /></div> }.into_any()
}

fn badges(project: Query<Project>) -> Option<AnyView> {
    let project = project.data.get()?;
    let budgets = format!("/budgets?projectId={}", project.id);
    let block = session::manages().then(|| {
        let href = format!("/block/project:{}", project.id);
        view! { <LinkButton href icon=Icon::Stop>{t(words::shell::BLOCKS)}</LinkButton> }
    });
    let badges = view! {
        <Badge>{project.team_name}</Badge>
        <Badge>{t(environment_name(project.environment))}</Badge>
        <LinkButton href=budgets icon=Icon::Gauge>{t(words::budgets::PROJECT_BUDGETS)}</LinkButton>
        {block}
    };
    Some(badges.into_any())
}

#[component]
fn Loaded(id: Uuid, project: Query<Project>, summary: Query<CostSummary>) -> AnyView {
    let tab = use_param("tab");
    let set = use_set_params();
    // Outlives its form, which goes when there is a Project ID.
    let registered = RwSignal::new(None::<String>);
    let skeleton = || view! { <div class="stats">{periods_skeleton()}</div> }.into_any();
    let budgets = use_project_budgets(move || vec![id]);
    let mut tabs = vec![
        Tab::new("trend", words::projects::TAB_TREND),
        Tab::new("value", words::projects::TAB_VALUE),
        Tab::new("keys", words::projects::TAB_KEYS),
        Tab::new("members", words::projects::TAB_MEMBERS),
    ];
    if session::manages() {
        tabs.push(Tab::new("settings", words::projects::TAB_SETTINGS));
    }
    let panel = Callback::new(move |tab| match tab {
        "value" => view! { <ValueTab id /> }.into_any(),
        "keys" => view! { <KeysTab project registered /> }.into_any(),
        "members" => view! { <MembersTab id /> }.into_any(),
        "settings" => view! { <SettingsTab project /> }.into_any(),
        _ => view! { <Trend id project summary /> }.into_any(),
    });
    view! {
        <section class="card" aria-label=move || words::home::PERIODS.get()>
            {section(summary, skeleton, |summary| periods(&summary, true))}
            <div class="card-foot">{budgets.view(id)}</div>
        </section>
        <Tabs
            label=words::projects::TABS
            tabs
            value=Signal::derive(move || tab.get().unwrap_or_default())
            on_change=move |tab: &'static str| {
                // The rest of the query belongs to the tab that is left.
                let tab = (tab != "trend").then_some(tab);
                set(&[("tab", tab), ("cursor", None), ("sort", None), ("groupBy", None), ("model", None), ("lineItem", None)], true);
            }
            panel
        />
    }
    .into_any()
}

/// What it cost, day by day, and of what.
#[component]
fn Trend(id: Uuid, project: Query<Project>, summary: Query<CostSummary>) -> AnyView {
    let as_table = RwSignal::new(false);
    let skeleton = || view! { <Skeleton shape="chart" /> }.into_any();
    let has_trend = memo(move |_| {
        summary.data.with(|s| s.as_ref().is_none_or(|s| s.trend.iter().any(|point| point.cost.is_some())))
    });
    let without_id = move || {
        let missing = project.data.with(|project| project.as_ref().is_some_and(|p| p.openai_project_id.is_none()));
        missing.then(|| {
            view! {
                <Banner
                    tone=Tone::Info
                    actions=|| view! { <LinkButton href="?tab=keys">{t(words::home::DO_PROJECT_ID)}</LinkButton> }
                >
                    {t(words::projects::NO_PROJECT_ID)}
                </Banner>
            }
        })
    };
    view! {
        <div class="sections">
            {live(without_id)}
            <Card title=words::home::TREND note=day_note()>
                {section(summary, skeleton, move |summary| trend(summary, as_table))}
            </Card>
            {live(move || has_trend.get().then(|| view! {
                <Breakdown title=words::projects::MADE_OF offered=OFFERED default=&[Dimension::Model] project=id />
            }))}
        </div>
    }
    .into_any()
}

fn trend(summary: CostSummary, as_table: RwSignal<bool>) -> AnyView {
    if summary.trend.iter().all(|point| point.cost.is_none()) {
        return view! { <EmptyState kind=EmptyKind::NoData body=words::projects::NO_COST_YET /> }.into_any();
    }
    let set_period = use_set_period();
    let on_range = Callback::new(move |(first, last): (String, String)| {
        if let (Ok(from), Ok(last)) = (first.parse(), last.parse::<chrono::NaiveDate>()) {
            set_period(Period { from, to: last.succ_opt().unwrap_or(last) }, None);
        }
    });
    let (total, currency) = (summary.total.to_string(), summary.currency.clone());
    let line = Signal::derive(move || plot(&summary.trend, &summary.currency, words::explore::COST.get()));
    view! {
        <div class="stack">
            <p class="sum"><span class="muted">{t(words::chart::TOTAL)}{period_note()}</span><b><Money amount=total currency /></b></p>
            <Chart label=words::home::TREND kind=ChartKind::Line plot=line on_range as_table />
        </div>
    }
    .into_any()
}
