//! What was predicted and measured, for people at a terminal.

use std::fmt::Write;

use comfy_table::{Table, TableStyle};
use data::{bytes_in_words, grouped, seconds_in_words};

use super::curve::Curve;
use super::large::Large;
use super::prediction::{Bytes, FORMULA, Prediction};
use super::shape::Shape;

/// `12.34 s`, or `1.2 ms` below a tenth of a second.
pub(crate) fn short(seconds: f64) -> String {
    match seconds < 0.1 {
        true => format!("{:.1} ms", seconds * 1e3),
        false => format!("{seconds:.2} s"),
    }
}

/// What is said before the first step.
pub(crate) fn of_prediction(shape: &Shape, predicted: &Prediction, gflops: f64) -> String {
    let Bytes { weights, gradients, moments, activations, partial_sums } = predicted.bytes;
    let mut text = format!(
        "{}\nprediction:\n  {} parameters, {} of them in blocks\n  {} of memory: weights {}, \
         gradients {}, moments {}, activations {}, partial sums {}\n    ({FORMULA})\n  {} \
         operations a step",
        shape.in_words(),
        grouped(predicted.parameters),
        grouped(predicted.parameters_in_blocks),
        bytes_in_words(predicted.bytes_total),
        bytes_in_words(weights),
        bytes_in_words(gradients),
        bytes_in_words(moments),
        bytes_in_words(activations),
        bytes_in_words(partial_sums),
        operations(predicted.flops),
    );
    if let Some(seconds) = predicted.seconds(gflops) {
        let _ = write!(
            text,
            ", {} at the {gflops:.0} GFLOP/s that matrix products reach here",
            short(seconds)
        );
    }
    text
}

/// `1.35e12`
fn operations(flops: u64) -> String {
    format!("{:.2e}", flops as f64)
}

/// Measured beside predicted.
pub(crate) fn of_large(large: &Large) -> String {
    let mut table = table(&["", "predicted", "measured", "measured / predicted"]);
    let ratio = |ratio: Option<f64>| ratio.map_or_else(String::new, |it| format!("{it:.2}"));
    let unknown = || "not told by this system".to_owned();
    let seconds = large.seconds_predicted.map_or_else(unknown, short);
    let flops = large.steps.first().map_or(0, |step| step.flops);
    for row in [
        [
            "peak memory".to_owned(),
            bytes_in_words(large.predicted.bytes_total),
            large.bytes_peak.map_or_else(unknown, bytes_in_words),
            ratio(large.ratio.bytes),
        ],
        [
            "operations a step".to_owned(),
            operations(large.predicted.flops),
            operations(flops),
            ratio(Some(large.ratio.flops)),
        ],
        ["a step".to_owned(), seconds, short(large.seconds_a_step), ratio(large.ratio.seconds)],
        [
            format!("a step, processor time / {} threads", large.threads),
            large.seconds_cpu_predicted.map_or_else(unknown, short),
            large.seconds_cpu_a_step.map_or_else(unknown, short),
            ratio(large.ratio.seconds_cpu),
        ],
    ] {
        table.add_row(row);
    }
    let losses: Vec<String> =
        large.steps.iter().map(|step| format!("{:.4}", step.loss)).collect();
    format!(
        "{}\n\n{table}\n\nLoss: {}{}. Steps but the first count. Matrix products: {:.0} GFLOP/s by \
         the clock, {} by processor time; drawing the weights took {:.1} s.",
        large.shape.in_words(),
        losses.join(", "),
        if large.loss_fell { "" } else { " (it did not fall)" },
        large.gemm_gflops,
        large.gemm_gflops_cpu.map_or_else(unknown, |gflops| format!("{gflops:.0}")),
        large.seconds_setup
    )
}

/// Points and laws.
pub(crate) fn of_curve(curve: &Curve) -> String {
    let mut table =
        table(&["columns", "parameters", "training FLOP", "NDCG@10", "loss", "epoch", "time"]);
    for point in &curve.points {
        table.add_row(vec![
            point.dim.to_string(),
            grouped(point.parameters),
            operations(point.flops),
            format!("{:.4}", point.ndcg),
            format!("{:.4}", point.loss),
            format!("{} of {}", point.best_epoch, point.epochs.len()),
            seconds_in_words(point.seconds),
        ]);
    }
    let mut text = format!(
        "HSTU on {}, split: {}{}; {} users of the validation part; the test part is not looked \
         at.\n\n{table}\n",
        curve.data,
        curve.split,
        if curve.leaky { " (leaky)" } else { "" },
        grouped(curve.cases),
    );
    match curve.ndcg_law {
        Some(law) => {
            let _ = write!(
                text,
                "\nNDCG@10 = {:.4} {} ln C, R² {:.3}: ten times the compute, {:+.4}",
                law.a,
                signed(law.b),
                law.r2,
                law.b * 10.0_f64.ln()
            );
        }
        None => text.push_str("\nNDCG@10: no law goes through these points"),
    }
    if let Some(law) = curve.loss_law {
        let better = |which: &str| match curve.loss_better == Some(which) {
            true => " (fits better)",
            false => "",
        };
        let _ = write!(
            text,
            "\nloss = {:.4} {} ln C, R² {:.3}{}",
            law.a,
            signed(law.b),
            law.r2,
            better("log")
        );
        if let Some(law) = curve.loss_power_law {
            let _ = write!(
                text,
                "\nloss = {:.3} C^{:.4}, R² {:.3}{}",
                law.factor,
                law.exponent,
                law.r2,
                better("power")
            );
        }
    }
    text
}

/// `+ 0.0123` or `- 0.0123`.
fn signed(value: f64) -> String {
    format!("{} {:.5}", if value < 0.0 { '-' } else { '+' }, value.abs())
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(head);
    table
}
