//! Layers of the tape: the fast kernels against the reference, on memory full of NaN, whatever
//! the number of threads; gradients against differences; what each promises.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]
#![allow(
    clippy::float_cmp,
    reason = "what is copied or computed in one order is equal to the bit"
)]

mod attention;
mod columns;
mod dropout;
mod elementwise;
mod gate;
mod gather;
mod golden;
mod jagged;
mod linear;
mod norm;
mod pointwise_attention;
mod refusals;
mod sampled_loss;
mod several_readers;

use std::sync::LazyLock;

use tensor::{Device, Error, Offsets, Parameters, Result, Tape, Var, Workspace};

use crate::numbers::numbers;

/// Largest difference between kernels, by the largest value of the tensor.
const TOLERANCE: f32 = 3e-5;

/// A tensor of smaller numbers than this is as good as zero.
const SMALL: f32 = 2e-3;

/// A leaf: values and their width.
type Input = (Vec<f32>, usize);

static PARAMETERS: LazyLock<Parameters> = LazyLock::new(Parameters::new);
/// Weights of outputs in the sum that gradients are taken of.
static UPSTREAM: LazyLock<Vec<f32>> = LazyLock::new(|| numbers(0x0b5, 1 << 20));
static NANS: LazyLock<Vec<f32>> = LazyLock::new(|| vec![f32::NAN; 1 << 20]);
/// Pools that must give the same bits.
static POOLS: LazyLock<Vec<rayon::ThreadPool>> = LazyLock::new(|| {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    vec![pool(1), pool(3)]
});

/// What a layer gave: its value, and the gradient of each input that is no constant.
#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    value: Vec<f32>,
    gradients: Vec<Option<Vec<f32>>>,
}

/// How to run it.
#[derive(Clone, Copy, Default)]
struct How {
    device: Device,
    /// An input that no gradient is wanted of.
    constant: Option<usize>,
    /// Whether every input has another reader, whose gradient is there first.
    read_again: bool,
}

fn offsets(lengths: &[usize]) -> Offsets {
    Offsets::from_lengths(lengths).unwrap()
}

/// `[rows, width]` numbers in −1..1.
fn input(seed: u64, rows: usize, width: usize) -> Input {
    (numbers(seed, rows * width), width)
}

