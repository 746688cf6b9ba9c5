//! What a step costs: floating-point operations, and the time inside matrix products.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts work. Cheap enough to be always on; time is measured only with a clock.
#[derive(Debug, Default)]
pub struct Meter {
    flops: AtomicU64,
    product_flops: AtomicU64,
    product_nanos: AtomicU64,
    clock: Option<fn() -> u64>,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Multiplications and additions of products and attention.
    pub flops: u64,
    /// Those of matrix products alone.
    pub product_flops: u64,
    /// Nanoseconds inside matrix products, summed over threads; 0 without a clock.
    pub product_nanos: u64,
}

impl Meter {
    /// Counts operations.
    pub fn new() -> Meter {
        Meter::default()
    }

    /// Counts operations and the time of products, by a clock of nanoseconds.
    pub fn with_clock(clock: fn() -> u64) -> Meter {
        Meter { clock: Some(clock), ..Meter::default() }
    }

    /// What was counted since the last time this was asked.
    pub fn take(&self) -> Counted {
        Counted {
            flops: self.flops.swap(0, Ordering::Relaxed),
            product_flops: self.product_flops.swap(0, Ordering::Relaxed),
            product_nanos: self.product_nanos.swap(0, Ordering::Relaxed),
        }
    }

    /// Notes operations outside of products.
    pub(crate) fn note(&self, flops: u64) {
        self.flops.fetch_add(flops, Ordering::Relaxed);
    }

    /// Runs a product of so many operations.
    #[inline]
    pub(crate) fn product(&self, flops: u64, work: impl FnOnce()) {
        self.flops.fetch_add(flops, Ordering::Relaxed);
        self.product_flops.fetch_add(flops, Ordering::Relaxed);
        match self.clock {
            None => work(),
            Some(clock) => {
                let begin = clock();
                work();
                let nanos = clock().saturating_sub(begin);
                self.product_nanos.fetch_add(nanos, Ordering::Relaxed);
            }
        }
    }
}
