//! How long calls took, in counts that can be added: a bucket a third of a doubling wide.

use std::sync::LazyLock;

/// Buckets, from 1 ms to about 1,000 s. Bucket `n` holds what is over `2^((n-1)/3)` ms and at most `2^(n/3)` ms; the
/// last holds everything longer. A percentile read from it is off by at most 13 %.
pub const BUCKETS: usize = 61;

/// The longest whole duration of each bucket but the last, in milliseconds.
static UPPER: LazyLock<[u32; BUCKETS - 1]> = LazyLock::new(|| {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, below 2^21")]
    std::array::from_fn(|bucket| upper(bucket) as u32)
});

/// The bucket of a duration in milliseconds.
pub fn bucket(milliseconds: u32) -> usize {
    UPPER.partition_point(|upper| *upper < milliseconds)
}

/// The longest duration in a bucket, in milliseconds.
pub fn upper(bucket: usize) -> f64 {
    2f64.powf(f64::from(u32::try_from(bucket).unwrap_or(u32::MAX)) / 3.0)
}

/// The duration in milliseconds that a share of the calls, 0 to 1, stays within: the geometric middle of its bucket.
/// Nothing without calls.
pub fn percentile(counts: &[i64], share: f64) -> Option<u32> {
    let total: i64 = counts.iter().sum();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a rank among counted calls")]
    let rank = (total > 0).then(|| ((total as f64) * share).ceil() as i64)?.max(1);
    let mut seen = 0;
    let found = counts.iter().position(|count| {
        seen += count;
        seen >= rank
    })?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, below 2^21")]
    Some((upper(found) / 2f64.powf(1.0 / 6.0)).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, bucket, percentile, upper};

    #[test]
    fn durations_fall_within_their_bucket() {
        for milliseconds in [0, 1, 2, 3, 10, 99, 100, 1_200, 59_999, 600_000, u32::MAX] {
            let bucket = bucket(milliseconds);
            assert!(bucket == BUCKETS - 1 || f64::from(milliseconds) <= upper(bucket));
            assert!(bucket == 0 || f64::from(milliseconds) > upper(bucket - 1));
        }
    }

    #[test]
    fn percentiles_are_near() {
        let mut counts = [0i64; BUCKETS];
        (1..=1_000).for_each(|milliseconds| counts[bucket(milliseconds)] += 1);
        for (share, exact) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let found = f64::from(percentile(&counts, share).unwrap());
            assert!((found / exact - 1.0).abs() < 0.13, "{share}: {found}");
        }
        assert_eq!(percentile(&[0; BUCKETS], 0.5), None);
    }
}
