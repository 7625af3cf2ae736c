//! The field that narrows the list: one line of `key:value`, with suggestions.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::filter::{Filter, Key, NONE, Suggestion, Term, read_term, suggest};
use super::log::Log;
use super::model::{self, Span};
use super::wording::{key_label, problem};
use crate::features::moment;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::ui::dom::{is_composing, unique_id};
use crate::ui::{Button, ButtonKind, Glyph, Icon};
use crate::url::use_set_params;

/// The field, and what was chosen below it.
pub(super) fn search(log: Log) -> AnyView {
    let set = StoredValue::new(use_set_params());
    let choose = Callback::new(move |filter: Filter| {
        set.with_value(|set| set(&[("q", Some(&filter.write())), ("event", None)], false));
    });
    let wrong = memo(move |_| {
        let unread = log.filter.with(|(_, problems)| problems.first().cloned());
        unread.or_else(|| log.refused.get()).map(|found| problem(&found))
    });
    view! {
        <div class="stack">
            <Field log choose />
            <div aria-live="polite">
                {live(move || wrong.get().map(|text| view! {
                    <p class="field-error"><Glyph icon=Icon::Failure size=12 />{text}</p>
                }))}
            </div>
            {chips(log, choose)}
        </div>
    }
    .into_any()
}

/// What may be suggested: projects by name, and what the lines have.
fn known(log: Log) -> Vec<Term> {
    let mut known = Vec::new();
    log.projects.data.with(|page| {
        let projects = page.iter().flat_map(|page| &page.data).collect::<Vec<_>>();
        for project in &projects {
            // A name that several have would not say which.
            let unique = projects.iter().filter(|other| other.name == project.name).count() == 1;
            let value = if unique { project.name.clone() } else { project.id.to_string() };
            known.push(Term { key: Key::Project, value });
        }
    });
    known.push(Term { key: Key::Project, value: NONE.to_owned() });
    log.lines.with(|lines| known.extend(model::values(&lines.rows)));
    known
}

#[component]
fn Field(log: Log, choose: Callback<Filter>) -> AnyView {
    let text = RwSignal::new(String::new());
    let open = RwSignal::new(false);
    let chosen = RwSignal::new(None::<usize>);
    let list = unique_id("suggestions");
    let offered = memo(move |_| {
        if !open.get() {
            return Vec::new();
        }
        suggest(&text.get(), &known(log), |key| key_label(key).get().to_owned())
    });
    let filter = move || log.filter.with_untracked(|(filter, _)| filter.clone());
    let accept = Callback::new(move |suggestion: Suggestion| match suggestion {
        Suggestion::Key(key) => {
            text.set(format!("{}:", key.name()));
            chosen.set(None);
        }
        Suggestion::Term(term) => {
            text.set(String::new());
            chosen.set(None);
            open.set(false);
            choose.run(filter().with(term));
        }
    });
    let enter = move || {
        let picked = chosen.get_untracked().and_then(|at| offered.with_untracked(|all| all.get(at).cloned()));
        match (picked, read_term(text.with_untracked(|text| text.trim().to_owned()).as_str())) {
            (Some(picked), _) => accept.run(picked),
            (None, Ok(term)) => accept.run(Suggestion::Term(term)),
            // Nothing was chosen: what fits best is what is meant.
            (None, Err(_)) => {
                if let Some(best) = offered.with_untracked(|all| all.first().cloned())
                    && !text.with_untracked(String::is_empty)
                {
                    accept.run(best);
                }
            }
        }
    };
    let keys = move |event: KeyboardEvent| {
        if is_composing(&event) {
            return;
        }
        let count = offered.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" | "ArrowUp" if !open.get_untracked() => open.set(true),
            "ArrowDown" if count > 0 => chosen.update(|at| *at = Some(at.map_or(0, |at| (at + 1) % count))),
            "ArrowUp" if count > 0 => {
                chosen.update(|at| *at = Some(at.map_or(count - 1, |at| (at + count - 1) % count)));
            }
            "Enter" => enter(),
            "Escape" if open.get_untracked() => open.set(false),
            "Backspace" if text.with_untracked(String::is_empty) => {
                let Some(last) = filter().0.last().map(|term| term.key) else { return };
                choose.run(filter().without(last));
            }
            _ => return,
        }
        event.prevent_default();
    };
    let option = {
        let list = list.clone();
        move |index: usize, suggestion: Suggestion| {
            let (name, note) = match &suggestion {
                Suggestion::Key(key) => (format!("{}:", key.name()), key_label(*key)),
                Suggestion::Term(term) => (term.to_string(), key_label(term.key)),
            };
            view! {
                <li
                    class="palette-item"
                    role="option"
                    id=format!("{list}-{index}")
                    aria-selected=move || (chosen.get() == Some(index)).to_string()
                    // The field keeps the focus.
                    on:mousedown=|event| event.prevent_default()
                    on:click=move |_| accept.run(suggestion.clone())
                >
                    <code class="truncate">{name}</code>
                    <span class="palette-note">{t(note)}</span>
                </li>
            }
        }
    };
    let (controls, active, id) = (list.clone(), list.clone(), list);
    let shows = memo(move |_| offered.with(|offered| !offered.is_empty()));
    view! {
        <div class="input-wrap">
            <input
                class="input mono"
                type="text"
                role="combobox"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                aria-autocomplete="list"
                aria-expanded=move || shows.get().to_string()
                aria-controls=move || shows.get().then(|| controls.clone())
                aria-activedescendant=move || chosen.get().filter(|_| shows.get()).map(|at| format!("{active}-{at}"))
                aria-label=move || words::events::SEARCH.get()
                placeholder=move || words::events::SEARCH_HINT.get()
                prop:value=move || text.get()
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    chosen.set(None);
                    open.set(true);
                }
                on:focus=move |_| open.set(true)
                on:click=move |_| open.set(true)
                on:blur=move |_| open.set(false)
                on:keydown=keys
            />
            {live(move || shows.get().then(|| {
                let option = option.clone();
                view! {
                    <ul class="menu" role="listbox" id=id.clone() aria-label=move || words::events::SUGGESTIONS.get()>
                        {live(move || offered.get().into_iter().enumerate().map(|(at, it)| option(at, it)).collect_view())}
                    </ul>
                }
            }))}
        </div>
    }
    .into_any()
}

