//! Matrix products row by row.

use tensor::kernel::reference::jagged as truth;
use tensor::op::jagged::{
    dense_product, dense_product_backward, jagged_product, jagged_product_backward,
};
use tensor::{Pair, PairMut};

use super::{backward, forward, offsets, shapes, small_shapes, two};
use crate::gradients::check;
use crate::numbers::{numbers, wide};

pub(crate) fn agrees(lengths: &[usize], inner: usize, outer: usize) {
    let offsets = offsets(lengths);
    let widths = (inner, outer);
    let (left, right) = (offsets.total() * inner, offsets.total() * outer);
    let dense = offsets.rows() * inner * outer;
    let (left_values, right_values) = (numbers(1, left), numbers(2, right));
    let dense_values = numbers(3, dense);

    let operands = Pair { left: &left_values, right: &dense_values };
    forward(&[right], |device, out| {
        dense_product(device, operands, widths, &offsets, &mut out[0])
    });
    backward(&[left, dense], |device, accumulate, out| {
        let (gradient, to) = (&right_values, two(out));
        dense_product_backward(device, operands, gradient, widths, &offsets, accumulate, to)
    });

    let operands = Pair { left: &left_values, right: &right_values };
    forward(&[dense], |device, out| {
        jagged_product(device, operands, widths, &offsets, &mut out[0])
    });
    backward(&[left, right], |device, accumulate, out| {
        let (gradient, to) = (&dense_values, two(out));
        jagged_product_backward(device, operands, gradient, widths, &offsets, accumulate, to)
    });
}

#[test]
fn kernels_agree() {
    for (lengths, width) in shapes() {
        for outer in [1, 5, 16, 35] {
            agrees(&lengths, width, outer);
        }
    }
}

#[test]
fn one_row_by_hand() {
    let offsets = offsets(&[0, 2]);
    let values = [1.0, 2.0, 3.0, 4.0];
    // The empty row has a matrix too, which nothing reads.
    let dense = [9.0, 9.0, 9.0, 9.0, 1.0, 0.0, 10.0, 1.0];
    let out = forward(&[4], |device, out| {
        let operands = Pair { left: &values, right: &dense };
        dense_product(device, operands, (2, 2), &offsets, &mut out[0])
    });
    assert_eq!(out[0], [21.0, 2.0, 43.0, 4.0]);
    let out = forward(&[4], |device, out| {
        let operands = Pair { left: &values, right: &[1.0, 10.0] };
        jagged_product(device, operands, (2, 1), &offsets, &mut out[0])
    });
    assert_eq!(out[0], [0.0, 0.0, 31.0, 42.0]);
}

#[test]
fn gradients_are_right() {
    for (lengths, inner) in small_shapes() {
        let (offsets, outer) = (offsets(&lengths), 2);
        let widths = (inner, outer);
        let (left, right) = (offsets.total() * inner, offsets.total() * outer);
        let dense = offsets.rows() * inner * outer;
        check(
            "dense product",
            &[wide(1, left), wide(2, dense)],
            |inputs| {
                let mut out = vec![f64::NAN; right];
                let operands = Pair { left: &inputs[0], right: &inputs[1] };
                truth::dense_product(operands, widths, &offsets, &mut out);
                out
            },
            |inputs, up| {
                let operands = Pair { left: &inputs[0], right: &inputs[1] };
                let (mut left, mut right) = (vec![f64::NAN; left], vec![f64::NAN; dense]);
                let to = PairMut { left: &mut left, right: &mut right };
                truth::dense_product_backward(operands, up, widths, &offsets, false, to);
                vec![left, right]
            },
        );
        check(
            "jagged product",
            &[wide(1, left), wide(2, right)],
            |inputs| {
                let mut out = vec![f64::NAN; dense];
                let operands = Pair { left: &inputs[0], right: &inputs[1] };
                truth::jagged_product(operands, widths, &offsets, &mut out);
                out
            },
            |inputs, up| {
                let operands = Pair { left: &inputs[0], right: &inputs[1] };
                let (mut left, mut right) = (vec![f64::NAN; left], vec![f64::NAN; right]);
                let to = PairMut { left: &mut left, right: &mut right };
                truth::jagged_product_backward(operands, up, widths, &offsets, false, to);
                vec![left, right]
            },
        );
    }
}
