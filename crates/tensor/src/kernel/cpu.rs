//! Kernels of the processor: tasks over the rayon pool, inner loops for the SIMD of this machine.

pub(crate) mod jagged;
