//! A run on disk: everything that the next step depends on, in one sealed folder.
//!
//! Folders are numbered and written whole or not at all ([`data::sealed`]). The newest that is
//! undamaged is gone on from; the last three are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::sealed::{self, Manifest, Staged};
use data::{Change, Files};
use models::{parameters_from_bytes, parameters_to_bytes};
use tables::Table;
use tensor::{Parameters, Tensor};

use crate::items::ItemsCopy;
use crate::on_disk::OnDisk;
use crate::optim::Moments;
use crate::standing::{Kept, Standing};
use crate::trainer::Trainer;
use crate::{Error, Result};

const KIND: &str = "checkpoint";
const WEIGHTS: &str = "weights.safetensors";
const TABLE: &str = "items.parquet";
const MOMENTS: &str = "moments.safetensors";
const BEST: &str = "best.safetensors";
const BEST_ITEMS: &str = "best-items.parquet";
const KEPT: usize = 3;

/// The folder in which a run keeps its checkpoints.
#[derive(Clone)]
pub struct Checkpoints {
    files: Arc<dyn Files>,
    dir: PathBuf,
}

impl std::fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpoints").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Checkpoints {
    /// Checkpoints in `dir`, which need not exist.
    pub fn new(files: Arc<dyn Files>, dir: &Path) -> Checkpoints {
        Checkpoints { files, dir: dir.to_path_buf() }
    }

    /// Whether there is anything to go on from.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn any(&self) -> Result<bool> {
        Ok(!sealed::ids(self.files.as_ref(), &self.dir)?.is_empty())
    }

    /// Removes all: the run is done, or begins anew.
    ///
    /// # Errors
    /// Where a folder cannot be removed.
    pub fn clear(&self) -> Result<()> {
        for id in sealed::ids(self.files.as_ref(), &self.dir)? {
            self.remove(&id)?;
        }
        Ok(())
    }

    fn remove(&self, id: &str) -> Result<()> {
        let path = self.dir.join(id);
        let removed = self.files.change(Change::Remove(&path));
        Ok(removed.map_err(data::Error::io(&path))?)
    }

    pub(crate) fn save(
        &self,
        standing: &mut Standing,
        trainer: &mut Trainer,
        best: Option<&Kept>,
    ) -> Result<()> {
        let ids = sealed::ids(self.files.as_ref(), &self.dir)?;
        let id = sealed::id_after(&ids);
        let mut staged = Staged::begin(self.files.clone(), &self.dir, &id)?;
        let Trainer { model, items, .. } = trainer;
        let parameters = model.parameters();
        standing.table_steps = None;
        let place = staged.path().join(TABLE);
        if let Some(items) = items.on_disk() {
            standing.table_steps = Some(items.steps()?);
            let mut file = staged.create(TABLE)?;
            items.write(&mut file, &place)?;
            staged.finish(file)?;
        } else if let Some(table) = items.table() {
            standing.table_steps = Some(table.steps());
            let mut file = staged.create(TABLE)?;
            table.write_file(&mut file, &place)?;
            staged.finish(file)?;
        }
        staged.add(
            WEIGHTS,
            &match standing.table_steps {
                Some(_) => parameters_to_bytes(parameters, "{}")?,
                None => weights_to_bytes(parameters, items.matrix()?.into_owned())?,
            },
        )?;
        let mut moments = Parameters::new();
        standing.optimizer_steps.clear();
        for (name, updater) in trainer.updaters() {
            let own = updater.moments();
            standing.optimizer_steps.push(own.steps);
            for (moment, values) in own.named {
                let tensor = Tensor::new(1, values.len(), values)?;
                moments.add(format!("{name}.{moment}"), tensor)?;
            }
        }
        staged.add(MOMENTS, &parameters_to_bytes(&moments, "{}")?)?;
        match best.map(|best| (&best.parameters, &best.items)) {
            None => {}
            Some((parameters, ItemsCopy::Matrix(items))) => {
                staged.add(BEST, &weights_to_bytes(parameters, items.clone())?)?;
            }
            Some((parameters, ItemsCopy::File(items))) => {
                staged.add(BEST, &parameters_to_bytes(parameters, "{}")?)?;
                let mut file = staged.create(BEST_ITEMS)?;
                items.copy_to(&mut file, &staged.path().join(BEST_ITEMS))?;
                staged.finish(file)?;
            }
        }
        let facts = serde_json::to_value(&*standing).map_err(|why| {
            Error::Refused(format!("a checkpoint cannot be described: {why}"))
        })?;
        staged.seal(KIND, facts)?;
        // Only now: whatever happens, there is one to go on from.
        for old in ids.iter().rev().skip(KEPT - 1) {
            self.remove(old)?;
        }
        Ok(())
    }

    /// Loads the newest undamaged checkpoint into `trainer`. `note` hears of damaged ones that
    /// were passed over.
    ///
    /// # Errors
    /// Where there is none, or it is of another run: other settings, seed or data.
    pub(crate) fn load(
        &self,
        trainer: &mut Trainer,
        asked: &Standing,
        note: &mut dyn FnMut(&str),
    ) -> Result<(Standing, Option<Kept>)> {
        let mut newest = None;
        for id in sealed::ids(self.files.as_ref(), &self.dir)?.iter().rev() {
            match self.load_one(id, trainer, asked) {
                Err(error) if is_damage(&error) => {
                    note(&format!("{error}; trying the checkpoint before it"));
                    newest.get_or_insert(error);
                }
                loaded => return loaded,
            }
        }
        let dir = self.dir.display();
        Err(Error::Refused(match newest {
            Some(error) => format!(
                "{dir}: every checkpoint is damaged, the newest: {error}; train without --resume \
                 to begin anew"
            ),
            None => format!("{dir}: no checkpoint to go on from; train without --resume"),
        }))
    }

    fn load_one(
        &self,
        id: &str,
        trainer: &mut Trainer,
        asked: &Standing,
    ) -> Result<(Standing, Option<Kept>)> {
        let path = self.dir.join(id);
        let files = self.files.as_ref();
        let manifest = sealed::open_as(files, &path, KIND)?;
        let standing: Standing = manifest.facts(&path)?;
        if let Some(how) = standing.differs(asked) {
            return Err(Error::Refused(format!(
                "{}: this checkpoint is of a run {how}; resume with what it began with, or train \
                 without --resume to begin anew",
                path.display()
            )));
        }
        let damaged = |what: String| Error::from(data::Error::damaged(&path, what));
        let wrong = |why: Error| damaged(why.to_string());
        let weights = manifest.read(files, &path, WEIGHTS)?;
        let moments = manifest.read(files, &path, MOMENTS)?;
        let best = match standing.best_epoch {
            Some(_) => Some(manifest.read(files, &path, BEST)?),
            None => None,
        };
        let (parameters, items) =
            unpacked(trainer, standing.table_steps.is_none(), &weights).map_err(wrong)?;
        let best = best.map(|bytes| unpacked(trainer, !standing.on_disk, &bytes)).transpose();
        let best = best.map_err(wrong)?;
        let mut stored = Parameters::new();
        for (name, updater) in trainer.updaters() {
            for (moment, values) in updater.moments().named {
                let tensor = Tensor::zeros(1, values.len());
                stored.add(format!("{name}.{moment}"), tensor)?;
            }
        }
        parameters_from_bytes(&mut stored, &moments).map_err(|why| damaged(why.to_string()))?;
        if standing.optimizer_steps.len() != trainer.updaters().count() {
            return Err(damaged("it lacks the steps of an optimiser".into()));
        }
        let table = self.load_rows(&manifest, &path, trainer, &standing)?;
        let best = match best {
            None => None,
            Some((parameters, Some(items))) => {
                Some(Kept { parameters, items: ItemsCopy::Matrix(items) })
            }
            Some((parameters, None)) => {
                manifest.check(files, &path, BEST_ITEMS)?;
                let items = on_disk(trainer)?.keep_file(files, &path.join(BEST_ITEMS))?;
                Some(Kept { parameters, items: ItemsCopy::File(items) })
            }
        };
        // From here on nothing fails: weights are loaded whole or not at all. Rows on disk that a damaged
        // checkpoint left are replaced by those of the one before it.
        for ((name, updater), &steps) in trainer.updaters_mut().zip(&standing.optimizer_steps) {
            let mut moments = Moments { steps, named: Vec::new() };
            for (moment, _) in updater.moments().named {
                let found = stored.find(&format!("{name}.{moment}"));
                let values = found.map_or(Vec::new(), |id| stored.get(id).values().to_vec());
                moments.named.push((moment, values));
            }
            updater.load(&moments)?;
        }
        *trainer.model.parameters_mut() = parameters;
        if let Some(table) = table {
            trainer.items.load_table(table);
        } else if let Some(items) = items {
            trainer.items.load(items);
        }
        trainer.step = standing.step;
        Ok((standing, best))
    }

    /// The rows of a table: in memory, or where the trainer has them on disk already.
    fn load_rows(
        &self,
        manifest: &Manifest,
        path: &Path,
        trainer: &mut Trainer,
        standing: &Standing,
    ) -> Result<Option<Table>> {
        let Some(steps) = standing.table_steps else { return Ok(None) };
        let (place, bytes) =
            (path.join(TABLE), manifest.check(self.files.as_ref(), path, TABLE)?);
        if standing.on_disk {
            on_disk(trainer)?.read(&self.files, &place, bytes, steps)?;
            return Ok(None);
        }
        let Some(config) = trainer.items.table().map(|table| table.config().clone()) else {
            let what = "it keeps a table, the run a matrix";
            return Err(data::Error::damaged(path, what.to_owned()).into());
        };
        Ok(Some(Table::read_file(config, &self.files, &place, bytes, steps)?))
    }
}

