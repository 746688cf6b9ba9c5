//! The loss of ALS, over all cells of the matrix, seen and not.
//!
//! Hu, Koren, Volinsky (ICDM 2008), equation 3, divided by the sum of all confidences (which is
//! 1 for a cell without an event) so that it can be compared between logs. With s = x · y, the
//! cells are counted without visiting them all: the Gram matrix gives Σ s² over every cell, and
//! a seen cell adds `c (1 - s)² - s² = c - 2 c s + (c - 1) s²`.

use rayon::prelude::*;

use super::confidence::Confidence;
use super::table::Table;

/// Rows whose losses are summed by one thread: fixed, so that the sum is.
const ROWS_A_SUM: usize = 256;

pub(super) fn loss(rows: &Confidence, users: &Table, items: &Table, l2: f64) -> f64 {
    let width = users.width;
    let gram = items.gram();
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let of_user = |user: usize, x: &[f32]| -> (f64, f64) {
        let unseen: f64 = gram
            .chunks_exact(width)
            .zip(x)
            .map(|(row, value)| f64::from(*value) * dot(row, x))
            .sum();
        let (mut loss, mut extra) = (unseen + l2 * dot(x, x), 0.0);
        let row = rows.row(user);
        for (item, confidence) in row.columns.iter().zip(row.confidences) {
            let score = dot(&items.values[*item as usize * width..][..width], x);
            let confidence = f64::from(*confidence);
            loss += confidence - 2.0 * confidence * score + (confidence - 1.0) * score * score;
            extra += confidence - 1.0;
        }
        (loss, extra)
    };
    let sums: Vec<(f64, f64)> = users
        .values
        .par_chunks(ROWS_A_SUM * width)
        .enumerate()
        .map(|(block, chunk)| {
            let users = chunk.chunks_exact(width).enumerate();
            users.fold((0.0, 0.0), |sum, (at, x)| {
                let (loss, extra) = of_user(block * ROWS_A_SUM + at, x);
                (sum.0 + loss, sum.1 + extra)
            })
        })
        .collect();
    let item_norm: f64 = items.values.iter().map(|value| f64::from(*value).powi(2)).sum();
    let loss: f64 = sums.iter().map(|(loss, _)| loss).sum::<f64>() + l2 * item_norm;
    let extra: f64 = sums.iter().map(|(_, extra)| extra).sum();
    let cells = (users.values.len() / width) as f64 * (items.values.len() / width) as f64;
    loss / (cells + extra)
}
