//! Where messages go, whether they pass, and what can be done about that.

use finops_contract::Page;
use finops_contract::channels::{Channel, ChannelState, ChannelTest, CreatedChannel};
use finops_contract::channels::{ChannelType, UpdateChannelRequest};
use leptos::prelude::*;

use super::channel_form::{ChannelForm, brand};
use super::model::found;
use super::tried::TriedDialog;
use super::wording::{channel_gets, channel_state, channel_type, reason_text};
use crate::api;
use crate::data::{self, Query, Task, use_list};
use crate::features::blocks::names_text;
use crate::features::{ask, moment};
use crate::format::time::Show;
use crate::i18n::{Locale, Word, t, words};
use crate::reactive::{effect, live, memo};
use crate::ui::{
    Badge, Button, ButtonKind, ButtonSize, Card, ConfirmDialog, Dialog, EmptyKind, EmptyState, Fact, Facts,
    FormActions, Glyph, Icon, Menu, MenuItem, MenuLine, SecretReveal, Skeleton, Text, TextField, Tone, toast,
};
use crate::url::{use_open, use_search};

/// What is asked about before it is done to a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Rotate,
    Delete,
}

/// What the rows ask for.
#[derive(Clone, Copy)]
struct Asks {
    channels: Query<Page<Channel>>,
    edit: RwSignal<Option<Channel>>,
    act: RwSignal<Option<(Act, Channel)>>,
    tried: RwSignal<Option<ChannelTest>>,
    made: RwSignal<Option<CreatedChannel>>,
}

/// So many are overlooked at a glance; more are searched.
const FEW: usize = 8;

/// The tab.
#[component]
pub fn ChannelsTab() -> AnyView {
    let asks = Asks {
        channels: use_list(|| Some("/channels?limit=200".to_owned())),
        edit: RwSignal::new(None),
        act: RwSignal::new(None),
        tried: RwSignal::new(None),
        made: RwSignal::new(None),
    };
    data::poll(asks.channels, 30, || true);
    let add = use_open("new", "channel");
    let skeleton = || view! { <div class="card-body"><Skeleton shape="row" count=3 /></div> }.into_any();
    let name = use_search("name");
    let many = memo(move |_| asks.channels.data.with(|page| page.as_ref().is_some_and(|page| page.data.len() > FEW)));
    let search = move || {
        // What narrows the list is in sight.
        (many.get() || name.with(|name| !name.is_empty())).then(|| {
            view! {
                <div class="log-filters">
                    <TextField label=words::alerts::FIND_CHANNEL value=name kind="search" />
                </div>
            }
        })
    };
    let list = move |page: Page<Channel>| {
        if page.data.is_empty() {
            return nothing(add);
        }
        let found = found(page.data, &name.get());
        if found.is_empty() {
            return view! { <EmptyState kind=EmptyKind::NoMatch /> }.into_any();
        }
        let rows = found.into_iter().map(|channel| row(channel, asks));
        view! { <ul class="keys pad">{rows.collect_view()}</ul> }.into_any()
    };
    view! {
        <div class="stack">
            {live(search)}
            <Card title=words::alerts::TAB_CHANNELS note=words::alerts::CHANNELS_NOTE flush=true>
                {data::section(asks.channels, skeleton, list)}
            </Card>
        </div>
        <Add open=add asks />
        <Edit asks />
        <ActDialog asks />
        <SecretDialog made=asks.made />
        <TriedDialog tried=asks.tried />
    }
    .into_any()
}

fn nothing(add: RwSignal<bool>) -> AnyView {
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::alerts::NO_CHANNELS
            body=words::alerts::NO_CHANNELS_BODY
            actions=move || view! {
                <Button icon=Icon::Plus on_press=move |_| add.set(true)>{t(words::alerts::ADD_CHANNEL)}</Button>
            }
        />
    }
    .into_any()
}

fn row(channel: Channel, asks: Asks) -> AnyView {
    let (icon, kind) = channel_type(channel.kind);
    let (tone, state) =
        if channel.enabled { channel_state(channel.health.state) } else { (Tone::Neutral, words::alerts::CHANNEL_OFF) };
    let built_in = channel.built_in.then(|| view! { <Badge>{t(words::alerts::BUILT_IN)}</Badge> });
    let masked = channel.masked.clone().map(|masked| view! { <code class="masked">{masked}</code> });
    let facts = facts(&channel);
    let trouble = trouble(&channel);
    let off = (!channel.enabled || channel.health.state == ChannelState::Disabled).then_some("");
    view! {
        <li class="key" data-off=off>
            <span class="key-icon"><Glyph icon /></span>
            <div class="key-head">
                <span class="strong">{channel.name.clone()}</span>
                <Badge tone dot=true>{t(state)}</Badge>
                <span class="muted">{t(kind)}</span>
                {masked}{built_in}
            </div>
            <div class="key-actions">{actions(channel, asks)}</div>
            <div class="key-body">{trouble}{facts}</div>
        </li>
    }
    .into_any()
}

