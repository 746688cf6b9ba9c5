//! Who took what, once each, over the items that EASE keeps; and how often items go together.

use std::sync::atomic::{AtomicU64, Ordering};

use data::{Progress, Sequences, order};
use rayon::prelude::*;

use crate::Result;

/// Rows of the Gram matrix between two reports.
const ROWS_A_STEP: u64 = 64;

/// Distinct (user, item) pairs of the kept items. Positions are places in `items`.
pub(super) struct Taken {
    /// Catalogue indices of the kept items, rising.
    pub(super) items: Vec<u32>,
    /// How many items of the catalogue have an event at all.
    pub(super) items_seen: u32,
    /// Positions of the items of all users, user after user, rising within one.
    positions: Vec<u32>,
    /// The occurrences of the item at position `p` are
    /// `occurrences[item_offsets[p]..item_offsets[p + 1]]`.
    item_offsets: Vec<usize>,
    occurrences: Vec<Occurrence>,
}

/// An item in a user's row: from `at` the row goes on to `end`.
#[derive(Clone, Copy, Default)]
struct Occurrence {
    at: usize,
    end: usize,
}

impl Taken {
    /// Keeps the `items_max` items with the most users, ties by `seed`.
    pub(super) fn of(train: &Sequences, items_max: u32, seed: u64) -> Taken {
        let mut rows: Vec<Vec<u32>> = Vec::with_capacity(train.users());
        let mut users_by_item = vec![0u32; train.item_count() as usize];
        for user in 0..train.users() as u32 {
            let mut row = train.user(user).items.to_vec();
            row.sort_unstable();
            row.dedup();
            for item in &row {
                users_by_item[*item as usize] += 1;
            }
            rows.push(row);
        }
        let mut scored: Vec<(u32, f32)> = (0..)
            .zip(&users_by_item)
            .filter(|(_, users)| **users > 0)
            .map(|(item, users)| (item, *users as f32))
            .collect();
        let items_seen = scored.len() as u32;
        order::top_k(&mut scored, items_max as usize, seed);
        let mut items: Vec<u32> = scored.into_iter().map(|(item, _)| item).collect();
        items.sort_unstable();
        Taken::of_rows(rows, items, items_seen, &users_by_item)
    }

    fn of_rows(
        rows: Vec<Vec<u32>>,
        items: Vec<u32>,
        items_seen: u32,
        users_by_item: &[u32],
    ) -> Taken {
        let mut position_of = vec![u32::MAX; users_by_item.len()];
        let mut item_offsets = vec![0usize];
        for (position, item) in (0..).zip(&items) {
            position_of[*item as usize] = position;
            let users = users_by_item[*item as usize] as usize;
            item_offsets.push(item_offsets[position as usize] + users);
        }
        let mut next = item_offsets.clone();
        let mut occurrences = vec![Occurrence::default(); next[items.len()]];
        let mut positions = Vec::new();
        for row in rows {
            let from = positions.len();
            let kept = row.iter().map(|item| position_of[*item as usize]);
            positions.extend(kept.filter(|position| *position != u32::MAX));
            let end = positions.len();
            for at in from..end {
                let slot = &mut next[positions[at] as usize];
                occurrences[*slot] = Occurrence { at, end };
                *slot += 1;
            }
        }
        Taken { items, items_seen, positions, item_offsets, occurrences }
    }

    /// Fills `gram`, `[kept, kept]`, from its diagonal to the right of it: how many users took
    /// both items. Integers all the way, so exact (up to 2^24 users, as far as f32 counts).
    pub(super) fn count_together(
        &self,
        gram: &mut [f32],
        progress: &Progress<'_>,
    ) -> Result<()> {
        let kept = self.items.len();
        let done = AtomicU64::new(0);
        gram.par_chunks_mut(kept).enumerate().try_for_each_init(
            || vec![0u32; kept],
            |counts, (position, row)| {
                let done = done.fetch_add(1, Ordering::Relaxed);
                if done.is_multiple_of(ROWS_A_STEP) {
                    progress.step("counting", done, Some(kept as u64))?;
                }
                counts[position..].fill(0);
                let from = self.item_offsets[position];
                for occurrence in &self.occurrences[from..self.item_offsets[position + 1]] {
                    for other in &self.positions[occurrence.at..occurrence.end] {
                        counts[*other as usize] += 1;
                    }
                }
                for (to, count) in row[position..].iter_mut().zip(&counts[position..]) {
                    *to = *count as f32;
                }
                Ok(())
            },
        )
    }
}
