//! What does not fit is refused with words, on every device, and never a panic.

use tensor::op::jagged::{
    add, add_backward, broadcast_add, broadcast_add_backward, broadcast_multiply,
    broadcast_multiply_backward, concat, concat_backward, concat_offsets, dense_product,
    dense_product_backward, from_padded, from_padded_backward, jagged_product,
    jagged_product_backward, multiply, multiply_backward, segment_max, segment_max_backward,
    segment_mean, segment_mean_backward, segment_sum, segment_sum_backward, select,
    select_backward, softmax, softmax_backward, split, split_backward, split_offsets, subtract,
    subtract_backward, to_padded, to_padded_backward,
};
use tensor::{Device, Error, Offsets, Pair, PairMut, Pick, Result};

use super::offsets;

const DEVICES: [Device; 3] = [Device::Reference, Device::Cpu, Device::Cuda];

/// Runs with buffers of these sizes, which fit, then with each of them a value shorter, a value
/// longer, and empty.
fn needs(sizes: &[usize], run: impl Fn(Device, &mut [Vec<f32>]) -> Result<()>) {
    let buffers = || sizes.iter().map(|size| vec![0.5; *size]).collect::<Vec<_>>();
    for device in [Device::Reference, Device::Cpu] {
        run(device, &mut buffers()).unwrap();
    }
    for device in DEVICES {
        for (which, size) in sizes.iter().enumerate() {
            for wrong in [size - 1, size + 1, 0] {
                let mut buffers = buffers();
                buffers[which].resize(wrong, 0.5);
                let before = buffers.clone();
                let refusal = run(device, &mut buffers);
                assert!(
                    matches!(refusal, Err(Error::Shape { .. })),
                    "buffer {which} of {wrong} values, not {size}: {refusal:?}"
                );
                assert_eq!(buffers, before, "written although refused");
            }
        }
    }
}

