//! A team's admin keys, and what can be done with them.

use finops_contract::admin_keys::{AdminKey, Provider, RegisteredAdminKey, Verification};
use leptos::prelude::*;

use super::form::KeyForm;
use super::model;
use super::page::TeamView;
use crate::api;
use crate::data::{self, Task};
use crate::features::{ask, moment};
use crate::format::time;
use crate::i18n::{Word, t, words};
use crate::reactive::{effect, live, memo};
use crate::session;
use crate::ui::{
    Badge, Button, ButtonKind, Card, ConfirmDialog, Dialog, EmptyKind, EmptyState, Fact, Facts, Glyph, Icon, Menu,
    MenuItem, MenuLine, MenuLink, Skeleton, Text, Tone, toast,
};

/// What is asked about before it is done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Deactivate,
    Activate,
    Delete,
}

impl Act {
    fn question(self, key: &str) -> String {
        match self {
            Act::Deactivate => words::teams::deactivate_title(&key),
            Act::Activate => words::teams::activate_title(&key),
            Act::Delete => words::teams::delete_key_title(&key),
        }
    }

    fn consequences(self) -> Vec<Text> {
        use words::teams as w;
        let words: &[Word] = match self {
            Act::Deactivate => &[w::DEACTIVATE_1, w::DEACTIVATE_2, w::DEACTIVATE_3],
            Act::Activate => &[w::ACTIVATE_1, w::ACTIVATE_2],
            Act::Delete => &[w::DELETE_KEY_1, w::DELETE_KEY_2, w::DELETE_KEY_3],
        };
        words.iter().map(|word| (*word).into()).collect()
    }

    const fn name(self) -> Word {
        match self {
            Act::Deactivate => words::teams::DEACTIVATE,
            Act::Activate => words::teams::ACTIVATE,
            Act::Delete => words::teams::DELETE_KEY,
        }
    }

    fn done(self, key: &str) -> String {
        match self {
            Act::Deactivate => words::teams::deactivated(&key),
            Act::Activate => words::teams::activated(&key),
            Act::Delete => words::teams::key_deleted(&key),
        }
    }
}

/// What the rows of the list ask for.
#[derive(Clone, Copy)]
struct Asks {
    act: RwSignal<Option<(Act, AdminKey)>>,
}

/// The keys.
#[component]
pub fn KeysCard(
    /// The team.
    view: TeamView,
) -> AnyView {
    let asks = Asks { act: RwSignal::new(None) };
    let now = time::ticking_now();
    let show = move |keys: Vec<AdminKey>| {
        if keys.is_empty() {
            return nothing(view.register);
        }
        let rows = keys.into_iter().map(|key| view! { <KeyRow view key asks now /> });
        view! { <ul class="keys">{rows.collect_view()}</ul> }.into_any()
    };
    let has_any = memo(move |_| view.keys.data.with(|page| page.as_ref().is_some_and(|p| !p.data.is_empty())));
    let button = move || {
        (session::manages() && has_any.get()).then(|| match view.active_key() {
            Some(key) => view! {
                <Button icon=Icon::Retry on_press=move |_| view.rotate.set(Some(key.clone()))>
                    {t(words::teams::ROTATE_KEY)}
                </Button>
            }
            .into_any(),
            None => view! {
                <Button icon=Icon::Plus on_press=move |_| view.register.set(true)>{t(words::teams::REGISTER_KEY)}</Button>
            }
            .into_any(),
        })
    };
    let skeleton = || view! { <Skeleton count=3 /> }.into_any();
    view! {
        <Card title=words::teams::KEYS note=words::teams::KEYS_NOTE actions=move || button>
            {data::section(view.keys, skeleton, move |page| show(page.data))}
        </Card>
        <RegisterDialog view />
        <RotateDialog view key=view.rotate />
        <ActDialog view asked=asks.act />
    }
    .into_any()
}

fn nothing(register: RwSignal<bool>) -> AnyView {
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::teams::KEYS_EMPTY_TITLE
            actions=move || session::manages().then(|| view! {
                <Button icon=Icon::Key on_press=move |_| register.set(true)>{t(words::teams::REGISTER_KEY)}</Button>
            })
        />
    }
    .into_any()
}

#[component]
fn KeyRow(view: TeamView, key: AdminKey, asks: Asks, now: ReadSignal<f64>) -> AnyView {
    let (tone, verification) = model::verification(key.verification);
    let reason = key.verification_reason.clone().filter(|_| key.verification != Verification::Verified);
    // What the collection says of it already is not said twice.
    let reason = move || {
        let told = view.collection.data.with(|now| now.as_ref()?.last_error.as_ref().map(|error| error.code.clone()));
        let (cause, fix) =
            reason.as_deref().filter(|reason| told.as_deref() != Some(*reason)).and_then(model::cause)?;
        Some(view! { <p class="key-reason">{t(cause)}" "{t(fix)}</p> })
    };
    let provider = match key.provider {
        Provider::Openai => "OpenAI",
    };
    let actions = {
        let key = key.clone();
        move || session::manages().then(|| view! { <KeyActions view key=key.clone() asks /> })
    };
    let used = if key.is_active {
        view! { <Badge tone=Tone::Success dot=true>{t(words::teams::KEY_ACTIVE)}</Badge> }.into_any()
    } else {
        view! { <Badge>{t(words::teams::KEY_INACTIVE)}</Badge> }.into_any()
    };
    view! {
        <li class="key" data-off=(!key.is_active).then_some("")>
            <span class="key-icon"><Glyph icon=Icon::Key /></span>
            <div class="key-head">
                <span class="strong">{provider}</span>
                <code class="masked">{key.masked.clone()}</code>
                {used}
                <Badge tone>{t(verification)}</Badge>
            </div>
            <div class="key-actions">{actions}</div>
            <div class="key-body">
                {live(reason)}
                <Facts>
                    <Fact label=words::teams::KEY_LAST_USED>{moment::ago(key.last_used_at, now, words::teams::NEVER)}</Fact>
                    <Fact label=words::teams::KEY_LAST_VERIFIED>{moment::ago(key.last_verified_at, now, words::teams::NEVER)}</Fact>
                    <Fact label=words::teams::KEY_CREATED>{moment::at(Some(key.created_at), words::teams::NEVER)}</Fact>
                    {key.rotated_at.map(|at| view! {
                        <Fact label=words::teams::KEY_ROTATED>{moment::at(Some(at), words::teams::NEVER)}</Fact>
                    })}
                    <Fact label=words::teams::KEY_TYPE><code>{key.key_type.clone()}</code></Fact>
                </Facts>
            </div>
        </li>
    }
    .into_any()
}

