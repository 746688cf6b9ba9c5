//! Product, unit rows, weighted sum and binary loss.

use tensor::kernel::Grad;
use tensor::kernel::reference::{binary_loss, pointwise as truth};

use super::{absent_on_cuda, agrees, close, input, room};
use crate::gradients::check;
use crate::numbers::{numbers, wide};

#[test]
fn products_agree() {
    for (rows, width) in [(0, 2), (1, 1), (7, 5), (2000, 20)] {
        let inputs = [input(1, rows, width), input(2, rows, width)];
        agrees(&inputs, &(), |_, tape, v| tape.multiply(v[0], v[1]));
        agrees(&inputs[..1], &(), |_, tape, v| tape.multiply(v[0], v[0]));
    }
    absent_on_cuda(&[input(1, 2, 3)], &(), |_, tape, v| tape.multiply(v[0], v[0]));
    check(
        "multiply",
        &[wide(1, 6), wide(2, 6)],
        |inputs| {
            let mut y = room(6);
            truth::multiply(&inputs[0], &inputs[1], &mut y);
            y
        },
        |inputs, up| {
            let (mut da, mut db) = (room(6), room(6));
            truth::multiply_backward(&inputs[1], up, Grad::fresh(&mut da));
            truth::multiply_backward(&inputs[0], up, Grad::fresh(&mut db));
            vec![da, db]
        },
    );
}

#[test]
fn unit_rows_agree() {
    for (rows, width) in [(0, 2), (1, 1), (9, 5), (300, 33)] {
        // 1e9: eps stands in for every length.
        for eps in [1e-6, 1e9] {
            agrees(&[input(1, rows, width)], &(), |_, tape, v| tape.normalise(v[0], eps));
        }
    }
    let zeros = agrees(&[(vec![0.0; 6], 3)], &(), |_, tape, v| tape.normalise(v[0], 1e-6));
    assert_eq!(zeros.value, [0.0; 6]);
    absent_on_cuda(&[input(1, 2, 3)], &(), |_, tape, v| tape.normalise(v[0], 1e-6));
    for eps in [1e-6, 1e3] {
        let forward = |x: &[f64]| {
            let (mut y, mut lengths) = (room(12), room(3));
            truth::normalise(4, eps, x, &mut y, &mut lengths);
            (y, lengths)
        };
        check(
            "normalise",
            &[wide(1, 12)],
            |inputs| forward(&inputs[0]).0,
            |inputs, up| {
                let ((y, lengths), mut dx) = (forward(&inputs[0]), room(12));
                truth::normalise_backward(4, eps, &y, &lengths, up, Grad::fresh(&mut dx));
                vec![dx]
            },
        );
    }
}

#[test]
fn weighted_sums() {
    let weights = numbers(3, 12);
    let found = agrees(&[input(1, 4, 3)], &weights, |weights, tape, v| {
        tape.weighted_sum(v[0], weights)
    });
    let gradient: Vec<f32> = weights.iter().map(|weight| weight * super::UPSTREAM[0]).collect();
    close("weights", &gradient, found.gradients[0].as_deref().unwrap());
    let none = agrees(&[(vec![], 3)], &Vec::new(), |weights, tape, v| {
        tape.weighted_sum(v[0], weights)
    });
    assert_eq!(none.value, [0.0]);
}

#[test]
fn binary_losses() {
    for count in [0, 1, 7, 3000, 9001] {
        let labels: Vec<f32> = numbers(2, count).iter().map(|x| x.abs().round()).collect();
        // About a third of them 0.
        let weights: Vec<f32> =
            numbers(4, count).iter().map(|x| (3.0 * x).max(-1.0) + 1.0).collect();
        let both = (labels, weights);
        agrees(&[input(1, count, 1)], &both, |(labels, _), tape, v| {
            tape.binary_loss(v[0], labels)
        });
        agrees(&[input(1, count, 1)], &both, |(labels, weights), tape, v| {
            tape.weighted_binary_loss(v[0], labels, weights)
        });
    }
    let wild = (vec![1e4, -1e4, 1e4, -1e4, 0.0], 1);
    let found = agrees(&[wild], &[1.0, 0.0, 0.0, 1.0, 0.25], |labels, tape, v| {
        tape.binary_loss(v[0], labels)
    });
    close("loss", &[(2e4 + std::f32::consts::LN_2) / 5.0], &found.value);
    absent_on_cuda(&[input(1, 1, 1)], &[1.0], |labels, tape, v| tape.binary_loss(v[0], labels));
    let labels = [1.0, 0.0, 0.25, 0.75, 1.0];
    for weights in [None, Some(&[1.0, 0.0, 0.5, 3.0, 0.25][..])] {
        check(
            "binary loss",
            &[wide(1, 5)],
            |inputs| vec![binary_loss::forward(&inputs[0], &labels, weights, &mut room(5))],
            |inputs, up| {
                let mut gradient = room(5);
                binary_loss::forward(&inputs[0], &labels, weights, &mut gradient);
                vec![gradient.iter().map(|gradient| up[0] * gradient).collect()]
            },
        );
    }
}

#[test]
fn weights_of_binary_losses() {
    let of = |weights: [f32; 3]| {
        agrees(&[(vec![0.5, -2.0, 1.0], 3)], &weights, |weights, tape, v| {
            tape.weighted_binary_loss(v[0], &[1.0, 1.0, 0.0], weights)
        })
    };
    // Equal ones are none; only ratios count; one alone is its own loss.
    let plain = agrees(&[(vec![0.5, -2.0, 1.0], 3)], &(), |(), tape, v| {
        tape.binary_loss(v[0], &[1.0, 1.0, 0.0])
    });
    for equal in [1.0, 0.125, 30.0] {
        close("equal weights", &plain.value, &of([equal; 3]).value);
    }
    close("ratios", &of([1.0, 2.0, 4.0]).value, &of([3.0, 6.0, 12.0]).value);
    close("one", &[(1.0f32 + 2f32.exp()).ln()], &of([0.0, 7.0, 0.0]).value);
    let none = of([0.0; 3]);
    assert_eq!((none.value, none.gradients), (vec![0.0], vec![Some(vec![0.0; 3])]));
}
