//! What a grid stands on: a data set, split, and who is judged by what.

use anyhow::{Context, Result};
use data::Sequences;
use data::order::tie;
use data::split::{Split, split};
use evaluate::{Cases, SeenPolicy};

use super::recipe::{Grid, Recipe};
use crate::experiment::{Loaded, fingerprint};
use crate::hint;

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
        let fingerprint = fingerprint(&[&split.train, &split.validation, &split.test]);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn two_users() -> Sequences {
        let events = [(0, 5, 1, 1.0), (1, 2, 2, 1.0), (0, 2, 3, 1.0), (1, 9, 4, 1.0)];
        Sequences::from_events(2, 12, &events).unwrap()
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
