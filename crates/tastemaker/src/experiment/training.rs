//! A training that goes on where it was cut off, told in lines.

use data::{Sequences, SystemClock};
use train::{Checkpoints, Result, Run, SequenceConfig, Trained};

use crate::hint;
use crate::terminal::{note, with_bar};

/// Trains on `train`, from the newest of `checkpoints` where there are any, and validates on
/// `held`.
///
/// # Errors
/// As [`train::fit()`]; [`stopped`] puts a stop on request into words.
pub(crate) fn fit(
    title: &str,
    checkpoints: Checkpoints,
    config: &SequenceConfig,
    (train, held): (&Sequences, Option<&Sequences>),
    seed: u64,
) -> Result<Trained> {
    let resume = checkpoints.any()?;
    with_bar(title, |progress| {
        train::fit(Run {
            config,
            train,
            held,
            seed,
            checkpoints: Some(checkpoints),
            resume,
            table: None,
            clock: &SystemClock,
            progress,
            tell: &mut |report| {
                if let Some(line) = report.line() {
                    note(&format!("  {line}"));
                }
            },
        })
    })
}

/// An error of [`fit`], with what to do after a stop.
pub(crate) fn stopped(why: train::Error) -> anyhow::Error {
    match why {
        train::Error::Data(data::Error::Stopped) => {
            hint::error("stopped", "the same command goes on from where this one stood")
        }
        other => anyhow::Error::new(other),
    }
}
