//! To padded and back.

use tensor::kernel::reference::jagged as truth;
use tensor::op::jagged::{from_padded, from_padded_backward, to_padded, to_padded_backward};

use super::{backward, forward, offsets, shapes, small_shapes};
use crate::gradients::check;
use crate::numbers::{numbers, wide};

/// With `slack` more places than the longest row has.
pub(crate) fn agrees(lengths: &[usize], width: usize, slack: usize) {
    let offsets = offsets(lengths);
    let length = offsets.longest() + slack;
    let (size, room) = (offsets.total() * width, offsets.rows() * length * width);
    let (values, gradient) = (numbers(1, size), numbers(2, room));
    let padded = forward(&[room], |device, out| {
        to_padded(device, &values, width, &offsets, length, -7.0, &mut out[0])
    });
    for (row, tokens) in offsets.ranges().enumerate() {
        let found = &padded[0][row * length * width..(row + 1) * length * width];
        let (head, tail) = found.split_at(tokens.len() * width);
        assert_eq!(head, &values[tokens.start * width..tokens.end * width]);
        assert!(tail.iter().all(|value| *value == -7.0));
    }
    let back = forward(&[size], |device, out| {
        from_padded(device, &padded[0], width, &offsets, length, &mut out[0])
    });
    assert!(back[0] == values, "from padded undoes to padded");

    backward(&[size], |device, accumulate, out| {
        to_padded_backward(device, &gradient, width, &offsets, length, accumulate, &mut out[0])
    });
    let gradient = numbers(3, size);
    backward(&[room], |device, accumulate, out| {
        from_padded_backward(
            device,
            &gradient,
            width,
            &offsets,
            length,
            accumulate,
            &mut out[0],
        )
    });
}

#[test]
fn kernels_agree() {
    for (lengths, width) in shapes() {
        agrees(&lengths, width, 0);
        agrees(&lengths, width, 3);
    }
}

#[test]
fn gradients_are_right() {
    for (lengths, width) in small_shapes() {
        let offsets = offsets(&lengths);
        let length = offsets.longest() + 1;
        let (size, room) = (offsets.total() * width, offsets.rows() * length * width);
        check(
            "to padded",
            &[wide(1, size)],
            |inputs| {
                let mut out = vec![f64::NAN; room];
                truth::to_padded(&inputs[0], width, &offsets, length, 2.0, &mut out);
                out
            },
            |_, up| {
                let mut to = vec![f64::NAN; size];
                truth::to_padded_backward(up, width, &offsets, length, false, &mut to);
                vec![to]
            },
        );
        check(
            "from padded",
            &[wide(1, room)],
            |inputs| {
                let mut out = vec![f64::NAN; size];
                truth::from_padded(&inputs[0], width, &offsets, length, &mut out);
                out
            },
            |_, up| {
                let mut to = vec![f64::NAN; room];
                truth::from_padded_backward(up, width, &offsets, length, false, &mut to);
                vec![to]
            },
        );
    }
}
