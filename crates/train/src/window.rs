//! Which part of a user's history one epoch trains on.
//!
//! Source: Joshi et al., "Sliding Window Training", 2024, arXiv 2409.14517. A window is
//! `length_max` inputs and the event after the last of them: `length_max + 1` events, or the
//! whole history where it is not longer. Whatever the window, positions are counted in it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::stream::{Stream, below};
use crate::{Error, Result};

/// Keeps offsets of windows apart from whatever else a run draws with the same seed.
const OFFSETS: u64 = 0x6f66_6673_6574_7321;

/// And the window with which a user's turn begins.
const TURNS: u64 = 0x7475_726e_7321_7475;

/// Which part of a history an epoch trains on. The same seed, user and epoch: the same part.
///
/// All but [`Window::All`] give each user one window an epoch, as long as the latest one, so that
/// an epoch costs what an epoch of latest windows costs. They can be compared epoch by epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Window {
    /// The latest window, every epoch: what a request will show the model. The paper's control.
    // With braces, or serde lets settings of the other kinds pass.
    Latest {},
    /// One window of the whole history an epoch.
    Sliding {
        /// 0: it begins anywhere, each place as likely as another. Else: it begins at event 0,
        /// `stride`, 2 `stride`…, or with the latest window, in turn: a user of k windows has had
        /// each after k epochs. With which of them a user begins is random. At most `length_max`.
        #[serde(default)]
        stride: u32,
    },
    /// Epochs of latest windows among epochs of windows that begin anywhere in the recent part.
    /// The paper's Mixed-M; how many epochs are of which kind, and in which order, it does not
    /// say: the share and the even spread are ours, and so is that the last epoch has the latest
    /// windows, so that training ends with what is asked for.
    Mixed {
        /// Events before which no window begins, counted from the latest; more than `length_max`.
        /// 0: the whole history.
        #[serde(default)]
        back_max: u32,
        /// Share of the epochs that have the latest windows, above 0, at most 1. It is spread
        /// evenly over `epochs`, counted from the last: where training stops early, it may stop
        /// after an epoch of the other kind.
        #[serde(default = "half")]
        latest_share: f64,
    },
    /// Every window of a history. The windows begin with the latest and go back by `stride`; the
    /// oldest is cut off where the history begins, not moved. So with the stride of a window
    /// every event but the first is a target exactly once.
    All {
        /// Events from one window to the next, at most `length_max`; 0: `length_max`.
        #[serde(default)]
        stride: u32,
        /// In one epoch, or over as many as there are windows.
        #[serde(default)]
        spread: Spread,
    },
}

/// When the windows of one user are trained on; which of the two is better the paper leaves open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// All in the same epoch, rows of their own, in no order: users count by the length of
    /// their histories.
    SameEpoch,
    /// One an epoch, in turn: a user of k windows has had each after k epochs. With which of
    /// them a user begins is random.
    #[default]
    OverEpochs,
}

fn half() -> f64 {
    0.5
}

impl Default for Window {
    fn default() -> Self {
        Window::Latest {}
    }
}

impl Window {
    /// Refuses what leaves events out or gives windows that are not whole.
    ///
    /// # Errors
    /// [`Error::Setting`] with the name of the field.
    pub fn check(&self, length_max: u32) -> Result<()> {
        match *self {
            Window::Latest {} => {}
            Window::Sliding { stride } | Window::All { stride, .. } => {
                if stride > length_max {
                    let what = format!(
                        "{stride} leaves events out between windows of {length_max}; at most \
                         model.length_max"
                    );
                    return Err(Error::setting("window.stride", what));
                }
            }
            Window::Mixed { back_max, latest_share } => {
                if back_max != 0 && back_max <= length_max {
                    let what = format!(
                        "{back_max} events do not hold a window of {length_max} and its next \
                         event; 0 is the whole history"
                    );
                    return Err(Error::setting("window.back_max", what));
                }
                if !(latest_share > 0.0 && latest_share <= 1.0) {
                    let what = format!(
                        "{latest_share} is not above 0 and at most 1; without latest windows it \
                         is kind = \"sliding\""
                    );
                    return Err(Error::setting("window.latest_share", what));
                }
            }
        }
        Ok(())
    }
}

