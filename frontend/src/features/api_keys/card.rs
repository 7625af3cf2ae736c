//! The list of keys.

use finops_contract::Page;
use finops_contract::api_keys::{ApiKey, ApiKeyState};
use leptos::prelude::*;

use super::dialogs::{RevokeDialog, RotateDialog};
use super::form::CreateDialog;
use super::model;
use crate::data::{self, Query, use_get};
use crate::features::moment;
use crate::features::projects::model::environment_name;
use crate::format::number::grouped;
use crate::format::time;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::session;
use crate::ui::{
    Badge, Button, ButtonKind, Card, EmptyKind, EmptyState, Fact, Facts, Glyph, Icon, LinkButton, Pager, Skeleton,
};
use crate::url::{query, use_open, use_param};

/// What the rows ask for.
#[derive(Clone, Copy)]
struct Asks {
    rotate: RwSignal<Option<ApiKey>>,
    revoke: RwSignal<Option<ApiKey>>,
}

/// The keys that the reader manages: their own, or everybody's.
#[component]
pub fn ApiKeysCard() -> AnyView {
    let cursor = use_param("cursor");
    let keys: Query<Page<ApiKey>> =
        use_get(move || Some(format!("/api-keys{}", query(&[("cursor", cursor.get().as_deref())]))));
    let asks = Asks { rotate: RwSignal::new(None), revoke: RwSignal::new(None) };
    let create = use_open("new", "api-key");
    let now = time::ticking_now();
    let next = Signal::derive(move || keys.data.with(|page| page.as_ref()?.next_cursor.clone()));
    let note = if session::manages() { words::api_keys::NOTE_ALL } else { words::api_keys::NOTE };
    let skeleton = || view! { <div class="card-body"><Skeleton shape="row" count=3 /></div> }.into_any();
    let button = move || {
        view! {
            <Button kind=ButtonKind::Primary icon=Icon::Plus on_press=move |_| create.set(true)>
                {t(words::api_keys::CREATE)}
            </Button>
        }
    };
    view! {
        <Card title=words::api_keys::TITLE note=note actions=button flush=true>
            {data::section(keys, skeleton, move |page| if page.data.is_empty() {
                nothing(create)
            } else {
                let rows = page.data.into_iter().map(|key| view! { <KeyRow key asks now /> });
                view! { <ul class="keys pad">{rows.collect_view()}</ul> }.into_any()
            })}
            <Pager next />
        </Card>
        <CreateDialog open=create keys />
        <RotateDialog asked=asks.rotate keys />
        <RevokeDialog asked=asks.revoke keys />
    }
    .into_any()
}

fn nothing(create: RwSignal<bool>) -> AnyView {
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::api_keys::EMPTY_TITLE
            body=words::api_keys::EMPTY_BODY
            actions=move || view! {
                <Button icon=Icon::Key on_press=move |_| create.set(true)>{t(words::api_keys::CREATE)}</Button>
            }
        />
    }
    .into_any()
}

