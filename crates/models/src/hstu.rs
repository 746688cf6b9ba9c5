//! HSTU: a causal encoder of events in time without softmax and without feed-forward parts (Zhai
//! et al., ICML 2024, arXiv 2402.17152), as the public research code has it.
//!
//! ```text
//! z = norm x;  (u | v, q, k) = silu(z W)
//! a_ij = silu(q_i · k_j + position bias + time bias) / score_length   for what i sees
//! y = x + (u ⊙ norm(a v)) Wo + bo
//! ```
//!
//! Norms have no scale or shift. The loss is not its affair: hidden states out.

mod cache;

pub use cache::{HstuCache, MICRO_BATCH};

use serde::{Deserialize, Serialize};
use tensor::{
    Activation, EventRows, NormKind, ParameterId, Parameters, Part, PointwiseShape,
    ScoreBiases, TIME_BUCKETS, Tape, Tensor, Var, Weighting,
};

use crate::init::{glorot, normal};
use crate::setting::Ranges;
use crate::{Error, Positions, Result, Rows};

/// Deviation of first embeddings, of the weights within blocks and of the tables of biases.
pub(crate) const DEVIATION: f32 = 0.02;

/// How scores become weights of attention.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionWeights {
    /// Each for itself: SiLU(score) / `score_length`.
    #[default]
    Silu,
    /// Softmax over what is seen: what the paper compares with.
    Softmax,
}

/// What the model is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HstuConfig {
    /// Columns of embeddings and hidden states.
    pub dim: u32,
    /// Blocks.
    pub blocks: u32,
    /// Attention heads.
    pub heads: u32,
    /// Columns of the query, and of the key, of one head.
    pub query_width: u32,
    /// Columns of the value of one head.
    pub value_width: u32,
    /// Events of a history that it sees: the latest.
    pub length_max: u32,
    /// What attention weights are divided by, a constant of the model; also how many places the
    /// position bias tells apart. At least `length_max`, one more where candidates are scored.
    pub score_length: u32,
    /// Where positions are counted from.
    pub positions: Positions,
    /// Whether scores have a bias for how many events ago a key was.
    pub position_bias: bool,
    /// Whether scores have a bias for how long ago a key was.
    pub time_bias: bool,
    /// How scores become weights.
    pub weights: AttentionWeights,
    /// Share of embeddings and of the gated values that is dropped in training.
    pub dropout: f32,
    /// Whether scores of items are cosines: hidden states and items of length 1. The loss then
    /// wants a low temperature.
    pub cosine: bool,
    /// Whether a training keeps only the input of each block and computes the rest again on the
    /// way back: memory for long histories, paid with one more forward pass.
    pub recompute: bool,
    /// Added to the variance in layer norms.
    pub norm_eps: f32,
}

impl Default for HstuConfig {
    /// The public recipe for MovieLens 1M, but for the dimension.
    fn default() -> Self {
        HstuConfig {
            dim: 64,
            blocks: 2,
            heads: 1,
            query_width: 64,
            value_width: 64,
            length_max: 200,
            score_length: 211,
            positions: Positions::FromStart,
            position_bias: true,
            time_bias: true,
            weights: AttentionWeights::Silu,
            dropout: 0.2,
            cosine: true,
            recompute: false,
            norm_eps: 1e-6,
        }
    }
}

impl HstuConfig {
    /// Refuses what no model can be made from.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(&self) -> Result<()> {
        Ranges::whole(&[
            ("dim", self.dim, 8192),
            ("blocks", self.blocks, 128),
            ("heads", self.heads, 256),
            ("query_width", self.query_width, 8192),
            ("value_width", self.value_width, 8192),
            ("length_max", self.length_max, 65_536),
            ("score_length", self.score_length, 131_072),
        ])?;
        if self.score_length < self.length_max {
            let what = format!(
                "{} is less than the {} events of length_max",
                self.score_length, self.length_max
            );
            return Err(Error::Setting { field: "score_length", what });
        }
        Ranges::rate("dropout", self.dropout)?;
        Ranges::eps("norm_eps", self.norm_eps)
    }

    fn shape(&self) -> PointwiseShape {
        PointwiseShape {
            heads: self.heads as usize,
            query_width: self.query_width as usize,
            value_width: self.value_width as usize,
            scale: 1.0,
            weighting: match self.weights {
                AttentionWeights::Silu => Weighting::Silu { length: self.score_length },
                AttentionWeights::Softmax => Weighting::Softmax,
            },
        }
    }
}

