//! How many rows of each table to keep in fast memory, within a budget of bytes.
//!
//! [`proportional`] is TorchRec's: shares by cacheability × lookups, clipped at whole tables, what is
//! left over shared again. It gives the most to tables that are hard to cache, on purpose: they miss the
//! most. [`greedy`] gives each next part to the table that it saves the most misses: the best there is
//! where curves are convex.

use super::MissCurve;

/// One table.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// Its curve.
    pub curve: MissCurve,
    /// Different ids that a batch asks for.
    pub lookups: f64,
    /// Bytes of a row with its optimiser state.
    pub row_bytes: u64,
    /// Bytes of a cached row beside those: tag, time, lock.
    pub slot_bytes: u64,
}

/// Rounds of sharing, at most.
const ROUNDS: usize = 128;
/// Parts of a budget that are given away one after another.
const PARTS: u64 = 1000;

impl Demand {
    fn slot(&self) -> u64 {
        self.row_bytes + self.slot_bytes
    }

    /// Misses of a batch with so many cached rows.
    pub fn misses(&self, cached: u64) -> f64 {
        match cached >= self.curve.rows() {
            true => 0.0,
            false => self.curve.miss_of(cached) * self.lookups,
        }
    }

    /// Bytes of so many cached rows; a table that is there whole needs no slots.
    fn bytes(&self, cached: u64) -> u64 {
        match cached >= self.curve.rows() {
            true => self.curve.rows() * self.row_bytes,
            false => cached * self.slot(),
        }
    }
}

/// Cached rows of each table; all of its rows: it is there whole.
pub fn proportional(tables: &[Demand], budget: u64) -> Vec<u64> {
    let mut cached = vec![0u64; tables.len()];
    let priority: Vec<f64> =
        tables.iter().map(|it| it.curve.cacheability() * it.lookups).collect();
    for _ in 0..ROUNDS {
        let used: u64 = tables.iter().zip(&cached).map(|(it, own)| it.bytes(*own)).sum();
        let left = budget.saturating_sub(used) as f64;
        let open = |at: &usize| cached[*at] < tables[*at].curve.rows();
        let open: Vec<usize> = (0..tables.len()).filter(open).collect();
        let sum: f64 = open.iter().map(|at| priority[*at]).sum();
        if sum <= 0.0 {
            break;
        }
        let mut given = false;
        for at in open {
            let table = &tables[at];
            let more = (left * priority[at] / sum / table.slot() as f64) as u64;
            if more == 0 {
                continue;
            }
            given = true;
            cached[at] += more;
            // As many bytes of slots as the whole table takes: then it is there whole.
            if cached[at] * table.slot() >= table.curve.rows() * table.row_bytes {
                cached[at] = table.curve.rows();
            }
        }
        if !given {
            break;
        }
    }
    cached
}

/// The same, each part to whom it saves the most misses a byte.
pub fn greedy(tables: &[Demand], budget: u64) -> Vec<u64> {
    let mut cached = vec![0u64; tables.len()];
    let part = (budget / PARTS).max(1);
    loop {
        let used: u64 = tables.iter().zip(&cached).map(|(it, own)| it.bytes(*own)).sum();
        let left = budget.saturating_sub(used);
        let mut best: Option<(f64, usize, u64)> = None;
        for (at, table) in tables.iter().enumerate() {
            let (own, rows) = (cached[at], table.curve.rows());
            let next = own + (part.min(left) / table.slot()).max(1);
            // The last part of a table frees its slots.
            let whole = rows * table.row_bytes <= table.bytes(own) + left;
            for wanted in [next, if whole { rows } else { next }] {
                let wanted = wanted.min(rows);
                let cost = table.bytes(wanted) as i64 - table.bytes(own) as i64;
                if own >= rows || cost > left as i64 || wanted == own {
                    continue;
                }
                let saved = table.misses(own) - table.misses(wanted);
                let rate = if cost <= 0 { f64::INFINITY } else { saved / cost as f64 };
                if best.is_none_or(|(most, _, _)| rate > most) {
                    best = Some((rate, at, wanted));
                }
            }
        }
        match best {
            Some((rate, at, wanted)) if rate > 0.0 => cached[at] = wanted,
            _ => return cached,
        }
    }
}