#[component]
fn KeyRow(key: ApiKey, asks: Asks, now: ReadSignal<f64>) -> AnyView {
    let (tone, state) = model::state(key.state);
    let scopes = key.scopes.clone().into_iter();
    let scopes = scopes.map(|scope| view! { <Badge>{t(model::scope_name(scope))}</Badge> }).collect_view();
    let stopped = match key.state {
        ApiKeyState::Stopped => Some(view! { <p class="key-reason">{t(words::api_keys::STOPPED_BODY)}</p> }.into_any()),
        ApiKeyState::Blocked => Some(
            view! {
                <p class="key-reason">
                    {t(words::api_keys::BLOCKED_BODY)}" "
                    <a class="link" href="/blocks">{t(words::shell::BLOCKS)}</a>
                </p>
            }
            .into_any(),
        ),
        ApiKeyState::Active | ApiKeyState::Expired => None,
    };
    let (block, of_block) = (format!("/block/api_key:{}", key.id), key.name.clone());
    let (of_rotate, of_revoke) = (key.name.clone(), key.name.clone());
    let (to_rotate, to_revoke) = (key.clone(), key.clone());
    // One that has ended, or whose project is gone, gets no new text that would not work either.
    let rotates = key.state == ApiKeyState::Active;
    view! {
        <li class="key" data-off=(!rotates).then_some("")>
            <span class="key-icon"><Glyph icon=Icon::Key /></span>
            <div class="key-head">
                <span class="strong">{key.name.clone()}</span>
                <code class="masked">{key.masked.clone()}</code>
                <Badge tone dot=true>{t(state)}</Badge>
                {scopes}
            </div>
            <div class="key-actions">
                {rotates.then(|| view! {
                    <Button icon=Icon::Retry on_press=move |_| asks.rotate.set(Some(to_rotate.clone()))>
                        <span aria-hidden="true">{t(words::api_keys::ROTATE)}</span>
                        <span class="sr-only">{live(move || words::api_keys::rotate_of(&of_rotate))}</span>
                    </Button>
                })}
                {rotates.then(|| view! {
                    <LinkButton href=block icon=Icon::Stop>
                        <span aria-hidden="true">{t(words::shell::BLOCKS)}</span>
                        <span class="sr-only">{live(move || words::api_keys::block_of(&of_block))}</span>
                    </LinkButton>
                })}
                <Button icon=Icon::Trash on_press=move |_| asks.revoke.set(Some(to_revoke.clone()))>
                    <span aria-hidden="true">{t(words::api_keys::REVOKE_SHORT)}</span>
                    <span class="sr-only">{live(move || words::api_keys::revoke_of(&of_revoke))}</span>
                </Button>
            </div>
            <div class="key-body">{stopped}{facts(&key, now)}</div>
        </li>
    }
    .into_any()
}

fn facts(key: &ApiKey, now: ReadSignal<f64>) -> AnyView {
    let project = match (&key.project_name, key.project_id) {
        (Some(name), _) => name.clone().into_any(),
        (None, Some(id)) => view! { <code>{id.to_string()}</code> }.into_any(),
        (None, None) => t(words::api_keys::ALL_PROJECTS).into_any(),
    };
    let environment = key.environment.map_or(words::api_keys::ENVIRONMENT_OF_PROJECT, environment_name);
    let quota = key.quota_per_minute;
    let quota = move || match quota {
        Some(quota) => words::api_keys::quota_of(&grouped(&quota.to_string())),
        None => words::api_keys::NO_QUOTA.get().to_owned(),
    };
    let (used, expires, created) = (key.last_used_at, key.expires_at, key.created_at);
    let overlap_until = key.overlap_until;
    let mine = session::me().is_some_and(|me| me.id == key.created_by.id);
    let maker = (!mine).then(|| key.created_by.name.clone());
    view! {
        <Facts>
            <Fact label=words::api_keys::PROJECT>{project}</Fact>
            <Fact label=words::api_keys::ENVIRONMENT>{t(environment)}</Fact>
            <Fact label=words::api_keys::QUOTA>{live(quota)}</Fact>
            <Fact label=words::api_keys::LAST_USED>{moment::ago(used, now, words::api_keys::NEVER)}</Fact>
            <Fact label=words::api_keys::EXPIRES>{moment::at(expires, words::api_keys::NO_EXPIRY)}</Fact>
            <Fact label=words::api_keys::CREATED_AT>{moment::at(Some(created), words::api_keys::NEVER)}</Fact>
            {overlap_until.map(|at| view! {
                <Fact label=words::api_keys::OVERLAP_UNTIL>{moment::at(Some(at), words::api_keys::NEVER)}</Fact>
            })}
            {maker.map(|name| view! { <Fact label=words::api_keys::MADE_BY>{name}</Fact> })}
        </Facts>
    }
    .into_any()
}
