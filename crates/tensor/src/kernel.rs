//! The loops themselves, one set per device. Nothing here checks a shape: [`crate::op`] does, and
//! is what to call.
//!
//! Public is only [`reference`](mod@reference), generic over the width of its numbers, so that gradients can be
//! compared with finite differences in `f64`.

pub(crate) mod absent;
pub(crate) mod cpu;
pub(crate) mod pair;
pub(crate) mod put;
pub mod reference;
