//! Scalar products with SIMD that is chosen when the program runs: the build targets any x86-64,
//! whose plain loops would use a quarter of the registers' width or less.

use pulp::{Arch, Simd, WithSimd};

/// Calls `each` with the index and the scalar product of every row of `rows` with `vector`.
pub(crate) fn score_rows(rows: &[f32], vector: &[f32], each: impl FnMut(usize, f32)) {
    if !vector.is_empty() {
        Arch::new().dispatch(ScoreRows { rows, vector, each });
    }
}

struct ScoreRows<'a, F> {
    rows: &'a [f32],
    vector: &'a [f32],
    each: F,
}

impl<F: FnMut(usize, f32)> WithSimd for ScoreRows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (vector, vector_rest) = S::as_simd_f32s(self.vector);
        for (index, row) in self.rows.chunks_exact(self.vector.len()).enumerate() {
            let (row, row_rest) = S::as_simd_f32s(row);
            let mut sums = [simd.splat_f32s(0.0); 2];
            let (pairs, last) = row.as_chunks::<2>();
            let (vector_pairs, vector_last) = vector.as_chunks::<2>();
            for (a, b) in pairs.iter().zip(vector_pairs) {
                sums[0] = simd.mul_add_f32s(a[0], b[0], sums[0]);
                sums[1] = simd.mul_add_f32s(a[1], b[1], sums[1]);
            }
            for (a, b) in last.iter().zip(vector_last) {
                sums[0] = simd.mul_add_f32s(*a, *b, sums[0]);
            }
            let mut score = simd.reduce_sum_f32s(simd.add_f32s(sums[0], sums[1]));
            for (a, b) in row_rest.iter().zip(vector_rest) {
                score += a * b;
            }
            (self.each)(index, score);
        }
    }
}

/// Adds `from` to `to`, float by float.
pub(crate) fn add(to: &mut [f32], from: &[f32]) {
    Arch::new().dispatch(Add { to, from });
}

struct Add<'a> {
    to: &'a mut [f32],
    from: &'a [f32],
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (to, from) in self.to.iter_mut().zip(self.from) {
            *to += from;
        }
    }
}
