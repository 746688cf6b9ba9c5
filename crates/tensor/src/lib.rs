//! Dense and jagged tensors, a tape of fused layers, kernels per device.
//!
//! Nothing here knows what is recommended.

mod error;
mod real;
mod jagged;
pub mod scan;

pub use error::{Error, Result};
pub use jagged::{Jagged, Offsets};
pub use real::Real;
