//! What is done to a key after it is asked about, and a key's text the only time that it is seen.

use finops_contract::Page;
use finops_contract::api_keys::{ApiKey, CreatedApiKey, RotateApiKeyRequest};
use leptos::prelude::*;

use super::model::OVERLAPS;
use crate::api;
use crate::data::{Query, Task};
use crate::features::ask;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{
    Button, ButtonKind, ButtonSize, ConfirmDialog, Dialog, Form, FormActions, SecretReveal, Select, Text, toast,
};

/// A key's text, to be copied now.
pub(super) fn shown_once(key: String, lead: Text, open: RwSignal<bool>) -> AnyView {
    view! {
        <div class="stack">
            <p>{live(move || lead.get())}</p>
            <div><SecretReveal text=key note=words::api_keys::SHOWN_ONCE /></div>
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large on_press=move |_| open.set(false)>
                    {t(words::api_keys::KEPT)}
                </Button>
            </FormActions>
        </div>
    }
    .into_any()
}

/// Gives a key another text.
#[component]
pub fn RotateDialog(
    /// What is asked about.
    asked: RwSignal<Option<ApiKey>>,
    /// The list behind it.
    keys: Query<Page<ApiKey>>,
) -> AnyView {
    let open = ask::opened_by(asked);
    let title = Text::derive(move || {
        asked.with(|key| key.as_ref().map(|key| words::api_keys::rotate_of(&key.name)).unwrap_or_default())
    });
    view! {
        <Dialog open title>{live(move || asked.get_untracked().map(|key| view! { <Rotate key open keys /> }))}</Dialog>
    }
    .into_any()
}

#[component]
fn Rotate(key: ApiKey, open: RwSignal<bool>, keys: Query<Page<ApiKey>>) -> AnyView {
    let made = RwSignal::new(None::<CreatedApiKey>);
    let done = Callback::new(move |created: CreatedApiKey| {
        made.set(Some(created));
        keys.reload();
    });
    live(move || match made.get() {
        None => view! { <RotateForm id=key.id on_done=done /> }.into_any(),
        Some(created) => shown_once(created.key, words::api_keys::ROTATED.into(), open),
    })
}

#[component]
fn RotateForm(id: uuid::Uuid, on_done: Callback<CreatedApiKey>) -> AnyView {
    let hours = RwSignal::new("24".to_owned());
    let task = Task::new();
    let submit = move |()| {
        let request = RotateApiKeyRequest { overlap_hours: hours.get_untracked().parse().ok() };
        let path = format!("/api-keys/{id}/rotate");
        task.run(async move { api::post::<CreatedApiKey>(&path, &request).await }, move |created| on_done.run(created));
    };
    let choices = Signal::derive(|| OVERLAPS.map(|(hours, word)| (hours.to_string(), word.get().to_owned())).to_vec());
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <p class="muted">{t(words::api_keys::ROTATE_BODY)}</p>
            <Select
                label=words::api_keys::OVERLAP
                value=hours
                choices
                hint=words::api_keys::OVERLAP_HINT
                error=task.field("/overlapHours")
            />
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true busy=task.busy>
                    {t(words::api_keys::ROTATE_SUBMIT)}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

/// Ends a key.
#[component]
pub fn RevokeDialog(
    /// What is asked about.
    asked: RwSignal<Option<ApiKey>>,
    /// The list behind it.
    keys: Query<Page<ApiKey>>,
) -> AnyView {
    let open = ask::opened_by(asked);
    let task = Task::new();
    let confirm = Callback::new(move |()| {
        let Some(key) = asked.get_untracked() else { return };
        let path = format!("/api-keys/{}", key.id);
        task.run(async move { api::delete(&path).await }, move |()| {
            open.set(false);
            toast::done(words::api_keys::revoked(&key.name));
            keys.reload();
        });
    });
    let title = Text::derive(move || {
        asked.with(|key| key.as_ref().map(|key| words::api_keys::revoke_title(&key.name)).unwrap_or_default())
    });
    view! {
        <ConfirmDialog
            open
            title
            consequences=vec![
                words::api_keys::REVOKE_1.into(),
                words::api_keys::REVOKE_2.into(),
                words::api_keys::REVOKE_3.into(),
            ]
            confirm=words::api_keys::REVOKE
            busy=task.busy
            error=task.text()
            on_confirm=confirm
        />
    }
    .into_any()
}
