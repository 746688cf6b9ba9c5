//! DCN-V2: crosses of the input with itself, and an MLP (Wang et al., WWW 2021, equations 1 and 3).
//!
//! `x_{l+1} = x_0 ⊙ (W x_l + b) + x_l`: L layers make every interaction up to degree L + 1. Not without
//! dense numbers brought near 1: the degree grows with every layer.

use serde::{Deserialize, Serialize};
use tensor::{Activation, Parameters, Tape, Var};

use crate::block::Linear;
use crate::setting::Ranges;
use crate::{Error, Result};

/// How crosses and MLP stand to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DcnStructure {
    /// The MLP reads what the crosses made.
    #[default]
    Stacked,
    /// Both read the input, and the logit reads both.
    Parallel,
}

/// What the model is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DcnConfig {
    /// Dense numbers of an example, 0 for none.
    pub dense: u32,
    /// Columns of all its embeddings together.
    pub embeddings: u32,
    /// Cross layers, 0 for an MLP alone.
    pub crosses: u32,
    /// Rank of their matrices; 0 for full matrices.
    pub rank: u32,
    /// Widths of the MLP's layers; none for crosses alone.
    pub hidden: Vec<u32>,
    /// How they stand to each other.
    pub structure: DcnStructure,
}

impl Default for DcnConfig {
    /// 26 features of 64 columns and 13 dense numbers: Criteo.
    fn default() -> Self {
        DcnConfig {
            dense: 13,
            embeddings: 26 * 64,
            crosses: 3,
            rank: 0,
            hidden: vec![1024, 512],
            structure: DcnStructure::Stacked,
        }
    }
}

impl DcnConfig {
    /// Refuses what no model can be made from.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(&self) -> Result<()> {
        let most = |field, value: usize, most: usize| match value <= most {
            true => Ok(()),
            false => {
                Err(Error::Setting { field, what: format!("{value} is more than {most}") })
            }
        };
        Ranges::whole(&[("embeddings", self.embeddings, 1 << 20)])?;
        most("dense", self.dense as usize, 1 << 16)?;
        most("crosses", self.crosses as usize, 32)?;
        most("rank", self.rank as usize, self.input())?;
        most("hidden", self.hidden.len(), 32)?;
        self.hidden.iter().try_for_each(|width| Ranges::whole(&[("hidden", *width, 1 << 16)]))
    }

    /// Columns of x_0.
    fn input(&self) -> usize {
        self.dense as usize + self.embeddings as usize
    }
}

/// The matrix of a cross layer, whole or as a product.
#[derive(Debug, Clone, Copy)]
enum Cross {
    Full(Linear),
    /// `U (Vᵀ x) + b`
    LowRank {
        down: Linear,
        up: Linear,
    },
}

/// Parameters and a forward pass. Embeddings are handed in, and their gradient goes back to whoever looked
/// them up.
#[derive(Debug, Clone)]
pub struct Dcn {
    config: DcnConfig,
    /// All parameters, under stable names.
    pub parameters: Parameters,
    crosses: Vec<Cross>,
    hidden: Vec<Linear>,
    output: Linear,
}

impl Dcn {
    /// First values from `seed`.
    ///
    /// # Errors
    /// Where the config makes no model.
    pub fn init(config: &DcnConfig, seed: u64) -> Result<Dcn> {
        config.check()?;
        let mut parameters = Parameters::new();
        let input = config.input();
        let mut linear = |name: String, shape: (usize, usize), bias: bool| {
            Linear::init(&mut parameters, &name, shape, bias, seed)
        };
        let mut crosses = Vec::new();
        for at in 0..config.crosses {
            let name = format!("cross.{at}");
            crosses.push(match config.rank as usize {
                0 => Cross::Full(linear(name, (input, input), true)?),
                rank => Cross::LowRank {
                    down: linear(format!("{name}.down"), (input, rank), false)?,
                    up: linear(format!("{name}.up"), (rank, input), true)?,
                },
            });
        }
        let (mut hidden, mut width) = (Vec::new(), input);
        for (at, own) in config.hidden.iter().enumerate() {
            hidden.push(linear(format!("hidden.{at}"), (width, *own as usize), true)?);
            width = *own as usize;
        }
        let beside = match config.structure {
            DcnStructure::Parallel if !hidden.is_empty() && !crosses.is_empty() => input,
            _ => 0,
        };
        let output = linear("output".into(), (beside + width, 1), true)?;
        Ok(Dcn { config: config.clone(), parameters, crosses, hidden, output })
    }

    /// What it is made of.
    pub fn config(&self) -> &DcnConfig {
        &self.config
    }

    /// Logits: `dense [n, dense]` (none where the config has none) and `embeddings [n, embeddings]` → `[n, 1]`.
    ///
    /// # Errors
    /// Where sizes do not fit.
    pub fn forward<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        dense: Option<Var>,
        embeddings: Var,
    ) -> Result<Var> {
        if dense.is_some() != (self.config.dense > 0) {
            let what = format!("the model has {} dense numbers an example", self.config.dense);
            return Err(Error::Rows { of: "dense", what });
        }
        tape.scope("input");
        let first = match dense {
            Some(dense) => tape.concat(dense, embeddings)?, // [n, dense + embeddings]
            None => embeddings,
        };
        tape.scope("cross");
        let mut crossed = first;
        for cross in &self.crosses {
            let z = match cross {
                Cross::Full(linear) => linear.forward(tape, crossed, Activation::None)?,
                Cross::LowRank { down, up } => {
                    let small = down.forward(tape, crossed, Activation::None)?; // [n, rank]
                    up.forward(tape, small, Activation::None)?
                }
            };
            let product = tape.multiply(first, z)?;
            crossed = tape.residual(crossed, product, 0.0)?;
        }
        tape.scope("hidden");
        let mut x = match self.config.structure {
            DcnStructure::Stacked => crossed,
            DcnStructure::Parallel => first,
        };
        for linear in &self.hidden {
            x = linear.forward(tape, x, Activation::Relu)?;
        }
        tape.scope("output");
        if self.config.structure == DcnStructure::Parallel && !self.crosses.is_empty() {
            x = match self.hidden.is_empty() {
                true => crossed,
                false => tape.concat(crossed, x)?,
            };
        }
        self.output.forward(tape, x, Activation::None) // [n, 1]
    }
}
