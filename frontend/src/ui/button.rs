//! Buttons, and links that look like them.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos_router::components::A;

use super::icon::{Glyph, Icon};
use super::{Text, Tooltip};
use crate::i18n::{t, words};
use crate::reactive::live;

/// How loud a button is. One primary button a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// The one thing to do here.
    Primary,
    /// Anything else.
    #[default]
    Secondary,
    /// In toolbars and rows.
    Ghost,
    /// Destroys or stops something.
    Danger,
}

impl ButtonKind {
    const fn name(self) -> &'static str {
        match self {
            ButtonKind::Primary => "primary",
            ButtonKind::Secondary => "secondary",
            ButtonKind::Ghost => "ghost",
            ButtonKind::Danger => "danger",
        }
    }
}

/// The height of a button.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonSize {
    /// 24 pixels; icon buttons only.
    Small,
    /// 32 pixels.
    #[default]
    Medium,
    /// 40 pixels, in forms.
    Large,
}

impl ButtonSize {
    const fn name(self) -> Option<&'static str> {
        match self {
            ButtonSize::Small => Some("small"),
            ButtonSize::Medium => None,
            ButtonSize::Large => Some("large"),
        }
    }
}

/// A button. While `busy` it keeps its size, shows a spinner, and does nothing when pressed again.
#[component]
pub fn Button(
    /// How loud it is.
    #[prop(optional)]
    kind: ButtonKind,
    /// Its height.
    #[prop(optional)]
    size: ButtonSize,
    /// Submits the form that it is in.
    #[prop(optional)]
    submit: bool,
    /// As wide as its container.
    #[prop(optional)]
    wide: bool,
    /// Work is under way.
    #[prop(into, optional)]
    busy: Signal<bool>,
    /// Cannot be pressed.
    #[prop(into, optional)]
    disabled: Signal<bool>,
    /// Shown before the text.
    #[prop(optional)]
    icon: Option<Icon>,
    /// What it does.
    #[prop(into, optional)]
    on_press: Option<Callback<MouseEvent>>,
    /// Its text.
    children: Children,
) -> AnyView {
    let press = move |event: MouseEvent| {
        // A busy button keeps the focus, so it is not `disabled`; pressing it must still do nothing.
        if busy.get_untracked() {
            event.prevent_default();
        } else if let Some(on_press) = on_press {
            on_press.run(event);
        }
    };
    view! {
        <button
            class="button"
            type=if submit { "submit" } else { "button" }
            data-kind=kind.name()
            data-size=size.name()
            data-wide=wide.then_some("")
            disabled=move || disabled.get()
            aria-busy=move || busy.get().then_some("true")
            on:click=press
        >
            {icon.map(|icon| view! { <Glyph icon /> })}
            <span>{children()}</span>
            {live(move || busy.get().then(|| view! {
                <span class="spinner" aria-hidden="true"></span>
                <span class="sr-only">{t(words::common::BUSY)}</span>
            }))}
        </button>
    }
    .into_any()
}

/// A button that is only an icon. Its name is read out, and shown on hover and focus.
#[component]
pub fn IconButton(
    /// The icon.
    icon: Icon,
    /// What it does, as a name.
    #[prop(into)]
    label: Text,
    /// How loud it is; ghost unless told otherwise.
    #[prop(default = ButtonKind::Ghost)]
    kind: ButtonKind,
    /// Its height.
    #[prop(optional)]
    size: ButtonSize,
    /// No tooltip, where the name would cover what matters.
    #[prop(optional)]
    bare: bool,
    /// Whether what it switches is on. Leave out for a plain action.
    #[prop(into, optional)]
    pressed: Option<Signal<bool>>,
    /// Cannot be pressed.
    #[prop(into, optional)]
    disabled: Signal<bool>,
    /// What it does.
    #[prop(into)]
    on_press: Callback<MouseEvent>,
) -> AnyView {
    let button = view! {
        <button
            class="button"
            type="button"
            data-kind=kind.name()
            data-size=size.name()
            data-icon-only=""
            disabled=move || disabled.get()
            aria-label=move || label.get()
            aria-pressed=move || pressed.map(|pressed| pressed.get().to_string())
            on:click=move |event| on_press.run(event)
        >
            <Glyph icon />
        </button>
    };
    if bare { button.into_any() } else { view! { <Tooltip text=label>{button}</Tooltip> }.into_any() }
}

/// A link within the app that looks like a button.
#[component]
pub fn LinkButton(
    /// Where it leads.
    #[prop(into)]
    href: String,
    /// How loud it is.
    #[prop(optional)]
    kind: ButtonKind,
    /// Its height.
    #[prop(optional)]
    size: ButtonSize,
    /// Shown before the text.
    #[prop(optional)]
    icon: Option<Icon>,
    /// Its text.
    children: Children,
) -> AnyView {
    view! {
        <A href=href attr:class="button" attr:data-kind=kind.name() attr:data-size=size.name()>
            {icon.map(|icon| view! { <Glyph icon /> })}
            <span>{children()}</span>
        </A>
    }
    .into_any()
}
