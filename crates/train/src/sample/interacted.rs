//! What each user has interacted with, as sorted sets.

use data::Sequences;
use rayon::prelude::*;

use crate::{Error, Result};

/// The items of each user, ascending, each once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Interacted {
    offsets: Vec<usize>,
    items: Vec<u32>,
}

impl Interacted {
    /// Of the histories in `sequences`: row u is user u.
    pub fn of(sequences: &Sequences) -> Interacted {
        let users = 0..sequences.users() as u32;
        let sets = users.into_par_iter().map(|user| {
            let mut items = sequences.user(user).items.to_vec();
            items.sort_unstable();
            items.dedup();
            items
        });
        let sets: Vec<Vec<u32>> = sets.collect();
        let mut offsets = vec![0];
        let mut end = 0;
        offsets.extend(sets.iter().map(|set| {
            end += set.len();
            end
        }));
        Interacted { offsets, items: sets.concat() }
    }

    /// Takes over sets that already lie user after user: user u's are
    /// `items[offsets[u]..offsets[u + 1]]`.
    ///
    /// # Errors
    /// Where the offsets do not fit, or a set is not ascending or has an item twice.
    pub fn new(offsets: Vec<usize>, items: Vec<u32>) -> Result<Interacted> {
        let ends = offsets.first() == Some(&0)
            && offsets.last() == Some(&items.len())
            && offsets.is_sorted();
        if !ends {
            return Err(Error::Refused("offsets of item sets do not fit their items".into()));
        }
        let sets = offsets.windows(2).map(|row| &items[row[0]..row[1]]);
        if let Some(user) = sets.clone().position(|set| !set.is_sorted_by(|a, b| a < b)) {
            return Err(Error::Refused(format!("the items of user {user} are no sorted set")));
        }
        Ok(Interacted { offsets, items })
    }

    /// The items of `user`, ascending; none where the user is not known.
    pub fn items(&self, user: u32) -> &[u32] {
        match self.offsets.get(user as usize..).unwrap_or(&[]) {
            [start, end, ..] => &self.items[*start..*end],
            _ => &[],
        }
    }
}
