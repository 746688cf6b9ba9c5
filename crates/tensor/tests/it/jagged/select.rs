//! Some tokens, also more than once.

use tensor::kernel::reference::jagged as truth;
use tensor::op::jagged::{select, select_backward};
use tensor::{Offsets, Pick};

use super::{backward, forward, offsets, shapes, small_shapes};
use crate::gradients::check;
use crate::numbers::{Numbers, numbers, wide};

/// About `count` picks of tokens that there are, some of them often, some of nothing.
fn picks(offsets: &Offsets, count: usize) -> Vec<Pick> {
    let mut random = Numbers::new(5);
    let mut picks = vec![Pick::Nothing];
    for _ in 0..count {
        let row = random.bits() as usize % offsets.rows().max(1);
        if row < offsets.rows() && offsets.length(row) > 0 {
            let index = random.bits() as usize % offsets.length(row).min(50);
            picks.push(Pick::Token { row: row as u32, index: index as u32 });
        }
    }
    picks.push(Pick::Nothing);
    picks
}

pub(crate) fn agrees(lengths: &[usize], width: usize) {
    let offsets = offsets(lengths);
    let picks = picks(&offsets, 3000);
    let (size, picked) = (offsets.total() * width, picks.len() * width);
    let (values, gradient) = (numbers(1, size), numbers(2, picked));
    let out = forward(&[picked], |device, out| {
        select(device, &values, width, &offsets, &picks, &mut out[0])
    });
    for (pick, found) in picks.iter().zip(out[0].chunks(width)) {
        match *pick {
            Pick::Nothing => assert!(found.iter().all(|value| *value == 0.0)),
            Pick::Token { row, index } => {
                let token = offsets.range(row as usize).start + index as usize;
                assert_eq!(found, &values[token * width..(token + 1) * width]);
            }
        }
    }
    backward(&[size], |device, accumulate, out| {
        select_backward(device, &gradient, width, &offsets, &picks, accumulate, &mut out[0])
    });
}

#[test]
fn kernels_agree() {
    for (lengths, width) in shapes() {
        agrees(&lengths, width);
    }
}

#[test]
fn last_of_each_row() {
    let offsets = offsets(&[2, 0, 3]);
    let picks = Pick::last(&offsets);
    let values = [1.0, 2.0, 3.0, 4.0, 5.0];
    let out =
        forward(&[3], |device, out| select(device, &values, 1, &offsets, &picks, &mut out[0]));
    assert_eq!(out[0], [2.0, 0.0, 5.0]);
    let out = backward(&[5], |device, accumulate, out| {
        let gradient = [1.0, 10.0, 100.0];
        select_backward(device, &gradient, 1, &offsets, &picks, accumulate, &mut out[0])
    });
    assert_eq!(out[0], [0.0, 1.0, 0.0, 0.0, 100.0]);
}

#[test]
fn gradients_are_right() {
    for (lengths, width) in small_shapes() {
        let offsets = offsets(&lengths);
        let picks = picks(&offsets, 12);
        let size = offsets.total() * width;
        check(
            "select",
            &[wide(1, size)],
            |inputs| {
                let mut out = vec![f64::NAN; picks.len() * width];
                truth::select(&inputs[0], width, &offsets, &picks, &mut out);
                out
            },
            |_, up| {
                let mut to = vec![f64::NAN; size];
                truth::select_backward(up, width, &offsets, &picks, false, &mut to);
                vec![to]
            },
        );
    }
}
