//! Training batches: whole histories, cut by a budget of tokens, nothing padded.

use rayon::slice::ParallelSliceMut;

use crate::order::tie;
use crate::{Error, Jagged, KeyedJagged, Result, Sequences};

/// How to cut batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSpec {
    /// Most events of one batch. A single history always fits, cut to `length_max`.
    pub tokens_max: usize,
    /// Most events of one user; the latest are kept.
    pub length_max: usize,
    /// Fewest events of a user that trains at all.
    pub length_min: usize,
    /// Order of the users: another seed, another order. Take the epoch's number into it.
    pub seed: u64,
}

/// Histories of some users, ready for a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// User index of each sample.
    pub users: Vec<u32>,
    /// Sparse features: key `item`, one row a sample, oldest event first.
    pub features: KeyedJagged<u32>,
    /// Instant of each event, aligned with the `item` rows.
    pub times_ms: Jagged<i64>,
    /// Value of each event, aligned with the `item` rows.
    pub values: Jagged<f32>,
}

impl Batch {
    /// Events in it.
    pub fn tokens(&self) -> usize {
        self.features.cells().values().len()
    }
}

/// The batches of one pass over all users, in a seeded order.
#[derive(Debug)]
pub struct Batches<'a> {
    sequences: &'a Sequences,
    spec: BatchSpec,
    order: Vec<u32>,
    next: usize,
}

impl<'a> Batches<'a> {
    /// One pass over `sequences`.
    pub fn new(sequences: &'a Sequences, spec: BatchSpec) -> Result<Batches<'a>> {
        if spec.tokens_max == 0 || spec.length_max == 0 || spec.length_max > spec.tokens_max {
            return Err(Error::Refused(format!(
                "a batch of at most {} tokens cannot hold a history of {}; both are at least 1",
                spec.tokens_max, spec.length_max
            )));
        }
        let least = spec.length_min.max(1);
        let mut order: Vec<u32> = (0..sequences.users() as u32)
            .filter(|user| sequences.user(*user).len() >= least)
            .collect();
        order.par_sort_by_key(|user| (tie(*user, spec.seed), *user));
        Ok(Batches { sequences, spec, order, next: 0 })
    }

    fn cut(&mut self) -> Result<Batch> {
        let mut users = Vec::new();
        let (mut items, mut times_ms, mut values) =
            (Jagged::default(), Jagged::default(), Jagged::default());
        let mut tokens = 0;
        while let Some(&user) = self.order.get(self.next) {
            let history = self.sequences.user(user).last(self.spec.length_max);
            if tokens + history.len() > self.spec.tokens_max {
                break;
            }
            tokens += history.len();
            users.push(user);
            items.push(history.items.iter().copied())?;
            times_ms.push(history.times_ms.iter().copied())?;
            values.push(history.values.iter().copied())?;
            self.next += 1;
        }
        let samples = users.len();
        let features = KeyedJagged::new(vec!["item".into()], samples, items)?;
        Ok(Batch { users, features, times_ms, values })
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        (self.next < self.order.len()).then(|| self.cut())
    }
}
