//! The input of a pass: jagged histories.

use serde::{Deserialize, Serialize};
use tensor::Offsets;

/// Where the positions of a history are counted from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Positions {
    /// The oldest event is 0: a position says how much came before.
    FromStart,
    /// The latest event is 0: a position says how long ago, as in implementations that pad
    /// histories on the left. On sparse logs clearly better.
    #[default]
    FromEnd,
}

impl Positions {
    /// The position of each token, row after row, into `places`.
    pub fn places(self, offsets: &Offsets, places: &mut Vec<u32>) {
        places.clear();
        for range in offsets.ranges() {
            let row = 0..range.len() as u32;
            match self {
                Positions::FromStart => places.extend(row),
                Positions::FromEnd => places.extend(row.rev()),
            }
        }
    }
}

/// The input of a pass: which item row each token takes, where it stands, where histories end.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Row of the items' matrix, a token.
    pub index: &'a [u32],
    /// Position of each token, below `length_max`; see [`Positions`].
    pub positions: &'a [u32],
    /// Histories.
    pub offsets: &'a Offsets,
    /// When the event of each token happened, in seconds. Models without times take none.
    pub happened_at: &'a [i64],
    /// When it is asked, at each token, what comes next: the time of the event after it, and of
    /// the request after the last. In seconds; likewise.
    pub asked_at: &'a [i64],
}
