//! Ten steps of our Adam on our models, against PyTorch (models/tests/golden/make.py).

use models::{BlockKind, Rows, SasRec, SasRecConfig};
use safetensors::SafeTensors;
use serde_json::Value;
use tensor::{
    Contrast, Device, Gradients, Negatives, Offsets, SampledLoss, Tape, Tensor, Var, Workspace,
};
use train::optim::{Adam, AdamConfig};

struct Batch {
    inputs: Vec<u32>,
    positions: Vec<u32>,
    offsets: Offsets,
    targets: Vec<u32>,
    negatives: Vec<u32>,
}

fn pass(
    model: &SasRec,
    items: &Tensor,
    batch: &Batch,
    workspace: &mut Workspace,
) -> (f64, Gradients, Var) {
    let mut tape = Tape::training(&model.parameters, workspace, 1);
    let table = tape.leaf(items.values(), items.width()).unwrap();
    let Batch { inputs, positions, offsets, targets, negatives } = batch;
    let rows = Rows { index: inputs, positions, offsets, happened_at: &[], asked_at: &[] };
    let hidden = model.forward(&mut tape, table, rows);
    let contrast = SampledLoss {
        positives: targets,
        negatives: Negatives::Shared { items: negatives },
        negative_log_q: None,
        positive_log_q: None,
        contrast: Contrast::Softmax,
        scale: 1.0,
    };
    let loss = tape.sampled_loss(hidden.unwrap(), table, &contrast).unwrap();
    let value = f64::from(tape.value(loss)[0]);
    (value, tape.backward(loss).unwrap(), table)
}

fn agrees(block: BlockKind, json: &str, tensors: &[u8]) {
    let golden: Value = serde_json::from_str(json).unwrap();
    let file = SafeTensors::deserialize(tensors).unwrap();
    let numbers = |name: &str| -> Vec<f32> {
        let view = file.tensor(name).unwrap();
        let words = view.data().chunks_exact(4);
        words.map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect()
    };
    let list =
        |name: &str| -> Vec<u32> { serde_json::from_value(golden[name].clone()).unwrap() };
    let of = |name: &str| golden["config"][name].as_u64().unwrap() as u32;
    let config = SasRecConfig {
        positions: models::Positions::FromStart,
        block,
        dim: of("dim"),
        blocks: of("blocks"),
        heads: of("heads"),
        hidden: of("hidden"),
        length_max: of("length_max"),
        dropout: 0.0,
        dropout_hidden: 0.0,
        dropout_attention: 0.0,
        cosine: false,
        scale_embedding: golden["config"]["scale_embedding"].as_bool().unwrap(),
        norm_eps: 1e-8,
    };
    let offsets: Vec<i32> = serde_json::from_value(golden["offsets"].clone()).unwrap();
    let offsets = Offsets::new(offsets).unwrap();
    let mut positions = Vec::new();
    models::Positions::FromStart.places(&offsets, &mut positions);
    let batch = Batch {
        inputs: list("inputs"),
        positions,
        offsets,
        targets: list("targets"),
        negatives: list("negatives"),
    };
    let losses: Vec<f64> = serde_json::from_value(golden["adam_losses"].clone()).unwrap();
    let after = golden["adam_loss_after"].as_f64().unwrap();
    assert_eq!(losses.len(), 10);

    for device in [Device::Reference, Device::Cpu] {
        let mut model = SasRec::init(&config, 0).unwrap();
        let ids: Vec<_> =
            model.parameters.iter().map(|(id, name, _)| (id, name.to_owned())).collect();
        for (id, name) in &ids {
            let values = numbers(&format!("parameter.{name}"));
            model.parameters.get_mut(*id).values_mut().copy_from_slice(&values);
        }
        let (rows, width) = (of("items") as usize, config.dim as usize);
        let mut items = Tensor::new(rows, width, numbers("parameter.items")).unwrap();
        let adam = |length| Adam::new(AdamConfig::default(), length).unwrap();
        let mut own: Vec<Adam> =
            model.parameters.iter().map(|(_, _, tensor)| adam(tensor.values().len())).collect();
        let mut of_items = adam(rows * width);
        let mut workspace = Workspace::new(device);
        for (step, expected) in losses.iter().chain([&after]).enumerate() {
            let (loss, gradients, table) = pass(&model, &items, &batch, &mut workspace);
            let apart = (loss - expected).abs();
            let what = format!("{block:?} on {device:?}, step {step}");
            assert!(apart <= 1e-5 * (1.0 + expected), "{what}: {loss}, not {expected}");
            for ((id, _), adam) in ids.iter().zip(&mut own) {
                let values = model.parameters.get_mut(*id).values_mut();
                adam.step(values, gradients.of(*id).unwrap(), 0.01);
            }
            of_items.step(items.values_mut(), gradients.leaf(table).unwrap(), 0.01);
        }
    }
}

#[test]
fn ten_steps_of_each_model_are_pytorchs() {
    agrees(
        BlockKind::Classic,
        include_str!("../../../models/tests/golden/classic.json"),
        include_bytes!("../../../models/tests/golden/classic.safetensors"),
    );
    agrees(
        BlockKind::PreNorm,
        include_str!("../../../models/tests/golden/pre-norm.json"),
        include_bytes!("../../../models/tests/golden/pre-norm.safetensors"),
    );
    agrees(
        BlockKind::Ligr,
        include_str!("../../../models/tests/golden/ligr.json"),
        include_bytes!("../../../models/tests/golden/ligr.safetensors"),
    );
}
