//! The items' embeddings and what moves them: a matrix with an optimiser of its own, or a keyed
//! table whose rows come when they are first met and bring their optimiser's memory along, in
//! memory or on disk.

use std::borrow::Cow;

use models::SequenceModel;
use tables::Optimiser as RowOptimiser;
use tables::ship::{TableDelta, Tracker};
use tables::{Adam, Bags, Dtype, Init, Pooling, Table, TableConfig};
use tensor::Tensor;

use crate::config::{ItemUpdates, Optimizer, SequenceConfig};
use crate::on_disk::{KeptFile, OnDisk, TableFacts, TableTier};
use crate::optim::WeightDecay;
use crate::updater::Updater;
use crate::{Error, Result};

/// Uniform rows of this bound have the deviation of the matrix's first values.
const BOUND: f32 = 0.034_641;

/// Embeddings of all items, `[items, dim]`.
#[derive(Debug)]
pub struct Items {
    kept: Kept,
    /// Items of the catalogue: a table may have fewer rows.
    count: u32,
    /// Offsets of bags of one id, as many as were ever needed.
    single: Vec<i32>,
    /// Told of rows before a step changes them, where somebody ships them.
    tracker: Option<Tracker>,
}

#[derive(Debug)]
enum Kept {
    Matrix { matrix: Tensor, updater: Updater, by_rows: bool },
    Table(Box<Table>),
    OnDisk(Box<OnDisk>),
}

/// A copy of all items.
#[derive(Debug, Clone)]
pub(crate) enum ItemsCopy {
    Matrix(Tensor),
    File(KeptFile),
}

impl Items {
    /// First values for a catalogue of `count`: in memory, or over a `tier`.
    pub(crate) fn init(
        config: &SequenceConfig,
        count: u32,
        seed: u64,
        tier: Option<&TableTier>,
    ) -> Result<Items> {
        let optimizer = &config.optimizer;
        let kept = match config.item_updates {
            ItemUpdates::Keyed => {
                let table = table(config, seed)?;
                match tier {
                    None => Kept::Table(Box::new(Table::keyed(table, count as usize)?)),
                    Some(tier) => Kept::OnDisk(Box::new(OnDisk::begin(tier, table, count)?)),
                }
            }
            ItemUpdates::Dense | ItemUpdates::Rows if tier.is_some() => {
                let what = "items within a budget of memory are rows of a keyed table; use \
                            item_updates = \"keyed\"";
                return Err(Error::setting("item_updates", what));
            }
            ItemUpdates::Dense | ItemUpdates::Rows => {
                let matrix = SequenceModel::init_items(&config.model, count, seed);
                let by_rows = config.item_updates == ItemUpdates::Rows;
                let updater = match by_rows {
                    false => Updater::dense(optimizer, matrix.values().len())?,
                    true => Updater::by_rows(optimizer, matrix.rows(), matrix.width())?,
                };
                Kept::Matrix { matrix, updater, by_rows }
            }
        };
        Ok(Items { kept, count, single: vec![0], tracker: None })
    }

    /// Columns.
    pub fn dim(&self) -> usize {
        match &self.kept {
            Kept::Matrix { matrix, .. } => matrix.width(),
            Kept::Table(table) => table.config().width,
            Kept::OnDisk(items) => items.dim(),
        }
    }

    /// Items of the catalogue.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Rows that there are: a table in memory has those of the items that were met.
    pub fn rows(&self) -> usize {
        match &self.kept {
            Kept::Matrix { matrix, .. } => matrix.rows(),
            Kept::Table(table) => table.len(),
            Kept::OnDisk(items) => items.rows() as usize,
        }
    }

