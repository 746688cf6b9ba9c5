//! Which version is the current one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::{Files, sealed};
use serde::{Deserialize, Serialize};

use super::{lock, open};
use crate::{Error, Result};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Pointer {
    format: u32,
    version: String,
}

fn place(models_dir: &Path) -> PathBuf {
    models_dir.join("current.json")
}

/// The name of the current version; `None` where nothing was published yet.
///
/// # Errors
/// Where the pointer is damaged; [`set_current`] replaces it.
pub fn current(files: &Arc<dyn Files>, models_dir: &Path) -> Result<Option<String>> {
    let place = place(models_dir);
    let entries = files.list(models_dir).map_err(data::Error::io(models_dir))?;
    if !entries.contains(&place) {
        return Ok(None);
    }
    let (pointer, _): (Pointer, String) = sealed::read_checked(files.as_ref(), &place)?;
    if pointer.format > FORMAT {
        let (path, found, known) = (place, pointer.format, FORMAT);
        return Err(data::Error::Newer { path, found, known }.into());
    }
    if !sealed::is_id(&pointer.version) {
        let what = format!("{:?} is no model version", pointer.version);
        return Err(data::Error::damaged(&place, what).into());
    }
    Ok(Some(pointer.version))
}

/// Makes the version `id` the current one, once all its bytes have been checked.
///
/// # Errors
/// Where there is no such version, it is damaged, or another process publishes now.
pub fn set_current(files: &Arc<dyn Files>, models_dir: &Path, id: &str) -> Result<()> {
    let _lock = lock(files, models_dir)?;
    choose(files, models_dir, id)
}

/// Makes the newest version older than the current one current. Returns (from, to).
///
/// # Errors
/// Where there is no older one, it is damaged, or another process publishes now.
pub fn rollback(files: &Arc<dyn Files>, models_dir: &Path) -> Result<(String, String)> {
    let _lock = lock(files, models_dir)?;
    let from = current(files, models_dir)?.ok_or_else(|| {
        Error::Refused(format!("no model version in {} yet; train one", models_dir.display()))
    })?;
    let older = |id: &String| (id.len(), id) < (from.len(), &from);
    let to =
        sealed::ids(files.as_ref(), models_dir)?.into_iter().rfind(older).ok_or_else(|| {
            Error::Refused(format!("there is no model version before {from} to go back to"))
        })?;
    choose(files, models_dir, &to)?;
    Ok((from, to))
}

fn choose(files: &Arc<dyn Files>, models_dir: &Path, id: &str) -> Result<()> {
    open(files, models_dir, id)?;
    match sealed::verify(files.as_ref(), &models_dir.join(id)).into_iter().next() {
        Some(damage) => Err(damage.into()),
        None => point_to(files, models_dir, id),
    }
}

/// Moves the pointer: one rename. The caller holds the lock.
pub(super) fn point_to(files: &Arc<dyn Files>, models_dir: &Path, id: &str) -> Result<()> {
    let pointer = Pointer { format: FORMAT, version: id.to_owned() };
    sealed::write_checked(files.as_ref(), &place(models_dir), &pointer)?;
    Ok(())
}
