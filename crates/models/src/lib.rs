//! Blocks and models: parameters and a forward pass.
//!
//! A model is a config, the parameters that its `init` makes, and a `forward` that writes its
//! layers on a [`tensor::Tape`], readable top to bottom. Nothing here reads a file, runs a loop
//! or looks at a clock: [`parameters_to_bytes`] makes bytes and others keep them.
#![forbid(unsafe_code)]

mod error;
mod init;
mod block;
mod sasrec;
mod encode;
mod checkpoint;

pub use block::BlockKind;
pub use checkpoint::{parameters_from_bytes, parameters_to_bytes};
pub use error::{Error, Result};
pub use init::normal;
pub use sasrec::{Positions, Rows, SasRec, SasRecConfig};