/// Since when messages do not pass, and why.
fn trouble(channel: &Channel) -> Option<AnyView> {
    let health = channel.health.clone();
    if health.state == ChannelState::Ok || !channel.enabled {
        return None;
    }
    let text = move || {
        let since = health.since.map(|at| words::alerts::since(&moment::exact(at, Show::Minute)));
        let why = health.reason.as_deref().map(reason_text);
        let next = match health.state {
            ChannelState::Disabled => words::alerts::DISABLED_NEXT.get(),
            _ => words::alerts::FAILING_NEXT.get(),
        };
        [since, why, Some(next.to_owned())].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    Some(view! { <p class="key-reason">{live(text)}</p> }.into_any())
}

fn facts(channel: &Channel) -> AnyView {
    let team = channel.team.as_ref().map(|team| team.name.clone());
    let scope = move || {
        team.as_ref().map_or_else(|| words::alerts::TOLD_ALL.get().to_owned(), |team| words::alerts::told_team(team))
    };
    let gets = channel_gets(channel.kind);
    let people = [&channel.addresses[..], &channel.numbers].concat();
    let people = (!people.is_empty()).then(|| {
        view! { <Fact label=words::alerts::RECIPIENT>{live(move || names_text(&people))}</Fact> }
    });
    let server = channel.smtp.as_ref().map(|server| {
        let host = format!("{}:{}", server.host, server.port);
        view! { <Fact label=words::alerts::HOST><code>{host}</code></Fact> }
    });
    let account = channel.account.as_ref().map(|account| {
        let (carrier, from) = (brand(account.carrier), account.from.clone());
        view! {
            <Fact label=words::alerts::WAY>{carrier}</Fact>
            <Fact label=words::alerts::FROM>{from}</Fact>
        }
    });
    let former = channel.former_secret_until.map(|until| {
        view! { <Fact label=words::alerts::FORMER_SECRET>{moment::at(Some(until), words::common::NONE)}</Fact> }
    });
    let language = Locale::from_tag(channel.locale.tag()).unwrap_or_default().own_name();
    view! {
        <p class="small muted">{t(gets)}" "{live(scope)}</p>
        <Facts>
            {people}{server}{account}
            <Fact label=words::alerts::LANGUAGE>{t(language)}</Fact>
            {former}
        </Facts>
    }
    .into_any()
}

fn actions(channel: Channel, asks: Asks) -> AnyView {
    let task = Task::new();
    effect(move |_| {
        if let Some(error) = task.error.get() {
            toast::failed(error.text());
        }
    });
    let path = format!("/channels/{}", channel.id);
    let test = {
        let path = format!("{path}/test");
        move |_| {
            let path = path.clone();
            task.run(async move { api::post::<ChannelTest>(&path, &serde_json::json!({})).await }, move |tried| {
                asks.tried.set(Some(tried));
                asks.channels.reload();
            });
        }
    };
    let of_name = channel.name.clone();
    view! {
        <Button busy=task.busy on_press=test>
            <span aria-hidden="true">{t(words::alerts::TRY)}</span>
            <span class="sr-only">{live(move || words::alerts::try_channel(&of_name))}</span>
        </Button>
        {(!channel.built_in).then(|| menu(channel, path, task, asks))}
    }
    .into_any()
}

fn menu(channel: Channel, path: String, task: Task, asks: Asks) -> AnyView {
    let name = channel.name.clone();
    let label = Text::derive(move || words::alerts::channel_actions(&name));
    // One that was given up is enabled again by saying so.
    let is_on = channel.enabled && channel.health.state != ChannelState::Disabled;
    let switch = Callback::new(move |()| {
        let path = path.clone();
        let request = UpdateChannelRequest { enabled: Some(!is_on), ..UpdateChannelRequest::default() };
        task.run(async move { api::patch::<Channel>(&path, &request).await }, move |channel| {
            let word = if channel.enabled { words::alerts::enabled_toast } else { words::alerts::disabled_toast };
            toast::done(word(&channel.name));
            asks.channels.reload();
        });
    });
    let is_webhook = channel.kind == ChannelType::Webhook;
    let channel = StoredValue::new(channel);
    let ask = move |act: Act| asks.act.set(Some((act, channel.get_value())));
    view! {
        <Menu class="button" label end=true button=|| view! { <Glyph icon=Icon::More /> }>
            <MenuItem
                label=words::common::EDIT
                icon=Icon::Edit
                on_press=move |()| asks.edit.set(Some(channel.get_value()))
            />
            <MenuItem
                label=if is_on { words::alerts::DISABLE } else { words::alerts::ENABLE }
                icon=if is_on { Icon::Minus } else { Icon::Check }
                on_press=switch
            />
            {is_webhook.then(|| view! {
                <MenuItem label=words::alerts::ROTATE icon=Icon::Retry on_press=move |()| ask(Act::Rotate) />
            })}
            <MenuLine />
            <MenuItem label=words::common::DELETE icon=Icon::Trash danger=true on_press=move |()| ask(Act::Delete) />
        </Menu>
    }
    .into_any()
}

#[component]
fn Add(open: RwSignal<bool>, asks: Asks) -> AnyView {
    let done = Callback::new(move |made: CreatedChannel| {
        open.set(false);
        asks.channels.reload();
        if made.secret.is_some() {
            asks.made.set(Some(made));
        } else {
            toast::done(words::alerts::channel_added(&made.channel.name));
        }
    });
    view! { <Dialog open title=words::alerts::ADD_CHANNEL><ChannelForm open done /></Dialog> }.into_any()
}

#[component]
fn Edit(asks: Asks) -> AnyView {
    let open = ask::opened_by(asks.edit);
    let done = Callback::new(move |made: CreatedChannel| {
        open.set(false);
        asks.channels.reload();
        toast::done(words::alerts::channel_changed(&made.channel.name));
    });
    view! {
        <Dialog open title=words::alerts::EDIT_CHANNEL>
            {live(move || asks.edit.get_untracked().map(|channel| {
                view! { <ChannelForm open before=Some(channel) done /> }
            }))}
        </Dialog>
    }
    .into_any()
}

/// A webhook's secret, the only time that it is seen.
#[component]
fn SecretDialog(made: RwSignal<Option<CreatedChannel>>) -> AnyView {
    let open = ask::opened_by(made);
    // What is secret is not kept for longer than it is shown.
    effect(move |before: Option<bool>| {
        let now = open.get();
        if before == Some(true) && !now {
            made.set(None);
        }
        now
    });
    view! {
        <Dialog open title=words::alerts::SECRET>
            {live(move || made.get().and_then(|made| made.secret).map(|secret| view! {
                <div class="stack">
                    <p>{t(words::alerts::SECRET_LEAD)}</p>
                    <div><SecretReveal text=secret note=words::alerts::SECRET_ONCE /></div>
                    <FormActions>
                        <Button kind=ButtonKind::Primary size=ButtonSize::Large on_press=move |_| open.set(false)>
                            {t(words::api_keys::KEPT)}
                        </Button>
                    </FormActions>
                </div>
            }))}
        </Dialog>
    }
    .into_any()
}

#[component]
fn ActDialog(asks: Asks) -> AnyView {
    let asked = asks.act;
    let open = ask::opened_by(asked);
    let task = Task::new();
    let confirm = Callback::new(move |()| {
        let Some((act, channel)) = asked.get_untracked() else { return };
        let path = format!("/channels/{}", channel.id);
        match act {
            Act::Rotate => {
                let path = format!("{path}/rotate-secret");
                task.run(async move { api::post(&path, &serde_json::json!({})).await }, move |made: CreatedChannel| {
                    open.set(false);
                    asks.channels.reload();
                    asks.made.set(Some(made));
                });
            }
            Act::Delete => task.run(async move { api::delete(&path).await }, move |()| {
                open.set(false);
                asks.channels.reload();
                toast::done(words::alerts::channel_deleted(&channel.name));
            }),
        }
    });
    live(move || {
        asked.get().map(|(act, channel)| {
            use words::alerts as w;
            task.error.set(None);
            let (lines, word): (&[Word], _) = match act {
                Act::Rotate => (&[w::ROTATE_1, w::ROTATE_2], w::ROTATE),
                Act::Delete => (&[w::DELETE_1, w::DELETE_2], words::common::DELETE),
            };
            let title = move || match act {
                Act::Rotate => w::rotate_ask(&channel.name),
                Act::Delete => w::delete_ask(&channel.name),
            };
            view! {
                <ConfirmDialog
                    open
                    title=Text::derive(title)
                    consequences=lines.iter().map(|line| (*line).into()).collect()
                    confirm=word
                    kind=if act == Act::Rotate { ButtonKind::Primary } else { ButtonKind::Danger }
                    busy=task.busy
                    error=task.text()
                    on_confirm=confirm
                />
            }
        })
    })
}