/// One block: its parameters by name.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    scope: String,
    shape: PointwiseShape,
    dropout: f32,
    norm_eps: f32,
    /// `[dim, heads × value_width]`: u.
    gate: ParameterId,
    /// `[dim, heads × (value_width + 2 × query_width)]`: v, q, k.
    input: ParameterId,
    /// `[1, score_length]`
    position_bias: Option<ParameterId>,
    /// `[1, 129]`
    time_bias: Option<ParameterId>,
    /// `[heads × value_width, dim]`
    output: ParameterId,
    /// `[1, dim]`
    output_bias: ParameterId,
}

impl Block {
    pub(crate) fn init(
        parameters: &mut Parameters,
        config: &HstuConfig,
        number: u32,
        seed: u64,
    ) -> Result<Block> {
        let (dim, shape) = (config.dim as usize, config.shape());
        let scope = format!("block.{number}");
        let mut add = |name: &str, rows: usize, width: usize| {
            let name = format!("{scope}.{name}");
            parameters.add(&*name, normal(rows, width, DEVIATION, seed, &name))
        };
        let gate = add("gate.weight", dim, shape.width())?;
        let input = add("input.weight", dim, shape.stride())?;
        let mut table = |wanted: bool, name: &str, entries: usize| match wanted {
            true => add(name, 1, entries).map(Some),
            false => Ok(None),
        };
        let places = config.score_length as usize;
        let position_bias = table(config.position_bias, "position_bias", places)?;
        let time_bias = table(config.time_bias, "time_bias", TIME_BUCKETS)?;
        let name = format!("{scope}.output.weight");
        let output = glorot(shape.width(), dim, seed, &name);
        Ok(Block {
            shape,
            dropout: config.dropout,
            norm_eps: config.norm_eps,
            gate,
            input,
            position_bias,
            time_bias,
            output: parameters.add(name, output)?,
            output_bias: parameters
                .add(format!("{scope}.output.bias"), Tensor::zeros(1, dim))?,
            scope,
        })
    }

    /// `x [Σ n, dim]` → `[Σ n, dim]`.
    pub(crate) fn forward<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        x: Var,
        rows: EventRows<'a>,
    ) -> tensor::Result<Var> {
        let (u, vqk) = self.project(tape, x)?;
        let biases = self.biases(tape);
        let mixed = tape.pointwise_attention(vqk, self.shape, biases, rows)?; // as u
        self.join(tape, x, u, mixed)
    }

    /// Gates `[Σ n, heads × value_width]`; values, queries and keys `[Σ n, stride]`.
    fn project<'a>(&'a self, tape: &mut Tape<'a>, x: Var) -> tensor::Result<(Var, Var)> {
        tape.scope(&self.scope);
        let z = tape.norm(x, NormKind::Layer, self.norm_eps, None, None)?; // [Σ n, dim]
        let (gate, input) = (tape.parameter(self.gate), tape.parameter(self.input));
        let u = tape.linear(z, gate, None, Activation::Silu)?;
        let vqk = tape.linear(z, input, None, Activation::Silu)?;
        Ok((u, vqk))
    }

    fn biases(&self, tape: &mut Tape<'_>) -> ScoreBiases {
        ScoreBiases {
            position: self.position_bias.map(|id| tape.parameter(id)),
            time: self.time_bias.map(|id| tape.parameter(id)),
        }
    }

    /// What attention mixed, gated, onto `x`.
    fn join(&self, tape: &mut Tape<'_>, x: Var, u: Var, mixed: Var) -> tensor::Result<Var> {
        let mixed = tape.norm(mixed, NormKind::Layer, self.norm_eps, None, None)?;
        let gated = tape.multiply(u, mixed)?;
        let gated = tape.dropout(gated, self.dropout)?;
        let (output, bias) = (tape.parameter(self.output), tape.parameter(self.output_bias));
        let branch = tape.linear(gated, output, Some(bias), Activation::None)?; // [Σ n, dim]
        tape.residual(x, branch, 0.0)
    }
}

/// A block and the rows that it works on, to be computed again.
#[derive(Debug)]
struct BlockOnRows<'a> {
    block: &'a Block,
    rows: EventRows<'a>,
}

impl Part for BlockOnRows<'_> {
    fn forward<'s>(&'s self, tape: &mut Tape<'s>, x: Var) -> tensor::Result<Var> {
        self.block.forward(tape, x, self.rows)
    }
}

