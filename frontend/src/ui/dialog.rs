//! Dialogs: the browser's own `<dialog>`, which traps the focus and gives it back.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::button::{Button, ButtonKind, ButtonSize, IconButton};
use super::dom::unique_id;
use super::icon::Icon;
use super::{Banner, Text, Tone};
use crate::i18n::{t, words};
use crate::reactive::{effect, live};

/// A dialog. Its content exists while it is open.
#[component]
pub fn Dialog(
    /// Whether it is open. The dialog closes itself.
    open: RwSignal<bool>,
    /// Its heading.
    #[prop(into)]
    title: Text,
    /// The content.
    children: ChildrenFn,
) -> AnyView {
    let node = NodeRef::<leptos::html::Dialog>::new();
    let id = unique_id("dialog");
    let named_by = id.clone();
    effect(move |_| {
        let Some(dialog) = node.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let backdrop = move |event: MouseEvent| {
        // The backdrop belongs to the element, its content does not.
        let on_itself = event.target().zip(node.get_untracked()).is_some_and(|(target, dialog)| {
            target
                .dyn_ref::<web_sys::Element>()
                .is_some_and(|target| target == AsRef::<web_sys::Element>::as_ref(&dialog))
        });
        if on_itself {
            open.set(false);
        }
    };
    view! {
        <dialog
            class="dialog"
            node_ref=node
            aria-labelledby=named_by
            on:close=move |_| open.set(false)
            on:mousedown=backdrop
        >
            {live(move || open.get().then(|| view! {
                <div class="dialog-head">
                    <h2 id=id.clone() tabindex="-1" autofocus=true>{live(move || title.get())}</h2>
                    <IconButton
                        icon=Icon::Close
                        label=words::common::CLOSE
                        size=ButtonSize::Medium
                        bare=true
                        on_press=move |_| open.set(false)
                    />
                </div>
                <div class="dialog-body">{children()}</div>
            }))}
        </dialog>
    }
    .into_any()
}

/// Asks before something that is hard to take back. States what will happen; the safe answer has the focus.
#[component]
pub fn ConfirmDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The question.
    #[prop(into)]
    title: Text,
    /// What will happen, one consequence a line.
    consequences: Vec<Text>,
    /// The answer that does it.
    #[prop(into)]
    confirm: Text,
    /// How loud that answer is.
    #[prop(default = ButtonKind::Danger)]
    kind: ButtonKind,
    /// Whether it is being done.
    #[prop(into)]
    busy: Signal<bool>,
    /// What went wrong.
    #[prop(into)]
    error: Signal<Option<String>>,
    /// Does it.
    on_confirm: Callback<()>,
) -> AnyView {
    let node = NodeRef::<leptos::html::Dialog>::new();
    let (id, described) = (unique_id("dialog"), unique_id("dialog"));
    let (named_by, described_by) = (id.clone(), described.clone());
    let cancel = NodeRef::<leptos::html::Button>::new();
    effect(move |_| {
        let Some(dialog) = node.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                drop(dialog.show_modal());
                if let Some(cancel) = cancel.get_untracked() {
                    drop(cancel.focus());
                }
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let lines = consequences.into_iter().map(|line| view! { <li>{live(move || line.get())}</li> }).collect_view();
    view! {
        <dialog
            class="dialog"
            node_ref=node
            role="alertdialog"
            aria-labelledby=named_by
            aria-describedby=described_by
            on:close=move |_| open.set(false)
        >
            <div class="dialog-head"><h2 id=id>{live(move || title.get())}</h2></div>
            <div class="dialog-body stack">
                <ul class="consequences" id=described>{lines}</ul>
                <div aria-live="assertive">
                    {live(move || error.get().map(|text| view! { <Banner tone=Tone::Danger>{text}</Banner> }))}
                </div>
            </div>
            <div class="dialog-foot">
                <button class="button" type="button" data-kind="secondary" node_ref=cancel on:click=move |_| open.set(false)>
                    <span>{t(words::common::LEAVE_IT)}</span>
                </button>
                <Button kind busy on_press=move |_| on_confirm.run(())>{live(move || confirm.get())}</Button>
            </div>
        </dialog>
    }
    .into_any()
}
