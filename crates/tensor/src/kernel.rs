//! What computes: a kernel per operation and device.
//!
//! `reference` is the truth (plain loops, any float), `cpu` is fast, `absent` stands where CUDA
//! will. A test body runs on every kernel that is there.

pub mod reference;
pub(crate) mod cpu;
pub(crate) mod absent;
pub(crate) mod pair;
pub(crate) mod put;

/// A gradient to be written, or added to where another reader wrote before.
#[derive(Debug)]
pub struct Grad<'g, F> {
    /// In the shape of the value.
    pub values: &'g mut [F],
    /// Whether to add.
    pub accumulate: bool,
}

impl<'g, F: crate::Real> Grad<'g, F> {
    /// A gradient that is overwritten.
    pub fn fresh(values: &'g mut [F]) -> Grad<'g, F> {
        Grad { values, accumulate: false }
    }

    /// Its numbers, ready to be added to.
    pub(crate) fn zeroed(self) -> &'g mut [F] {
        if !self.accumulate {
            self.values.fill(F::ZERO);
        }
        self.values
    }
}
