//! The arithmetic of charts: pure, so that it is tested without a browser. Pixels are `f64`; amounts become one only here.

/// Round values from zero to at least `max`, about `wanted` steps apart: `[0, 50, 100, 150]` for 137.
pub fn ticks(max: f64, wanted: usize) -> Vec<f64> {
    if !(max.is_finite() && max > 0.0) {
        return vec![0.0, 1.0];
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let rough = max / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough * 0.999).unwrap_or(power);
    let mut all = vec![0.0];
    let mut count = 0.0;
    while all.last().is_some_and(|last| *last < max * 0.999_999) && all.len() < 20 {
        count += 1.0;
        all.push(step * count);
    }
    all
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
    /// Pixels from the highest value to zero.
    pub height: f64,
    /// How many bands.
    pub count: usize,
    /// The highest value.
    pub max: f64,
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
        let share = if self.max > 0.0 { value / self.max } else { 0.0 };
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
        assert_eq!(ticks(137.0, 4), [0.0, 50.0, 100.0, 150.0]);
        assert_eq!(ticks(0.004, 4), [0.0, 0.001, 0.002, 0.003, 0.004]);
        assert_eq!(ticks(1.0, 4), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(ticks(0.0, 4), [0.0, 1.0]);
        assert_eq!(ticks(f64::NAN, 4), [0.0, 1.0]);
    }

    #[test]
    fn labels_keep_apart_and_the_last_has_one() {
        assert_eq!(labelled(30, 600.0, 60.0), [2, 5, 8, 11, 14, 17, 20, 23, 26, 29]);
        assert_eq!(labelled(3, 600.0, 60.0), [0, 1, 2]);
        assert_eq!(labelled(5, 10.0, 60.0), [4]);
        assert!(labelled(0, 600.0, 60.0).is_empty());
    }

    fn plane() -> Plane {
        Plane { left: 0.0, top: 0.0, width: 40.0, height: 100.0, count: 4, max: 10.0 }
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
