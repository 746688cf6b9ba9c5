//! Examples of clicks by column, and batches of them.

use data::{Jagged, KeyedJagged};

use crate::{Error, Result};

/// A batch.
#[derive(Debug, Clone, PartialEq)]
pub struct ClickBatch {
    /// `[samples, dense]`.
    pub dense: Vec<f32>,
    /// Ids of every feature.
    pub features: KeyedJagged<u64>,
    /// 0 or 1, one a sample.
    pub labels: Vec<f32>,
}

/// Many examples, each feature of one id or none.
#[derive(Debug, Clone, PartialEq)]
pub struct Clicks {
    /// Names of the features.
    pub names: Vec<String>,
    /// Ids of each feature, example after example.
    pub ids: Vec<Vec<Option<u64>>>,
    /// `[examples, dense]`.
    pub dense: Vec<f32>,
    /// Dense numbers of an example.
    pub dense_width: usize,
    /// What happened.
    pub labels: Vec<bool>,
}

impl Clicks {
    /// Refuses columns that do not fit each other, and numbers that are none.
    ///
    /// # Errors
    /// Names the column.
    pub fn check(&self) -> Result<()> {
        let examples = self.labels.len();
        let refused = |what: String| Err(Error::Refused(what));
        if self.names.len() != self.ids.len() {
            return refused(format!(
                "{} names for {} features",
                self.names.len(),
                self.ids.len()
            ));
        }
        for (name, ids) in self.names.iter().zip(&self.ids) {
            if ids.len() != examples {
                return refused(format!(
                    "feature {name}: {} ids, {examples} labels",
                    ids.len()
                ));
            }
        }
        if self.dense.len() != examples * self.dense_width {
            return refused(format!(
                "{} dense numbers for {examples} examples of {}",
                self.dense.len(),
                self.dense_width
            ));
        }
        match self.dense.iter().position(|value| !value.is_finite()) {
            Some(at) => refused(format!("dense number {at} is {}", self.dense[at])),
            None => Ok(()),
        }
    }

    /// Examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// These examples, in this order.
    ///
    /// # Errors
    /// Where they have more than 2^31 ids.
    ///
    /// # Panics
    /// Where there is no such example.
    pub fn batch(&self, examples: &[u32]) -> Result<ClickBatch> {
        let mut cells = Jagged::default();
        for ids in &self.ids {
            for at in examples {
                cells.push(ids[*at as usize])?;
            }
        }
        let mut dense = Vec::with_capacity(examples.len() * self.dense_width);
        for at in examples {
            let from = *at as usize * self.dense_width;
            dense.extend_from_slice(&self.dense[from..from + self.dense_width]);
        }
        let features = KeyedJagged::new(self.names.clone(), examples.len(), cells)?;
        let labels = examples.iter().map(|at| f32::from(self.labels[*at as usize])).collect();
        Ok(ClickBatch { dense, features, labels })
    }
}
