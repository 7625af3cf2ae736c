//! The sums behind a breakdown's chart, and the same as a file.

use std::cmp::Ordering;

use finops_contract::costs::{CostRow, CostsAnswer, Dimension, Settlement};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::breakdown::View;
use super::export::{self, Cell};
use super::model::{self, Group};
use super::wording::{dimension_name, part_name};
use crate::api::{self, ApiError};
use crate::data::{self, Task, use_get};
use crate::format::number::{grouped, percent};
use crate::i18n::{t, words};
use crate::order::{folded, sort_by};
use crate::reactive::{effect, live};
use crate::ui::{
    Badge, Button, Card, Column, DensityMenu, Icon, Money, Pager, Row, Skeleton, Table, Text, toast, use_sort,
};
use crate::url::{self, use_param};

/// Rows on a page of the table.
const ROWS: &str = "100";
/// Rows that a file holds at most; more are a job for the service.
const FILE_ROWS: usize = 10_000;

/// One row for each combination of what is cut by, the dearest first.
#[component]
pub fn BreakdownTable(
    /// What is looked at.
    view: View,
    /// The breakdown's heading.
    title: Text,
) -> AnyView {
    let cursor = use_param("cursor");
    let answer = use_get::<CostsAnswer>(move || Some(view.path(&view.by.get(), ROWS, cursor.get().as_deref())));
    let next = Signal::derive(move || answer.data.with(|answer| answer.as_ref()?.next_cursor.clone()));
    let label = Text::derive(move || words::explore::table_of(&title.get()));
    let heading = Text::derive(move || {
        let by: Vec<_> = view.by.get().into_iter().map(|dimension| dimension_name(dimension).get()).collect();
        words::explore::by(&by.join(" · "))
    });
    let rows = data::section(
        answer,
        || view! { <div class="pad"><Skeleton shape="row" count=6 /></div> }.into_any(),
        move |answer| table(view, label, answer),
    );
    view! {
        <Card
            title=heading
            flush=true
            actions=move || view! { <div class="toolbar end"><DensityMenu /><Export view /></div> }
        >
            {rows}
            <Pager next />
        </Card>
    }
    .into_any()
}

fn table(view: View, label: Text, answer: CostsAnswer) -> AnyView {
    let sort = use_sort("-cost");
    let location = use_location();
    // What the answer was cut by; the URL may be ahead of it.
    let by: Vec<_> = answer
        .data
        .first()
        .map(|row| model::parts(&row.dimensions).into_iter().map(|part| part.dimension).collect())
        .unwrap_or_default();
    // The service knows one order only. Part of a list in another order would not be the first of it.
    let whole = answer.next_cursor.is_none() && use_param("cursor").with_untracked(Option::is_none);
    let mut columns: Vec<_> = by.iter().map(|dimension| Column::text(dimension_name(*dimension))).collect();
    let cost = Column::number(words::explore::COST);
    if let (true, Some(first)) = (whole, columns.first_mut()) {
        *first = first.by("name");
    }
    columns.extend([if whole { cost.by("cost") } else { cost }, Column::number(words::explore::SHARE)]);
    let rows = Callback::new(move |()| {
        let currency = view.currency_of(&answer.totals);
        let total = answer.totals.iter().find(|total| total.currency == currency).map(|total| total.cost.0);
        let mut groups = model::groups(&answer.data, &currency);
        if whole {
            let (key, down) = sort.get();
            let turn = |order: Ordering| if down { order.reverse() } else { order };
            sort_by(&mut groups, |a, b| match key.as_str() {
                "name" => turn(folded(&first_name(a)).cmp(&folded(&first_name(b)))),
                _ => turn(a.cost.cmp(&b.cost)),
            });
        }
        let path = location.pathname.get();
        let make = |group: Group| row(view, &path, group, &currency, total.unwrap_or_default());
        groups.into_iter().map(make).collect::<Vec<_>>()
    });
    view! { <Table label columns sort rows /> }.into_any()
}

fn first_name(group: &Group) -> String {
    group.parts.first().map(part_name).unwrap_or_default()
}

