//! The arithmetic of charts: pure, so that it is tested without a browser. Pixels are `f64`; amounts become one only here.

/// An axis of round values that holds zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scale {
    /// The lowest value: zero, unless something is negative (a credit).
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// From one tick to the next.
    pub step: f64,
}

impl Scale {
    /// The axis from at most `min` to at least `max` with about `wanted` steps.
    pub fn of(min: f64, max: f64, wanted: usize) -> Scale {
        let (min, max) = (min.min(0.0), max.max(0.0));
        let span = max - min;
        if !(span.is_finite() && span > 0.0) {
            return Scale { min: 0.0, max: 1.0, step: 1.0 };
        }
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let rough = span / wanted.max(1) as f64;
        let power = 10f64.powf(rough.log10().floor());
        let nice = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power);
        let step = nice.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(power);
        // What a float adds to a round number must not add a step.
        let steps = |value: f64| (value / step - 1e-6).ceil().max(0.0);
        Scale { min: 0.0 - steps(-min) * step, max: steps(max) * step, step }
    }

    /// Its round values, from the lowest: `[0, 50, 100, 150]` for 137.
    pub fn ticks(self) -> Vec<f64> {
        #[expect(clippy::cast_possible_truncation, reason = "a handful")]
        let (first, last) = ((self.min / self.step).round() as i32, (self.max / self.step).round() as i32);
        (first..=last).map(|n| f64::from(n) * self.step).collect()
    }
}

/// About how many pixels a text of 12 pixels takes. Hangul is as wide as it is high, digits are not.
pub fn text_width(text: &str) -> f64 {
    let width = |c: char| match c {
        '.' | ',' | ' ' => 4.0,
        c if c.is_ascii() => 7.5,
        '\u{1100}'.. => 12.0,
        _ => 8.5,
    };
    text.chars().map(width).sum()
}

/// Which of `count` places along `width` pixels get a label, so that labels `label` pixels wide keep apart. Evenly
/// spaced, counted from the last: today matters most.
pub fn labelled(count: usize, width: f64, label: f64) -> Vec<usize> {
    if count == 0 {
        return Vec::new();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let room = ((width / label).floor() as usize).max(1);
    let every = count.div_ceil(room).max(1);
    let mut places: Vec<_> = (0..count).rev().step_by(every).collect();
    places.reverse();
    places
}

/// Where things are: a plot of `count` bands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plane {
    /// Pixels from the left to the first band.
    pub left: f64,
    /// Pixels from the top to the highest value.
    pub top: f64,
    /// Pixels that all bands take.
    pub width: f64,
    /// Pixels from the highest value to the lowest.
    pub height: f64,
    /// How many bands.
    pub count: usize,
    /// The axis of values.
    pub scale: Scale,
}

impl Plane {
    /// The width of one band.
    pub fn band(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let count = self.count.max(1) as f64;
        self.width / count
    }

    /// The middle of a band.
    pub fn x(self, index: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let index = index as f64;
        self.left + self.band() * (index + 0.5)
    }

    /// The height of a value.
    pub fn y(self, value: f64) -> f64 {
        let span = self.scale.max - self.scale.min;
        let share = if span > 0.0 { (value - self.scale.min) / span } else { 0.0 };
        self.top + self.height * (1.0 - share)
    }

    /// The band at a pixel: always one of those that exist.
    pub fn at(self, pixel: f64) -> usize {
        let band = ((pixel - self.left) / self.band()).floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let band = band.max(0.0) as usize;
        band.min(self.count.saturating_sub(1))
    }
}

/// The straight lines of a series: what is settled, what may still change, and points without a neighbour.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines {
    /// The path of settled segments.
    pub solid: String,
    /// The path of segments that lead to what may still change.
    pub dashed: String,
    /// Points with a gap on both sides.
    pub lone: Vec<(f64, f64)>,
}

/// Joins values with straight segments. A missing value is a gap, never a zero.
pub fn lines(plane: Plane, values: &[Option<f64>], moving: &[bool]) -> Lines {
    let mut out = Lines::default();
    let point = |index: usize| Some((plane.x(index), plane.y((*values.get(index)?)?)));
    let (mut solid_end, mut dashed_end) = (None, None);
    for index in 0..values.len() {
        let Some((x, y)) = point(index) else { continue };
        let before = index.checked_sub(1).and_then(point);
        if before.is_none() && point(index + 1).is_none() {
            out.lone.push((x, y));
        }
        let Some((from_x, from_y)) = before else { continue };
        let dashed = moving.get(index).copied().unwrap_or(false);
        let (path, end) = if dashed { (&mut out.dashed, &mut dashed_end) } else { (&mut out.solid, &mut solid_end) };
        if *end != Some(index - 1) {
            path.push_str(&format!("M{from_x:.1} {from_y:.1}"));
        }
        path.push_str(&format!("L{x:.1} {y:.1}"));
        *end = Some(index);
    }
    out
}

