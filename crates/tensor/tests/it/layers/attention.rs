//! Causal attention over jagged rows.

use proptest::prelude::*;
use tensor::kernel::Grad;
use tensor::kernel::reference::attention::{self as truth, Inputs};
use tensor::{AttentionShape, Device, Dropout, Offsets, Qkv};

use super::{How, Outcome, absent_on_cuda, agrees, close, input, offsets, room, run};
use crate::gradients::check;
use crate::numbers::{numbers, wide};

fn packed(values: &[f32], heads: usize, width: usize, offsets: &Offsets) -> Outcome {
    let inputs = [(values.to_vec(), 3 * width)];
    run(&inputs, offsets, How { device: Device::Cpu, ..How::default() }, &|offsets, tape, v| {
        tape.attention(Qkv::Packed(v[0]), heads, offsets, 0.0)
    })
    .unwrap()
}

#[test]
fn kernels_agree_at_every_head_width() {
    let offsets = offsets(&[0, 1, 5, 0, 33, 70, 2]);
    for head_width in [1, 4, 16, 25, 32, 64] {
        for heads in 1..=4 {
            let width = heads * head_width;
            let rows = offsets.total();
            agrees(&[input(1, rows, 3 * width)], &offsets, |offsets, tape, v| {
                tape.attention(Qkv::Packed(v[0]), heads, offsets, 0.0)
            });
            let split = [input(1, rows, width), input(2, rows, 2 * width)];
            agrees(&split, &offsets, |offsets, tape, v| {
                tape.attention(Qkv::Split { query: v[0], key_value: v[1] }, heads, offsets, 0.0)
            });
        }
    }
    absent_on_cuda(&[input(1, offsets.total(), 3)], &offsets, |offsets, tape, v| {
        tape.attention(Qkv::Packed(v[0]), 1, offsets, 0.0)
    });
}

#[test]
fn rows_that_end_on_borders_of_tiles() {
    for length in [1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 257] {
        for head_width in [4, 16] {
            let offsets = offsets(&[length]);
            agrees(&[input(3, length, 6 * head_width)], &offsets, |offsets, tape, v| {
                tape.attention(Qkv::Packed(v[0]), 2, offsets, 0.0)
            });
        }
    }
}

#[test]
fn weights_are_dropped_alike_on_every_kernel() {
    let offsets = offsets(&[3, 0, 40, 1, 150]);
    let rows = offsets.total();
    let inputs = [input(5, rows, 3 * 32)];
    let dropped = agrees(&inputs, &offsets, |offsets, tape, v| {
        tape.attention(Qkv::Packed(v[0]), 2, offsets, 0.5)
    });
    let whole = agrees(&inputs, &offsets, |offsets, tape, v| {
        tape.attention(Qkv::Packed(v[0]), 2, offsets, 0.0)
    });
    assert_ne!(dropped.value, whole.value);
    agrees(&[input(1, rows, 16), input(2, rows, 32)], &offsets, |offsets, tape, v| {
        tape.attention(Qkv::Split { query: v[0], key_value: v[1] }, 1, offsets, 0.2)
    });
}

#[test]
fn long_rows() {
    let offsets = offsets(&[1000, 0, 3000, 1]);
    let inputs = [input(3, offsets.total(), 12)];
    let on = |device| {
        let how = How { device, ..How::default() };
        run(&inputs, &offsets, how, &|offsets, tape, v| {
            tape.attention(Qkv::Packed(v[0]), 1, offsets, 0.0)
        })
        .unwrap()
    };
    let (truth, fast) = (on(Device::Reference), on(Device::Cpu));
    close("value", &truth.value, &fast.value);
    let gradient = |outcome: &Outcome| outcome.gradients[0].clone().unwrap();
    close("gradient", &gradient(&truth), &gradient(&fast));
}

#[test]
fn no_rows_and_empty_rows() {
    for lengths in [&[][..], &[0, 0, 0][..]] {
        let offsets = offsets(lengths);
        let found = agrees(&[(vec![], 12)], &offsets, |offsets, tape, v| {
            tape.attention(Qkv::Packed(v[0]), 2, offsets, 0.0)
        });
        assert!(found.value.is_empty());
    }
}

#[test]
fn gradients_are_right() {
    let shape = AttentionShape::split(2, 3);
    gradients_agree(shape);
    gradients_agree(AttentionShape { dropout: Dropout::new(0.4, 7), ..shape });
}

