//! HSTU that ranks: what will be done with an item, read at the item's own place among what was done
//! before, so that the candidate is inside the sequence (Zhai et al., ICML 2024, arXiv 2402.17152,
//! section 2; "target aware").
//!
//! ```text
//! x       = √dim item | Σ embeddings of what was done | √dim context,  + place, token by token
//! x       = block after block, each token seeing what came before it       (hstu.rs)
//! h       = x / ‖x‖, or norm x, at items alone
//! logits  = MLP h, one an action: SiLU between layers, none at the end
//! ```
//!
//! An event sees its own item and all that came before, never its own action: every event of a
//! history is an example. Many candidates at a row's end see the history and themselves, and get
//! what each would get alone. The public code multiplies states by the item's embedding before its
//! MLP; here the item is in the state already.
//!
//! Not for retrieval: a state knows its item, so it is no query for others ([`Hstu`](crate::Hstu)).

use serde::{Deserialize, Serialize};
use tensor::{Activation, NormKind, ParameterId, Parameters, Tape, Tensor, Var};

use crate::hstu::{Block, DEVIATION, through_blocks};
use crate::init::{glorot, normal};
use crate::setting::Ranges;
use crate::{Error, HstuConfig, Positions, RankingRows, Result};

/// What the model is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HstuRankingConfig {
    /// The blocks, and what goes into them. `length_max` counts events, candidates as one more;
    /// `score_length` tokens: at least `context` + 2 × `length_max`. `positions` are those from the
    /// start, because those from the end tell an item how much came after it. `cosine`: states of
    /// length 1 go into the head; else states under a layer norm.
    pub hstu: HstuConfig,
    /// Kinds of actions, 1 to 32.
    pub actions: u32,
    /// Tokens at the beginning of each row that say what stays the same, such as a language.
    pub context: u32,
    /// Widths of the hidden layers of the head; none: the head is linear.
    pub head: Vec<u32>,
}

impl Default for HstuRankingConfig {
    fn default() -> Self {
        HstuRankingConfig {
            hstu: HstuConfig { score_length: 400, ..HstuConfig::default() },
            actions: 1,
            context: 0,
            head: vec![64],
        }
    }
}

impl HstuRankingConfig {
    /// Refuses what no model can be made from.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(&self) -> Result<()> {
        self.hstu.check()?;
        Ranges::whole(&[("actions", self.actions, u32::BITS)])?;
        let refused = |field, what| Err(Error::Setting { field, what });
        if self.context > 1024 {
            return refused("context", format!("{} is not in 0 to 1024", self.context));
        }
        if self.head.len() > 16 {
            return refused("head", format!("{} layers are more than 16", self.head.len()));
        }
        for width in &self.head {
            Ranges::whole(&[("head", *width, 65_536)])?;
        }
        if self.hstu.positions != Positions::FromStart {
            let what = "from-end tells an item how much came after it; use from-start".into();
            return refused("positions", what);
        }
        let (found, places) = (self.hstu.score_length, self.places());
        if found < places {
            let (context, events) = (self.context, self.hstu.length_max);
            let what = format!(
                "{found} is less than {places}, the tokens of a row: {context} of context, two for \
                 each of the {events} events of length_max"
            );
            return refused("score_length", what);
        }
        Ok(())
    }

    /// Places in a row. The settings are checked.
    fn places(&self) -> u32 {
        self.context + 2 * self.hstu.length_max
    }
}

/// Which items of the rows to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Those of events, to learn from what was done with them.
    Events,
    /// The candidates.
    Candidates,
}

/// One layer of the head.
#[derive(Debug, Clone)]
struct Layer {
    /// `[in, out]`
    weight: ParameterId,
    /// `[1, out]`
    bias: ParameterId,
}

/// Parameters and a forward pass. Embeddings of items and contexts are handed in; those of actions
/// are parameters.
#[derive(Debug, Clone)]
pub struct HstuRanking {
    config: HstuRankingConfig,
    /// All parameters, under stable names.
    pub parameters: Parameters,
    /// `[context + 2 length_max, dim]`
    positions: ParameterId,
    /// `[actions, dim]`
    actions: ParameterId,
    blocks: Vec<Block>,
    head: Vec<Layer>,
}

impl HstuRanking {
    /// First values from `seed`.
    ///
    /// # Errors
    /// Where the config makes no model.
    pub fn init(config: &HstuRankingConfig, seed: u64) -> Result<HstuRanking> {
        config.check()?;
        let dim = config.hstu.dim as usize;
        let mut parameters = Parameters::new();
        let deviation = (1.0 / config.hstu.dim as f32).sqrt();
        let positions = normal(config.places() as usize, dim, deviation, seed, "positions");
        let positions = parameters.add("positions", positions)?;
        // As large as items once these are scaled. Nearly every event teaches an action's row, so
        // it is not scaled itself, which is what makes rare rows learn faster.
        let deviation = DEVIATION * (config.hstu.dim as f32).sqrt();
        let actions = normal(config.actions as usize, dim, deviation, seed, "actions");
        let actions = parameters.add("actions", actions)?;
        let blocks = (0..config.hstu.blocks)
            .map(|number| Block::init(&mut parameters, &config.hstu, number, seed))
            .collect::<Result<Vec<_>>>()?;
        let mut head = Vec::new();
        let mut input = dim;
        for (number, output) in config.head.iter().chain([&config.actions]).enumerate() {
            let output = *output as usize;
            let name = format!("head.{number}.weight");
            let weight = glorot(input, output, seed, &name);
            head.push(Layer {
                weight: parameters.add(name, weight)?,
                bias: parameters
                    .add(format!("head.{number}.bias"), Tensor::zeros(1, output))?,
            });
            input = output;
        }
        Ok(HstuRanking { config: config.clone(), parameters, positions, actions, blocks, head })
    }

