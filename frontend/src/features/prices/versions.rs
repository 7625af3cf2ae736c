//! Every time that the public prices changed.

use finops_contract::Page;
use finops_contract::prices::PriceVersion;
use leptos::prelude::*;

use super::wording::{source, version_kind};
use crate::data::{section, use_get};
use crate::features::moment;
use crate::format::number::grouped;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Badge, Card, Column, EmptyKind, EmptyState, Pager, Row, Skeleton, Table};
use crate::url::{query, use_param};

/// The list.
#[component]
pub fn VersionsCard() -> AnyView {
    let cursor = use_param("cursor");
    let versions = use_get::<Page<PriceVersion>>(move || {
        Some(format!("/prices/versions{}", query(&[("cursor", cursor.get().as_deref())])))
    });
    let next = Signal::derive(move || versions.data.with(|page| page.as_ref()?.next_cursor.clone()));
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=4 /></div> }.into_any();
    view! {
        <Card title=words::prices::TAB_VERSIONS note=words::prices::VERSIONS_NOTE flush=true>
            {section(versions, skeleton, move |page| {
                if page.data.is_empty() {
                    view! { <EmptyState kind=EmptyKind::NoData body=words::prices::BOOK_EMPTY /> }.into_any()
                } else {
                    table(page.data)
                }
            })}
            <Pager next />
        </Card>
    }
    .into_any()
}

fn table(versions: Vec<PriceVersion>) -> AnyView {
    let columns = vec![
        Column::text(words::prices::VERSION),
        Column::text(words::prices::SOURCE),
        Column::text(words::prices::EFFECTIVE_FROM),
        Column::text(words::prices::CHECKED),
        Column::number(words::prices::COUNT_NEW),
        Column::number(words::prices::COUNT_CHANGED),
        Column::number(words::prices::COUNT_ENDED),
        Column::number(words::prices::COUNT_SUSPICIOUS),
        Column::number(words::prices::COUNT_SKIPPED),
    ];
    let rows = Callback::new(move |()| versions.iter().map(row).collect::<Vec<_>>());
    view! { <Table label=words::prices::TAB_VERSIONS columns rows /> }.into_any()
}

fn row(version: &PriceVersion) -> Row {
    let (number, from, checked) = (version.number, version.effective_from, version.checked_at);
    let name = live(move || words::prices::version_number(&number));
    // The one that holds.
    let latest = version.effective_to.is_none().then(|| view! { " "<Badge>{t(words::prices::LATEST)}</Badge> });
    let at = |at| view! { <span class="nowrap">{live(move || moment::exact(at, Show::Minute))}</span> }.into_any();
    let licence = version.licence.clone().map(|licence| view! { <br /><span class="small muted">{licence}</span> });
    let mut cells = vec![
        view! { <span class="strong">{name}</span>{latest}<br /><span class="small muted">{t(version_kind(version.kind))}</span> }
            .into_any(),
        view! { <span>{source(&version.source)}{licence}</span> }.into_any(),
        at(from),
        at(checked),
    ];
    let counts = [
        version.entries_new,
        version.entries_changed,
        version.entries_ended,
        version.entries_suspicious,
        version.entries_skipped,
    ];
    cells.extend(counts.map(|count| grouped(&count.to_string()).into_any()));
    Row { linked: false, cells }
}
