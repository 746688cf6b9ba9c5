//! Fast kernels for the processor: `gemm` for products, run-time SIMD for the rest, all threads
//! of the current rayon pool.
//!
//! Every result is the same for any number of threads: work is cut by shape, never by threads,
//! and partial sums are added in a fixed order.

mod lanes;
mod scratch;
mod parts;
pub(crate) mod matmul;
mod tile;
mod grouped;
mod heads;
pub(crate) mod linear;
pub(crate) mod norm;
pub(crate) mod attention;
pub(crate) mod pointwise_attention;
pub(crate) mod next_attention;
pub(crate) mod pointwise;
pub(crate) mod gather;
pub(crate) mod sampled_loss;
pub(crate) mod binary_loss;
pub(crate) mod scores;
pub(crate) mod jagged;