/// The area below a line, one closed shape for each run without a gap.
pub fn area(plane: Plane, values: &[Option<f64>]) -> String {
    let mut out = String::new();
    let floor = plane.y(0.0);
    let mut start = None;
    for index in 0..=values.len() {
        let value = values.get(index).copied().flatten();
        match (value, start) {
            (Some(value), None) => {
                out.push_str(&format!("M{:.1} {floor:.1}L{:.1} {:.1}", plane.x(index), plane.x(index), plane.y(value)));
                start = Some(index);
            }
            (Some(value), Some(_)) => out.push_str(&format!("L{:.1} {:.1}", plane.x(index), plane.y(value))),
            (None, Some(_)) => {
                out.push_str(&format!("L{:.1} {floor:.1}Z", plane.x(index - 1)));
                start = None;
            }
            (None, None) => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        let ticks = |max| Scale::of(0.0, max, 4).ticks();
        assert_eq!(ticks(137.0), [0.0, 50.0, 100.0, 150.0]);
        assert_eq!(ticks(0.004), [0.0, 0.001, 0.002, 0.003, 0.004]);
        assert_eq!(ticks(1.0), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(ticks(0.0), [0.0, 1.0]);
        assert_eq!(ticks(f64::NAN), [0.0, 1.0]);
    }

    #[test]
    fn a_credit_is_below_zero() {
        let scale = Scale::of(-30.0, 90.0, 4);
        assert_eq!(scale.ticks(), [-50.0, 0.0, 50.0, 100.0]);
        let plane = Plane { scale, height: 150.0, ..plane() };
        assert_eq!([100.0, 0.0, -50.0].map(|value| plane.y(value).round()), [0.0, 100.0, 150.0]);
    }

    #[test]
    fn hangul_takes_its_room() {
        assert!(text_width("$1.2만") > text_width("$1.2K"));
    }

    #[test]
    fn labels_keep_apart_and_the_last_has_one() {
        assert_eq!(labelled(30, 600.0, 60.0), [2, 5, 8, 11, 14, 17, 20, 23, 26, 29]);
        assert_eq!(labelled(3, 600.0, 60.0), [0, 1, 2]);
        assert_eq!(labelled(5, 10.0, 60.0), [4]);
        assert!(labelled(0, 600.0, 60.0).is_empty());
    }

    fn plane() -> Plane {
        Plane {
            left: 0.0,
            top: 0.0,
            width: 40.0,
            height: 100.0,
            count: 4,
            scale: Scale { min: 0.0, max: 10.0, step: 5.0 },
        }
    }

    #[test]
    fn a_pointer_finds_the_band_below_it() {
        let plane = Plane { left: 50.0, ..plane() };
        assert_eq!(plane.at(50.0), 0);
        assert_eq!(plane.at(61.0), 1);
        assert_eq!(plane.at(-5.0), 0);
        assert_eq!(plane.at(500.0), 3);
    }

    #[test]
    fn a_missing_value_is_a_gap() {
        let lines = lines(plane(), &[Some(0.0), Some(10.0), None, Some(5.0)], &[false; 4]);
        assert_eq!(lines.solid, "M5.0 100.0L15.0 0.0");
        assert_eq!(lines.lone, [(35.0, 50.0)]);
        assert_eq!(
            area(plane(), &[Some(10.0), None, None, Some(5.0)]),
            "M5.0 100.0L5.0 0.0L5.0 100.0ZM35.0 100.0L35.0 50.0L35.0 100.0Z"
        );
    }

    #[test]
    fn what_may_change_is_dashed() {
        let lines = lines(plane(), &[Some(0.0), Some(10.0), Some(10.0), Some(5.0)], &[false, false, true, true]);
        assert_eq!(lines.solid, "M5.0 100.0L15.0 0.0");
        assert_eq!(lines.dashed, "M15.0 0.0L25.0 0.0L35.0 50.0");
    }
}
