//! Invitations that were not accepted yet, and new ones.

use finops_contract::Page;
use finops_contract::accounts::{CreateInvitationRequest, CreatedInvitation, Invitation, Role};
use finops_contract::teams::Team;
use leptos::prelude::*;

use super::members::RoleField;
use crate::api;
use crate::data::{self, Query, Task, use_list};
use crate::features::auth::{looks_like_email, role_name};
use crate::features::{ask, moment};
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{
    Badge, Button, ButtonKind, ButtonSize, Card, Column, ConfirmDialog, Dialog, Form, FormActions, Icon, Row,
    RowAction, SecretReveal, Select, Skeleton, Table, Text, TextField, toast,
};
use crate::url::use_open;

/// The invitations.
#[component]
pub fn InvitationsCard() -> AnyView {
    let invitations = use_list::<Invitation>(|| Some("/invitations?limit=200".to_owned()));
    let teams = use_list::<Team>(|| Some("/teams?limit=200".to_owned()));
    let open = use_open("new", "invitation");
    let revoked = RwSignal::new(None::<Invitation>);
    let button = move || {
        view! {
            <Button kind=ButtonKind::Primary icon=Icon::Plus on_press=move |_| open.set(true)>
                {t(words::settings::INVITE)}
            </Button>
        }
    };
    let skeleton = || view! { <div class="card-body"><Skeleton shape="row" count=2 /></div> }.into_any();
    view! {
        <Card title=words::settings::INVITATIONS note=words::settings::INVITATIONS_NOTE actions=button flush=true>
            {data::section(invitations, skeleton, move |page| {
                if page.data.is_empty() {
                    view! { <p class="none">{t(words::settings::INVITATIONS_EMPTY)}</p> }.into_any()
                } else {
                    table(page.data, teams, revoked)
                }
            })}
        </Card>
        <Dialog open title=words::settings::INVITE_TITLE><InviteForm open teams invitations /></Dialog>
        <RevokeDialog asked=revoked invitations />
    }
    .into_any()
}

fn table(list: Vec<Invitation>, teams: Query<Page<Team>>, revoked: RwSignal<Option<Invitation>>) -> AnyView {
    let columns = vec![
        Column::text(words::settings::COLUMN_EMAIL),
        Column::text(words::settings::COLUMN_ROLE),
        Column::text(words::settings::COLUMN_TEAM),
        Column::text(words::settings::COLUMN_EXPIRES),
        Column::number(words::settings::COLUMN_ACTION),
    ];
    let rows = Callback::new(move |()| list.iter().map(|one| row(one, teams, revoked)).collect::<Vec<_>>());
    view! { <Table label=words::settings::INVITATIONS columns rows /> }.into_any()
}

fn row(invitation: &Invitation, teams: Query<Page<Team>>, revoked: RwSignal<Option<Invitation>>) -> Row {
    let (role, team, expires) = (role_name(invitation.role), invitation.team_id, invitation.expires_at);
    let team_name = move || {
        let known = teams.data.with(|page| {
            let team = page.as_ref()?.data.iter().find(|known| Some(known.id) == team)?;
            Some(team.name.clone())
        });
        known.unwrap_or_else(|| "—".to_owned())
    };
    let (email, again) = (invitation.email.clone(), invitation.clone());
    let label = Text::derive(move || words::settings::revoke(&email));
    let cells = vec![
        view! { <span class="strong">{invitation.email.clone()}</span> }.into_any(),
        view! { <Badge>{t(role)}</Badge> }.into_any(),
        team_name.into_any(),
        view! { <span class="nowrap">{live(move || moment::exact(expires, Show::Minute))}</span> }.into_any(),
        view! { <RowAction icon=Icon::Trash label on_press=move |()| revoked.set(Some(again.clone())) /> }.into_any(),
    ];
    Row { linked: false, cells }
}

#[component]
fn InviteForm(open: RwSignal<bool>, teams: Query<Page<Team>>, invitations: Query<Page<Invitation>>) -> AnyView {
    let made = RwSignal::new(None::<CreatedInvitation>);
    let done = Callback::new(move |created: CreatedInvitation| {
        made.set(Some(created));
        invitations.reload();
    });
    live(move || match made.get() {
        None => view! { <NewInvitation teams on_done=done /> }.into_any(),
        Some(created) => {
            let (email, expires) = (created.invitation.email, created.invitation.expires_at);
            view! {
                <div class="stack">
                    <p>{live(move || words::settings::invite_done(&email))}</p>
                    <div><SecretReveal text=created.link /></div>
                    <p class="small muted">
                        {live(move || words::settings::invite_done_note(&moment::exact(expires, Show::Minute)))}
                    </p>
                    <FormActions>
                        <Button kind=ButtonKind::Primary size=ButtonSize::Large on_press=move |_| open.set(false)>
                            {t(words::settings::INVITE_CLOSE)}
                        </Button>
                    </FormActions>
                </div>
            }
            .into_any()
        }
    })
}

#[component]
fn NewInvitation(teams: Query<Page<Team>>, on_done: Callback<CreatedInvitation>) -> AnyView {
    let (email, team) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let role = RwSignal::new(Role::User.name().to_owned());
    let task = Task::new();
    let submit = move |()| {
        let request = CreateInvitationRequest {
            email: email.get_untracked().trim().to_owned(),
            role: Role::from_name(&role.get_untracked()).unwrap_or(Role::User),
            team_id: team.get_untracked().parse().ok(),
        };
        let wrong = if request.email.is_empty() { "required" } else { "email" };
        if !looks_like_email(&request.email) && task.refuse(&[("/email", wrong)]) {
            return;
        }
        task.run(async move { api::post::<CreatedInvitation>("/invitations", &request).await }, move |created| {
            on_done.run(created);
        });
    };
    let choices = Signal::derive(move || {
        let mut choices = vec![(String::new(), words::settings::INVITE_NO_TEAM.get().to_owned())];
        teams.data.with(|page| {
            choices.extend(page.iter().flat_map(|page| &page.data).map(|t| (t.id.to_string(), t.name.clone())));
        });
        choices
    });
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <TextField
                label=words::settings::INVITE_EMAIL
                value=email
                kind="email"
                name="email"
                hint=words::settings::INVITE_EMAIL_HINT
                error=task.field("/email")
                autofocus=true
            />
            <RoleField role error=task.field("/role") />
            <Select label=words::settings::INVITE_TEAM value=team choices error=task.field("/teamId") />
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true busy=task.busy>
                    {t(words::settings::INVITE_SUBMIT)}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

#[component]
fn RevokeDialog(asked: RwSignal<Option<Invitation>>, invitations: Query<Page<Invitation>>) -> AnyView {
    let open = ask::opened_by(asked);
    let task = Task::new();
    let confirm = Callback::new(move |()| {
        let Some(invitation) = asked.get_untracked() else { return };
        let path = format!("/invitations/{}", invitation.id);
        task.run(async move { api::delete(&path).await }, move |()| {
            open.set(false);
            toast::done(words::settings::revoked(&invitation.email));
            invitations.reload();
        });
    });
    let title = Text::derive(move || {
        asked.with(|one| one.as_ref().map(|one| words::settings::revoke_title(&one.email)).unwrap_or_default())
    });
    view! {
        <ConfirmDialog
            open
            title
            consequences=vec![words::settings::REVOKE_1.into(), words::settings::REVOKE_2.into()]
            confirm=words::settings::REVOKE_CONFIRM
            busy=task.busy
            error=task.text()
            on_confirm=confirm
        />
    }
    .into_any()
}
