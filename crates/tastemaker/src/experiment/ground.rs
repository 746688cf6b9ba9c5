//! What is trained and judged by validation alone: histories to learn from, and what the same
//! users did next. What came after that, the test part, is not looked at.

use anyhow::Result;
use data::Sequences;
use data::split::Split;
use evaluate::{Cases, SeenPolicy};

use super::fingerprint;
use crate::hint;

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

impl Ground {
    /// The first two of the three parts.
    pub(crate) fn of(parts: Split) -> Result<Ground> {
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
