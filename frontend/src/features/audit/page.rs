//! `/audit`: the changes, newest first. What is filtered by is in the URL.

use finops_contract::Page;
use finops_contract::audit::AuditEntry;
use finops_contract::organizations::Member;
use leptos::prelude::*;

use super::model::{Filter, SUBJECTS};
use super::table;
use crate::data::{self, use_get, use_list};
use crate::features::moment;
use crate::format::time;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{
    Banner, Button, ButtonKind, EmptyKind, EmptyState, Icon, PageHeader, Pager, Select, Skeleton, Text, TextField, Tone,
};
use crate::url::{use_field, use_param, use_set_params};

/// The parameters that narrow the list.
const FILTERS: [&str; 5] = ["subject", "actor", "target", "from", "to"];

/// The audit log.
#[component]
pub fn AuditPage() -> AnyView {
    let lead = Text::derive(|| {
        let (zone, offset) = moment::zone();
        words::audit::lead(&offset, &zone)
    });
    if !session::manages() {
        return view! {
            <PageHeader title=words::audit::TITLE />
            <div class="card"><EmptyState kind=EmptyKind::Forbidden /></div>
        }
        .into_any();
    }
    let filter = use_filter();
    let entries = use_get::<Page<AuditEntry>>(move || Some(filter.with(Filter::path)));
    let set = use_set_params();
    let clear = Callback::new(move |()| {
        let mut changes: Vec<_> = FILTERS.iter().map(|name| (*name, None)).collect();
        changes.extend([("entry", None), ("cursor", None)]);
        set(&changes, false);
    });
    let next = Signal::derive(move || entries.data.with(|p| p.as_ref().and_then(|p| p.next_cursor.clone())));
    let skeleton = || view! { <div class="card-body"><Skeleton shape="row" count=8 /></div> }.into_any();
    view! {
        <PageHeader title=words::audit::TITLE lead />
        <Filters narrow=Signal::derive(move || filter.with(Filter::is_narrow)) clear />
        {live(move || filter.with(|filter| filter.target.is_some()).then(|| view! { <OnlyTarget /> }))}
        <section class="card" aria-label=move || words::audit::TITLE.get()>
            {data::section(entries, skeleton, move |page| {
                if page.data.is_empty() { nothing(filter.with_untracked(Filter::is_narrow), clear) } else { table::log(page.data) }
            })}
            <Pager next />
        </section>
    }
    .into_any()
}

fn use_filter() -> Memo<Filter> {
    let param = |name| use_param(name);
    let (subject, actor, target) = (param("subject"), param("actor"), param("target"));
    let (from, to, cursor) = (param("from"), param("to"), param("cursor"));
    memo(move |_| {
        let zone = session::time_zone();
        let start = |date: &str| time::start_of(date, &zone).map(|at| at.to_rfc3339());
        // The last day is part of what is asked for.
        let after = |date: &str| start(&date.parse::<chrono::NaiveDate>().ok()?.succ_opt()?.to_string());
        Filter {
            subject: subject.get(),
            actor: actor.get(),
            target: target.get(),
            from: from.get().and_then(|date| start(&date)),
            to: to.get().and_then(|date| after(&date)),
            cursor: cursor.get(),
        }
    })
}

#[component]
fn Filters(narrow: Signal<bool>, clear: Callback<()>) -> AnyView {
    let people = use_list::<Member>(|| Some("/organization/members?limit=200".to_owned()));
    let subjects = Signal::derive(|| {
        let mut choices = vec![(String::new(), words::audit::SUBJECT_ALL.get().to_owned())];
        choices.extend(SUBJECTS.map(|(name, word)| (name.to_owned(), word.get().to_owned())));
        choices
    });
    let actors = Signal::derive(move || {
        let mut choices = vec![(String::new(), words::audit::ACTOR_ALL.get().to_owned())];
        people.data.with(|page| {
            choices.extend(page.iter().flat_map(|page| &page.data).map(|p| (p.user_id.to_string(), p.name.clone())));
        });
        choices
    });
    view! {
        <div class="log-filters" role="group" aria-label=move || words::audit::FILTER.get()>
            <Select label=words::audit::SUBJECT value=use_field("subject") choices=subjects />
            <Select label=words::audit::ACTOR value=use_field("actor") choices=actors />
            <TextField label=words::audit::FROM value=use_field("from") kind="date" />
            <TextField label=words::audit::TO value=use_field("to") kind="date" />
            {live(move || narrow.get().then(|| view! {
                <Button kind=ButtonKind::Ghost icon=Icon::Close on_press=move |_| clear.run(())>
                    {t(words::common::CLEAR_FILTERS)}
                </Button>
            }))}
        </div>
    }
    .into_any()
}

#[component]
fn OnlyTarget() -> AnyView {
    let set = StoredValue::new(use_set_params());
    let all = move |_| set.with_value(|set| set(&[("target", None), ("cursor", None)], false));
    view! {
        <Banner
            tone=Tone::Info
            actions=move || view! { <Button on_press=all>{t(words::common::CLEAR_FILTERS)}</Button> }
        >
            {t(words::audit::ONLY_TARGET)}
        </Banner>
    }
    .into_any()
}

fn nothing(narrow: bool, clear: Callback<()>) -> AnyView {
    if !narrow {
        return view! { <EmptyState kind=EmptyKind::NoData title=words::audit::EMPTY_TITLE /> }.into_any();
    }
    view! {
        <EmptyState
            kind=EmptyKind::NoMatch
            actions=move || view! {
                <Button on_press=move |_| clear.run(())>{t(words::common::CLEAR_FILTERS)}</Button>
            }
        />
    }
    .into_any()
}
