//! One row of events as the kernels take it: what each query sees, and the biases of a tile.

use super::{KEYS, QUERIES};
use crate::kernel::cpu::heads::{Columns, PAD};
use crate::kernel::cpu::lanes;
use crate::kernel::reference::pointwise_attention::Inputs;
use crate::op::event_rows::RowRoles;
use crate::op::time_bucket::time_buckets;
use crate::op::{EventRows, PointwiseShape, TIME_BUCKETS};

/// A row of events as a kernel takes it.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) shape: PointwiseShape,
    pub(super) inputs: Inputs<'a, f32>,
    pub(super) roles: RowRoles,
    /// First token of the row, among all.
    pub(super) first: usize,
    /// Of this row's tokens.
    asked_at: &'a [i64],
    happened_at: &'a [i64],
}

/// Queries `from..end` of a row, and the bucket of each pair of them and a key, `[queries, n]`.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    pub(super) from: usize,
    pub(super) end: usize,
    pub(super) buckets: &'a [u8],
}

impl<'a> Row<'a> {
    pub(super) fn of(
        shape: PointwiseShape,
        rows: &EventRows<'a>,
        inputs: Inputs<'a, f32>,
        row: usize,
        range: std::ops::Range<usize>,
    ) -> Row<'a> {
        Row {
            shape,
            inputs,
            roles: rows.roles(row, range.len()),
            first: range.start,
            asked_at: &rows.asked_at[range.clone()],
            happened_at: &rows.happened_at[range],
        }
    }

    /// Tokens, padded.
    pub(super) fn padded(&self) -> usize {
        self.roles.count.next_multiple_of(PAD)
    }

    /// Columns of a head, of this row's tokens, that begin at `at`.
    #[inline(always)]
    pub(super) fn columns(&self, at: usize, width: usize) -> Columns<'a> {
        let (stride, count) = (self.shape.stride(), self.roles.count);
        Columns { from: self.inputs.x, at, stride, count, width }
    }

    /// Bytes of the buckets of a tile.
    pub(super) fn bucket_len(&self) -> usize {
        if self.inputs.time.is_some() { QUERIES * self.roles.count } else { 0 }
    }

    /// The tile of queries that begins at `from`.
    #[inline(always)]
    pub(super) fn tile<'b>(&self, from: usize, buckets: &'b mut [u8]) -> Tile<'b> {
        let end = (from + QUERIES).min(self.roles.count);
        if self.inputs.time.is_some() {
            let count = self.roles.count;
            let keys = self.keys_end(from, end);
            for (query, buckets) in (from..end).zip(buckets.chunks_exact_mut(count)) {
                let to = &mut buckets[..keys];
                time_buckets(self.asked_at[query], &self.happened_at[..keys], to);
            }
        }
        Tile { from, end, buckets }
    }

    /// No query of a tile sees a key from here on.
    #[inline(always)]
    pub(super) fn keys_end(&self, from: usize, end: usize) -> usize {
        if from < self.roles.context { end.max(self.roles.context) } else { end }
    }

    /// Whether a query of a tile sees a key of `keys..keys_end`, most likely.
    #[inline(always)]
    pub(super) fn meets(&self, tile: Tile<'_>, keys: usize, keys_end: usize) -> bool {
        let RowRoles { context, events_end, .. } = self.roles;
        let first = self.roles.events_seen(tile.from.max(context)).start;
        let end = self.roles.events_seen(tile.end - 1).end;
        keys < context
            || (keys < end && keys_end > first)
            || (tile.end > events_end && keys < tile.end && keys_end > tile.from)
    }

    /// The biases of a tile's queries for `keys` keys from `key` on, `[queries, KEYS]`; padding 0.
    #[inline(always)]
    pub(super) fn biases(&self, tile: Tile<'_>, key: usize, keys: usize, biases: &mut [f32]) {
        let padded = keys.next_multiple_of(PAD);
        for (at, query) in (tile.from..tile.end).enumerate() {
            let biases = &mut biases[at * KEYS..][..padded];
            match self.inputs.position {
                None => biases.fill(0.0),
                Some(table) => {
                    let (before, entry) = self.placed(query, key, keys, table.len());
                    biases[..before].copy_from_slice(&table[entry..][..before]);
                    biases[before..keys].fill(table[table.len() - 1]);
                    biases[keys..].fill(0.0);
                }
            }
            if let Some(table) = self.inputs.time {
                let table: &[f32; TIME_BUCKETS] = table.try_into().unwrap_or(&NO_TIMES);
                let buckets = &tile.buckets[at * self.roles.count + key..][..keys];
                for (bias, bucket) in biases.iter_mut().zip(buckets) {
                    *bias += table[usize::from(*bucket).min(TIME_BUCKETS - 1)];
                }
            }
        }
    }

    /// Of keys from `key` on: how many stand before or at the query's place, and the entry of the
    /// first in a table of `entries`. The others have the last entry.
    #[inline(always)]
    pub(super) fn placed(
        &self,
        query: usize,
        key: usize,
        keys: usize,
        entries: usize,
    ) -> (usize, usize) {
        let place = self.roles.place(query);
        let before = (place + 1).saturating_sub(key).min(keys);
        if before == 0 { (0, 0) } else { (before, entries - 1 - place + key) }
    }

    /// Adds the gradients of a tile's biases to the tables'.
    #[inline(always)]
    pub(super) fn add_biases(
        &self,
        tile: Tile<'_>,
        key: usize,
        keys: usize,
        dbiases: &[f32],
        (dposition, dtime): (&mut [f32], &mut [f32]),
    ) {
        for (at, query) in (tile.from..tile.end).enumerate() {
            let dbiases = &dbiases[at * KEYS..][..keys];
            if !dposition.is_empty() {
                let entries = dposition.len();
                let (before, entry) = self.placed(query, key, keys, entries);
                let to = &mut dposition[entry..][..before];
                to.iter_mut().zip(dbiases).for_each(|(to, from)| *to += from);
                dposition[entries - 1] += lanes::sum(&dbiases[before..]);
            }
            if let Ok(dtime) = <&mut [f32; TIME_BUCKETS]>::try_from(&mut *dtime) {
                let buckets = &tile.buckets[at * self.roles.count + key..][..keys];
                for (dbias, bucket) in dbiases.iter().zip(buckets) {
                    dtime[usize::from(*bucket).min(TIME_BUCKETS - 1)] += dbias;
                }
            }
        }
    }

    /// Sets what `query` does not see, of keys from `key` on, to `value`.
    #[inline(always)]
    pub(super) fn hide(&self, query: usize, key: usize, of_keys: &mut [f32], value: f32) {
        let RowRoles { context, events_end, .. } = self.roles;
        let within = |place: usize| place.saturating_sub(key).min(of_keys.len());
        let seen = self.roles.events_seen(query);
        let (from, first, end) = (within(context), within(seen.start), within(seen.end));
        let own = (query >= events_end && query >= key && query - key < of_keys.len())
            .then(|| (query - key, of_keys[query - key]));
        if first > from {
            of_keys[from..first].fill(value);
        }
        of_keys[end.max(from)..].fill(value);
        if let Some((place, kept)) = own {
            of_keys[place] = kept;
        }
    }
}

static NO_TIMES: [f32; TIME_BUCKETS] = [0.0; TIME_BUCKETS];
