//! `/integration`: from no key to the first event, on one page.

use finops_contract::projects::Project;
use leptos::prelude::*;

use super::key::{Key, key_card};
use super::snippets::{Language, Values, install, snippet};
use super::waiting::waiting_card;
use crate::data::use_list;
use crate::i18n::{Word, t, words};
use crate::reactive::{live, memo};
use crate::ui::{Card, CodeBlock, PageHeader, Tab, Tabs};
use crate::url::{use_param, use_set_params};

/// The guide.
#[component]
pub fn IntegrationPage() -> AnyView {
    let projects = use_list::<Project>(|| Some("/projects?limit=200".to_owned()));
    let project = RwSignal::new(use_param("project").get_untracked().unwrap_or_default());
    let key = RwSignal::new(None::<Key>);
    view! {
        <PageHeader title=words::integration::TITLE lead=words::integration::LEAD />
        <div class="split">
            <div class="sections">
                {key_card(projects, project, key)}
                <Snippets project key />
            </div>
            {waiting_card(key)}
        </div>
    }
    .into_any()
}

#[component]
fn Snippets(project: RwSignal<String>, key: RwSignal<Option<Key>>) -> AnyView {
    let set = StoredValue::new(use_set_params());
    let lang = use_param("lang");
    let value =
        Signal::derive(move || Language::from_name(lang.get().as_deref().unwrap_or_default()).name().to_owned());
    let values = memo(move |_| Values {
        origin: window().location().origin().unwrap_or_default(),
        key: key.with(|key| {
            key.as_ref().map_or_else(|| words::integration::YOUR_KEY.get().to_owned(), |(_, text)| text.clone())
        }),
        project: project.with(|id| (!id.is_empty()).then(|| id.clone())),
    });
    let tabs = Language::ALL.map(|language| Tab::new(language.name(), label(language))).to_vec();
    let choose = move |name: &'static str| {
        let name = (name != Language::Curl.name()).then_some(name);
        set.with_value(|set| set(&[("lang", name)], true));
    };
    let panel = Callback::new(move |name: &'static str| {
        let language = Language::from_name(name);
        let before = install(language).map(|text| {
            view! {
                <p class="muted">{t(install_note(language))}</p>
                <CodeBlock label=words::integration::INSTALL text=Signal::stored(text.to_owned()) />
            }
        });
        let text = Signal::derive(move || values.with(|values| snippet(language, values)));
        view! {
            <div class="stack">
                {before}
                <p class="muted">{t(note(language))}</p>
                <CodeBlock label=words::integration::SNIPPET text />
                {live(move || key.with(Option::is_none).then(|| view! {
                    <p class="field-hint">{t(words::integration::KEY_MISSING)}</p>
                }))}
            </div>
        }
        .into_any()
    });
    view! {
        <Card title=words::integration::SNIPPETS note=words::integration::SNIPPETS_NOTE>
            <div class="stack"><Tabs label=words::integration::SNIPPETS tabs value on_change=choose panel /></div>
        </Card>
    }
    .into_any()
}

const fn label(language: Language) -> Word {
    match language {
        Language::Curl => words::integration::CURL,
        Language::Python => words::integration::PYTHON,
        Language::TypeScript => words::integration::TYPESCRIPT,
        Language::OpenTelemetry => words::integration::OPENTELEMETRY,
    }
}

const fn install_note(language: Language) -> Word {
    match language {
        Language::OpenTelemetry => words::integration::INSTALL_NOTE_PACKAGES,
        _ => words::integration::INSTALL_NOTE_CHECKOUT,
    }
}

const fn note(language: Language) -> Word {
    match language {
        Language::Curl => words::integration::CURL_NOTE,
        Language::Python | Language::TypeScript => words::integration::SDK_NOTE,
        Language::OpenTelemetry => words::integration::OPENTELEMETRY_NOTE,
    }
}
