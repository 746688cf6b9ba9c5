//! Where cells are kept: a file each, and a folder of checkpoints beside one that is being
//! trained.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use data::{Files, Lock};
use train::Checkpoints;

use super::cell::{Cell, Identity};
use super::study::{StudyCell, StudyIdentity, place as study_place};
use crate::experiment;

/// The folder of one paper's cells.
#[derive(Clone)]
pub(crate) struct Store(experiment::Store);

impl Store {
    /// Cells of `slug` below `root`; quick ones lie apart.
    pub(crate) fn new(files: Arc<dyn Files>, root: &Path, slug: &str, quick: bool) -> Store {
        let dir = root.join(slug);
        let dir = if quick { dir.join("quick") } else { dir };
        Store(experiment::Store::new(files, dir))
    }

    pub(crate) fn files(&self) -> &Arc<dyn Files> {
        self.0.files()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.0.dir()
    }

    /// Takes the store for this process.
    pub(crate) fn lock(&self) -> Result<Lock> {
        self.0.lock("paper")
    }

    /// The finished cell, where there is one.
    ///
    /// # Errors
    /// Where its file is damaged.
    pub(crate) fn get(&self, grid: &str, arm: &str, seed: u64) -> Result<Option<Cell>> {
        self.at(&place(grid, arm, seed))
    }

    /// Every finished cell, one after another.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub(crate) fn all(&self) -> Result<impl Iterator<Item = Result<Cell>> + '_> {
        let places = self.0.places()?;
        Ok(places.into_iter().filter_map(|place| self.at(&place).transpose()))
    }

    fn at(&self, place: &Path) -> Result<Option<Cell>> {
        let mut cell: Option<Cell> = self.0.get(place, "cell")?;
        if let Some(cell) = &mut cell {
            cell.identity.complete();
        }
        Ok(cell)
    }

    /// Keeps a finished cell, in place of an older one.
    pub(crate) fn put(&self, cell: &Cell) -> Result<()> {
        let Identity { grid, arm, seed, .. } = &cell.identity;
        self.0.put(&place(grid, arm, *seed), cell)
    }

    /// The finished cell of a study, where there is one.
    ///
    /// # Errors
    /// Where its file is damaged.
    pub(crate) fn study(&self, study: &str, arm: &str, seed: u64) -> Result<Option<StudyCell>> {
        self.0.get(&study_place(study, arm, seed), "cell")
    }

    /// Keeps a finished cell of a study, in place of an older one.
    pub(crate) fn put_study(&self, cell: &StudyCell) -> Result<()> {
        let StudyIdentity { study, arm, seed, .. } = &cell.identity;
        self.0.put(&study_place(study, arm, *seed), cell)
    }

    /// What a cell's training keeps of `phase`.
    pub(crate) fn checkpoints(&self, identity: &Identity, phase: &str) -> Checkpoints {
        self.0.checkpoints(&training(identity, phase))
    }

    /// Removes what a finished cell's training left.
    pub(crate) fn clear(&self, identity: &Identity, phase: &str) -> Result<()> {
        self.0.clear(&training(identity, phase))
    }
}

fn place(grid: &str, arm: &str, seed: u64) -> PathBuf {
    Path::new(grid).join(format!("{arm}-{seed}.json"))
}

fn training(identity: &Identity, phase: &str) -> PathBuf {
    let Identity { grid, arm, seed, .. } = identity;
    Path::new(grid).join(format!("{arm}-{seed}.{}.{phase}", identity.digits()))
}
