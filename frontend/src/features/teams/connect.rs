//! Gives a project of ours the Project ID that its costs have at OpenAI.

use finops_contract::Page;
use finops_contract::projects::{
    CreateProjectRequest, Environment, Project, ProviderProject, RegisteredProjectId, SetOpenaiProjectIdRequest,
};
use leptos::prelude::*;
use uuid::Uuid;

use super::model;
use super::page::TeamView;
use crate::api::{self, ApiError, client};
use crate::data::{Query, Task, use_get};
use crate::i18n::{t, words};
use crate::reactive::{effect, live, memo};
use crate::ui::{
    Banner, Button, ButtonKind, ButtonSize, Choice, Dialog, Form, FormActions, SegmentedControl, Select, TextField,
    Tone, toast,
};
use crate::url::{use_param, use_set_params};

/// In place of a Project ID: it is typed in.
const TYPED: &str = "typed";
/// In the URL, in place of a Project ID: it is chosen in the dialog.
pub(super) const ANY: &str = "any";

/// The dialog, opened by `?connect=proj_…`, or by `?connect=any`.
#[component]
pub fn ConnectDialog(
    /// The team.
    view: TeamView,
) -> AnyView {
    let param = use_param("connect");
    let set = use_set_params();
    let open = RwSignal::new(false);
    effect(move |_| open.set(param.with(Option::is_some)));
    effect(move |before: Option<bool>| {
        let now = open.get();
        if before == Some(true) && !now && param.with_untracked(Option::is_some) {
            set(&[("connect", None)], true);
        }
        now
    });
    let done = Callback::new(move |_: Project| {
        open.set(false);
        view.projects.reload();
        view.team.reload();
        view.collection.reload();
    });
    view! {
        <Dialog open title=words::teams::CONNECT_TITLE>
            {live(move || {
                let fixed = param.get_untracked().filter(|id| id != ANY);
                view! { <ConnectForm team=view.id projects=view.projects fixed on_done=done /> }
            })}
        </Dialog>
    }
    .into_any()
}

/// What the form holds.
#[derive(Clone, Copy)]
struct Fields {
    /// A Project ID that the team's key can see, or [`TYPED`].
    chosen: RwSignal<String>,
    typed: RwSignal<String>,
    existing: RwSignal<bool>,
    project: RwSignal<String>,
    name: RwSignal<String>,
    environment: RwSignal<String>,
    // Made by an attempt whose second half failed: the next attempt must not make another.
    made: RwSignal<Option<Uuid>>,
}

impl Fields {
    fn new() -> Fields {
        let text = || RwSignal::new(String::new());
        let environment = RwSignal::new(Environment::Production.name().to_owned());
        let (existing, made) = (RwSignal::new(false), RwSignal::new(None));
        Fields { chosen: text(), typed: text(), existing, project: text(), name: text(), environment, made }
    }

    fn project_id(self) -> String {
        let chosen = self.chosen.get_untracked();
        if chosen == TYPED { self.typed.get_untracked().trim().to_owned() } else { chosen }
    }

    /// What is missing or wrong, before anything is sent.
    fn wrong(self) -> Vec<(&'static str, &'static str)> {
        let mut wrong = Vec::new();
        let id = self.project_id();
        if id.is_empty() {
            wrong.push(("/openaiProjectId", "required"));
        } else if !model::looks_like_project_id(&id) {
            wrong.push(("/openaiProjectId", "format"));
        }
        let lacks = |value: RwSignal<String>| value.with_untracked(|value| value.trim().is_empty());
        if self.existing.get_untracked() && lacks(self.project) {
            wrong.push(("/projectId", "required"));
        } else if !self.existing.get_untracked() && lacks(self.name) {
            wrong.push(("/name", "required"));
        }
        wrong
    }

    /// Makes the project if need be, then gives it the Project ID.
    async fn send(self, team: Uuid) -> Result<RegisteredProjectId, ApiError> {
        let openai_project_id = self.project_id();
        let id = match (self.existing.get_untracked(), self.made.get_untracked()) {
            (true, _) => self.project.get_untracked(),
            (false, Some(made)) => made.to_string(),
            (false, None) => {
                let environment = self.environment.with_untracked(|name| Environment::from_name(name));
                let request = CreateProjectRequest {
                    team_id: team,
                    name: self.name.get_untracked().trim().to_owned(),
                    description: None,
                    environment: environment.unwrap_or(Environment::Production),
                };
                let made: Project = api::post("/projects", &request).await?;
                self.made.try_set(Some(made.id));
                made.id.to_string()
            }
        };
        let request = SetOpenaiProjectIdRequest { openai_project_id };
        client::read(&api::put(&format!("/projects/{id}/openai-project-id"), Some(&request)).await?)
    }
}

