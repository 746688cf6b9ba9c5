//! Any rows: kernels agree, and jagged equals what padded tensors compute.

use proptest::collection::vec;
use proptest::prelude::*;
use tensor::op::jagged::{
    dense_product, from_padded, jagged_product, segment_mean, segment_sum, softmax, to_padded,
};
use tensor::{Device, Offsets, Pair};

use super::{broadcast, close, concat, elementwise, offsets, padded, product, segment, select};
use crate::numbers::numbers;

fn rows() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![2 => Just(0usize), 3 => Just(1), 6 => 0..30usize, 1 => 0..800usize], 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn kernels_agree(lengths in rows(), width in 1..40usize, outer in 1..40usize, seed in any::<u64>()) {
        elementwise::agrees(&lengths, width);
        broadcast::agrees(&lengths, width);
        product::agrees(&lengths, width, outer);
        super::softmax::agrees(&lengths, width);
        segment::agrees(&lengths, width);
        select::agrees(&lengths, width);
        padded::agrees(&lengths, width, outer - 1);
        let mut random = crate::numbers::Numbers::new(seed);
        let others: Vec<usize> = lengths.iter().map(|_| random.bits() as usize % 9).collect();
        concat::agrees(&lengths, &others, width);
    }

    #[test]
    fn jagged_is_padded(lengths in rows(), width in 1..9usize, outer in 1..9usize) {
        let offsets = offsets(&lengths);
        for device in [Device::Reference, Device::Cpu] {
            Padded::new(device, &offsets).compare(width, outer);
        }
    }
}

/// The same computed over `[B, N, d]`, all places of it.
struct Padded<'a> {
    device: Device,
    offsets: &'a Offsets,
    length: usize,
}

impl Padded<'_> {
    fn new(device: Device, offsets: &Offsets) -> Padded<'_> {
        Padded { device, offsets, length: offsets.longest() + 2 }
    }

    fn pad(&self, values: &[f32], width: usize, with: f32) -> Vec<f32> {
        let mut out = vec![0.0; self.offsets.rows() * self.length * width];
        to_padded(self.device, values, width, self.offsets, self.length, with, &mut out)
            .unwrap();
        out
    }

    fn strip(&self, padded: &[f32], width: usize) -> Vec<f32> {
        let mut out = vec![0.0; self.offsets.total() * width];
        from_padded(self.device, padded, width, self.offsets, self.length, &mut out).unwrap();
        out
    }

    fn compare(&self, width: usize, outer: usize) {
        let (device, offsets, length) = (self.device, self.offsets, self.length);
        let (rows, total) = (offsets.rows(), offsets.total());
        let values = numbers(1, total * width);
        let at =
            |row: usize, place: usize, column: usize| (row * length + place) * width + column;

        let zeros = self.pad(&values, width, 0.0);
        let (mut sum, mut mean) = (vec![0.0; rows * width], vec![0.0; rows * width]);
        segment_sum(device, &values, width, offsets, &mut sum).unwrap();
        segment_mean(device, &values, width, offsets, &mut mean).unwrap();
        for row in 0..rows {
            for column in 0..width {
                let dense: f32 = (0..length).map(|place| zeros[at(row, place, column)]).sum();
                close(&[dense], &[sum[row * width + column]]);
                let tokens = offsets.length(row).max(1) as f32;
                close(&[dense / tokens], &[mean[row * width + column]]);
            }
        }

        let mut masked = self.pad(&values, width, f32::NEG_INFINITY);
        for row in 0..rows {
            for column in 0..width {
                let weights = (0..length).map(|place| masked[at(row, place, column)].exp());
                let weights: Vec<f32> = weights.collect();
                let sum: f32 = weights.iter().sum();
                for (place, weight) in weights.iter().enumerate() {
                    masked[at(row, place, column)] = weight / sum;
                }
            }
        }
        let mut out = vec![0.0; total * width];
        softmax(device, &values, width, offsets, &mut out).unwrap();
        close(&self.strip(&masked, width), &out);

        self.compare_products(&values, &zeros, (width, outer));
    }

    fn compare_products(&self, values: &[f32], zeros: &[f32], widths: (usize, usize)) {
        let (device, offsets, length) = (self.device, self.offsets, self.length);
        let (width, outer) = widths;
        let (rows, total) = (offsets.rows(), offsets.total());
        let at =
            |row: usize, place: usize, column: usize| (row * length + place) * width + column;
        let matrices = numbers(2, rows * width * outer);
        let others = numbers(3, total * outer);
        let padded_others = self.pad(&others, outer, 0.0);

        let mut dense = vec![0.0; rows * length * outer];
        let mut grams = vec![0.0; rows * width * outer];
        for row in 0..rows {
            for place in 0..length {
                for column in 0..width {
                    let value = zeros[at(row, place, column)];
                    for e in 0..outer {
                        let (to, cell) =
                            ((row * length + place) * outer + e, row * width + column);
                        dense[to] += value * matrices[cell * outer + e];
                        grams[cell * outer + e] += value * padded_others[to];
                    }
                }
            }
        }
        let mut out = vec![0.0; total * outer];
        let operands = Pair { left: values, right: &matrices };
        dense_product(device, operands, widths, offsets, &mut out).unwrap();
        close(&self.strip(&dense, outer), &out);
        let mut out = vec![0.0; rows * width * outer];
        let operands = Pair { left: values, right: &others };
        jagged_product(device, operands, widths, offsets, &mut out).unwrap();
        close(&grams, &out);
    }
}
