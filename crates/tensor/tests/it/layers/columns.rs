//! Columns side by side, and apart.

use tensor::kernel::Grad;
use tensor::kernel::reference::columns as truth;

use super::{agrees, input, room};
use crate::gradients::check;
use crate::numbers::wide;

#[test]
fn kernels_agree() {
    for (rows, a, b) in [(0, 1, 2), (1, 1, 1), (5, 3, 4), (300, 17, 2)] {
        let inputs = [input(1, rows, a), input(2, rows, b)];
        let joined = agrees(&inputs, &(), |_, tape, v| tape.concat(v[0], v[1]));
        let back = agrees(&[(joined.value, a + b)], &(), |_, tape, v| tape.columns(v[0], a, b));
        assert_eq!(back.value, inputs[1].0);
        agrees(&inputs[..1], &(), |_, tape, v| tape.concat(v[0], v[0]));
    }
}

#[test]
fn two_cuts_of_one_matrix_share_its_gradient() {
    agrees(&[input(1, 6, 5)], &(), |_, tape, v| {
        let (left, right) = (tape.columns(v[0], 0, 3)?, tape.columns(v[0], 2, 3)?);
        tape.multiply(left, right)
    });
}

#[test]
fn gradients_are_right() {
    check(
        "concat",
        &[wide(1, 6), wide(2, 9)],
        |inputs| {
            let mut y = room(15);
            truth::place(&inputs[0], 2, &mut y, 5, 0);
            truth::place(&inputs[1], 3, &mut y, 5, 2);
            y
        },
        |_, up| {
            let (mut da, mut db) = (room(6), room(9));
            truth::add_cut(up, 5, 0, Grad::fresh(&mut da), 2);
            truth::add_cut(up, 5, 2, Grad::fresh(&mut db), 3);
            vec![da, db]
        },
    );
    check(
        "columns",
        &[wide(1, 15)],
        |inputs| {
            let mut y = room(6);
            truth::cut(&inputs[0], 5, 1, &mut y, 2);
            y
        },
        |_, up| {
            let mut dx = room(15);
            truth::add_place(up, 2, Grad::fresh(&mut dx), 5, 1);
            vec![dx]
        },
    );
}
