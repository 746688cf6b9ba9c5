//! Sum, mean and maximum of each row.

use tensor::kernel::reference::jagged as truth;
use tensor::op::jagged::{
    segment_max, segment_max_backward, segment_mean, segment_mean_backward, segment_sum,
    segment_sum_backward,
};
use tensor::{Device, Offsets};

use super::{backward, forward, offsets, shapes, small_shapes};
use crate::gradients::check;
use crate::numbers::{numbers, wide};

pub(crate) fn agrees(lengths: &[usize], width: usize) {
    let offsets = offsets(lengths);
    let (size, rows) = (offsets.total() * width, offsets.rows() * width);
    let (values, gradient) = (numbers(1, size), numbers(2, rows));

    forward(&[rows], |device, out| segment_sum(device, &values, width, &offsets, &mut out[0]));
    forward(&[rows], |device, out| segment_mean(device, &values, width, &offsets, &mut out[0]));
    backward(&[size], |device, accumulate, out| {
        segment_sum_backward(device, &gradient, width, &offsets, accumulate, &mut out[0])
    });
    backward(&[size], |device, accumulate, out| {
        segment_mean_backward(device, &gradient, width, &offsets, accumulate, &mut out[0])
    });

    let max = |device| {
        let (mut out, mut tokens) = (vec![f32::NAN; rows], vec![0; rows]);
        segment_max(device, &values, width, &offsets, &mut out, &mut tokens).unwrap();
        (out, tokens)
    };
    let (largest, tokens) = max(Device::Cpu);
    assert_eq!((&largest, &tokens), (&max(Device::Reference).0, &max(Device::Reference).1));
    backward(&[size], |device, accumulate, out| {
        let out = &mut out[0];
        segment_max_backward(device, &tokens, &gradient, width, &offsets, accumulate, out)
    });
}

#[test]
fn kernels_agree() {
    for (lengths, width) in shapes() {
        agrees(&lengths, width);
    }
}

#[test]
fn rows_by_hand() {
    let offsets = offsets(&[2, 0, 1]);
    let values = [1.0, 8.0, 3.0, 2.0, 5.0, 6.0];
    let sum =
        forward(&[6], |device, out| segment_sum(device, &values, 2, &offsets, &mut out[0]));
    assert_eq!(sum[0], [4.0, 10.0, 0.0, 0.0, 5.0, 6.0]);
    let mean =
        forward(&[6], |device, out| segment_mean(device, &values, 2, &offsets, &mut out[0]));
    assert_eq!(mean[0], [2.0, 5.0, 0.0, 0.0, 5.0, 6.0]);
    for device in [Device::Reference, Device::Cpu] {
        let (mut out, mut tokens) = ([f32::NAN; 6], [0; 6]);
        segment_max(device, &values, 2, &offsets, &mut out, &mut tokens).unwrap();
        assert_eq!(out, [3.0, 8.0, 0.0, 0.0, 5.0, 6.0]);
        assert_eq!(tokens, [1, 0, u32::MAX, u32::MAX, 2, 2]);
    }
}

#[test]
fn the_first_of_equals_is_largest_and_a_nan_is_seen() {
    let offsets = offsets(&[3, 3]);
    let values = [1.0, 2.0, 2.0, 1.0, f32::NAN, 7.0];
    for device in [Device::Reference, Device::Cpu] {
        let (mut out, mut tokens) = ([0.0; 2], [0; 2]);
        segment_max(device, &values, 1, &offsets, &mut out, &mut tokens).unwrap();
        assert_eq!(tokens, [1, 4]);
        assert!(out[1].is_nan());
    }
}

#[test]
fn gradients_are_right() {
    type Forward = fn(&[f64], usize, &Offsets, &mut [f64]);
    type Backward = fn(&[f64], usize, &Offsets, bool, &mut [f64]);
    let operations: [(&str, Forward, Backward); 2] = [
        ("segment sum", truth::segment_sum, truth::segment_sum_backward),
        ("segment mean", truth::segment_mean, truth::segment_mean_backward),
    ];
    for (lengths, width) in small_shapes() {
        let offsets = offsets(&lengths);
        let (size, rows) = (offsets.total() * width, offsets.rows() * width);
        let inputs = [wide(1, size)];
        for (name, forward, backward) in operations {
            check(
                name,
                &inputs,
                |inputs| {
                    let mut out = vec![f64::NAN; rows];
                    forward(&inputs[0], width, &offsets, &mut out);
                    out
                },
                |_, up| {
                    let mut to = vec![f64::NAN; size];
                    backward(up, width, &offsets, false, &mut to);
                    vec![to]
                },
            );
        }
        let max = |values: &[f64]| {
            let (mut out, mut tokens) = (vec![f64::NAN; rows], vec![0; rows]);
            truth::segment_max(values, width, &offsets, &mut out, &mut tokens);
            (out, tokens)
        };
        check(
            "segment max",
            &inputs,
            |inputs| max(&inputs[0]).0,
            |inputs, up| {
                let (tokens, mut to) = (max(&inputs[0]).1, vec![f64::NAN; size]);
                truth::segment_max_backward(&tokens, up, width, &offsets, false, &mut to);
                vec![to]
            },
        );
    }
}
