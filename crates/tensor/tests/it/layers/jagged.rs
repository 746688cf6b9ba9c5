//! Jagged operations on the tape. Their kernels have tests of their own, in `jagged`; here is
//! whether gradients arrive.

use tensor::op::jagged::{concat_offsets, split_offsets};
use tensor::{Device, Pool};
use tensor::{Pick, op::jagged as pure};

use super::{absent_on_cuda, agrees, close, input, offsets};

/// Rows of tokens, and a width.
fn shapes() -> Vec<(Vec<usize>, usize)> {
    let many = (0..200).map(|row| row * 7 % 23).collect();
    vec![(vec![], 3), (vec![0, 0], 2), (vec![1], 1), (vec![3, 0, 1, 7, 0], 4), (many, 5)]
}

#[test]
fn one_vector_a_row() {
    for (lengths, width) in shapes() {
        let offsets = offsets(&lengths);
        let x = [input(1, offsets.total(), width)];
        for pool in [Pool::Sum, Pool::Mean, Pool::Last] {
            let found = agrees(&x, &offsets, |offsets, tape, v| tape.pool(v[0], offsets, pool));
            let mut out = vec![0.0; offsets.rows() * width];
            let (device, values) = (Device::Reference, &x[0].0);
            match pool {
                Pool::Sum => pure::segment_sum(device, values, width, &offsets, &mut out),
                Pool::Mean => pure::segment_mean(device, values, width, &offsets, &mut out),
                Pool::Last => {
                    let picks = Pick::last(&offsets);
                    pure::select(device, values, width, &offsets, &picks, &mut out)
                }
            }
            .unwrap();
            close("pool", &out, &found.value);
            absent_on_cuda(&x, &offsets, |offsets, tape, v| tape.pool(v[0], offsets, pool));
        }
    }
}

#[test]
fn some_tokens() {
    let picks = vec![
        Pick::Token { row: 2, index: 1 },
        Pick::Nothing,
        Pick::Token { row: 0, index: 0 },
        Pick::Token { row: 2, index: 1 },
    ];
    let context = (offsets(&[2, 0, 3]), picks);
    let x = [(vec![0.0, 1.0, 2.0, 3.0, 4.0], 1)];
    let found =
        agrees(&x, &context, |(offsets, picks), tape, v| tape.select(v[0], offsets, picks));
    assert_eq!(found.value, [3.0, 0.0, 0.0, 3.0]);
    let up = &super::UPSTREAM;
    close(
        "picked twice",
        &[up[2], 0.0, 0.0, up[0] + up[3], 0.0],
        &found.gradients[0].clone().unwrap(),
    );
}

#[test]
fn softmax_over_rows() {
    for (lengths, width) in shapes() {
        let offsets = offsets(&lengths);
        let x = [input(1, offsets.total(), width)];
        agrees(&x, &offsets, |offsets, tape, v| tape.jagged_softmax(v[0], offsets));
        absent_on_cuda(&x, &offsets, |offsets, tape, v| tape.jagged_softmax(v[0], offsets));
    }
}

#[test]
fn with_a_vector_a_row() {
    for (lengths, width) in shapes() {
        let offsets = offsets(&lengths);
        let inputs = [input(1, offsets.total(), width), input(2, offsets.rows(), width)];
        agrees(&inputs, &offsets, |offsets, tape, v| tape.broadcast_add(v[0], v[1], offsets));
        agrees(&inputs, &offsets, |offsets, tape, v| {
            tape.broadcast_multiply(v[0], v[1], offsets)
        });
    }
    // One token a row: the same variable may be both.
    let ones = offsets(&[1, 1, 1]);
    agrees(&[input(1, 3, 2)], &ones, |ones, tape, v| tape.broadcast_multiply(v[0], v[0], ones));
}

#[test]
fn products() {
    for (lengths, width) in shapes() {
        let (offsets, outer) = (offsets(&lengths), 3);
        let tokens = offsets.total();
        let dense = [input(1, tokens, width), input(2, offsets.rows() * width, outer)];
        let found = agrees(&dense, &offsets, |offsets, tape, v| {
            tape.dense_product(v[0], v[1], offsets)
        });
        assert_eq!(found.value.len(), tokens * outer);
        let jagged = [input(1, tokens, width), input(2, tokens, outer)];
        let found = agrees(&jagged, &offsets, |offsets, tape, v| {
            tape.jagged_product(v[0], v[1], offsets)
        });
        assert_eq!(found.value.len(), offsets.rows() * width * outer);
        agrees(&jagged[..1], &offsets, |offsets, tape, v| {
            tape.jagged_product(v[0], v[0], offsets)
        });
    }
}

#[test]
fn joined_and_parted() {
    for (lengths, width) in shapes() {
        let front = offsets(&lengths);
        let back = offsets(&lengths.iter().rev().map(|n| n / 2).collect::<Vec<_>>());
        let whole = concat_offsets((&front, &back)).unwrap();
        assert_eq!(split_offsets(&whole, &lengths).unwrap(), (front.clone(), back.clone()));
        let parts = [input(1, front.total(), width), input(2, back.total(), width)];
        let context = (front, back);
        let joined = agrees(&parts, &context, |(front, back), tape, v| {
            tape.concat_rows(v[0], v[1], (front, back))
        });
        let x = [(joined.value, width)];
        for second in [false, true] {
            let found = agrees(&x, &context, |(front, back), tape, v| {
                let (one, other) = tape.split_rows(v[0], (front, back))?;
                Ok(if second { other } else { one })
            });
            assert_eq!(found.value, parts[usize::from(second)].0);
        }
        let round = agrees(&x, &context, |(front, back), tape, v| {
            let (one, other) = tape.split_rows(v[0], (front, back))?;
            tape.concat_rows(one, other, (front, back))
        });
        assert_eq!(round.value, x[0].0);
        let up = &super::UPSTREAM[..round.value.len()];
        assert_eq!(round.gradients[0].as_deref(), Some(up));
    }
}

#[test]
fn padded_and_back() {
    for (lengths, width) in shapes() {
        let offsets = offsets(&lengths);
        let length = offsets.longest() + 1;
        let x = [input(1, offsets.total(), width)];
        let padded = agrees(&x, &offsets, |offsets, tape, v| {
            tape.to_padded(v[0], offsets, length, -7.0)
        });
        assert_eq!(padded.value.len(), offsets.rows() * length * width);
        let back = agrees(&[(padded.value, width)], &offsets, |offsets, tape, v| {
            tape.from_padded(v[0], offsets, length)
        });
        assert_eq!(back.value, x[0].0);
    }
}
