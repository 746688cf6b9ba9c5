//! Linear layers, with each activation.

use tensor::kernel::Grad;
use tensor::kernel::reference::linear as truth;
use tensor::{Activation, LinearShape};

use super::{absent_on_cuda, agrees, input, room};
use crate::gradients::check;
use crate::numbers::wide;

const ACTIVATIONS: [Activation; 6] = [
    Activation::None,
    Activation::Relu,
    Activation::Silu,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Gelu,
];

#[test]
fn kernels_agree() {
    // No row, one, odd sizes, several parts and chunks of a part.
    for (rows, inner, outer) in
        [(0, 3, 2), (1, 1, 1), (5, 7, 3), (65, 16, 33), (700, 5, 19), (9000, 4, 3)]
    {
        for activation in ACTIVATIONS {
            let inputs = [input(1, rows, inner), input(2, inner, outer), input(3, 1, outer)];
            agrees(&inputs, &(), |_, tape, v| tape.linear(v[0], v[1], Some(v[2]), activation));
            agrees(&inputs[..2], &(), |_, tape, v| tape.linear(v[0], v[1], None, activation));
        }
    }
    let inputs = [input(1, 2, 3), input(2, 3, 4)];
    absent_on_cuda(&inputs, &(), |_, tape, v| tape.linear(v[0], v[1], None, Activation::None));
}

#[test]
fn gradients_are_right() {
    let shape = LinearShape { rows: 4, input: 3, output: 5 };
    for activation in ACTIVATIONS {
        let inputs = [wide(1, 12), wide(2, 15), wide(3, 5)];
        let forward = |inputs: &[Vec<f64>]| {
            let (mut y, mut before) = (room(20), room(20));
            let (x, weight, bias) = (&inputs[0], &inputs[1], Some(&inputs[2][..]));
            truth::forward(shape, x, weight, bias, activation, &mut y, Some(&mut before));
            (y, before)
        };
        check(
            "linear",
            &inputs,
            |inputs| forward(inputs).0,
            |inputs, up| {
                let (y, before) = forward(inputs);
                let known = if activation.keeps_input() { &before } else { &y };
                let (mut dx, mut dw, mut db) = (room(12), room(15), room(5));
                truth::backward(
                    shape,
                    &inputs[0],
                    &inputs[1],
                    activation,
                    known,
                    up,
                    Some(Grad::fresh(&mut dx)),
                    Some(Grad::fresh(&mut dw)),
                    Some(Grad::fresh(&mut db)),
                );
                vec![dx, dw, db]
            },
        );
    }
}

#[test]
fn extreme_inputs_stay_finite_and_a_nan_is_not_hidden() {
    for activation in ACTIVATIONS {
        let wild = (vec![1e4, -1e4, 88.5, -88.5, 0.0, -0.0], 1);
        let found = agrees(&[wild, (vec![1.0], 1)], &(), |_, tape, v| {
            tape.linear(v[0], v[1], None, activation)
        });
        assert!(found.value.iter().all(|value| value.is_finite()), "{activation:?}");
        assert!(activation.of(f32::NAN).is_nan(), "{activation:?}");
    }
}
