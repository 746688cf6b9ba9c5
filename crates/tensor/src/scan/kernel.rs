//! Scores of whole groups from one byte a number: the same integers on every processor.
//!
//! A kernel multiplies `Q` queries with groups of 16 rows, keeps the sums in registers, and
//! tells a [`Gate`] of the rows that reach its floor. All sums are exact (i32), so kernels
//! differ in time only.

mod portable;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod vnni;

use std::ops::Range;

use super::panel::{GROUP, Panel, Tile};

/// Which instructions the first pass of a scan is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// Plain Rust, on every processor; the reference of the others.
    Portable,
    /// AVX2: 16-bit products, added in pairs.
    Avx2,
    /// AVX-512 with VNNI: four 8-bit products an instruction and place.
    Avx512Vnni,
}

impl Kernel {
    /// Those that this processor runs, the slowest first.
    pub fn available() -> Vec<Kernel> {
        let all = [Kernel::Portable, Kernel::Avx2, Kernel::Avx512Vnni];
        all.into_iter().filter(|kernel| kernel.is_available()).collect()
    }

    /// The fastest that this processor runs.
    pub fn best() -> Kernel {
        Kernel::available().pop().unwrap_or(Kernel::Portable)
    }

    /// Whether this processor runs it.
    pub fn is_available(self) -> bool {
        match self {
            Kernel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512Vnni => {
                is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// Passes `tile`'s `Q` queries over `groups`. A kernel that this processor does not run
    /// gives way to the portable one.
    #[cfg_attr(
        target_arch = "x86_64",
        allow(unsafe_code, reason = "a function made of other instructions than its caller")
    )]
    pub(super) fn scan<const Q: usize>(
        self,
        panel: &Panel,
        groups: Range<usize>,
        tile: &Tile,
        gate: &mut impl Gate<Q>,
    ) {
        assert_eq!(tile.size, Q, "the tile has as many queries as the kernel");
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512Vnni if self.is_available() => {
                // SAFETY: the processor has avx512f and avx512vnni, asked in the line above.
                unsafe { vnni::scan::<Q>(panel, groups, tile, gate) }
            }
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 if self.is_available() => {
                // SAFETY: the processor has avx2, asked in the line above.
                unsafe { avx2::scan::<Q>(panel, groups, tile, gate) }
            }
            _ => portable::scan::<Q>(panel, groups, tile, gate),
        }
    }
}

/// Who wants to know of rows.
pub(super) trait Gate<const Q: usize> {
    /// What `scale · sum` must reach in group `group`, for each query.
    fn floors(&self, group: usize) -> [f32; Q];

    /// Rows of `group` whose bit is set in `reach` reach the floor of query `query` of the
    /// tile; `sums` are the products of codes.
    fn take(&mut self, query: usize, group: usize, reach: u16, sums: &[i32; GROUP]);
}
