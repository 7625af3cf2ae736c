//! The main menu: beside the page, or in a drawer where there is no room.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::features::auth::Logo;
use crate::i18n::{Word, t, words};
use crate::reactive::{effect, live};
use crate::session;
use crate::ui::{Glyph, Icon, IconButton, Tooltip};
use crate::url::use_param;

/// A page that the menu and the palette lead to.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Its address.
    pub(super) href: &'static str,
    /// Its name.
    pub(super) label: Word,
    /// Its icon.
    pub(super) icon: Icon,
    /// Only for who manages the organization.
    pub(super) managers: bool,
    /// Looks at the chosen period, which goes along.
    pub(super) period: bool,
}

const fn entry(href: &'static str, label: Word, icon: Icon) -> Entry {
    Entry { href, label, icon, managers: false, period: false }
}

const GROUPS: &[(Word, &[Entry])] = &[
    (
        words::shell::GROUP_OVERVIEW,
        &[
            Entry { period: true, ..entry("/", words::shell::HOME, Icon::Home) },
            Entry { managers: true, ..entry("/setup", words::shell::SETUP, Icon::Checklist) },
        ],
    ),
    (
        words::shell::GROUP_ANALYSIS,
        &[
            Entry { period: true, ..entry("/projects", words::shell::PROJECTS, Icon::Folder) },
            Entry { period: true, ..entry("/explore", words::shell::EXPLORE, Icon::Chart) },
            entry("/events", words::shell::EVENTS, Icon::List),
        ],
    ),
    (
        words::shell::GROUP_CONTROL,
        &[
            entry("/budgets", words::shell::BUDGETS, Icon::Gauge),
            entry("/alerts", words::shell::ALERTS, Icon::Bell),
            entry("/blocks", words::shell::BLOCKS, Icon::Stop),
        ],
    ),
    (
        words::shell::GROUP_IMPROVE,
        &[Entry { managers: true, ..entry("/reports/weekly", words::shell::REPORTS, Icon::Mail) }],
    ),
    (
        words::shell::GROUP_CONNECT,
        &[
            entry("/integration", words::shell::INTEGRATION, Icon::Plug),
            entry("/pricebook", words::shell::PRICEBOOK, Icon::Tag),
        ],
    ),
    (
        words::shell::GROUP_ORGANIZATION,
        &[
            entry("/teams", words::shell::TEAMS, Icon::People),
            entry("/settings", words::shell::SETTINGS, Icon::Sliders),
            Entry { managers: true, ..entry("/audit", words::shell::AUDIT, Icon::History) },
        ],
    ),
];

/// The pages that this person may open.
pub(super) fn entries() -> Vec<Entry> {
    let manages = session::manages();
    let all = GROUPS.iter().flat_map(|(_, entries)| entries.iter().copied());
    all.filter(|entry| manages || !entry.managers).collect()
}

/// Whether a menu entry stands for the page at `path`.
fn is_current(href: &str, path: &str) -> bool {
    path == href || (href != "/" && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')))
}

/// The main menu.
#[component]
pub fn Navigation(
    /// Whether only the icons show.
    #[prop(into)]
    folded: Signal<bool>,
) -> AnyView {
    let path = use_location().pathname;
    let (from, to) = (use_param("from"), use_param("to"));
    let period = move || crate::url::query(&[("from", from.get().as_deref()), ("to", to.get().as_deref())]);
    let groups = move || {
        let manages = session::manages();
        let group = |(label, entries): &(Word, &'static [Entry])| {
            let entries: Vec<_> = entries.iter().copied().filter(|entry| manages || !entry.managers).collect();
            (!entries.is_empty()).then(|| {
                let label = *label;
                let links = entries.into_iter().map(|entry| {
                    let link = view! {
                        <a
                            class="nav-link"
                            href=move || if entry.period { format!("{}{}", entry.href, period()) } else { entry.href.to_owned() }
                            aria-current=move || path.with(|path| is_current(entry.href, path)).then_some("page")
                        >
                            <Glyph icon=entry.icon />
                            <span class="nav-label">{t(entry.label)}</span>
                        </a>
                    };
                    let link = move || link;
                    view! {
                        <li>
                            <Tooltip text=entry.label beside=true>{link()}</Tooltip>
                        </li>
                    }
                });
                view! {
                    <div class="nav-group">
                        <p class="nav-title">{t(label)}</p>
                        <ul>{links.collect_view()}</ul>
                    </div>
                }
            })
        };
        GROUPS.iter().map(group).collect_view()
    };
    view! {
        <nav class="nav" aria-label=move || words::shell::NAV_LABEL.get() data-folded=move || folded.get().then_some("")>
            {live(groups)}
        </nav>
    }
    .into_any()
}

/// The menu over the page, on narrow screens.
#[component]
pub fn Drawer(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> AnyView {
    let node = NodeRef::<leptos::html::Dialog>::new();
    let location = use_location();
    effect(move |_| {
        let Some(dialog) = node.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    // Choosing a page closes it.
    effect(move |_| {
        location.pathname.track();
        open.set(false);
    });
    view! {
        <dialog class="drawer" node_ref=node aria-label=move || words::shell::NAV_LABEL.get() on:close=move |_| open.set(false)>
            {live(move || open.get().then(|| view! {
                <div class="drawer-head">
                    <span class="brand"><Logo />{t(words::common::APP_NAME)}</span>
                    <IconButton icon=Icon::Close label=words::common::CLOSE bare=true on_press=move |_| open.set(false) />
                </div>
                <Navigation folded=false />
            }))}
        </dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::is_current;

    #[test]
    fn a_page_below_an_entry_belongs_to_it() {
        assert!(is_current("/projects", "/projects/1"));
        assert!(is_current("/", "/"));
        assert!(!is_current("/", "/projects"));
        assert!(!is_current("/team", "/teams"));
    }
}
