//! Dense and jagged tensors, a tape of fused layers, kernels per device.
//!
//! Nothing here knows what is recommended.

mod error;
mod device;
mod real;
mod jagged;
mod pick;
pub mod kernel;
pub mod op;

pub use device::Device;
pub use error::{Error, Result};
pub use jagged::{Jagged, Offsets};
pub use kernel::pair::{Pair, PairMut};
pub use pick::Pick;
pub use real::Real;
