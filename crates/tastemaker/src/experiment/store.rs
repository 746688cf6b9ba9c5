//! Where finished work is kept: a sealed file each, written whole or not at all, and folders of
//! checkpoints beside what is being trained.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use data::sealed::{read_checked, write_checked};
use data::{Change, Files, Lock};
use serde::Serialize;
use serde::de::DeserializeOwned;
use train::Checkpoints;

use crate::hint;

/// A folder of finished work. Places are relative to it.
#[derive(Clone)]
pub(crate) struct Store {
    files: Arc<dyn Files>,
    dir: PathBuf,
}

impl Store {
    pub(crate) fn new(files: Arc<dyn Files>, dir: PathBuf) -> Store {
        Store { files, dir }
    }

    pub(crate) fn files(&self) -> &Arc<dyn Files> {
        &self.files
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes the store for this process; `what` is what another one would be a run of.
    pub(crate) fn lock(&self, what: &str) -> Result<Lock> {
        let taken = || {
            self.files.change(Change::MakeDir(&self.dir))?;
            self.files.lock(&self.dir.join("lock"))
        };
        let lock = taken().with_context(|| self.dir.display().to_string())?;
        lock.ok_or_else(|| {
            hint::error(
                format!("{}: another run of this {what} works there", self.dir.display()),
                "wait for it, name another --store, or look at what it has finished with --show",
            )
        })
    }

    /// What is kept at `place`, where there is something; `what` it is, for the hint.
    ///
    /// # Errors
    /// Where its file is damaged.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        place: &Path,
        what: &str,
    ) -> Result<Option<T>> {
        let path = self.dir.join(place);
        let folder = path.parent().unwrap_or(&self.dir);
        let there = self.files.list(folder).with_context(|| folder.display().to_string())?;
        if !there.contains(&path) {
            return Ok(None);
        }
        match read_checked::<T>(self.files.as_ref(), &path) {
            Ok((kept, _)) => Ok(Some(kept)),
            Err(why) => Err(hint::error(
                why,
                format!(
                    "remove {} and run the same command: that {what} is run again",
                    path.display()
                ),
            )),
        }
    }

    /// Places of all that is kept, one folder down, by name.
    pub(crate) fn places(&self) -> Result<Vec<PathBuf>> {
        let mut places = Vec::new();
        for folder in self.listed(&self.dir)? {
            let kept = self.listed(&folder)?.into_iter().filter(|path| {
                let hidden =
                    path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
                !hidden && path.extension().is_some_and(|end| end == "json")
            });
            places.extend(
                kept.filter_map(|path| {
                    path.strip_prefix(&self.dir).ok().map(Path::to_path_buf)
                }),
            );
        }
        Ok(places)
    }

    /// What is in a folder; nothing in a file.
    fn listed(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        match self.files.list(folder) {
            Err(why) if why.kind() == ErrorKind::NotADirectory => Ok(Vec::new()),
            listed => listed.with_context(|| folder.display().to_string()),
        }
    }

    /// Keeps something at `place`, instead of what was there.
    pub(crate) fn put<T: Serialize>(&self, place: &Path, value: &T) -> Result<()> {
        let path = self.dir.join(place);
        if let Some(folder) = path.parent() {
            self.files
                .change(Change::MakeDir(folder))
                .with_context(|| folder.display().to_string())?;
        }
        write_checked(self.files.as_ref(), &path, value)?;
        Ok(())
    }

    /// The checkpoints at `place`.
    pub(crate) fn checkpoints(&self, place: &Path) -> Checkpoints {
        Checkpoints::new(self.files.clone(), &self.dir.join(place))
    }

    /// Removes the folder at `place`, where there is one.
    pub(crate) fn clear(&self, place: &Path) -> Result<()> {
        let path = self.dir.join(place);
        if !self.files.list(&path)?.is_empty() {
            self.files
                .change(Change::Remove(&path))
                .with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}
