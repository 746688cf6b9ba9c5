//! The slices in which a report looks at its users and items.

use crate::Cases;

/// First history length of each slice of users; the last has no end.
const HISTORY_FROM: [u32; 7] = [0, 1, 5, 20, 50, 100, 200];

/// A slice: its words, and how many users or items it holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SliceOf {
    pub(crate) label: String,
    pub(crate) members: usize,
}

/// Users by length of history. Returns the slices that have users, and each case's slice.
pub(crate) fn by_history(cases: &Cases) -> (Vec<SliceOf>, Vec<usize>) {
    let slice = |length: u32| HISTORY_FROM.partition_point(|from| *from <= length) - 1;
    let raw: Vec<usize> = (0..cases.len()).map(|at| slice(cases.history_len(at))).collect();
    let label = |at: usize| match (HISTORY_FROM[at], HISTORY_FROM.get(at + 1)) {
        (from, Some(next)) if from + 1 == *next => from.to_string(),
        (from, Some(next)) => format!("{from}–{}", next - 1),
        (from, None) => format!("{from}+"),
    };
    let counts: Vec<usize> = (0..HISTORY_FROM.len())
        .map(|at| raw.iter().filter(|slice| **slice == at).count())
        .collect();
    let kept: Vec<usize> = (0..counts.len()).filter(|at| counts[*at] > 0).collect();
    let place = |slice: &usize| kept.binary_search(slice).unwrap_or(0);
    let slices =
        kept.iter().map(|at| SliceOf { label: label(*at), members: counts[*at] }).collect();
    (slices, raw.iter().map(place).collect())
}

/// Names of the slices of items, in order.
const POPULARITY: [&str; 4] =
    ["new", "tail: last 20 % of events", "middle: next 30 %", "head: first 50 %"];

/// Items by popularity: not in training at all, and then the most popular items that hold half
/// of the training events, the next that hold 30 %, the rest. Returns the slices, with the
/// number of their items, and each item's slice.
pub(crate) fn by_popularity(popularity: &[u32]) -> (Vec<SliceOf>, Vec<usize>) {
    let total: u64 = popularity.iter().map(|count| u64::from(*count)).sum();
    let mut order: Vec<usize> = (0..popularity.len()).collect();
    order.sort_by_key(|item| (std::cmp::Reverse(popularity[*item]), *item));
    let mut slice_of = vec![0; popularity.len()];
    let mut before = 0u64;
    for item in order {
        // By the events before it, so that the most popular item is always of the head.
        slice_of[item] = match popularity[item] {
            0 => 0,
            _ if before * 2 < total => 3,
            _ if before * 5 < total * 4 => 2,
            _ => 1,
        };
        before += u64::from(popularity[item]);
    }
    let slices = POPULARITY
        .iter()
        .enumerate()
        .map(|(at, label)| SliceOf {
            label: (*label).to_owned(),
            members: slice_of.iter().filter(|slice| **slice == at).count(),
        })
        .collect();
    (slices, slice_of)
}

/// Test time in `buckets` equal parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TimeBuckets {
    first_ms: i64,
    step_ms: i64,
    buckets: usize,
}

impl TimeBuckets {
    /// Between the first and the last relevant pair.
    pub(crate) fn of(cases: &Cases, buckets: u32) -> TimeBuckets {
        let (first_ms, last_ms) = cases.time_range_ms();
        let buckets = buckets.max(1) as usize;
        let span_ms = last_ms.saturating_sub(first_ms).saturating_add(1);
        let step_ms = (span_ms / buckets as i64) + i64::from(span_ms % buckets as i64 > 0);
        TimeBuckets { first_ms, step_ms: step_ms.max(1), buckets }
    }

    /// The bucket of an instant of the range.
    pub(crate) fn bucket(&self, time_ms: i64) -> usize {
        let at = time_ms.saturating_sub(self.first_ms) / self.step_ms;
        usize::try_from(at).unwrap_or(0).min(self.buckets - 1)
    }

    /// When bucket `at` begins.
    pub(crate) fn start_ms(&self, at: usize) -> i64 {
        self.first_ms.saturating_add(self.step_ms.saturating_mul(at as i64))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.buckets
    }
}
