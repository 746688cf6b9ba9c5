//! Rows joined and taken apart.

use tensor::kernel::reference::jagged as truth;
use tensor::op::jagged::{
    concat, concat_backward, concat_offsets, split, split_backward, split_offsets,
};
use tensor::{Pair, PairMut};

use super::{backward, forward, offsets, shapes, small_shapes, two};
use crate::gradients::check;
use crate::numbers::{numbers, wide};

/// Rows of these lengths, then of `others`.
pub(crate) fn agrees(lengths: &[usize], others: &[usize], width: usize) {
    let (front, back) = (offsets(lengths), offsets(others));
    let both = (&front, &back);
    let whole = concat_offsets(both).unwrap();
    assert_eq!(split_offsets(&whole, lengths).unwrap(), (front.clone(), back.clone()));

    let (left, right) = (front.total() * width, back.total() * width);
    let size = whole.total() * width;
    let (left_values, right_values) = (numbers(1, left), numbers(2, right));
    let operands = Pair { left: &left_values, right: &right_values };
    let joined =
        forward(&[size], |device, out| concat(device, operands, width, both, &mut out[0]));
    for (row, tokens) in whole.ranges().enumerate() {
        let (front, back) = (front.range(row), back.range(row));
        let found = &joined[0][tokens.start * width..tokens.end * width];
        let left = &left_values[front.start * width..front.end * width];
        let right = &right_values[back.start * width..back.end * width];
        assert_eq!(found, [left, right].concat());
    }
    let parts =
        forward(&[left, right], |device, out| split(device, &joined[0], width, both, two(out)));
    assert!(parts[0] == left_values && parts[1] == right_values, "split undoes concat");

    let gradient = numbers(3, size);
    backward(&[left, right], |device, accumulate, out| {
        concat_backward(device, &gradient, width, both, accumulate, two(out))
    });
    backward(&[size], |device, accumulate, out| {
        split_backward(device, operands, width, both, accumulate, &mut out[0])
    });
}

#[test]
fn kernels_agree() {
    for (lengths, width) in shapes() {
        let others: Vec<usize> = lengths.iter().rev().copied().collect();
        agrees(&lengths, &others, width);
        agrees(&lengths, &vec![0; lengths.len()], width);
        agrees(&vec![1; lengths.len()], &lengths, width);
    }
}

#[test]
fn gradients_are_right() {
    for (lengths, width) in small_shapes() {
        let others: Vec<usize> = lengths.iter().rev().copied().collect();
        let (front, back) = (offsets(&lengths), offsets(&others));
        let both = (&front, &back);
        let (left, right) = (front.total() * width, back.total() * width);
        let split = |values: &[f64]| {
            let (mut to_left, mut to_right) = (vec![f64::NAN; left], vec![f64::NAN; right]);
            let to = PairMut { left: &mut to_left, right: &mut to_right };
            truth::split(values, width, both, to);
            vec![to_left, to_right]
        };
        check(
            "concat",
            &[wide(1, left), wide(2, right)],
            |inputs| {
                let mut out = vec![f64::NAN; left + right];
                let operands = Pair { left: &inputs[0], right: &inputs[1] };
                truth::concat(operands, width, both, &mut out);
                out
            },
            |_, up| {
                let (mut to_left, mut to_right) = (vec![f64::NAN; left], vec![f64::NAN; right]);
                let to = PairMut { left: &mut to_left, right: &mut to_right };
                truth::concat_backward(up, width, both, false, to);
                vec![to_left, to_right]
            },
        );
        check(
            "split",
            &[wide(1, left + right)],
            |inputs| split(&inputs[0]).concat(),
            |_, up| {
                let mut to = vec![f64::NAN; left + right];
                let up = Pair { left: &up[..left], right: &up[left..] };
                truth::split_backward(up, width, both, false, &mut to);
                vec![to]
            },
        );
    }
}
