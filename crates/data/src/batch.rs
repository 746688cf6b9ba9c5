//! Training batches: parts of histories, cut by a budget of tokens, nothing padded.

mod part;

pub use part::{Part, Which};

use crate::{Error, Jagged, KeyedJagged, Result, Sequences};

/// Parts of some histories, ready for a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// User index of each sample; a user may have several.
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

/// Batches of the parts of one pass, in the order in which they are given.
pub struct Batches<'a> {
    sequences: &'a Sequences,
    tokens_max: usize,
    parts: Box<dyn Iterator<Item = Part> + Send + 'a>,
    /// Did not fit into the batch before.
    left: Option<Part>,
}

impl<'a> Batches<'a> {
    /// `parts` of `sequences`, at most `tokens_max` events a batch. A batch that cannot be made
    /// (a part is longer than that, or not inside its history) is an error and the last.
    pub fn new(
        sequences: &'a Sequences,
        tokens_max: usize,
        parts: impl Iterator<Item = Part> + Send + 'a,
    ) -> Batches<'a> {
        Batches { sequences, tokens_max, parts: Box::new(parts), left: None }
    }

    fn cut(&mut self) -> Result<Batch> {
        let mut users = Vec::new();
        let (mut items, mut times_ms, mut values) =
            (Jagged::default(), Jagged::default(), Jagged::default());
        let mut tokens = 0;
        while let Some(part) = self.left.take().or_else(|| self.parts.next()) {
            part.check(self.sequences)?;
            if part.len() > self.tokens_max {
                return Err(Error::Refused(format!(
                    "a batch of at most {} tokens cannot hold {} events of user {}",
                    self.tokens_max,
                    part.len(),
                    part.user
                )));
            }
            if tokens + part.len() > self.tokens_max {
                self.left = Some(part);
                break;
            }
            tokens += part.len();
            users.push(part.user);
            let history = self.sequences.user(part.user);
            items.push(part.of(history.items))?;
            times_ms.push(part.of(history.times_ms))?;
            values.push(part.of(history.values))?;
        }
        let samples = users.len();
        let features = KeyedJagged::new(vec!["item".into()], samples, items)?;
        Ok(Batch { users, features, times_ms, values })
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        // Looked at first, because the last batch may have taken the last part.
        self.left = self.left.take().or_else(|| self.parts.next());
        self.left.as_ref()?;
        let batch = self.cut();
        if batch.is_err() {
            (self.left, self.parts) = (None, Box::new(std::iter::empty()));
        }
        Some(batch)
    }
}

impl std::fmt::Debug for Batches<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batches").field("tokens_max", &self.tokens_max).finish_non_exhaustive()
    }
}
