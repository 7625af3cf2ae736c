//! The projects that a team's admin key can see at the provider.

use finops_contract::projects::ProviderProject;
use finops_contract::{ErrorCode, Page};
use leptos::prelude::*;
use uuid::Uuid;

use super::keys::admin_key_missing;
use super::model::order_for_picking;
use crate::data::{failed, use_get};
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::ui::{Badge, Button, Skeleton};

/// Puts a Project ID into the form with one press, so that nobody has to copy one.
#[component]
pub fn Picker(
    /// The team whose key looks.
    team: Uuid,
    /// The form's field.
    value: RwSignal<String>,
) -> AnyView {
    let seen = use_get::<Page<ProviderProject>>(move || Some(format!("/teams/{team}/provider-projects?limit=200")));
    let content = move || {
        if let Some(page) = seen.data.get() {
            return list(page.data, value);
        }
        match seen.error.get().filter(|_| !seen.busy.get()) {
            Some(error) if error.is(ErrorCode::AdminKeyMissing) => admin_key_missing(Some(team)),
            Some(error) => failed(error, Callback::new(move |()| seen.reload())),
            None => view! { <Skeleton shape="row" count=3 /> }.into_any(),
        }
    };
    view! {
        <div class="stack" data-gap="8">
            <h3>{t(words::projects::PICK)}</h3>
            {live(content)}
        </div>
    }
    .into_any()
}

fn list(mut projects: Vec<ProviderProject>, value: RwSignal<String>) -> AnyView {
    if projects.is_empty() {
        return view! { <p class="muted">{t(words::projects::PICK_NONE)}</p> }.into_any();
    }
    order_for_picking(&mut projects);
    view! { <ul class="picks">{projects.into_iter().map(|project| item(project, value)).collect_view()}</ul> }
        .into_any()
}

fn item(project: ProviderProject, value: RwSignal<String>) -> AnyView {
    let id = project.id.clone();
    let chosen = {
        let id = project.id.clone();
        memo(move |_| value.with(|value| value.trim() == id))
    };
    let end = match project.project_id {
        Some(ours) => view! {
            <a class="link" href=format!("/projects/{ours}")>{t(words::projects::PICK_TAKEN)}</a>
        }
        .into_any(),
        None => view! {
            <Button disabled=Signal::derive(move || chosen.get()) on_press=move |_| value.set(id.clone())>
                {live(move || if chosen.get() { words::projects::PICKED.get() } else { words::projects::PICK_THIS.get() })}
            </Button>
        }
        .into_any(),
    };
    view! {
        <li class="pick">
            <span class="pick-text">
                <b>{project.name}</b>
                <code class="muted">{project.id}</code>
            </span>
            {project.archived.then(|| view! { <Badge>{t(words::projects::ARCHIVED)}</Badge> })}
            {end}
        </li>
    }
    .into_any()
}
