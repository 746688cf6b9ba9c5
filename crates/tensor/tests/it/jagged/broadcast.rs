//! A jagged tensor and one dense vector per row.

use tensor::kernel::reference::jagged as truth;
use tensor::op::jagged::{
    broadcast_add, broadcast_add_backward, broadcast_multiply, broadcast_multiply_backward,
};
use tensor::{Pair, PairMut};

use super::{backward, forward, offsets, shapes, small_shapes, two};
use crate::gradients::check;
use crate::numbers::{numbers, wide};

pub(crate) fn agrees(lengths: &[usize], width: usize) {
    let offsets = offsets(lengths);
    let (size, rows) = (offsets.total() * width, offsets.rows() * width);
    let (left, right, gradient) = (numbers(1, size), numbers(2, rows), numbers(3, size));
    let operands = Pair { left: &left, right: &right };

    let sum = forward(&[size], |device, out| {
        broadcast_add(device, operands, width, &offsets, &mut out[0])
    });
    let times = forward(&[size], |device, out| {
        broadcast_multiply(device, operands, width, &offsets, &mut out[0])
    });
    for (row, tokens) in offsets.ranges().enumerate() {
        for at in tokens.start * width..tokens.end * width {
            let dense = right[row * width + at % width];
            assert_eq!(sum[0][at], left[at] + dense);
            assert_eq!(times[0][at], left[at] * dense);
        }
    }

    backward(&[size, rows], |device, accumulate, out| {
        broadcast_add_backward(device, &gradient, width, &offsets, accumulate, two(out))
    });
    backward(&[size, rows], |device, accumulate, out| {
        let to = two(out);
        broadcast_multiply_backward(
            device, operands, &gradient, width, &offsets, accumulate, to,
        )
    });
}

#[test]
fn kernels_agree() {
    for (lengths, width) in shapes() {
        agrees(&lengths, width);
    }
}

#[test]
fn gradients_are_right() {
    for (lengths, width) in small_shapes() {
        let offsets = offsets(&lengths);
        let (size, rows) = (offsets.total() * width, offsets.rows() * width);
        let inputs = [wide(1, size), wide(2, rows)];
        for multiplies in [false, true] {
            check(
                if multiplies { "broadcast multiply" } else { "broadcast add" },
                &inputs,
                |inputs| {
                    let operands = Pair { left: &inputs[0], right: &inputs[1] };
                    let mut out = vec![f64::NAN; size];
                    if multiplies {
                        truth::broadcast_multiply(operands, width, &offsets, &mut out);
                    } else {
                        truth::broadcast_add(operands, width, &offsets, &mut out);
                    }
                    out
                },
                |inputs, up| {
                    let operands = Pair { left: &inputs[0], right: &inputs[1] };
                    let (mut left, mut right) = (vec![f64::NAN; size], vec![f64::NAN; rows]);
                    let to = PairMut { left: &mut left, right: &mut right };
                    if multiplies {
                        let offsets = &offsets;
                        truth::broadcast_multiply_backward(
                            operands, up, width, offsets, false, to,
                        );
                    } else {
                        truth::broadcast_add_backward(up, width, &offsets, false, to);
                    }
                    vec![left, right]
                },
            );
        }
    }
}