/// Runs a layer in memory that is full of NaN.
fn run<C: Sync>(
    inputs: &[Input],
    context: &C,
    how: How,
    build: &(impl for<'t> Fn(&'t C, &mut Tape<'t>, &[Var]) -> Result<Var> + Sync),
) -> Result<Outcome> {
    let mut workspace = Workspace::new(how.device);
    for nan in [true, false] {
        let mut tape = Tape::training(&PARAMETERS, &mut workspace, 7);
        let mut vars = Vec::new();
        for (at, (values, width)) in inputs.iter().enumerate() {
            let values = if nan { &NANS[..values.len()] } else { &values[..] };
            vars.push(match how.constant == Some(at) {
                true => tape.constant(values, *width)?,
                false => tape.leaf(values, *width)?,
            });
        }
        let y = build(context, &mut tape, &vars)?;
        let value = tape.value(y).to_vec();
        let mut loss = tape.weighted_sum(y, &UPSTREAM[..value.len()])?;
        if how.read_again {
            for (var, (values, _)) in vars.iter().zip(inputs) {
                let more = tape.weighted_sum(*var, &UPSTREAM[1..=values.len()])?;
                loss = tape.residual(loss, more, 0.0)?;
            }
        }
        let gradients = tape.backward_checked(loss, !nan);
        if nan {
            gradients?.recycle(&mut workspace.buffers);
            continue;
        }
        let gradients = gradients?;
        let found = vars.iter().map(|var| gradients.leaf(*var).map(<[f32]>::to_vec));
        return Ok(Outcome { value, gradients: found.collect() });
    }
    unreachable!("the second round returns")
}

/// The whole check of a layer; gives what the CPU computed.
#[track_caller]
fn agrees<C: Sync>(
    inputs: &[Input],
    context: &C,
    build: impl for<'t> Fn(&'t C, &mut Tape<'t>, &[Var]) -> Result<Var> + Sync,
) -> Outcome {
    agrees_above(SMALL, inputs, context, build)
}

/// [`agrees`], where gradients are sums whose terms are of size `terms` and may cancel: their
/// rounding is that of the terms.
#[track_caller]
fn agrees_above<C: Sync>(
    terms: f32,
    inputs: &[Input],
    context: &C,
    build: impl for<'t> Fn(&'t C, &mut Tape<'t>, &[Var]) -> Result<Var> + Sync,
) -> Outcome {
    let on = |device| How { device, ..How::default() };
    let truth = run(inputs, context, on(Device::Reference), &build).unwrap();
    let fast = run(inputs, context, on(Device::Cpu), &build).unwrap();
    close("value", &truth.value, &fast.value);
    for (at, (truth, fast)) in truth.gradients.iter().zip(&fast.gradients).enumerate() {
        let name = format!("gradient {at}");
        let (truth, fast) = (truth.as_deref(), fast.as_deref());
        let (truth, fast) = (truth.unwrap_or_default(), fast.unwrap_or_default());
        close_above(terms, TOLERANCE, &name, truth, fast);
    }
    for pool in POOLS.iter() {
        let other = pool.install(|| run(inputs, context, on(Device::Cpu), &build)).unwrap();
        assert_eq!(other, fast, "bits depend on the threads");
    }
    for device in [Device::Reference, Device::Cpu] {
        let alone = if device == Device::Cpu { &fast } else { &truth };
        let how = How { read_again: true, ..on(device) };
        let again = run(inputs, context, how, &build).unwrap();
        for (at, (values, _)) in inputs.iter().enumerate() {
            let Some(alone) = &alone.gradients[at] else { continue };
            let sum: Vec<f32> = (0..values.len()).map(|i| alone[i] + UPSTREAM[1 + i]).collect();
            let found = again.gradients[at].as_deref().unwrap();
            close(&format!("sum of gradients {at}"), &sum, found);
        }
        for constant in 0..inputs.len() {
            let how = How { constant: Some(constant), ..on(device) };
            let found = run(inputs, context, how, &build).unwrap();
            assert_eq!(found.value, alone.value);
            for (at, gradient) in found.gradients.iter().enumerate() {
                let truth = if at == constant { &None } else { &alone.gradients[at] };
                assert_eq!(gradient, truth, "gradient {at} with {constant} a constant");
            }
        }
    }
    fast
}

/// A layer that has kernels of its own refuses a device that there is not.
#[track_caller]
fn absent_on_cuda<C: Sync>(
    inputs: &[Input],
    context: &C,
    build: impl for<'t> Fn(&'t C, &mut Tape<'t>, &[Var]) -> Result<Var> + Sync,
) {
    let how = How { device: Device::Cuda, ..How::default() };
    let refusal = run(inputs, context, how, &build);
    assert_eq!(refusal, Err(Error::Absent { device: "cuda" }));
}

/// Two tensors are equal but for rounding.
#[track_caller]
fn close(name: &str, truth: &[f32], found: &[f32]) {
    close_to(TOLERANCE, name, truth, found);
}

#[track_caller]
fn close_to(tolerance: f32, name: &str, truth: &[f32], found: &[f32]) {
    close_above(SMALL, tolerance, name, truth, found);
}

#[track_caller]
fn close_above(floor: f32, tolerance: f32, name: &str, truth: &[f32], found: &[f32]) {
    assert_eq!(truth.len(), found.len(), "{name}");
    let peak = truth.iter().fold(floor, |peak, value| peak.max(value.abs()));
    for (at, (truth, found)) in truth.iter().zip(found).enumerate() {
        let error = (truth - found).abs();
        assert!(error <= tolerance * peak, "{name} at {at}: {found}, should be {truth}");
    }
}

/// Room for what a reference kernel writes: NaN, so that what is left out shows.
fn room(len: usize) -> Vec<f64> {
    vec![f64::NAN; len]
}
