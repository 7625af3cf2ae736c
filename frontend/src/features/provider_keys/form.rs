//! Storing a key, in place of the one before.

use finops_contract::provider_keys::{KeyService, ProviderKey, StoreProviderKeyRequest};
use finops_contract::{ErrorCode, Page};
use leptos::prelude::*;

use super::model;
use crate::api::{self, ApiError};
use crate::data::{Query, Task};
use crate::features::ask;
use crate::features::explore::wording::provider_name;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Button, ButtonKind, ButtonSize, Dialog, Form, FormActions, PasswordField, Text, toast};

/// The dialog.
#[component]
pub fn StoreDialog(
    /// What is asked about.
    asked: RwSignal<Option<KeyService>>,
    /// The list behind it.
    keys: Query<Page<ProviderKey>>,
) -> AnyView {
    let open = ask::opened_by(asked);
    let title = Text::derive(move || {
        asked.with(|service| {
            service.map(|service| words::provider_keys::key_of(&provider_name(service.name()))).unwrap_or_default()
        })
    });
    view! {
        <Dialog open title>
            {live(move || asked.get_untracked().map(|service| view! { <StoreForm service open keys /> }))}
        </Dialog>
    }
    .into_any()
}

#[component]
fn StoreForm(service: KeyService, open: RwSignal<bool>, keys: Query<Page<ProviderKey>>) -> AnyView {
    let value = RwSignal::new(String::new());
    let task = Task::new();
    let submit = move |()| {
        let key = value.get_untracked().trim().to_owned();
        if key.is_empty() {
            task.refuse(&[("/key", "required")]);
            return;
        }
        let request = StoreProviderKeyRequest { service, key };
        task.run(async move { api::post::<ProviderKey>("/user/api-keys", &request).await }, move |stored| {
            open.set(false);
            toast::done(words::provider_keys::stored(&stored.last4, &provider_name(service.name())));
            keys.reload();
        });
    };
    // What is wrong with the key is said beside it.
    let is_key = move |error: &ApiError| error.is(ErrorCode::ProviderKeyInvalid);
    let error =
        Signal::derive(move || task.error.with(|error| error.as_ref().filter(|e| !is_key(e)).map(ApiError::text)));
    let of_field = task.field("/key");
    let of_key = Signal::derive(move || {
        task.error.with(|error| error.as_ref().filter(|e| is_key(e)).map(ApiError::text)).or_else(|| of_field.get())
    });
    view! {
        <Form on_submit=submit error failures=task.failures>
            <PasswordField
                label=words::provider_keys::KEY
                value
                name="provider-key"
                autocomplete="off"
                placeholder=model::example(service)
                hint=model::hint(service)
                error=of_key
                mono=true
                autofocus=true
            />
            <p class="field-hint">{t(words::provider_keys::ENCRYPTED)}</p>
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true busy=task.busy>
                    {t(words::common::SAVE)}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}
