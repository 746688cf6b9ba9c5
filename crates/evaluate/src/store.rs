//! What is kept with the log: sealed folders, each with one JSON and one HTML file.
//!
//! ```text
//! REPORTS/000001/manifest.json   checksums (data::sealed, kind "report")
//! REPORTS/000001/report.json     everything, for programs
//! REPORTS/000001/report.html     the same for people
//! REPORTS/.lock                  held while a report is written
//! PLAYS/000001/                  the same of plays: kind "play", play.json, play.html
//! ```

use std::path::Path;
use std::sync::Arc;

use data::sealed::{self, Staged};
use data::{Change, Files};
use serde::de::DeserializeOwned;

use crate::{Error, PLAY_FORMAT, PlayReport, REPORT_FORMAT, Report, Result};

const LOCK: &str = ".lock";

/// A kind of folder, and the files in it.
struct Shelf {
    kind: &'static str,
    json: &'static str,
    html: &'static str,
    /// The newest format that this program knows.
    format: u32,
}

const REPORTS: Shelf =
    Shelf { kind: "report", json: "report.json", html: "report.html", format: REPORT_FORMAT };
const PLAYS: Shelf =
    Shelf { kind: "play", json: "play.json", html: "play.html", format: PLAY_FORMAT };

/// Keeps a report. Returns its name: `000001`, `000002`, …
///
/// # Errors
/// Where another process keeps one at the same time, or writing fails; nothing is half there.
pub fn save(files: &Arc<dyn Files>, reports_dir: &Path, report: &Report) -> Result<String> {
    let (json, html) = (report.to_json(), report.to_html());
    REPORTS.keep(files, reports_dir, &report.verdict, &json, &html)
}

/// The newest report and its name; `None` where there is none.
///
/// # Errors
/// Where it is damaged, or written by a newer program.
pub fn latest(files: &Arc<dyn Files>, reports_dir: &Path) -> Result<Option<(String, Report)>> {
    REPORTS.latest(files, reports_dir)
}

/// Keeps a play. Returns its name: `000001`, `000002`, …
///
/// # Errors
/// Where another process keeps one at the same time, or writing fails; nothing is half there.
pub fn save_play(
    files: &Arc<dyn Files>,
    plays_dir: &Path,
    play: &PlayReport,
) -> Result<String> {
    let (json, html) = (play.to_json(), play.to_html());
    PLAYS.keep(files, plays_dir, &play.verdict, &json, &html)
}

/// The newest play and its name; `None` where there is none.
///
/// # Errors
/// Where it is damaged, or written by a newer program.
pub fn latest_play(
    files: &Arc<dyn Files>,
    plays_dir: &Path,
) -> Result<Option<(String, PlayReport)>> {
    PLAYS.latest(files, plays_dir)
}

/// The play of this name; `None` where there is none.
///
/// # Errors
/// Where it is damaged, or written by a newer program.
pub fn read_play(
    files: &Arc<dyn Files>,
    plays_dir: &Path,
    id: &str,
) -> Result<Option<PlayReport>> {
    // A name of elsewhere is no name of a play.
    match play_ids(files, plays_dir)?.iter().any(|known| known == id) {
        true => PLAYS.read(files, plays_dir, id).map(Some),
        false => Ok(None),
    }
}

/// Names of all plays, the oldest first.
///
/// # Errors
/// Where the folder cannot be read.
pub fn play_ids(files: &Arc<dyn Files>, plays_dir: &Path) -> Result<Vec<String>> {
    Ok(sealed::ids(files.as_ref(), plays_dir)?)
}

impl Shelf {
    fn keep(
        &self,
        files: &Arc<dyn Files>,
        dir: &Path,
        verdict: &str,
        json: &str,
        html: &str,
    ) -> Result<String> {
        files.change(Change::MakeDir(dir)).map_err(data::Error::io(dir))?;
        let path = dir.join(LOCK);
        let lock = files.lock(&path).map_err(data::Error::io(&path))?;
        let Some(_lock) = lock else {
            return Err(Error::Refused(format!(
                "{}: another process is keeping a {}; wait for it to end, then try again",
                path.display(),
                self.kind
            )));
        };
        let id = sealed::id_after(&sealed::ids(files.as_ref(), dir)?);
        let mut staged = Staged::begin(files.clone(), dir, &id)?;
        staged.add(self.json, json.as_bytes())?;
        staged.add(self.html, html.as_bytes())?;
        let facts = serde_json::json!({"format": self.format, "verdict": verdict});
        staged.seal(self.kind, facts)?;
        Ok(id)
    }

    fn latest<T: DeserializeOwned>(
        &self,
        files: &Arc<dyn Files>,
        dir: &Path,
    ) -> Result<Option<(String, T)>> {
        let Some(id) = sealed::ids(files.as_ref(), dir)?.pop() else { return Ok(None) };
        let read = self.read(files, dir, &id)?;
        Ok(Some((id, read)))
    }

    fn read<T: DeserializeOwned>(
        &self,
        files: &Arc<dyn Files>,
        dir: &Path,
        id: &str,
    ) -> Result<T> {
        let dir = dir.join(id);
        let manifest = sealed::open_as(files.as_ref(), &dir, self.kind)?;
        let place = dir.join(self.json);
        let bytes = manifest.read(files.as_ref(), &dir, self.json)?;
        let damaged = |what: String| data::Error::damaged(&place, what);
        // The version first: a newer one may have another shape.
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        let found = value.get("format").and_then(serde_json::Value::as_u64);
        let found = found.and_then(|found| u32::try_from(found).ok());
        let found = found.ok_or_else(|| damaged("it has no format version".into()))?;
        if found > self.format {
            return Err(data::Error::Newer { path: place, found, known: self.format }.into());
        }
        Ok(serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?)
    }
}
