//! Whether slices have the sizes that an operation needs.

use crate::error::{Result, refused};
use crate::jagged::Offsets;
use crate::pick::Pick;

/// Columns that kernels keep room for, row by row; more is a mistake, not a model.
const WIDTH_MAX: usize = 1 << 24;

/// The checks of one operation.
#[derive(Clone, Copy)]
pub(super) struct Check(pub(super) &'static str);

impl Check {
    /// `slice` has `shape`.
    pub(super) fn shape<T>(self, name: &str, slice: &[T], shape: &[usize]) -> Result<()> {
        let size = shape.iter().try_fold(1usize, |size, next| size.checked_mul(*next));
        if size == Some(slice.len()) {
            return Ok(());
        }
        refused(self.0, format!("{name} holds {} values, needs {shape:?}", slice.len()))
    }

    /// There is a column, and not more than [`WIDTH_MAX`].
    pub(super) fn width(self, width: usize) -> Result<()> {
        match width {
            1..=WIDTH_MAX => Ok(()),
            _ => refused(self.0, format!("the width is {width}, not in 1..={WIDTH_MAX}")),
        }
    }

    /// Both widths of a product are widths.
    pub(super) fn widths(self, widths: (usize, usize)) -> Result<()> {
        self.width(widths.0)?;
        self.width(widths.1)
    }

    /// Two tensors have the same offsets.
    pub(super) fn same_offsets(self, offsets: (&Offsets, &Offsets)) -> Result<()> {
        self.same_rows(offsets)?;
        let pairs = offsets.0.as_slice().iter().zip(offsets.1.as_slice());
        match pairs.enumerate().skip(1).find(|(_, (left, right))| left != right) {
            None => Ok(()),
            Some((row, (left, right))) => refused(
                self.0,
                format!(
                    "row {} ends at {left} on the left and at {right} on the right",
                    row - 1
                ),
            ),
        }
    }

    /// Two tensors have as many rows.
    pub(super) fn same_rows(self, offsets: (&Offsets, &Offsets)) -> Result<()> {
        let (left, right) = (offsets.0.rows(), offsets.1.rows());
        if left == right {
            return Ok(());
        }
        refused(self.0, format!("{left} rows on the left and {right} on the right"))
    }

    /// No row is longer than `length`: nothing is cut off in silence.
    pub(super) fn longest(self, offsets: &Offsets, length: usize) -> Result<()> {
        if offsets.longest() <= length {
            return Ok(());
        }
        let row = offsets.ranges().position(|range| range.len() > length).unwrap_or_default();
        refused(
            self.0,
            format!("row {row} has {} tokens, room is for {length}", offsets.length(row)),
        )
    }

    /// Every pick is of a token that there is.
    pub(super) fn picks(self, offsets: &Offsets, picks: &[Pick]) -> Result<()> {
        for (at, pick) in picks.iter().enumerate() {
            let Pick::Token { row, index } = *pick else { continue };
            if row as usize >= offsets.rows() {
                let rows = offsets.rows();
                return refused(self.0, format!("pick {at} is of row {row}, there are {rows}"));
            }
            let length = offsets.length(row as usize);
            if index as usize >= length {
                return refused(
                    self.0,
                    format!("pick {at} is token {index} of row {row}, which has {length}"),
                );
            }
        }
        Ok(())
    }

    /// Every token of a largest value lies in its row; `u32::MAX` only where the row is empty.
    pub(super) fn tokens(self, offsets: &Offsets, width: usize, tokens: &[u32]) -> Result<()> {
        self.shape("tokens", tokens, &[offsets.rows(), width])?;
        for (row, tokens) in tokens.chunks_exact(width).enumerate() {
            let range = offsets.range(row);
            for token in tokens {
                let none = range.is_empty() && *token == u32::MAX;
                if !none && !range.contains(&(*token as usize)) {
                    let what = format!("token {token} is not in row {row}, which is {range:?}");
                    return refused(self.0, what);
                }
            }
        }
        Ok(())
    }
}
