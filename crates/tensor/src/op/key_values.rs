//! Keys and values of a history that is over, kept so that what comes next need not compute them
//! again: the next event, or many candidates for it (M-FALCON, Zhai et al. 2024, section 3.4).

use super::{Op, PointwiseShape, ScoreBiases, TIME_BUCKETS, Weighting};
use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu, reference};
use crate::tape::{Tape, Value, Var};

/// Keys that lie together.
pub(crate) const BLOCK: usize = 64;
/// Values are padded to this many columns, the lanes of the widest registers.
const PAD: usize = 16;

/// Keys and values of one row in one block of a model, as its kernel reads them.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyValues {
    pub(crate) shape: PointwiseShape,
    count: usize,
    /// `[count / 64][heads][query_width][64]`, times the scale of scores.
    keys: Vec<f32>,
    /// `[count][heads][value_width, padded]`
    values: Vec<f32>,
}

impl KeyValues {
    /// None yet.
    pub fn new(shape: PointwiseShape) -> KeyValues {
        KeyValues { shape, count: 0, keys: Vec::new(), values: Vec::new() }
    }

    /// Tokens.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        (self.keys.capacity() + self.values.capacity()) * size_of::<f32>()
    }

    /// Forgets all but the first `count` tokens.
    pub fn truncate(&mut self, count: usize) {
        if count < self.count {
            self.count = count;
            self.keys.truncate(count.div_ceil(BLOCK) * self.block_len());
            self.values.truncate(count * self.value_row());
        }
    }

    /// Adds the tokens of `x [n, stride]`: values, queries and keys of a layer.
    ///
    /// # Errors
    /// Where these are not whole rows.
    pub fn push(&mut self, x: &[f32]) -> Result<()> {
        let (shape, stride) = (self.shape, self.shape.stride());
        if !x.len().is_multiple_of(stride) {
            return refused(
                "keys and values",
                format!("{} numbers in rows of {stride}", x.len()),
            );
        }
        let added = x.len() / stride;
        self.keys.resize((self.count + added).div_ceil(BLOCK) * self.block_len(), 0.0);
        let (block_len, width) = (self.block_len(), self.value_width());
        for token in 0..added {
            let place = self.count + token;
            let block = &mut self.keys[place / BLOCK * block_len..][..block_len];
            for head in 0..shape.heads {
                let key = &x[shape.key_at(token, head)..][..shape.query_width];
                let to = &mut block[head * shape.query_width * BLOCK..];
                for (lane, value) in key.iter().enumerate() {
                    to[lane * BLOCK + place % BLOCK] = shape.scale * value;
                }
                let value = &x[shape.value_at(token, head)..][..shape.value_width];
                self.values.extend_from_slice(value);
                self.values.resize(self.values.len() + width - shape.value_width, 0.0);
            }
        }
        self.count += added;
        Ok(())
    }

    /// Columns of a head's values, padded.
    pub(crate) fn value_width(&self) -> usize {
        self.shape.value_width.next_multiple_of(PAD)
    }

    /// Numbers of one token's values.
    pub(crate) fn value_row(&self) -> usize {
        self.shape.heads * self.value_width()
    }

    fn block_len(&self) -> usize {
        self.shape.heads * self.shape.query_width * BLOCK
    }

    /// The keys of a head in a block, `[query_width, 64]`.
    pub(crate) fn keys(&self, block: usize, head: usize) -> &[f32] {
        let len = self.shape.query_width * BLOCK;
        &self.keys[block * self.block_len() + head * len..][..len]
    }

    /// The values of a head from a token on: rows of [`KeyValues::value_row`].
    pub(crate) fn values(&self, token: usize, head: usize) -> &[f32] {
        &self.values[token * self.value_row() + head * self.value_width()..]
    }

    /// Key and value of a token and head, for plain loops.
    pub(crate) fn pair(&self, token: usize, head: usize) -> (Vec<f32>, &[f32]) {
        let keys = self.keys(token / BLOCK, head);
        let key = (0..self.shape.query_width).map(|lane| keys[lane * BLOCK + token % BLOCK]);
        (key.collect(), &self.values(token, head)[..self.shape.value_width])
    }
}

/// Tokens after a history that is over.
#[derive(Debug, Clone, Copy)]
pub struct NextTokens<'a> {
    /// When the events of the history happened, in seconds.
    pub history_at: &'a [i64],
    /// When those of the new tokens did; of candidates: when they would.
    pub happened_at: &'a [i64],
    /// When it is asked, at each new token, what comes next.
    pub asked_at: &'a [i64],
    /// Candidates stand all in the next place, and see the history and themselves; other tokens
    /// follow each other, and see the history and those before them too.
    pub candidates: bool,
}

impl NextTokens<'_> {
    /// Where a new token stands.
    #[inline(always)]
    pub(crate) fn place(&self, token: usize) -> usize {
        self.history_at.len() + if self.candidates { 0 } else { token }
    }

    /// The first of the new tokens that a new token sees; it sees them up to itself.
    #[inline(always)]
    pub(crate) fn first_seen(&self, token: usize) -> usize {
        if self.candidates { token } else { 0 }
    }
}

impl<'a> Tape<'a> {
    /// Attention of new tokens to a history and to themselves, as
    /// [`Tape::pointwise_attention`] gives it for rows of both: `x [m, stride]` of the new tokens
    /// → `[m, heads × value_width]`. Without windows or context; no gradient goes through.
    ///
    /// # Errors
    /// Where sizes, times or tables do not fit, or weights are a softmax's.
    pub fn next_attention(
        &mut self,
        x: Var,
        history: &KeyValues,
        biases: ScoreBiases,
        tokens: NextTokens<'_>,
    ) -> Result<Var> {
        const OP: &str = "attention of what comes next";
        let (count, columns) = self.shape(x);
        let shape = history.shape;
        let Weighting::Silu { .. } = shape.weighting else {
            return refused(OP, "weights of a softmax are not kept");
        };
        if columns != shape.stride() {
            return refused(
                OP,
                format!("{columns} columns, the history's have {}", shape.stride()),
            );
        }
        let NextTokens { history_at, happened_at, asked_at, .. } = tokens;
        let wanted = (history.len(), count, count);
        let found = (history_at.len(), happened_at.len(), asked_at.len());
        if found != wanted {
            return refused(OP, format!("times of {found:?} tokens for {wanted:?}"));
        }
        let places = history.len() + if tokens.candidates { 1 } else { count };
        for (table, needed) in [(biases.position, places), (biases.time, TIME_BUCKETS)] {
            if let Some(table) = table
                && (self.shape(table).0 != 1 || self.shape(table).1 < needed)
            {
                let found = self.shape(table);
                return refused(OP, format!("a table of biases of {found:?} for {needed}"));
            }
        }
        let mut y = self.workspace.buffers.take(count * shape.width());
        let [position, time] =
            [biases.position, biases.time].map(|var| var.map(|var| self.value(var)));
        let inputs =
            reference::pointwise_attention::Inputs { x: self.value(x), position, time };
        match self.workspace.device {
            Device::Reference => {
                reference::next_attention::forward(history, &tokens, inputs, &mut y);
            }
            Device::Cpu => {
                let seen = history.len() + if tokens.candidates { 1 } else { count };
                let columns = shape.heads * (shape.query_width + shape.value_width);
                self.workspace.meter.note(2 * (count * seen * columns) as u64);
                cpu::next_attention::forward(history, &tokens, inputs, &mut y);
            }
            Device::Cuda => return absent::cuda(),
        }
        Ok(self.push(Op::Leaf, count, shape.width(), Value::Own(y), false))
    }
}
