//! What the curve stands on: MovieLens 1M as the papers read it, a log, or what the binary brings
//! along.

use std::path::PathBuf;

use anyhow::Result;
use data::Feedback;
use data::split::split;

use crate::bundled;
use crate::experiment::{
    DataSet, Ground, Loaded, SplitChoice, Store, load, load_log, must_exist,
};
use crate::hint;
use crate::paper;

/// Whose recipe says how MovieLens is read, and what it calls the file.
const RECIPE: (&str, &str) = ("sasrec", "ml-1m-times");

/// Where histories come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A log of the user's.
    Log(PathBuf),
    /// MovieLens 1M with times, in the data folder.
    Papers(PathBuf),
    /// MovieLens latest-small, which the binary brings along.
    Bundled,
}

impl Source {
    /// Published numbers are made by leave-last-out, which is leaky; a log is cut in time.
    pub(crate) fn split(&self) -> SplitChoice {
        match self {
            Source::Log(_) => {
                SplitChoice::Time { validation_from: "0.8".into(), test_from: "0.9".into() }
            }
            Source::Papers(_) | Source::Bundled => SplitChoice::LeaveLastOut,
        }
    }

    pub(crate) fn title(&self) -> Result<String> {
        Ok(match self {
            Source::Log(dir) => dir.display().to_string(),
            Source::Papers(_) => of_papers()?.title,
            Source::Bundled => of_binary().title,
        })
    }
}

fn of_papers() -> Result<DataSet> {
    let (slug, name) = RECIPE;
    let mut recipe = paper::find(slug)?;
    recipe.data.remove(name).ok_or_else(|| {
        hint::error(format!("papers/{slug}: no data {name}"), "this is a bug of tastemaker")
    })
}

fn of_binary() -> DataSet {
    DataSet {
        title: "MovieLens latest-small".into(),
        path: "source".into(),
        format: "movielens".into(),
        map: None,
    }
}

/// Refuses, with exit status 3, data that are not there.
pub(crate) fn must_have_data(source: &Source) -> Result<()> {
    match source {
        Source::Papers(dir) => must_exist(
            dir,
            &of_papers()?,
            "`--log DIR` takes a log of yours in its place, `--quick` a small one that \
             tastemaker brings along, and `--only large` needs none",
        ),
        Source::Log(_) | Source::Bundled => Ok(()),
    }
}

/// Reads and splits.
pub(crate) fn ground(source: &Source, store: &Store) -> Result<Ground> {
    must_have_data(source)?;
    let (files, scratch) = (store.files(), store.dir().join("importing"));
    let feedback = Feedback::default();
    let loaded: Loaded = match source {
        Source::Log(dir) => load_log(files, dir, &feedback)?,
        Source::Papers(dir) => load(files, dir, &of_papers()?, &feedback, &scratch)?,
        Source::Bundled => {
            let set = of_binary();
            bundled::unpack(&store.dir().join(&set.path))?;
            load(files, store.dir(), &set, &feedback, &scratch)?
        }
    };
    Ground::of(split(&loaded.sequences, loaded.clock, &source.split().spec()?)?)
}
