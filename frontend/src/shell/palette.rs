//! The command palette (⌘K, Ctrl K): every page, project and team by a few of its letters, and a few actions.

use finops_contract::projects::Project;
use finops_contract::teams::Team;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::nav::entries;
use crate::data::use_list;
use crate::i18n::{Locale, Word, locale, set_locale, t, words};
use crate::order::{folded, sort_by};
use crate::reactive::{effect, live, memo};
use crate::session;
use crate::theme::{self, Theme};
use crate::ui::dom::is_composing;
use crate::ui::{Glyph, Icon, Kbd};

#[derive(Clone, PartialEq)]
enum Target {
    Page(String),
    Language(Locale),
    Theme(Theme),
    SignOut,
}

#[derive(Clone, PartialEq)]
struct Item {
    group: Word,
    icon: Icon,
    label: String,
    /// Found by these too: the name in the other language.
    also: String,
    note: String,
    target: Target,
}

/// How well `label` answers `query`; lower is better, `None` not at all. Its letters must come in order, and those that
/// start a word count more.
fn rank(label: &str, query: &str) -> Option<u32> {
    let (label, query) = (folded(label), folded(query.trim()));
    if query.is_empty() || label.starts_with(&query) {
        return Some(0);
    }
    if let Some(at) = label.find(&query) {
        let word = label[..at].ends_with(|c: char| !c.is_alphanumeric());
        return Some(if word { 1 } else { 2 });
    }
    let mut rest = label.chars();
    query.chars().filter(|c| !c.is_whitespace()).all(|wanted| rest.any(|c| c == wanted)).then_some(3)
}

/// What answers `query`, kept together by group: the group that holds the best answer first. Without a query: a few of
/// each.
fn find(all: &[Item], query: &str) -> Vec<Item> {
    let rank_of = |item: &Item| rank(&item.label, query).or_else(|| rank(&item.also, query).map(|rank| rank + 4));
    let mut groups: Vec<(Word, Vec<(u32, &Item)>)> = Vec::new();
    for item in all {
        let Some(rank) = rank_of(item) else { continue };
        match groups.iter_mut().find(|(group, _)| *group == item.group) {
            Some((_, items)) => items.push((rank, item)),
            None => groups.push((item.group, vec![(rank, item)])),
        }
    }
    for (_, items) in &mut groups {
        sort_by(items, |a, b| a.0.cmp(&b.0));
    }
    let best = |group: &(Word, Vec<(u32, &Item)>)| group.1.first().map(|(rank, _)| *rank);
    sort_by(&mut groups, |a, b| best(a).cmp(&best(b)));
    let most = if query.trim().is_empty() { 8 } else { 12 };
    groups.into_iter().flat_map(|(_, items)| items.into_iter().take(most)).map(|(_, item)| item.clone()).collect()
}

