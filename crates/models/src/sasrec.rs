//! SASRec: a causal transformer over the items of a history (Kang and McAuley, ICDM 2018).
//!
//! With [`BlockKind::Classic`] and scaled embeddings it is the published model; with pre-norm
//! blocks, today's usual one; with LiGR blocks, eSASRec (Tikhonovich et al. 2025). The loss is
//! not its affair: hidden states out, and the score of item i is `h · items[i]`.

use serde::{Deserialize, Serialize};
use tensor::{ParameterId, Parameters, Tape, Var};

use crate::block::{Block, BlockKind, Norm};
use crate::init::normal;
use crate::rows::{Positions, Rows};
use crate::setting::Ranges;
use crate::{Error, Result};

/// Deviation of first embeddings.
const DEVIATION: f32 = 0.02;

/// What the model is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SasRecConfig {
    /// Wiring of the blocks.
    pub block: BlockKind,
    /// Columns of embeddings and hidden states.
    pub dim: u32,
    /// Blocks.
    pub blocks: u32,
    /// Attention heads; they share `dim`.
    pub heads: u32,
    /// Columns inside the feed-forward part.
    pub hidden: u32,
    /// Events of a history that it sees: the latest.
    pub length_max: u32,
    /// Where positions are counted from.
    pub positions: Positions,
    /// Share of embeddings and of branches that is dropped in training.
    pub dropout: f32,
    /// Share of the numbers inside the feed-forward part that is dropped in training.
    pub dropout_hidden: f32,
    /// Share of the attention weights that is dropped in training.
    pub dropout_attention: f32,
    /// Multiplies embeddings by √dim before positions are added.
    pub scale_embedding: bool,
    /// Whether scores of items are cosines: hidden states and items of length 1. The loss then
    /// wants a low temperature.
    pub cosine: bool,
    /// Added to the variance in layer norms.
    pub norm_eps: f32,
}

impl Default for SasRecConfig {
    fn default() -> Self {
        SasRecConfig {
            block: BlockKind::PreNorm,
            dim: 64,
            blocks: 2,
            heads: 2,
            hidden: 256,
            length_max: 200,
            positions: Positions::FromEnd,
            dropout: 0.1,
            dropout_hidden: 0.0,
            dropout_attention: 0.0,
            scale_embedding: false,
            cosine: false,
            norm_eps: 1e-8,
        }
    }
}

impl SasRecConfig {
    /// Refuses what no model can be made from.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(&self) -> Result<()> {
        Ranges::whole(&[
            ("dim", self.dim, 8192),
            ("blocks", self.blocks, 128),
            ("heads", self.heads, 256),
            ("hidden", self.hidden, 65_536),
            ("length_max", self.length_max, 65_536),
        ])?;
        if !self.dim.is_multiple_of(self.heads) {
            let what = format!("{} heads do not share {} columns", self.heads, self.dim);
            return Err(Error::Setting { field: "heads", what });
        }
        for (field, rate) in [
            ("dropout", self.dropout),
            ("dropout_hidden", self.dropout_hidden),
            ("dropout_attention", self.dropout_attention),
        ] {
            Ranges::rate(field, rate)?;
        }
        Ranges::eps("norm_eps", self.norm_eps)
    }
}

/// Parameters and a forward pass. The items' embeddings are not among them: they are handed in,
/// as rows that somebody else looks up and updates.
#[derive(Debug, Clone)]
pub struct SasRec {
    config: SasRecConfig,
    /// All parameters, under stable names.
    pub parameters: Parameters,
    positions: ParameterId,
    blocks: Vec<Block>,
    norm: Norm,
}

impl SasRec {
    /// First values from `seed`.
    ///
    /// # Errors
    /// Where the config makes no model.
    pub fn init(config: &SasRecConfig, seed: u64) -> Result<SasRec> {
        config.check()?;
        let dim = config.dim as usize;
        let mut parameters = Parameters::new();
        let positions = normal(config.length_max as usize, dim, DEVIATION, seed, "positions");
        let positions = parameters.add("positions", positions)?;
        let blocks = (0..config.blocks)
            .map(|number| Block::init(&mut parameters, config, number, seed))
            .collect::<Result<Vec<_>>>()?;
        let norm = Norm::init(&mut parameters, "norm", dim, config.norm_eps)?;
        Ok(SasRec { config: config.clone(), parameters, positions, blocks, norm })
    }

    /// First embeddings of `count` items, `[count, dim]`.
    pub fn init_items(config: &SasRecConfig, count: u32, seed: u64) -> tensor::Tensor {
        normal(count as usize, config.dim as usize, DEVIATION, seed, "items")
    }

    /// What it is made of.
    pub fn config(&self) -> &SasRecConfig {
        &self.config
    }

    /// Hidden states: `items [n, dim]` and the rows that the tokens take → `[Σ n, dim]`; of
    /// length 1 where scores are cosines. Times are not looked at.
    ///
    /// # Errors
    /// Where an index is out of range or sizes do not fit.
    pub fn forward<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        items: Var,
        rows: Rows<'a>,
    ) -> Result<Var> {
        tape.scope("embedding");
        let scale =
            if self.config.scale_embedding { (self.config.dim as f32).sqrt() } else { 1.0 };
        let taken = tape.gather(items, rows.index, scale)?; // [Σ n, dim]
        let positions = tape.parameter(self.positions); // [length_max, dim]
        let placed = tape.gather(positions, rows.positions, 1.0)?; // [Σ n, dim]
        let mut x = tape.residual(taken, placed, 0.0)?; // [Σ n, dim]
        x = tape.dropout(x, self.config.dropout)?;
        for block in &self.blocks {
            x = block.forward(tape, x, rows.offsets)?; // [Σ n, dim]
        }
        tape.scope("norm");
        x = self.norm.forward(tape, x)?; // [Σ n, dim]
        if self.config.cosine {
            tape.scope("cosine");
            x = tape.normalise(x, crate::COSINE_EPS)?;
        }
        Ok(x)
    }
}
