//! The peak is operations by time, whatever the clock says.

use std::sync::atomic::{AtomicU64, Ordering};

use tensor::peak::gemm_gflops;

/// Every look at it is 30 ms later than the last: a round is two products and 90 ms.
fn ticking() -> u64 {
    static NOW: AtomicU64 = AtomicU64::new(0);
    NOW.fetch_add(30_000_000, Ordering::Relaxed)
}

#[test]
fn a_rate_is_operations_by_time() {
    let two_products = 2.0 * 2.0 * 384f64.powi(3);
    let wanted = two_products / 90e6;
    for threads in [0, 1] {
        let rate = gemm_gflops(threads, ticking);
        assert!((rate - wanted).abs() < 1e-9, "{rate}, not {wanted}");
    }
}
