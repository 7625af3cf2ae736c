//! `/alerts`, in tabs: alerts, rules, channels, deliveries.

use leptos::prelude::*;

use super::channels::ChannelsTab;
use super::deliveries::DeliveriesTab;
use super::list::AlertsTab;
use super::rules::RulesTab;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::session;
use crate::ui::{ButtonKind, Icon, LinkButton, PageHeader, Tab, Tabs};
use crate::url::{use_param, use_set_params};

/// The parameters that belong to one of the tabs.
const OF_TABS: [&str; 10] =
    ["status", "kind", "projectId", "budgetId", "alertId", "channelId", "delivery", "cursor", "new", "name"];

/// The alerts.
#[component]
pub fn AlertsPage() -> AnyView {
    let tab = use_param("tab");
    let set = use_set_params();
    let manages = session::manages();
    let mut tabs = vec![Tab::new("alerts", words::alerts::TITLE), Tab::new("rules", words::alerts::TAB_RULES)];
    if manages {
        tabs.push(Tab::new("channels", words::alerts::TAB_CHANNELS));
        tabs.push(Tab::new("deliveries", words::alerts::TAB_DELIVERIES));
    }
    let panel = Callback::new(|tab: &'static str| match tab {
        "rules" => view! { <RulesTab /> }.into_any(),
        "channels" => view! { <ChannelsTab /> }.into_any(),
        "deliveries" => view! { <DeliveriesTab /> }.into_any(),
        _ => view! { <AlertsTab /> }.into_any(),
    });
    let choose = move |tab: &'static str| {
        let mut changes = OF_TABS.map(|name| (name, None)).to_vec();
        changes.push(("tab", (tab != "alerts").then_some(tab)));
        set(&changes, true);
    };
    let actions = move || {
        manages.then(|| {
            let (href, word) = match tab.get().as_deref() {
                Some("channels") => ("/alerts?tab=channels&new=channel", words::alerts::ADD_CHANNEL),
                _ => ("/budgets?new=budget", words::alerts::ADD_RULE),
            };
            view! { <LinkButton href kind=ButtonKind::Primary icon=Icon::Plus>{t(word)}</LinkButton> }
        })
    };
    view! {
        <PageHeader title=words::alerts::TITLE lead=words::alerts::LEAD actions=move || view! { {live(actions)} } />
        <div class="stack">
            <Tabs
                label=words::alerts::TITLE
                tabs
                value=Signal::derive(move || tab.get().unwrap_or_default())
                on_change=choose
                panel
            />
        </div>
    }
    .into_any()
}
