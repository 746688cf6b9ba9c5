//! Hidden states, losses and gradients against PyTorch (golden/make.py).

use models::{BlockKind, Rows, SasRec, SasRecConfig};
use safetensors::SafeTensors;
use serde::Deserialize;
use tensor::{Contrast, Device, Negatives, Offsets, SampledLoss, Tape, Tensor, Workspace};

#[derive(Deserialize)]
struct Golden {
    config: Config,
    offsets: Vec<i32>,
    inputs: Vec<u32>,
    targets: Vec<u32>,
    negatives: Vec<u32>,
    loss: f64,
}

#[derive(Deserialize)]
struct Config {
    block: BlockKind,
    items: usize,
    dim: u32,
    heads: u32,
    blocks: u32,
    hidden: u32,
    length_max: u32,
    norm_epsilon: f32,
    scale_embedding: bool,
}

pub(crate) fn numbers(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let view = file.tensor(name).unwrap_or_else(|_| panic!("the golden file has no {name}"));
    view.data()
        .chunks_exact(4)
        .map(|word| f32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

#[track_caller]
pub(crate) fn close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (at, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{what} at {at}: {a}, not {b}");
    }
}

fn agrees(json: &str, tensors: &[u8]) {
    let golden: Golden = serde_json::from_str(json).unwrap();
    let file = SafeTensors::deserialize(tensors).unwrap();
    let of = golden.config;
    let config = SasRecConfig {
        positions: models::Positions::FromStart,
        block: of.block,
        dim: of.dim,
        blocks: of.blocks,
        heads: of.heads,
        hidden: of.hidden,
        length_max: of.length_max,
        dropout: 0.0,
        dropout_hidden: 0.0,
        dropout_attention: 0.0,
        scale_embedding: of.scale_embedding,
        cosine: false,
        norm_eps: of.norm_epsilon,
    };
    let mut model = SasRec::init(&config, 0).unwrap();
    let ids: Vec<_> =
        model.parameters.iter().map(|(id, name, _)| (id, name.to_owned())).collect();
    for (id, name) in &ids {
        let values = numbers(&file, &format!("parameter.{name}"));
        model.parameters.get_mut(*id).values_mut().copy_from_slice(&values);
    }
    let stored = file.names().iter().filter(|name| name.starts_with("parameter.")).count();
    assert_eq!(stored, ids.len() + 1, "every parameter has its own, and the items");
    let items =
        Tensor::new(of.items, of.dim as usize, numbers(&file, "parameter.items")).unwrap();
    let offsets = Offsets::new(golden.offsets).unwrap();
    let mut positions = Vec::new();
    models::Positions::FromStart.places(&offsets, &mut positions);

    for device in [Device::Reference, Device::Cpu] {
        let what = |part: &str| format!("{:?} on {device:?}: {part}", of.block);
        let mut workspace = Workspace::new(device);
        let mut tape = Tape::training(&model.parameters, &mut workspace, 1);
        let table = tape.leaf(items.values(), items.width()).unwrap();
        let rows = Rows {
            index: &golden.inputs,
            positions: &positions,
            offsets: &offsets,
            happened_at: &[],
            asked_at: &[],
        };
        let hidden = model.forward(&mut tape, table, rows).unwrap();
        close(tape.value(hidden), &numbers(&file, "hidden"), &what("hidden states"));
        let contrast = SampledLoss {
            positives: &golden.targets,
            negatives: Negatives::Shared { items: &golden.negatives },
            negative_log_q: None,
            positive_log_q: None,
            contrast: Contrast::Softmax,
            scale: 1.0,
        };
        let loss = tape.sampled_loss(hidden, table, &contrast).unwrap();
        close(tape.value(loss), &[golden.loss as f32], &what("loss"));
        let gradients = tape.backward(loss).unwrap();
        for (id, name) in &ids {
            let ours = gradients.of(*id).unwrap_or_else(|| panic!("{name} has no gradient"));
            close(ours, &numbers(&file, &format!("gradient.{name}")), &what(name));
        }
        let ours = gradients.leaf(table).unwrap();
        close(ours, &numbers(&file, "gradient.items"), &what("items"));
    }
}

#[test]
fn classic_is_pytorchs() {
    agrees(
        include_str!("../golden/classic.json"),
        include_bytes!("../golden/classic.safetensors"),
    );
}

#[test]
fn pre_norm_is_pytorchs() {
    agrees(
        include_str!("../golden/pre-norm.json"),
        include_bytes!("../golden/pre-norm.safetensors"),
    );
}

#[test]
fn ligr_is_pytorchs() {
    agrees(include_str!("../golden/ligr.json"), include_bytes!("../golden/ligr.safetensors"));
}
