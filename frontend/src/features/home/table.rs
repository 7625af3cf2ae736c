//! The dearest projects.

use finops_contract::costs::{CostSummary, ProjectCost};
use leptos::prelude::*;

use crate::i18n::{t, words};
use crate::period::Period;
use crate::ui::{Change, Column, Money, Row, Sparkline, Table, Text};

/// Five projects, each with its trend, and what belongs to none.
pub(super) fn top_projects(summary: &CostSummary, period: Period) -> AnyView {
    let columns = vec![
        Column::text(words::explore::PROJECT),
        Column::text(words::explore::TEAM),
        Column::text(words::home::TREND),
        Column::number(words::explore::COST),
        Column::number(words::home::CHANGE),
    ];
    let (projects, currency) = (summary.top_projects.clone(), summary.currency.clone());
    let known: Vec<_> = summary.trend.iter().map(|point| point.cost.is_some()).collect();
    let rows =
        Callback::new(move |()| projects.iter().map(|cost| row(cost, &known, &currency, period)).collect::<Vec<_>>());
    view! { <Table label=Text::from(words::home::TOP_PROJECTS) columns rows /> }.into_any()
}

fn row(cost: &ProjectCost, known: &[bool], currency: &str, period: Period) -> Row {
    let period = period.query();
    let name = match &cost.project {
        Some(project) => {
            view! { <a class="row-link" href=format!("/projects/{}?{period}", project.id)>{project.name.clone()}</a> }
                .into_any()
        }
        None => view! {
            <a class="row-link" href=format!("/explore?projectId=none&groupBy=model&{period}")>
                {t(words::explore::NO_PROJECT)}
            </a>
        }
        .into_any(),
    };
    let team = cost.team.as_ref().map_or_else(|| "–".to_owned(), |team| team.name.clone());
    // A day that was not collected is a gap for every project.
    let trend =
        cost.trend.iter().zip(known).map(|(amount, known)| amount.filter(|_| *known).map(|amount| amount.0)).collect();
    Row {
        linked: true,
        cells: vec![
            name,
            team.into_any(),
            view! { <Sparkline values=trend /> }.into_any(),
            view! { <Money amount=cost.cost.to_string() currency=currency.to_owned() /> }.into_any(),
            match &cost.change_percent {
                Some(change) => view! { <Change percent=Some(change.clone()) /> }.into_any(),
                None => "–".into_any(),
            },
        ],
    }
}
