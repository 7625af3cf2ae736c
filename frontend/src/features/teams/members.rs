//! Who belongs to a team.

use finops_contract::Page;
use finops_contract::organizations::Member;
use finops_contract::teams::GroupMember;
use leptos::prelude::*;

use super::model;
use super::page::TeamView;
use crate::api::{self, client};
use crate::data::{self, Query, Task, use_get, use_list};
use crate::features::{ask, moment};
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{
    Button, ButtonKind, ButtonSize, Card, Column, ConfirmDialog, Dialog, EmptyKind, EmptyState, Form, FormActions,
    Icon, LinkButton, Pager, Row, RowAction, Select, Skeleton, Table, Text, toast,
};
use crate::url::{query, use_open, use_param};

/// The members, and how they come and go.
#[component]
pub fn MembersCard(
    /// The team.
    view: TeamView,
) -> AnyView {
    let cursor = use_param("cursor");
    let members = use_get::<Page<GroupMember>>(move || {
        Some(format!("/teams/{}/members{}", view.id, query(&[("cursor", cursor.get().as_deref())])))
    });
    let add = use_open("new", "member");
    let leaving = RwSignal::new(None::<GroupMember>);
    let changed = Callback::new(move |()| {
        members.reload();
        view.team.reload();
    });
    let button = move || {
        session::manages().then(|| {
            view! {
                <Button icon=Icon::Plus on_press=move |_| add.set(true)>{t(words::teams::ADD_MEMBER)}</Button>
            }
        })
    };
    let next = Signal::derive(move || members.data.with(|p| p.as_ref().and_then(|p| p.next_cursor.clone())));
    let skeleton = || view! { <div class="card-body"><Skeleton shape="row" count=3 /></div> }.into_any();
    view! {
        <Card title=words::teams::MEMBERS note=words::teams::MEMBERS_NOTE actions=move || button flush=true>
            {data::section(members, skeleton, move |page| {
                if page.data.is_empty() { nothing() } else { table(page.data, leaving) }
            })}
            <Pager next />
        </Card>
        <Dialog open=add title=words::teams::ADD_MEMBER>
            <AddForm view on_done=Callback::new(move |()| {
                add.set(false);
                changed.run(());
            }) />
        </Dialog>
        <RemoveDialog view leaving changed />
    }
    .into_any()
}

fn nothing() -> AnyView {
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::teams::MEMBERS_EMPTY_TITLE
            body=words::teams::MEMBERS_EMPTY_BODY
        />
    }
    .into_any()
}

fn table(members: Vec<GroupMember>, leaving: RwSignal<Option<GroupMember>>) -> AnyView {
    let manages = session::manages();
    let mut columns = vec![
        Column::text(words::teams::COLUMN_NAME),
        Column::text(words::teams::COLUMN_EMAIL),
        Column::text(words::teams::COLUMN_SINCE),
    ];
    if manages {
        columns.push(Column::number(words::teams::COLUMN_ACTION));
    }
    let rows = Callback::new(move |()| {
        let row = |member: &GroupMember| {
            let (since, name) = (member.created_at, member.name.clone());
            let mut cells = vec![
                view! { <span class="strong">{name.clone()}</span> }.into_any(),
                member.email.clone().into_any(),
                live(move || moment::exact(since, Show::Date)),
            ];
            if manages {
                let member = member.clone();
                let label = Text::derive(move || words::teams::remove_member(&name));
                let ask = move |()| leaving.set(Some(member.clone()));
                cells.push(view! { <RowAction icon=Icon::Trash label on_press=ask /> }.into_any());
            }
            Row { linked: false, cells }
        };
        members.iter().map(row).collect::<Vec<_>>()
    });
    view! { <Table label=words::teams::MEMBERS columns rows /> }.into_any()
}

#[component]
fn AddForm(view: TeamView, on_done: Callback<()>) -> AnyView {
    // Both whole, so that nobody is offered who is in the team already.
    let people = use_list::<Member>(|| Some("/organization/members?limit=200".to_owned()));
    let members = use_list::<GroupMember>(move || Some(format!("/teams/{}/members?limit=200", view.id)));
    let both = memo(move |_| Some((people.data.get()?.data, members.data.get()?.data)));
    let failure = memo(move |_| people.error.get().or_else(|| members.error.get()));
    live(move || match (both.get(), failure.get()) {
        (Some((people, members)), _) => add_form(view, &people, &members, on_done),
        (None, Some(error)) => data::failed(error, Callback::new(move |()| reload_both(people, members))),
        (None, None) => view! { <Skeleton shape="row" count=2 /> }.into_any(),
    })
}

fn reload_both(people: Query<Page<Member>>, members: Query<Page<GroupMember>>) {
    people.reload();
    members.reload();
}

fn add_form(view: TeamView, people: &[Member], members: &[GroupMember], on_done: Callback<()>) -> AnyView {
    let addable = model::addable(people, members);
    if addable.is_empty() {
        return view! {
            <div class="stack">
                <p class="muted">{t(words::teams::ADD_MEMBER_ALL)}</p>
                <FormActions>
                    <LinkButton href="/settings?tab=members">{t(words::teams::TO_INVITATIONS)}</LinkButton>
                </FormActions>
            </div>
        }
        .into_any();
    }
    let offered: Vec<_> = addable
        .iter()
        .map(|person| (person.user_id.to_string(), format!("{} · {}", person.name, person.email)))
        .collect();
    let choices = Signal::derive(move || {
        let mut choices = vec![(String::new(), words::teams::ADD_MEMBER_CHOOSE.get().to_owned())];
        choices.extend(offered.iter().cloned());
        choices
    });
    let who = RwSignal::new(String::new());
    let task = Task::new();
    let submit = move |()| {
        let who = who.get_untracked();
        if who.is_empty() && task.refuse(&[("/userId", "required")]) {
            return;
        }
        let path = format!("/teams/{}/members/{who}", view.id);
        let work = async move { client::read::<GroupMember>(&api::put(&path, None::<&()>).await?) };
        task.run(work, move |member| {
            toast::done(words::teams::member_added(&member.name));
            on_done.run(());
        });
    };
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <Select label=words::teams::ADD_MEMBER_WHO value=who choices error=task.field("/userId") />
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true busy=task.busy>
                    {t(words::common::ADD)}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

#[component]
fn RemoveDialog(view: TeamView, leaving: RwSignal<Option<GroupMember>>, changed: Callback<()>) -> AnyView {
    let open = ask::opened_by(leaving);
    let task = Task::new();
    let confirm = Callback::new(move |()| {
        let Some(member) = leaving.get_untracked() else { return };
        let path = format!("/teams/{}/members/{}", view.id, member.user_id);
        task.run(async move { api::delete(&path).await }, move |()| {
            open.set(false);
            toast::done(words::teams::member_removed(&member.name));
            changed.run(());
        });
    });
    let title = Text::derive(move || {
        leaving.with(|member| member.as_ref().map(|m| words::teams::remove_title(&m.name)).unwrap_or_default())
    });
    view! {
        <ConfirmDialog
            open
            title
            consequences=vec![words::teams::REMOVE_1.into(), words::teams::REMOVE_2.into()]
            confirm=words::teams::REMOVE
            busy=task.busy
            error=task.text()
            on_confirm=confirm
        />
    }
    .into_any()
}
