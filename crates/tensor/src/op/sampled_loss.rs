//! A positive against negatives: sampled softmax with every form of logQ, full softmax, gBCE.
//!
//! Scores of one token: `r_i = scale × h · items[i]`; its positive `p`, its negatives `N` (those
//! that are the positive itself are left out).
//!
//! ```text
//! softmax     -r'_p + log(e^{r'_p} + Σ_N e^{r'_j}),  r' = r - log q as given
//! corrected   sg(1 - P) (-r_p + log Σ_N e^{r_j - log Q'_j}),  Q'_j = q_j / (1 - q_p),
//!             P = e^{r_p} / (e^{r_p} + mean_N e^{r_j - log Q'_j})
//! binary      -(β log σ(r_p) + Σ_N log(1 - σ(r_j))) / (k + 1)
//! ```
//!
//! Softmax with log q of positive and negatives is Yi et al. 2019; with log(n q) of the negatives
//! alone, nearly unbiased; with all items as negatives, the full softmax. Corrected is
//! Khrylchenko et al. 2025 (arXiv 2507.09331). Binary is gBCE of Petrov and Macdonald 2023.

use super::{Op, pass_made};
use crate::Offsets;
use crate::buffers::{Buffer, Buffers};
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::tape::{Backward, Tape, Value, Var};

/// How a positive is told from its negatives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Contrast {
    /// Cross-entropy of a softmax over the positive and its negatives.
    Softmax,
    /// Softmax whose sum is estimated from the negatives alone; needs log q of both.
    Corrected,
    /// Binary cross-entropies, the positive's raised to the power β (1: plain BCE).
    Binary {
        /// β of gBCE.
        beta: f32,
    },
}

/// Which items each token is told from: rows of the items' matrix.
#[derive(Debug, Clone, Copy)]
pub enum Negatives<'a> {
    /// One list for all tokens. All items: the full softmax.
    Shared {
        /// `[n]`
        items: &'a [u32],
    },
    /// A list a jagged row, for all of its tokens.
    PerRow {
        /// Rows of tokens.
        offsets: &'a Offsets,
        /// n
        count: usize,
        /// `[rows, n]`
        items: &'a [u32],
    },
    /// A list a token.
    PerToken {
        /// n
        count: usize,
        /// `[tokens, n]`
        items: &'a [u32],
    },
}

impl<'a> Negatives<'a> {
    pub(crate) fn items(&self) -> &'a [u32] {
        match *self {
            Negatives::Shared { items }
            | Negatives::PerRow { items, .. }
            | Negatives::PerToken { items, .. } => items,
        }
    }

    /// Lists are this long.
    pub(crate) fn count(&self) -> usize {
        match *self {
            Negatives::Shared { items } => items.len(),
            Negatives::PerRow { count, .. } | Negatives::PerToken { count, .. } => count,
        }
    }
}

/// What the loss is made of, beside the hidden states and the items.
#[derive(Debug, Clone, Copy)]
pub struct SampledLoss<'a> {
    /// Row of the positive of each token.
    pub positives: &'a [u32],
    /// What it is told from.
    pub negatives: Negatives<'a>,
    /// Subtracted from the score of each negative, in the layout of the negatives.
    pub negative_log_q: Option<&'a [f32]>,
    /// Subtracted from the score of each token's positive (softmax), or its log q (corrected).
    pub positive_log_q: Option<&'a [f32]>,
    /// How.
    pub contrast: Contrast,
    /// What scores are multiplied by: 1 / temperature.
    pub scale: f32,
}

/// As kernels take it: [`SampledLoss`], checked, with the width of the states.
#[derive(Debug, Clone, Copy)]
pub struct SampledShape<'a> {
    /// Columns of hidden states and items.
    pub width: usize,
    /// See [`SampledLoss`].
    pub positives: &'a [u32],
    /// See [`SampledLoss`].
    pub negatives: Negatives<'a>,
    /// See [`SampledLoss`].
    pub negative_log_q: Option<&'a [f32]>,
    /// See [`SampledLoss`].
    pub positive_log_q: Option<&'a [f32]>,
    /// See [`SampledLoss`].
    pub contrast: Contrast,
    /// See [`SampledLoss`].
    pub scale: f32,
}

#[derive(Debug)]
pub(crate) struct Sampled {
    hidden: Var,
    items: Var,
    /// Gradients of the loss, made with the loss.
    dhidden: Buffer,
    ditems: Buffer,
}