    /// First embeddings of `count` items, `[count, dim]`.
    pub fn init_items(config: &HstuRankingConfig, count: u32, seed: u64) -> Tensor {
        normal(count as usize, config.hstu.dim as usize, DEVIATION, seed, "items")
    }

    /// First embeddings of `count` values of contexts, `[count, dim]`.
    pub fn init_contexts(config: &HstuRankingConfig, count: u32, seed: u64) -> Tensor {
        normal(count as usize, config.hstu.dim as usize, DEVIATION, seed, "contexts")
    }

    /// What it is made of.
    pub fn config(&self) -> &HstuRankingConfig {
        &self.config
    }

    /// Logits of every action: `items [n, dim]`, `contexts [k, dim]` where the model has context →
    /// `[events, actions]`, or `[candidates, actions]`.
    ///
    /// # Errors
    /// Where rows were made for another model or are too long, an index is out of range, or sizes
    /// do not fit.
    pub fn forward<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        items: Var,
        contexts: Option<Var>,
        rows: &'a RankingRows,
        read: Read,
    ) -> Result<Var> {
        let states = self.states(tape, items, contexts, rows, read)?; // [read, dim]
        self.logits(tape, states)
    }

    /// As [`HstuRanking::forward`], before the head → `[events, dim]`, or `[candidates, dim]`.
    ///
    /// # Errors
    /// As there.
    pub fn states<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        items: Var,
        contexts: Option<Var>,
        rows: &'a RankingRows,
        read: Read,
    ) -> Result<Var> {
        self.check(rows, contexts)?;
        let config = &self.config.hstu;
        tape.scope("embedding");
        let scale = (config.dim as f32).sqrt();
        let table = tape.parameter(self.actions); // [actions, dim]
        let done = tape.constant(rows.labels(), self.config.actions as usize)?; // [events, actions]
        let done = tape.linear(done, table, None, Activation::None)?; // [events, dim]
        let taken = tape.gather(items, &rows.items, scale)?; // [events + candidates, dim]
        let [item, action] = &rows.halves;
        let mut x = tape.concat_rows(taken, done, (item, action))?; // [2 events + candidates, dim]
        if let Some(contexts) = contexts {
            let contexts = tape.gather(contexts, &rows.contexts, scale)?; // [rows × context, dim]
            let [context, after] = &rows.parts;
            x = tape.concat_rows(contexts, x, (context, after))?; // [Σ n, dim]
        }
        let positions = tape.parameter(self.positions); // [context + 2 length_max, dim]
        let placed = tape.gather(positions, &rows.positions, 1.0)?; // [Σ n, dim]
        x = tape.residual(x, placed, 0.0)?; // [Σ n, dim]
        x = tape.dropout(x, config.dropout)?;
        x = through_blocks(&self.blocks, config.recompute, tape, x, rows.tokens())?; // [Σ n, dim]
        tape.scope("states");
        let tokens = match read {
            Read::Events => &rows.event_tokens,
            Read::Candidates => &rows.candidate_tokens,
        };
        let x = tape.gather(x, tokens, 1.0)?; // [read, dim]
        Ok(match config.cosine {
            true => tape.normalise(x, crate::COSINE_EPS)?,
            false => tape.norm(x, NormKind::Layer, config.norm_eps, None, None)?,
        })
    }

    /// The head: `states [read, dim]` → `[read, actions]`.
    ///
    /// # Errors
    /// Where sizes do not fit.
    pub fn logits(&self, tape: &mut Tape<'_>, states: Var) -> Result<Var> {
        tape.scope("head");
        let mut x = states;
        for (number, layer) in self.head.iter().enumerate() {
            let (weight, bias) = (tape.parameter(layer.weight), tape.parameter(layer.bias));
            let last = number + 1 == self.head.len();
            let activation = if last { Activation::None } else { Activation::Silu };
            x = tape.linear(x, weight, Some(bias), activation)?; // [read, out]
        }
        Ok(x)
    }

    /// Mean sigmoid cross-entropy of every action at every event, from the logits of
    /// [`Read::Events`] → `[1, 1]`. `weights [events, actions]` say how much each counts, 0 not at
    /// all; only their ratios matter.
    ///
    /// # Errors
    /// Where sizes do not fit, or a weight is negative or not finite.
    pub fn loss(
        &self,
        tape: &mut Tape<'_>,
        logits: Var,
        rows: &RankingRows,
        weights: Option<&[f32]>,
    ) -> Result<Var> {
        tape.scope("loss");
        Ok(match weights {
            Some(weights) => tape.weighted_binary_loss(logits, rows.labels(), weights)?,
            None => tape.binary_loss(logits, rows.labels())?,
        })
    }

    fn check(&self, rows: &RankingRows, contexts: Option<Var>) -> Result<()> {
        let refused = |what: String| Err(Error::Rows { of: "ranking rows", what });
        let config = &self.config;
        if rows.context != config.context {
            let (found, own) = (rows.context, config.context);
            return refused(format!("{found} tokens of context for a model of {own}"));
        }
        if contexts.is_some() != (config.context > 0) {
            let what = if contexts.is_some() { "has none" } else { "needs them" };
            return refused(format!("a model of {} contexts {what}", config.context));
        }
        if rows.actions != config.actions {
            let (found, own) = (rows.actions, config.actions);
            return refused(format!("{found} kinds of actions for a model of {own}"));
        }
        if rows.events_max > config.hstu.length_max as usize {
            return refused(format!(
                "a row has {} events, candidates counted as one; the model sees {} (length_max)",
                rows.events_max, config.hstu.length_max
            ));
        }
        Ok(())
    }
}
