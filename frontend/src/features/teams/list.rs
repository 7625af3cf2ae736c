//! `/teams`: every team, with what it cost.

use finops_contract::Page;
use finops_contract::costs::CostsAnswer;
use finops_contract::teams::Team;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::form::TeamForm;
use super::model;
use crate::data::{self, Query, use_get};
use crate::i18n::{t, words};
use crate::period::{Preset, today};
use crate::reactive::live;
use crate::session;
use crate::ui::{
    Badge, Button, ButtonKind, Column, Dialog, EmptyKind, EmptyState, Icon, Money, PageHeader, Pager, Row, Skeleton,
    Table, Tone,
};
use crate::url::{query, use_open, use_param};

/// The teams that one sees.
#[component]
pub fn TeamsPage() -> AnyView {
    let cursor = use_param("cursor");
    let teams = use_get::<Page<Team>>(move || Some(format!("/teams{}", query(&[("cursor", cursor.get().as_deref())]))));
    let period = Preset::Month.period(today());
    let costs =
        use_get::<CostsAnswer>(move || Some(format!("/costs/query?{}&groupBy=team&limit=1000", period.query())));
    let create = use_open("new", "team");
    let navigate = use_navigate();
    let made = Callback::new(move |team: Team| {
        create.set(false);
        navigate(&format!("/teams/{}", team.id), Default::default());
    });
    let button = move || {
        session::manages().then(|| {
            view! {
                <Button kind=ButtonKind::Primary icon=Icon::Plus on_press=move |_| create.set(true)>
                    {t(words::teams::CREATE)}
                </Button>
            }
        })
    };
    let next = Signal::derive(move || teams.data.with(|page| page.as_ref().and_then(|page| page.next_cursor.clone())));
    view! {
        <PageHeader title=words::teams::TITLE lead=words::teams::LEAD actions=button />
        <section class="card" aria-label=move || words::teams::TITLE.get()>
            {data::section(teams, || view! { <div class="card-body"><Skeleton shape="row" count=4 /></div> }.into_any(), move |page| {
                if page.data.is_empty() { nothing(create) } else { table(page.data, costs) }
            })}
            <Pager next />
        </section>
        <Dialog open=create title=words::teams::CREATE><TeamForm on_done=made /></Dialog>
    }
    .into_any()
}

fn nothing(create: RwSignal<bool>) -> AnyView {
    let manages = session::manages();
    let body = if manages { words::teams::EMPTY_BODY } else { words::teams::EMPTY_BODY_MEMBER };
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::teams::EMPTY_TITLE
            body=body
            actions=move || manages.then(|| view! {
                <Button icon=Icon::Plus on_press=move |_| create.set(true)>{t(words::teams::CREATE)}</Button>
            })
        />
    }
    .into_any()
}

fn table(teams: Vec<Team>, costs: Query<CostsAnswer>) -> AnyView {
    let columns = vec![
        Column::text(words::teams::COLUMN_TEAM),
        Column::text(words::teams::COLUMN_KEY),
        Column::number(words::teams::COLUMN_PROJECTS),
        Column::number(words::teams::COLUMN_MEMBERS),
        Column::number(words::teams::COLUMN_COST),
    ];
    let rows = Callback::new(move |()| teams.iter().map(|team| row(team, costs)).collect::<Vec<_>>());
    view! { <Table label=words::teams::TITLE columns rows /> }.into_any()
}

fn row(team: &Team, costs: Query<CostsAnswer>) -> Row {
    let id = team.id;
    let (tone, word) = if team.has_active_admin_key {
        (Tone::Success, words::teams::HAS_KEY)
    } else {
        (Tone::Warning, words::teams::NO_KEY)
    };
    let cells = vec![
        view! { <a class="row-link" href=format!("/teams/{id}")>{team.name.clone()}</a> }.into_any(),
        view! { <Badge tone dot=true>{t(word)}</Badge> }.into_any(),
        team.project_count.to_string().into_any(),
        team.member_count.to_string().into_any(),
        live(move || costs.data.with(|answer| answer.as_ref().map(|answer| cost(model::costs_of(id, answer))))),
    ];
    Row { linked: true, cells }
}

fn cost(costs: Vec<(String, String)>) -> AnyView {
    if costs.is_empty() {
        return view! { <span class="muted">{t(words::teams::NO_COST)}</span> }.into_any();
    }
    let amounts = costs.into_iter().map(|(amount, currency)| view! { <div><Money amount currency /></div> });
    amounts.collect_view().into_any()
}
