//! How fast this machine multiplies: what a rate of a training is a share of.

use crate::kernel::cpu::matmul::{Size, View, product};
use crate::meter::Meter;

/// Rows and columns of the matrices: 3 × 576 KiB a thread, so that what is measured is
/// arithmetic and not the memory.
const SIDE: usize = 384;
/// Nanoseconds of one round.
const ROUND: u64 = 60_000_000;
/// What bounds a round where the clock does not.
const PRODUCTS_MAX: usize = 1_000;
/// The best round counts: others may have been disturbed.
const ROUNDS: usize = 4;

/// GFLOP/s (10⁹ multiplications and additions a second) of `f32` matrix products by the library
/// that every layer here uses, on `threads` threads (0 counts as 1) that each multiply
/// `[384, 384] × [384, 384]` again and again.
///
/// The best of 4 rounds; the whole takes about 0.25 s, and says too little where others compute
/// meanwhile. `nanos` is a clock of nanoseconds that never goes back; by one that stands still the
/// rate is 0.
///
/// It is a peak for products of this size: large ones in a training come close, narrow ones and
/// everything beside products do not.
pub fn gemm_gflops(threads: usize, nanos: fn() -> u64) -> f64 {
    (0..ROUNDS).map(|_| round(threads.max(1), nanos)).fold(0.0, f64::max)
}

/// The sum of the rates of all threads in one round.
fn round(threads: usize, nanos: fn() -> u64) -> f64 {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(move || one(nanos))).collect();
        all.into_iter().map(|one| one.join().unwrap_or(0.0)).sum()
    })
}

/// The rate of one thread, in GFLOP/s: operations a nanosecond.
fn one(nanos: fn() -> u64) -> f64 {
    let a: Vec<f32> = (0..SIDE * SIDE).map(|at| (at % 7) as f32 * 0.125).collect();
    let mut c = vec![0.0; SIDE * SIDE];
    let (meter, size) = (Meter::new(), Size { m: SIDE, n: SIDE, k: SIDE });
    let multiply = |c: &mut [f32]| {
        product(&meter, size, View::rows(&a, SIDE), View::rows(&a, SIDE), c, false);
    };
    // The first one takes memory and warms up.
    multiply(&mut c);
    meter.take();
    let began = nanos();
    for _ in 0..PRODUCTS_MAX {
        multiply(&mut c);
        if nanos().saturating_sub(began) >= ROUND {
            break;
        }
    }
    std::hint::black_box(&c);
    match nanos().saturating_sub(began) {
        0 => 0.0,
        passed => meter.take().flops as f64 / passed as f64,
    }
}
