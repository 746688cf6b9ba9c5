//! Transformer blocks over jagged rows: three ways to wire attention and feed-forward.
//!
//! ```text
//! classic   q = norm x; k, v from x;  y = norm (q + attend(q, k, v));  out = y + relu-ffn(y)
//! pre-norm  y = x + attend(norm x);  out = y + relu-ffn(norm y)
//! ligr      y = x + σ(x Wg + b) ⊙ attend(norm x);  out = y + σ(y Wg + b) ⊙ swiglu(norm y)
//! ```
//!
//! Classic is SASRec as published (Kang and McAuley 2018), with its un-normalised keys and
//! values. LiGR is the gated residual of Borisyuk et al. 2025, as used by eSASRec (Tikhonovich et
//! al. 2025): its gate reads the un-normalised input.

use serde::{Deserialize, Serialize};
use tensor::{Activation, NormKind, Offsets, ParameterId, Parameters, Qkv, Tape, Tensor, Var};

use crate::init::{constant, glorot};
use crate::{Result, SasRecConfig};

/// Which wiring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// As SASRec was published.
    Classic,
    /// Norms before the branches.
    #[default]
    PreNorm,
    /// Gated residuals and SwiGLU.
    Ligr,
}

/// A weight and, mostly, a bias.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear {
    weight: ParameterId,
    bias: Option<ParameterId>,
}

/// Scale and shift of a layer norm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norm {
    scale: ParameterId,
    shift: ParameterId,
    eps: f32,
}

/// One block: parameters by name, and its forward.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    kind: BlockKind,
    heads: usize,
    dropout: f32,
    dropout_attention: f32,
    dropout_hidden: f32,
    attention_scope: String,
    feed_forward_scope: String,
    attention_norm: Norm,
    /// Classic: queries alone. Else queries, keys and values side by side.
    input: Linear,
    /// Classic: keys and values side by side.
    key_value: Option<Linear>,
    output: Linear,
    attention_gate: Option<Linear>,
    feed_forward_norm: Norm,
    up: Linear,
    down: Linear,
    feed_forward_gate: Option<Linear>,
}

impl Norm {
    pub(crate) fn init(
        parameters: &mut Parameters,
        name: &str,
        dim: usize,
        eps: f32,
    ) -> Result<Norm> {
        Ok(Norm {
            scale: parameters.add(format!("{name}.weight"), constant(dim, 1.0))?,
            shift: parameters.add(format!("{name}.bias"), constant(dim, 0.0))?,
            eps,
        })
    }

    pub(crate) fn forward(self, tape: &mut Tape<'_>, x: Var) -> Result<Var> {
        let (scale, shift) = (tape.parameter(self.scale), tape.parameter(self.shift));
        Ok(tape.norm(x, NormKind::Layer, self.eps, Some(scale), Some(shift))?)
    }
}

impl Linear {
    pub(crate) fn init(
        parameters: &mut Parameters,
        name: &str,
        (input, output): (usize, usize),
        bias: bool,
        seed: u64,
    ) -> Result<Linear> {
        let name_of = |part: &str| format!("{name}.{part}");
        let weight = glorot(input, output, seed, &name_of("weight"));
        Ok(Linear {
            weight: parameters.add(name_of("weight"), weight)?,
            bias: match bias {
                true => Some(parameters.add(name_of("bias"), Tensor::zeros(1, output))?),
                false => None,
            },
        })
    }

    pub(crate) fn forward(
        self,
        tape: &mut Tape<'_>,
        x: Var,
        activation: Activation,
    ) -> Result<Var> {
        let weight = tape.parameter(self.weight);
        let bias = self.bias.map(|bias| tape.parameter(bias));
        Ok(tape.linear(x, weight, bias, activation)?)
    }
}