fn on_disk(trainer: &mut Trainer) -> Result<&mut OnDisk> {
    let lost = || Error::Refused("the checkpoint has items on disk, the run does not".into());
    trainer.items.on_disk().ok_or_else(lost)
}

/// Whether the checkpoint before may do: bytes are not those that were sealed, or are gone.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Data(data::Error::Damaged { .. }) => true,
        Error::Data(data::Error::Io { source, .. }) => {
            source.kind() == std::io::ErrorKind::NotFound
        }
        _ => false,
    }
}

fn weights_to_bytes(parameters: &Parameters, items: Tensor) -> Result<Vec<u8>> {
    let mut all = parameters.clone();
    all.add("items", items)?;
    Ok(parameters_to_bytes(&all, "{}")?)
}

/// Weights, and the items where they are among them: those of a table have a file of their own, those
/// of the best epoch as well where the table is on disk.
fn unpacked(
    trainer: &Trainer,
    has_items: bool,
    bytes: &[u8],
) -> Result<(Parameters, Option<Tensor>)> {
    let mut own = trainer.model.parameters().clone();
    if !has_items {
        parameters_from_bytes(&mut own, bytes)?;
        return Ok((own, None));
    }
    let mut all = own.clone();
    let shape = Tensor::zeros(trainer.items.count() as usize, trainer.items.dim());
    let items = all.add("items", shape)?;
    parameters_from_bytes(&mut all, bytes)?;
    let ids: Vec<_> = own.iter().map(|(id, _, _)| id).collect();
    for id in ids {
        own.get_mut(id).values_mut().copy_from_slice(all.get(id).values());
    }
    Ok((own, Some(all.get(items).clone())))
}
