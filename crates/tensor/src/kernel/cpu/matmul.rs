//! Matrix products, by the `gemm` crate.

use crate::meter::Meter;

/// A matrix somewhere in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    values: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// Row after row of `width` numbers.
    pub(crate) fn rows(values: &'a [f32], width: usize) -> View<'a> {
        View { values, row_stride: width, column_stride: 1 }
    }

    /// Rows become columns.
    pub(super) fn transposed(self) -> View<'a> {
        View {
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            values: self.values,
        }
    }

    fn holds(self, rows: usize, columns: usize) -> bool {
        rows == 0
            || columns == 0
            || (rows - 1) * self.row_stride + (columns - 1) * self.column_stride
                < self.values.len()
    }
}

/// Sizes of a product: `[m, k] × [k, n]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
}

/// `c = a b`, or `c += a b`; `c [m, n]` row after row. One thread.
#[allow(unsafe_code, reason = "gemm's interface is raw pointers and strides")]
pub(crate) fn product(
    meter: &Meter,
    Size { m, n, k }: Size,
    a: View<'_>,
    b: View<'_>,
    c: &mut [f32],
    accumulate: bool,
) {
    assert!(a.holds(m, k) && b.holds(k, n) && c.len() >= m * n, "operands hold the product");
    if k == 0 {
        if !accumulate {
            c[..m * n].fill(0.0);
        }
        return;
    }
    let step = |stride: usize| isize::try_from(stride).expect("strides lie within a slice");
    meter.product(2 * (m * n) as u64 * k as u64, || {
        // SAFETY: the assertion above bounds every element that these strides reach; `c` is
        // borrowed mutably, so it overlaps neither operand.
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                c.as_mut_ptr(),
                1,
                step(n),
                accumulate,
                a.values.as_ptr(),
                step(a.column_stride),
                step(a.row_stride),
                b.values.as_ptr(),
                step(b.column_stride),
                step(b.row_stride),
                1.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    });
}
