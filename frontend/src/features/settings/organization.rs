//! The organization's name, calendar and currency.

use finops_contract::organizations::Organization;
use leptos::prelude::*;

use super::model;
use crate::api;
use crate::data::{self, Task, use_get};
use crate::format::time;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{
    Button, ButtonKind, Card, Checkbox, Fact, Facts, Form, FormActions, Select, Skeleton, Text, TextField, toast,
};

/// The settings, to change for who may, else to read.
#[component]
pub fn OrganizationCard() -> AnyView {
    let organization = use_get::<Organization>(|| Some("/organization".to_owned()));
    let skeleton = || view! { <div class="stack"><Skeleton shape="row" count=5 /></div> }.into_any();
    // The form is made once: what somebody types must not be lost to a reload.
    let first = memo(move |_| organization.data.with(Option::is_some));
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
                <Fact label=words::settings::FISCAL_MONTH>{live(move || time::month_name(month))}</Fact>
                <Fact label=words::settings::RETENTION>{live(move || words::settings::days(days))}</Fact>
            </Facts>
        </div>
    }
    .into_any()
}

/// What the form holds.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    zone: RwSignal<String>,
    currency: RwSignal<String>,
    month: RwSignal<String>,
    days: RwSignal<String>,
    two_person_blocks: RwSignal<bool>,
}

impl Fields {
    fn of(now: &Organization) -> Fields {
        Fields {
            name: RwSignal::new(now.name.clone()),
            zone: RwSignal::new(now.time_zone.clone()),
            currency: RwSignal::new(now.currency.clone()),
            month: RwSignal::new(now.fiscal_year_start_month.to_string()),
            days: RwSignal::new(now.retention_days.to_string()),
            two_person_blocks: RwSignal::new(now.two_person_blocks),
        }
    }

    /// The settings that are wanted, or what is wrong: pointer and code of each field.
    fn read(self, now: &Organization) -> Result<Organization, Vec<(&'static str, &'static str)>> {
        let name = self.name.get_untracked().trim().to_owned();
        let retention_days = model::retention(&self.days.get_untracked());
        let mut wrong = Vec::new();
        if name.is_empty() {
            wrong.push(("/name", "required"));
        }
        match retention_days {
            Some(retention_days) if wrong.is_empty() => Ok(Organization {
                name,
                time_zone: self.zone.get_untracked(),
                currency: self.currency.get_untracked(),
                fiscal_year_start_month: self.month.get_untracked().parse().unwrap_or(now.fiscal_year_start_month),
                retention_days,
                two_person_blocks: self.two_person_blocks.get_untracked(),
                ..now.clone()
            }),
            Some(_) => Err(wrong),
            None => {
                wrong.push(("/retentionDays", "range"));
                Err(wrong)
            }
        }
    }
}

#[component]
fn OrganizationForm(now: Organization) -> AnyView {
    let fields = Fields::of(&now);
    let stored = StoredValue::new(now);
    let task = Task::new();
    let submit = move |()| {
        let now = stored.get_value();
        let request = match fields.read(&now) {
            Ok(wanted) => model::changes(&now, &wanted),
            Err(wrong) => {
                task.refuse(&wrong);
                return;
            }
        };
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
            <TextField label=words::settings::NAME value=fields.name name="organization" error=task.field("/name") />
            <Select
                label=words::settings::TIME_ZONE
                value=fields.zone
                choices=zones(stored)
                hint=words::settings::TIME_ZONE_HINT
                error=zone_error
            />
            <Select
                label=words::settings::CURRENCY
                value=fields.currency
                choices=Signal::derive(|| model::CURRENCIES.map(|code| (code.to_owned(), code.to_owned())).to_vec())
                hint=words::settings::CURRENCY_HINT
                error=task.field("/currency")
            />
            <div class="grid">
                <Select label=words::settings::FISCAL_MONTH value=fields.month choices=months() />
                <TextField
                    label=Text::from(words::settings::RETENTION)
                    value=fields.days
                    kind="number"
                    hint=words::settings::RETENTION_HINT
                    error=task.field("/retentionDays")
                />
            </div>
            <div>
                <Checkbox value=fields.two_person_blocks label=words::settings::TWO_PERSONS />
                <p class="field-hint">{t(words::settings::TWO_PERSONS_HINT)}</p>
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