impl<'a> Tape<'a> {
    /// Mean loss over tokens → `[1, 1]`: `hidden [tokens, width]`, `items [rows, width]`.
    ///
    /// # Errors
    /// Where shapes do not fit, an index is out of range, or [`Contrast::Corrected`] lacks a
    /// log q.
    pub fn sampled_loss(
        &mut self,
        hidden: Var,
        items: Var,
        loss: &SampledLoss<'_>,
    ) -> Result<Var> {
        let ((tokens, width), (rows, item_width)) = (self.shape(hidden), self.shape(items));
        check(loss, tokens, rows, width == item_width)?;
        let shape = SampledShape {
            width,
            positives: loss.positives,
            negatives: loss.negatives,
            negative_log_q: loss.negative_log_q,
            positive_log_q: loss.positive_log_q,
            contrast: loss.contrast,
            scale: loss.scale,
        };
        let mut dhidden = self.workspace.buffers.take(tokens * width);
        let mut ditems = self.workspace.buffers.take(rows * width);
        let mut y = self.workspace.buffers.take(1);
        let (hs, is) =
            (self.nodes[hidden.index()].values(), self.nodes[items.index()].values());
        y[0] = match self.workspace.device {
            Device::Reference => {
                reference::sampled_loss::forward(&shape, hs, is, &mut dhidden, &mut ditems)
            }
            Device::Cpu => cpu::sampled_loss::forward(
                &self.workspace.meter,
                &mut self.workspace.buffers,
                &shape,
                hs,
                is,
                &mut dhidden,
                &mut ditems,
            ),
            Device::Cuda => return absent::cuda(),
        };
        let wanted = self.wanted(&[hidden, items]);
        let op = Op::Sampled(Sampled { hidden, items, dhidden, ditems });
        Ok(self.push(op, 1, 1, Value::Own(y), wanted))
    }
}

fn check(loss: &SampledLoss<'_>, tokens: usize, rows: usize, one_width: bool) -> Result<()> {
    let op = "sampled loss";
    if !one_width {
        return refused(op, "hidden states and items differ in width");
    }
    if loss.positives.len() != tokens {
        let positives = loss.positives.len();
        return refused(op, format!("{positives} positives for {tokens} tokens"));
    }
    let lists = match loss.negatives {
        Negatives::Shared { .. } => 1,
        Negatives::PerRow { offsets, .. } if offsets.total() != tokens => {
            let total = offsets.total();
            return refused(op, format!("negatives for {total} tokens, not {tokens}"));
        }
        Negatives::PerRow { offsets, .. } => offsets.rows(),
        Negatives::PerToken { .. } => tokens,
    };
    let (found, count) = (loss.negatives.items().len(), loss.negatives.count());
    let needed = lists.saturating_mul(count);
    if found != needed {
        return refused(op, format!("{found} negatives for {lists} lists of {count}"));
    }
    let all = loss.positives.iter().chain(loss.negatives.items());
    if let Some(row) = all.into_iter().find(|row| **row as usize >= rows) {
        return refused(op, format!("item {row} of {rows}"));
    }
    for (log_q, needed) in [(loss.negative_log_q, needed), (loss.positive_log_q, tokens)] {
        if let Some(log_q) = log_q
            && (log_q.len() != needed || log_q.iter().any(|value| !value.is_finite()))
        {
            return refused(
                op,
                format!("{} finite log q where {needed} are needed", log_q.len()),
            );
        }
    }
    let both = loss.negative_log_q.is_some() && loss.positive_log_q.is_some();
    if loss.contrast == Contrast::Corrected && !both {
        return refused(op, "the corrected form needs log q of positives and negatives");
    }
    let any = loss.negative_log_q.is_some() || loss.positive_log_q.is_some();
    if any && matches!(loss.contrast, Contrast::Binary { .. }) {
        return refused(op, "a binary loss takes no log q");
    }
    Ok(())
}

impl Sampled {
    pub(crate) fn backward(
        &mut self,
        backward: &mut Backward<'_, '_>,
        dy: Buffer,
    ) -> Result<Option<Buffer>> {
        pass_made(backward, self.hidden, &mut self.dhidden, dy[0]);
        pass_made(backward, self.items, &mut self.ditems, dy[0]);
        Ok(Some(dy))
    }

    pub(crate) fn recycle(self, buffers: &mut Buffers) {
        buffers.give(self.dhidden);
        buffers.give(self.ditems);
    }
}
