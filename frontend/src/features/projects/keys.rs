//! The Project ID by which a project's costs are found on the bill, and the API keys that cause them.

use finops_contract::ErrorCode;
use finops_contract::collector::{CollectionStatus, TeamCollection};
use finops_contract::costs::CostsAnswer;
use finops_contract::projects::{Project, RegisteredProjectId, SetOpenaiProjectIdRequest};
use leptos::prelude::*;

use super::form::form_error;
use super::model::is_project_id;
use super::picker::Picker;
use crate::api::{self, ApiError, client};
use crate::data::{Query, Task, section, use_get};
use crate::features::explore::model::{currency, groups};
use crate::features::explore::wording::part_name;
use crate::format::time::{self, Show};
use crate::i18n::{error_text, t, words};
use crate::period::use_period;
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{
    Badge, Banner, Button, ButtonKind, ButtonSize, Card, Column, ConfirmDialog, CopyButton, EmptyKind, EmptyState,
    Fact, Facts, Form, FormActions, LinkButton, Money, Row, Skeleton, Table, Text, TextField, Tone, toast,
};

/// Errors that are about what was typed, and are shown beside it.
const INLINE: &[ErrorCode] = &[
    ErrorCode::OpenaiProjectIdInvalid,
    ErrorCode::OpenaiProjectIdTaken,
    ErrorCode::OpenaiProjectIdUnreachable,
    ErrorCode::AdminKeyMissing,
];

/// The tab.
#[component]
pub fn KeysTab(
    /// The project.
    project: Query<Project>,
    /// What the service said to the last registration.
    registered: RwSignal<Option<String>>,
) -> AnyView {
    let changing = RwSignal::new(false);
    let current = memo(move |_| project.data.with(|p| p.as_ref().and_then(|p| p.openai_project_id.clone())));
    let team = memo(move |_| project.data.with(|p| p.as_ref().map(|p| p.team_id)));
    let content = move || match (current.get(), changing.get()) {
        (Some(id), false) => view! { <Registered id project changing registered /> }.into_any(),
        _ if session::manages() => view! { <ProjectIdForm project changing registered /> }.into_any(),
        _ => view! { <EmptyState kind=EmptyKind::Forbidden title=words::projects::NOT_REGISTERED_YET /> }.into_any(),
    };
    view! {
        <div class="sections">
            <Card title=words::projects::PROJECT_ID_TITLE note=words::projects::PROJECT_ID_NOTE>
                <div class="stack">
                    <div aria-live="polite">
                        {live(move || registered.get().map(|text| view! { <Banner tone=Tone::Success>{text}</Banner> }))}
                    </div>
                    {live(content)}
                </div>
            </Card>
            {live(move || (current.get().is_some()).then(|| team.get()).flatten().map(|team| view! { <Collection team /> }))}
            <ApiKeys project />
        </div>
    }
    .into_any()
}

/// The Project ID that is registered, with the ways to change it.
#[component]
fn Registered(
    id: String,
    project: Query<Project>,
    changing: RwSignal<bool>,
    registered: RwSignal<Option<String>>,
) -> AnyView {
    let asking = RwSignal::new(false);
    let task = Task::new();
    let since = project.data.with_untracked(|p| p.as_ref().and_then(|p| p.openai_project_id_since));
    let remove = Callback::new(move |()| {
        let Some(path) = path(project) else { return };
        task.run(async move { api::delete(&path).await }, move |()| {
            asking.set(false);
            registered.set(None);
            toast::done(words::projects::REMOVED.get_untracked());
            project.data.update(|project| {
                if let Some(project) = project {
                    project.openai_project_id = None;
                    project.openai_project_id_since = None;
                }
            });
        });
    });
    let since = since.map(|at| {
        let at = at.to_rfc3339();
        view! { <Fact label=words::projects::SINCE>{live(move || time::instant(&at, &session::time_zone(), Show::Minute))}</Fact> }
    });
    let manages = session::manages();
    view! {
        <Facts>
            <Fact label=words::projects::PROJECT_ID>
                <span class="row" data-gap="4"><code>{id.clone()}</code><CopyButton text=Text::stored(id) size=ButtonSize::Small /></span>
            </Fact>
            {since}
        </Facts>
        {manages.then(|| view! {
            <div class="row">
                <Button on_press=move |_| { registered.set(None); changing.set(true); }>{t(words::projects::CHANGE_ID)}</Button>
                <Button kind=ButtonKind::Ghost on_press=move |_| asking.set(true)>{t(words::projects::REMOVE_ID)}</Button>
            </div>
            <ConfirmDialog
                open=asking
                title=words::projects::REMOVE_ID_ASK
                consequences=vec![
                    words::projects::REMOVE_ID_STOPS.into(),
                    words::projects::REMOVE_ID_UNATTRIBUTED.into(),
                    words::projects::REMOVE_ID_KEEPS.into(),
                ]
                confirm=words::projects::REMOVE_ID
                busy=task.busy
                error=task.text()
                on_confirm=remove
            />
        })}
    }
    .into_any()
}

