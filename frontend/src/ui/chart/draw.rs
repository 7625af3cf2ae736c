//! What is drawn: axes, lines and bars, and what moves with the pointer.

use leptos::prelude::*;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::ChartKind;
use super::scale::{Plane, Scale, area, labelled, lines, text_width};
use super::series::{Plot, Series};
use crate::format::compact_money;
use crate::format::time::{self, Show};

const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
const RIGHT: f64 = 8.0;

/// Where everything goes in a chart of this size.
pub(super) fn layout(plot: &Plot, kind: ChartKind, width: f64, height: f64) -> Plane {
    let (low, high) = match kind {
        ChartKind::Line => plot.extremes(),
        ChartKind::Stacked => plot.stacked_extremes(),
    };
    let scale = Scale::of(float(low), float(high), 4);
    let labels = scale.ticks().into_iter().map(|tick| text_width(&compact_money(tick, &plot.currency)));
    let left = labels.fold(28.0, f64::max) + 12.0;
    let count = plot.places.len();
    Plane { left, top: TOP, width: (width - left - RIGHT).max(1.0), height: height - TOP - BOTTOM, count, scale }
}

/// The axes and the values: everything that stays while the pointer moves.
pub(super) fn draw(plot: &Plot, kind: ChartKind, plane: Plane) -> AnyView {
    let right = plane.left + plane.width;
    let grid = plane.scale.ticks().into_iter().map(|tick| {
        let y = plane.y(tick);
        view! {
            <line class="chart-grid" data-zero=(tick == 0.0).then_some("") x1=plane.left.to_string() x2=right.to_string() y1=px(y) y2=px(y) />
            <text class="chart-label" x=px(plane.left - 8.0) y=px(y + 4.0) text-anchor="end">
                {compact_money(tick, &plot.currency)}
            </text>
        }
    });
    let days = labelled(plane.count, plane.width, 56.0).into_iter().map(|index| {
        // The first and the last keep within the chart.
        let x = plane.x(index).clamp(plane.left + 14.0, right - 14.0);
        view! {
            <text class="chart-label" x=px(x) y=px(plane.top + plane.height + 20.0) text-anchor="middle">
                {time::date(&plot.places[index].day, Show::Day)}
            </text>
        }
    });
    let moving: Vec<_> = plot.places.iter().map(|place| place.moving).collect();
    let values = match kind {
        ChartKind::Line => plot
            .series
            .iter()
            .map(|series| draw_line(plane, series, &moving, plot.series.len() == 1))
            .collect_view()
            .into_any(),
        ChartKind::Stacked => draw_bars(plot, plane).into_any(),
    };
    view! { <g>{grid.collect_view()}{days.collect_view()}{values}</g> }.into_any()
}

fn draw_line(plane: Plane, series: &Series, moving: &[bool], filled: bool) -> AnyView {
    let values = series.floats();
    let lines = lines(plane, &values, moving);
    let colour = series.colour.to_string();
    view! {
        <g class="chart-series" data-series=colour>
            {filled.then(|| view! { <path class="chart-area" d=area(plane, &values) /> })}
            <path class="chart-line" d=lines.solid />
            <path class="chart-line" data-moving="" d=lines.dashed />
            {lines.lone.into_iter().map(|(x, y)| view! { <circle class="chart-dot" cx=px(x) cy=px(y) r="2.5" /> }).collect_view()}
        </g>
    }
    .into_any()
}

fn draw_bars(plot: &Plot, plane: Plane) -> AnyView {
    let gap = (plane.band() * 0.28).clamp(1.0, 14.0);
    let bar = (plane.band() - gap).max(1.0);
    // Credits go down from zero, costs up; neither hides a part of the other.
    let (mut above, mut below) = (vec![0.0; plane.count], vec![0.0; plane.count]);
    let parts = plot.series.iter().map(|series| {
        let rects = series.floats().into_iter().enumerate().filter_map(|(index, value)| {
            let value = value.filter(|value| *value != 0.0)?;
            let ends = if value > 0.0 { &mut above } else { &mut below };
            let from = ends[index];
            ends[index] += value;
            let (a, b) = (plane.y(from), plane.y(from + value));
            let moving = plot.places[index].moving.then_some("");
            Some(view! {
                <rect
                    class="chart-bar"
                    data-moving=moving
                    x=px(plane.x(index) - bar / 2.0)
                    y=px(a.min(b))
                    width=px(bar)
                    // Never invisible: it cost something.
                    height=px((a - b).abs().max(0.5))
                />
            })
        });
        let rects = rects.collect_view();
        view! { <g class="chart-series" data-series=series.colour.to_string()>{rects}</g> }
    });
    parts.collect_view().into_any()
}

/// What moves with the pointer.
pub(super) fn marks(
    plot: &Plot,
    kind: ChartKind,
    plane: Plane,
    at: Option<usize>,
    drag: Option<(usize, usize)>,
) -> AnyView {
    let dragged = drag.map(|(a, b)| {
        let (from, to) = (plane.x(a.min(b)) - plane.band() / 2.0, plane.x(a.max(b)) + plane.band() / 2.0);
        view! { <rect class="chart-range" x=px(from) y=px(plane.top) width=px(to - from) height=px(plane.height) /> }
    });
    let cross = at.filter(|index| *index < plane.count).map(|index| {
        let x = plane.x(index);
        let dots = plot.series.iter().filter(|_| kind == ChartKind::Line).filter_map(|series| {
            let y = plane.y(float((*series.values.get(index)?)?));
            Some(view! {
                <circle class="chart-point" data-series=series.colour.to_string() cx=px(x) cy=px(y) r="4" />
            })
        });
        let band = kind == ChartKind::Stacked;
        view! {
            {band.then(|| view! {
                <rect class="chart-band" x=px(x - plane.band() / 2.0) y=px(plane.top) width=px(plane.band()) height=px(plane.height) />
            })}
            {(!band).then(|| view! {
                <line class="chart-cross" x1=px(x) x2=px(x) y1=px(plane.top) y2=px(plane.top + plane.height) />
            })}
            {dots.collect_view()}
        }
    });
    view! { <g>{dragged}{cross}</g> }.into_any()
}

/// A decimal as pixels need it.
pub(super) fn float(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(0.0)
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}
