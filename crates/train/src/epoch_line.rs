//! What a run tells at the end of an epoch, and the line that it makes.

use data::seconds_in_words;
use std::fmt;

/// An epoch that has ended.
///
/// ```text
/// epoch 3 of 50  loss 4.1266  NDCG@10 0.0713 (best)  151 k tokens/s  96 GFLOP/s  at most 2 min 3 s left
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EpochLine {
    /// From 1.
    pub epoch: u32,
    /// At most.
    pub epochs: u32,
    /// Mean loss over its tokens.
    pub loss: f64,
    /// NDCG@10, and whether it is the best so far; none where nothing was validated.
    pub validated: Option<(f64, bool)>,
    /// Of the epoch's steps and checkpoints; validation is not in it.
    pub seconds: f64,
    /// Tokens in these seconds.
    pub tokens: u64,
    /// Multiplications and additions in these seconds.
    pub flops: u64,
    /// Until the last epoch has ended; an early stop comes sooner.
    pub seconds_left: f64,
}

impl fmt::Display for EpochLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {} of {}  loss {:.4}", self.epoch, self.epochs, self.loss)?;
        if let Some((ndcg, best)) = self.validated {
            write!(f, "  NDCG@10 {ndcg:.4}{}", if best { " (best)" } else { "" })?;
        }
        // A resumed epoch, or a clock that stands still, has no rates.
        if self.seconds > 0.0 && self.tokens > 0 {
            let tokens = self.tokens as f64 / self.seconds / 1e3;
            let flops = self.flops as f64 / self.seconds / 1e9;
            let digits = usize::from(tokens < 10.0);
            write!(f, "  {tokens:.digits$} k tokens/s  {flops:.0} GFLOP/s")?;
        }
        if self.epoch < self.epochs {
            write!(f, "  at most {} left", seconds_in_words(self.seconds_left))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