fn path(project: Query<Project>) -> Option<String> {
    let id = project.data.with_untracked(|project| project.as_ref().map(|project| project.id))?;
    Some(format!("/projects/{id}/openai-project-id"))
}

/// Registers a Project ID: typed in, or picked from those that the team's admin key can see.
#[component]
fn ProjectIdForm(project: Query<Project>, changing: RwSignal<bool>, registered: RwSignal<Option<String>>) -> AnyView {
    let known = project.data.with_untracked(|p| p.as_ref().and_then(|p| p.openai_project_id.clone()));
    let team = project.data.with_untracked(|p| p.as_ref().map(|p| p.team_id));
    let is_change = known.is_some();
    let value = RwSignal::new(known.unwrap_or_default());
    let task = Task::new();
    let submit = move |()| {
        let text = value.get_untracked().trim().to_owned();
        if text.is_empty() {
            task.refuse(&[("/openaiProjectId", "required")]);
            return;
        }
        if !is_project_id(&text) {
            // As the service would say.
            let code = ErrorCode::OpenaiProjectIdInvalid;
            task.error.set(Some(ApiError { code: Some(code), ..ApiError::unreadable(code.status()) }));
            task.failures.update(|failures| *failures += 1);
            return;
        }
        let Some(path) = path(project) else { return };
        let request = SetOpenaiProjectIdRequest { openai_project_id: text };
        let work = async move { client::read::<RegisteredProjectId>(&api::put(&path, Some(&request)).await?) };
        task.run(work, move |answer| {
            registered.set(Some(answer.message));
            changing.set(false);
            project.data.set(Some(answer.project));
        });
    };
    let field = task.field("/openaiProjectId");
    let error = Signal::derive(move || {
        let code = task.error.with(|error| error.as_ref().and_then(|error| error.code));
        match code.filter(|code| INLINE.contains(code)) {
            Some(ErrorCode::AdminKeyMissing) => None,
            Some(ErrorCode::OpenaiProjectIdUnreachable) => Some(format!(
                "{} {}",
                error_text(ErrorCode::OpenaiProjectIdUnreachable),
                words::projects::UNREACHABLE_HINT.get()
            )),
            Some(code) => Some(error_text(code).to_owned()),
            None => field.get(),
        }
    });
    let no_key = memo(move |_| task.error.with(|e| e.as_ref().is_some_and(|e| e.is(ErrorCode::AdminKeyMissing))));
    view! {
        <Form on_submit=submit error=form_error(task, INLINE) failures=task.failures>
            <div aria-live="assertive">{live(move || no_key.get().then(|| admin_key_missing(team)))}</div>
            <TextField
                label=words::projects::PROJECT_ID
                value
                name="openai-project-id"
                mono=true
                placeholder="proj_abc123"
                hint=words::projects::PROJECT_ID_HINT
                error
            />
            <FormActions>
                {is_change.then(|| view! {
                    <Button on_press=move |_| changing.set(false)>{t(words::common::CANCEL)}</Button>
                })}
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::projects::REGISTER)}</Button>
            </FormActions>
            {live(move || task.busy.get().then(|| view! { <p class="field-hint" role="status">{t(words::projects::CHECKING)}</p> }))}
        </Form>
        {team.map(|team| view! { <Picker team value /> })}
    }
    .into_any()
}

/// Nothing can be registered before the team has a key; says so and leads there.
pub(super) fn admin_key_missing(team: Option<uuid::Uuid>) -> AnyView {
    let href = team.map_or_else(|| "/teams".to_owned(), |team| format!("/teams/{team}"));
    view! {
        <Banner
            tone=Tone::Warning
            actions=move || view! { <LinkButton href>{t(words::home::DO_KEY)}</LinkButton> }
        >
            {live(move || error_text(ErrorCode::AdminKeyMissing))}
        </Banner>
    }
    .into_any()
}

