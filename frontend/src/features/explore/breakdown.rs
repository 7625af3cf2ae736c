//! Costs over a period, cut by what the reader chooses: a chart, and the same as a table.

use finops_contract::Page;
use finops_contract::costs::{CostTotal, CostsAnswer, Dimension};
use finops_contract::projects::Project;
use finops_contract::teams::Team;
use leptos::prelude::*;
use uuid::Uuid;

use super::model::{self, Filter, Nothing};
use super::table::BreakdownTable;
use super::wording::{day_note, dimension_name, parts_name};
use crate::data::{self, Query, use_get};
use crate::features::budgets::basis_name;
use crate::features::home::to_setup;
use crate::i18n::{t, words};
use crate::period::{Period, Preset, today, use_period, use_set_period};
use crate::reactive::{effect, live, memo};
use crate::session;
use crate::shell::{period_note, tell_freshness};
use crate::ui::{
    Banner, Button, Card, Chart, ChartKind, EmptyKind, EmptyState, Glyph, Icon, Money, ParamSelect, Skeleton, Text,
    Tone,
};
use crate::url::{self, use_param, use_set_params};

/// Cells that are asked for at once, the most that the service gives.
const CELLS: &str = "5000";

/// What a breakdown looks at: all of it is in the URL, but for a project whose page it is on.
#[derive(Clone, Copy)]
pub struct View {
    /// The days.
    pub(super) period: Memo<Period>,
    /// What it is cut by.
    pub(super) by: Memo<Vec<Dimension>>,
    /// What it is narrowed to.
    pub(super) filter: Memo<Filter>,
    /// What it can be cut by.
    pub(super) offered: &'static [Dimension],
    /// What it is cut by unless the URL says otherwise.
    default: &'static [Dimension],
    project: Option<Uuid>,
    currency: Memo<Option<String>>,
}

impl View {
    /// The address of a query. `limit` and `cursor` page through it.
    pub(super) fn path(self, by: &[Dimension], limit: &str, cursor: Option<&str>) -> String {
        let period = self.period.get();
        let (from, to) = (period.from.to_string(), period.to.to_string());
        let by = model::write_group_by(by);
        let filter = self.filter.get();
        let project = self.project.map(|id| id.to_string());
        let mut params =
            vec![("from", Some(from.as_str())), ("to", Some(&to)), ("groupBy", Some(&by)), ("limit", Some(limit))];
        params.extend(filter.params());
        params.push(("cursor", cursor));
        if let Some(project) = &project {
            params.retain(|(name, _)| *name != "projectId");
            params.push(("projectId", Some(project)));
        }
        format!("/costs/query{}", url::query(&params))
    }

    /// The currency that is shown of an answer.
    pub(super) fn currency_of(self, totals: &[CostTotal]) -> String {
        let own = session::me().map_or_else(|| "USD".to_owned(), |me| me.organization.currency);
        model::currency(totals, self.currency.get().as_deref(), &own)
    }
}

/// Reads what to look at from the URL.
pub(super) fn use_filter() -> Memo<Filter> {
    let (project_id, team_id) = (use_param("projectId"), use_param("teamId"));
    let (model, line_item, basis) = (use_param("model"), use_param("lineItem"), use_param("basis"));
    memo(move |_| Filter {
        project_id: project_id.get(),
        team_id: team_id.get(),
        model: model.get(),
        line_item: line_item.get(),
        // What is none of them would be refused.
        basis: basis.get().filter(|name| model::ledger(name).is_some()),
    })
}

