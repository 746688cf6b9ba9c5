//! A table: rows, what they are known by, and what their optimiser remembers.

use pulp::{Arch, Simd, WithSimd};

use crate::admission::Sketch;
use crate::bucket::FREE;
use crate::memory::Memory;
use crate::usage::Usage;
use crate::{Dtype, Error, Index, Init, Optimiser, Result, Slab};

/// What a table is.
#[derive(Debug, Clone, PartialEq)]
pub struct TableConfig {
    /// Its name, for errors.
    pub name: String,
    /// Numbers of a row, 1 to 65,536.
    pub width: usize,
    /// How they are kept.
    pub dtype: Dtype,
    /// What fresh rows are.
    pub init: Init,
    /// How they learn.
    pub optimiser: Optimiser,
}

/// Embedding rows.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) config: TableConfig,
    pub(crate) slab: Slab,
    /// Optimiser state by chunk of the slab, row after row.
    pub(crate) state: Vec<Memory<f32>>,
    /// Steps so far.
    pub(crate) steps: u32,
    /// Where rows are known by keys.
    pub(crate) keys: Option<Keys>,
}

/// Keys of a table, and rows that nobody has.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) index: Index,
    free: Vec<u32>,
    /// Where keys come after several sightings.
    pub(crate) sketch: Option<Sketch>,
    /// Where rows go that are not used.
    pub(crate) usage: Option<Usage>,
}

/// Keys that memory is asked for before they are needed.
const AHEAD: usize = 16;

/// Stands for an id that has no row: what an index says of a key that it does not have.
pub(crate) const UNKNOWN: u32 = FREE;

impl Table {
    /// Rows for the ids 0..rows.
    ///
    /// # Errors
    /// Where there is no row or too many, or the width is none.
    pub fn dense(config: TableConfig, rows: usize) -> Result<Table> {
        if rows == 0 {
            return Err(Error::Setting {
                field: "rows",
                what: "a table has one at least".into(),
            });
        }
        let mut table = Table::empty(config, None, Some(rows))?;
        table.grow_to(rows, false)?;
        let mut row = vec![0.0; table.config.width];
        for at in 0..rows {
            table.config.init.fill(at as u64, &mut row);
            table.slab.set(at, &row)?;
        }
        Ok(table)
    }

    /// A row for every key that [`Table::admit`] brings, none yet; room for `about` keys.
    ///
    /// # Errors
    /// Where the width is none.
    pub fn keyed(config: TableConfig, about: usize) -> Result<Table> {
        let keys = Keys {
            index: Index::for_about(about),
            free: Vec::new(),
            sketch: None,
            usage: None,
        };
        Table::empty(config, Some(keys), None)
    }

    fn empty(config: TableConfig, keys: Option<Keys>, fixed: Option<usize>) -> Result<Table> {
        if config.dtype.is_quantised() {
            let what = format!(
                "table {}: {:?} is for serving; make it of a trained one",
                config.name, config.dtype
            );
            return Err(Error::Setting { field: "dtype", what });
        }
        config.init.check()?;
        config.optimiser.check()?;
        let slab = Slab::new(config.width, config.dtype, fixed)?;
        Ok(Table { config, slab, state: Vec::new(), steps: 0, keys })
    }

    fn grow_to(&mut self, rows: usize, whole_chunks: bool) -> Result<()> {
        self.slab.grow_to(rows, whole_chunks)?;
        let width = self.config.optimiser.state_width(self.config.width);
        let chunk = self.slab.chunk_rows();
        while self.state.len() * chunk < rows {
            let left = rows - self.state.len() * chunk;
            let own = if whole_chunks { chunk } else { left.min(chunk) };
            self.state.push(Memory::zeros(own * width)?);
        }
        Ok(())
    }

    /// What it is.
    pub fn config(&self) -> &TableConfig {
        &self.config
    }

    /// Changes the learning rate of the steps that follow.
    ///
    /// # Errors
    /// Where it is negative or not finite.
    pub fn set_rate(&mut self, rate: f32) -> Result<()> {
        let optimiser = self.config.optimiser.at_rate(rate);
        optimiser.check()?;
        self.config.optimiser = optimiser;
        Ok(())
    }

