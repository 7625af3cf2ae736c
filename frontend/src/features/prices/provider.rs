//! The choice of a provider: the usual ones, or any other by its name.

use leptos::prelude::*;

use crate::features::explore::wording::provider_name;
use crate::i18n::{Word, words};
use crate::reactive::{effect, live, memo};
use crate::ui::{Select, TextField};

/// The providers that the shipped book has prices of.
const USUAL: [&str; 4] = ["openai", "anthropic", "google_ai", "aws_bedrock"];
/// The choice that asks for a name.
const OTHER: &str = "*";

/// Names and texts of the usual providers.
pub(super) fn usual() -> Vec<(String, String)> {
    USUAL.map(|name| (name.to_owned(), provider_name(name).to_owned())).to_vec()
}

/// A provider's name, chosen or typed.
#[component]
pub fn ProviderField(
    /// The name; empty while there is none.
    value: RwSignal<String>,
    /// What choosing none is called.
    none: Word,
    /// What is wrong with it.
    #[prop(optional)]
    error: Signal<Option<String>>,
) -> AnyView {
    let (chosen, typed) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let said = move || {
        if chosen.with(|chosen| chosen == OTHER) { typed.with(|typed| typed.trim().to_owned()) } else { chosen.get() }
    };
    // The value may be set from outside, too.
    effect(move |_| {
        let now = value.get();
        if now != untrack(said) {
            let is_usual = now.is_empty() || USUAL.contains(&now.as_str());
            chosen.set(if is_usual { now.clone() } else { OTHER.to_owned() });
            typed.set(if is_usual { String::new() } else { now });
        }
    });
    effect(move |before: Option<()>| {
        let now = said();
        if before.is_some() && value.with_untracked(|value| *value != now) {
            value.set(now);
        }
    });
    let choices = Signal::derive(move || {
        let mut choices = vec![(String::new(), none.get().to_owned())];
        choices.extend(usual());
        choices.push((OTHER.to_owned(), words::prices::PROVIDER_OTHER.get().to_owned()));
        choices
    });
    let is_other = memo(move |_| chosen.with(|chosen| chosen == OTHER));
    let of_choice = Signal::derive(move || error.get().filter(|_| !is_other.get()));
    view! {
        <Select label=words::prices::PROVIDER value=chosen choices error=of_choice />
        {live(move || is_other.get().then(|| view! {
            <TextField label=words::prices::PROVIDER_NAME value=typed hint=words::prices::PROVIDER_HINT error />
        }))}
    }
    .into_any()
}