    /// All rows, `[count, dim]`, in memory; an item that no step has met has the row that it would begin
    /// with.
    ///
    /// # Errors
    /// Where they are on disk, and it fails.
    pub fn matrix(&mut self) -> Result<Cow<'_, Tensor>> {
        Ok(match &mut self.kept {
            Kept::Matrix { matrix, .. } => Cow::Borrowed(matrix),
            Kept::Table(table) => Cow::Owned(all_rows(table, self.count)),
            Kept::OnDisk(items) => Cow::Owned(items.matrix()?),
        })
    }

    /// A copy that stays as it is, on disk where they are.
    pub(crate) fn copy(&mut self) -> Result<ItemsCopy> {
        match &mut self.kept {
            Kept::OnDisk(items) => Ok(ItemsCopy::File(items.keep()?)),
            _ => Ok(ItemsCopy::Matrix(self.matrix()?.into_owned())),
        }
    }

    /// The rows of a copy, or those at the end, in memory, in place of all this.
    pub(crate) fn into_matrix(mut self, copy: Option<ItemsCopy>) -> Result<Tensor> {
        match (copy, self.kept) {
            (Some(ItemsCopy::Matrix(matrix)), _) => Ok(matrix),
            (Some(ItemsCopy::File(file)), Kept::OnDisk(items)) => items.into_matrix(&file),
            (Some(ItemsCopy::File(_)), _) => {
                Err(Error::Refused("a copy on disk of items in memory".into()))
            }
            (None, Kept::Matrix { matrix, .. }) => Ok(matrix),
            (None, kept) => {
                self.kept = kept;
                Ok(self.matrix()?.into_owned())
            }
        }
    }

    /// Row and column of the first number that is not finite.
    pub(crate) fn first_not_finite(&mut self) -> Result<Option<(usize, usize)>> {
        let width = self.dim();
        let bad = |values: &[f32]| values.iter().position(|value| !value.is_finite());
        let mut found = None;
        match &mut self.kept {
            Kept::OnDisk(items) => items.blocks(|from, block| {
                let here = bad(block).map(|at| at + from as usize * width);
                found = found.or(here);
                Ok(())
            })?,
            _ => found = bad(self.matrix()?.values()),
        }
        Ok(found.map(|at| (at / width, at % width)))
    }

    /// The matrix, to be changed; `None` where there is a table.
    pub fn matrix_mut(&mut self) -> Option<&mut Tensor> {
        match &mut self.kept {
            Kept::Matrix { matrix, .. } => Some(matrix),
            Kept::Table(_) | Kept::OnDisk(_) => None,
        }
    }

    /// The table, where there is one in memory.
    pub fn table(&self) -> Option<&Table> {
        match &self.kept {
            Kept::Table(table) => Some(table),
            Kept::Matrix { .. } | Kept::OnDisk(_) => None,
        }
    }

    /// As [`Items::table`], to be changed.
    pub fn table_mut(&mut self) -> Option<&mut Table> {
        match &mut self.kept {
            Kept::Table(table) => Some(table),
            Kept::Matrix { .. } | Kept::OnDisk(_) => None,
        }
    }

    /// Remembers which rows change from now on, up to so many ids.
    pub(crate) fn track(&mut self, ids_max: usize) {
        self.tracker = Some(Tracker::new(1, ids_max));
    }

    /// The table and its tracker, where there are both.
    pub(crate) fn tracked(&mut self) -> Option<(&Table, &mut Tracker)> {
        match (&self.kept, &mut self.tracker) {
            (Kept::Table(table), Some(tracker)) => Some((table, tracker)),
            _ => None,
        }
    }

    /// The items where they are on disk.
    pub(crate) fn on_disk(&mut self) -> Option<&mut OnDisk> {
        match &mut self.kept {
            Kept::OnDisk(items) => Some(items),
            Kept::Matrix { .. } | Kept::Table(_) => None,
        }
    }

    /// Whether they are.
    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self.kept, Kept::OnDisk(_))
    }

    /// What items on disk have come to.
    pub(crate) fn table_facts(&mut self) -> Result<Option<TableFacts>> {
        self.on_disk().map(OnDisk::facts).transpose()
    }

    /// The optimiser of a matrix.
    pub(crate) fn updater(&self) -> Option<&Updater> {
        match &self.kept {
            Kept::Matrix { updater, .. } => Some(updater),
            Kept::Table(_) | Kept::OnDisk(_) => None,
        }
    }

    /// As [`Items::updater`], to be loaded.
    pub(crate) fn updater_mut(&mut self) -> Option<&mut Updater> {
        match &mut self.kept {
            Kept::Matrix { updater, .. } => Some(updater),
            Kept::Table(_) | Kept::OnDisk(_) => None,
        }
    }

    /// Whether a step takes the touched rows alone.
    pub(crate) fn by_rows(&self) -> bool {
        match &self.kept {
            Kept::Matrix { by_rows, .. } => *by_rows,
            Kept::Table(_) | Kept::OnDisk(_) => true,
        }
    }

    /// Copies rows out, one after another; items that are new to a table get theirs.
    pub(crate) fn take(&mut self, rows: &[u32], values: &mut Vec<f32>) -> Result<()> {
        values.clear();
        match &mut self.kept {
            Kept::Matrix { matrix, .. } => {
                rows.iter().for_each(|row| values.extend_from_slice(matrix.row(*row as usize)));
            }
            Kept::Table(table) => {
                let ids: Vec<u64> = rows.iter().map(|row| u64::from(*row)).collect();
                if let Some(tracker) = &mut self.tracker {
                    // Before they get a row: it is new to whoever they are shipped to.
                    tracker.touch(0, table, &ids)?;
                }
                table.admit(&ids)?;
                values.resize(ids.len() * table.config().width, 0.0);
                table.sequence(&ids, values)?;
            }
            Kept::OnDisk(items) => items.take(rows, values)?,
        }
        Ok(())
    }

    /// Takes over rows that somebody else learned and whoever they are shipped to has not got.
    pub(crate) fn restore(&mut self, rows: &TableDelta) -> Result<()> {
        let (Kept::Table(table), Some(tracker)) = (&mut self.kept, &mut self.tracker) else {
            return Err(Error::Refused("only rows of a tracked table are restored".into()));
        };
        let wide = table.config().width;
        let beyond = rows.ids.last().is_some_and(|id| *id >= u64::from(self.count));
        if rows.width != wide || beyond {
            let (width, count) = (rows.width, self.count);
            let what = format!("rows of {width} numbers for {count} items of {wide}");
            return Err(Error::Refused(what));
        }
        tracker.touch(0, table, &rows.ids)?;
        tracker.touch(0, table, &rows.tombstones)?;
        for id in &rows.tombstones {
            table.forget(*id);
        }
        table.admit(&rows.ids)?;
        let mut row = vec![0.0; wide];
        for (at, id) in rows.ids.iter().enumerate() {
            rows.row(at, &mut row);
            table.set(*id, &row)?;
        }
        Ok(())
    }

    /// One step with the gradient of every number.
    pub(crate) fn step(&mut self, gradient: &[f32], rate: f32) -> Result<()> {
        match &mut self.kept {
            Kept::Matrix { matrix, updater, .. } => {
                updater.step(matrix.values_mut(), gradient, rate)
            }
            Kept::Table(_) | Kept::OnDisk(_) => {
                Err(Error::Refused("a keyed table has no dense step".into()))
            }
        }
    }

    /// One step with the gradients of `rows`, ascending.
    pub(crate) fn step_rows(
        &mut self,
        rows: &[u32],
        gradient: &[f32],
        rate: f32,
    ) -> Result<()> {
        match &mut self.kept {
            Kept::Matrix { matrix, updater, .. } => {
                updater.step_rows(matrix.values_mut(), rows, gradient, rate)
            }
            Kept::Table(table) => {
                let ids: Vec<u64> = rows.iter().map(|row| u64::from(*row)).collect();
                for offset in self.single.len()..=ids.len() {
                    self.single.push(offset as i32);
                }
                let bags = Bags::new(&self.single[..=ids.len()], &ids)?;
                table.set_rate(rate)?;
                let width = table.config().width;
                Ok(table.update(&bags, Pooling::Sum, gradient, width, 0)?)
            }
            Kept::OnDisk(items) => items.step(rows, gradient, rate),
        }
    }

    /// Takes a matrix's values over, for a checkpoint.
    pub(crate) fn load(&mut self, matrix: Tensor) {
        if let Kept::Matrix { matrix: own, .. } = &mut self.kept {
            *own = matrix;
        }
    }

    /// The same of a table.
    pub(crate) fn load_table(&mut self, table: Table) {
        if let Kept::Table(own) = &mut self.kept {
            **own = table;
        }
    }

    /// A table for a catalogue that has grown.
    pub(crate) fn grow(&mut self, count: u32) {
        self.count = self.count.max(count);
    }
}

