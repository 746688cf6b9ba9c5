//! HSTU and its attention against PyTorch (golden/make_hstu.py).

use std::collections::BTreeMap;

use models::{AttentionWeights, Hstu, HstuConfig, Positions, Rows};
use safetensors::SafeTensors;
use serde::Deserialize;
use tensor::{
    Contrast, Device, EventRows, Negatives, Offsets, Parameters, PointwiseShape, SampledLoss,
    ScoreBiases, Tape, Tensor, Weighting, Workspace,
};

use crate::golden::{close, numbers};

#[derive(Deserialize)]
struct Golden {
    config: Config,
    offsets: Vec<i32>,
    inputs: Vec<u32>,
    targets: Vec<u32>,
    happened_at: Vec<i64>,
    asked_at: Vec<i64>,
    negatives: Vec<Vec<u32>>,
    loss: f64,
}

#[derive(Deserialize)]
struct Config {
    items: usize,
    dim: u32,
    blocks: u32,
    heads: u32,
    query_width: u32,
    value_width: u32,
    length_max: u32,
    score_length: u32,
    norm_epsilon: f32,
    temperature: f32,
}

/// A matrix of so many rows cut after column `at`.
fn cut(values: &[f32], rows: usize, at: usize) -> (Vec<f32>, Vec<f32>) {
    let width = values.len() / rows;
    let part = |from: usize, to: usize| {
        values.chunks_exact(width).flat_map(|row| row[from..to].to_vec()).collect()
    };
    (part(0, at), part(at, width))
}

/// A tensor under our name. Their one matrix of a block's inputs, columns U | V, Q, K, is two here.
pub(crate) fn ours(
    file: &SafeTensors<'_>,
    kind: &str,
    name: &str,
    config: &HstuConfig,
) -> Vec<f32> {
    let width = (config.heads * config.value_width) as usize;
    let of = |name: &str| numbers(file, &format!("{kind}.{name}"));
    match name.strip_suffix(".gate.weight") {
        Some(block) => cut(&of(&format!("{block}.input.weight")), config.dim as usize, width).0,
        None if name.ends_with(".input.weight") => cut(&of(name), config.dim as usize, width).1,
        None => of(name),
    }
}

fn agrees(json: &str, tensors: &[u8], weights: AttentionWeights) {
    let golden: Golden = serde_json::from_str(json).unwrap();
    let file = SafeTensors::deserialize(tensors).unwrap();
    let of = &golden.config;
    let config = HstuConfig {
        dim: of.dim,
        blocks: of.blocks,
        heads: of.heads,
        query_width: of.query_width,
        value_width: of.value_width,
        length_max: of.length_max,
        score_length: of.score_length,
        positions: Positions::FromStart,
        weights,
        dropout: 0.0,
        norm_eps: of.norm_epsilon,
        ..HstuConfig::default()
    };
    let mut model = Hstu::init(&config, 0).unwrap();
    let ids: Vec<_> =
        model.parameters.iter().map(|(id, name, _)| (id, name.to_owned())).collect();
    for (id, name) in &ids {
        let values = ours(&file, "parameter", name, &config);
        model.parameters.get_mut(*id).values_mut().copy_from_slice(&values);
    }
    let stored = file.names().iter().filter(|name| name.starts_with("parameter.")).count();
    let gates = of.blocks as usize;
    assert_eq!(stored + gates, ids.len() + 1, "every parameter has its own, and the items");
    let items =
        Tensor::new(of.items, of.dim as usize, numbers(&file, "parameter.items")).unwrap();
    let offsets = Offsets::new(golden.offsets).unwrap();
    let mut positions = Vec::new();
    config.positions.places(&offsets, &mut positions);
    let negatives = golden.negatives.concat();

    for recompute in [false, true] {
        for device in [Device::Reference, Device::Cpu] {
            let mut model = model.clone();
            model.set_recompute(recompute);
            let what =
                |part: &str| format!("{weights:?} on {device:?}, again {recompute}: {part}");
            let mut workspace = Workspace::new(device);
            let mut tape = Tape::training(&model.parameters, &mut workspace, 1);
            let table = tape.leaf(items.values(), items.width()).unwrap();
            let rows = Rows {
                index: &golden.inputs,
                positions: &positions,
                offsets: &offsets,
                happened_at: &golden.happened_at,
                asked_at: &golden.asked_at,
            };
            let hidden = model.forward(&mut tape, table, rows).unwrap();
            close(tape.value(hidden), &numbers(&file, "hidden"), &what("hidden states"));
            let scored = tape.normalise(table, 1e-6).unwrap();
            let contrast = SampledLoss {
                positives: &golden.targets,
                negatives: Negatives::PerToken {
                    items: &negatives,
                    count: golden.negatives[0].len(),
                },
                negative_log_q: None,
                positive_log_q: None,
                contrast: Contrast::Softmax,
                scale: 1.0 / of.temperature,
            };
            let loss = tape.sampled_loss(hidden, scored, &contrast).unwrap();
            close(tape.value(loss), &[golden.loss as f32], &what("loss"));
            let gradients = tape.backward(loss).unwrap();
            for (id, name) in &ids {
                let found = gradients.of(*id).unwrap_or_else(|| panic!("none for {name}"));
                close(found, &ours(&file, "gradient", name, &config), &what(name));
            }
            let found = gradients.leaf(table).unwrap();
            close(found, &numbers(&file, "gradient.items"), &what("items"));
        }
    }
}

