//! States at a glance. Colour never speaks alone: there is a text, a shape, or both.

use crate::order::capitals;
use crate::reactive::live;
use leptos::prelude::*;

use super::Text;
use super::icon::{Glyph, Icon};

/// What a state means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Neutral,
    /// Good to know.
    Info,
    /// As it should be.
    Success,
    /// Look at it soon.
    Warning,
    /// Look at it now.
    Danger,
}

impl Tone {
    /// The name that style sheets use.
    pub const fn name(self) -> &'static str {
        match self {
            Tone::Neutral => "neutral",
            Tone::Info => "info",
            Tone::Success => "success",
            Tone::Warning => "warning",
            Tone::Danger => "danger",
        }
    }

    pub(super) const fn icon(self) -> Icon {
        match self {
            Tone::Neutral | Tone::Info => Icon::Info,
            Tone::Success => Icon::Success,
            Tone::Warning => Icon::Warning,
            Tone::Danger => Icon::Failure,
        }
    }
}

/// A short state beside a name.
#[component]
pub fn Badge(
    /// What it means.
    #[prop(optional)]
    tone: Tone,
    /// A dot before the text, for states that change by themselves.
    #[prop(optional)]
    dot: bool,
    /// The text.
    children: Children,
) -> AnyView {
    view! {
        <span class="badge" data-tone=tone.name()>{dot.then(|| view! { <Dot tone /> })}{children()}</span>
    }
    .into_any()
}

/// A dot whose shape differs by tone. Hidden from assistive technology: the text beside it speaks.
#[component]
pub fn Dot(
    /// What it means.
    #[prop(optional)]
    tone: Tone,
    /// Work is under way.
    #[prop(optional)]
    live: bool,
) -> AnyView {
    view! { <span class="dot" data-tone=tone.name() data-live=live.then_some("") aria-hidden="true"></span> }.into_any()
}

/// A message that stays, at the head of what it is about.
#[component]
pub fn Banner(
    /// What it means.
    #[prop(default = Tone::Info)]
    tone: Tone,
    /// Buttons at its end.
    #[prop(into, optional)]
    actions: ViewFnOnce,
    /// The text.
    children: Children,
) -> AnyView {
    let actions = actions.run();
    view! {
        <div class="banner" data-tone=tone.name()>
            <Glyph icon=tone.icon() />
            <div class="banner-text">{children()}</div>
            <div class="banner-actions">{actions}</div>
        </div>
    }
    .into_any()
}

/// How much of something is used or done, in percent.
#[component]
pub fn Progress(
    /// 0 to 100; more is shown as full.
    #[prop(into)]
    percent: Signal<f64>,
    /// Of what, for assistive technology.
    #[prop(into)]
    label: Text,
    /// What it means.
    #[prop(into, optional)]
    tone: Signal<Tone>,
) -> AnyView {
    view! {
        <progress
            class="progress"
            max="100"
            value=move || format!("{:.0}", percent.get().clamp(0.0, 100.0))
            data-tone=move || tone.get().name()
            aria-label=move || label.get()
        ></progress>
    }
    .into_any()
}

/// A key of the keyboard.
#[component]
pub fn Kbd(
    /// What is printed on it.
    children: Children,
) -> AnyView {
    view! { <kbd class="kbd">{children()}</kbd> }.into_any()
}

/// The initials of a person or an organization. Decorative: the name stands beside it.
#[component]
pub fn Avatar(
    /// Whose.
    #[prop(into)]
    name: Text,
    /// An organization rather than a person.
    #[prop(optional)]
    square: bool,
    /// 20 pixels rather than 28.
    #[prop(optional)]
    small: bool,
) -> AnyView {
    view! {
        <span class="avatar" data-square=square.then_some("") data-size=small.then_some("small") aria-hidden="true">
            {live(move || name.with(|name| initials(name)))}
        </span>
    }
    .into_any()
}

/// One character for a Korean name, two for a Latin one.
fn initials(name: &str) -> String {
    let mut words = name.split(|c: char| c.is_whitespace() || c == '-' || c == '_').filter(|word| !word.is_empty());
    let first = words.next().and_then(|word| word.chars().next());
    let second = words.next().and_then(|word| word.chars().next());
    match (first, second) {
        (Some(a), Some(b)) if a.is_ascii() && b.is_ascii() => [a, b].iter().map(char::to_ascii_uppercase).collect(),
        (Some(a), _) => capitals(a.encode_utf8(&mut [0; 4])),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_suit_the_script() {
        assert_eq!(initials("FinOps Manager"), "FM");
        assert_eq!(initials("chatbot-experiment"), "CE");
        assert_eq!(initials("\u{ae40}\u{c9c0}\u{c6b0}"), "\u{ae40}");
        assert_eq!(initials("  "), "");
    }
}
