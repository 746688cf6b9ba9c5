//! What a grid stands on: a data set, split, and who is judged by what.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use data::import::{ImportSpec, import};
use data::order::tie;
use data::split::{Split, split};
use data::{Change, ClockKind, Feedback, Files, Log, Sequences};
use evaluate::{Cases, SeenPolicy};

use super::recipe::{DataSet, Grid, Recipe};
use crate::hint;
use crate::terminal::with_progress;

/// A data set, read.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) sequences: Sequences,
    pub(crate) clock: ClockKind,
}

/// A grid's data, ready to train and to judge.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) split: Split,
    pub(crate) cases: Cases,
    /// Cases with a history before the test: those that a paper on histories is judged by.
    pub(crate) warm: Vec<usize>,
    /// Training and validation: what is known when the test begins.
    pub(crate) before: Sequences,
    /// Of all parts, in a few digits.
    pub(crate) fingerprint: String,
}

/// Refuses, with exit status 3, a data set that is not in the folder `dir`.
pub(crate) fn must_exist(dir: &Path, set: &DataSet) -> Result<()> {
    let path = dir.join(&set.path);
    if path.exists() {
        return Ok(());
    }
    Err(hint::missing(
        format!("{} ({}) is not there", path.display(), set.title),
        "put it there, or say with --data DIR or TASTEMAKER_DATA=DIR where it lies; the paper's \
         README.md says where it comes from, and `--only GRID` runs what needs other data",
    ))
}

/// Reads a data set by way of a log in `scratch`, which is removed again.
pub(crate) fn load(
    files: &Arc<dyn Files>,
    dir: &Path,
    set: &DataSet,
    scratch: &Path,
) -> Result<Loaded> {
    must_exist(dir, set)?;
    let clear = || -> Result<()> {
        if !files.list(scratch)?.is_empty() {
            files.change(Change::Remove(scratch))?;
        }
        Ok(())
    };
    clear().with_context(|| scratch.display().to_string())?;
    let spec = ImportSpec {
        format: set.format()?,
        path: dir.join(&set.path),
        map: set.map.clone(),
        max_rejects: 0.0,
        chunk_rows: None,
    };
    let loaded = with_progress(&set.title, |progress| -> Result<Loaded> {
        import(files, scratch, &spec, 0, progress)?;
        let log = Log::open(files.clone(), scratch)?;
        // A catalogue beside the events may know items that nobody took: papers count those
        // with events, so the log's other items are left out.
        let all = log.sequences(&Feedback::default(), progress)?;
        Ok(Loaded { sequences: only_taken(&all)?, clock: log.manifest().clock })
    });
    clear().with_context(|| scratch.display().to_string())?;
    loaded.with_context(|| format!("reading {}", spec.path.display()))
}

/// The same histories over a catalogue of the items in them, in their order.
fn only_taken(all: &Sequences) -> Result<Sequences> {
    let mut place = 0;
    let places: Vec<u32> = all
        .popularity()
        .iter()
        .map(|count| {
            let own = place;
            place += u32::from(*count > 0);
            own
        })
        .collect();
    let items = all.items().iter().map(|item| places[*item as usize]).collect();
    let (offsets, times_ms) = (all.offsets().to_vec(), all.times_ms().to_vec());
    Ok(Sequences::new(offsets, items, times_ms, all.values().to_vec(), place)?)
}

impl Ground {
    /// Splits `loaded` as `grid` says; with `quick`, only some users of it.
    pub(crate) fn new(
        recipe: &Recipe,
        grid: &Grid,
        loaded: &Loaded,
        quick: bool,
    ) -> Result<Ground> {
        let fewer;
        let sequences = if quick {
            fewer = some_users(&loaded.sequences, recipe.quick.users)?;
            &fewer
        } else {
            &loaded.sequences
        };
        let split = split(sequences, loaded.clock, &grid.split.spec()?)
            .with_context(|| format!("grid {}", grid.name))?;
        let cases = Cases::new(&split, SeenPolicy::Exclude)
            .with_context(|| format!("grid {}", grid.name))?;
        let before = joined(&split.train, &split.validation)?;
        let warm: Vec<usize> =
            (0..cases.len()).filter(|at| !before.user(cases.user(*at)).is_empty()).collect();
        if warm.is_empty() {
            return Err(hint::error(
                format!("grid {}: nobody in the test has a history before it", grid.name),
                "move the cut of its split",
            ));
        }
        let fingerprint = fingerprint(&split);
        Ok(Ground { split, cases, warm, before, fingerprint })
    }
}

/// `wanted` users, by a hash; the others have no history.
fn some_users(all: &Sequences, wanted: u32) -> Result<Sequences> {
    let mut users: Vec<u32> = (0..all.users() as u32).collect();
    users.sort_by_key(|user| (tie(*user, 1), *user));
    users.truncate(wanted as usize);
    users.sort_unstable();
    collected(all, |user| match users.binary_search(&user) {
        Ok(_) => vec![all.user(user)],
        Err(_) => Vec::new(),
    })
}

/// The histories of `first`, each gone on with that of `second`.
fn joined(first: &Sequences, second: &Sequences) -> Result<Sequences> {
    collected(first, |user| vec![first.user(user), second.user(user)])
}

fn collected<'a>(
    like: &Sequences,
    parts: impl Fn(u32) -> Vec<data::History<'a>>,
) -> Result<Sequences> {
    let (mut offsets, mut items) = (vec![0], Vec::new());
    let (mut times_ms, mut values) = (Vec::new(), Vec::new());
    for user in 0..like.users() as u32 {
        for part in parts(user) {
            items.extend_from_slice(part.items);
            times_ms.extend_from_slice(part.times_ms);
            values.extend_from_slice(part.values);
        }
        offsets.push(items.len());
    }
    Ok(Sequences::new(offsets, items, times_ms, values, like.item_count())?)
}

fn fingerprint(split: &Split) -> String {
    let mut hash = blake3::Hasher::new();
    for part in [&split.train, &split.validation, &split.test] {
        hash.update(&part.item_count().to_le_bytes());
        part.offsets().iter().for_each(|at| {
            hash.update(&(*at as u64).to_le_bytes());
        });
        part.items().iter().for_each(|item| {
            hash.update(&item.to_le_bytes());
        });
        part.times_ms().iter().for_each(|time| {
            hash.update(&time.to_le_bytes());
        });
    }
    hash.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_users() -> Sequences {
        let events = [(0, 5, 1, 1.0), (1, 2, 2, 1.0), (0, 2, 3, 1.0), (1, 9, 4, 1.0)];
        Sequences::from_events(2, 12, &events).unwrap()
    }

    #[test]
    fn items_that_nobody_took_are_no_part_of_the_catalogue() {
        let taken = only_taken(&two_users()).unwrap();
        assert_eq!(taken.item_count(), 3);
        assert_eq!(taken.items(), [1, 0, 0, 2]);
    }

    #[test]
    fn fewer_users_keep_their_indices() {
        let all = two_users();
        let one = some_users(&all, 1).unwrap();
        assert_eq!(one.users(), 2);
        assert_eq!(one.events(), 2);
        let both = joined(&all, &one).unwrap();
        assert_eq!(both.events(), 6);
    }
}
