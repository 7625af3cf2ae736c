//! A choice that the URL keeps.

use leptos::prelude::*;

use super::{Select, Text};
use crate::i18n::Word;
use crate::reactive::{effect, memo};
use crate::url::{use_param, use_set_params};

/// One choice, kept in the URL.
#[component]
pub fn ParamSelect(
    /// The parameter.
    name: &'static str,
    /// What is chosen.
    #[prop(into)]
    label: Text,
    /// Value and text of each choice.
    choices: Signal<Vec<(String, String)>>,
    /// What choosing nothing is called, where that can be chosen.
    #[prop(optional)]
    all: Option<Word>,
    /// What is chosen while the URL says nothing.
    #[prop(optional)]
    default: Signal<String>,
) -> AnyView {
    let param = use_param(name);
    let set = use_set_params();
    let wanted = memo(move |_| param.get().unwrap_or_else(|| default.get()));
    let value = RwSignal::new(wanted.get_untracked());
    effect(move |_| value.set(wanted.get()));
    effect(move |before: Option<String>| {
        let now = value.get();
        if before.is_some_and(|before| before != now) && wanted.get_untracked() != now {
            set(&[(name, Some(&now)), ("cursor", None)], false);
        }
        now
    });
    let choices = Signal::derive(move || {
        let mut choices = choices.get();
        // What the URL names is chosen even if it is not among what could be chosen.
        if let Some(now) = param.get()
            && choices.iter().all(|(key, _)| *key != now)
        {
            choices.insert(0, (now.clone(), now));
        }
        if let Some(all) = all {
            choices.insert(0, (String::new(), all.get().to_owned()));
        }
        choices
    });
    view! { <Select label value choices compact=true /> }.into_any()
}
