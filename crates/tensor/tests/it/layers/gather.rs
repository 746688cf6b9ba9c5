//! Rows by index.

use tensor::kernel::Grad;
use tensor::kernel::reference::gather as truth;

use super::{absent_on_cuda, agrees, input, room};
use crate::gradients::check;
use crate::numbers::wide;

#[test]
fn kernels_agree() {
    for (rows, width, count) in [(1, 1, 0), (1, 3, 4), (7, 5, 40), (500, 16, 3000)] {
        let index: Vec<u32> = (0..count).map(|at| at * at % rows).collect();
        agrees(&[input(1, rows as usize, width)], &index, |index, tape, v| {
            tape.gather(v[0], index, 3.5)
        });
    }
    // No rows at all, and none asked for.
    let none =
        agrees(&[(vec![], 4)], &Vec::new(), |index, tape, v| tape.gather(v[0], index, 1.0));
    assert!(none.value.is_empty());
    absent_on_cuda(&[input(1, 2, 3)], &[0, 1], |index, tape, v| tape.gather(v[0], index, 1.0));
}

#[test]
fn gradients_are_right() {
    let index = [2, 0, 2, 2];
    check(
        "gather",
        &[wide(1, 9)],
        |inputs| {
            let mut y = room(12);
            truth::forward(3, 1.5, &inputs[0], &index, &mut y);
            y
        },
        |_, up| {
            let mut drows = room(9);
            truth::backward(3, 1.5, &index, up, Grad::fresh(&mut drows));
            vec![drows]
        },
    );
}
