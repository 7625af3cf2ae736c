//! `/integration`: from no key to the first event, on one page.

use finops_contract::projects::Project;
use leptos::prelude::*;

use super::guarded;
use super::key::{Key, key_card};
use super::snippets::{Language, Values, install, snippet};
use super::waiting::waiting_card;
use crate::data::use_list;
use crate::i18n::{Word, t, words};
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{Card, CodeBlock, Icon, LinkButton, PageHeader, Tab, Tabs};
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
                <Guarded project key />
                {session::manages().then(metrics)}
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
    let values = use_values(project, key);
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

/// What the snippets are filled in with.
fn use_values(project: RwSignal<String>, key: RwSignal<Option<Key>>) -> Memo<Values> {
    memo(move |_| Values {
        origin: origin(),
        key: key.with(|key| {
            key.as_ref().map_or_else(|| words::integration::YOUR_KEY.get().to_owned(), |(_, text)| text.clone())
        }),
        project: project.with(|id| (!id.is_empty()).then(|| id.clone())),
    })
}

fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Asking before a call, with the same key.
#[component]
fn Guarded(project: RwSignal<String>, key: RwSignal<Option<Key>>) -> AnyView {
    let values = use_values(project, key);
    let chosen = RwSignal::new(Language::Curl.name().to_owned());
    let tabs = guarded::LANGUAGES.map(|language| Tab::new(language.name(), label(language))).to_vec();
    let panel = Callback::new(move |name: &'static str| {
        let language = Language::from_name(name);
        let text = Signal::derive(move || {
            values.with(|values| guarded::guarded(language, values, words::integration::YOUR_PROJECT.get()))
        });
        view! { <CodeBlock label=words::integration::GUARD_SNIPPET text /> }.into_any()
    });
    let hints = move || {
        let no_key = key.with(Option::is_none).then_some(words::integration::KEY_MISSING);
        let no_project = project.with(String::is_empty).then_some(words::integration::PROJECT_MISSING);
        let hints = [no_project, no_key].into_iter().flatten();
        hints.map(|word| view! { <p class="field-hint">{t(word)}</p> }).collect_view()
    };
    view! {
        <Card title=words::integration::GUARD note=words::integration::GUARD_NOTE>
            <div class="stack">
                <Tabs
                    label=words::integration::GUARD
                    tabs
                    value=chosen
                    on_change=move |name: &'static str| chosen.set(name.to_owned())
                    panel
                />
                {live(hints)}
            </div>
        </Card>
    }
    .into_any()
}

/// The organization's figures for dashboards, for who sees all of them.
fn metrics() -> AnyView {
    let text = Signal::derive(|| guarded::prometheus(&origin(), words::integration::YOUR_READ_KEY.get()));
    view! {
        <Card
            title=words::integration::METRICS
            note=words::integration::METRICS_NOTE
            actions=|| view! {
                <LinkButton href="/settings?tab=keys&new=api-key" icon=Icon::Key>{t(words::integration::MAKE_READ_KEY)}</LinkButton>
            }
        >
            <CodeBlock label=words::integration::METRICS_SNIPPET text />
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
