//! Analytic gradients compared with central differences, in `f64`.

use crate::numbers::wide;

/// Largest relative error that passes.
const TOLERANCE: f64 = 1e-6;
/// Step of the differences, for inputs of size about 1.
const STEP: f64 = 1e-5;
/// A gradient smaller than this share of the largest is measured against that share: below it
/// the differences are rounding.
const FLOOR: f64 = 1e-3;

/// Checks `backward` at `inputs` against differences of `forward`.
///
/// - `inputs`: each differentiable tensor, flat. Keep away from kinks.
/// - `forward(inputs)`: the outputs, flat, several tensors one after the other.
/// - `backward(inputs, upstream)`: the gradient of `Σ upstream · outputs` for each input, in the
///   sizes of `inputs`. `upstream` is random, one number for each output.
///
/// # Panics
/// Where a size or a gradient is wrong, saying which.
pub(crate) fn check(
    name: &str,
    inputs: &[Vec<f64>],
    forward: impl Fn(&[Vec<f64>]) -> Vec<f64>,
    backward: impl Fn(&[Vec<f64>], &[f64]) -> Vec<Vec<f64>>,
) {
    let upstream = wide(0x9ead, forward(inputs).len());
    let analytic = backward(inputs, &upstream);
    assert_eq!(analytic.len(), inputs.len(), "{name}: one gradient for each input");
    for (which, (input, analytic)) in inputs.iter().zip(&analytic).enumerate() {
        assert_eq!(analytic.len(), input.len(), "{name}: size of gradient {which}");
        let numeric: Vec<f64> = (0..input.len())
            .map(|at| difference(inputs, (which, at), &upstream, &forward))
            .collect();
        let sizes = analytic.iter().chain(&numeric).map(|value| value.abs());
        let peak = sizes.fold(0.0, f64::max);
        for (at, (analytic, numeric)) in analytic.iter().zip(&numeric).enumerate() {
            let scale = analytic.abs().max(numeric.abs()).max(FLOOR * peak);
            let error = (analytic - numeric).abs();
            assert!(
                error <= TOLERANCE * scale,
                "{name}: gradient {which} at {at} is {analytic:e}, differences say {numeric:e}"
            );
        }
    }
}

/// d(Σ upstream · outputs) / d inputs[which][at].
fn difference(
    inputs: &[Vec<f64>],
    (which, at): (usize, usize),
    upstream: &[f64],
    forward: &impl Fn(&[Vec<f64>]) -> Vec<f64>,
) -> f64 {
    let mut moved = inputs.to_vec();
    let middle = inputs[which][at];
    let step = STEP * middle.abs().max(1.0);
    moved[which][at] = middle + step;
    let (high, above) = (moved[which][at], forward(&moved));
    moved[which][at] = middle - step;
    let (low, below) = (moved[which][at], forward(&moved));
    // Output by output, so that those that do not move cancel exactly.
    let outputs = above.iter().zip(&below).zip(upstream);
    outputs.map(|((above, below), upstream)| upstream * (above - below)).sum::<f64>()
        / (high - low)
}

#[test]
fn a_right_gradient_passes() {
    let inputs = [wide(1, 5), wide(2, 5)];
    check(
        "x³y",
        &inputs,
        |inputs| inputs[0].iter().zip(&inputs[1]).map(|(x, y)| x * x * x * y).collect(),
        |inputs, upstream| {
            let all = inputs[0].iter().zip(&inputs[1]).zip(upstream);
            let (by_x, by_y) =
                all.map(|((x, y), up)| (up * 3.0 * x * x * y, up * x * x * x)).unzip();
            vec![by_x, by_y]
        },
    );
}

#[test]
#[should_panic(expected = "gradient 0 at 3")]
fn a_wrong_gradient_is_named() {
    check(
        "x²",
        &[wide(1, 5)],
        |inputs| inputs[0].iter().map(|x| x * x).collect(),
        |inputs, upstream| {
            let mut gradient: Vec<f64> =
                inputs[0].iter().zip(upstream).map(|(x, up)| up * 2.0 * x).collect();
            gradient[3] *= 1.0 + 1e-5;
            vec![gradient]
        },
    );
}
