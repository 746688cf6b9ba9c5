//! Layer norm and RMS norm.

use tensor::kernel::Grad;
use tensor::kernel::reference::norm as truth;
use tensor::{Device, NormKind};

use super::{How, absent_on_cuda, agrees, input, room, run};
use crate::gradients::check;
use crate::numbers::wide;

const EPS: f32 = 1e-5;
const KINDS: [NormKind; 2] = [NormKind::Layer, NormKind::Rms];

#[test]
fn kernels_agree() {
    for (rows, width) in [(0, 4), (1, 1), (3, 5), (70, 33), (5000, 16)] {
        for kind in KINDS {
            let inputs = [input(1, rows, width), input(2, 1, width), input(3, 1, width)];
            agrees(&inputs, &(), |_, tape, v| {
                tape.norm(v[0], kind, EPS, Some(v[1]), Some(v[2]))
            });
            agrees(&inputs[..2], &(), |_, tape, v| {
                tape.norm(v[0], kind, EPS, Some(v[1]), None)
            });
            agrees(&inputs[..2], &(), |_, tape, v| {
                tape.norm(v[0], kind, EPS, None, Some(v[1]))
            });
            agrees(&inputs[..1], &(), |_, tape, v| tape.norm(v[0], kind, EPS, None, None));
        }
    }
    absent_on_cuda(&[input(1, 2, 3)], &(), |_, tape, v| {
        tape.norm(v[0], NormKind::Rms, EPS, None, None)
    });
}

#[test]
fn gradients_are_right() {
    for kind in KINDS {
        let (rows, width) = (3, 5);
        let inputs = [wide(1, rows * width), wide(2, width), wide(3, width)];
        let forward = |inputs: &[Vec<f64>]| {
            let (mut y, mut stats) = (room(rows * width), room(rows * 2));
            let (a, b) = (Some(&inputs[1][..]), Some(&inputs[2][..]));
            truth::forward(width, kind, 1e-5, &inputs[0], a, b, &mut y, &mut stats);
            (y, stats)
        };
        check(
            "norm",
            &inputs,
            |inputs| forward(inputs).0,
            |inputs, up| {
                let stats = forward(inputs).1;
                let (mut dx, mut da, mut db) = (room(rows * width), room(width), room(width));
                truth::backward(
                    width,
                    kind,
                    &inputs[0],
                    Some(&inputs[1]),
                    &stats,
                    up,
                    Some(Grad::fresh(&mut dx)),
                    Some(Grad::fresh(&mut da)),
                    Some(Grad::fresh(&mut db)),
                );
                vec![dx, da, db]
            },
        );
    }
}

/// A mean of fifty deviations: gradients are summed over what is left without it.
#[test]
fn a_large_mean_costs_few_digits() {
    let (mut values, width) = input(1, 40, 64);
    values.iter_mut().for_each(|value| *value += 30.0);
    agrees(&[(values, width)], &(), |_, tape, v| {
        tape.norm(v[0], NormKind::Layer, EPS, None, None)
    });
}

/// Constant rows, zeros, tiny and huge numbers. Whether a constant row is its own mean to the bit
/// is a matter of rounding, so that kernels need not agree here.
#[test]
fn extreme_rows_stay_finite() {
    for kind in KINDS {
        for value in [0.0, 3.0, 1e-20, -1e4, 1e15] {
            for device in [Device::Reference, Device::Cpu] {
                let how = How { device, ..How::default() };
                let found = run(&[(vec![value; 17], 17)], &(), how, &|_, tape, v| {
                    tape.norm(v[0], kind, EPS, None, None)
                });
                let found = found.expect("gradients are finite");
                let mut values = found.value.iter();
                assert!(values.all(|y| y.is_finite()), "{kind:?} of {value}");
            }
        }
    }
}
