//! Sending the report to oneself.

use chrono::NaiveDate;
use finops_contract::accounts::Locale as AccountLocale;
use finops_contract::reports::{ReportTest, ReportTestRequest};
use leptos::prelude::*;

use super::wording::week_text;
use crate::api;
use crate::data::Task;
use crate::i18n::{Locale, locale_untracked, t, words};
use crate::reactive::live;
use crate::session;
use crate::ui::{Banner, Button, ButtonKind, Dialog, Form, FormActions, LinkButton, Select, Tone};

/// The dialog.
#[component]
pub fn TestDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The Monday of the week that is sent.
    week: Memo<NaiveDate>,
) -> AnyView {
    view! { <Dialog open title=words::reports::TEST><TestForm open week /></Dialog> }.into_any()
}

#[component]
fn TestForm(open: RwSignal<bool>, week: Memo<NaiveDate>) -> AnyView {
    let language = RwSignal::new(locale_untracked().tag().to_owned());
    let sent = RwSignal::new(None::<ReportTest>);
    let task = Task::new();
    let submit = move |()| {
        let request = ReportTestRequest {
            week: Some(week.get_untracked()),
            locale: language.with_untracked(|tag| AccountLocale::from_tag(tag)),
        };
        let work = async move { api::post::<ReportTest>("/reports/weekly/test", &request).await };
        task.run(work, move |test| sent.set(Some(test)));
    };
    let choices =
        Signal::derive(|| Locale::ALL.map(|one| (one.tag().to_owned(), one.own_name().get().to_owned())).to_vec());
    let mine = move || session::me().map(|me| words::reports::test_to(&me.email, &week_text(week.get())));
    live(move || {
        match sent.get() {
        None => view! {
            <Form on_submit=submit error=task.text() failures=task.failures>
                <p class="muted">{live(mine)}</p>
                <Select label=words::common::LANGUAGE value=language choices error=task.field("/locale") />
                <FormActions>
                    <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::reports::SEND)}</Button>
                </FormActions>
            </Form>
        }
        .into_any(),
        Some(test) => view! {
            <div class="form">
                <div role="status">
                    <Banner tone=Tone::Success>{live(move || words::reports::test_sent(&test.to, &week_text(test.week)))}</Banner>
                </div>
                <FormActions>
                    <LinkButton href="/alerts?tab=deliveries">{t(words::alerts::TAB_DELIVERIES)}</LinkButton>
                    <Button kind=ButtonKind::Primary on_press=move |_| open.set(false)>{t(words::common::CLOSE)}</Button>
                </FormActions>
            </div>
        }
        .into_any(),
    }
    })
}
