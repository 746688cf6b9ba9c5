//! Spans of time as a few buckets, each about 1.35 times as wide as the one before.

use std::sync::LazyLock;

/// Buckets that there are: 0 to 128.
pub const TIME_BUCKETS: usize = 129;

/// The shortest span of each bucket, in seconds; a last one that no span reaches.
static SHORTEST: LazyLock<[u64; TIME_BUCKETS + 1]> = LazyLock::new(|| {
    let mut shortest = [0; TIME_BUCKETS + 1];
    for (bucket, at) in shortest.iter_mut().enumerate().skip(1) {
        *at = (0.301 * bucket as f64).exp().ceil() as u64;
    }
    shortest[TIME_BUCKETS] = u64::MAX;
    shortest
});

/// The bucket of a span of seconds, whatever its sign: ⌊ln(max(|x|, 1)) / 0.301⌋, at most 128
/// (HSTU, Zhai et al. 2024, as the public code has it). A day is 37, a year 57.
pub fn time_bucket(seconds: i64) -> u8 {
    let span = seconds.unsigned_abs().min(u64::MAX - 1);
    (SHORTEST.partition_point(|shortest| *shortest <= span) - 1) as u8
}

/// The buckets of `asked_at - happened_at` for each of `happened_at`. Cheap where it is nearly
/// sorted: neighbours share a bucket or nearly so.
pub(crate) fn time_buckets(asked_at: i64, happened_at: &[i64], buckets: &mut [u8]) {
    let shortest = &*SHORTEST;
    let mut bucket = 0;
    for (happened_at, to) in happened_at.iter().zip(buckets).rev() {
        let span = asked_at.wrapping_sub(*happened_at).unsigned_abs().min(u64::MAX - 1);
        while span >= shortest[bucket + 1] {
            bucket += 1;
        }
        while span < shortest[bucket] {
            bucket -= 1;
        }
        *to = bucket as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::{TIME_BUCKETS, time_bucket, time_buckets};

    #[test]
    fn the_published_buckets() {
        let day = 86_400;
        for (seconds, bucket) in [
            (0, 0),
            (1, 0),
            (2, 2),
            (-2, 2),
            (60, 13),
            (3600, 27),
            (day, 37),
            (7 * day, 44),
            (30 * day, 49),
            (365 * day, 57),
            (3 * 365 * day, 61),
            (i64::MAX, 128),
            (i64::MIN, 128),
        ] {
            assert_eq!(time_bucket(seconds), bucket, "{seconds} s");
        }
        for seconds in (0..4_000_000).step_by(97) {
            let span = (seconds as f64).max(1.0);
            assert_eq!(i64::from(time_bucket(seconds)), (span.ln() / 0.301).floor() as i64);
        }
        assert!(usize::from(time_bucket(i64::MAX)) < TIME_BUCKETS);
    }

    #[test]
    fn many_at_once_are_the_same_in_any_order() {
        let times = [5, 5, 90_000, -3, i64::MIN, 7_000_000, 88, i64::MAX, 0, 1_000];
        let mut buckets = [0; 10];
        for now in [0, 100_000, i64::MAX, -1] {
            time_buckets(now, &times, &mut buckets);
            let each = times.map(|time| time_bucket(now.wrapping_sub(time)));
            assert_eq!(buckets, each);
        }
    }
}