#[component]
fn KeyActions(view: TeamView, key: AdminKey, asks: Asks) -> AnyView {
    let task = Task::new();
    let name = format!("…{}", key.last4);
    let path = format!("/teams/{}/admin-keys/{}/verify", view.id, key.id);
    let verify = move |_| {
        let path = path.clone();
        task.run(async move { api::post::<AdminKey>(&path, &serde_json::json!({})).await }, move |key| {
            let name = format!("…{}", key.last4);
            match key.verification {
                Verification::Verified => toast::done(words::teams::verified_toast(&name)),
                Verification::Pending => toast::failed(words::teams::pending_toast(&name)),
                Verification::Rejected => toast::failed(words::teams::rejected_toast(&name)),
            }
            view.keys_changed();
        });
    };
    effect(move |_| {
        if let Some(error) = task.error.get() {
            toast::failed(error.text());
        }
    });
    let label = Text::derive(move || words::teams::key_actions(&name));
    let block = format!("/block/admin_key:{}", key.id);
    let is_active = key.is_active;
    let switch = if key.is_active { Act::Deactivate } else { Act::Activate };
    let (to_rotate, to_switch, to_delete) = (key.clone(), key.clone(), key);
    view! {
        <Button busy=task.busy on_press=verify>{t(words::teams::VERIFY)}</Button>
        <Menu class="button" label end=true button=|| view! { <Glyph icon=Icon::More /> }>
            <MenuItem
                label=words::teams::ROTATE
                icon=Icon::Retry
                on_press={
                    let key = to_rotate.clone();
                    move |()| view.rotate.set(Some(key.clone()))
                }
            />
            <MenuItem
                label=switch.name()
                icon=if switch == Act::Activate { Icon::Check } else { Icon::Minus }
                on_press={
                    let key = to_switch.clone();
                    move |()| asks.act.set(Some((switch, key.clone())))
                }
            />
            <MenuLine />
            {is_active.then(|| view! { <MenuLink href=block.clone() label=words::shell::BLOCKS icon=Icon::Stop /> })}
            <MenuItem
                label=words::teams::DELETE_KEY
                icon=Icon::Trash
                danger=true
                on_press={
                    let key = to_delete.clone();
                    move |()| asks.act.set(Some((Act::Delete, key.clone())))
                }
            />
        </Menu>
    }
    .into_any()
}

#[component]
fn RegisterDialog(view: TeamView) -> AnyView {
    let done = Callback::new(move |_: RegisteredAdminKey| {
        view.register.set(false);
        view.keys_changed();
    });
    view! {
        <Dialog open=view.register title=words::teams::REGISTER_KEY>
            <KeyForm team=view.id rotates=None submit=words::teams::REGISTER autofocus=true on_done=done />
        </Dialog>
    }
    .into_any()
}

#[component]
fn RotateDialog(view: TeamView, key: RwSignal<Option<AdminKey>>) -> AnyView {
    let open = ask::opened_by(key);
    let done = Callback::new(move |_: RegisteredAdminKey| {
        open.set(false);
        view.keys_changed();
    });
    view! {
        <Dialog open title=words::teams::ROTATE_TITLE>
            {live(move || key.get_untracked().map(|key| {
                let name = format!("…{}", key.last4);
                view! {
                    <div class="stack">
                        <p class="muted">{live(move || words::teams::rotate_body(&name))}</p>
                        <KeyForm team=view.id rotates=Some(key.id) submit=words::teams::ROTATE autofocus=true on_done=done />
                    </div>
                }
            }))}
        </Dialog>
    }
    .into_any()
}

#[component]
fn ActDialog(view: TeamView, asked: RwSignal<Option<(Act, AdminKey)>>) -> AnyView {
    let open = ask::opened_by(asked);
    let task = Task::new();
    let confirm = Callback::new(move |()| {
        let Some((act, key)) = asked.get_untracked() else { return };
        let path = format!("/teams/{}/admin-keys/{}", view.id, key.id);
        let work = async move {
            match act {
                Act::Deactivate => api::post_empty(&format!("{path}/deactivate")).await,
                Act::Activate => api::post_empty(&format!("{path}/activate")).await,
                Act::Delete => api::delete(&path).await,
            }
        };
        task.run(work, move |()| {
            open.set(false);
            toast::done(act.done(&format!("…{}", key.last4)));
            view.keys_changed();
        });
    });
    live(move || {
        asked.get().map(|(act, key)| {
            task.error.set(None);
            let name = format!("…{}", key.last4);
            view! {
                <ConfirmDialog
                    open
                    title=Text::derive(move || act.question(&name))
                    consequences=act.consequences()
                    confirm=act.name()
                    kind=if act == Act::Activate { ButtonKind::Primary } else { ButtonKind::Danger }
                    busy=task.busy
                    error=task.text()
                    on_confirm=confirm
                />
            }
        })
    })
}
