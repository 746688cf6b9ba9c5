//! What all trials stand on: histories to learn from, and what the same users did next. What came
//! after that, the test part, is not looked at.

use std::path::Path;

use anyhow::Result;
use data::split::{Split, split};
use data::{Log, Sequences};
use evaluate::{Cases, SeenPolicy};

use super::plan::Sweep;
use super::runner::Choice;
use crate::experiment::{Loaded, Store, fingerprint, load, must_exist, only_taken};
use crate::hint;
use crate::terminal::with_progress;

/// Data, ready to train and to validate.
pub(crate) struct Ground {
    pub(crate) train: Sequences,
    pub(crate) validation: Sequences,
    /// Users of the validation part with something new in it.
    pub(crate) cases: Cases,
    /// Those of them with a history: who is judged.
    pub(crate) warm: Vec<usize>,
    pub(crate) fingerprint: String,
}

/// Refuses a sweep without data before anything is read.
pub(crate) fn must_have_data(sweep: &Sweep, choice: &Choice) -> Result<()> {
    match (&choice.log, &sweep.data) {
        (Some(_), _) => Ok(()),
        (None, Some(set)) => {
            must_exist(&choice.data, set, "`--log DIR` takes a log of yours in its place")
        }
        (None, None) => Err(hint::error(
            "the file has no [data], and no log is named",
            "`--log DIR` names a log; config/sweep.toml shows how a file names data",
        )),
    }
}

impl Ground {
    /// Reads and splits.
    pub(crate) fn new(sweep: &Sweep, choice: &Choice, store: &Store) -> Result<Ground> {
        must_have_data(sweep, choice)?;
        let loaded = match (&choice.log, &sweep.data) {
            (None, Some(set)) => {
                let scratch = store.dir().join("importing");
                load(store.files(), &choice.data, set, &sweep.feedback, &scratch)?
            }
            (Some(dir), _) => of_log(sweep, store, dir)?,
            (None, None) => unreachable!("must_have_data refuses it"),
        };
        let parts = split(&loaded.sequences, loaded.clock, &sweep.split.spec()?)?;
        Ground::of(parts)
    }

    fn of(parts: Split) -> Result<Ground> {
        let Split { train, validation, facts, .. } = parts;
        let nothing = Sequences::from_events(train.users(), train.item_count(), &[])?;
        let as_test = Split { train, validation: nothing, test: validation, facts };
        let cases = Cases::new(&as_test, SeenPolicy::Exclude).map_err(|why| match why {
            evaluate::Error::Refused(_) => nobody("meets an item that is new to them"),
            other => anyhow::Error::new(other),
        })?;
        let Split { train, test: validation, .. } = as_test;
        let warm: Vec<usize> =
            (0..cases.len()).filter(|at| !train.user(cases.user(*at)).is_empty()).collect();
        if warm.is_empty() {
            return Err(nobody("has a history before it"));
        }
        let fingerprint = fingerprint(&[&train, &validation]);
        Ok(Ground { train, validation, cases, warm, fingerprint })
    }
}

fn nobody(what: &str) -> anyhow::Error {
    hint::error(
        format!("nobody in the validation part {what}: there is nothing to judge by"),
        "move validation_from of the split",
    )
}

fn of_log(sweep: &Sweep, store: &Store, dir: &Path) -> Result<Loaded> {
    let log = Log::open(store.files().clone(), dir)?;
    let all = with_progress("read", |progress| log.sequences(&sweep.feedback, progress))?;
    if all.events() == 0 {
        return Err(hint::error(
            format!("{}: no positive event to learn from", dir.display()),
            "`[feedback]` of the file says which kinds and values are positive",
        ));
    }
    Ok(Loaded { sequences: only_taken(&all)?, clock: log.manifest().clock })
}
