//! The large one: predicted, then stepped.

use anyhow::Result;
use serde::Serialize;
use tensor::Device;
use tensor::peak::gemm_gflops;
use train::{Trainer, epoch};

use super::memory::{self, Peak};
use super::prediction::{FORMULA, Prediction};
use super::shape::{SEED, Shape};
use super::words;
use crate::hint;
use crate::load::cpu_seconds;
use crate::terminal::{Stopwatch, nanos, nanos_of_thread, note, stopped};

/// A step, taken.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Taken {
    /// Before the step's update.
    pub(crate) loss: f64,
    pub(crate) gradient_norm: f64,
    pub(crate) seconds: f64,
    /// Processor time of all threads; none where the system does not tell.
    pub(crate) seconds_cpu: Option<f64>,
    /// As the meter counted.
    pub(crate) flops: u64,
}

/// What was predicted and what came.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Large {
    pub(crate) shape: Shape,
    pub(crate) predicted: Prediction,
    /// How bytes are predicted.
    pub(crate) formula: &'static str,
    /// GFLOP/s of matrix products by the clock: the best of before the first step and after the
    /// last, as others may compute meanwhile.
    pub(crate) gemm_gflops: f64,
    /// Likewise by processor time, which others hardly disturb; none where the system does not
    /// tell.
    pub(crate) gemm_gflops_cpu: Option<f64>,
    /// How many threads compute.
    pub(crate) threads: usize,
    /// Of a step, were all of it matrix products at the first rate.
    pub(crate) seconds_predicted: Option<f64>,
    /// At the second.
    pub(crate) seconds_cpu_predicted: Option<f64>,
    pub(crate) steps: Vec<Taken>,
    /// Seconds until the first step: weights drawn.
    pub(crate) seconds_setup: f64,
    /// Mean of the steps after the first, which takes the memory.
    pub(crate) seconds_a_step: f64,
    /// Likewise, processor time over threads: what a step takes where nobody else computes.
    pub(crate) seconds_cpu_a_step: Option<f64>,
    /// By which the peak of resident memory passed what was there before; none where the system
    /// does not tell.
    pub(crate) bytes_peak: Option<u64>,
    /// Whether the last loss is below the first.
    pub(crate) loss_fell: bool,
    /// Measured over predicted.
    pub(crate) ratio: Ratio,
}

/// Measured over predicted.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ratio {
    pub(crate) bytes: Option<f64>,
    pub(crate) seconds: Option<f64>,
    pub(crate) seconds_cpu: Option<f64>,
    pub(crate) flops: f64,
}

