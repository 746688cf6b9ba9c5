//! What a run tells while it runs: facts, for a screen; each that is a line, in words.

use std::fmt;

use crate::epoch_line::EpochLine;
use crate::fit::EpochFacts;

/// One thing told. [`Report::line`] is what a terminal without a screen shows of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// The run begins, or goes on. Told once, before everything but messages.
    Begin(Begin),
    /// Steps were taken. Told every quarter of a second at most.
    Steps(Steps),
    /// Training stands still while the model is measured after this epoch (from 1).
    Validating(u32),
    /// An epoch has ended.
    Epoch(EpochLine),
    /// Anything unusual, in a sentence.
    Message(String),
}

/// What is known when a run begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Begin {
    /// Epochs at most.
    pub epochs: u32,
    /// Steps of all these epochs, as the schedule counts on.
    pub steps: u64,
    /// Tokens of one epoch.
    pub tokens_an_epoch: u64,
    /// Whether epochs are measured, so that the best is kept.
    pub validates: bool,
    /// Epochs that ended before the run was cut off.
    pub done: Vec<EpochFacts>,
}

/// Steps since the last time that some were told, and where that leaves the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Steps {
    /// From 1.
    pub epoch: u32,
    /// Steps of the run so far.
    pub step: u64,
    /// Tokens of this epoch so far.
    pub tokens_of_epoch: u64,
    /// Mean loss over the tokens of these steps.
    pub loss: f64,
    /// What these steps took, in seconds; above 0.
    pub seconds: f64,
    /// Tokens in these seconds.
    pub tokens: u64,
    /// Multiplications and additions in these seconds.
    pub flops: u64,
    /// Until the last epoch has ended, at the pace of this process; an early stop comes sooner.
    pub seconds_left: f64,
}

impl Report {
    /// The line that stands for it; none for what is told too often to be a line.
    pub fn line(&self) -> Option<String> {
        match self {
            Report::Begin(_) | Report::Steps(_) | Report::Validating(_) => None,
            Report::Epoch(_) | Report::Message(_) => Some(self.to_string()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Begin(begin) => {
                write!(f, "{} epochs of {} tokens", begin.epochs, begin.tokens_an_epoch)
            }
            Report::Steps(steps) => {
                write!(
                    f,
                    "step {} in epoch {}  loss {:.4}",
                    steps.step, steps.epoch, steps.loss
                )
            }
            Report::Validating(epoch) => write!(f, "validating after epoch {epoch}"),
            Report::Epoch(line) => line.fmt(f),
            Report::Message(words) => f.write_str(words),
        }
    }
}
