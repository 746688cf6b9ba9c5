//! eˣ for x ≤ 0, without a branch or a call, so that the compiler runs it in vectors.
//!
//! Cephes `expf`: 2ⁿ times a polynomial of what is left of x after n·ln 2, within about 1 unit in
//! the last place. Not for x > 88, where the exponent overflows.

/// Below it the result is no normal number; it is 0.
const LOWEST: f32 = -87.3;
/// 1.5 · 2²³: adding it rounds to an integer, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts, the first exact in few bits.
const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);

/// eˣ; −∞ gives 0, a NaN stays one.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let rest = x - n * LN_2.0 - n * LN_2.1;
    let mut sum = 1.987_569_1e-4;
    sum = sum * rest + 1.398_199_9e-3;
    sum = sum * rest + 8.333_452e-3;
    sum = sum * rest + 4.166_579_6e-2;
    sum = sum * rest + 1.666_666_5e-1;
    sum = sum * rest + 5e-1;
    let value = sum * rest * rest + rest + 1.0;
    let power = f32::from_bits(rounded.to_bits().wrapping_add(127) << 23);
    if x < LOWEST { 0.0 } else { value * power }
}