    /// Rows in use: all of a dense table, one a key of a keyed one.
    pub fn len(&self) -> usize {
        self.keys.as_ref().map_or(self.slab.rows(), |keys| keys.index.len())
    }

    /// Whether no row is in use.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of rows, optimiser state, index, and of what is remembered of use.
    pub fn bytes(&self) -> usize {
        let state: usize = self.state.iter().map(|chunk| chunk.len() * 4).sum();
        let index = self.keys.as_ref().map_or(0, |keys| {
            let usage = keys.usage.as_ref().map_or(0, Usage::bytes);
            keys.index.bytes() + keys.sketch.as_ref().map_or(0, Sketch::bytes) + usage
        });
        self.slab.bytes() + state + index
    }

    /// Keys over places of the index; 1 for a dense table.
    pub fn load(&self) -> f64 {
        self.keys.as_ref().map_or(1.0, |keys| keys.index.load())
    }

    /// Gives each of these keys a row where it has none; says how many were new. Rows begin as
    /// [`Init`] says of their key, whenever they come.
    ///
    /// # Errors
    /// Of a dense table, and where there would be more than 2^32 − 1 rows.
    pub fn admit(&mut self, ids: &[u64]) -> Result<usize> {
        let Some(keys) = &self.keys else {
            return Err(self.wrong("its rows are numbered; it admits no key".into()));
        };
        let before = keys.index.len();
        self.check_learns()?;
        let mut scratch = vec![0.0; self.config.width];
        for (at, id) in ids.iter().enumerate() {
            if let Some(keys) = &self.keys {
                ids.get(at + 2 * AHEAD).inspect(|soon| keys.index.prefetch_segment(**soon));
                ids.get(at + AHEAD).inspect(|soon| keys.index.prefetch(**soon));
                ids.get(at + AHEAD / 2).inspect(|soon| keys.index.prefetch_room(**soon));
            }
            if self.find(*id) == UNKNOWN {
                self.give_row(*id, &mut scratch)?;
            }
        }
        Ok(self.len() - before)
    }

    /// A row for a key that has none.
    pub(crate) fn give_row(&mut self, id: u64, scratch: &mut [f32]) -> Result<()> {
        self.check_learns()?;
        let Some(keys) = &mut self.keys else { return Ok(()) };
        let at = match keys.free.pop() {
            Some(at) => {
                // Nothing of who had it before.
                let width = self.config.optimiser.state_width(self.config.width);
                let chunk = self.slab.chunk_rows();
                let from = at as usize % chunk * width;
                self.state[at as usize / chunk][from..from + width].fill(0.0);
                at
            }
            None => {
                let at = self.slab.rows();
                self.grow_to(at + 1, true)?;
                at as u32
            }
        };
        let init = self.config.init;
        self.slab.change(at as usize, scratch, |row| init.fill(id, row));
        if let Some(keys) = &mut self.keys {
            if let Some(usage) = &mut keys.usage {
                usage.begin(at);
            }
            keys.index.insert_new(id, at);
        }
        Ok(())
    }

    /// Writes the row of an id, in place of what it had learnt.
    ///
    /// # Errors
    /// Where the id has no row, or the values are of another width or not finite.
    pub fn set(&mut self, id: u64, values: &[f32]) -> Result<()> {
        self.check_learns()?;
        let row = self.find(id);
        if row == UNKNOWN {
            return Err(self.wrong(format!("id {id} has no row")));
        }
        if values.len() != self.config.width || !values.iter().all(|value| value.is_finite()) {
            let what = format!("id {id}: {} finite numbers are needed", self.config.width);
            return Err(self.wrong(what));
        }
        self.slab.set(row as usize, values)
    }

    /// Forgets a key; its row goes to another one. Whether it was known.
    pub fn forget(&mut self, id: u64) -> bool {
        let Some(keys) = &mut self.keys else { return false };
        let row = keys.index.remove(id);
        keys.free.extend(row);
        row.is_some()
    }

    /// Copies out the row of an id; false where it has none, and `out` is 0 then.
    ///
    /// # Panics
    /// Where `out` has another width.
    pub fn row(&self, id: u64, out: &mut [f32]) -> bool {
        assert_eq!(out.len(), self.config.width, "width of table {}", self.config.name);
        let row = self.find(id);
        match row {
            UNKNOWN => out.fill(0.0),
            row => self.slab.get(row as usize, out),
        }
        row != UNKNOWN
    }