fn gradients_agree(shape: AttentionShape) {
    let offsets = offsets(&[3, 0, 1, 2]);
    let forward = |inputs: &[Vec<f64>]| {
        let (mut out, mut lse) = (room(36), room(12));
        let (query, key) = (&inputs[0][..], &inputs[1][..]);
        let inputs = Inputs { query, key, value: key };
        truth::forward(shape, &offsets, inputs, &mut out, &mut lse);
        (out, lse)
    };
    check(
        "attention",
        &[wide(1, 36), wide(2, 72)],
        |inputs| forward(inputs).0,
        |inputs, up| {
            let (out, lse) = forward(inputs);
            let (mut dquery, mut dothers) = (room(36), room(72));
            let (query, key) = (&inputs[0][..], &inputs[1][..]);
            let inputs = Inputs { query, key, value: key };
            let (to, others) = (Grad::fresh(&mut dquery), Some(Grad::fresh(&mut dothers)));
            truth::backward(shape, &offsets, inputs, &out, &lse, up, to, others);
            vec![dquery, dothers]
        },
    );
}

/// Scores of ±1e4 and beyond: one key takes it all.
#[test]
fn extreme_scores_stay_finite() {
    let (rows, width) = (70, 16);
    for size in [1e2f32, 1e4] {
        let mut values = numbers(5, rows * 3 * width);
        for row in values.chunks_exact_mut(3 * width) {
            row[..2 * width].iter_mut().for_each(|value| *value *= size.sqrt());
        }
        let found = packed(&values, 1, width, &offsets(&[rows]));
        let gradient = found.gradients[0].as_deref().unwrap();
        assert!(found.value.iter().chain(gradient).all(|value| value.is_finite()));
        assert!(found.value.iter().all(|value| value.abs() <= 1.0 + 1e-5), "a mean of values");
    }
}

/// Dense, padded and masked: every score computed, in f64.
fn padded(values: &[f32], heads: usize, width: usize, offsets: &Offsets) -> Vec<f32> {
    let (length, head_width) = (offsets.longest(), width / heads);
    let mut out = vec![0.0; offsets.total() * width];
    for range in offsets.ranges() {
        let at = |token: usize, column: usize| {
            let inside = token < range.len();
            let place = (range.start + token) * 3 * width + column;
            if inside { f64::from(values[place]) } else { 0.0 }
        };
        for head in 0..heads {
            for query in 0..range.len() {
                let first = head * head_width;
                let weights: Vec<f64> = (0..length)
                    .map(|key| {
                        let product: f64 = (first..first + head_width)
                            .map(|lane| at(query, lane) * at(key, width + lane))
                            .sum();
                        let masked = key > query || key >= range.len();
                        let score = product / (head_width as f64).sqrt();
                        if masked { 0.0 } else { score.exp() }
                    })
                    .collect();
                let total: f64 = weights.iter().sum();
                for lane in first..first + head_width {
                    let sum: f64 =
                        (0..length).map(|key| weights[key] * at(key, 2 * width + lane)).sum();
                    out[(range.start + query) * width + lane] = (sum / total) as f32;
                }
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn equals_padded_attention(
        lengths in prop::collection::vec(0usize..150, 0..6),
        heads in 1usize..5,
        head_width in 1usize..40,
        seed: u64,
    ) {
        let (offsets, width) = (offsets(&lengths), heads * head_width);
        let values = numbers(seed, offsets.total() * 3 * width);
        let found = packed(&values, heads, width, &offsets);
        close("padded", &padded(&values, heads, width, &offsets), &found.value);
    }

    /// To the bit, values and gradients.
    #[test]
    fn a_row_knows_nothing_of_other_rows(
        lengths in prop::collection::vec(0usize..90, 1..5),
        seed: u64,
    ) {
        let (heads, width) = (2, 40);
        let all = offsets(&lengths);
        let values = numbers(seed, all.total() * 3 * width);
        let whole = packed(&values, heads, width, &all);
        for range in all.ranges() {
            let own = &values[range.start * 3 * width..range.end * 3 * width];
            let alone = packed(own, heads, width, &offsets(&[range.len()]));
            prop_assert_eq!(&whole.value[range.start * width..range.end * width], alone.value);
        }
    }

    /// To the bit: changing a later token never changes what came before.
    #[test]
    fn the_future_is_not_seen(length in 2usize..300, share in 0.0f64..1.0, seed: u64) {
        let (heads, width) = (2, 20);
        let from = 1 + ((length - 1) as f64 * share) as usize;
        let mut values = numbers(seed, length * 3 * width);
        let before = packed(&values, heads, width, &offsets(&[length]));
        for value in &mut values[from * 3 * width..] {
            *value = 3.0 - 2.0 * *value;
        }
        let after = packed(&values, heads, width, &offsets(&[length]));
        prop_assert_eq!(&before.value[..from * width], &after.value[..from * width]);
        let cut = packed(&values[..from * 3 * width], heads, width, &offsets(&[from]));
        prop_assert_eq!(&before.value[..from * width], cut.value);
    }
}