impl Block {
    /// Makes the parameters of block `number`.
    pub(crate) fn init(
        parameters: &mut Parameters,
        config: &SasRecConfig,
        number: u32,
        seed: u64,
    ) -> Result<Block> {
        let (dim, hidden) = (config.dim as usize, config.hidden as usize);
        let kind = config.block;
        let ligr = kind == BlockKind::Ligr;
        let attention_scope = format!("block.{number}.attention");
        let feed_forward_scope = format!("block.{number}.feed_forward");
        let (attention, forward) = (&attention_scope, &feed_forward_scope);
        let mut linear = |scope: &str, name: &str, shape: (usize, usize), bias: bool| {
            Linear::init(parameters, &format!("{scope}.{name}"), shape, bias, seed)
        };
        let (input, key_value) = match kind {
            BlockKind::Classic => (
                linear(attention, "query", (dim, dim), true)?,
                Some(linear(attention, "key_value", (dim, 2 * dim), true)?),
            ),
            BlockKind::PreNorm | BlockKind::Ligr => {
                (linear(attention, "input", (dim, 3 * dim), true)?, None)
            }
        };
        let output = linear(attention, "output", (dim, dim), true)?;
        let up_width = if ligr { 2 * hidden } else { hidden };
        let up = linear(forward, "up", (dim, up_width), !ligr)?;
        let down = linear(forward, "down", (hidden, dim), !ligr)?;
        let mut gate = |scope: &str| match ligr {
            true => linear(scope, "gate", (dim, dim), true).map(Some),
            false => Ok(None),
        };
        let (attention_gate, feed_forward_gate) = (gate(attention)?, gate(forward)?);
        let eps = config.norm_eps;
        let mut norm = |scope: &str| Norm::init(parameters, &format!("{scope}.norm"), dim, eps);
        let (attention_norm, feed_forward_norm) = (norm(attention)?, norm(forward)?);
        Ok(Block {
            kind,
            heads: config.heads as usize,
            dropout: config.dropout,
            dropout_attention: config.dropout_attention,
            dropout_hidden: config.dropout_hidden,
            attention_norm,
            input,
            key_value,
            output,
            attention_gate,
            feed_forward_norm,
            up,
            down,
            feed_forward_gate,
            attention_scope,
            feed_forward_scope,
        })
    }

    /// `x [Σ n, dim]` → `[Σ n, dim]`.
    pub(crate) fn forward<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        x: Var,
        offsets: &'a Offsets,
    ) -> Result<Var> {
        tape.scope(&self.attention_scope);
        let normal = self.attention_norm.forward(tape, x)?; // [Σ n, dim]
        let query = self.input.forward(tape, normal, Activation::None)?; // [Σ n, dim or 3 dim]
        let qkv = match self.key_value {
            None => Qkv::Packed(query),
            Some(key_value) => {
                let key_value = key_value.forward(tape, x, Activation::None)?; // [Σ n, 2 dim]
                Qkv::Split { query, key_value }
            }
        };
        let mixed = tape.attention(qkv, self.heads, offsets, self.dropout_attention)?; // [Σ n, dim]
        let branch = self.output.forward(tape, mixed, Activation::None)?; // [Σ n, dim]
        let y = match self.attention_gate {
            Some(gate) => {
                let gate = gate.forward(tape, x, Activation::None)?;
                tape.gated_residual(x, gate, branch, self.dropout)?
            }
            // The published block goes on from the queries' input, not from x.
            None if self.kind == BlockKind::Classic => {
                tape.residual(normal, branch, self.dropout)?
            }
            None => tape.residual(x, branch, self.dropout)?,
        };

        tape.scope(&self.feed_forward_scope);
        let normal = self.feed_forward_norm.forward(tape, y)?; // [Σ n, dim]
        let hidden = match self.kind {
            BlockKind::Ligr => {
                let up = self.up.forward(tape, normal, Activation::None)?; // [Σ n, 2 hidden]
                tape.swiglu(up)? // [Σ n, hidden]
            }
            _ => self.up.forward(tape, normal, Activation::Relu)?, // [Σ n, hidden]
        };
        let hidden = tape.dropout(hidden, self.dropout_hidden)?;
        let branch = self.down.forward(tape, hidden, Activation::None)?; // [Σ n, dim]
        Ok(match self.feed_forward_gate {
            Some(gate) => {
                let gate = gate.forward(tape, y, Activation::None)?;
                tape.gated_residual(y, gate, branch, self.dropout)?
            }
            None if self.kind == BlockKind::Classic => {
                tape.residual(normal, branch, self.dropout)?
            }
            None => tape.residual(y, branch, self.dropout)?,
        })
    }
}
