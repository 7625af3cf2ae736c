//! Making a project.

use finops_contract::projects::{CreateProjectRequest, Environment, Project};
use finops_contract::teams::Team;
use finops_contract::{ErrorCode, Page};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::model::environment_name;
use crate::api;
use crate::data::{Query, Task};
use crate::i18n::{error_text, t, words};
use crate::reactive::{effect, live, memo};
use crate::ui::{
    Banner, Button, ButtonKind, Dialog, Form, FormActions, LinkButton, Select, TextField, Textarea, Tone, toast,
};

/// Value and text of each environment.
pub(super) fn environments() -> Signal<Vec<(String, String)>> {
    Signal::derive(|| {
        Environment::ALL.map(|one| (one.name().to_owned(), environment_name(one).get().to_owned())).to_vec()
    })
}

/// Value and text of each team.
pub(super) fn team_choices(teams: Query<Page<Team>>) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || {
        let all = teams.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        all.into_iter().map(|team| (team.id.to_string(), team.name)).collect()
    })
}

/// What is wrong with a project's name, which a code of its own can say too.
pub(super) fn name_error(task: Task) -> Signal<Option<String>> {
    let field = task.field("/name");
    Signal::derive(move || {
        let taken = task.error.with(|error| error.as_ref().is_some_and(|error| error.is(ErrorCode::NameTaken)));
        taken.then(|| error_text(ErrorCode::NameTaken).to_owned()).or_else(|| field.get())
    })
}

/// What is wrong as a whole: everything that is not wrong with one field.
pub(super) fn form_error(task: Task, inline: &'static [ErrorCode]) -> Signal<Option<String>> {
    let text = task.text();
    Signal::derive(move || {
        let is_inline = task
            .error
            .with(|error| error.as_ref().and_then(|error| error.code).is_some_and(|code| inline.contains(&code)));
        text.get().filter(|_| !is_inline)
    })
}

/// The dialog that makes a project. It leads to the new project's Project ID.
#[component]
pub fn CreateProject(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The teams that can own it.
    teams: Query<Page<Team>>,
) -> AnyView {
    view! {
        <Dialog open title=words::projects::CREATE>
            <CreateForm open teams />
        </Dialog>
    }
    .into_any()
}

#[component]
fn CreateForm(open: RwSignal<bool>, teams: Query<Page<Team>>) -> AnyView {
    let choices = team_choices(teams);
    let (name, description) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let environment = RwSignal::new(Environment::Production.name().to_owned());
    let team = RwSignal::new(String::new());
    // The first team, once they are there.
    effect(move |_| {
        if team.with_untracked(String::is_empty)
            && let Some((first, _)) = choices.get().first()
        {
            team.set(first.clone());
        }
    });
    let task = Task::new();
    let navigate = use_navigate();
    let submit = move |()| {
        let name = name.get_untracked().trim().to_owned();
        let mut wrong = Vec::new();
        if name.is_empty() {
            wrong.push(("/name", "required"));
        }
        let team_id = team.with_untracked(|team| team.parse().ok());
        if team_id.is_none() {
            wrong.push(("/teamId", "required"));
        }
        if task.refuse(&wrong) {
            return;
        }
        let description = description.get_untracked().trim().to_owned();
        let request = CreateProjectRequest {
            team_id: team_id.unwrap_or_default(),
            name,
            description: (!description.is_empty()).then_some(description),
            environment: environment
                .with_untracked(|name| Environment::from_name(name))
                .unwrap_or(Environment::Production),
        };
        let navigate = navigate.clone();
        task.run(async move { api::post::<Project>("/projects", &request).await }, move |project| {
            // The dialog goes with the page that is left.
            toast::done(words::projects::created(&project.name));
            navigate(&format!("/projects/{}?tab=keys", project.id), Default::default());
        });
    };
    let no_team = memo(move |_| teams.data.with(|page| page.as_ref().is_some_and(|page| page.data.is_empty())));
    view! {
        <Form on_submit=submit error=form_error(task, &[ErrorCode::NameTaken]) failures=task.failures>
            {live(move || no_team.get().then(|| view! {
                <Banner
                    tone=Tone::Info
                    actions=|| view! { <LinkButton href="/teams">{t(words::shell::TEAMS)}</LinkButton> }
                >
                    {t(words::projects::NEED_TEAM)}
                </Banner>
            }))}
            <TextField label=words::projects::NAME value=name name="project-name" error=name_error(task) placeholder="chatbot-experiment" autofocus=true />
            <Select label=words::explore::TEAM value=team choices error=task.field("/teamId") />
            <Select label=words::projects::ENVIRONMENT value=environment choices=environments() error=task.field("/environment") />
            <Textarea label=words::projects::DESCRIPTION value=description optional=true error=task.field("/description") />
            <FormActions>
                <Button on_press=move |_| open.set(false)>{t(words::common::CANCEL)}</Button>
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::projects::CREATE)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}
