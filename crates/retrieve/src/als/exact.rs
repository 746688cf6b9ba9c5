//! One row of ALS, exactly: the normal equations by Cholesky factorisation.
//!
//! Hu, Koren, Volinsky: Collaborative filtering for implicit feedback datasets (ICDM 2008),
//! equations 4 and 5. With the Gram matrix YᵀY of all rows known, the matrix of one user is it
//! plus one outer product for each item that the user took:
//!
//! ```text
//! (YᵀY + Σ_i (c_i - 1) y_i y_iᵀ + λ I) x = Σ_i c_i y_i
//! ```

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::{MatMut, Par};

use super::table::add_gram;

/// Rows that are scaled and added at a time: the panel stays small however long a row is.
const PANEL_ROWS: usize = 4096;

/// Working memory, kept between rows.
#[derive(Default)]
pub(super) struct Exact {
    /// `[n, width]`
    panel: Vec<f32>,
    /// `[width, width]`
    matrix: Vec<f32>,
    right: Vec<f32>,
    /// For this width.
    stack: Option<(usize, MemBuffer)>,
}

impl Exact {
    /// Solves for one row, from its (vector, confidence) pairs; a vector may lack its padding. False where the matrix is not
    /// positive definite: numbers too large for f32, nothing else.
    pub(super) fn solve<'a>(
        &mut self,
        gram: &[f32],
        l2: f32,
        pairs: impl Iterator<Item = (&'a [f32], f32)>,
        solution: &mut [f32],
    ) -> bool {
        let width = solution.len();
        self.matrix.clear();
        self.matrix.extend_from_slice(gram);
        for at in 0..width {
            self.matrix[at * width + at] += l2;
        }
        self.right.clear();
        self.right.resize(width, 0.0);
        self.panel.clear();
        for (vector, confidence) in pairs {
            let root = (confidence - 1.0).sqrt();
            for (sum, value) in self.right.iter_mut().zip(vector) {
                *sum += confidence * value;
            }
            let end = self.panel.len() + width;
            self.panel.extend(vector.iter().map(|value| root * value));
            self.panel.resize(end, 0.0);
            if self.panel.len() == PANEL_ROWS * width {
                add_gram(&mut self.matrix, &self.panel, width);
                self.panel.clear();
            }
        }
        if !self.panel.is_empty() {
            add_gram(&mut self.matrix, &self.panel, width);
        }
        solution.copy_from_slice(&self.right);
        self.factor_and_solve(solution)
    }

    fn factor_and_solve(&mut self, solution: &mut [f32]) -> bool {
        let width = solution.len();
        if self.stack.as_ref().is_none_or(|(of, _)| *of < width) {
            let need = llt::factor::cholesky_in_place_scratch::<f32>(
                width,
                Par::Seq,
                Default::default(),
            );
            self.stack = Some((width, MemBuffer::new(need)));
        }
        let (_, stack) = self.stack.as_mut().expect("it was just made");
        let stack = MemStack::new(stack);
        let mut matrix = MatMut::from_column_major_slice_mut(&mut self.matrix, width, width);
        let factored = llt::factor::cholesky_in_place(
            matrix.as_mut(),
            Default::default(),
            Par::Seq,
            stack,
            Default::default(),
        );
        if factored.is_err() {
            return false;
        }
        let solution = MatMut::from_column_major_slice_mut(solution, width, 1);
        llt::solve::solve_in_place(matrix.as_ref(), solution, Par::Seq, stack);
        true
    }
}
