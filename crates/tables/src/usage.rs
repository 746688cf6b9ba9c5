//! When rows were touched last and how often, and which go for it: rows that nobody touches are expired
//! (as in Monolith, Liu et al. 2022), and a table that must shrink lets the least used ones go.

use crate::{Error, Result, Table};

/// Who goes first where a table must shrink; ties go by key, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eviction {
    /// Whoever was touched longest ago.
    Lru,
    /// Whoever was touched least often, and of these longest ago.
    Lfu,
}

/// Of each row of a table, by its number.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    rows: Vec<Used>,
    /// The latest clock that was told.
    now: u64,
    halve_after: u64,
    /// Touches since counts were halved.
    touched: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Used {
    last: u64,
    hits: u32,
}

impl Usage {
    pub(crate) fn bytes(&self) -> usize {
        self.rows.len() * size_of::<Used>()
    }

    /// A row begins anew.
    pub(crate) fn begin(&mut self, row: u32) {
        self.rows.resize(self.rows.len().max(row as usize + 1), Used::default());
        self.rows[row as usize] = Used { last: self.now, hits: 0 };
    }
}

impl Table {
    /// From now on [`Table::touch`] is remembered; counts are halved after so many touches. Rows that are there
    /// count as touched at 0, later ones as touched when the latest touch before them was.
    ///
    /// # Errors
    /// Of a dense table, and where `halve_after` is 0.
    pub fn track_usage(&mut self, halve_after: u64) -> Result<()> {
        if halve_after == 0 {
            let what = "0 would forget every touch".into();
            return Err(Error::Setting { field: "halve_after", what });
        }
        let rows = vec![Used::default(); self.slab.rows()];
        let Some(keys) = &mut self.keys else {
            return Err(self.wrong("its rows are numbered; none of them goes".into()));
        };
        keys.usage = Some(Usage { rows, now: 0, halve_after, touched: 0 });
        Ok(())
    }

    /// Says that these ids are used at `now`, on any clock; beside [`Table::update`] and after
    /// [`Table::admit`]. Nothing happens for ids without a row, or without [`Table::track_usage`]. A
    /// clock that goes back makes no row older.
    pub fn touch(&mut self, ids: &[u64], now: u64) {
        let Some(keys) = &mut self.keys else { return };
        let Some(usage) = &mut keys.usage else { return };
        usage.now = usage.now.max(now);
        for id in ids {
            let Some(row) = keys.index.get(*id) else { continue };
            let used = &mut usage.rows[row as usize];
            (used.last, used.hits) = (used.last.max(now), used.hits.saturating_add(1));
            usage.touched += 1;
            if usage.touched >= usage.halve_after {
                usage.touched = 0;
                usage.rows.iter_mut().for_each(|used| used.hits /= 2);
            }
        }
    }

    /// Forgets every id that was touched last before this time; says which, the lowest first: tell a tracker of
    /// them, so that they are shipped as tombstones. Afterwards is early enough: those go before all rows.
    ///
    /// # Errors
    /// Without [`Table::track_usage`].
    pub fn expire(&mut self, before: u64) -> Result<Vec<u64>> {
        let used = self.used()?.into_iter();
        let gone = used.filter(|(_, used)| used.last < before).map(|(id, _)| id).collect();
        Ok(self.let_go(gone))
    }

    /// Forgets ids until there are at most so many rows; says which, the lowest first, as [`Table::expire`].
    ///
    /// # Errors
    /// Without [`Table::track_usage`].
    pub fn evict_to(&mut self, rows: usize, eviction: Eviction) -> Result<Vec<u64>> {
        let mut used = self.used()?;
        used.sort_unstable_by_key(|(id, used)| match eviction {
            Eviction::Lru => (0, used.last, *id),
            Eviction::Lfu => (used.hits, used.last, *id),
        });
        used.truncate(used.len().saturating_sub(rows));
        Ok(self.let_go(used.into_iter().map(|(id, _)| id).collect()))
    }

    fn used(&self) -> Result<Vec<(u64, Used)>> {
        let tracked = self.keys.as_ref().and_then(|keys| Some((keys, keys.usage.as_ref()?)));
        let Some((keys, usage)) = tracked else {
            return Err(self.wrong("its usage is not tracked; call track_usage first".into()));
        };
        Ok(keys.index.iter().map(|(id, row)| (id, usage.rows[row as usize])).collect())
    }

    /// In an order that free rows are taken in again: that of keys.
    fn let_go(&mut self, mut ids: Vec<u64>) -> Vec<u64> {
        ids.sort_unstable();
        ids.iter().for_each(|id| {
            self.forget(*id);
        });
        ids
    }
}
