//! Sum, difference and product of two jagged tensors.

use tensor::kernel::reference::jagged as truth;
use tensor::op::jagged::{
    add, add_backward, multiply, multiply_backward, subtract, subtract_backward,
};
use tensor::{Pair, PairMut};

use super::{backward, forward, offsets, shapes, two};
use crate::gradients::check;
use crate::numbers::{numbers, wide};

pub(crate) fn agrees(lengths: &[usize], width: usize) {
    let offsets = offsets(lengths);
    let both = (&offsets, &offsets);
    let size = offsets.total() * width;
    let (left, right, gradient) = (numbers(1, size), numbers(2, size), numbers(3, size));
    let operands = Pair { left: &left, right: &right };

    let sum = forward(&[size], |device, out| add(device, operands, width, both, &mut out[0]));
    let less =
        forward(&[size], |device, out| subtract(device, operands, width, both, &mut out[0]));
    let times =
        forward(&[size], |device, out| multiply(device, operands, width, both, &mut out[0]));
    for at in 0..size {
        assert_eq!(sum[0][at], left[at] + right[at]);
        assert_eq!(less[0][at], left[at] - right[at]);
        assert_eq!(times[0][at], left[at] * right[at]);
    }

    backward(&[size; 2], |device, accumulate, out| {
        add_backward(device, &gradient, accumulate, two(out))
    });
    backward(&[size; 2], |device, accumulate, out| {
        subtract_backward(device, &gradient, accumulate, two(out))
    });
    backward(&[size; 2], |device, accumulate, out| {
        multiply_backward(device, operands, &gradient, accumulate, two(out))
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
    let inputs = [wide(1, 12), wide(2, 12)];
    type Forward = fn(Pair<'_, f64>, &mut [f64]);
    type Backward = fn(Pair<'_, f64>, &[f64], bool, PairMut<'_, f64>);
    let operations: [(&str, Forward, Backward); 3] = [
        ("add", truth::add, |_, up, accumulate, to| truth::add_backward(up, accumulate, to)),
        ("subtract", truth::subtract, |_, up, accumulate, to| {
            truth::subtract_backward(up, accumulate, to);
        }),
        ("multiply", truth::multiply, truth::multiply_backward),
    ];
    for (name, forward, backward) in operations {
        check(
            name,
            &inputs,
            |inputs| {
                let mut out = vec![f64::NAN; 12];
                forward(Pair { left: &inputs[0], right: &inputs[1] }, &mut out);
                out
            },
            |inputs, upstream| {
                let mut out = vec![vec![f64::NAN; 12]; 2];
                let [left, right] = &mut out[..] else { unreachable!() };
                let operands = Pair { left: &inputs[0], right: &inputs[1] };
                backward(operands, upstream, false, PairMut { left, right });
                out
            },
        );
    }
}
