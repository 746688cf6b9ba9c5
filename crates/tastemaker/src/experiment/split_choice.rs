//! How data is split into training, validation and test, as a file says it.

use anyhow::Result;
use data::split::{Cut, SplitSpec};
use serde::Deserialize;

use crate::hint;

/// `split`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum SplitChoice {
    /// As in papers; leaky.
    LeaveLastOut,
    /// By time.
    Time { validation_from: String, test_from: String },
}

impl SplitChoice {
    pub(crate) fn spec(&self) -> Result<SplitSpec> {
        let cut = |text: &str| {
            text.parse::<Cut>().map_err(|why| {
                hint::error(
                    format!("split: {why}"),
                    "a share of all events like 0.9, or an instant like 2018-06-01",
                )
            })
        };
        Ok(match self {
            SplitChoice::LeaveLastOut => SplitSpec::LeaveLastOut,
            SplitChoice::Time { validation_from, test_from } => SplitSpec::Time {
                validation_from: Some(cut(validation_from)?),
                test_from: cut(test_from)?,
            },
        })
    }

    /// As it is stored and compared.
    pub(crate) fn in_words(&self) -> String {
        match self {
            SplitChoice::LeaveLastOut => "leave-last-out".into(),
            SplitChoice::Time { validation_from, test_from } => {
                format!("time, validation from {validation_from}, test from {test_from}")
            }
        }
    }
}
