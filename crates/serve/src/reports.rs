//! The latest evaluation and the latest play of the log, read anew when there is another one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use data::Files;

use crate::state::Inner;

/// The newest of a kind, or why there is none.
#[derive(Debug)]
pub(crate) struct Latest<T> {
    /// Its id and itself.
    pub(crate) newest: Option<(String, T)>,
    /// Why it cannot be read.
    pub(crate) error: Option<String>,
    /// What the folder held.
    listed: Vec<PathBuf>,
}

impl<T> Default for Latest<T> {
    fn default() -> Latest<T> {
        Latest { newest: None, error: None, listed: Vec::new() }
    }
}

/// Looks once.
pub(crate) fn look(inner: &Inner) {
    read_anew(&inner.report, &inner.files, &inner.reports_dir(), evaluate::latest);
    read_anew(&inner.play, &inner.files, &inner.plays_dir(), evaluate::latest_play);
}

type Read<T> = fn(&Arc<dyn Files>, &Path) -> evaluate::Result<Option<(String, T)>>;

fn read_anew<T>(kept: &ArcSwap<Latest<T>>, files: &Arc<dyn Files>, dir: &Path, read: Read<T>) {
    let Ok(listed) = files.list(dir) else { return };
    if kept.load().listed == listed {
        return;
    }
    let (newest, error) = match read(files, dir) {
        Ok(newest) => (newest, None),
        Err(error) => (None, Some(error.to_string())),
    };
    kept.store(Arc::new(Latest { newest, error, listed }));
}
