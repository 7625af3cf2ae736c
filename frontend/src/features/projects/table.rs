//! The list of projects.

use finops_contract::costs::CostsAnswer;
use finops_contract::projects::Project;
use leptos::prelude::*;

use super::model::{self, Line, environment_name};
use crate::data::Query;
use crate::features::budgets::{ProjectBudgets, share};
use crate::features::explore::model::currency;
use crate::i18n::{t, words};
use crate::period::Period;
use crate::session;
use crate::ui::{Badge, Change, Column, Money, Row, Sparkline, Table, Text, Tone, use_sort};

/// What projects cost: the three answers that the list is made of.
#[derive(Clone, Copy)]
pub(super) struct Costs {
    /// The days of the trend.
    pub(super) period: Memo<Period>,
    /// Whether all of it and of as many days before it was collected.
    pub(super) comparable: Memo<bool>,
    /// Sums of the period.
    pub(super) now: Query<CostsAnswer>,
    /// Sums of as many days before.
    pub(super) before: Query<CostsAnswer>,
    /// Each day of the period.
    pub(super) days: Query<CostsAnswer>,
    /// How the projects' budgets stand.
    pub(super) budgets: ProjectBudgets,
}

impl Costs {
    /// The currency of the list; costs in others are on the page of the analysis.
    pub(super) fn currency(self) -> String {
        let own = session::me().map_or_else(|| "USD".to_owned(), |me| me.organization.currency);
        self.now.data.with(|answer| currency(answer.as_ref().map_or(&[], |answer| &answer.totals), None, &own))
    }

    fn lines(self, projects: &[Project], currency: &str) -> Vec<Line> {
        let sums = |query: Query<CostsAnswer>| {
            query.data.with(|answer| {
                answer.as_ref().map(|answer| model::by_project(&answer.data, currency)).unwrap_or_default()
            })
        };
        let (now, before, comparable) = (sums(self.now), sums(self.before), self.comparable.get());
        let mut trends = self.days.data.with(|answer| match answer {
            // Half of the days would be a trend that never was.
            Some(answer) if answer.next_cursor.is_none() => {
                let days = Period { from: answer.from, to: answer.to.min(self.period.get().to) };
                model::trends(&answer.data, currency, days)
            }
            _ => Default::default(),
        });
        let line = |project: &Project| {
            let cost = now.get(&Some(project.id)).copied();
            let change = cost.zip(before.get(&Some(project.id)).copied()).filter(|_| comparable);
            Line {
                cost,
                change: change.and_then(|(now, before)| model::change(now, before)),
                trend: trends.remove(&project.id).unwrap_or_default(),
                used: self.budgets.of(project.id).as_ref().and_then(share).map(|percent| percent.0),
                project: project.clone(),
            }
        };
        projects.iter().map(line).collect()
    }
}

/// The projects as a table. Only a `whole` list can be sorted: part of one would not be the first of it.
pub(super) fn projects_table(projects: Vec<Project>, costs: Costs, whole: bool) -> AnyView {
    let sort = use_sort("-cost");
    let by = |column: Column, key: &'static str| if whole { column.by(key) } else { column };
    let columns = vec![
        by(Column::text(words::explore::PROJECT), "name"),
        by(Column::text(words::explore::TEAM), "team"),
        Column::text(words::projects::ENVIRONMENT),
        Column::text(words::projects::PROJECT_ID),
        Column::text(words::home::TREND),
        by(Column::number(words::explore::COST), "cost"),
        by(Column::number(words::home::CHANGE), "change"),
        by(Column::text(words::budgets::BUDGET), "budget"),
    ];
    let rows = Callback::new(move |()| {
        let currency = costs.currency();
        let mut lines = costs.lines(&projects, &currency);
        if whole {
            let (key, down) = sort.get();
            model::sort(&mut lines, &key, down);
        }
        let period = costs.period.get();
        lines.into_iter().map(|line| row(line, &currency, period, costs.budgets)).collect::<Vec<_>>()
    });
    view! { <Table label=Text::from(words::projects::TITLE) columns sort rows /> }.into_any()
}

fn row(line: Line, currency: &str, period: Period, budgets: ProjectBudgets) -> Row {
    let project = line.project;
    let href = format!("/projects/{}?{}", project.id, period.query());
    let state = if project.openai_project_id.is_some() {
        view! { <Badge tone=Tone::Success dot=true>{t(words::projects::REGISTERED)}</Badge> }
    } else {
        view! { <Badge tone=Tone::Warning dot=true>{t(words::projects::NOT_REGISTERED)}</Badge> }
    };
    let cost = match line.cost {
        Some(cost) => view! { <Money amount=cost.to_string() currency=currency.to_owned() /> }.into_any(),
        None => "–".into_any(),
    };
    let change = match line.change {
        Some(change) => view! { <Change percent=Some(change.to_string()) /> }.into_any(),
        None => "–".into_any(),
    };
    let trend =
        if line.trend.len() > 1 { view! { <Sparkline values=line.trend /> }.into_any() } else { "–".into_any() };
    Row {
        linked: true,
        cells: vec![
            view! { <a class="row-link" href=href>{project.name}</a> }.into_any(),
            project.team_name.into_any(),
            t(environment_name(project.environment)).into_any(),
            state.into_any(),
            trend,
            cost,
            change,
            budgets.view(project.id),
        ],
    }
}
