//! What is read: the values of one day, the legend, and everything as a table.

use leptos::prelude::*;
use rust_decimal::Decimal;

use super::scale::Plane;
use super::series::{Place, Plot};
use crate::format::money;
use crate::format::time::{self, Show};
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::Text;

/// Below this width two tips do not fit beside each other.
const NARROW: f64 = 560.0;

/// The values of one day, beside it.
pub(super) fn tip(plot: &Plot, plane: Plane, index: usize) -> AnyView {
    let Some(place) = plot.places.get(index) else { return ().into_any() };
    let currency = &plot.currency;
    let rows = plot.series.iter().filter_map(|series| {
        let value = series.values.get(index).copied().flatten();
        // A long list of nothings says nothing.
        if plot.series.len() > 1 && value.is_none_or(|value| value.is_zero() && !plot.apart) {
            return None;
        }
        let text = value.map_or_else(|| words::chart::NOTHING_KNOWN.get().to_owned(), |value| amount(value, currency));
        Some(view! {
            <li>
                <span class="swatch" data-series=series.colour.to_string()></span>
                <span class="truncate">{series.name.clone()}</span>
                <b>{text}</b>
            </li>
        })
    });
    let rows = rows.collect_view();
    let total = (plot.series.len() > 1 && !plot.apart).then(|| {
        let text = plot
            .sum_at(index)
            .map_or_else(|| words::chart::NOTHING_KNOWN.get().to_owned(), |sum| amount(sum, currency));
        view! { <li class="chart-tip-total"><span>{t(words::chart::TOTAL)}</span><b>{text}</b></li> }
    });
    let flip = index * 2 >= plane.count;
    let x = plane.x(index);
    let shift = match (flip, plane.width < NARROW) {
        (true, false) => format!("translate(calc({x:.0}px - 100% - 12px), 0)"),
        (false, false) => format!("translate({:.0}px, 0)", x + 12.0),
        // Beside the point there is no room; at the far edge there is.
        (true, true) => format!("translate({:.0}px, 0)", plane.left),
        (false, true) => format!("translate(calc({:.0}px - 100%), 0)", plane.left + plane.width),
    };
    view! {
        <div class="chart-tip" aria-hidden="true" style:transform=shift>
            <p>{time::date(&place.day, Show::Weekday)}{place.moving.then(|| view! { <span class="muted">" · "{t(words::chart::MOVING)}</span> })}</p>
            <ul>{rows}{total}</ul>
        </div>
    }
    .into_any()
}

fn amount(value: Decimal, currency: &str) -> String {
    money::text(&value.to_string(), currency)
}

/// One day in words.
pub(super) fn describe(plot: &Plot, place: &Place, index: usize) -> String {
    let mut text = time::date(&place.day, Show::Weekday);
    for series in &plot.series {
        let value = series.values.get(index).copied().flatten();
        let value =
            value.map_or_else(|| words::chart::NOTHING_KNOWN.get().to_owned(), |value| amount(value, &plot.currency));
        text.push_str(&format!(", {} {value}", series.name));
    }
    if place.moving {
        text.push_str(", ");
        text.push_str(words::chart::MOVING.get());
    }
    text
}

/// The names of the series; a press shows one alone.
pub(super) fn legend(plot: &Plot, alone: RwSignal<Option<usize>>) -> AnyView {
    if plot.series.len() < 2 {
        return view! { <span></span> }.into_any();
    }
    let entries = plot.series.iter().enumerate().map(|(index, series)| {
        let name = series.name.clone();
        view! {
            <li>
                <button
                    class="legend-entry"
                    type="button"
                    aria-pressed=move || (alone.get() == Some(index)).to_string()
                    data-faded=move || alone.get().is_some_and(|alone| alone != index).then_some("")
                    on:click=move |_| alone.update(|alone| *alone = if *alone == Some(index) { None } else { Some(index) })
                >
                    <span class="swatch" data-series=series.colour.to_string()></span>
                    <span class="truncate">{name}</span>
                </button>
            </li>
        }
    });
    let kept = plot.series.iter().filter(|series| series.colour > 0).count();
    let note = (plot.of > kept).then(|| {
        let (of, kept) = (plot.of, kept);
        view! { <li class="legend-note">{live(move || words::chart::top_of(&kept, &of))}</li> }
    });
    view! { <ul class="legend" aria-label=move || words::chart::LEGEND.get()>{entries.collect_view()}{note}</ul> }
        .into_any()
}

/// The same values as a table, the latest day first.
pub(super) fn table(label: Text, plot: Plot) -> AnyView {
    let currency = plot.currency.clone();
    let head = plot
        .series
        .iter()
        .map(|series| view! { <th scope="col" data-align="end">{series.name.clone()}</th> })
        .collect_view();
    let rows = plot.places.iter().enumerate().rev().map(|(index, place)| {
        let cells = plot.series.iter().map(|series| {
            let text = series
                .values
                .get(index)
                .copied()
                .flatten()
                .map_or_else(|| "–".to_owned(), |value| money::exact(&value.to_string(), &currency));
            view! { <td data-align="end">{text}</td> }
        });
        let cells = cells.collect_view();
        let (day, moving) = (place.day.clone(), place.moving);
        view! {
            <tr>
                <th scope="row">
                    {live(move || time::date(&day, Show::Date))}
                    {moving.then(|| view! { <span class="muted">" · "{t(words::chart::MOVING)}</span> })}
                </th>
                {cells}
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <div class="table-scroll chart-table" tabindex="0" role="region" aria-label=move || format!("{}, {}", label.get(), words::chart::TABLE.get())>
            <table class="table" data-density="s">
                <thead><tr><th scope="col">{t(words::chart::DAY)}</th>{head}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
