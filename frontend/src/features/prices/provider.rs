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
    let first = value.get_untracked();
    let is_usual = first.is_empty() || USUAL.contains(&first.as_str());
    let chosen = RwSignal::new(if is_usual { first.clone() } else { OTHER.to_owned() });
    let typed = RwSignal::new(if is_usual { String::new() } else { first });
    effect(move |_| {
        let now = if chosen.with(|chosen| chosen == OTHER) { typed.get().trim().to_owned() } else { chosen.get() };
        if value.with_untracked(|value| *value != now) {
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
