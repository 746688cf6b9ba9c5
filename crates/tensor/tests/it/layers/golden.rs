//! Losses that PyTorch computed; `crates/models/tests/golden/make.py` says how.

use safetensors::SafeTensors;
use serde_json::Value;
use tensor::{Contrast, Device, Negatives, Offsets, SampledLoss};

use super::{How, close_to, run};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tests/golden/losses");

fn ids(value: &Value) -> Vec<u32> {
    match value {
        Value::Array(values) => values.iter().flat_map(ids).collect(),
        number => vec![number.as_u64().unwrap() as u32],
    }
}

struct Golden {
    offsets: Offsets,
    targets: Vec<u32>,
    negatives: Vec<u32>,
    log_q: Vec<f32>,
    positive_log_q: Vec<f32>,
}

#[test]
fn all_losses_and_gradients() {
    let bytes = std::fs::read(format!("{GOLDEN}.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let numbers = |name: &str| -> Vec<f32> {
        let data = tensors.tensor(name).unwrap().data().to_vec();
        data.chunks_exact(4).map(|x| f32::from_le_bytes(x.try_into().unwrap())).collect()
    };
    let text = std::fs::read_to_string(format!("{GOLDEN}.json")).unwrap();
    let facts: Value = serde_json::from_str(&text).unwrap();
    let inputs = [(numbers("hidden"), 8), (numbers("items"), 8)];
    let (targets, log_q) = (ids(&facts["targets"]), numbers("log_q"));
    let (k, t) = (facts["k"].as_f64().unwrap(), facts["t"].as_f64().unwrap());
    let ends = ids(&facts["offsets"]).into_iter().map(|end| end as i32).collect();
    let offsets = Offsets::new(ends).unwrap();

    let losses = facts["losses"].as_object().unwrap();
    assert_eq!(losses.len(), 8);
    for (name, loss) in losses {
        let negatives = match &loss["negatives"] {
            Value::Null => (0..23).collect(),
            lists => ids(lists),
        };
        let shift = if name == "logq-negatives-only" { (k as f32).ln() } else { 0.0 };
        let golden = Golden {
            offsets: offsets.clone(),
            targets: targets.clone(),
            log_q: negatives.iter().map(|item| log_q[*item as usize] + shift).collect(),
            positive_log_q: targets.iter().map(|item| log_q[*item as usize]).collect(),
            negatives,
        };
        let alpha = k / 22.0;
        let beta = (alpha * (t * (1.0 - 1.0 / alpha) + 1.0 / alpha)) as f32;
        // bce there is a sum over the pair, ours a mean.
        let factor = if name == "bce" { 0.5 } else { 1.0 };
        for device in [Device::Reference, Device::Cpu] {
            let how = How { device, ..How::default() };
            let found = run(&inputs, &golden, how, &|golden, tape, v| {
                let items = &golden.negatives[..];
                let (offsets, logq) = (&golden.offsets, name.starts_with("logq"));
                let loss = SampledLoss {
                    positives: &golden.targets,
                    negatives: match &name[..] {
                        "softmax-per-row" => Negatives::PerRow { offsets, count: 5, items },
                        "gbce" => Negatives::PerToken { count: 5, items },
                        "bce" => Negatives::PerToken { count: 1, items },
                        _ => Negatives::Shared { items },
                    },
                    negative_log_q: logq.then_some(&golden.log_q[..]),
                    positive_log_q: (logq && name != "logq-negatives-only")
                        .then_some(&golden.positive_log_q[..]),
                    contrast: match &name[..] {
                        "gbce" => Contrast::Binary { beta },
                        "bce" => Contrast::Binary { beta: 1.0 },
                        "logq-corrected" => Contrast::Corrected,
                        _ => Contrast::Softmax,
                    },
                    scale: 1.0,
                };
                tape.sampled_loss(v[0], v[1], &loss)
            })
            .unwrap();
            let value = loss["loss"].as_f64().unwrap() as f32 * factor;
            close_to(1e-5, name, &[value], &found.value);
            for (at, side) in ["hidden", "items"].into_iter().enumerate() {
                let mut truth = numbers(&format!("{name}.gradient.{side}"));
                truth.iter_mut().for_each(|x| *x *= factor * super::UPSTREAM[0]);
                close_to(1e-5, name, &truth, found.gradients[at].as_deref().unwrap());
            }
        }
    }
}
