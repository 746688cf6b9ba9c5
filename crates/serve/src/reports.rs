//! The latest evaluation of the log, read anew when there is another one.

use std::sync::Arc;

use evaluate::Report;

use crate::state::Inner;

/// The latest evaluation, or why there is none.
#[derive(Debug, Default)]
pub(crate) struct LatestReport {
    /// Its id and itself.
    pub(crate) report: Option<(String, Report)>,
    /// Why it cannot be read.
    pub(crate) error: Option<String>,
    /// What the folder of reports held.
    listed: Vec<std::path::PathBuf>,
}

/// Looks once.
pub(crate) fn look(inner: &Inner) {
    let dir = inner.reports_dir();
    let Ok(listed) = inner.files.list(&dir) else { return };
    if inner.report.load().listed == listed {
        return;
    }
    let (report, error) = match evaluate::latest(&inner.files, &dir) {
        Ok(report) => (report, None),
        Err(error) => (None, Some(error.to_string())),
    };
    inner.report.store(Arc::new(LatestReport { report, error, listed }));
}
