//! Reports kept with the log: sealed folders with `report.json` and `report.html`.
//!
//! ```text
//! REPORTS/000001/manifest.json   checksums (data::sealed, kind "report")
//! REPORTS/000001/report.json     everything, for programs
//! REPORTS/000001/report.html     the same for people
//! REPORTS/.lock                  held while a report is written
//! ```

use std::path::Path;
use std::sync::Arc;

use data::sealed::{self, Staged};
use data::{Change, Files};

use crate::{Error, REPORT_FORMAT, Report, Result};

const KIND: &str = "report";
const JSON: &str = "report.json";
const HTML: &str = "report.html";
const LOCK: &str = ".lock";

/// Keeps a report. Returns its name: `000001`, `000002`, …
///
/// # Errors
/// Where another process keeps one at the same time, or writing fails; nothing is half there.
pub fn save(files: &Arc<dyn Files>, reports_dir: &Path, report: &Report) -> Result<String> {
    files.change(Change::MakeDir(reports_dir)).map_err(data::Error::io(reports_dir))?;
    let path = reports_dir.join(LOCK);
    let lock = files.lock(&path).map_err(data::Error::io(&path))?;
    let Some(_lock) = lock else {
        return Err(Error::Refused(format!(
            "{}: another process is keeping a report; wait for it to end, then try again",
            path.display()
        )));
    };
    let id = sealed::id_after(&sealed::ids(files.as_ref(), reports_dir)?);
    let mut staged = Staged::begin(files.clone(), reports_dir, &id)?;
    staged.add(JSON, report.to_json().as_bytes())?;
    staged.add(HTML, report.to_html().as_bytes())?;
    staged
        .seal(KIND, serde_json::json!({"format": REPORT_FORMAT, "verdict": report.verdict}))?;
    Ok(id)
}

/// The newest report and its name; `None` where there is none.
///
/// # Errors
/// Where it is damaged, or written by a newer program.
pub fn latest(files: &Arc<dyn Files>, reports_dir: &Path) -> Result<Option<(String, Report)>> {
    let Some(id) = sealed::ids(files.as_ref(), reports_dir)?.pop() else { return Ok(None) };
    let dir = reports_dir.join(&id);
    let manifest = sealed::open_as(files.as_ref(), &dir, KIND)?;
    let place = dir.join(JSON);
    let bytes = manifest.read(files.as_ref(), &dir, JSON)?;
    let damaged = |what: String| data::Error::damaged(&place, what);
    // The version first: a newer report may have another shape.
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let found = value.get("format").and_then(serde_json::Value::as_u64);
    let found = found.and_then(|found| u32::try_from(found).ok());
    let found = found.ok_or_else(|| damaged("it has no format version".into()))?;
    if found > REPORT_FORMAT {
        return Err(data::Error::Newer { path: place, found, known: REPORT_FORMAT }.into());
    }
    let report = serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
    Ok(Some((id, report)))
}