/// `x [Σ n, dim]` through one block after the other → `[Σ n, dim]`. In training, where `recompute`,
/// only the input of each is kept.
pub(crate) fn through_blocks<'a>(
    blocks: &'a [Block],
    recompute: bool,
    tape: &mut Tape<'a>,
    mut x: Var,
    rows: EventRows<'a>,
) -> tensor::Result<Var> {
    for block in blocks {
        x = match recompute && tape.is_training() {
            true => tape.recomputed(x, BlockOnRows { block, rows })?,
            false => block.forward(tape, x, rows)?,
        }; // [Σ n, dim]
    }
    Ok(x)
}

/// Parameters and a forward pass. The items' embeddings are handed in, as to
/// [`SasRec`](crate::SasRec).
#[derive(Debug, Clone)]
pub struct Hstu {
    config: HstuConfig,
    /// All parameters, under stable names.
    pub parameters: Parameters,
    positions: ParameterId,
    pub(crate) blocks: Vec<Block>,
}

impl Hstu {
    /// First values from `seed`.
    ///
    /// # Errors
    /// Where the config makes no model.
    pub fn init(config: &HstuConfig, seed: u64) -> Result<Hstu> {
        config.check()?;
        let dim = config.dim as usize;
        let mut parameters = Parameters::new();
        let deviation = (1.0 / config.dim as f32).sqrt();
        let positions = normal(config.length_max as usize, dim, deviation, seed, "positions");
        let positions = parameters.add("positions", positions)?;
        let blocks = (0..config.blocks)
            .map(|number| Block::init(&mut parameters, config, number, seed))
            .collect::<Result<Vec<_>>>()?;
        Ok(Hstu { config: config.clone(), parameters, positions, blocks })
    }

    /// First embeddings of `count` items, `[count, dim]`.
    pub fn init_items(config: &HstuConfig, count: u32, seed: u64) -> Tensor {
        normal(count as usize, config.dim as usize, DEVIATION, seed, "items")
    }

    /// What it is made of.
    pub fn config(&self) -> &HstuConfig {
        &self.config
    }

    /// Whether training keeps only the input of each block: see [`HstuConfig::recompute`].
    pub fn set_recompute(&mut self, recompute: bool) {
        self.config.recompute = recompute;
    }

    /// Hidden states: `items [n, dim]` and the rows that the tokens take → `[Σ n, dim]`; of
    /// length 1 where scores are cosines.
    ///
    /// # Errors
    /// Where an index is out of range or sizes do not fit.
    pub fn forward<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        items: Var,
        rows: Rows<'a>,
    ) -> Result<Var> {
        let events = EventRows::histories(rows.offsets, rows.happened_at, rows.asked_at);
        self.forward_events(tape, items, rows.index, rows.positions, events)
    }

    /// As [`Hstu::forward`], for rows with context, candidates or windows.
    ///
    /// # Errors
    /// Likewise.
    pub fn forward_events<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        items: Var,
        index: &'a [u32],
        positions: &'a [u32],
        events: EventRows<'a>,
    ) -> Result<Var> {
        let x = self.embed(tape, items, index, positions)?; // [Σ n, dim]
        let x = through_blocks(&self.blocks, self.config.recompute, tape, x, events)?;
        self.finish(tape, x)
    }

    /// Embeddings with positions: `items [n, dim]` → `[Σ n, dim]`.
    fn embed<'a>(
        &self,
        tape: &mut Tape<'a>,
        items: Var,
        index: &'a [u32],
        positions: &'a [u32],
    ) -> Result<Var> {
        tape.scope("embedding");
        let scale = (self.config.dim as f32).sqrt();
        let taken = tape.gather(items, index, scale)?; // [Σ n, dim]
        let table = tape.parameter(self.positions); // [length_max, dim]
        let placed = tape.gather(table, positions, 1.0)?; // [Σ n, dim]
        let x = tape.residual(taken, placed, 0.0)?; // [Σ n, dim]
        Ok(tape.dropout(x, self.config.dropout)?)
    }

    fn finish(&self, tape: &mut Tape<'_>, x: Var) -> Result<Var> {
        if !self.config.cosine {
            return Ok(x);
        }
        tape.scope("cosine");
        Ok(tape.normalise(x, crate::COSINE_EPS)?)
    }
}