/// A chart over days and a table of sums, cut by the dimensions that the reader presses.
#[component]
pub fn Breakdown(
    /// Its heading.
    #[prop(into)]
    title: Text,
    /// What it can be cut by.
    offered: &'static [Dimension],
    /// What it is cut by at first.
    default: &'static [Dimension],
    /// Only this project's.
    #[prop(optional)]
    project: Option<Uuid>,
) -> AnyView {
    let group_by = use_param("groupBy");
    let by = memo(move |_| group_by.with(|text| model::read_group_by(text.as_deref(), offered, default)));
    let currency = use_param("currency");
    let view = View { period: use_period(), by, filter: use_filter(), offered, default, project, currency };
    let by_day = memo(move |_| {
        let mut by = view.by.get();
        by.retain(|dimension| *dimension != Dimension::Day);
        by.push(Dimension::Day);
        by
    });
    let cells = use_get::<CostsAnswer>(move || Some(view.path(&by_day.get(), CELLS, None)));
    let too_many =
        memo(move |_| cells.data.with(|answer| answer.as_ref().is_some_and(|answer| answer.next_cursor.is_some())));
    let days = use_get::<CostsAnswer>(move || too_many.get().then(|| view.path(&[Dimension::Day], CELLS, None)));
    effect(move |_| {
        cells.data.with(|answer| {
            if let Some(answer) = answer {
                tell_freshness(&answer.freshness);
            }
        });
    });
    // Billed days are UTC's; one ledger of metered costs has the organization's.
    let note = Text::derive(move || {
        let zone = cells.data.with(|answer| answer.as_ref().map(|answer| answer.day_zone.clone()));
        match zone {
            Some(zone) if zone != "UTC" => words::explore::day_note_of(&zone),
            _ => day_note().get().to_owned(),
        }
    });
    let as_table = RwSignal::new(false);
    let label = title;
    let show = move |answer: CostsAnswer| {
        if answer.data.is_empty() {
            return empty(view, &answer);
        }
        if answer.next_cursor.is_none() {
            return chart(view, label, answer, as_table);
        }
        // Part of the cells would be a chart of something that nobody asked for.
        let days = data::section(days, skeleton, move |days| chart(view, label, days, as_table));
        view! { <Banner tone=Tone::Info>{t(words::explore::TOO_MANY)}</Banner>{days} }.into_any()
    };
    let has_rows = memo(move |_| {
        cells.data.with(|answer| answer.as_ref().is_none_or(|answer| !answer.data.is_empty()))
            && !cells.error.with(Option::is_some)
    });
    view! {
        <Card title note actions=move || view! { <Chips view /> }>
            <div class="stack">
                {(project.is_some()).then(|| view! { <ActiveFilters view /> })}
                {totals(view, cells)}
                {data::section(cells, skeleton, show)}
            </div>
        </Card>
        {live(move || has_rows.get().then(|| view! { <BreakdownTable view title=label /> }))}
    }
    .into_any()
}

fn skeleton() -> AnyView {
    view! { <Skeleton shape="chart" /> }.into_any()
}

fn chart(view: View, label: Text, answer: CostsAnswer, as_table: RwSignal<bool>) -> AnyView {
    let set_period = use_set_period();
    let plot = Signal::derive(move || {
        let currency = view.currency_of(&answer.totals);
        model::plot(&answer, &currency, today(), parts_name, words::chart::REST.get())
    });
    let on_range = Callback::new(move |(first, last): (String, String)| {
        if let (Ok(from), Ok(last)) = (first.parse(), last.parse::<chrono::NaiveDate>()) {
            set_period(Period { from, to: last.succ_opt().unwrap_or(last) }, None);
        }
    });
    view! { <Chart label kind=ChartKind::Stacked plot on_range as_table /> }.into_any()
}

/// The sum, and the part of it that belongs to no project. More than one currency are never added: one is chosen.
fn totals(view: View, cells: Query<CostsAnswer>) -> AnyView {
    let codes = memo(move |_| {
        cells.data.with(|answer| {
            let totals = answer.iter().flat_map(|answer| &answer.totals);
            totals.map(|total| total.currency.clone()).collect::<Vec<_>>()
        })
    });
    let now = Signal::derive(move || {
        cells.data.with(|answer| view.currency_of(answer.as_ref().map_or(&[], |answer| &answer.totals)))
    });
    let others = move || {
        let choices =
            Signal::derive(move || codes.get().into_iter().map(|code| (code.clone(), code)).collect::<Vec<_>>());
        (codes.with(Vec::len) > 1)
            .then(|| view! { <ParamSelect name="currency" label=words::explore::CURRENCY choices default=now /> })
    };
    let sum = move || {
        let totals = cells.data.with(|answer| answer.as_ref().map(|answer| answer.totals.clone()))?;
        let currency = now.get();
        let total = totals.iter().find(|total| total.currency == currency)?.clone();
        let unattributed = (!total.unattributed.0.is_zero() && view.project.is_none()).then(|| {
            let (amount, currency) = (total.unattributed.to_string(), currency.clone());
            view! {
                <span class="muted">{t(words::explore::OF_WHICH_UNATTRIBUTED)}" "<Money amount currency /></span>
            }
        });
        Some(view! {
            <p class="sum">
                <span class="muted">{t(words::chart::TOTAL)}{period_note()}</span>
                <b><Money amount=total.cost.to_string() currency=currency.clone() /></b>
                {unattributed}
            </p>
        })
    };
    view! { <div class="spread">{live(sum)}{live(others)}</div> }.into_any()
}

