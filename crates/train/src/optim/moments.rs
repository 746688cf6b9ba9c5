//! What an optimiser remembers, on its way into a checkpoint and back.

use crate::{Error, Result};

/// The memory of one optimiser: how many steps it took and its named moments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moments {
    /// Steps taken.
    pub steps: u64,
    /// Name and values, in an order that does not change: `first` and `second` (Adam), `squares`
    /// (Adagrad). Same length as the parameter; one number a row for row-wise Adagrad.
    pub named: Vec<(String, Vec<f32>)>,
}

impl Moments {
    pub(super) fn of(steps: u64, named: &[(&str, &[f32])]) -> Moments {
        let own = |(name, values): &(&str, &[f32])| ((*name).to_owned(), values.to_vec());
        Moments { steps, named: named.iter().map(own).collect() }
    }

    /// Copies `name` over `to`.
    ///
    /// # Errors
    /// Where it is missing or has another length.
    pub(super) fn read(&self, name: &str, to: &mut [f32]) -> Result<()> {
        let found = self.named.iter().find(|(own, _)| own == name).map(|(_, values)| values);
        match found {
            None => Err(Error::Refused(format!("no moment {name:?} among those to load"))),
            Some(values) if values.len() != to.len() => Err(Error::Refused(format!(
                "moment {name:?} has {} numbers, the parameter needs {}",
                values.len(),
                to.len()
            ))),
            Some(values) => {
                to.copy_from_slice(values);
                Ok(())
            }
        }
    }
}
