//! What costs are narrowed to: a choice for each dimension that the service filters by.

use finops_contract::Page;
use finops_contract::costs::{CostsAnswer, Dimension};
use finops_contract::projects::Project;
use finops_contract::teams::Team;
use leptos::prelude::*;

use super::breakdown::use_filter;
use super::model::{self, Filter, LEDGERS, NONE};
use crate::data::use_get;
use crate::features::budgets::basis_name;
use crate::i18n::{t, words};
use crate::period::use_period;
use crate::reactive::live;
use crate::session;
use crate::ui::{Button, ButtonKind, Icon, ParamSelect};
use crate::url::use_set_params;

/// The filter bar of the cost analysis.
#[component]
pub fn FilterBar() -> AnyView {
    let filter = use_filter();
    let projects = use_get::<Page<Project>>(|| Some("/projects?limit=200".to_owned()));
    let teams = use_get::<Page<Team>>(|| Some("/teams?limit=200".to_owned()));
    let period = use_period();
    let values = move |dimension: Dimension| {
        let answer = use_get::<CostsAnswer>(move || {
            Some(format!("/costs/query?{}&groupBy={}&limit=200", period.get().query(), dimension.name()))
        });
        Signal::derive(move || {
            let rows = answer.data.with(|answer| answer.as_ref().map(|answer| answer.data.clone()).unwrap_or_default());
            let parts = rows.iter().flat_map(|row| model::parts(&row.dimensions));
            let mut values: Vec<(String, String)> = parts.filter_map(|part| Some((part.key, part.name?))).collect();
            values.sort();
            values.dedup();
            values
        })
    };
    let project_choices = Signal::derive(move || {
        let none = (NONE.to_owned(), words::explore::NO_PROJECT.get().to_owned());
        let all = projects.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        // What belongs to no project is for those who manage them.
        session::manages()
            .then_some(none)
            .into_iter()
            .chain(all.into_iter().map(|project| (project.id.to_string(), project.name)))
            .collect()
    });
    let team_choices = Signal::derive(move || {
        let all = teams.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        all.into_iter().map(|team| (team.id.to_string(), team.name)).collect()
    });
    let bases = Signal::derive(|| {
        LEDGERS.map(|basis| (basis.name().to_owned(), basis_name(basis).0.get().to_owned())).to_vec()
    });
    let set = use_set_params();
    let clear = move |_| {
        let none = ["projectId", "teamId", "model", "lineItem", "basis", "cursor"].map(|name| (name, None));
        set(&none, false);
    };
    let clear = StoredValue::new(clear);
    view! {
        <div class="filters" role="group" aria-label=move || words::explore::FILTERS.get()>
            <ParamSelect name="projectId" all=words::explore::ALL_PROJECTS label=words::explore::PROJECT choices=project_choices />
            <ParamSelect name="teamId" all=words::explore::ALL_TEAMS label=words::explore::TEAM choices=team_choices />
            <ParamSelect name="model" all=words::explore::ALL_MODELS label=words::explore::MODEL choices=values(Dimension::Model) />
            <ParamSelect name="lineItem" all=words::explore::ALL_LINE_ITEMS label=words::explore::LINE_ITEM choices=values(Dimension::LineItem) />
            <ParamSelect name="basis" all=words::explore::ALL_LEDGERS label=words::explore::LEDGER choices=bases />
            {live(move || (!filter.with(Filter::is_empty)).then(|| view! {
                <Button kind=ButtonKind::Ghost icon=Icon::Close on_press=move |event| clear.with_value(|clear| clear(event))>
                    {t(words::common::CLEAR_FILTERS)}
                </Button>
            }))}
        </div>
    }
    .into_any()
}
