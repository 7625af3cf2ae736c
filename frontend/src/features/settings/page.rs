//! `/settings`, in tabs.

use leptos::prelude::*;

use super::invitations::InvitationsCard;
use super::members::MembersCard;
use super::organization::OrganizationCard;
use super::profile::ProfilePanel;
use super::security::SecurityPanel;
use crate::features::api_keys::ApiKeysCard;
use crate::features::provider_keys::ProviderKeysCard;
use crate::i18n::words;
use crate::session;
use crate::ui::{PageHeader, Tab, Tabs};
use crate::url::{use_param, use_set_params};

/// The settings.
#[component]
pub fn SettingsPage() -> AnyView {
    let tab = use_param("tab");
    let set = use_set_params();
    let mut tabs = vec![Tab::new("organization", words::settings::TAB_ORGANIZATION)];
    if session::manages() {
        tabs.push(Tab::new("members", words::settings::TAB_MEMBERS));
    }
    tabs.push(Tab::new("keys", words::settings::TAB_KEYS));
    tabs.push(Tab::new("profile", words::settings::TAB_PROFILE));
    tabs.push(Tab::new("security", words::settings::TAB_SECURITY));
    let panel = Callback::new(|tab: &'static str| match tab {
        "members" => view! {
            <div class="stack" data-gap="24"><MembersCard /><InvitationsCard /></div>
        }
        .into_any(),
        "keys" => view! {
            <div class="stack" data-gap="24"><ApiKeysCard /><ProviderKeysCard /></div>
        }
        .into_any(),
        "profile" => view! { <ProfilePanel /> }.into_any(),
        "security" => view! { <SecurityPanel /> }.into_any(),
        _ => view! { <OrganizationCard /> }.into_any(),
    });
    let choose = Callback::new(move |tab: &'static str| {
        set(&[("tab", (tab != "organization").then_some(tab)), ("cursor", None)], true);
    });
    view! {
        <PageHeader title=words::settings::TITLE />
        <div class="stack" data-gap="24">
            <Tabs
                label=words::settings::TABS
                tabs
                value=Signal::derive(move || tab.get().unwrap_or_default())
                on_change=choose
                panel
            />
        </div>
    }
    .into_any()
}
