//! Jagged operations: every kernel against the reference, its gradients against differences.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]
#![allow(
    clippy::float_cmp,
    reason = "what is copied or computed in one order is equal to the bit"
)]

mod broadcast;
mod concat;
mod elementwise;
mod padded;
mod product;
mod random;
mod refusals;
mod segment;
mod select;
mod softmax;

use std::sync::LazyLock;

use tensor::{Device, Error, Offsets, Result};

use crate::numbers::numbers;

/// Largest difference between kernels, by the largest value of the tensor (or 1).
const TOLERANCE: f32 = 2e-5;

/// Pools that must give the same bits.
static POOLS: LazyLock<Vec<rayon::ThreadPool>> = LazyLock::new(|| {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    vec![pool(1), pool(3)]
});

/// Lengths of rows and a width: everything that ever went wrong with jagged rows.
fn shapes() -> Vec<(Vec<usize>, usize)> {
    vec![
        (vec![], 3),
        (vec![0, 0, 0], 2),
        (vec![1], 1),
        (vec![1; 6], 5),
        (vec![3, 0, 1, 7, 0], 1),
        (vec![0, 2, 0, 0, 40, 5], 7),
        (vec![5000, 0, 3], 3),
        (vec![2, 5000], 1),
        (vec![0, 6000, 1], 33),
        ((0..700).map(|row| row * 7 % 23).collect(), 16),
        ((0..300).map(|row| row * row % 31).collect(), 4),
    ]
}

/// Shapes small enough for differences.
fn small_shapes() -> Vec<(Vec<usize>, usize)> {
    vec![(vec![], 2), (vec![0, 0], 1), (vec![1], 1), (vec![3, 0, 1, 4], 3), (vec![0, 6, 2], 1)]
}

fn offsets(lengths: &[usize]) -> Offsets {
    Offsets::from_lengths(lengths).unwrap()
}

/// Runs an operation on every kernel and compares; the outputs are buffers of these sizes. Gives
/// what the CPU computed.
fn forward(
    sizes: &[usize],
    run: impl Fn(Device, &mut [Vec<f32>]) -> Result<()> + Sync,
) -> Vec<Vec<f32>> {
    // NaN: what an operation does not write shows.
    let fresh = || sizes.iter().map(|size| vec![f32::NAN; *size]).collect::<Vec<_>>();
    let on = |device| {
        let mut out = fresh();
        run(device, &mut out).unwrap();
        out
    };
    let (truth, fast) = (on(Device::Reference), on(Device::Cpu));
    for (truth, fast) in truth.iter().zip(&fast) {
        close(truth, fast);
    }
    for pool in POOLS.iter() {
        assert_eq!(pool.install(|| on(Device::Cpu)), fast, "bits depend on the threads");
    }
    let mut out = fresh();
    assert_eq!(run(Device::Cuda, &mut out), Err(Error::Absent { device: "cuda" }));
    assert!(out.iter().flatten().all(|value| value.is_nan()), "written before it was refused");
    fast
}

/// [`forward`] of a backward pass, which also takes `accumulate`.
fn backward(
    sizes: &[usize],
    run: impl Fn(Device, bool, &mut [Vec<f32>]) -> Result<()> + Sync,
) -> Vec<Vec<f32>> {
    let gradients = forward(sizes, |device, out| run(device, false, out));
    for device in [Device::Reference, Device::Cpu] {
        let before: Vec<Vec<f32>> = sizes.iter().map(|size| numbers(77, *size)).collect();
        let mut after = before.clone();
        run(device, true, &mut after).unwrap();
        for ((before, after), gradient) in before.iter().zip(&after).zip(&gradients) {
            let sum: Vec<f32> = before.iter().zip(gradient).map(|(x, y)| x + y).collect();
            close(&sum, after);
        }
    }
    gradients
}

/// Two tensors are equal but for rounding.
#[track_caller]
fn close(truth: &[f32], found: &[f32]) {
    assert_eq!(truth.len(), found.len());
    let peak = truth.iter().fold(1.0f32, |peak, value| peak.max(value.abs()));
    for (at, (truth, found)) in truth.iter().zip(found).enumerate() {
        let error = (truth - found).abs();
        assert!(error <= TOLERANCE * peak, "at {at}: {found}, should be {truth}");
    }
}

/// The two buffers of a pair.
fn two(out: &mut [Vec<f32>]) -> tensor::PairMut<'_> {
    let [left, right] = out else { panic!("two buffers") };
    tensor::PairMut { left, right }
}
