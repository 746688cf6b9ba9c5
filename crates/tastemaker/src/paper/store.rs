//! Where cells are kept: a file each, written whole or not at all, and a folder of checkpoints
//! beside one that is being trained.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use data::sealed::{read_checked, write_checked};
use data::{Change, Files, Lock};

use super::cell::{Cell, Identity};
use crate::hint;

/// The folder of one paper's cells.
#[derive(Clone)]
pub(crate) struct Store {
    files: Arc<dyn Files>,
    dir: PathBuf,
}

impl Store {
    /// Cells of `slug` below `root`; quick ones lie apart.
    pub(crate) fn new(files: Arc<dyn Files>, root: &Path, slug: &str, quick: bool) -> Store {
        let dir = root.join(slug);
        let dir = if quick { dir.join("quick") } else { dir };
        Store { files, dir }
    }

    pub(crate) fn files(&self) -> &Arc<dyn Files> {
        &self.files
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes the store for this process.
    pub(crate) fn lock(&self) -> Result<Lock> {
        let taken = || {
            self.files.change(Change::MakeDir(&self.dir))?;
            self.files.lock(&self.dir.join("lock"))
        };
        let lock = taken().with_context(|| self.dir.display().to_string())?;
        lock.ok_or_else(|| {
            hint::error(
                format!("{}: another run of this paper works there", self.dir.display()),
                "wait for it, name another --store, or look at what it has finished with --show",
            )
        })
    }

    fn path(&self, grid: &str, arm: &str, seed: u64) -> PathBuf {
        self.dir.join(grid).join(format!("{arm}-{seed}.json"))
    }

    /// The folder in which a cell's training keeps checkpoints of `phase`.
    pub(crate) fn checkpoints(&self, identity: &Identity, phase: &str) -> PathBuf {
        let Identity { grid, arm, seed, .. } = identity;
        let name = format!("{arm}-{seed}.{}.{phase}", identity.digits());
        self.dir.join(grid).join(name)
    }

    /// The finished cell, where there is one.
    ///
    /// # Errors
    /// Where its file is damaged.
    pub(crate) fn get(&self, grid: &str, arm: &str, seed: u64) -> Result<Option<Cell>> {
        let path = self.path(grid, arm, seed);
        let there = self.files.list(&self.dir.join(grid)).context("listing finished cells")?;
        if !there.contains(&path) {
            return Ok(None);
        }
        match read_checked::<Cell>(self.files.as_ref(), &path) {
            Ok((cell, _)) => Ok(Some(cell)),
            Err(why) => Err(hint::error(
                why,
                format!(
                    "remove {} and run the same command: that cell is run again",
                    path.display()
                ),
            )),
        }
    }

    /// Keeps a finished cell, in place of an older one.
    pub(crate) fn put(&self, cell: &Cell) -> Result<()> {
        let Identity { grid, arm, seed, .. } = &cell.identity;
        let path = self.path(grid, arm, *seed);
        if let Some(folder) = path.parent() {
            self.files
                .change(Change::MakeDir(folder))
                .with_context(|| folder.display().to_string())?;
        }
        write_checked(self.files.as_ref(), &path, cell)?;
        Ok(())
    }

    /// Removes what a finished cell's training left.
    pub(crate) fn clear(&self, identity: &Identity, phase: &str) -> Result<()> {
        let path = self.checkpoints(identity, phase);
        if !self.files.list(&path)?.is_empty() {
            self.files
                .change(Change::Remove(&path))
                .with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}
