//! The matrix that ALS learns from: who took what, and how sure that is.

use data::Sequences;

use crate::{Error, Result};

/// Rows of (column, confidence), columns rising and distinct.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Confidence {
    /// Row `i` is `columns[offsets[i]..offsets[i + 1]]`, and so are its confidences.
    offsets: Vec<usize>,
    columns: Vec<u32>,
    confidences: Vec<f32>,
    column_count: u32,
}

/// One row: columns, and the confidence of each, which is never below 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConfidenceRow<'a> {
    pub(super) columns: &'a [u32],
    pub(super) confidences: &'a [f32],
}

impl Confidence {
    /// Users by items: 1 + alpha × the sum of the values of a user's events with an item (a sum
    /// below zero counts as zero: an event that was let through as positive is never less than
    /// nothing).
    pub(super) fn of_users(train: &Sequences, alpha: f64) -> Result<Confidence> {
        let mut matrix = Confidence {
            offsets: vec![0],
            columns: Vec::with_capacity(train.events()),
            confidences: Vec::with_capacity(train.events()),
            column_count: train.item_count(),
        };
        let mut row = Vec::new();
        for user in 0..train.users() as u32 {
            let history = train.user(user);
            sum_by_item(history.items, history.values, alpha, &mut row);
            for (item, confidence) in &row {
                if !confidence.is_finite() {
                    return Err(Error::Refused(format!(
                        "als: the confidence of user {user} in item {item} is {confidence}; \
                         lower models.als.alpha ({alpha}) or the values of the events"
                    )));
                }
                matrix.columns.push(*item);
                matrix.confidences.push(*confidence);
            }
            matrix.offsets.push(matrix.columns.len());
        }
        Ok(matrix)
    }

    /// Rows become columns.
    pub(super) fn transposed(&self) -> Confidence {
        let mut offsets = vec![0usize; self.column_count as usize + 1];
        for column in &self.columns {
            offsets[*column as usize + 1] += 1;
        }
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut next = offsets.clone();
        let mut columns = vec![0; self.columns.len()];
        let mut confidences = vec![0.0; self.columns.len()];
        for row in 0..self.rows() {
            let from = self.row(row);
            for (column, confidence) in from.columns.iter().zip(from.confidences) {
                let at = &mut next[*column as usize];
                columns[*at] = row as u32;
                confidences[*at] = *confidence;
                *at += 1;
            }
        }
        Confidence { offsets, columns, confidences, column_count: self.rows() as u32 }
    }

    pub(super) fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn row(&self, row: usize) -> ConfidenceRow<'_> {
        let range = self.offsets[row]..self.offsets[row + 1];
        ConfidenceRow {
            columns: &self.columns[range.clone()],
            confidences: &self.confidences[range],
        }
    }
}

/// Sums the values of equal items into `row`: (item, confidence) by rising item.
pub(super) fn sum_by_item(
    items: &[u32],
    values: &[f32],
    alpha: f64,
    row: &mut Vec<(u32, f32)>,
) {
    row.clear();
    row.extend(items.iter().copied().zip(values.iter().copied()));
    row.sort_by_key(|(item, _)| *item);
    row.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    for (_, value) in row {
        *value = (1.0 + alpha * f64::from(value.max(0.0))) as f32;
    }
}
