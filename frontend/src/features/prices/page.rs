//! `/pricebook`, in tabs. What needs somebody comes first.

use finops_contract::Page;
use finops_contract::accounts::Role;
use finops_contract::reprices::UnpricedModel;
use leptos::prelude::*;

use super::book::BookCard;
use super::changes::ChangesCard;
use super::form::{AddDialog, Prefill};
use super::overrides::OverridesCard;
use super::reprice::RepricePanel;
use super::unpriced::UnpricedCard;
use super::versions::VersionsCard;
use crate::data::{Query, use_get};
use crate::i18n::{t, words};
use crate::session;
use crate::ui::{Button, ButtonKind, Icon, PageHeader, Tab, Tabs};
use crate::url::{use_open, use_param, use_set_params};

/// What belongs to one tab alone, and is dropped on the way to another.
const OF_A_TAB: [&str; 6] = ["cursor", "entry", "run", "since", "until", "history"];

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub struct View {
    /// Models that events have no price of.
    pub(super) unpriced: Query<Page<UnpricedModel>>,
    /// Counts what was negotiated or priced anew, so that lists are read again.
    pub(super) changed: RwSignal<u32>,
    /// What the form begins with.
    pub(super) prefill: RwSignal<Prefill>,
    /// Whether the form is open.
    pub(super) add: RwSignal<bool>,
}

impl View {
    /// Something was negotiated, or events were priced anew.
    pub(super) fn tell(self) {
        self.changed.update(|changed| *changed = changed.wrapping_add(1));
        self.unpriced.reload();
    }

    /// Opens the form with what is known already.
    pub(super) fn add(self, prefill: Prefill) {
        self.prefill.set(prefill);
        self.add.set(true);
    }
}

/// The price book.
#[component]
pub fn PriceBookPage() -> AnyView {
    let view = View {
        unpriced: use_get(|| Some("/prices/unpriced".to_owned())),
        changed: RwSignal::new(0),
        prefill: RwSignal::new(Prefill::default()),
        add: use_open("new", "price"),
    };
    let manages = session::manages();
    let set = use_set_params();
    let to_reprice = {
        let set = set.clone();
        StoredValue::new(move |_| choose(&set, "reprice"))
    };
    let actions = move || {
        manages.then(|| {
            view! {
                <Button icon=Icon::Retry on_press=move |event| to_reprice.with_value(|go| go(event))>
                    {t(words::prices::REPRICE)}
                </Button>
                <Button kind=ButtonKind::Primary icon=Icon::Plus on_press=move |_| view.add(Prefill::default())>
                    {t(words::prices::ADD)}
                </Button>
            }
        })
    };
    view! {
        <PageHeader title=words::prices::TITLE lead=words::prices::LEAD actions />
        <Parts view manages />
        {manages.then(|| view! { <AddDialog view /> })}
    }
    .into_any()
}

#[component]
fn Parts(view: View, manages: bool) -> AnyView {
    let tab = use_param("tab");
    let set = use_set_params();
    let mut tabs = vec![
        Tab::new("book", words::prices::TAB_BOOK),
        Tab::new("own", words::prices::TAB_OWN),
        Tab::new("versions", words::prices::TAB_VERSIONS),
    ];
    if manages {
        tabs.push(Tab::new("reprice", words::prices::TAB_REPRICE));
    }
    let panel = Callback::new(move |tab: &'static str| match tab {
        "own" => view! { <OverridesCard view /> }.into_any(),
        "versions" => view! { <VersionsCard /> }.into_any(),
        "reprice" => view! { <RepricePanel view /> }.into_any(),
        _ => view! {
            <div class="sections">
                <UnpricedCard view />
                {session::is_at_least(Role::Admin).then(|| view! { <ChangesCard /> })}
                <BookCard />
            </div>
        }
        .into_any(),
    });
    view! {
        <div class="stack" data-gap="24">
            <Tabs
                label=words::prices::TABS
                tabs
                value=Signal::derive(move || tab.get().unwrap_or_default())
                on_change=Callback::new(move |tab: &'static str| choose(&set, tab))
                panel
            />
        </div>
    }
    .into_any()
}

/// Goes to a tab.
fn choose(set: &impl Fn(&[(&str, Option<&str>)], bool), tab: &'static str) {
    let mut changes: Vec<_> = OF_A_TAB.iter().map(|name| (*name, None)).collect();
    changes.extend([("provider", None), ("model", None), ("tab", (tab != "book").then_some(tab))]);
    set(&changes, true);
}
