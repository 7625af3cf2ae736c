//! A team's name, what may be done in its name, and its end.

use finops_contract::teams::{Team, UpdateTeamRequest};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::form::RenameForm;
use super::page::TeamView;
use crate::api;
use crate::data::Task;
use crate::i18n::{t, words};
use crate::reactive::{effect, live, memo};
use crate::ui::{Button, ButtonKind, Card, ConfirmDialog, Icon, LinkButton, Switch, Text, toast};

/// Renaming and deleting.
#[component]
pub fn SettingsPanel(
    /// The team.
    view: TeamView,
) -> AnyView {
    let open = RwSignal::new(false);
    let task = Task::new();
    let navigate = use_navigate();
    let name = memo(move |_| view.team.data.with(|t| t.as_ref().map(|t| t.name.clone()).unwrap_or_default()));
    let blocked = memo(move |_| {
        view.team.data.with(|t| t.as_ref().is_none_or(|t| t.project_count > 0 || t.has_active_admin_key))
    });
    let confirm = Callback::new(move |()| {
        let (path, navigate) = (format!("/teams/{}", view.id), navigate.clone());
        task.run(async move { api::delete(&path).await }, move |()| {
            toast::done(words::teams::deleted(&name.get_untracked()));
            open.set(false);
            navigate("/teams", Default::default());
        });
    });
    let renamed = Callback::new(move |team: Team| view.team.data.set(Some(team)));
    let body = move || if blocked.get() { words::teams::DANGER_BLOCKED } else { words::teams::DANGER_BODY }.get();
    view! {
        <div class="stack settings" data-gap="24">
            <Card title=words::teams::TAB_SETTINGS>
                {view.team.data.get_untracked().map(|team| view! { <RenameForm team on_done=renamed /> })}
            </Card>
            <Card title=words::shell::BLOCKS><ProviderStops view /></Card>
            <Card title=words::teams::DANGER>
                <div class="spread">
                    <p class="muted">{live(body)}</p>
                    <Button
                        kind=ButtonKind::Danger
                        icon=Icon::Trash
                        disabled=blocked
                        on_press=move |_| {
                            task.error.set(None);
                            open.set(true);
                        }
                    >
                        {t(words::teams::DELETE_TEAM)}
                    </Button>
                </div>
            </Card>
            <div>
                <LinkButton href=format!("/audit?target={}", view.id) kind=ButtonKind::Ghost icon=Icon::History>
                    {t(words::teams::HISTORY)}
                </LinkButton>
            </div>
        </div>
        <ConfirmDialog
            open
            title=Text::derive(move || words::teams::delete_title(&name.get()))
            consequences=vec![words::teams::DELETE_1.into(), words::teams::DELETE_2.into(), words::teams::DELETE_3.into()]
            confirm=words::teams::DELETE_TEAM
            busy=task.busy
            error=task.text()
            on_confirm=confirm
        />
    }
    .into_any()
}

/// Whether an emergency block of the team's things may stop them at the provider, too.
#[component]
fn ProviderStops(view: TeamView) -> AnyView {
    let task = Task::new();
    effect(move |_| {
        if let Some(error) = task.error.get() {
            toast::failed(error.text());
        }
    });
    let allowed =
        memo(move |_| view.team.data.with(|team| team.as_ref().is_some_and(|team| team.allow_provider_stops)));
    let switch = move |on: bool| {
        let path = format!("/teams/{}", view.id);
        let request = UpdateTeamRequest { allow_provider_stops: Some(on), ..UpdateTeamRequest::default() };
        task.run(async move { api::patch::<Team>(&path, &request).await }, move |team| {
            view.team.data.set(Some(team));
            toast::done(words::common::SAVED.get_untracked());
        });
    };
    view! {
        <Switch value=allowed label=words::teams::PROVIDER_STOPS on_change=switch />
        <p class="field-hint">{t(words::teams::PROVIDER_STOPS_HINT)}</p>
    }
    .into_any()
}
