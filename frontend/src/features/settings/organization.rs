//! The organization's name, calendar and currency.

use finops_contract::organizations::Organization;
use leptos::prelude::*;

use super::model;
use crate::api;
use crate::data::{self, Task, use_get};
use crate::format::time;
use crate::i18n::{t, words};
use crate::session;
use crate::ui::{Button, ButtonKind, Card, Fact, Facts, Form, FormActions, Select, Skeleton, Text, TextField, toast};

/// The settings, to change for who may, else to read.
#[component]
pub fn OrganizationCard() -> AnyView {
    let organization = use_get::<Organization>(|| Some("/organization".to_owned()));
    let skeleton = || view! { <div class="stack"><Skeleton shape="row" count=5 /></div> }.into_any();
    // The form is made once: what somebody types must not be lost to a reload.
    let first = Memo::new(move |_| organization.data.with(Option::is_some));
    let content = move || {
        if !first.get() {
            return data::section(organization, skeleton, |_| ().into_any());
        }
        match organization.data.get_untracked() {
            Some(now) if session::manages() => view! { <OrganizationForm now /> }.into_any(),
            Some(now) => read_only(&now),
            None => ().into_any(),
        }
    };
    view! {
        <div class="settings">
            <Card title=words::settings::ORGANIZATION note=words::settings::ORGANIZATION_NOTE>{content}</Card>
        </div>
    }
    .into_any()
}

fn read_only(now: &Organization) -> AnyView {
    let (name, zone, currency) = (now.name.clone(), now.time_zone.clone(), now.currency.clone());
    let (month, days) = (now.fiscal_year_start_month, u64::from(now.retention_days));
    view! {
        <div class="stack">
            <p class="muted">{t(words::settings::READ_ONLY)}</p>
            <Facts>
                <Fact label=words::settings::NAME>{name}</Fact>
                <Fact label=words::settings::TIME_ZONE>{zone}</Fact>
                <Fact label=words::settings::CURRENCY>{currency}</Fact>
                <Fact label=words::settings::FISCAL_MONTH>{move || time::month_name(month)}</Fact>
                <Fact label=words::settings::RETENTION>{move || words::settings::days(days)}</Fact>
            </Facts>
        </div>
    }
    .into_any()
}

#[component]
fn OrganizationForm(now: Organization) -> AnyView {
    let text = |value: String| RwSignal::new(value);
    let (name, zone, currency) = (text(now.name.clone()), text(now.time_zone.clone()), text(now.currency.clone()));
    let (month, days) = (text(now.fiscal_year_start_month.to_string()), text(now.retention_days.to_string()));
    let stored = StoredValue::new(now);
    let task = Task::new();
    let submit = move |()| {
        let retention = model::retention(&days.get_untracked());
        let mut wrong = Vec::new();
        if name.with_untracked(|name| name.trim().is_empty()) {
            wrong.push(("/name", "required"));
        }
        if retention.is_none() {
            wrong.push(("/retentionDays", "range"));
        }
        if task.refuse(&wrong) {
            return;
        }
        let now = stored.get_value();
        let wanted = Organization {
            name: name.get_untracked().trim().to_owned(),
            time_zone: zone.get_untracked(),
            currency: currency.get_untracked(),
            fiscal_year_start_month: month.get_untracked().parse().unwrap_or(now.fiscal_year_start_month),
            retention_days: retention.unwrap_or(now.retention_days),
            ..now.clone()
        };
        let request = model::changes(&now, &wanted);
        task.run(async move { api::patch::<Organization>("/organization", &request).await }, move |saved| {
            stored.try_set_value(saved.clone());
            session::update(|me| me.organization = saved);
            toast::done(words::common::SAVED.get_untracked());
        });
    };
    let zone_error = Signal::derive(move || {
        task.error.with(|error| {
            let wrong = error.as_ref()?.fields.iter().any(|field| field.pointer == "/timeZone");
            wrong.then(|| words::settings::TIME_ZONE_INVALID.get().to_owned())
        })
    });
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <TextField label=words::settings::NAME value=name name="organization" error=task.field("/name") />
            <Select
                label=words::settings::TIME_ZONE
                value=zone
                choices=zones(stored)
                hint=words::settings::TIME_ZONE_HINT
                error=zone_error
            />
            <Select
                label=words::settings::CURRENCY
                value=currency
                choices=Signal::derive(|| model::CURRENCIES.map(|code| (code.to_owned(), code.to_owned())).to_vec())
                hint=words::settings::CURRENCY_HINT
                error=task.field("/currency")
            />
            <div class="grid">
                <Select label=words::settings::FISCAL_MONTH value=month choices=months() />
                <TextField
                    label=Text::from(words::settings::RETENTION)
                    value=days
                    kind="number"
                    hint=words::settings::RETENTION_HINT
                    error=task.field("/retentionDays")
                />
            </div>
            <FormActions>
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::common::SAVE)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

/// The zones that the browser knows, and the one that is set.
fn zones(stored: StoredValue<Organization>) -> Signal<Vec<(String, String)>> {
    let mut zones = time::zones();
    let now = stored.with_value(|organization| organization.time_zone.clone());
    if !zones.contains(&now) {
        zones.insert(0, now);
    }
    let choices: Vec<_> = zones.into_iter().map(|zone| (zone.clone(), zone.replace('_', " "))).collect();
    Signal::stored(choices)
}

fn months() -> Signal<Vec<(String, String)>> {
    Signal::derive(|| (1..=12).map(|month: u8| (month.to_string(), time::month_name(month))).collect())
}