#[test]
fn hstu_is_pytorchs() {
    agrees(
        include_str!("../golden/hstu.json"),
        include_bytes!("../golden/hstu.safetensors"),
        AttentionWeights::Silu,
    );
}

#[test]
fn hstu_with_softmax_is_pytorchs() {
    agrees(
        include_str!("../golden/hstu-softmax.json"),
        include_bytes!("../golden/hstu-softmax.safetensors"),
        AttentionWeights::Softmax,
    );
}

#[derive(Deserialize)]
struct Attention {
    config: Heads,
    offsets: Vec<i32>,
    happened_at: Vec<i64>,
    asked_at: Vec<i64>,
    cases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Heads {
    heads: usize,
    query_width: usize,
    value_width: usize,
    score_length: u32,
}

#[derive(Deserialize)]
struct Case {
    context: u32,
    window: u32,
    candidates: Vec<u32>,
}

#[test]
fn context_windows_and_candidates_are_pytorchs() {
    let golden: Attention =
        serde_json::from_str(include_str!("../golden/hstu-attention.json")).unwrap();
    let file = SafeTensors::deserialize(include_bytes!("../golden/hstu-attention.safetensors"))
        .unwrap();
    let of = golden.config;
    let offsets = Offsets::new(golden.offsets).unwrap();
    let tokens = offsets.total();
    let cut_u = |values: &[f32]| cut(values, tokens, of.heads * of.value_width).1;
    let x = cut_u(&numbers(&file, "x"));
    let [position, time] = ["position_bias", "time_bias"].map(|name| numbers(&file, name));
    let dout = numbers(&file, "dout");
    assert_eq!(golden.cases.len(), 5);
    for (name, weighting) in
        [("silu", Weighting::Silu { length: of.score_length }), ("softmax", Weighting::Softmax)]
    {
        let shape = PointwiseShape {
            heads: of.heads,
            query_width: of.query_width,
            value_width: of.value_width,
            scale: 1.0,
            weighting,
        };
        for (case, seen) in &golden.cases {
            for device in [Device::Reference, Device::Cpu] {
                let stored = |part: &str| numbers(&file, &format!("{name}.{case}.{part}"));
                let what = |part: &str| format!("{name}, {case} on {device:?}: {part}");
                let parameters = Parameters::new();
                let mut workspace = Workspace::new(device);
                let mut tape = Tape::training(&parameters, &mut workspace, 1);
                let leaf = tape.leaf(&x, shape.stride()).unwrap();
                let biases = ScoreBiases {
                    position: Some(tape.leaf(&position, position.len()).unwrap()),
                    time: Some(tape.leaf(&time, time.len()).unwrap()),
                };
                let rows = EventRows {
                    offsets: &offsets,
                    happened_at: &golden.happened_at,
                    asked_at: &golden.asked_at,
                    context: seen.context,
                    candidates: &seen.candidates,
                    window: seen.window,
                };
                let y = tape.pointwise_attention(leaf, shape, biases, rows).unwrap();
                close(tape.value(y), &stored("output"), &what("output"));
                let loss = tape.weighted_sum(y, &dout).unwrap();
                let gradients = tape.backward(loss).unwrap();
                let of = |var: Option<_>| gradients.leaf(var.unwrap()).unwrap();
                close(of(Some(leaf)), &cut_u(&stored("gradient.x")), &what("x"));
                close(of(biases.position), &stored("gradient.position_bias"), &what("places"));
                close(of(biases.time), &stored("gradient.time_bias"), &what("times"));
            }
        }
    }
}
