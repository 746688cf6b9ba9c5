//! Plain loops, in `f32` or `f64`: the truth that every other kernel is compared with.

pub mod jagged;
