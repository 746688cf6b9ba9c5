//! Residuals, gated residuals and SwiGLU, without dropout and with it.

use tensor::Dropout;
use tensor::kernel::Grad;
use tensor::kernel::reference::pointwise as truth;

use super::{absent_on_cuda, agrees, input, room};
use crate::gradients::check;
use crate::numbers::wide;

#[test]
fn kernels_agree() {
    // The last is several chunks of the fast kernel.
    for (rows, width) in [(0, 3), (1, 1), (9, 7), (1100, 32)] {
        let inputs = [input(1, rows, width), input(2, rows, width), input(3, rows, width)];
        for rate in [0.0, 0.3] {
            agrees(&inputs[..2], &(), |_, tape, v| tape.residual(v[0], v[1], rate));
            agrees(&inputs[..1], &(), |_, tape, v| tape.residual(v[0], v[0], rate));
            agrees(&inputs[..1], &(), |_, tape, v| tape.dropout(v[0], rate));
            agrees(&inputs, &(), |_, tape, v| tape.gated_residual(v[0], v[1], v[2], rate));
        }
        agrees(&[input(4, rows, 2 * width)], &(), |_, tape, v| tape.swiglu(v[0]));
    }
    let inputs = [input(1, 2, 4)];
    absent_on_cuda(&inputs, &(), |_, tape, v| tape.residual(v[0], v[0], 0.1));
    absent_on_cuda(&inputs, &(), |_, tape, v| tape.dropout(v[0], 0.1));
    absent_on_cuda(&inputs, &(), |_, tape, v| tape.gated_residual(v[0], v[0], v[0], 0.1));
    absent_on_cuda(&inputs, &(), |_, tape, v| tape.swiglu(v[0]));
}

#[test]
fn extreme_gates_stay_finite() {
    let wild = (vec![1e4, -1e4, 88.5, -88.5, 0.0, -0.0], 2);
    let inputs = [input(1, 3, 2), wild.clone(), input(2, 3, 2)];
    let gated = agrees(&inputs, &(), |_, tape, v| tape.gated_residual(v[0], v[1], v[2], 0.0));
    let swiglu = agrees(&[wild], &(), |_, tape, v| tape.swiglu(v[0]));
    for found in [gated, swiglu] {
        let gradients = found.gradients.iter().flatten().flatten();
        assert!(found.value.iter().chain(gradients).all(|value| value.is_finite()));
    }
}

#[test]
fn gradients_are_right() {
    let none = Dropout::NONE;
    check(
        "residual",
        &[wide(1, 6), wide(2, 6)],
        |inputs| {
            let mut y = room(6);
            truth::residual(Some(&inputs[0]), &inputs[1], none, &mut y);
            y
        },
        |_, up| {
            let mut dbranch = room(6);
            truth::residual_backward(up, none, Grad::fresh(&mut dbranch));
            vec![up.to_vec(), dbranch]
        },
    );
    check(
        "gated residual",
        &[wide(1, 6), wide(2, 6), wide(3, 6)],
        |inputs| {
            let mut y = room(6);
            truth::gated(&inputs[0], &inputs[1], &inputs[2], none, &mut y);
            y
        },
        |inputs, up| {
            let (mut dgate, mut dbranch) = (room(6), room(6));
            truth::gated_backward(
                &inputs[1],
                &inputs[2],
                none,
                up,
                Some(Grad::fresh(&mut dgate)),
                Some(Grad::fresh(&mut dbranch)),
            );
            vec![up.to_vec(), dgate, dbranch]
        },
    );
    check(
        "swiglu",
        &[wide(1, 12)],
        |inputs| {
            let mut y = room(6);
            truth::swiglu(3, &inputs[0], &mut y);
            y
        },
        |inputs, up| {
            let mut dx = room(12);
            truth::swiglu_backward(3, &inputs[0], up, Grad::fresh(&mut dx));
            vec![dx]
        },
    );
}
