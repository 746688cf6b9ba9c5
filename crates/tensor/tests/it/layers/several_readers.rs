//! One variable read by several layers, or several times by one: gradients add up.

use tensor::{Activation, Contrast, Negatives, NormKind, Qkv, SampledLoss};

use super::{agrees, close, input, offsets};
use crate::numbers::numbers;

/// The gradient by differences of the reference value, which f32 allows to about 1e-2.
#[track_caller]
fn compare(
    values: Vec<f32>,
    width: usize,
    build: impl for<'t> Fn(
        &'t (),
        &mut tensor::Tape<'t>,
        &[tensor::Var],
    ) -> tensor::Result<tensor::Var>
    + Sync,
) {
    let found = agrees(&[(values.clone(), width)], &(), &build);
    let gradient = found.gradients[0].as_deref().unwrap();
    let at = |moved: &[f32]| {
        let how = super::How::default();
        let value = super::run(&[(moved.to_vec(), width)], &(), how, &build).unwrap().value;
        value.iter().zip(&**super::UPSTREAM).map(|(y, up)| f64::from(y * up)).sum::<f64>()
    };
    for place in 0..values.len() {
        let step = 1e-2;
        let mut moved = values.clone();
        moved[place] += step;
        let above = at(&moved);
        moved[place] -= 2.0 * step;
        let numeric = (above - at(&moved)) / f64::from(2.0 * step);
        let error = (numeric - f64::from(gradient[place])).abs();
        assert!(error < 1e-2, "at {place}: {}, differences say {numeric}", gradient[place]);
    }
}

#[test]
fn one_variable_in_every_place_of_a_layer() {
    let square = numbers(4, 9);
    compare(square.clone(), 3, |(), tape, v| tape.multiply(v[0], v[0]));
    compare(square.clone(), 3, |(), tape, v| tape.residual(v[0], v[0], 0.0));
    compare(square.clone(), 3, |(), tape, v| tape.concat(v[0], v[0]));
    compare(square.clone(), 3, |(), tape, v| tape.gated_residual(v[0], v[0], v[0], 0.0));
    compare(square, 3, |(), tape, v| tape.linear(v[0], v[0], None, Activation::None));
    compare(numbers(5, 1), 1, |(), tape, v| {
        tape.linear(v[0], v[0], Some(v[0]), Activation::Tanh)
    });
    compare(numbers(6, 5), 5, |(), tape, v| {
        tape.norm(v[0], NormKind::Layer, 0.1, Some(v[0]), Some(v[0]))
    });
}

/// The matrix that tokens take rows of is the one they are told apart by.
#[test]
fn items_as_input_and_as_scores() {
    let lists =
        (vec![3u32, 1, 1, 0, 6], vec![1u32, 1, 0, 6, 2], vec![5u32, 1, 5], offsets(&[2, 3]));
    agrees(&[input(1, 7, 6)], &lists, |(index, positives, negatives, offsets), tape, v| {
        let x = tape.gather(v[0], index, 2.0)?;
        let qkv = tape.concat(x, x)?;
        let qkv = tape.concat(qkv, x)?;
        let x = tape.attention(Qkv::Packed(qkv), 2, offsets, 0.0)?;
        let loss = SampledLoss {
            positives,
            negatives: Negatives::Shared { items: negatives },
            negative_log_q: None,
            positive_log_q: None,
            contrast: Contrast::Softmax,
            scale: 1.0,
        };
        tape.sampled_loss(x, v[0], &loss)
    });
}

/// A loss with a factor, and two losses of one matrix: what was made with the loss is scaled.
#[test]
fn losses_with_weights() {
    let labels = (vec![1.0f32, 0.0, 1.0], [0.25f32]);
    let both = agrees(&[input(1, 3, 1)], &labels, |(labels, weight), tape, v| {
        let one = tape.binary_loss(v[0], labels)?;
        let quarter = tape.weighted_sum(one, weight)?;
        let other = tape.binary_loss(v[0], labels)?;
        tape.residual(quarter, other, 0.0)
    });
    let one = agrees(&[input(1, 3, 1)], &labels, |(labels, _), tape, v| {
        tape.binary_loss(v[0], labels)
    });
    let scaled: Vec<f32> =
        one.gradients[0].as_deref().unwrap().iter().map(|x| 1.25 * x).collect();
    close("sum", &scaled, both.gradients[0].as_deref().unwrap());
}
