//! Arithmetic that compilers turn into SIMD: sums in sixteen lanes, exponentials without a
//! branch. Everything is inlined into a closure that [`simd`] dispatches.

/// Lanes of a running sum: a fixed number, so that a sum does not depend on the processor.
const LANES: usize = 16;

/// Runs `work` compiled for the best instructions of this processor.
#[inline(always)]
pub(super) fn simd<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Folds `at(0..len)` in lanes.
#[inline(always)]
fn fold(
    len: usize,
    start: f32,
    at: impl Fn(usize) -> f32,
    join: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut lanes = [start; LANES];
    let whole = len / LANES * LANES;
    let mut base = 0;
    while base < whole {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum = join(*sum, at(base + lane));
        }
        base += LANES;
    }
    for (lane, place) in (whole..len).enumerate() {
        lanes[lane] = join(lanes[lane], at(place));
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = join(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
pub(super) fn sum(x: &[f32]) -> f32 {
    fold(x.len(), 0.0, |at| x[at], |a, b| a + b)
}

#[inline(always)]
pub(super) fn dot(x: &[f32], y: &[f32]) -> f32 {
    let y = &y[..x.len()];
    fold(x.len(), 0.0, |at| x[at] * y[at], |a, b| a + b)
}

/// Σ (x - mean)²
#[inline(always)]
pub(super) fn squares(x: &[f32], mean: f32) -> f32 {
    fold(x.len(), 0.0, |at| (x[at] - mean) * (x[at] - mean), |a, b| a + b)
}

/// Σ x (y - mean)
#[inline(always)]
pub(super) fn dot_centred(x: &[f32], y: &[f32], mean: f32) -> f32 {
    let y = &y[..x.len()];
    fold(x.len(), 0.0, |at| x[at] * (y[at] - mean), |a, b| a + b)
}

/// The largest; a NaN is passed over.
#[inline(always)]
pub(super) fn largest(x: &[f32]) -> f32 {
    fold(x.len(), f32::NEG_INFINITY, |at| x[at], |a, b| if b > a { b } else { a })
}

/// e^x to about 1e-7 of itself; below -87.7 it is 0, above 88 e^88.
///
/// x = n ln 2 + r with |r| ≤ ln 2 / 2; e^r by the polynomial of Cephes' `expf`, 2^n by setting
/// the exponent. Adding 1.5 × 2²³ rounds to a whole number and leaves it in the low bits.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    // At -88 n is -127, whose exponent bits are those of 0.
    let x = x.clamp(-88.0, 88.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    // ln 2 in two parts: the first has so few digits that n times it is exact.
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let mut p = 1.987_569_2e-4_f32;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p.mul_add(r, coefficient);
    }
    let p = p.mul_add(r * r, r) + 1.0;
    p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// 1 / (1 + e^-x)
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// log(1 + e^x)
#[inline(always)]
pub(super) fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// sum += factor × more
#[inline(always)]
pub(super) fn add_multiple(sum: &mut [f32], factor: f32, more: &[f32]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += factor * *more;
    }
}

#[cfg(test)]
mod tests;