/// As [`needs`], for `[left, right, out]`.
fn needs_pair(sizes: [usize; 3], run: impl Fn(Device, Pair<'_>, &mut [f32]) -> Result<()>) {
    needs(&sizes, |device, buffers| {
        let [left, right, out] = buffers else { unreachable!() };
        run(device, Pair { left, right }, out)
    });
}

/// As [`needs`], for `[left, right, gradient, left gradient, right gradient]`.
fn needs_pair_backward(
    sizes: [usize; 3],
    run: impl Fn(Device, Pair<'_>, &[f32], PairMut<'_>) -> Result<()>,
) {
    let [left, right, out] = sizes;
    needs(&[left, right, out, left, right], |device, buffers| {
        let [left, right, gradient, to_left, to_right] = buffers else { unreachable!() };
        run(device, Pair { left, right }, gradient, PairMut { left: to_left, right: to_right })
    });
}

/// As [`needs`], for `[gradient, left gradient, right gradient]`.
fn needs_two_outputs(
    sizes: [usize; 3],
    run: impl Fn(Device, &[f32], PairMut<'_>) -> Result<()>,
) {
    needs(&sizes, |device, buffers| {
        let [gradient, left, right] = buffers else { unreachable!() };
        run(device, gradient, PairMut { left, right })
    });
}

/// As [`needs`], for `[values, out]`.
fn needs_one(sizes: [usize; 2], run: impl Fn(Device, &[f32], &mut [f32]) -> Result<()>) {
    needs(&sizes, |device, buffers| {
        let [values, out] = buffers else { unreachable!() };
        run(device, values, out)
    });
}

/// Rows of 2, 0 and 3 tokens.
fn rows() -> Offsets {
    offsets(&[2, 0, 3])
}

#[test]
fn wrong_sizes_of_two_operands() {
    let (rows, width) = (rows(), 4);
    let both = (&rows, &rows);
    needs_pair([20, 20, 20], |device, operands, out| add(device, operands, width, both, out));
    needs_pair([20, 20, 20], |device, operands, out| {
        subtract(device, operands, width, both, out)
    });
    needs_pair([20, 20, 20], |device, operands, out| {
        multiply(device, operands, width, both, out)
    });
    needs_two_outputs([20, 20, 20], |device, up, to| add_backward(device, up, false, to));
    needs_two_outputs([20, 20, 20], |device, up, to| subtract_backward(device, up, false, to));
    needs_pair_backward([20, 20, 20], |device, operands, up, to| {
        multiply_backward(device, operands, up, false, to)
    });

    needs_pair([20, 12, 20], |device, operands, out| {
        broadcast_add(device, operands, width, &rows, out)
    });
    needs_pair([20, 12, 20], |device, operands, out| {
        broadcast_multiply(device, operands, width, &rows, out)
    });
    needs_two_outputs([20, 20, 12], |device, up, to| {
        broadcast_add_backward(device, up, width, &rows, true, to)
    });
    needs_pair_backward([20, 12, 20], |device, operands, up, to| {
        broadcast_multiply_backward(device, operands, up, width, &rows, true, to)
    });

    let widths = (4, 3);
    needs_pair([20, 36, 15], |device, operands, out| {
        dense_product(device, operands, widths, &rows, out)
    });
    needs_pair_backward([20, 36, 15], |device, operands, up, to| {
        dense_product_backward(device, operands, up, widths, &rows, true, to)
    });
    needs_pair([20, 15, 36], |device, operands, out| {
        jagged_product(device, operands, widths, &rows, out)
    });
    needs_pair_backward([20, 15, 36], |device, operands, up, to| {
        jagged_product_backward(device, operands, up, widths, &rows, true, to)
    });

    let others = offsets(&[1, 1, 0]);
    let both = (&rows, &others);
    needs_pair([20, 8, 28], |device, operands, out| concat(device, operands, width, both, out));
    needs_two_outputs([28, 20, 8], |device, up, to| {
        concat_backward(device, up, width, both, true, to)
    });
    needs_two_outputs([28, 20, 8], |device, values, to| split(device, values, width, both, to));
    needs_pair([20, 8, 28], |device, up, out| {
        split_backward(device, up, width, both, true, out)
    });
}

#[test]
fn wrong_sizes_of_one_operand() {
    let (rows, width) = (rows(), 4);
    needs_one([20, 20], |device, values, out| softmax(device, values, width, &rows, out));
    needs_pair([20, 20, 20], |device, read, out| {
        softmax_backward(device, read.left, read.right, width, &rows, false, out)
    });
    needs_one([20, 12], |device, values, out| segment_sum(device, values, width, &rows, out));
    needs_one([20, 12], |device, values, out| segment_mean(device, values, width, &rows, out));
    needs_one([20, 12], |device, values, out| {
        segment_max(device, values, width, &rows, out, &mut [0; 12])
    });
    needs_one([12, 20], |device, up, out| {
        segment_sum_backward(device, up, width, &rows, false, out)
    });
    needs_one([12, 20], |device, up, out| {
        segment_mean_backward(device, up, width, &rows, false, out)
    });
    let tokens = [0, 0, 0, 1, u32::MAX, u32::MAX, u32::MAX, u32::MAX, 2, 3, 4, 4];
    needs_one([12, 20], |device, up, out| {
        segment_max_backward(device, &tokens, up, width, &rows, false, out)
    });
    let picks = [Pick::Token { row: 2, index: 2 }, Pick::Nothing];
    needs_one([20, 8], |device, values, out| select(device, values, width, &rows, &picks, out));
    needs_one([8, 20], |device, up, out| {
        select_backward(device, up, width, &rows, &picks, false, out)
    });
    needs_one([20, 36], |device, values, out| {
        to_padded(device, values, width, &rows, 3, 0.0, out)
    });
    needs_one([36, 20], |device, up, out| {
        to_padded_backward(device, up, width, &rows, 3, false, out)
    });
    needs_one([36, 20], |device, padded, out| {
        from_padded(device, padded, width, &rows, 3, out)
    });
    needs_one([20, 36], |device, up, out| {
        from_padded_backward(device, up, width, &rows, 3, false, out)
    });
}

/// The words of a refusal.
fn words<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_row_longer_than_the_padding_is_never_cut() {
    for device in DEVICES {
        let refusal = words(to_padded(device, &[0.0; 5], 1, &rows(), 2, 0.0, &mut [0.0; 6]));
        assert_eq!(refusal, "jagged to padded: row 2 has 3 tokens, room is for 2");
        let refusal = words(from_padded(device, &[0.0; 6], 1, &rows(), 2, &mut [0.0; 5]));
        assert_eq!(refusal, "jagged from padded: row 2 has 3 tokens, room is for 2");
    }
}

#[test]
fn rows_that_differ() {
    let (rows, others, fewer) = (rows(), offsets(&[2, 1, 2]), offsets(&[5]));
    let operands = Pair { left: &[0.0; 5], right: &[0.0; 5] };
    let with = |others| words(add(Device::Cpu, operands, 1, (&rows, others), &mut [0.0; 5]));
    assert_eq!(with(&others), "jagged add: row 1 ends at 2 on the left and at 3 on the right");
    assert_eq!(with(&fewer), "jagged add: 3 rows on the left and 1 on the right");
    let refusal = words(concat_offsets((&rows, &fewer)));
    assert_eq!(refusal, "jagged concat: 3 rows on the left and 1 on the right");
    let refusal = words(concat(Device::Cpu, operands, 1, (&rows, &fewer), &mut [0.0; 10]));
    assert_eq!(refusal, "jagged concat: 3 rows on the left and 1 on the right");
    let refusal = words(split_offsets(&rows, &[2, 0, 4]));
    assert_eq!(refusal, "jagged split: row 2 has 3 tokens, not 4");
    let refusal = words(split_offsets(&rows, &[2, 0]));
    assert_eq!(refusal, "jagged split: lengths holds 2 values, needs [3]");
}

#[test]
fn concatenated_rows_that_pass_the_offsets() {
    let half = offsets(&[i32::MAX as usize]);
    let refusal = words(concat_offsets((&half, &offsets(&[1]))));
    assert_eq!(refusal, "offsets: pass 2^31 - 1 values at row 0");
}

#[test]
fn picks_of_no_token() {
    let with = |row, index| {
        let picks = [Pick::Nothing, Pick::Token { row, index }];
        words(select(Device::Cpu, &[0.0; 5], 1, &rows(), &picks, &mut [0.0; 2]))
    };
    assert_eq!(with(3, 0), "jagged select: pick 1 is of row 3, there are 3");
    assert_eq!(with(1, 0), "jagged select: pick 1 is token 0 of row 1, which has 0");
    assert_eq!(with(2, 3), "jagged select: pick 1 is token 3 of row 2, which has 3");
}

#[test]
fn largest_tokens_of_other_rows() {
    let with = |tokens: &[u32]| {
        let up = [0.0; 3];
        let out = &mut [0.0; 5];
        words(segment_max_backward(Device::Cpu, tokens, &up, 1, &rows(), false, out))
    };
    let name = "jagged segment max backward";
    assert_eq!(
        with(&[2, u32::MAX, 4]),
        format!("{name}: token 2 is not in row 0, which is 0..2")
    );
    assert_eq!(with(&[0, 1, 4]), format!("{name}: token 1 is not in row 1, which is 2..2"));
    assert_eq!(with(&[0, 1]), format!("{name}: tokens holds 2 values, needs [3, 1]"));
}

#[test]
fn widths_and_lengths_beyond_reason() {
    let empty = offsets(&[]);
    let hollow = offsets(&[0, 0]);
    for device in [Device::Reference, Device::Cpu] {
        for width in [0, (1 << 24) + 1, usize::MAX] {
            for rows in [&empty, &hollow] {
                let operands = Pair { left: &[], right: &[] };
                words(softmax(device, &[], width, rows, &mut []));
                words(segment_sum_backward(device, &[], width, rows, false, &mut []));
                words(dense_product(device, operands, (width, 1), rows, &mut []));
                words(jagged_product(device, operands, (1, width), rows, &mut []));
                words(to_padded(device, &[], width, rows, 1, 0.0, &mut []));
            }
        }
        words(softmax(device, &[0.0; 5], usize::MAX / 4, &rows(), &mut [0.0; 5]));
        words(to_padded(device, &[0.0; 5], 1, &rows(), usize::MAX, 0.0, &mut []));
        // Nothing to pad, so that any length is right.
        to_padded(device, &[], 1 << 24, &empty, usize::MAX, 0.0, &mut []).unwrap();
        to_padded(device, &[], 3, &hollow, 0, 0.0, &mut []).unwrap();
        from_padded_backward(device, &[], 3, &empty, usize::MAX, false, &mut []).unwrap();
        softmax(device, &[], 1 << 24, &hollow, &mut []).unwrap();
        dense_product(
            device,
            Pair { left: &[], right: &[] },
            (1 << 24, 1 << 24),
            &empty,
            &mut [],
        )
        .unwrap();
    }
}
