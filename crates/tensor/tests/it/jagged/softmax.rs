//! Softmax over the tokens of each row.

use tensor::Device;
use tensor::kernel::reference::jagged as truth;
use tensor::op::jagged::{softmax, softmax_backward};

use super::{backward, close, forward, offsets, shapes, small_shapes};
use crate::gradients::check;
use crate::numbers::{numbers, wide};

pub(crate) fn agrees(lengths: &[usize], width: usize) {
    let offsets = offsets(lengths);
    let size = offsets.total() * width;
    let values: Vec<f32> = numbers(1, size).iter().map(|value| value * 8.0).collect();
    let output =
        forward(&[size], |device, out| softmax(device, &values, width, &offsets, &mut out[0]));
    for tokens in offsets.ranges().filter(|tokens| !tokens.is_empty()) {
        for column in 0..width {
            let sum: f32 = tokens.clone().map(|token| output[0][token * width + column]).sum();
            assert!((sum - 1.0).abs() < 1e-4, "sums to {sum}");
        }
    }
    let gradient = numbers(2, size);
    backward(&[size], |device, accumulate, out| {
        let (output, out) = (&output[0], &mut out[0]);
        softmax_backward(device, output, &gradient, width, &offsets, accumulate, out)
    });
}

#[test]
fn kernels_agree() {
    for (lengths, width) in shapes() {
        agrees(&lengths, width);
    }
}

#[test]
fn small_weights_keep_their_digits() {
    let offsets = offsets(&[90]);
    let values: Vec<f32> = (0..90).map(|at| -0.97 * at as f32).collect();
    let mut out = vec![vec![0.0; 90]; 2];
    softmax(Device::Reference, &values, 1, &offsets, &mut out[0]).unwrap();
    softmax(Device::Cpu, &values, 1, &offsets, &mut out[1]).unwrap();
    for (truth, found) in out[0].iter().zip(&out[1]) {
        assert!((truth - found).abs() <= 4e-7 * truth, "{found}, should be {truth}");
    }
}

#[test]
fn large_scores_and_masks_are_safe() {
    let offsets = offsets(&[2, 2, 3, 0]);
    let masked = f32::NEG_INFINITY;
    let values = [3e38, 3e38, masked, masked, masked, 1.0, -3e38];
    let out = forward(&[7], |device, out| softmax(device, &values, 1, &offsets, &mut out[0]));
    assert_eq!(out[0], [0.5, 0.5, 0.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn a_nan_spreads_over_its_row_and_column_only() {
    let offsets = offsets(&[2, 1]);
    let values = [f32::NAN, 1.0, 2.0, 1.0, 0.0, 0.0];
    for device in [Device::Reference, Device::Cpu] {
        let mut out = [0.0; 6];
        softmax(device, &values, 2, &offsets, &mut out).unwrap();
        assert!(out[0].is_nan() && out[2].is_nan());
        close(&[0.5, 0.5, 1.0, 1.0], &[out[1], out[3], out[4], out[5]]);
    }
}

#[test]
fn gradients_are_right() {
    for (lengths, width) in small_shapes() {
        let offsets = offsets(&lengths);
        let size = offsets.total() * width;
        let run = |values: &[f64]| {
            let mut out = vec![f64::NAN; size];
            truth::softmax(values, width, &offsets, &mut out);
            out
        };
        check(
            "softmax",
            &[wide(1, size)],
            |inputs| run(&inputs[0]),
            |inputs, up| {
                let mut to = vec![f64::NAN; size];
                truth::softmax_backward(&run(&inputs[0]), up, width, &offsets, false, &mut to);
                vec![to]
            },
        );
    }
}
