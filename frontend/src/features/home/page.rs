//! `/`.

use finops_contract::Page;
use finops_contract::costs::{CostSummary, Named};
use leptos::prelude::*;

use super::model::{self, Nothing, plot};
use super::periods::{periods, periods_skeleton};
use super::urgent::{Urgent, use_urgent};
use super::{
    actions::{MOST, actions},
    table::top_projects,
    to_setup,
};
use crate::data::{Query, poll, section, use_get};
use crate::features::explore::wording::day_note;
use crate::i18n::{t, words};
use crate::period::{Period, Preset, today, use_period, use_set_period};
use crate::reactive::{effect, live};
use crate::session;
use crate::shell::{period_note, tell_freshness};
use crate::ui::{
    Banner, Button, Card, Chart, ChartKind, EmptyKind, EmptyState, LinkButton, Money, PageHeader, Skeleton, Tone,
};

/// What was spent, why, and what to do about it.
#[component]
pub fn HomePage() -> AnyView {
    let period = use_period();
    let summary = use_get::<CostSummary>(move || Some(format!("/costs/summary?{}", period.get().query())));
    let alerts = use_urgent(MOST);
    poll(alerts, 30, || true);
    let as_table = RwSignal::new(false);
    effect(move |_| {
        summary.data.with(|summary| {
            if let Some(summary) = summary {
                tell_freshness(&summary.freshness);
            }
        });
    });
    view! {
        <PageHeader title=words::home::TITLE lead=words::home::LEAD />
        {section(summary, skeleton, move |summary| content(summary, period, as_table, alerts))}
    }
    .into_any()
}

fn skeleton() -> AnyView {
    view! {
        <div class="sections">
            <div class="card"><div class="stats">{periods_skeleton()}</div></div>
            <div class="split">
                <div class="card"><div class="card-body"><Skeleton shape="chart" /></div></div>
                <div class="card"><div class="card-body"><Skeleton shape="row" count=3 /></div></div>
            </div>
        </div>
    }
    .into_any()
}

fn content(
    summary: CostSummary,
    period: Memo<Period>,
    as_table: RwSignal<bool>,
    alerts: Query<Page<Urgent>>,
) -> AnyView {
    let nothing = model::nothing(&summary, session::manages());
    let stale = stale_teams(&summary.freshness.stale_teams);
    let todo = actions(&summary.next_actions, &summary.currency, alerts);
    match nothing {
        Some(Nothing::NotCollected) => view! {
            <div class="sections">
                <div class="card">
                    <EmptyState
                        kind=EmptyKind::NoData
                        body=move || if session::manages() { words::home::START.get() } else { words::home::START_ASK.get() }.to_owned()
                        actions=to_setup
                    />
                </div>
                {(!summary.next_actions.is_empty()).then_some(todo)}
            </div>
        }
        .into_any(),
        Some(Nothing::Hidden) => view! {
            <div class="card"><EmptyState kind=EmptyKind::Forbidden body=words::home::HIDDEN /></div>
        }
        .into_any(),
        Some(Nothing::Delayed) => view! {
            <div class="sections">
                {stale}
                <div class="card"><EmptyState kind=EmptyKind::Delayed body=words::explore::DELAYED /></div>
                {todo}
            </div>
        }
        .into_any(),
        Some(Nothing::OutOfPeriod) | None => {
            let is_empty = nothing.is_some();
            view! {
                <div class="sections">
                    {stale}
                    <section class="card" aria-label=move || words::home::PERIODS.get()>{periods(&summary, false)}</section>
                    <div class="split">
                        {trend(&summary, is_empty, as_table)}
                        <div class="split-first">{todo}</div>
                    </div>
                    {(!is_empty).then(|| dearest(&summary, period.get_untracked()))}
                </div>
            }
            .into_any()
        }
    }
}

/// Which teams' figures are not up to date, with the way to each.
fn stale_teams(teams: &[Named]) -> Option<AnyView> {
    if teams.is_empty() {
        return None;
    }
    let links = teams.iter().cloned().map(|team| {
        view! { <LinkButton href=format!("/teams/{}", team.id)>{team.name}</LinkButton> }
    });
    let links = links.collect_view();
    let count = teams.len() as u64;
    Some(
        view! {
            <Banner tone=Tone::Warning actions=move || links>{live(move || words::home::stale(count))}</Banner>
        }
        .into_any(),
    )
}

fn trend(summary: &CostSummary, is_empty: bool, as_table: RwSignal<bool>) -> AnyView {
    let set_period = use_set_period();
    if is_empty {
        let reset = move |_| set_period(Preset::Quarter.period(today()), Some(Preset::Quarter));
        return view! {
            <Card title=words::home::TREND>
                <EmptyState
                    kind=EmptyKind::NoMatch
                    title=words::explore::UNBILLED
                    actions=move || view! { <Button on_press=reset>{t(words::explore::LAST_90)}</Button> }
                />
            </Card>
        }
        .into_any();
    }
    let (points, currency) = (summary.trend.clone(), summary.currency.clone());
    let line = Signal::derive(move || plot(&points, &currency, words::explore::COST.get()));
    let on_range = Callback::new(move |(first, last): (String, String)| {
        if let (Ok(from), Ok(last)) = (first.parse(), last.parse::<chrono::NaiveDate>()) {
            set_period(Period { from, to: last.succ_opt().unwrap_or(last) }, None);
        }
    });
    let (total, unattributed) = (summary.total.to_string(), summary.unattributed);
    let code = summary.currency.clone();
    let rest = (!unattributed.0.is_zero()).then(|| {
        view! {
            <a class="link" href="/explore?projectId=none&groupBy=model">
                {t(words::explore::OF_WHICH_UNATTRIBUTED)}" "<Money amount=unattributed.to_string() currency=code.clone() />
            </a>
        }
    });
    let others = summary.other_currencies.iter().map(|total| {
        view! { <span class="muted">"+ "<Money amount=total.cost.to_string() currency=total.currency.clone() /></span> }
    });
    let others = others.collect_view();
    view! {
        <Card
            title=words::home::TREND
            note=day_note()
            actions=|| view! { <LinkButton href="/explore">{t(words::explore::TITLE)}</LinkButton> }
        >
            <div class="stack">
                <p class="sum">
                    <span class="muted">{t(words::chart::TOTAL)}{period_note()}</span>
                    <b><Money amount=total currency=code /></b>
                    {others}{rest}
                </p>
                <Chart label=words::home::TREND kind=ChartKind::Line plot=line on_range as_table />
            </div>
        </Card>
    }
    .into_any()
}

fn dearest(summary: &CostSummary, period: Period) -> AnyView {
    let rows = top_projects(summary, period);
    let href = format!("/projects?{}", period.query());
    view! {
        <Card
            title=words::home::TOP_PROJECTS
            flush=true
            actions=move || view! { <LinkButton href>{t(words::home::ALL_PROJECTS)}</LinkButton> }
        >
            {rows}
        </Card>
    }
    .into_any()
}
