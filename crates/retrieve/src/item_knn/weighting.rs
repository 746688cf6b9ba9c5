//! The user × item matrix, its cells weighted so that inner products are similarities.
//!
//! x(u, i) is the number of events of user u on item i, each counting 2^(-age / half-life) at
//! the end of the training data. n(u) is the number of u's items, N the number of items that
//! anybody took, |i| the sum of x over the item's users, avg the mean of |i| over the N items:
//!
//! ```text
//! cosine   w = x / ‖x(·, i)‖
//! tf-idf   w = v / ‖v(·, i)‖,   v = √x × idf(u),   idf(u) = max(0, ln N - ln(1 + n(u)))
//! bm25     w = x (k1 + 1) / (x + k1 (1 - b + b |i| / avg)) × idf(u)
//! ```
//!
//! The rare thing whose inverse frequency counts is the user here: who took everything says
//! little of what goes with what. TF-IDF and BM25 as in Robertson, Zaragoza: The probabilistic
//! relevance framework (2009), with users for terms and items for documents.

use data::{Progress, Sequences};

use crate::Result;
use crate::config::{ItemKnnConfig, Similarity};
use crate::recency::decay;

/// Weighted cells, by user and by item. Cells of weight zero are left out.
pub(super) struct Weights {
    user_offsets: Vec<usize>,
    /// (item, weight), user after user, by rising item.
    by_user: Vec<(u32, f32)>,
    item_offsets: Vec<usize>,
    /// (user, weight), item after item, by rising user.
    by_item: Vec<(u32, f32)>,
}

impl Weights {
    pub(super) fn items(&self) -> u32 {
        (self.item_offsets.len() - 1) as u32
    }

    #[inline]
    pub(super) fn user(&self, user: u32) -> &[(u32, f32)] {
        &self.by_user[self.user_offsets[user as usize]..self.user_offsets[user as usize + 1]]
    }

    #[inline]
    pub(super) fn item(&self, item: u32) -> &[(u32, f32)] {
        &self.by_item[self.item_offsets[item as usize]..self.item_offsets[item as usize + 1]]
    }
}

/// Users between two looks at the stop flag.
const USERS_A_STEP: u32 = 1 << 12;

/// Weighs the cells of `train`: the latest events of each user, at most `user_events_max`.
pub(super) fn weigh(
    train: &Sequences,
    config: &ItemKnnConfig,
    end_ms: i64,
    progress: &Progress<'_>,
) -> Result<Weights> {
    let items = train.item_count() as usize;
    let mut user_offsets = Vec::with_capacity(train.users() + 1);
    user_offsets.push(0);
    let mut cells: Vec<(u32, f32)> = Vec::with_capacity(train.events());
    let mut row: Vec<(u32, f64)> = Vec::new();
    for user in 0..train.users() as u32 {
        let history = train.user(user).last(config.user_events_max as usize);
        row.clear();
        row.extend(history.items.iter().zip(history.times_ms).map(|(item, time_ms)| {
            (*item, decay(end_ms.saturating_sub(*time_ms), config.half_life_days))
        }));
        // Stable: equal items are added up in the order of their events.
        row.sort_by_key(|(item, _)| *item);
        cells.extend(row.chunk_by(|a, b| a.0 == b.0).filter_map(|of_item| {
            let count = of_item.iter().map(|(_, count)| count).sum::<f64>() as f32;
            (count > 0.0).then_some((of_item[0].0, count))
        }));
        user_offsets.push(cells.len());
        if user % USERS_A_STEP == 0 {
            progress.check()?;
        }
    }
    reweigh(&mut cells, &user_offsets, items, config);
    let cells = Cells { user_offsets, cells };
    let cells = cells.without_zeros();
    progress.check()?;
    let (item_offsets, by_item) = cells.transposed(items);
    let Cells { user_offsets, cells: by_user } = cells;
    Ok(Weights { user_offsets, by_user, item_offsets, by_item })
}

/// Counts in, weights out.
fn reweigh(
    cells: &mut [(u32, f32)],
    user_offsets: &[usize],
    items: usize,
    config: &ItemKnnConfig,
) {
    let mut sums = vec![0.0f64; items];
    for (item, count) in cells.iter() {
        sums[*item as usize] += f64::from(*count);
    }
    let taken = sums.iter().filter(|sum| **sum > 0.0).count().max(1) as f64;
    let mean = sums.iter().sum::<f64>() / taken;
    for row in user_offsets.windows(2) {
        let row = &mut cells[row[0]..row[1]];
        let rarity = (taken.ln() - (row.len() as f64).ln_1p()).max(0.0);
        for (item, cell) in row {
            let x = f64::from(*cell);
            let weight = match config.similarity {
                Similarity::Cosine => x,
                Similarity::TfIdf => x.sqrt() * rarity,
                Similarity::Bm25 => {
                    let (k1, b) = (config.bm25_k1, config.bm25_b);
                    let length = 1.0 - b + b * sums[*item as usize] / mean;
                    x * (k1 + 1.0) / (x + k1 * length) * rarity
                }
            };
            *cell = weight as f32;
        }
    }
    if config.similarity == Similarity::Bm25 {
        return;
    }
    let mut squares = vec![0.0f64; items];
    for (item, weight) in cells.iter() {
        squares[*item as usize] += f64::from(*weight) * f64::from(*weight);
    }
    for (item, weight) in cells.iter_mut() {
        if *weight > 0.0 {
            *weight = (f64::from(*weight) / squares[*item as usize].sqrt()) as f32;
        }
    }
}

struct Cells {
    user_offsets: Vec<usize>,
    cells: Vec<(u32, f32)>,
}

impl Cells {
    fn without_zeros(mut self) -> Cells {
        let mut kept = 0;
        let mut from = 0;
        for end in &mut self.user_offsets[1..] {
            for at in from..*end {
                if self.cells[at].1 > 0.0 {
                    self.cells[kept] = self.cells[at];
                    kept += 1;
                }
            }
            from = *end;
            *end = kept;
        }
        self.cells.truncate(kept);
        self
    }

    fn transposed(&self, items: usize) -> (Vec<usize>, Vec<(u32, f32)>) {
        let mut offsets = vec![0; items + 1];
        for (item, _) in &self.cells {
            offsets[*item as usize + 1] += 1;
        }
        for item in 0..items {
            offsets[item + 1] += offsets[item];
        }
        let mut next = offsets.clone();
        let mut by_item = vec![(0, 0.0); self.cells.len()];
        for user in 0..self.user_offsets.len() - 1 {
            for (item, weight) in
                &self.cells[self.user_offsets[user]..self.user_offsets[user + 1]]
            {
                let at = &mut next[*item as usize];
                by_item[*at] = (user as u32, *weight);
                *at += 1;
            }
        }
        (offsets, by_item)
    }
}