/// Connects a Project ID to a new or an existing project of a team.
#[component]
pub fn ConnectForm(
    /// The team.
    team: Uuid,
    /// Its projects.
    projects: Query<Page<Project>>,
    /// The Project ID, if it is not chosen here.
    fixed: Option<String>,
    /// Called with the project.
    on_done: Callback<Project>,
) -> AnyView {
    let fields = Fields::new();
    let task = Task::new();
    let visible = use_get::<Page<ProviderProject>>(move || Some(format!("/teams/{team}/provider-projects")));
    if let Some(id) = fixed.clone() {
        fields.chosen.set(TYPED.to_owned());
        fields.typed.set(id);
    }
    suggest_name(fields, visible);
    let submit = move |()| {
        if task.refuse(&fields.wrong()) {
            return;
        }
        task.run(fields.send(team), move |answer| {
            toast::done(answer.message);
            on_done.run(answer.project);
        });
    };
    let half_done = move || fields.made.get().is_some() && task.error.with(Option::is_some);
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            {live(move || half_done().then(|| view! { <Banner tone=Tone::Info>{t(words::teams::CONNECT_MADE)}</Banner> }))}
            {match fixed {
                Some(id) => view! { <p class="muted">{live(move || words::teams::connect_body(&id))}</p> }.into_any(),
                None => view! { <ProjectIdField fields task visible /> }.into_any(),
            }}
            <ProjectFields fields task projects />
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true busy=task.busy>
                    {t(words::teams::CONNECT_SUBMIT)}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

/// Names the new project as OpenAI does, until somebody types another name.
fn suggest_name(fields: Fields, visible: Query<Page<ProviderProject>>) {
    effect(move |suggested: Option<String>| {
        let id = fields.chosen.get();
        let id = if id == TYPED { fields.typed.get() } else { id };
        let known = visible.data.with(|page| {
            page.as_ref()?.data.iter().find(|project| project.id == id).map(|project| project.name.clone())
        });
        let Some(name) = known else { return suggested.unwrap_or_default() };
        let untouched = fields.name.with_untracked(|now| now.is_empty() || Some(now) == suggested.as_ref());
        if untouched {
            fields.name.set(name.clone());
        }
        name
    });
}

/// One of the projects that the team's key can see, or a Project ID that is typed in.
#[component]
fn ProjectIdField(fields: Fields, task: Task, visible: Query<Page<ProviderProject>>) -> AnyView {
    let free = move || {
        visible.data.with(|page| {
            let page = page.as_ref()?;
            let free = model::connectable(&page.data);
            Some(free.iter().map(|p| (p.id.clone(), format!("{} · {}", p.name, p.id))).collect::<Vec<_>>())
        })
    };
    let choices = Signal::derive(move || {
        let mut choices = vec![(String::new(), words::teams::PROVIDER_PROJECT_CHOOSE.get().to_owned())];
        choices.extend(free().unwrap_or_default());
        choices.push((TYPED.to_owned(), words::teams::PROVIDER_PROJECT_TYPED.get().to_owned()));
        choices
    });
    // Without a list there is nothing to choose from.
    effect(move |_| {
        let nothing = free().is_some_and(|free| free.is_empty());
        if nothing || visible.error.with(Option::is_some) {
            fields.chosen.set(TYPED.to_owned());
        }
    });
    let error = task.field("/openaiProjectId");
    let at_list = Signal::derive(move || if fields.chosen.with(|c| c == TYPED) { None } else { error.get() });
    let typed = memo(move |_| fields.chosen.with(|chosen| chosen == TYPED));
    view! {
        <Select label=words::teams::PROVIDER_PROJECT value=fields.chosen choices error=at_list />
        {live(move || typed.get().then(|| view! {
            <TextField
                label=words::teams::PROJECT_ID
                value=fields.typed
                placeholder="proj_…"
                mono=true
                hint=words::teams::PROJECT_ID_HINT
                error
            />
        }))}
    }
    .into_any()
}

/// The project of ours: a new one, or one that has no Project ID yet.
#[component]
fn ProjectFields(fields: Fields, task: Task, projects: Query<Page<Project>>) -> AnyView {
    let existing = Signal::derive(move || {
        let mut choices = vec![(String::new(), words::teams::PROVIDER_PROJECT_CHOOSE.get().to_owned())];
        projects.data.with(|page| {
            let free = page.iter().flat_map(|page| model::unconnected(&page.data));
            choices.extend(free.map(|project| (project.id.to_string(), project.name.clone())));
        });
        choices
    });
    let environments = Signal::derive(|| {
        Environment::ALL.map(|e| (e.name().to_owned(), model::environment(e).get().to_owned())).to_vec()
    });
    let ways =
        vec![Choice::new("new", words::teams::CONNECT_NEW), Choice::new("existing", words::teams::CONNECT_EXISTING)];
    let way = Signal::derive(move || if fields.existing.get() { "existing" } else { "new" }.to_owned());
    let none_free = move || existing.with(|choices| choices.len() == 1);
    view! {
        <div>
            <SegmentedControl
                label=words::teams::CONNECT_HOW
                choices=ways
                value=way
                on_change=move |way| fields.existing.set(way == "existing")
            />
        </div>
        {live(move || match fields.existing.get() {
            true if none_free() => view! { <p class="muted">{t(words::teams::CONNECT_NONE_FREE)}</p> }.into_any(),
            true => view! {
                <Select
                    label=words::teams::CONNECT_WHICH
                    value=fields.project
                    choices=existing
                    error=task.field("/projectId")
                />
            }
            .into_any(),
            false => view! {
                <div class="grid">
                    <TextField label=words::teams::PROJECT_NAME value=fields.name error=task.field("/name") />
                    <Select label=words::teams::ENVIRONMENT value=fields.environment choices=environments />
                </div>
            }
            .into_any(),
        })}
    }
    .into_any()
}
