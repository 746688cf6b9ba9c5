//! Blocks and models: parameters and a forward pass.
//!
//! A model is a config, the parameters that its `init` makes, and a `forward` that writes its
//! layers on a [`tensor::Tape`], readable top to bottom. Nothing here reads a file, runs a loop
//! or looks at a clock: [`parameters_to_bytes`] makes bytes and others keep them.
#![forbid(unsafe_code)]

mod error;
mod init;
mod setting;
mod rows;
mod block;
mod sasrec;
mod hstu;
mod ranking_rows;
mod hstu_ranking;
mod sequence_model;
mod dcn;
mod encode;
mod checkpoint;

pub use block::BlockKind;
pub use checkpoint::{parameters_from_bytes, parameters_to_bytes};
pub use dcn::{Dcn, DcnConfig, DcnStructure};
pub use encode::{Past, seconds};
pub use error::{Error, Result};
pub use hstu::{AttentionWeights, Hstu, HstuCache, HstuConfig, MICRO_BATCH};
pub use hstu_ranking::{HstuRanking, HstuRankingConfig, Read};
pub use init::normal;
pub use ranking_rows::{Candidates, RankingEvents, RankingRows, interleave};
pub use rows::{Positions, Rows};
pub use sasrec::{SasRec, SasRecConfig};
pub use sequence_model::{SequenceModel, SequenceModelConfig};

use sequence_model::COSINE_EPS;
