//! What is drawn: axes, lines and bars, and what moves with the pointer.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::ChartKind;
use super::scale::{Lines, Plane, Scale, area, labelled, lines, text_width};
use super::series::Plot;
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

/// The axes and the values: everything that stays while the pointer moves, as the text of SVG. Hundreds of shapes are
/// drawn faster and with less code from a text than one by one; all of it is numbers and what `Intl` writes.
pub(super) fn draw(plot: &Plot, kind: ChartKind, plane: Plane) -> String {
    let mut out = String::new();
    let (left, right) = (plane.left, plane.left + plane.width);
    for tick in plane.scale.ticks() {
        let y = plane.y(tick);
        let zero = if tick == 0.0 { " data-zero" } else { "" };
        put(&mut out, &format!("<line class=chart-grid{zero} x1={left:.1} x2={right:.1} y1={y:.1} y2={y:.1} />"));
        label(&mut out, left - 8.0, y + 4.0, "end", &compact_money(tick, &plot.currency));
    }
    for index in labelled(plane.count, plane.width, 56.0) {
        // The first and the last keep within the chart.
        let x = plane.x(index).clamp(left + 14.0, right - 14.0);
        label(&mut out, x, plane.top + plane.height + 20.0, "middle", &time::date(&plot.places[index].day, Show::Day));
    }
    match kind {
        ChartKind::Line => draw_lines(&mut out, plot, plane),
        ChartKind::Stacked => draw_bars(&mut out, plot, plane),
    }
    out
}

fn put(out: &mut String, text: &str) {
    out.push_str(text);
}

fn label(out: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    put(out, &format!("<text class=chart-label x={x:.1} y={y:.1} text-anchor={anchor}>{text}</text>"));
}

fn draw_lines(out: &mut String, plot: &Plot, plane: Plane) {
    let moving: Vec<_> = plot.places.iter().map(|place| place.moving).collect();
    for series in &plot.series {
        let values = series.floats();
        let Lines { solid, dashed, lone } = lines(plane, &values, &moving);
        put(out, &format!("<g class=chart-series data-series={}>", series.colour));
        if plot.series.len() == 1 {
            put(out, &format!("<path class=chart-area d=\"{}\" />", area(plane, &values)));
        }
        put(
            out,
            &format!("<path class=chart-line d=\"{solid}\" /><path class=chart-line data-moving d=\"{dashed}\" />"),
        );
        for (x, y) in lone {
            put(out, &format!("<circle class=chart-dot cx={x:.1} cy={y:.1} r=2.5 />"));
        }
        put(out, "</g>");
    }
}

fn draw_bars(out: &mut String, plot: &Plot, plane: Plane) {
    let gap = (plane.band() * 0.28).clamp(1.0, 14.0);
    let bar = (plane.band() - gap).max(1.0);
    // Credits go down from zero, costs up; neither hides a part of the other.
    let (mut above, mut below) = (vec![0.0; plane.count], vec![0.0; plane.count]);
    for series in &plot.series {
        put(out, &format!("<g class=chart-series data-series={}>", series.colour));
        for (index, value) in series.floats().into_iter().enumerate() {
            let Some(value) = value.filter(|value| *value != 0.0) else { continue };
            let ends = if value > 0.0 { &mut above } else { &mut below };
            let from = ends[index];
            ends[index] += value;
            let (a, b) = (plane.y(from), plane.y(from + value));
            let moving = if plot.places[index].moving { " data-moving" } else { "" };
            // Never invisible: it cost something.
            let (x, y, height) = (plane.x(index) - bar / 2.0, a.min(b), (a - b).abs().max(0.5));
            put(out, &format!("<rect class=chart-bar{moving} x={x:.1} y={y:.1} width={bar:.1} height={height:.1} />"));
        }
        put(out, "</g>");
    }
}

/// What moves with the pointer, as the text of SVG.
pub(super) fn marks(
    plot: &Plot,
    kind: ChartKind,
    plane: Plane,
    at: Option<usize>,
    drag: Option<(usize, usize)>,
) -> String {
    let mut out = String::new();
    let mut band = |class: &str, from: usize, to: usize| {
        let (x, width) = (plane.x(from) - plane.band() / 2.0, plane.x(to) - plane.x(from) + plane.band());
        let (y, height) = (plane.top, plane.height);
        put(&mut out, &format!("<rect class={class} x={x:.1} y={y:.1} width={width:.1} height={height:.1} />"));
    };
    if let Some((a, b)) = drag {
        band("chart-range", a.min(b), a.max(b));
    }
    let Some(index) = at.filter(|index| *index < plane.count) else { return out };
    if kind == ChartKind::Stacked {
        band("chart-band", index, index);
        return out;
    }
    let (x, top, bottom) = (plane.x(index), plane.top, plane.top + plane.height);
    put(&mut out, &format!("<line class=chart-cross x1={x:.1} x2={x:.1} y1={top:.1} y2={bottom:.1} />"));
    for series in &plot.series {
        let Some(value) = series.values.get(index).copied().flatten() else { continue };
        let (y, colour) = (plane.y(float(value)), series.colour);
        put(&mut out, &format!("<circle class=chart-point data-series={colour} cx={x:.1} cy={y:.1} r=4 />"));
    }
    out
}

/// A decimal as pixels need it.
pub(super) fn float(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn a_text_stays_a_text() {
        let mut out = String::new();
        label(&mut out, 1.0, 2.0, "end", "<b>&");
        assert_eq!(out, "<text class=chart-label x=1.0 y=2.0 text-anchor=end>&lt;b>&amp;</text>");
    }
}
