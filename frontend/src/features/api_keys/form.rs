//! Making a key.

use finops_contract::Page;
use finops_contract::api_keys::{ApiKey, CreatedApiKey, Scope};
use finops_contract::projects::{Environment, Project};
use leptos::prelude::*;

use super::dialogs::shown_once;
use super::model::{self, Draft};
use crate::api;
use crate::data::{Query, Task, use_list};
use crate::features::moment;
use crate::features::projects::model::environment_name;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::session;
use crate::ui::{Button, ButtonKind, ButtonSize, Checkbox, Dialog, Form, FormActions, Select, Text, TextField};

/// The dialog: first the form, then the key.
#[component]
pub fn CreateDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The list behind it.
    keys: Query<Page<ApiKey>>,
) -> AnyView {
    view! {
        <Dialog open title=words::api_keys::CREATE><Create open keys /></Dialog>
    }
    .into_any()
}

#[component]
fn Create(open: RwSignal<bool>, keys: Query<Page<ApiKey>>) -> AnyView {
    let made = RwSignal::new(None::<CreatedApiKey>);
    let done = Callback::new(move |created: CreatedApiKey| {
        made.set(Some(created));
        keys.reload();
    });
    live(move || match made.get() {
        None => view! { <NewKey on_done=done /> }.into_any(),
        Some(created) => {
            let name = created.api_key.name;
            shown_once(created.key, Text::derive(move || words::api_keys::created(&name)), open)
        }
    })
}

/// What the form holds.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    scopes: [(Scope, RwSignal<bool>); 3],
    project: RwSignal<String>,
    environment: RwSignal<String>,
    quota: RwSignal<String>,
    last_day: RwSignal<String>,
}

impl Fields {
    fn new() -> Fields {
        let text = || RwSignal::new(String::new());
        Fields {
            name: text(),
            // What nearly every key is for.
            scopes: Scope::ALL.map(|scope| (scope, RwSignal::new(scope == Scope::Ingest))),
            project: text(),
            environment: text(),
            quota: text(),
            last_day: text(),
        }
    }

    fn draft(self) -> Draft {
        let chosen = self.scopes.iter().filter(|(_, on)| on.get_untracked());
        Draft {
            name: self.name.get_untracked(),
            scopes: chosen.map(|(scope, _)| *scope).collect(),
            project: self.project.get_untracked(),
            environment: self.environment.get_untracked(),
            quota: self.quota.get_untracked(),
            last_day: self.last_day.get_untracked(),
        }
    }
}

#[component]
fn NewKey(on_done: Callback<CreatedApiKey>) -> AnyView {
    let fields = Fields::new();
    let task = Task::new();
    let submit = move |()| match fields.draft().read(!session::manages(), moment::now(), moment::end_of) {
        Ok(request) => {
            task.run(async move { api::post::<CreatedApiKey>("/api-keys", &request).await }, move |created| {
                on_done.run(created);
            });
        }
        Err(wrong) => {
            task.refuse(&wrong);
        }
    };
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <TextField
                label=words::api_keys::NAME
                value=fields.name
                hint=words::api_keys::NAME_HINT
                error=task.field("/name")
                autofocus=true
            />
            <Scopes scopes=fields.scopes error=task.field("/scopes") />
            <ProjectField value=fields.project error=task.field("/projectId") />
            <EnvironmentField value=fields.environment error=task.field("/environment") />
            <TextField
                label=words::api_keys::QUOTA_LABEL
                value=fields.quota
                hint=words::api_keys::QUOTA_HINT
                error=task.field("/quotaPerMinute")
                optional=true
            />
            <TextField
                label=words::api_keys::LAST_DAY
                value=fields.last_day
                kind="date"
                hint=words::api_keys::LAST_DAY_HINT
                error=task.field("/expiresAt")
                optional=true
            />
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true busy=task.busy>
                    {t(words::api_keys::CREATE_SUBMIT)}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

#[component]
fn Scopes(scopes: [(Scope, RwSignal<bool>); 3], error: Signal<Option<String>>) -> AnyView {
    let boxes = scopes.map(|(scope, on)| {
        let label =
            Text::derive(move || format!("{} · {}", model::scope_name(scope).get(), model::scope_body(scope).get()));
        view! { <Checkbox value=on label /> }
    });
    view! {
        <fieldset class="field">
            <legend class="field-label">{t(words::api_keys::SCOPES)}</legend>
            {boxes.collect_view()}
            <div aria-live="polite">{live(move || error.get().map(|text| view! { <p class="field-error">{text}</p> }))}</div>
        </fieldset>
    }
    .into_any()
}

#[component]
fn ProjectField(value: RwSignal<String>, error: Signal<Option<String>>) -> AnyView {
    let projects = use_list::<Project>(|| Some("/projects?limit=200".to_owned()));
    let choices = Signal::derive(move || {
        let none = if session::manages() { words::api_keys::ALL_PROJECTS } else { words::api_keys::CHOOSE_PROJECT };
        let mut choices = vec![(String::new(), none.get().to_owned())];
        projects.data.with(|page| {
            choices.extend(page.iter().flat_map(|page| &page.data).map(|one| (one.id.to_string(), one.name.clone())));
        });
        choices
    });
    view! { <Select label=words::api_keys::PROJECT value choices hint=words::api_keys::PROJECT_HINT error /> }
        .into_any()
}

#[component]
fn EnvironmentField(value: RwSignal<String>, error: Signal<Option<String>>) -> AnyView {
    let choices = Signal::derive(|| {
        let mut choices = vec![(String::new(), words::api_keys::ENVIRONMENT_OF_PROJECT.get().to_owned())];
        choices.extend(Environment::ALL.map(|one| (one.name().to_owned(), environment_name(one).get().to_owned())));
        choices
    });
    view! {
        <Select label=words::api_keys::ENVIRONMENT value choices hint=words::api_keys::ENVIRONMENT_HINT error />
    }
    .into_any()
}
