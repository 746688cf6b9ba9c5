//! A run on disk: everything that the next step depends on, in one sealed folder.
//!
//! Folders are numbered and written whole or not at all ([`data::sealed`]). The newest that is
//! undamaged is gone on from; the last three are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::sealed::{self, Staged};
use data::{Change, Files};
use models::{parameters_from_bytes, parameters_to_bytes};
use tables::Table;
use tensor::{Parameters, Tensor};

use crate::optim::Moments;
use crate::standing::{Kept, Standing};
use crate::trainer::Trainer;
use crate::{Error, Result};

const KIND: &str = "checkpoint";
const WEIGHTS: &str = "weights.safetensors";
const TABLE: &str = "items.parquet";
const MOMENTS: &str = "moments.safetensors";
const BEST: &str = "best.safetensors";
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
        trainer: &Trainer,
        best: Option<&Kept>,
    ) -> Result<()> {
        let ids = sealed::ids(self.files.as_ref(), &self.dir)?;
        let id = sealed::id_after(&ids);
        let mut staged = Staged::begin(self.files.clone(), &self.dir, &id)?;
        let parameters = trainer.model.parameters();
        standing.table_steps = trainer.items.table().map(Table::steps);
        match trainer.items.table() {
            None => {
                let items = trainer.items.matrix();
                staged.add(WEIGHTS, &weights_to_bytes(parameters, &items)?)?;
            }
            Some(table) => {
                staged.add(WEIGHTS, &parameters_to_bytes(parameters, "{}")?)?;
                let mut file = staged.create(TABLE)?;
                table.write_file(&mut file, &staged.path().join(TABLE))?;
                staged.finish(file)?;
            }
        }
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
        if let Some(best) = best {
            staged.add(BEST, &weights_to_bytes(&best.parameters, &best.items)?)?;
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
        let weights = manifest.read(files, &path, WEIGHTS)?;
        let moments = manifest.read(files, &path, MOMENTS)?;
        let best = match standing.best_epoch {
            Some(_) => Some(manifest.read(files, &path, BEST)?),
            None => None,
        };
        let kept = |bytes: &[u8]| -> Result<Kept> {
            let mut kept = Kept {
                parameters: trainer.model.parameters().clone(),
                items: trainer.items.matrix().into_owned(),
            };
            weights_from_bytes(&mut kept, bytes).map_err(|why| damaged(why.to_string()))?;
            Ok(kept)
        };
        let best = best.as_deref().map(kept).transpose()?;
        let (now, table) = match standing.table_steps {
            None => (kept(&weights)?, None),
            Some(steps) => {
                let Some(config) = trainer.items.table().map(|table| table.config().clone())
                else {
                    return Err(damaged("it keeps a table, the run a matrix".into()));
                };
                let bytes = manifest.read(files, &path, TABLE)?.len() as u64;
                let place = path.join(TABLE);
                let table = Table::read_file(config, &self.files, &place, bytes, steps)?;
                let mut parameters = trainer.model.parameters().clone();
                parameters_from_bytes(&mut parameters, &weights)
                    .map_err(|why| damaged(why.to_string()))?;
                (Kept { parameters, items: Tensor::zeros(0, 1) }, Some(table))
            }
        };
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
        // From here on nothing fails: a trainer is loaded whole or not at all.
        for ((name, updater), &steps) in trainer.updaters_mut().zip(&standing.optimizer_steps) {
            let mut moments = Moments { steps, named: Vec::new() };
            for (moment, _) in updater.moments().named {
                let found = stored.find(&format!("{name}.{moment}"));
                let values = found.map_or(Vec::new(), |id| stored.get(id).values().to_vec());
                moments.named.push((moment, values));
            }
            updater.load(&moments)?;
        }
        *trainer.model.parameters_mut() = now.parameters;
        match table {
            Some(table) => trainer.items.load_table(table),
            None => trainer.items.load(now.items),
        }
        trainer.step = standing.step;
        Ok((standing, best))
    }
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

fn weights_to_bytes(parameters: &Parameters, items: &Tensor) -> Result<Vec<u8>> {
    let mut all = parameters.clone();
    all.add("items", items.clone())?;
    Ok(parameters_to_bytes(&all, "{}")?)
}

fn weights_from_bytes(kept: &mut Kept, bytes: &[u8]) -> Result<()> {
    let mut all = kept.parameters.clone();
    let items = all.add("items", kept.items.clone())?;
    parameters_from_bytes(&mut all, bytes)?;
    kept.items = all.get(items).clone();
    let ids: Vec<_> = kept.parameters.iter().map(|(id, _, _)| id).collect();
    for id in ids {
        kept.parameters.get_mut(id).values_mut().copy_from_slice(all.get(id).values());
    }
    Ok(())
}