/// All rows of a catalogue, `[count, dim]`; an item that no step has met has the row that it would
/// begin with.
pub(crate) fn all_rows(table: &Table, count: u32) -> Tensor {
    let width = table.config().width;
    let mut matrix = Tensor::zeros(count as usize, width);
    for (id, row) in (0u64..).zip(matrix.values_mut().chunks_exact_mut(width)) {
        if !table.row(id, row) {
            table.first_row(id, row);
        }
    }
    matrix
}

/// The table of a run.
pub(crate) fn table(config: &SequenceConfig, seed: u64) -> Result<TableConfig> {
    let optimiser = match &config.optimizer {
        Optimizer::Adam(adam) => {
            if adam.decay > 0.0 && adam.decay_kind == WeightDecay::L2 {
                let what = "l2 decay has no meaning for rows without a gradient; use decoupled";
                return Err(Error::setting("optimizer.decay_kind", what));
            }
            RowOptimiser::Adam(Adam {
                rate: config.schedule.peak as f32,
                betas: [adam.beta_1 as f32, adam.beta_2 as f32],
                epsilon: adam.eps as f32,
                decay: adam.decay as f32,
            })
        }
        Optimizer::Adagrad(adagrad) => {
            let others = [
                ("optimizer.decay", adagrad.decay),
                ("optimizer.rate_decay", adagrad.rate_decay),
                ("optimizer.start", adagrad.start),
            ];
            if let Some((field, value)) = others.into_iter().find(|(_, value)| *value != 0.0) {
                let what = format!("{value}: rows of a keyed table have no such thing; use 0");
                return Err(Error::setting(field, what));
            }
            RowOptimiser::RowWiseAdagrad {
                rate: config.schedule.peak as f32,
                epsilon: adagrad.eps as f32,
            }
        }
    };
    Ok(TableConfig {
        name: "items".into(),
        width: config.model.dim() as usize,
        dtype: Dtype::F32,
        init: Init::Uniform { bound: BOUND, seed },
        optimiser,
    })
}
