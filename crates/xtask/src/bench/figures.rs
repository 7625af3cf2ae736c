//! Reading measurements.

use std::time::Duration;

/// The value at or below which `percent` of the values are (nearest rank); `NaN` of none.
pub(super) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// The middle of an odd number of values.
pub(super) fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

/// Rounded to three fraction digits, for printing.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The time that psql's `\timing` printed last.
pub(super) fn psql_time(output: &str) -> Option<Duration> {
    let line = output.lines().rfind(|line| line.starts_with("Time: "))?;
    let milliseconds: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Duration::try_from_secs_f64(milliseconds / 1_000.0).ok()
}

/// The most memory that a process ever had resident, in MiB, where the system tells (Linux).
pub(super) fn peak_resident(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()? / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 95), percentile(&values, 100)), (100.0, 190.0, 200.0));
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert!(percentile(&[], 95).is_nan());
    }

    #[test]
    fn the_last_time_of_psql_counts() {
        let time = psql_time("Time: 1.5 ms\nCOPY 3\nTime: 2345.678 ms (00:02.346)\n");
        assert_eq!(time, Some(Duration::from_micros(2_345_678)));
        assert_eq!(psql_time("COPY 3\n"), None);
    }
}
