//! The services with the keys that are stored.

use finops_contract::Page;
use finops_contract::provider_keys::{KeyService, ProviderKey};
use leptos::prelude::*;

use super::form::StoreDialog;
use super::model;
use crate::api;
use crate::data::{self, Query, Task, use_get};
use crate::features::explore::wording::provider_name;
use crate::features::{ask, moment};
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Button, Card, ConfirmDialog, Fact, Facts, Glyph, Icon, Skeleton, Text, toast};

/// What the rows ask for.
#[derive(Clone, Copy)]
struct Asks {
    store: RwSignal<Option<KeyService>>,
    remove: RwSignal<Option<ProviderKey>>,
}

/// One's own keys.
#[component]
pub fn ProviderKeysCard() -> AnyView {
    let keys = use_get::<Page<ProviderKey>>(|| Some("/user/api-keys".to_owned()));
    let asks = Asks { store: RwSignal::new(None), remove: RwSignal::new(None) };
    let skeleton = || view! { <Skeleton shape="row" count=4 /> }.into_any();
    view! {
        <Card title=words::provider_keys::TITLE note=words::provider_keys::NOTE>
            {data::section(keys, skeleton, move |page| {
                let rows = model::by_service(&page.data).map(|(service, key)| view! { <ServiceRow service key asks /> });
                view! { <ul class="keys">{rows.collect_view()}</ul> }.into_any()
            })}
        </Card>
        <StoreDialog asked=asks.store keys />
        <RemoveDialog asked=asks.remove keys />
    }
    .into_any()
}

#[component]
fn ServiceRow(service: KeyService, key: Option<ProviderKey>, asks: Asks) -> AnyView {
    let name = provider_name(service.name()).to_owned();
    let Some(key) = key else {
        let label = name.clone();
        return view! {
            <li class="key" data-off="">
                <span class="key-icon"><Glyph icon=Icon::Key /></span>
                <div class="key-head"><span class="strong">{name}</span><span class="muted small">{t(words::provider_keys::NONE)}</span></div>
                <div class="key-actions">
                    <Button icon=Icon::Plus on_press=move |_| asks.store.set(Some(service))>
                        {t(words::provider_keys::ADD)}<span class="sr-only">" "{label}</span>
                    </Button>
                </div>
            </li>
        }
        .into_any();
    };
    let (of_replace, of_remove, to_remove) = (name.clone(), name.clone(), key.clone());
    view! {
        <li class="key">
            <span class="key-icon"><Glyph icon=Icon::Key /></span>
            <div class="key-head"><span class="strong">{name}</span><code class="masked">{key.masked.clone()}</code></div>
            <div class="key-actions">
                <Button icon=Icon::Retry on_press=move |_| asks.store.set(Some(service))>
                    <span aria-hidden="true">{t(words::provider_keys::REPLACE)}</span>
                    <span class="sr-only">{live(move || words::provider_keys::replace_of(&of_replace))}</span>
                </Button>
                <Button icon=Icon::Trash on_press=move |_| asks.remove.set(Some(to_remove.clone()))>
                    <span aria-hidden="true">{t(words::provider_keys::REMOVE_SHORT)}</span>
                    <span class="sr-only">{live(move || words::provider_keys::remove_of(&of_remove))}</span>
                </Button>
            </div>
            <div class="key-body">
                <Facts>
                    <Fact label=words::provider_keys::CREATED>{moment::at(Some(key.created_at), words::common::NONE)}</Fact>
                    {key.replaced_at.map(|at| view! {
                        <Fact label=words::provider_keys::REPLACED>{moment::at(Some(at), words::common::NONE)}</Fact>
                    })}
                </Facts>
            </div>
        </li>
    }
    .into_any()
}

#[component]
fn RemoveDialog(asked: RwSignal<Option<ProviderKey>>, keys: Query<Page<ProviderKey>>) -> AnyView {
    let open = ask::opened_by(asked);
    let task = Task::new();
    let confirm = Callback::new(move |()| {
        let Some(key) = asked.get_untracked() else { return };
        let path = format!("/user/api-keys/{}", key.service.name());
        task.run(async move { api::delete(&path).await }, move |()| {
            open.set(false);
            toast::done(words::provider_keys::removed(&provider_name(key.service.name())));
            keys.reload();
        });
    });
    let title = Text::derive(move || {
        asked
            .with(|key| {
                let key = key.as_ref()?;
                Some(words::provider_keys::remove_title(&key.masked, &provider_name(key.service.name())))
            })
            .unwrap_or_default()
    });
    view! {
        <ConfirmDialog
            open
            title
            consequences=vec![words::provider_keys::REMOVE_1.into(), words::provider_keys::REMOVE_2.into()]
            confirm=words::provider_keys::REMOVE
            busy=task.busy
            error=task.text()
            on_confirm=confirm
        />
    }
    .into_any()
}
