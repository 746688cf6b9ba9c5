//! Matrices side by side (concat), and some columns of one (split).

use super::Op;
use crate::buffers::Buffer;
use crate::error::{Result, refused};
use crate::kernel::reference::columns;
use crate::tape::{Backward, Tape, Value, Var};

#[derive(Debug)]
pub(crate) struct Concat {
    left: Var,
    right: Var,
}

#[derive(Debug)]
pub(crate) struct Cut {
    x: Var,
    at: usize,
}

impl<'a> Tape<'a> {
    /// `[rows, a]` and `[rows, b]` → `[rows, a + b]`.
    ///
    /// # Errors
    /// Where the rows differ.
    pub fn concat(&mut self, left: Var, right: Var) -> Result<Var> {
        let ((rows, a), (others, b)) = (self.shape(left), self.shape(right));
        if rows != others {
            return refused("concat", format!("{rows} rows beside {others}"));
        }
        let wanted = self.wanted(&[left, right]);
        let mut y = self.workspace.buffers.take(rows * (a + b));
        columns::place(self.value(left), a, &mut y, a + b, 0);
        columns::place(self.value(right), b, &mut y, a + b, a);
        let op = Op::Concat(Concat { left, right });
        Ok(self.push(op, rows, a + b, Value::Own(y), wanted))
    }

    /// Columns `at..at + width` of `x` → `[rows, width]`.
    ///
    /// # Errors
    /// Where there are not so many.
    pub fn columns(&mut self, x: Var, at: usize, width: usize) -> Result<Var> {
        let (rows, of) = self.shape(x);
        if width == 0 || at.checked_add(width).is_none_or(|end| end > of) {
            return refused("split", format!("columns {at}.. ({width} of them) of {of}"));
        }
        let wanted = self.wanted(&[x]);
        let mut y = self.workspace.buffers.take(rows * width);
        columns::cut(self.value(x), of, at, &mut y, width);
        Ok(self.push(Op::Cut(Cut { x, at }), rows, width, Value::Own(y), wanted))
    }
}

impl Concat {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        let (a, b) = (backward.shape(self.left).1, backward.shape(self.right).1);
        for (var, at, width) in [(self.left, 0, a), (self.right, a, b)] {
            if let Some(mut gradient) = backward.take(var) {
                columns::add_cut(&dy, a + b, at, gradient.grad(), width);
                backward.put(var, Some(gradient));
            }
        }
        Ok(Some(dy))
    }
}

impl Cut {
    pub(crate) fn backward(
        &self,
        backward: &mut Backward<'_, '_>,
        own: Var,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        let (width, of) = (backward.shape(own).1, backward.shape(self.x).1);
        if let Some(mut gradient) = backward.take(self.x) {
            columns::add_place(&dy, width, gradient.grad(), of, self.at);
            backward.put(self.x, Some(gradient));
        }
        Ok(Some(dy))
    }
}
