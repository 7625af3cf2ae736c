//! Menus that drop from a button.

use crate::reactive::live;
use leptos::ev::{FocusEvent, KeyboardEvent, MouseEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Text;
use super::dom::{all_within, focus, rove, unique_id};
use super::icon::{Glyph, Icon};

/// A button that opens a menu. Arrow keys move, Escape closes and gives the focus back.
#[component]
pub fn Menu(
    /// What the button shows.
    #[prop(into)]
    button: ViewFnOnce,
    /// The button's name, unless what it shows says it.
    #[prop(into, optional)]
    label: Option<Text>,
    /// `ghost`, `secondary`, or a class of the shell's own.
    #[prop(default = "button")]
    class: &'static str,
    /// Aligned with the button's end rather than its start.
    #[prop(optional)]
    end: bool,
    /// Opens upwards.
    #[prop(optional)]
    up: bool,
    /// The items.
    children: ChildrenFn,
) -> AnyView {
    let open = RwSignal::new(false);
    let anchor = NodeRef::<leptos::html::Div>::new();
    let trigger = NodeRef::<leptos::html::Button>::new();
    let id = unique_id("menu");
    let items =
        move || anchor.get_untracked().map(|anchor| all_within(&anchor, "[role^=menuitem]")).unwrap_or_default();
    let show = move |last: bool| {
        open.set(true);
        request_animation_frame(move || {
            let items = items();
            let chosen = items.iter().find(|item| item.get_attribute("aria-checked").as_deref() == Some("true"));
            if let Some(item) = if last { items.last() } else { chosen.or(items.first()) } {
                focus(item);
            }
        });
    };
    let hide = move || {
        open.set(false);
        if let Some(trigger) = trigger.get_untracked() {
            let _ = trigger.focus();
        }
    };
    provide_context(CloseMenu(Callback::new(move |()| hide())));
    let keys = move |event: KeyboardEvent| {
        if !open.get_untracked() {
            if matches!(event.key().as_str(), "ArrowDown" | "ArrowUp") {
                event.prevent_default();
                show(event.key() == "ArrowUp");
            }
            return;
        }
        match event.key().as_str() {
            "Escape" => {
                event.prevent_default();
                event.stop_propagation();
                hide();
            }
            "Tab" => open.set(false),
            _ => drop(rove(&event, &items(), ["ArrowUp", "ArrowDown"])),
        }
    };
    let left = move |event: FocusEvent| {
        let to = event.related_target().and_then(|to| to.dyn_into::<web_sys::Node>().ok());
        // A menu that is taken off the page loses the focus, too, and is not there any more by then.
        let Some(anchor) = anchor.try_get_untracked() else { return };
        let inside = anchor.is_some_and(|anchor| anchor.contains(to.as_ref()));
        // A press on something that takes no focus is seen by the listener below.
        if !inside && to.is_some() {
            open.set(false);
        }
    };
    let outside = window_event_listener(leptos::ev::pointerdown, move |event| {
        if !open.get_untracked() {
            return;
        }
        let to = event.target().and_then(|to| to.dyn_into::<web_sys::Node>().ok());
        if anchor.get_untracked().is_some_and(|anchor| !anchor.contains(to.as_ref())) {
            open.set(false);
        }
    });
    on_cleanup(move || outside.remove());
    let list_id = id.clone();
    view! {
        <div class="menu-anchor" node_ref=anchor on:keydown=keys on:focusout=left>
            <button
                class=class
                type="button"
                node_ref=trigger
                data-kind="ghost"
                aria-haspopup="menu"
                aria-expanded=move || open.get().to_string()
                aria-controls=move || open.get().then(|| list_id.clone())
                aria-label=move || label.map(|label| label.get())
                on:click=move |event: MouseEvent| {
                    if open.get_untracked() {
                        hide();
                    } else if event.detail() == 0 {
                        // Opened with the keyboard.
                        show(false);
                    } else {
                        open.set(true);
                    }
                }
            >
                {button.run()}
            </button>
            {live(move || open.get().then(|| view! {
                <div class="menu" role="menu" id=id.clone() data-align=end.then_some("end") data-side=up.then_some("top")>
                    {children()}
                </div>
            }))}
        </div>
    }
    .into_any()
}

#[derive(Clone, Copy)]
struct CloseMenu(Callback<()>);

/// One action of a menu.
#[component]
pub fn MenuItem(
    /// Its text.
    #[prop(into)]
    label: Text,
    /// Before the text.
    #[prop(optional)]
    icon: Option<Icon>,
    /// For a choice between several: whether it is this one.
    #[prop(into, optional)]
    checked: Option<Signal<bool>>,
    /// It destroys something.
    #[prop(optional)]
    danger: bool,
    /// What it does.
    #[prop(into)]
    on_press: Callback<()>,
) -> AnyView {
    let close = use_context::<CloseMenu>();
    let role = if checked.is_some() { "menuitemradio" } else { "menuitem" };
    view! {
        <button
            class="menu-item"
            type="button"
            role=role
            tabindex="-1"
            data-tone=danger.then_some("danger")
            aria-checked=move || checked.map(|checked| checked.get().to_string())
            on:click=move |_| {
                if let Some(CloseMenu(close)) = close {
                    close.run(());
                }
                on_press.run(());
            }
        >
            {icon.map(|icon| view! { <Glyph icon /> })}
            <span>{live(move || label.get())}</span>
            {live(move || checked.is_some_and(|checked| checked.get()).then(|| view! {
                <span class="menu-check"><Glyph icon=Icon::Check /></span>
            }))}
        </button>
    }
    .into_any()
}

/// A link in a menu.
#[component]
pub fn MenuLink(
    /// Where it leads.
    #[prop(into)]
    href: String,
    /// Its text.
    #[prop(into)]
    label: Text,
    /// Before the text.
    #[prop(optional)]
    icon: Option<Icon>,
) -> AnyView {
    let close = use_context::<CloseMenu>();
    view! {
        <a
            class="menu-item"
            role="menuitem"
            tabindex="-1"
            href=href
            on:click=move |_| {
                if let Some(CloseMenu(close)) = close {
                    close.run(());
                }
            }
        >
            {icon.map(|icon| view! { <Glyph icon /> })}
            <span>{live(move || label.get())}</span>
        </a>
    }
    .into_any()
}

/// A heading within a menu.
#[component]
pub fn MenuLabel(
    /// Its text.
    #[prop(into)]
    label: Text,
) -> AnyView {
    view! { <div class="menu-label" role="presentation">{live(move || label.get())}</div> }.into_any()
}

/// A line between groups of items.
#[component]
pub fn MenuLine() -> AnyView {
    view! { <div class="menu-line" role="separator"></div> }.into_any()
}
