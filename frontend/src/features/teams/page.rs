//! `/teams/:id`: one team, in tabs.

use finops_contract::Page;
use finops_contract::admin_keys::AdminKey;
use finops_contract::collector::TeamCollection;
use finops_contract::projects::Project;
use finops_contract::teams::Team;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use uuid::Uuid;

use super::collection::CollectionCard;
use super::keys::KeysCard;
use super::members::MembersCard;
use super::projects::ProjectsCard;
use super::settings::SettingsPanel;
use super::unattributed::UnattributedCard;
use crate::data::{self, Query, use_get, use_list};
use crate::features::teams::connect::ConnectDialog;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{Button, ButtonKind, Crumb, EmptyKind, EmptyState, Icon, PageHeader, Skeleton, Tab, Tabs, Text};
use crate::url::{use_open, use_param, use_set_params};

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub struct TeamView {
    pub(super) id: Uuid,
    pub(super) team: Query<Team>,
    pub(super) keys: Query<Page<AdminKey>>,
    pub(super) collection: Query<TeamCollection>,
    pub(super) projects: Query<Page<Project>>,
    /// Whether the form that registers a key is open.
    pub(super) register: RwSignal<bool>,
    /// The key that is being replaced.
    pub(super) rotate: RwSignal<Option<AdminKey>>,
}

impl TeamView {
    /// The key in use.
    pub(super) fn active_key(self) -> Option<AdminKey> {
        self.keys.data.with(|page| page.as_ref()?.data.iter().find(|key| key.is_active).cloned())
    }

    /// Reads again what a changed key changes.
    pub(super) fn keys_changed(self) {
        self.keys.reload();
        self.team.reload();
        self.collection.reload();
    }
}

/// One team.
#[component]
pub fn TeamPage() -> AnyView {
    let params = use_params_map();
    let id = memo(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<Uuid>().ok())));
    // Another team is another page.
    live(move || match id.get() {
        Some(id) => page(id),
        None => view! {
            <PageHeader title=words::common::NOT_FOUND_TITLE trail=trail() />
            <div class="card"><EmptyState kind=EmptyKind::Missing /></div>
        }
        .into_any(),
    })
}

fn trail() -> Vec<Crumb> {
    vec![Crumb { href: "/teams", label: words::teams::TITLE.into() }]
}

fn page(id: Uuid) -> AnyView {
    let view = TeamView {
        id,
        team: use_get(move || Some(format!("/teams/{id}"))),
        keys: use_list(move || Some(format!("/teams/{id}/admin-keys?limit=200"))),
        collection: use_get(move || Some(format!("/teams/{id}/collection"))),
        projects: use_list(move || Some(format!("/projects?teamId={id}&limit=200"))),
        register: use_open("new", "key"),
        rotate: RwSignal::new(None),
    };
    let team = view.team;
    let title = Text::derive(move || team.data.with(|t| t.as_ref().map(|t| t.name.clone()).unwrap_or_default()));
    let lead = Text::derive(move || {
        let counts = team.data.with(|team| team.as_ref().map(|team| (team.project_count, team.member_count)));
        counts.map(|(projects, members)| summary(projects, members)).unwrap_or_default()
    });
    let lacks_key = memo(move |_| team.data.with(|t| t.as_ref().is_some_and(|t| !t.has_active_admin_key)));
    let main = move || {
        (session::manages() && lacks_key.get()).then(|| {
            view! {
                <Button kind=ButtonKind::Primary icon=Icon::Key on_press=move |_| view.register.set(true)>
                    {t(words::teams::REGISTER_KEY)}
                </Button>
            }
        })
    };
    let known = memo(move |_| team.data.with(Option::is_some));
    let skeleton = || {
        view! { <div class="card"><div class="card-body stack"><Skeleton shape="title" /><Skeleton count=5 /></div></div> }
            .into_any()
    };
    view! {
        <PageHeader title lead trail=trail() actions=move || main />
        {live(move || if known.get() { tabs(view) } else { data::section(team, skeleton, |_| ().into_any()) })}
    }
    .into_any()
}

fn summary(projects: i64, members: i64) -> String {
    let projects = words::teams::count_projects(projects.unsigned_abs());
    format!("{projects} · {}", words::teams::count_members(members.unsigned_abs()))
}

fn tabs(view: TeamView) -> AnyView {
    let tab = use_param("tab");
    let set = use_set_params();
    let mut tabs = vec![
        Tab::new("collection", words::teams::TAB_COLLECTION),
        Tab::new("projects", words::teams::TAB_PROJECTS),
        Tab::new("members", words::teams::TAB_MEMBERS),
    ];
    if session::manages() {
        tabs.push(Tab::new("settings", words::teams::TAB_SETTINGS));
    }
    let panel = Callback::new(move |tab: &'static str| match tab {
        "projects" => view! { <ProjectsCard view /> }.into_any(),
        "members" => view! { <MembersCard view /> }.into_any(),
        "settings" => view! { <SettingsPanel view /> }.into_any(),
        _ => view! {
            <div class="stack" data-gap="24">
                <CollectionCard view />
                <KeysCard view />
                <UnattributedCard view />
            </div>
        }
        .into_any(),
    });
    let choose = Callback::new(move |tab: &'static str| {
        set(&[("tab", (tab != "collection").then_some(tab)), ("cursor", None)], true);
    });
    view! {
        <div class="stack" data-gap="24">
            <Tabs
                label=words::teams::TABS
                tabs
                value=Signal::derive(move || tab.get().unwrap_or_default())
                on_change=choose
                panel
            />
        </div>
        <ConnectDialog view />
    }
    .into_any()
}
