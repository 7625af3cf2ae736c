//! What a project is called, where it runs, who owns it, and its end.

use finops_contract::projects::{Environment, Project, UpdateProjectRequest};
use finops_contract::teams::Team;
use finops_contract::{ErrorCode, Page};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::form::{environments, form_error, name_error, team_choices};
use super::guarded::guard_panel;
use crate::api;
use crate::data::{Query, Task, use_get};
use crate::i18n::{t, words};
use crate::reactive::effect;
use crate::ui::{
    Button, ButtonKind, Card, ConfirmDialog, Form, FormActions, Icon, Select, Switch, Text, TextField, Textarea, toast,
};

/// The tab.
#[component]
pub fn SettingsTab(
    /// The project.
    project: Query<Project>,
) -> AnyView {
    let id = project.data.with_untracked(|project| project.as_ref().map(|project| project.id));
    let guard = id.map(|id| {
        view! { <Card title=words::projects::GUARD note=words::projects::GUARD_NOTE>{guard_panel(id)}</Card> }
    });
    view! {
        <div class="sections">
            {guard}
            <Card title=words::projects::TAB_SETTINGS><Edit project /></Card>
            <Card title=words::projects::PROMPTS note=words::projects::PROMPTS_NOTE><Prompts project /></Card>
            <Card title=words::projects::DELETE note=words::projects::DELETE_NOTE><Delete project /></Card>
        </div>
    }
    .into_any()
}

#[component]
fn Edit(project: Query<Project>) -> AnyView {
    let Some(now) = project.data.get_untracked() else { return ().into_any() };
    let id = now.id;
    let teams = use_get::<Page<Team>>(|| Some("/teams?limit=200".to_owned()));
    let name = RwSignal::new(now.name);
    let description = RwSignal::new(now.description.unwrap_or_default());
    let environment = RwSignal::new(now.environment.name().to_owned());
    let team = RwSignal::new(now.team_id.to_string());
    let own = (now.team_id.to_string(), now.team_name);
    let choices = team_choices(teams);
    let choices = Signal::derive(move || {
        let mut choices = choices.get();
        // Its team stays chosen while the others load, and where the list does not reach it.
        if choices.iter().all(|(id, _)| *id != own.0) {
            choices.insert(0, own.clone());
        }
        choices
    });
    let task = Task::new();
    let submit = move |()| {
        let name = name.get_untracked().trim().to_owned();
        let wrong: &[_] = if name.is_empty() { &[("/name", "required")] } else { &[] };
        if task.refuse(wrong) {
            return;
        }
        let before = project.data.with_untracked(|project| project.as_ref().map(|project| project.team_id));
        let request = UpdateProjectRequest {
            team_id: team.with_untracked(|team| team.parse().ok()).filter(|team| Some(*team) != before),
            name: Some(name),
            description: Some(description.get_untracked().trim().to_owned()),
            environment: environment.with_untracked(|name| Environment::from_name(name)),
            store_prompts: None,
        };
        let path = format!("/projects/{id}");
        task.run(async move { api::patch::<Project>(&path, &request).await }, move |saved| {
            project.data.set(Some(saved));
            toast::done(words::common::SAVED.get_untracked());
        });
    };
    view! {
        <Form on_submit=submit error=form_error(task, &[ErrorCode::NameTaken]) failures=task.failures>
            <TextField label=words::projects::NAME value=name name="project-name" error=name_error(task) />
            <Select
                label=words::projects::ENVIRONMENT
                value=environment
                choices=environments()
                error=task.field("/environment")
            />
            <Textarea
                label=words::projects::DESCRIPTION
                value=description
                optional=true
                error=task.field("/description")
            />
            <Select
                label=words::explore::TEAM
                value=team
                choices
                hint=words::projects::TEAM_HINT
                error=task.field("/teamId")
            />
            <FormActions>
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::common::SAVE)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

/// Whether what is asked and answered is stored. Not any more means that what was stored goes: that is asked first.
#[component]
fn Prompts(project: Query<Project>) -> AnyView {
    let (open, task) = (RwSignal::new(false), Task::new());
    let stored =
        Signal::derive(move || project.data.with(|project| project.as_ref().is_some_and(|it| it.store_prompts)));
    let save = move |on: bool| {
        let Some(id) = project.data.with_untracked(|project| project.as_ref().map(|project| project.id)) else {
            return;
        };
        let request = UpdateProjectRequest { store_prompts: Some(on), ..UpdateProjectRequest::default() };
        let path = format!("/projects/{id}");
        task.run(async move { api::patch::<Project>(&path, &request).await }, move |saved| {
            open.set(false);
            project.data.set(Some(saved));
            toast::done(words::common::SAVED.get_untracked());
        });
    };
    let switch = move |on: bool| {
        task.error.set(None);
        if on { save(true) } else { open.set(true) }
    };
    // The dialog has a place of its own for it.
    effect(move |_| {
        if let Some(error) = task.error.get().filter(|_| !open.get_untracked()) {
            toast::failed(error.text());
        }
    });
    view! {
        <Switch value=stored label=words::projects::PROMPTS_STORE on_change=switch />
        <ConfirmDialog
            open
            title=words::projects::PROMPTS_ASK
            consequences=vec![
                words::projects::PROMPTS_GO.into(),
                words::projects::DELETE_FOR_GOOD.into(),
                words::projects::PROMPTS_KEEPS.into(),
            ]
            confirm=words::projects::PROMPTS_STOP
            busy=task.busy
            error=task.text()
            on_confirm=Callback::new(move |()| save(false))
        />
    }
    .into_any()
}

#[component]
fn Delete(project: Query<Project>) -> AnyView {
    let open = RwSignal::new(false);
    let task = Task::new();
    let navigate = use_navigate();
    let name = Signal::derive(move || project.data.with(|p| p.as_ref().map(|p| p.name.clone()).unwrap_or_default()));
    let remove = Callback::new(move |()| {
        let Some(id) = project.data.with_untracked(|project| project.as_ref().map(|project| project.id)) else {
            return;
        };
        let navigate = navigate.clone();
        task.run(async move { api::delete(&format!("/projects/{id}")).await }, move |()| {
            open.set(false);
            toast::done(words::projects::deleted(&name.get_untracked()));
            navigate("/projects", Default::default());
        });
    });
    let title = Text::derive(move || words::projects::delete_ask(&name.get()));
    view! {
        <Button kind=ButtonKind::Danger icon=Icon::Trash on_press=move |_| open.set(true)>
            {t(words::projects::DELETE)}
        </Button>
        <ConfirmDialog
            open
            title
            consequences=vec![
                words::projects::DELETE_STOPS.into(),
                words::projects::DELETE_KEEPS.into(),
                words::projects::DELETE_FOR_GOOD.into(),
            ]
            confirm=words::common::DELETE
            busy=task.busy
            error=task.text()
            on_confirm=remove
        />
    }
    .into_any()
}
