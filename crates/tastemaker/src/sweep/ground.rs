//! What all trials stand on: the data that the sweep names, split as it says.

use anyhow::Result;
use data::split::split;

use super::plan::Sweep;
use super::runner::Choice;
use crate::experiment::{Ground, Store, load, load_log, must_exist};
use crate::hint;

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

/// Reads and splits.
pub(crate) fn ground(sweep: &Sweep, choice: &Choice, store: &Store) -> Result<Ground> {
    must_have_data(sweep, choice)?;
    let loaded = match (&choice.log, &sweep.data) {
        (None, Some(set)) => {
            let scratch = store.dir().join("importing");
            load(store.files(), &choice.data, set, &sweep.feedback, &scratch)?
        }
        (Some(dir), _) => load_log(store.files(), dir, &sweep.feedback)?,
        (None, None) => unreachable!("must_have_data refuses it"),
    };
    Ground::of(split(&loaded.sequences, loaded.clock, &sweep.split.spec()?)?)
}
