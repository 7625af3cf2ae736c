//! The key that the snippets hold: made here, shown this once.

use finops_contract::Page;
use finops_contract::api_keys::{CreateApiKeyRequest, CreatedApiKey, Scope};
use finops_contract::projects::Project;
use leptos::prelude::*;
use uuid::Uuid;

use crate::api;
use crate::data::{Query, Task};
use crate::i18n::{t, words};
use crate::reactive::{effect, live, memo};
use crate::session;
use crate::ui::{Button, ButtonKind, Card, Form, FormActions, Icon, SecretReveal, Select, toast};

/// A key that was made here: its id and its text.
pub(super) type Key = (Uuid, String);

/// Chooses the project (by its id; empty for the whole organization) and makes a key for it.
pub(super) fn key_card(
    projects: Query<Page<Project>>,
    project: RwSignal<String>,
    key: RwSignal<Option<Key>>,
) -> AnyView {
    let task = Task::new();
    let choices = Signal::derive(move || {
        // Only who manages the organization may make a key for all of it.
        let all = session::manages().then(|| (String::new(), words::integration::WHOLE_ORGANIZATION.get().to_owned()));
        let name = |project: &Project| (project.id.to_string(), format!("{} · {}", project.name, project.team_name));
        projects.data.with(|page| all.into_iter().chain(page.iter().flat_map(|page| &page.data).map(name)).collect())
    });
    effect(move |_| {
        if projects.data.with(Option::is_none) {
            return;
        }
        // A choice that is not offered: the first that is.
        let first = choices.with(|choices: &Vec<(String, String)>| {
            let chosen = project.get_untracked();
            let offered = choices.iter().any(|(id, _)| *id == chosen);
            choices.first().filter(|_| !offered).map(|(id, _)| id.clone())
        });
        if let Some(first) = first {
            project.set(first);
        }
    });
    let none = memo(move |_| projects.data.with(Option::is_some) && choices.with(Vec::is_empty));
    let make = move |()| {
        let request = CreateApiKeyRequest {
            name: words::integration::KEY_NAME.get_untracked().to_owned(),
            scopes: vec![Scope::Ingest, Scope::Guard],
            project_id: project.with_untracked(|id| id.parse().ok()),
            environment: None,
            quota_per_minute: None,
            expires_at: None,
        };
        task.run(async move { api::post::<CreatedApiKey>("/api-keys", &request).await }, move |made| {
            key.set(Some((made.api_key.id, made.key)));
            toast::done(words::integration::KEY_MADE.get_untracked());
        });
    };
    // A key that is bound to one project cannot report for another.
    effect(move |before: Option<String>| {
        let now = project.get();
        if before.is_some_and(|before| before != now) {
            key.set(None);
        }
        now
    });
    let text = Signal::derive(move || key.get().map(|(_, text)| text).unwrap_or_default());
    let made = memo(move |_| key.with(Option::is_some));
    view! {
        <Card title=words::integration::KEY_TITLE note=words::integration::KEY_NOTE>
            {live(move || if none.get() {
                view! { <p class="muted">{t(words::integration::NO_PROJECT)}</p> }.into_any()
            } else {
                view! {
                    <Form on_submit=make error=task.text() failures=task.failures>
                        <Select label=words::explore::PROJECT value=project choices hint=words::integration::PROJECT_HINT />
                        {live(move || made.get().then(|| view! { <div><SecretReveal text /></div> }))}
                        <FormActions>
                            {live(move || {
                                let (kind, word) = if made.get() {
                                    (ButtonKind::Secondary, words::integration::MAKE_ANOTHER)
                                } else {
                                    (ButtonKind::Primary, words::integration::MAKE_KEY)
                                };
                                view! { <Button kind icon=Icon::Key submit=true busy=task.busy>{t(word)}</Button> }
                            })}
                        </FormActions>
                    </Form>
                }
                .into_any()
            })}
        </Card>
    }
    .into_any()
}