/// The windows of one epoch.
#[derive(Debug, Clone)]
pub(crate) struct Windows {
    how: How,
    /// Events of a whole window.
    whole: usize,
    epoch: u32,
    offsets: Stream,
    turns: Stream,
}

/// What remains to be decided once the epoch is known.
#[derive(Debug, Clone, Copy)]
enum How {
    Latest,
    /// Anywhere in the last events, so many.
    Anywhere(usize),
    /// Whole windows by a stride, the last of them flush with the end; one of them.
    Flush(usize),
    /// Windows back from the end by a stride; one of them, or all.
    Back(usize, Spread),
}

impl Windows {
    /// Of epoch `number` (the first is 0) of `epochs`.
    pub(crate) fn new(
        window: Window,
        length_max: u32,
        seed: u64,
        number: u32,
        epochs: u32,
    ) -> Windows {
        let how = match window {
            Window::Latest {} => How::Latest,
            Window::Sliding { stride: 0 } => How::Anywhere(usize::MAX),
            Window::Sliding { stride } => How::Flush(stride as usize),
            Window::Mixed { latest_share, .. } if is_latest(latest_share, number, epochs) => {
                How::Latest
            }
            Window::Mixed { back_max: 0, .. } => How::Anywhere(usize::MAX),
            Window::Mixed { back_max, .. } => How::Anywhere(back_max as usize),
            Window::All { stride: 0, spread } => How::Back(length_max as usize, spread),
            Window::All { stride, spread } => How::Back(stride as usize, spread),
        };
        Windows {
            how,
            whole: length_max as usize + 1,
            epoch: number,
            offsets: Stream::new(OFFSETS, seed, u64::from(number)),
            turns: Stream::new(TURNS, seed, 0),
        }
    }

    /// How many this epoch has of a history of `length` events.
    pub(crate) fn count(&self, length: usize) -> usize {
        match self.how {
            How::Back(stride, Spread::SameEpoch) => self.strides(length, stride),
            _ => 1,
        }
    }

    /// The events of number `which` of them.
    pub(crate) fn events(&self, user: u32, which: usize, length: usize) -> Range<usize> {
        let latest = length.saturating_sub(self.whole)..length;
        // The whole history: nothing to choose.
        if latest.start == 0 {
            return latest;
        }
        match self.how {
            How::Latest => latest,
            How::Anywhere(back) => {
                let first = length - back.min(length);
                let mut rng = self.offsets.at(user as usize);
                let start = first + below(&mut rng, latest.start - first + 1).0;
                start..start + self.whole
            }
            How::Flush(stride) => {
                let turn = self.turn(user, self.strides(length, stride));
                let start = (turn * stride).min(latest.start);
                start..start + self.whole
            }
            How::Back(stride, spread) => {
                let back = match spread {
                    Spread::SameEpoch => which,
                    Spread::OverEpochs => self.turn(user, self.strides(length, stride)),
                };
                let end = length - back * stride;
                end.saturating_sub(self.whole)..end
            }
        }
    }

    /// Windows by `stride` from one end of a history to the other.
    fn strides(&self, length: usize, stride: usize) -> usize {
        1 + length.saturating_sub(self.whole).div_ceil(stride)
    }

    /// Whose turn it is of `count` windows.
    fn turn(&self, user: u32, count: usize) -> usize {
        let (begun, _) = below(&mut self.turns.at(user as usize), count);
        (begun + self.epoch as usize) % count
    }
}

/// Whether epoch `number` of `epochs` has the latest windows: so do `share` of the epochs that
/// are left, rounded up, at any time.
fn is_latest(share: f64, number: u32, epochs: u32) -> bool {
    let left = epochs.saturating_sub(number).max(1);
    // What a product is off by is no epoch more.
    let latest = |left: u32| (share * f64::from(left) - 1e-9).ceil();
    latest(left) > latest(left - 1).max(0.0)
}

#[cfg(test)]
mod tests;
