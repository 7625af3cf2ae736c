//! What opens beside a list. The URL says whose details it shows.

use leptos::prelude::*;

use crate::i18n::{Word, t, words};
use crate::reactive::{effect, live};
use crate::ui::dom::unique_id;
use crate::ui::{Icon, IconButton};
use crate::url::{use_param, use_set_params};

/// A drawer that is open while the query has the parameter `name`; `show` makes its content of the parameter's value.
pub fn drawer(name: &'static str, title: Word, show: impl Fn(String) -> AnyView + Send + Sync + 'static) -> AnyView {
    drawn(name, title, Box::new(show))
}

type Show = Box<dyn Fn(String) -> AnyView + Send + Sync>;

fn drawn(name: &'static str, title: Word, show: Show) -> AnyView {
    let opened = use_param(name);
    let node = NodeRef::<leptos::html::Dialog>::new();
    let set = StoredValue::new(use_set_params());
    let show = StoredValue::new(show);
    let close = move || {
        if opened.get_untracked().is_some() {
            set.with_value(|set| set(&[(name, None)], true));
        }
    };
    effect(move |_| {
        let Some(dialog) = node.get() else { return };
        match (opened.with(Option::is_some), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let content = move || opened.get().map(|value| show.with_value(|show| show(value)));
    let id = unique_id("drawer");
    let named_by = id.clone();
    view! {
        <dialog
            class="drawer"
            data-side="end"
            node_ref=node
            aria-labelledby=named_by
            on:close=move |_| close()
            on:mousedown=move |event| {
                // The backdrop belongs to the element, its content does not.
                if event.target().is_some_and(|target| node.get_untracked().is_some_and(|it| target == *it.as_ref())) {
                    close();
                }
            }
        >
            {live(move || opened.with(Option::is_some).then(|| view! {
                <div class="dialog-head">
                    <h2 id=id.clone() tabindex="-1" autofocus=true>{t(title)}</h2>
                    <IconButton icon=Icon::Close label=words::common::CLOSE bare=true on_press=move |_| close() />
                </div>
                <div class="dialog-body">{live(content)}</div>
            }))}
        </dialog>
    }
    .into_any()
}
