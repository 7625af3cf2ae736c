//! Who belongs to a project, besides its team's people.

use std::collections::HashSet;

use finops_contract::Page;
use finops_contract::organizations::Member;
use finops_contract::teams::GroupMember;
use leptos::prelude::*;
use uuid::Uuid;

use crate::api;
use crate::data::{Query, Task, section, use_get};
use crate::format::time::{self, Show};
use crate::i18n::{t, words};
use crate::reactive::effect;
use crate::session;
use crate::ui::{
    Avatar, Button, ButtonKind, Card, Column, ConfirmDialog, EmptyKind, EmptyState, Form, FormActions, Icon, Row,
    RowAction, Select, Skeleton, Table, Text, toast,
};

/// The tab.
#[component]
pub fn MembersTab(
    /// The project.
    id: Uuid,
) -> AnyView {
    let members = use_get::<Page<GroupMember>>(move || Some(format!("/projects/{id}/members?limit=200")));
    let removing = RwSignal::new(None::<(Uuid, String)>);
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=3 /></div> }.into_any();
    view! {
        <div class="sections">
            {session::manages().then(|| view! { <AddMember id members /> })}
            <Card title=words::projects::TAB_MEMBERS note=words::projects::MEMBERS_NOTE flush=true>
                {section(members, skeleton, move |page| list(page.data, removing))}
            </Card>
            <RemoveMember id members removing />
        </div>
    }
    .into_any()
}

fn list(members: Vec<GroupMember>, removing: RwSignal<Option<(Uuid, String)>>) -> AnyView {
    if members.is_empty() {
        return view! { <EmptyState kind=EmptyKind::NoData title=words::projects::NO_MEMBERS /> }.into_any();
    }
    let manages = session::manages();
    let mut columns = vec![
        Column::text(words::projects::MEMBER),
        Column::text(words::auth::EMAIL),
        Column::text(words::projects::MEMBER_SINCE),
    ];
    if manages {
        columns.push(Column::number(words::projects::ACTIONS));
    }
    let rows = Callback::new(move |()| {
        let row = |member: &GroupMember| {
            let (id, name) = (member.user_id, member.name.clone());
            let label = {
                let name = name.clone();
                Text::derive(move || words::projects::remove_member(&name))
            };
            let mut cells = vec![
                view! { <span class="row"><Avatar name=Text::stored(name.clone()) />{name.clone()}</span> }.into_any(),
                member.email.clone().into_any(),
                time::instant(&member.created_at.to_rfc3339(), &session::time_zone(), Show::Date).into_any(),
            ];
            if manages {
                let ask = move |()| removing.set(Some((id, name.clone())));
                cells.push(view! { <RowAction icon=Icon::Trash label on_press=ask /> }.into_any());
            }
            Row { linked: false, cells }
        };
        members.iter().map(row).collect::<Vec<_>>()
    });
    view! { <Table label=Text::from(words::projects::TAB_MEMBERS) columns rows /> }.into_any()
}

/// Adds a person of the organization.
#[component]
fn AddMember(id: Uuid, members: Query<Page<GroupMember>>) -> AnyView {
    let people = use_get::<Page<Member>>(|| Some("/organization/members?limit=200".to_owned()));
    let chosen = RwSignal::new(String::new());
    let task = Task::new();
    let choices = Signal::derive(move || {
        let here: HashSet<_> =
            members.data.with(|page| page.iter().flat_map(|page| &page.data).map(|member| member.user_id).collect());
        let none = (String::new(), words::projects::CHOOSE_PERSON.get().to_owned());
        let people = people.data.get().map(|page| page.data).unwrap_or_default();
        let others = people
            .into_iter()
            .filter(|person| !here.contains(&person.user_id))
            .map(|person| (person.user_id.to_string(), format!("{} ({})", person.name, person.email)));
        std::iter::once(none).chain(others).collect::<Vec<_>>()
    });
    let submit = move |()| {
        let Ok(user) = chosen.with_untracked(|chosen| chosen.parse::<Uuid>()) else {
            task.refuse(&[("/userId", "required")]);
            return;
        };
        let path = format!("/projects/{id}/members/{user}");
        task.run(async move { api::put(&path, None::<&()>).await }, move |_| {
            chosen.set(String::new());
            members.reload();
            toast::done(words::projects::MEMBER_ADDED.get_untracked());
        });
    };
    view! {
        <Card title=words::projects::ADD_MEMBER>
            <Form on_submit=submit error=task.text() failures=task.failures>
                <Select label=words::projects::MEMBER value=chosen choices error=task.field("/userId") />
                <FormActions>
                    <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::common::ADD)}</Button>
                </FormActions>
            </Form>
        </Card>
    }
    .into_any()
}

/// Asks before a person is removed.
#[component]
fn RemoveMember(id: Uuid, members: Query<Page<GroupMember>>, removing: RwSignal<Option<(Uuid, String)>>) -> AnyView {
    let open = RwSignal::new(false);
    let task = Task::new();
    effect(move |_| open.set(removing.with(Option::is_some)));
    effect(move |_| {
        // Setting what is set already would wake the effect above, for ever.
        if !open.get() && removing.with_untracked(Option::is_some) {
            removing.set(None);
        }
    });
    let title = Text::derive(move || {
        removing.with(|who| who.as_ref().map(|(_, name)| words::projects::remove_member_ask(name)).unwrap_or_default())
    });
    let remove = Callback::new(move |()| {
        let Some((user, _)) = removing.get_untracked() else { return };
        let path = format!("/projects/{id}/members/{user}");
        task.run(async move { api::delete(&path).await }, move |()| {
            open.set(false);
            members.reload();
            toast::done(words::projects::MEMBER_REMOVED.get_untracked());
        });
    });
    view! {
        <ConfirmDialog
            open
            title
            consequences=vec![words::projects::REMOVE_MEMBER_LOSES.into(), words::projects::REMOVE_MEMBER_TEAM.into()]
            confirm=words::projects::REMOVE
            busy=task.busy
            error=task.text()
            on_confirm=remove
        />
    }
    .into_any()
}
