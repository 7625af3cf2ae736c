//! A team's projects.

use finops_contract::projects::Project;
use leptos::prelude::*;

use super::connect::ANY;
use super::model;
use super::page::TeamView;
use crate::data;
use crate::i18n::{t, words};
use crate::reactive::memo;
use crate::session;
use crate::ui::{Badge, Button, Card, Column, EmptyKind, EmptyState, Icon, Row, Skeleton, Table};
use crate::url::use_set_params;

/// The projects, each a link to its page.
#[component]
pub fn ProjectsCard(
    /// The team.
    view: TeamView,
) -> AnyView {
    let set = use_set_params();
    let connect = Callback::new(move |()| set(&[("connect", Some(ANY))], true));
    let keyed = memo(move |_| view.team.data.with(|t| t.as_ref().is_some_and(|t| t.has_active_admin_key)));
    let button = move || {
        (session::manages() && keyed.get()).then(|| {
            view! {
                <Button icon=Icon::Plus on_press=move |_| connect.run(())>{t(words::teams::CONNECT_TITLE)}</Button>
            }
        })
    };
    let skeleton = || view! { <div class="card-body"><Skeleton shape="row" count=3 /></div> }.into_any();
    view! {
        <Card title=words::teams::TAB_PROJECTS actions=move || button flush=true>
            {data::section(view.projects, skeleton, |page| {
                if page.data.is_empty() {
                    view! {
                        <EmptyState
                            kind=EmptyKind::NoData
                            title=words::teams::PROJECTS_EMPTY_TITLE
                            body=words::teams::PROJECTS_EMPTY_BODY
                        />
                    }
                    .into_any()
                } else {
                    table(page.data)
                }
            })}
        </Card>
    }
    .into_any()
}

fn table(projects: Vec<Project>) -> AnyView {
    let columns = vec![
        Column::text(words::teams::COLUMN_PROJECT),
        Column::text(words::teams::COLUMN_ENVIRONMENT),
        Column::text(words::teams::COLUMN_PROJECT_ID),
    ];
    let rows = Callback::new(move |()| {
        let row = |project: &Project| {
            let id = match project.openai_project_id.clone() {
                Some(id) => view! { <code>{id}</code> }.into_any(),
                None => view! { <span class="muted">{t(words::teams::NOT_CONNECTED)}</span> }.into_any(),
            };
            let (name, environment) = (project.name.clone(), model::environment(project.environment));
            let cells = vec![
                view! { <a class="row-link" href=format!("/projects/{}", project.id)>{name}</a> }.into_any(),
                view! { <Badge>{t(environment)}</Badge> }.into_any(),
                id,
            ];
            Row { linked: true, cells }
        };
        projects.iter().map(row).collect::<Vec<_>>()
    });
    view! { <Table label=words::teams::TAB_PROJECTS columns rows /> }.into_any()
}
