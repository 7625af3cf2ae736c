//! Words in two languages, checked when the app is built.
//!
//! `build.rs` turns `locales/{ko,en}/<feature>.json` into [`words`]: `words::home::TITLE` is a [`Word`],
//! `words::home::changed(&percent)` a text with its placeholders filled in. Reading either inside a reactive closure
//! follows the language; [`t`] makes such a closure.

use std::fmt::Display;
use std::sync::LazyLock;

use finops_contract::ErrorCode;
use leptos::prelude::*;

use crate::reactive::effect;
use crate::storage;

/// All texts, generated from `locales/`.
pub mod words {
    use super::{Word, fill, plural};
    include!(concat!(env!("OUT_DIR"), "/words.rs"));
}

/// A language of the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    /// Korean, the default.
    #[default]
    Ko,
    /// English.
    En,
}

impl Locale {
    /// Both, in the order in which they are offered.
    pub const ALL: [Locale; 2] = [Locale::Ko, Locale::En];

    /// The BCP 47 tag, as in the `lang` attribute and `Accept-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Locale::Ko => "ko",
            Locale::En => "en",
        }
    }

    /// What the language calls itself; the same in every language.
    pub const fn own_name(self) -> Word {
        match self {
            Locale::Ko => words::common::LANGUAGE_KO,
            Locale::En => words::common::LANGUAGE_EN,
        }
    }

    /// The language for a BCP 47 tag, `None` if it is neither Korean nor English.
    pub fn from_tag(tag: &str) -> Option<Locale> {
        match tag.split(['-', '_']).next()? {
            "ko" => Some(Locale::Ko),
            "en" => Some(Locale::En),
            _ => None,
        }
    }
}

// One browser tab has one language. A static signal rather than context, because words are also needed where there is
// no reactive owner: in timers, in answers to requests, in event handlers.
static LOCALE: LazyLock<ArcRwSignal<Locale>> = LazyLock::new(|| ArcRwSignal::new(Locale::default()));

/// The language now; follows changes when read in a reactive closure.
pub fn locale() -> Locale {
    LOCALE.get()
}

/// The language now, without following it.
pub fn locale_untracked() -> Locale {
    LOCALE.get_untracked()
}

/// Switches the language and remembers it.
pub fn set_locale(locale: Locale) {
    storage::set("locale", locale.tag());
    LOCALE.set(locale);
}

/// Chooses the language at start (what was chosen before, else the browser's, else Korean) and keeps `<html lang>`
/// equal to it.
pub fn start() {
    let chosen = storage::get("locale").and_then(|tag| Locale::from_tag(&tag));
    let browsers = || window().navigator().language().and_then(|tag| Locale::from_tag(&tag));
    LOCALE.set(chosen.or_else(browsers).unwrap_or_default());
    effect(move |_| {
        if let Some(html) = document().document_element() {
            // Fails only for malformed attribute names.
            let _ = html.set_attribute("lang", locale().tag());
        }
    });
}

/// One text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    ko: &'static str,
    en: &'static str,
}

impl Word {
    /// A text in both languages; made by `build.rs`.
    pub const fn new(ko: &'static str, en: &'static str) -> Word {
        Word { ko, en }
    }

    /// The text in the language of now; follows changes when read in a reactive closure.
    pub fn get(self) -> &'static str {
        self.in_locale(locale())
    }

    /// The text in the language of now, without following it.
    pub fn get_untracked(self) -> &'static str {
        self.in_locale(locale_untracked())
    }

    /// The text in one language.
    pub const fn in_locale(self, locale: Locale) -> &'static str {
        match locale {
            Locale::Ko => self.ko,
            Locale::En => self.en,
        }
    }
}

impl From<Word> for Signal<String> {
    fn from(word: Word) -> Self {
        Signal::derive(move || word.get().to_owned())
    }
}

/// A reactive text: `<h1>{t(words::home::TITLE)}</h1>`.
pub fn t(word: Word) -> impl Fn() -> &'static str + Copy + Send + Sync + 'static {
    move || word.get()
}

/// The text for an error code of the service, from the one table that both share.
pub fn error_text(code: ErrorCode) -> &'static str {
    match locale() {
        Locale::Ko => code.title_ko(),
        Locale::En => code.title_en(),
    }
}

/// Chooses between the forms of a counted text. Korean's two forms are equal.
pub(crate) fn plural(count: u64, one: Word, other: Word) -> Word {
    if count == 1 { one } else { other }
}

/// Puts values in the place of `{names}`.
pub(crate) fn fill(word: Word, values: &[(&str, &dyn Display)]) -> String {
    fill_text(word.get(), values)
}

fn fill_text(template: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut out = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else { break };
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            out.push_str(&value.to_string());
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_wherever_they_stand() {
        assert_eq!(fill_text("{a}원, {b}개", &[("b", &2), ("a", &"1,000")]), "1,000원, 2개");
        assert_eq!(fill_text("none", &[]), "none");
    }

    #[test]
    fn a_tag_with_a_region_is_known() {
        assert_eq!(Locale::from_tag("ko-KR"), Some(Locale::Ko));
        assert_eq!(Locale::from_tag("en_US"), Some(Locale::En));
        assert_eq!(Locale::from_tag("de"), None);
    }

    #[test]
    fn singular_is_for_one_alone() {
        let (one, other) = (Word::new("하나", "one"), Word::new("여럿", "other"));
        assert_eq!(plural(1, one, other), one);
        assert_eq!(plural(0, one, other), other);
    }
}