/// The palette. Its list exists while it is open.
#[component]
pub fn Palette(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> AnyView {
    let node = NodeRef::<leptos::html::Dialog>::new();
    effect(move |_| {
        let Some(dialog) = node.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    view! {
        <dialog
            class="palette"
            node_ref=node
            aria-label=move || words::shell::PALETTE.get()
            on:close=move |_| open.set(false)
            on:mousedown=move |event| {
                let on_itself = event.target().is_some_and(|target| {
                    use wasm_bindgen::JsCast;
                    target.dyn_ref::<web_sys::HtmlDialogElement>().is_some()
                });
                if on_itself {
                    open.set(false);
                }
            }
        >
            {live(move || open.get().then(|| view! { <Search open /> }))}
        </dialog>
    }
    .into_any()
}

#[component]
fn Search(open: RwSignal<bool>) -> AnyView {
    let query = RwSignal::new(String::new());
    let chosen = RwSignal::new(0usize);
    let projects = use_list::<Project>(|| Some("/projects?limit=200".to_owned()));
    let teams = use_list::<Team>(|| Some("/teams?limit=200".to_owned()));
    let all = memo(move |_| {
        let mut items = pages();
        projects.data.with(|page| items.extend(page.iter().flat_map(|page| &page.data).map(project)));
        teams.data.with(|page| items.extend(page.iter().flat_map(|page| &page.data).map(team)));
        if session::manages() {
            items.extend(makes());
            teams.data.with(|page| items.extend(page.iter().flat_map(|page| &page.data).filter_map(register_key)));
        }
        items.extend(actions());
        items
    });
    let found = memo(move |_| all.with(|all| find(all, &query.get())));
    let navigate = use_navigate();
    let run = Callback::new(move |target: Target| {
        open.set(false);
        match target {
            Target::Page(href) => navigate(&href, Default::default()),
            Target::Language(locale) => set_locale(locale),
            Target::Theme(theme) => theme::set_theme(theme),
            Target::SignOut => session::sign_out(),
        }
    });
    let keys = move |event: KeyboardEvent| {
        if is_composing(&event) {
            return;
        }
        let count = found.with(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => chosen.update(|at| *at = (*at + 1) % count),
            "ArrowUp" if count > 0 => chosen.update(|at| *at = (*at + count - 1) % count),
            "Enter" => {
                if let Some(item) = found.with(|found| found.get(chosen.get()).cloned()) {
                    run.run(item.target);
                }
            }
            _ => return,
        }
        event.prevent_default();
        request_animation_frame(|| {
            if let Ok(Some(item)) = document().query_selector(".palette-item[aria-selected=true]") {
                let options = web_sys::ScrollIntoViewOptions::new();
                options.set_block(web_sys::ScrollLogicalPosition::Nearest);
                item.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
    };
    let list = move || {
        let items = found.get();
        let mut group = None;
        let rows = items.into_iter().enumerate().map(|(index, item)| {
            let head = (group != Some(item.group)).then_some(item.group);
            group = Some(item.group);
            let target = item.target.clone();
            view! {
                {head.map(|head| view! { <div class="palette-group" role="presentation">{t(head)}</div> })}
                <div
                    class="palette-item"
                    role="option"
                    id=format!("palette-{index}")
                    aria-selected=move || (chosen.get() == index).to_string()
                    on:mousemove=move |_| if chosen.get_untracked() != index { chosen.set(index) }
                    on:click=move |_| run.run(target.clone())
                >
                    <Glyph icon=item.icon />
                    <span class="truncate">{item.label}</span>
                    <span class="palette-note">{item.note}</span>
                </div>
            }
        });
        rows.collect_view()
    };
    view! {
        <div class="palette-search">
            <Glyph icon=Icon::Search />
            <input
                type="text"
                role="combobox"
                autofocus=true
                aria-expanded="true"
                aria-controls="palette-list"
                aria-autocomplete="list"
                aria-activedescendant=move || found.with(|f| !f.is_empty()).then(|| format!("palette-{}", chosen.get()))
                aria-label=move || words::shell::SEARCH.get()
                placeholder=move || words::shell::SEARCH.get()
                autocomplete="off"
                spellcheck="false"
                on:input=move |event| {
                    query.set(event_target_value(&event));
                    chosen.set(0);
                }
                on:keydown=keys
            />
        </div>
        <div class="palette-list" role="listbox" id="palette-list" aria-label=move || words::shell::PALETTE.get()>{list}</div>
        {live(move || found.with(Vec::is_empty).then(|| view! { <p class="palette-none" role="status">{t(words::shell::PALETTE_NONE)}</p> }))}
        <div class="palette-foot" aria-hidden="true">
            <span><Kbd>"↑"</Kbd><Kbd>"↓"</Kbd>{t(words::shell::PALETTE_MOVE)}</span>
            <span><Kbd>"↵"</Kbd>{t(words::shell::PALETTE_OPEN)}</span>
            <span><Kbd>"Esc"</Kbd>{t(words::shell::PALETTE_CLOSE)}</span>
        </div>
    }
    .into_any()
}

fn in_other_language(word: Word) -> String {
    word.in_locale(if locale() == Locale::Ko { Locale::En } else { Locale::Ko }).to_owned()
}

fn item(group: Word, icon: Icon, word: Word, target: Target) -> Item {
    Item { group, icon, label: word.get().to_owned(), also: in_other_language(word), note: String::new(), target }
}

fn pages() -> Vec<Item> {
    let page = |entry: super::nav::Entry| {
        item(words::shell::PALETTE_PAGES, entry.icon, entry.label, Target::Page(entry.href.to_owned()))
    };
    entries().into_iter().map(page).collect()
}

fn project(project: &Project) -> Item {
    Item {
        group: words::shell::PALETTE_PROJECTS,
        icon: Icon::Folder,
        label: project.name.clone(),
        also: project.openai_project_id.clone().unwrap_or_default(),
        note: project.team_name.clone(),
        target: Target::Page(format!("/projects/{}", project.id)),
    }
}

fn team(team: &Team) -> Item {
    Item {
        group: words::shell::PALETTE_TEAMS,
        icon: Icon::People,
        label: team.name.clone(),
        also: String::new(),
        note: String::new(),
        target: Target::Page(format!("/teams/{}", team.id)),
    }
}

/// What can be made, each where its form is.
fn makes() -> Vec<Item> {
    let group = words::shell::PALETTE_ACTIONS;
    [
        (Icon::People, words::shell::CREATE_TEAM, "/teams?new=team"),
        (Icon::Folder, words::shell::CREATE_PROJECT, "/projects?new=project"),
        (Icon::Gauge, words::shell::CREATE_BUDGET, "/budgets?new=budget"),
        (Icon::Plus, words::shell::INVITE, "/settings?tab=members&new=invitation"),
    ]
    .map(|(icon, word, href)| item(group, icon, word, Target::Page(href.to_owned())))
    .to_vec()
}

/// Registering a key, for a team that has none.
fn register_key(team: &Team) -> Option<Item> {
    let target = Target::Page(format!("/teams/{}?new=key", team.id));
    let item = item(words::shell::PALETTE_ACTIONS, Icon::Key, words::shell::REGISTER_KEY, target);
    (!team.has_active_admin_key).then(|| Item { note: team.name.clone(), ..item })
}

fn actions() -> Vec<Item> {
    let group = words::shell::PALETTE_ACTIONS;
    let mut items = Vec::new();
    for choice in Locale::ALL.into_iter().filter(|choice| *choice != locale()) {
        items.push(item(group, Icon::Globe, choice.own_name(), Target::Language(choice)));
    }
    for (choice, word, icon) in [
        (Theme::Light, words::common::THEME_LIGHT, Icon::Sun),
        (Theme::Dark, words::common::THEME_DARK, Icon::Moon),
        (Theme::System, words::common::THEME_SYSTEM, Icon::Screen),
    ] {
        items.push(Item {
            note: words::common::THEME.get().to_owned(),
            ..item(group, icon, word, Target::Theme(choice))
        });
    }
    items.push(item(group, Icon::Leave, words::auth::SIGN_OUT, Target::SignOut));
    items
}

#[cfg(test)]
mod tests {
    use super::{Item, Target, find, rank};
    use crate::i18n::words;
    use crate::ui::Icon;

    #[test]
    fn answers_stay_with_their_group_and_the_best_group_comes_first() {
        let item = |group, label: &str| Item {
            group,
            icon: Icon::Folder,
            label: label.to_owned(),
            also: String::new(),
            note: String::new(),
            target: Target::SignOut,
        };
        let (pages, teams) = (words::shell::PALETTE_PAGES, words::shell::PALETTE_TEAMS);
        let all =
            [item(pages, "Improve"), item(pages, "Map of projects"), item(teams, "Project team"), item(teams, "x")];
        let labels: Vec<_> = find(&all, "pro").into_iter().map(|item| item.label).collect();
        assert_eq!(labels, ["Project team", "Map of projects", "Improve"]);
        assert_eq!(find(&all, "").len(), 4);
    }

    #[test]
    fn what_starts_like_the_query_comes_first() {
        assert_eq!(rank("Projects", "pro"), Some(0));
        assert_eq!(rank("my-projects", "pro"), Some(1));
        assert_eq!(rank("improve", "pro"), Some(2));
        assert_eq!(rank("chatbot-experiment", "cbexp"), Some(3));
        assert_eq!(rank("chatbot", "x"), None);
        assert_eq!(rank("마케팅팀", "마케"), Some(0));
    }
}
