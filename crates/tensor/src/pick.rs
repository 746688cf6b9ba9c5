//! Which tokens of a jagged tensor to take.

use crate::jagged::Offsets;

/// One token to take, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// Token `index` of row `row`, both from 0.
    Token {
        /// The row.
        row: u32,
        /// Its token.
        index: u32,
    },
    /// No token: gives zeros, takes no gradient.
    Nothing,
}

impl Pick {
    /// The last token of each row; nothing for an empty one.
    pub fn last(offsets: &Offsets) -> Vec<Pick> {
        let rows = (0u32..).zip(offsets.ranges());
        rows.map(|(row, tokens)| match u32::try_from(tokens.len()).unwrap_or(u32::MAX) {
            0 => Pick::Nothing,
            length => Pick::Token { row, index: length - 1 },
        })
        .collect()
    }

    /// Where it lies among the values. The row and the index are those of a token.
    #[inline]
    pub(crate) fn token(self, offsets: &Offsets) -> Option<usize> {
        match self {
            Pick::Token { row, index } => {
                Some(offsets.range(row as usize).start + index as usize)
            }
            Pick::Nothing => None,
        }
    }
}