/// What the list is narrowed to, each with a way to widen it again.
fn chips(log: Log, choose: Callback<Filter>) -> AnyView {
    let set = StoredValue::new(use_set_params());
    let chip = |label: String, remove: Callback<()>| {
        let name = label.clone();
        view! {
            <button
                class="chip"
                type="button"
                aria-label=move || words::explore::remove_filter(&name)
                on:click=move |_| remove.run(())
            >
                <span class="truncate">{label}</span>
                <Glyph icon=Icon::Close size=12 />
            </button>
        }
    };
    live(move || {
        let (filter, _) = log.filter.get();
        let fixed = match log.span.get() {
            Span::Fixed(from, to) => {
                let text = format!("{} – {}", moment::exact(from, Show::Minute), moment::exact(to, Show::Minute));
                let remove = move |()| set.with_value(|set| set(&[("from", None), ("to", None)], false));
                Some(chip(text, Callback::new(remove)))
            }
            Span::Last(_) => None,
        };
        let any = !filter.0.is_empty() || fixed.is_some() || log.filter.with(|(_, problems)| !problems.is_empty());
        let terms: Vec<_> = filter
            .0
            .iter()
            .map(|term| {
                let rest = filter.clone().without(term.key);
                chip(term.to_string(), Callback::new(move |()| choose.run(rest.clone())))
            })
            .collect();
        let clear = move |_| clear(set);
        any.then(|| {
            view! {
                <div class="row" role="group" aria-label=move || words::explore::FILTERS.get()>
                    {fixed}
                    {terms}
                    <Button kind=ButtonKind::Ghost on_press=clear>{t(words::common::CLEAR_FILTERS)}</Button>
                </div>
            }
        })
    })
}

fn clear(set: StoredValue<impl Fn(&[(&str, Option<&str>)], bool) + Send + Sync + 'static>) {
    set.with_value(|set| set(&["q", "from", "to", "event"].map(|name| (name, None)), false));
}

/// Lets everything through again.
pub(super) fn use_clear() -> Callback<()> {
    let set = StoredValue::new(use_set_params());
    Callback::new(move |()| clear(set))
}