fn row(view: View, path: &str, group: Group, currency: &str, total: Decimal) -> Row {
    let target = model::drill(&group.parts, &view.filter.get(), view.offered).map(|drill| {
        let period = drill.period.unwrap_or_else(|| view.period.get());
        let (from, to) = (period.from.to_string(), period.to.to_string());
        let mut params = vec![("from", Some(from.as_str())), ("to", Some(&to)), ("groupBy", Some(drill.by.name()))];
        params.extend(drill.filter.params());
        format!("{path}{}", url::query(&params))
    });
    let linked = target.is_some();
    let mut target = target;
    let mut cells: Vec<_> = group
        .parts
        .iter()
        .map(|part| {
            let name = part_name(part);
            match target.take() {
                Some(href) => view! { <a class="row-link" href=href>{name}</a> }.into_any(),
                None => name.into_any(),
            }
        })
        .collect();
    // Sums of many days nearly always hold a moving one; said of all of them it says nothing.
    let is_day = group.parts.iter().any(|part| part.dimension == Dimension::Day);
    let moving = (group.moving && is_day).then(|| view! { <Badge>{t(words::explore::MOVING)}</Badge>" " });
    let unpriced = (group.unpriced > 0).then(|| {
        let count = grouped(&group.unpriced.to_string());
        view! { <Badge>{live(move || words::explore::unpriced(&count))}</Badge>" " }
    });
    // A sum of nothing that is known is not known: no zero, and no share.
    let known = group.unpriced == 0 || !group.cost.is_zero();
    let cost = known.then(|| view! { <Money amount=group.cost.to_string() currency=currency.to_owned() /> });
    cells.push(view! { {moving}{unpriced}{cost} }.into_any());
    cells.push(share(model::share(group.cost, total).filter(|_| known)));
    Row { linked, cells }
}

/// A share in percent, with a bar that says the same.
fn share(share: Option<Decimal>) -> AnyView {
    let Some(value) = share.and_then(|share| share.to_f64()) else { return "–".into_any() };
    view! {
        <span class="share">
            <span class="share-bar" aria-hidden="true"><span style:width=format!("{value:.1}%")></span></span>
            <span class="share-text">{percent(value)}</span>
        </span>
    }
    .into_any()
}

/// Saves every row, not only this page's, as CSV.
#[component]
fn Export(view: View) -> AnyView {
    let task = Task::new();
    let press = move |_| {
        let path = view.path(&view.by.get_untracked(), "5000", None);
        let period = view.period.get_untracked();
        let head = view.by.get_untracked();
        task.run(all_rows(path), move |rows| {
            let mut lines = vec![head_of(&head)];
            lines.extend(rows.iter().map(line));
            let name = format!("costs_{}_{}.csv", period.from, period.last());
            match export::download(&name, &export::csv(&lines)) {
                Ok(()) => toast::done(words::explore::exported(rows.len() as u64)),
                Err(_) => toast::failed(words::explore::EXPORT_FAILED.get_untracked()),
            }
        });
    };
    effect(move |_| {
        if let Some(error) = task.text().get() {
            toast::failed(error);
        }
    });
    view! { <Button icon=Icon::Download busy=task.busy on_press=press>{t(words::explore::EXPORT)}</Button> }.into_any()
}

async fn all_rows(path: String) -> Result<Vec<CostRow>, ApiError> {
    let mut rows = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let cursor_param =
            cursor.as_deref().map(|cursor| format!("&cursor={}", url::escape(cursor))).unwrap_or_default();
        let page: CostsAnswer = api::get(&format!("{path}{cursor_param}")).await?;
        rows.extend(page.data);
        cursor = page.next_cursor;
        if cursor.is_none() || rows.len() >= FILE_ROWS {
            rows.truncate(FILE_ROWS);
            return Ok(rows);
        }
    }
}

fn head_of(by: &[Dimension]) -> Vec<Cell> {
    let names = by.iter().map(|dimension| dimension_name(*dimension).get_untracked());
    let rest = [words::explore::COST, words::explore::CURRENCY, words::explore::SETTLEMENT];
    names.chain(rest.map(|word| word.get_untracked())).map(|name| Cell::Text(name.to_owned())).collect()
}

fn line(row: &CostRow) -> Vec<Cell> {
    let parts = model::parts(&row.dimensions);
    let names = parts.iter().map(|part| match part.dimension {
        // A date that a spreadsheet reads.
        Dimension::Day => Cell::Text(part.key.clone()),
        _ => Cell::Text(part_name(part)),
    });
    let settlement = match row.settlement {
        Settlement::Settled => words::explore::SETTLED,
        Settlement::Moving => words::explore::MOVING,
    };
    names
        .chain([
            Cell::Number(row.cost.to_string()),
            Cell::Text(row.currency.clone()),
            Cell::Text(settlement.get_untracked().to_owned()),
        ])
        .collect()
}
