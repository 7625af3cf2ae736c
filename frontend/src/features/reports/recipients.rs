//! Who gets the report.

use finops_contract::reports::{ReportRecipient, ReportRecipients, ReportRecipientsRequest};
use leptos::prelude::*;

use super::draft::{place, read, write};
use crate::api::{self, ApiError};
use crate::data::{Query, Task, section, use_get};
use crate::i18n::{Locale, t, words};
use crate::reactive::live;
use crate::session;
use crate::ui::{
    Badge, Button, ButtonKind, Card, Choice, Dialog, Form, FormActions, Glyph, Icon, SegmentedControl, Skeleton,
    Textarea, toast,
};
use crate::url::use_open;

/// In the form: whoever runs the organization, or whoever is named.
const USUAL: &str = "usual";
const NAMED: &str = "named";

/// The card.
#[component]
pub fn RecipientsCard() -> AnyView {
    let recipients = use_get::<ReportRecipients>(|| Some("/reports/weekly/recipients".to_owned()));
    let open = use_open("edit", "recipients");
    let manages = session::manages();
    let edit = move || {
        (manages && recipients.data.with(Option::is_some)).then(|| {
            view! { <Button icon=Icon::Edit on_press=move |_| open.set(true)>{t(words::common::EDIT)}</Button> }
        })
    };
    let skeleton = || view! { <Skeleton shape="row" count=3 /> }.into_any();
    let is_there = move || manages && recipients.data.with(Option::is_some);
    view! {
        <Card title=words::reports::RECIPIENTS note=words::reports::RECIPIENTS_NOTE actions=move || view! { {live(edit)} }>
            {section(recipients, skeleton, |recipients| list(&recipients))}
        </Card>
        <Dialog open title=words::reports::RECIPIENTS>
            {live(move || is_there().then(|| view! { <RecipientsForm open recipients /> }))}
        </Dialog>
    }
    .into_any()
}

fn list(recipients: &ReportRecipients) -> AnyView {
    let note = match (recipients.is_default, recipients.recipients.is_empty()) {
        (true, _) => Some(words::reports::RECIPIENTS_USUAL),
        (false, true) => Some(words::reports::RECIPIENTS_NOBODY),
        (false, false) => None,
    };
    let note = note.map(|word| view! { <p class="muted">{t(word)}</p> });
    let items = recipients.recipients.iter().map(item).collect::<Vec<_>>();
    let items = (!items.is_empty()).then(|| {
        // What scrolls must be reachable without a pointer.
        view! { <ul class="picks" tabindex="0" aria-label=move || words::reports::RECIPIENTS.get()>{items}</ul> }
    });
    view! { <div class="stack">{note}{items}</div> }.into_any()
}

fn item(one: &ReportRecipient) -> AnyView {
    let language = Locale::from_tag(one.locale.tag()).unwrap_or_default().own_name();
    view! {
        <li class="pick">
            <Glyph icon=Icon::Mail />
            <span class="pick-text">{one.email.clone()}</span>
            <Badge>{t(language)}</Badge>
        </li>
    }
    .into_any()
}

#[component]
fn RecipientsForm(open: RwSignal<bool>, recipients: Query<ReportRecipients>) -> AnyView {
    // Once: what is typed must outlive the next look at who gets it.
    let before = recipients.data.get_untracked();
    let is_usual = before.as_ref().is_none_or(|before| before.is_default);
    let [ko, en] = write(&before.map(|before| before.recipients).unwrap_or_default()).map(RwSignal::new);
    let mode = RwSignal::new(if is_usual { USUAL } else { NAMED }.to_owned());
    let task = Task::new();
    let submit = move |()| {
        let named = mode.with_untracked(|mode| mode == NAMED);
        let recipients_now = if named {
            match read(&[ko.get_untracked(), en.get_untracked()]) {
                Ok(all) => Some(all),
                Err(wrong) => {
                    let wrong: Vec<_> = wrong.iter().map(|(pointer, code)| (pointer.as_str(), *code)).collect();
                    let _ = task.refuse(&wrong);
                    return;
                }
            }
        } else {
            None
        };
        let request = ReportRecipientsRequest { recipients: recipients_now };
        let work = async move { api::put("/reports/weekly/recipients", Some(&request)).await };
        task.run(work, move |_| {
            open.set(false);
            recipients.reload();
            toast::done(words::reports::RECIPIENTS_SAVED.get_untracked());
        });
    };
    let wrong = move |field: usize| {
        Signal::derive(move || task.error.with(|error| ko.with(|ko| wrong_in(error.as_ref()?, field, ko))))
    };
    let fields = move || {
        mode.with(|mode| mode == NAMED).then(|| {
            view! {
                <Textarea label=words::reports::IN_KOREAN value=ko hint=words::reports::ADDRESSES_HINT error=wrong(0) optional=true />
                <Textarea label=words::reports::IN_ENGLISH value=en error=wrong(1) optional=true />
                <p class="field-hint">{t(words::reports::NOBODY_HINT)}</p>
            }
        })
    };
    let choices = vec![Choice::new(USUAL, words::reports::MODE_USUAL), Choice::new(NAMED, words::reports::MODE_NAMED)];
    let hint = move || {
        mode.with(|mode| mode == USUAL).then(|| view! { <p class="muted">{t(words::reports::MODE_USUAL_HINT)}</p> })
    };
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <div>
                <SegmentedControl
                    label=words::reports::RECIPIENTS
                    choices
                    value=mode
                    on_change=move |chosen: &'static str| mode.set(chosen.to_owned())
                />
            </div>
            {live(hint)}
            {live(fields)}
            <FormActions>
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::common::SAVE)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

/// What is wrong with a field: with which of its lines, or with all of them together.
fn wrong_in(error: &ApiError, field: usize, first: &str) -> Option<String> {
    error.fields.iter().find_map(|one| {
        let text = match one.code.as_str() {
            "duplicate" => words::reports::WRONG_DUPLICATE.get().to_owned(),
            "too_many" | "length" if one.pointer == "/recipients" => {
                return (field == 0).then(|| words::reports::WRONG_MANY.get().to_owned());
            }
            _ => error.field(&one.pointer)?,
        };
        let (of, line) = place(&one.pointer, first)?;
        (of == field).then(|| words::alerts::wrong_in(&line, &text))
    })
}
