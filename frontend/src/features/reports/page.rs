//! `/reports/weekly`: one week, in tabs: the report, its e-mail, what came of it.

use chrono::NaiveDate;
use finops_contract::reports::WeeklyReport;
use leptos::prelude::*;

use super::effect::effect_tab;
use super::mail::MailTab;
use super::model::{after, before, chosen, last_week};
use super::report::report_tab;
use super::trial::TestDialog;
use super::wording::week_text;
use crate::data::{Query, use_get};
use crate::features::moment;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{Button, ButtonKind, Icon, IconButton, PageHeader, Tab, Tabs};
use crate::url::{use_open, use_param, use_set_params};

/// The weekly report.
#[component]
pub fn ReportsPage() -> AnyView {
    let (tab, param) = (use_param("tab"), use_param("week"));
    let week = memo(move |_| param.with(|week| chosen(week.as_deref(), today())));
    let report = use_get::<WeeklyReport>(move || Some(format!("/reports/weekly?week={}", week.get())));
    let set = StoredValue::new(use_set_params());
    let test = use_open("new", "test");
    let manages = session::manages();
    let actions = move || {
        manages.then(|| {
            view! {
                <Button kind=ButtonKind::Primary icon=Icon::Mail on_press=move |_| test.set(true)>
                    {t(words::reports::TEST)}
                </Button>
            }
        })
    };
    let mut tabs = vec![Tab::new("report", words::reports::TAB_REPORT)];
    if manages {
        tabs.push(Tab::new("mail", words::reports::TAB_MAIL));
        tabs.push(Tab::new("effect", words::reports::TAB_EFFECT));
    }
    let panel = Callback::new(move |tab| match tab {
        "mail" => view! { <MailTab week /> }.into_any(),
        "effect" => effect_tab(week),
        _ => report_tab(report),
    });
    let choose = move |tab: &'static str| {
        set.with_value(|set| set(&[("tab", (tab != "report").then_some(tab)), ("language", None)], true));
    };
    view! {
        <PageHeader title=words::reports::TITLE lead=words::reports::LEAD actions />
        <div class="stack">
            {picker(week, report)}
            <Tabs
                label=words::reports::TITLE
                tabs
                value=Signal::derive(move || tab.get().unwrap_or_default())
                on_change=choose
                panel
            />
        </div>
        {manages.then(|| view! { <TestDialog open=test week /> })}
    }
    .into_any()
}

/// Today where the organization is.
fn today() -> NaiveDate {
    moment::today().parse().unwrap_or_default()
}

/// The week, with the ways to the ones before and after it; never to one that is not over.
fn picker(week: Memo<NaiveDate>, report: Query<WeeklyReport>) -> AnyView {
    let set = StoredValue::new(use_set_params());
    let go = move |to: NaiveDate| {
        // The last whole week is what the page shows by itself, also next week.
        let to = (to != last_week(today())).then(|| to.to_string());
        set.with_value(|set| set(&[("week", to.as_deref())], false));
    };
    let is_last = Signal::derive(move || week.get() >= last_week(today()));
    let sent = move || {
        let (sent, zone) =
            report.data.with(|report| report.as_ref().map(|report| (report.sent_at, report.time_zone.clone())))?;
        let zone = words::reports::zone(&zone);
        Some(match sent {
            Some(at) => format!("{zone} · {}", words::reports::sent(&moment::exact(at, Show::Minute))),
            None => format!("{zone} · {}", words::reports::NOT_SENT.get()),
        })
    };
    view! {
        <div class="row" data-gap="16" role="group" aria-label=move || words::reports::WEEK.get()>
            <span class="row" data-nowrap="">
                <IconButton
                    icon=Icon::ChevronLeft
                    label=words::reports::WEEK_BEFORE
                    kind=ButtonKind::Secondary
                    on_press=move |_| go(before(week.get_untracked()))
                />
                <b class="nowrap" role="status">{live(move || week_text(week.get()))}</b>
                <IconButton
                    icon=Icon::ChevronRight
                    label=words::reports::WEEK_AFTER
                    kind=ButtonKind::Secondary
                    disabled=is_last
                    on_press=move |_| go(after(week.get_untracked()))
                />
            </span>
            <span class="small muted">{live(sent)}</span>
        </div>
    }
    .into_any()
}