/// What to cut by: any of the dimensions, at least one.
#[component]
fn Chips(view: View) -> AnyView {
    let set = StoredValue::new(use_set_params());
    let chips = view.offered.iter().copied().map(|dimension| {
        let on = memo(move |_| view.by.with(|by| by.contains(&dimension)));
        let press = move |_| {
            let next = model::toggle(&view.by.get_untracked(), dimension);
            let text = model::write_group_by(&next);
            let text = (next != view.default).then_some(text.as_str());
            set.with_value(|set| set(&[("groupBy", text), ("cursor", None), ("sort", None)], false));
        };
        view! {
            <button class="chip" type="button" aria-pressed=move || on.get().to_string() on:click=press>
                {live(move || on.get().then(|| view! { <Glyph icon=Icon::Check size=12 /> }))}
                {t(dimension_name(dimension))}
            </button>
        }
    });
    view! {
        <div class="chips" role="group" aria-label=move || words::explore::GROUP_BY.get()>{chips.collect_view()}</div>
    }
    .into_any()
}

/// What a project's costs are narrowed to, each with a way to widen them again.
#[component]
fn ActiveFilters(view: View) -> AnyView {
    let set = StoredValue::new(use_set_params());
    live(move || {
        let filter = view.filter.get();
        let basis = filter.basis.as_deref().and_then(model::ledger).map(|basis| basis_name(basis).0.get().to_owned());
        let active = [("model", filter.model), ("lineItem", filter.line_item), ("basis", basis)];
        let chips = active.into_iter().filter_map(|(name, value)| {
            let value = value?;
            let label = value.clone();
            let remove = move |_| set.with_value(|set| set(&[(name, None), ("cursor", None)], false));
            Some(view! {
                <button
                    class="chip"
                    type="button"
                    aria-label=move || words::explore::remove_filter(&label)
                    on:click=remove
                >
                    <span class="truncate">{value}</span>
                    <Glyph icon=Icon::Close size=12 />
                </button>
            })
        });
        let chips: Vec<_> = chips.collect();
        (!chips.is_empty()).then(|| view! { <div class="chips">{chips.collect_view()}</div> })
    })
}

fn empty(view: View, answer: &CostsAnswer) -> AnyView {
    match model::nothing(&answer.freshness, view.filter.with(Filter::is_empty)) {
        Nothing::NotCollected => view! {
            <EmptyState kind=EmptyKind::NoData body=words::explore::NOT_COLLECTED actions=to_setup />
        }
        .into_any(),
        Nothing::Delayed => view! { <EmptyState kind=EmptyKind::Delayed body=words::explore::DELAYED /> }.into_any(),
        Nothing::Filtered => {
            let set = use_set_params();
            let clear = move |_| {
                let none = ["projectId", "teamId", "model", "lineItem", "basis", "cursor"].map(|name| (name, None));
                set(&none, false);
            };
            view! {
                <EmptyState
                    kind=EmptyKind::NoMatch
                    actions=move || view! { <Button on_press=clear>{t(words::common::CLEAR_FILTERS)}</Button> }
                />
            }
            .into_any()
        }
        Nothing::Unbilled if view.project.is_none() && !session::manages() => unbilled_or_hidden(),
        Nothing::Unbilled => unbilled(),
    }
}

/// Nothing was billed, or nothing is the reader's: they belong to no team and to no project.
fn unbilled_or_hidden() -> AnyView {
    let projects = use_get::<Page<Project>>(|| Some("/projects?limit=200".to_owned()));
    let teams = use_get::<Page<Team>>(|| Some("/teams?limit=200".to_owned()));
    live(move || {
        let no_project = projects.data.with(|page| page.as_ref().map(|page| page.data.is_empty()))?;
        let no_team = teams.data.with(|page| page.as_ref().map(|page| page.data.is_empty()))?;
        Some(if no_project && no_team {
            view! { <EmptyState kind=EmptyKind::Forbidden body=words::home::HIDDEN /> }.into_any()
        } else {
            unbilled()
        })
    })
}

fn unbilled() -> AnyView {
    let set = use_set_period();
    let widen = move |_| set(Preset::Quarter.period(today()), Some(Preset::Quarter));
    view! {
        <EmptyState
            kind=EmptyKind::NoMatch
            title=words::explore::UNBILLED
            actions=move || view! { <Button on_press=widen>{t(words::explore::LAST_90)}</Button> }
        />
    }
    .into_any()
}