/// Predicts, says so, steps `steps` times (at least 2) on one batch.
///
/// # Errors
/// Where the machine has less memory than predicted, or on request.
pub(crate) fn large(shape: &Shape, steps: u32) -> Result<Large> {
    let config = shape.settings()?;
    let predicted = Prediction::of(shape);
    must_fit(&predicted, memory::available())?;
    let threads = rayon::current_num_threads();
    let gflops = gemm_gflops(threads, nanos);
    let gflops_cpu = gemm_gflops(threads, nanos_of_thread);
    note(&words::of_prediction(shape, &predicted, gflops));

    let histories = shape.histories()?;
    let peak = Peak::begin();
    let watch = Stopwatch::start();
    let total = u64::from(steps);
    let mut trainer = Trainer::new(&config, &histories, SEED, Device::Cpu, total)?;
    let Some(batch) = epoch(&histories, config.epoch(SEED, 0))?.next() else {
        return Err(hint::error("no batch of no rows", "--rows is at least 1"));
    };
    let batch = batch?;
    let seconds_setup = watch.seconds();
    let mut taken: Vec<Taken> = Vec::new();
    for step in 1..=steps.max(2) {
        if stopped() {
            return Err(hint::error("stopped", "run the same command again to begin anew"));
        }
        let (watch, cpu) = (Stopwatch::start(), cpu_seconds(std::process::id()).ok());
        let facts = trainer.step(&batch)?;
        let seconds = watch.seconds();
        let after = cpu_seconds(std::process::id()).ok();
        let seconds_cpu = cpu.zip(after).map(|(before, after)| after - before);
        let flops = trainer.workspace.meter.take().flops;
        note(&format!(
            "  step {step} of {}: loss {:.4}, {}, {:.0} GFLOP/s",
            steps.max(2),
            facts.loss,
            words::short(seconds),
            flops as f64 / seconds / 1e9
        ));
        let loss = f64::from(facts.loss);
        let gradient_norm = facts.gradient_norm;
        taken.push(Taken { loss, gradient_norm, seconds, seconds_cpu, flops });
    }
    let bytes_peak = peak.and_then(|peak| peak.bytes());
    let gflops = gflops.max(gemm_gflops(threads, nanos));
    let gflops_cpu = gflops_cpu.max(gemm_gflops(threads, nanos_of_thread));
    let seconds_predicted = predicted.seconds(gflops);
    let seconds_cpu_predicted = predicted.seconds(gflops_cpu);
    let (first, later) = (taken[0], &taken[1..]);
    let count = later.len() as f64;
    let seconds_a_step = later.iter().map(|step| step.seconds).sum::<f64>() / count;
    let cpu: Option<f64> = later.iter().map(|step| step.seconds_cpu).sum();
    let seconds_cpu_a_step = cpu.map(|seconds| seconds / count / threads as f64);
    let of = |measured: f64, predicted: f64| measured / predicted;
    let ratio = Ratio {
        bytes: bytes_peak.map(|bytes| of(bytes as f64, predicted.bytes_total as f64)),
        seconds: seconds_predicted.map(|seconds| of(seconds_a_step, seconds)),
        seconds_cpu: seconds_cpu_a_step
            .zip(seconds_cpu_predicted)
            .map(|(measured, predicted)| of(measured, predicted)),
        flops: of(first.flops as f64, predicted.flops as f64),
    };
    Ok(Large {
        shape: *shape,
        predicted,
        formula: FORMULA,
        gemm_gflops: gflops,
        gemm_gflops_cpu: (gflops_cpu > 0.0).then_some(gflops_cpu),
        threads,
        seconds_predicted,
        seconds_cpu_predicted,
        loss_fell: taken.last().is_some_and(|last| last.loss < first.loss),
        steps: taken,
        seconds_setup,
        seconds_a_step,
        seconds_cpu_a_step,
        bytes_peak,
        ratio,
    })
}

/// Refuses what would push other memory out, or end in the middle.
fn must_fit(predicted: &Prediction, available: Option<u64>) -> Result<()> {
    match available {
        Some(available) if available < predicted.bytes_total => Err(hint::error(
            format!(
                "{} of memory are needed, {} are there",
                data::bytes_in_words(predicted.bytes_total),
                data::bytes_in_words(available)
            ),
            "lower --layers or --width (weights, gradients, moments), --rows or --events \
             (activations; --recompute keeps fewer of them), or --items",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_costs_what_was_predicted() {
        let shape = Shape { events: 37, negatives: 5, rows: 3, ..Shape::QUICK };
        for recompute in [false, true] {
            let shape = Shape { recompute, ..shape };
            let found = large(&shape, 3).unwrap();
            let flops: Vec<u64> = found.steps.iter().map(|step| step.flops).collect();
            assert_eq!(flops, [found.predicted.flops; 3], "{shape:?}");
            assert!(found.loss_fell, "{:?}", found.steps);
        }
    }

    #[test]
    fn the_model_has_the_parameters_that_were_predicted() {
        let shape = Shape::QUICK;
        let (config, histories) = (shape.settings().unwrap(), shape.histories().unwrap());
        let mut trainer = Trainer::new(&config, &histories, SEED, Device::Cpu, 1).unwrap();
        let own = trainer.model.parameters().iter().map(|(_, _, tensor)| tensor.values().len());
        let all = own.sum::<usize>() + trainer.items.matrix().unwrap().values().len();
        assert_eq!(all as u64, Prediction::of(&shape).parameters);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_to_lower() {
        let predicted = Prediction::of(&Shape::LARGE);
        let why = must_fit(&predicted, Some(4 << 30)).unwrap_err();
        assert!(why.to_string().contains("4.00 GiB are there"), "{why}");
        assert!(hint::of(&why).contains("--layers"));
        assert!(must_fit(&predicted, Some(8 << 30)).is_ok());
        assert!(must_fit(&predicted, None).is_ok());
    }
}
