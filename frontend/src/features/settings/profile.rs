//! One's own name, language and theme.

use finops_contract::accounts::{Locale as AccountLocale, Me, UpdateMeRequest};
use leptos::prelude::*;

use crate::api;
use crate::data::Task;
use crate::i18n::{Locale, set_locale, t, words};
use crate::session;
use crate::theme::{self, Theme};
use crate::ui::{Button, ButtonKind, Card, Choice, Form, FormActions, SegmentedControl, Select, TextField, toast};

/// The profile, and what this browser looks like.
#[component]
pub fn ProfilePanel() -> AnyView {
    let themes = [
        (Theme::System, words::common::THEME_SYSTEM),
        (Theme::Light, words::common::THEME_LIGHT),
        (Theme::Dark, words::common::THEME_DARK),
    ];
    let choices = themes.map(|(theme, word)| Choice::new(theme.name(), word)).to_vec();
    view! {
        <div class="stack settings" data-gap="24">
            <Card title=words::settings::PROFILE><ProfileForm /></Card>
            <Card title=words::settings::APPEARANCE note=words::settings::APPEARANCE_NOTE>
                <SegmentedControl
                    label=words::common::THEME
                    choices
                    value=Signal::derive(|| theme::theme().name().to_owned())
                    on_change=|name| theme::set_theme(Theme::from_name(name).unwrap_or_default())
                />
            </Card>
        </div>
    }
    .into_any()
}

#[component]
fn ProfileForm() -> AnyView {
    let Some(me) = session::me() else { return ().into_any() };
    let (name, email) = (RwSignal::new(me.name), RwSignal::new(me.email));
    let language = RwSignal::new(me.locale.tag().to_owned());
    let task = Task::new();
    let submit = move |()| {
        let request = UpdateMeRequest {
            name: Some(name.get_untracked().trim().to_owned()),
            locale: AccountLocale::from_tag(&language.get_untracked()),
        };
        if request.name.as_deref() == Some("") && task.refuse(&[("/name", "required")]) {
            return;
        }
        task.run(async move { api::patch::<Me>("/auth/me", &request).await }, |saved| {
            if let Some(locale) = Locale::from_tag(saved.locale.tag()) {
                set_locale(locale);
            }
            session::update(|me| *me = saved);
            toast::done(words::common::SAVED.get_untracked());
        });
    };
    let languages =
        Signal::derive(|| Locale::ALL.map(|l| (l.tag().to_owned(), l.own_name().get().to_owned())).to_vec());
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <TextField
                label=words::settings::MY_NAME
                value=name
                name="name"
                autocomplete="name"
                error=task.field("/name")
            />
            <TextField
                label=words::settings::MY_EMAIL
                value=email
                kind="email"
                hint=words::settings::MY_EMAIL_HINT
                disabled=true
            />
            <Select
                label=words::settings::MY_LANGUAGE
                value=language
                choices=languages
                hint=words::settings::MY_LANGUAGE_HINT
                error=task.field("/locale")
            />
            <FormActions>
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::common::SAVE)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}
