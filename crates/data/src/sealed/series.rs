//! Sealed folders of one kind beside each other, named by rising numbers: `000001`, `000002`, …

use std::path::Path;

use super::{Manifest, open};
use crate::{Error, Files, Result};

/// Names of the folders that are there, the oldest first; none where there is no `dir`.
///
/// # Errors
/// Where `dir` cannot be listed.
pub fn ids(files: &dyn Files, dir: &Path) -> Result<Vec<String>> {
    let entries = files.list(dir).map_err(Error::io(dir))?;
    let mut ids: Vec<String> = entries
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .filter(|name| is_id(name))
        .collect();
    // Seven digits come after six.
    ids.sort_by(|a, b| a.len().cmp(&b.len()).then(a.cmp(b)));
    Ok(ids)
}

/// Six digits or more and nothing else, so that an id is never a path.
pub fn is_id(name: &str) -> bool {
    (6..=18).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name that comes after all of `ids`.
pub fn id_after(ids: &[String]) -> String {
    let last = ids.last().map_or(0, |id| id.parse().unwrap_or(u64::MAX));
    format!("{:06}", last.saturating_add(1))
}

/// Reads the manifest of the folder at `path`, which must be of this kind.
///
/// # Errors
/// Where it is damaged, of a newer format, or of another kind.
pub fn open_as(files: &dyn Files, path: &Path, kind: &str) -> Result<Manifest> {
    let manifest = open(files, path)?;
    if manifest.kind != kind {
        let what = format!("it is of kind {:?}, not {kind:?}", manifest.kind);
        return Err(Error::damaged(path, what));
    }
    Ok(manifest)
}
