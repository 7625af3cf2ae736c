//! The people of the organization, and what each may do.

use finops_contract::Page;
use finops_contract::accounts::Role;
use finops_contract::organizations::{Member, UpdateMemberRequest};
use leptos::prelude::*;

use super::model;
use crate::api;
use crate::data::{self, Query, Task, use_get};
use crate::features::auth::role_name;
use crate::features::{ask, moment};
use crate::format::time::{self, Show};
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::session;
use crate::ui::{
    Badge, Button, ButtonKind, ButtonSize, Card, Column, ConfirmDialog, Dialog, Form, FormActions, Icon, Pager, Row,
    RowAction, Select, Skeleton, Table, Text, Tone, toast,
};
use crate::url::{query, use_param};

/// What the rows ask for.
#[derive(Clone, Copy)]
struct Asks {
    role: RwSignal<Option<Member>>,
    remove: RwSignal<Option<Member>>,
}

/// The members.
#[component]
pub fn MembersCard() -> AnyView {
    let cursor = use_param("cursor");
    let members = use_get::<Page<Member>>(move || {
        Some(format!("/organization/members{}", query(&[("cursor", cursor.get().as_deref())])))
    });
    let asks = Asks { role: RwSignal::new(None), remove: RwSignal::new(None) };
    let now = time::ticking_now();
    let next = Signal::derive(move || members.data.with(|p| p.as_ref().and_then(|p| p.next_cursor.clone())));
    let skeleton = || view! { <div class="card-body"><Skeleton shape="row" count=4 /></div> }.into_any();
    view! {
        <Card title=words::settings::MEMBERS flush=true>
            {data::section(members, skeleton, move |page| table(page.data, asks, now))}
            <Pager next />
        </Card>
        <RoleDialog asked=asks.role members />
        <RemoveDialog asked=asks.remove members />
    }
    .into_any()
}

fn table(members: Vec<Member>, asks: Asks, now: ReadSignal<f64>) -> AnyView {
    let columns = vec![
        Column::text(words::settings::COLUMN_NAME),
        Column::text(words::settings::COLUMN_EMAIL),
        Column::text(words::settings::COLUMN_ROLE),
        Column::text(words::settings::COLUMN_LAST_LOGIN),
        Column::text(words::settings::COLUMN_JOINED),
        Column::number(words::settings::COLUMN_ACTION),
    ];
    let rows = Callback::new(move |()| members.iter().map(|member| row(member, asks, now)).collect::<Vec<_>>());
    view! { <Table label=words::settings::MEMBERS columns rows /> }.into_any()
}

fn row(member: &Member, asks: Asks, now: ReadSignal<f64>) -> Row {
    let me = session::me();
    let is_me = me.as_ref().is_some_and(|me| me.id == member.user_id);
    let changeable = !is_me && me.is_some_and(|me| me.role >= member.role);
    let (joined, role) = (member.created_at, role_name(member.role));
    let tone = if member.role == Role::User { Tone::Neutral } else { Tone::Info };
    let actions = changeable.then(|| {
        let (to_change, to_remove) = (member.clone(), member.clone());
        let (of_change, of_remove) = (member.name.clone(), member.name.clone());
        view! {
            <span class="row-actions">
                <RowAction
                    icon=Icon::Edit
                    label=Text::derive(move || words::settings::change_role(&of_change))
                    on_press=move |()| asks.role.set(Some(to_change.clone()))
                />
                <RowAction
                    icon=Icon::Trash
                    label=Text::derive(move || words::settings::remove_member(&of_remove))
                    on_press=move |()| asks.remove.set(Some(to_remove.clone()))
                />
            </span>
        }
    });
    let cells = vec![
        view! {
            <span class="row" data-nowrap="">
                <span class="strong">{member.name.clone()}</span>
                {is_me.then(|| view! { <Badge>{t(words::settings::YOU)}</Badge> })}
            </span>
        }
        .into_any(),
        member.email.clone().into_any(),
        view! { <Badge tone>{t(role)}</Badge> }.into_any(),
        moment::ago(member.last_login_at, now, words::settings::NEVER),
        view! { <span class="nowrap">{live(move || moment::exact(joined, Show::Date))}</span> }.into_any(),
        actions.into_any(),
    ];
    Row { linked: false, cells }
}

#[component]
fn RoleDialog(asked: RwSignal<Option<Member>>, members: Query<Page<Member>>) -> AnyView {
    let open = ask::opened_by(asked);
    let title = Text::derive(move || {
        asked.with(|member| member.as_ref().map(|m| words::settings::change_role(&m.name)).unwrap_or_default())
    });
    view! {
        <Dialog open title>
            {live(move || asked.get_untracked().map(|member| view! { <RoleForm member open members /> }))}
        </Dialog>
    }
    .into_any()
}

#[component]
fn RoleForm(member: Member, open: RwSignal<bool>, members: Query<Page<Member>>) -> AnyView {
    let role = RwSignal::new(member.role.name().to_owned());
    let task = Task::new();
    let submit = move |()| {
        let Some(role) = Role::from_name(&role.get_untracked()) else { return };
        let path = format!("/organization/members/{}", member.user_id);
        let work = async move { api::patch::<Member>(&path, &UpdateMemberRequest { role }).await };
        task.run(work, move |member| {
            open.set(false);
            toast::done(words::settings::role_changed(&member.name));
            members.reload();
        });
    };
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <RoleField role error=task.field("/role") />
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true busy=task.busy>
                    {t(words::common::SAVE)}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

/// One of the roles that the reader may give, with what it may do.
#[component]
pub fn RoleField(
    /// Its stable name.
    role: RwSignal<String>,
    /// What is wrong with it.
    error: Signal<Option<String>>,
) -> AnyView {
    let own = session::me().map_or(Role::User, |me| me.role);
    let choices = Signal::derive(move || {
        model::grantable(own).iter().map(|role| (role.name().to_owned(), role_name(*role).get().to_owned())).collect()
    });
    let body = Text::derive(move || {
        let role = role.with(|name| Role::from_name(name)).unwrap_or(Role::User);
        model::role_body(role).get().to_owned()
    });
    view! { <Select label=words::settings::ROLE value=role choices hint=body error /> }.into_any()
}

#[component]
fn RemoveDialog(asked: RwSignal<Option<Member>>, members: Query<Page<Member>>) -> AnyView {
    let open = ask::opened_by(asked);
    let task = Task::new();
    let confirm = Callback::new(move |()| {
        let Some(member) = asked.get_untracked() else { return };
        let path = format!("/organization/members/{}", member.user_id);
        task.run(async move { api::delete(&path).await }, move |()| {
            open.set(false);
            toast::done(words::settings::removed(&member.name));
            members.reload();
        });
    });
    let title = Text::derive(move || {
        asked.with(|member| member.as_ref().map(|m| words::settings::remove_title(&m.name)).unwrap_or_default())
    });
    let consequences =
        [words::settings::REMOVE_1, words::settings::REMOVE_2, words::settings::REMOVE_3].map(Into::into).to_vec();
    view! {
        <ConfirmDialog
            open
            title
            consequences
            confirm=words::settings::REMOVE
            busy=task.busy
            error=task.text()
            on_confirm=confirm
        />
    }
    .into_any()
}
