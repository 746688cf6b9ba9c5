//! Plain loops over any float: the truth. Read these to learn what an operation is.

pub mod linear;
pub mod norm;
pub mod attention;
pub mod pointwise_attention;
pub mod next_attention;
pub mod pointwise;
pub mod gather;
pub mod sampled_loss;
pub mod binary_loss;
pub mod columns;
pub mod jagged;