    /// The row that an id begins with, whether it has one yet or not.
    ///
    /// # Panics
    /// Where `out` has another width.
    pub fn first_row(&self, id: u64, out: &mut [f32]) {
        assert_eq!(out.len(), self.config.width, "width of table {}", self.config.name);
        self.config.init.fill(id, out);
    }

    /// Numbers (in f32) and state of a row.
    pub(crate) fn parts(&self, row: usize) -> (&[f32], &[f32]) {
        let width = self.config.optimiser.state_width(self.config.width);
        let chunk = self.slab.chunk_rows();
        let state = &self.state[row / chunk][row % chunk * width..][..width];
        (self.slab.numbers(row), state)
    }

    /// The same, to be changed.
    pub(crate) fn parts_mut(&mut self, row: usize) -> (&mut [f32], &mut [f32]) {
        let width = self.config.optimiser.state_width(self.config.width);
        let chunk = self.slab.chunk_rows();
        let state = &mut self.state[row / chunk][row % chunk * width..][..width];
        (self.slab.numbers_mut(row), state)
    }

    /// The row of an id, or [`UNKNOWN`].
    #[inline(always)]
    pub(crate) fn find(&self, id: u64) -> u32 {
        match &self.keys {
            Some(keys) => keys.index.get(id).unwrap_or(UNKNOWN),
            None if id < self.slab.rows() as u64 => id as u32,
            None => UNKNOWN,
        }
    }

    /// Refuses ids beyond a dense table: they would read as nothing, and nobody would know.
    pub(crate) fn check(&self, ids: &[u64]) -> Result<()> {
        let rows = self.slab.rows() as u64;
        if self.keys.is_some() || Arch::new().dispatch(Below { ids, rows }) {
            return Ok(());
        }
        let at = ids.iter().position(|id| *id >= rows).unwrap_or(0);
        Err(self.wrong(format!("id {} (number {at}) of {rows} rows", ids[at])))
    }

    /// Refuses to change rows that only serve.
    pub(crate) fn check_learns(&self) -> Result<()> {
        match self.config.dtype.is_quantised() {
            true => {
                let what = "its rows only serve; change the table that they were made of";
                Err(self.wrong(format!("{:?}: {what}", self.config.dtype)))
            }
            false => Ok(()),
        }
    }

    /// A copy for serving in another number format: the same keys, no optimiser state.
    ///
    /// # Errors
    /// Where a row cannot be kept so: it is not finite, or its numbers are too far apart.
    pub fn to_dtype(&self, dtype: Dtype) -> Result<Table> {
        let optimiser = Optimiser::Sgd { rate: 0.0 };
        let config = TableConfig { dtype, optimiser, ..self.config.clone() };
        let keys = self.keys.clone().map(|keys| Keys { sketch: None, usage: None, ..keys });
        let fixed = self.keys.is_none().then(|| self.slab.rows());
        let slab = Slab::new(config.width, dtype, fixed)?;
        let mut copy = Table { config, slab, state: Vec::new(), steps: 0, keys };
        // Rows that only serve never grow.
        copy.grow_to(self.slab.rows(), self.keys.is_some() && !dtype.is_quantised())?;
        let mut row = vec![0.0; self.config.width];
        for id in self.ids() {
            let at = self.find(id) as usize;
            self.slab.get(at, &mut row);
            let set = copy.slab.set(at, &row);
            set.map_err(|error| self.wrong(format!("id {id} as {dtype:?}: {error}")))?;
            copy.slab.get(at, &mut row);
            if row.iter().any(|value| !value.is_finite()) {
                return Err(self.wrong(format!("id {id} is not finite as {dtype:?}")));
            }
        }
        Ok(copy)
    }

    pub(crate) fn wrong(&self, what: String) -> Error {
        Error::Input { table: self.config.name.clone(), what }
    }
}

/// Whether all ids are below a number, without a branch an id.
struct Below<'a> {
    ids: &'a [u64],
    rows: u64,
}

impl WithSimd for Below<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        !self.ids.iter().fold(false, |beyond, id| beyond | (*id >= self.rows))
    }
}