/// Whether the team's bill comes in.
#[component]
fn Collection(team: uuid::Uuid) -> AnyView {
    let collection = use_get::<TeamCollection>(move || Some(format!("/teams/{team}/collection")));
    let skeleton = || view! { <Skeleton count=3 /> }.into_any();
    // Who belongs to the project alone does not see its team.
    let hidden = memo(move |_| collection.error.with(|error| error.as_ref().is_some_and(|e| e.status == 404)));
    live(move || {
        (!hidden.get()).then(|| {
            view! {
                <Card
                    title=words::projects::COLLECTION
                    actions=move || view! {
                        <LinkButton href=format!("/teams/{team}")>{t(words::projects::TO_TEAM)}</LinkButton>
                    }
                >
                    {section(collection, skeleton, collection_facts)}
                </Card>
            }
        })
    })
}

fn collection_facts(collection: TeamCollection) -> AnyView {
    let (tone, word) = match collection.status {
        CollectionStatus::NotConfigured => (Tone::Warning, words::projects::STATUS_NOT_CONFIGURED),
        CollectionStatus::NeverRun => (Tone::Info, words::projects::STATUS_NEVER_RUN),
        CollectionStatus::Queued => (Tone::Info, words::projects::STATUS_QUEUED),
        CollectionStatus::Running => (Tone::Info, words::projects::STATUS_RUNNING),
        CollectionStatus::Healthy => (Tone::Success, words::projects::STATUS_HEALTHY),
        CollectionStatus::Failed => (Tone::Danger, words::projects::STATUS_FAILED),
    };
    let at = |at: chrono::DateTime<chrono::Utc>| {
        let at = at.to_rfc3339();
        move || time::instant(&at, &session::time_zone(), Show::Minute)
    };
    let last = match collection.last_success_at {
        Some(last) => at(last).into_any(),
        None => t(words::common::NONE).into_any(),
    };
    view! {
        <Facts>
            <Fact label=words::projects::STATUS><Badge tone dot=true>{t(word)}</Badge></Fact>
            <Fact label=words::projects::LAST_SUCCESS>{last}</Fact>
            <Fact label=words::projects::NEXT_RUN>{at(collection.next_run_at)}</Fact>
        </Facts>
        {collection.last_error.map(|error| view! { <p class="danger">{error.message}</p> })}
    }
    .into_any()
}

/// The provider's API keys that cost something in the period.
#[component]
fn ApiKeys(project: Query<Project>) -> AnyView {
    let period = use_period();
    let id = memo(move |_| project.data.with(|project| project.as_ref().map(|project| project.id)));
    let answer = use_get::<CostsAnswer>(move || {
        Some(format!("/costs/query?{}&projectId={}&groupBy=apiKey&limit=200", period.get().query(), id.get()?))
    });
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=3 /></div> }.into_any();
    view! {
        <Card title=words::projects::API_KEYS note=words::projects::API_KEYS_NOTE flush=true>
            {section(answer, skeleton, api_keys)}
        </Card>
    }
    .into_any()
}

fn api_keys(answer: CostsAnswer) -> AnyView {
    if answer.data.is_empty() {
        return view! { <EmptyState kind=EmptyKind::NoData body=words::projects::NO_COST_YET /> }.into_any();
    }
    let columns = vec![Column::text(words::explore::API_KEY), Column::number(words::explore::COST)];
    let rows = Callback::new(move |()| {
        let own = session::me().map_or_else(|| "USD".to_owned(), |me| me.organization.currency);
        let currency = currency(&answer.totals, None, &own);
        let row = |group: crate::features::explore::model::Group| {
            let name = group.parts.first().map(part_name).unwrap_or_default();
            Row {
                linked: false,
                cells: vec![
                    view! { <code>{name}</code> }.into_any(),
                    view! { <Money amount=group.cost.to_string() currency=currency.clone() /> }.into_any(),
                ],
            }
        };
        groups(&answer.data, &currency).into_iter().map(row).collect::<Vec<_>>()
    });
    view! { <Table label=Text::from(words::projects::API_KEYS) columns rows /> }.into_any()
}
