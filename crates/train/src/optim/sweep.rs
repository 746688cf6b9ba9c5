//! Passes over long arrays: cut into pieces of one fixed length, so that neither the number of
//! threads nor the width of the registers changes a bit of the result.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Floats of a piece: four streams of it (256 KiB) fit a second-level cache.
pub(super) const PIECE: usize = 1 << 14;

/// An update of one element from its gradient and its `N` moments.
pub(super) trait Update<const N: usize>: Copy + Sync {
    /// The element's step. Inlined into a loop that is compiled for the machine's registers:
    /// it may not branch on what differs between elements.
    fn element(self, parameter: &mut f32, moments: [&mut f32; N], gradient: f32);
}

/// Applies `update` to every element, with one moment each.
pub(super) fn with_one<U: Update<1>>(
    update: U,
    parameter: &mut [f32],
    moment: &mut [f32],
    gradient: &[f32],
) {
    check(parameter, gradient, moment);
    let work = |((parameter, moment), gradient)| {
        Arch::new().dispatch(One { update, parameter, moment, gradient });
    };
    if parameter.len() <= PIECE {
        return work(((parameter, moment), gradient));
    }
    parameter
        .par_chunks_mut(PIECE)
        .zip(moment.par_chunks_mut(PIECE))
        .zip(gradient.par_chunks(PIECE))
        .for_each(work);
}

/// Applies `update` to every element, with two moments each.
pub(super) fn with_two<U: Update<2>>(
    update: U,
    parameter: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
    gradient: &[f32],
) {
    check(parameter, gradient, first);
    let work = |(((parameter, first), second), gradient)| {
        Arch::new().dispatch(Two { update, parameter, first, second, gradient });
    };
    if parameter.len() <= PIECE {
        return work((((parameter, first), second), gradient));
    }
    parameter
        .par_chunks_mut(PIECE)
        .zip(first.par_chunks_mut(PIECE))
        .zip(second.par_chunks_mut(PIECE))
        .zip(gradient.par_chunks(PIECE))
        .for_each(work);
}

fn check(parameter: &[f32], gradient: &[f32], moment: &[f32]) {
    let fits = parameter.len() == gradient.len() && parameter.len() == moment.len();
    assert!(
        fits,
        "a parameter of {} with a gradient of {} and moments of {}",
        parameter.len(),
        gradient.len(),
        moment.len()
    );
}

struct One<'a, U> {
    update: U,
    parameter: &'a mut [f32],
    moment: &'a mut [f32],
    gradient: &'a [f32],
}

impl<U: Update<1>> WithSimd for One<'_, U> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let update = self.update;
        let elements = self.parameter.iter_mut().zip(self.moment).zip(self.gradient);
        for ((parameter, moment), gradient) in elements {
            update.element(parameter, [moment], *gradient);
        }
    }
}

/// A stretch of a parameter with two moments.
pub(super) struct Two<'a, U> {
    pub(super) update: U,
    pub(super) parameter: &'a mut [f32],
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
    pub(super) gradient: &'a [f32],
}

impl<U: Update<2>> WithSimd for Two<'_, U> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let update = self.update;
        let elements =
            self.parameter.iter_mut().zip(self.first).zip(self.second).zip(self.gradient);
        for (((parameter, first), second), gradient) in elements {
            update.element(parameter, [first, second], *gradient);
        }
    }
}

#[cfg(test)]
mod tests;
