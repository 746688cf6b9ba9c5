//! HSTU's ranking form against PyTorch (golden/make_hstu_ranking.py).

use models::{
    Candidates, HstuConfig, HstuRanking, HstuRankingConfig, Positions, RankingEvents, Read,
    interleave,
};
use safetensors::SafeTensors;
use serde::Deserialize;
use tensor::{Device, Offsets, Tape, Workspace};

use crate::golden::{close, numbers};
use crate::golden_hstu::ours;

#[derive(Deserialize)]
struct Golden {
    config: Config,
    offsets: Vec<i32>,
    items: Vec<u32>,
    actions: Vec<u32>,
    times: Vec<i64>,
    now: Vec<i64>,
    context_ids: Vec<u32>,
    weights: Option<Vec<f32>>,
    candidate_offsets: Vec<i32>,
    candidates: Vec<u32>,
    tokens: Tokens,
    loss: f64,
    adam: Adam,
    adam_losses: Vec<f64>,
    adam_loss_after: f64,
}

#[derive(Deserialize)]
struct Config {
    context: u32,
    actions: u32,
    head: Vec<u32>,
    cosine: bool,
    dim: u32,
    blocks: u32,
    heads: u32,
    query_width: u32,
    value_width: u32,
    length_max: u32,
    score_length: u32,
    norm_epsilon: f32,
}

#[derive(Deserialize)]
struct Tokens {
    happened_at: Vec<i64>,
    asked_at: Vec<i64>,
    positions: Vec<u32>,
}

#[derive(Deserialize)]
struct Adam {
    learning_rate: f32,
    betas: (f32, f32),
    epsilon: f32,
}

/// The two running means of one tensor's gradients (Kingma and Ba 2015).
struct Moments(Vec<f32>, Vec<f32>);

impl Adam {
    fn step(&self, step: i32, moments: &mut Moments, values: &mut [f32], gradient: &[f32]) {
        let (one, two) = self.betas;
        for (at, slope) in gradient.iter().enumerate() {
            moments.0[at] = one * moments.0[at] + (1.0 - one) * slope;
            moments.1[at] = two * moments.1[at] + (1.0 - two) * slope * slope;
            let mean = moments.0[at] / (1.0 - one.powi(step));
            let square = moments.1[at] / (1.0 - two.powi(step));
            values[at] -= self.learning_rate * mean / (square.sqrt() + self.epsilon);
        }
    }
}

/// The model, and what is handed in: items, contexts.
struct World {
    model: HstuRanking,
    items: Vec<f32>,
    contexts: Vec<f32>,
}

fn world(of: &Config, file: &SafeTensors<'_>, recompute: bool) -> World {
    let config = HstuRankingConfig {
        hstu: HstuConfig {
            dim: of.dim,
            blocks: of.blocks,
            heads: of.heads,
            query_width: of.query_width,
            value_width: of.value_width,
            length_max: of.length_max,
            score_length: of.score_length,
            positions: Positions::FromStart,
            dropout: 0.0,
            cosine: of.cosine,
            recompute,
            norm_eps: of.norm_epsilon,
            ..HstuConfig::default()
        },
        actions: of.actions,
        context: of.context,
        head: of.head.clone(),
    };
    let mut model = HstuRanking::init(&config, 0).unwrap();
    let ids: Vec<_> =
        model.parameters.iter().map(|(id, name, _)| (id, name.to_owned())).collect();
    for (id, name) in &ids {
        let values = ours(file, "parameter", name, &config.hstu);
        model.parameters.get_mut(*id).values_mut().copy_from_slice(&values);
    }
    let handed_in = if of.context > 0 { 2 } else { 1 };
    let stored = file.names().iter().filter(|name| name.starts_with("parameter.")).count();
    assert_eq!(stored + of.blocks as usize, ids.len() + handed_in, "every one has its own");
    let contexts = match of.context {
        0 => Vec::new(),
        _ => numbers(file, "parameter.contexts"),
    };
    World { model, items: numbers(file, "parameter.items"), contexts }
}

fn agrees(json: &str, tensors: &[u8]) {
    let golden: Golden = serde_json::from_str(json).unwrap();
    let file = SafeTensors::deserialize(tensors).unwrap();
    let of = &golden.config;
    let dim = of.dim as usize;
    let offsets = Offsets::new(golden.offsets).unwrap();
    let events = RankingEvents {
        offsets: &offsets,
        items: &golden.items,
        actions: &golden.actions,
        times: &golden.times,
        now: &golden.now,
        contexts: &golden.context_ids,
        candidates: None,
    };
    let rows = interleave(&events, of.context, of.actions).unwrap();
    assert_eq!(rows.tokens().happened_at, golden.tokens.happened_at);
    assert_eq!(rows.tokens().asked_at, golden.tokens.asked_at);
    assert_eq!(rows.positions(), golden.tokens.positions);
    let scored = Offsets::new(golden.candidate_offsets).unwrap();
    let candidates = Candidates { offsets: &scored, items: &golden.candidates };
    let with_candidates = RankingEvents { candidates: Some(candidates), ..events };
    let with_candidates = interleave(&with_candidates, of.context, of.actions).unwrap();

    for recompute in [false, true] {
        for device in [Device::Reference, Device::Cpu] {
            let World { mut model, mut items, mut contexts } = world(of, &file, recompute);
            let what = |part: &str| format!("on {device:?}, again {recompute}: {part}");
            let mut workspace = Workspace::new(device);
            // Candidates change nothing of what is before them.
            for rows in [&rows, &with_candidates] {
                let mut tape = Tape::inference(&model.parameters, &mut workspace);
                let table = tape.leaf(&items, dim).unwrap();
                let context = (of.context > 0).then(|| tape.leaf(&contexts, dim).unwrap());
                let states =
                    model.states(&mut tape, table, context, rows, Read::Events).unwrap();
                close(tape.value(states), &numbers(&file, "hidden"), &what("states"));
                let logits = model.logits(&mut tape, states).unwrap();
                close(tape.value(logits), &numbers(&file, "logits"), &what("logits"));
                if rows.candidate_tokens().is_empty() {
                    continue;
                }
                let scores =
                    model.forward(&mut tape, table, context, rows, Read::Candidates).unwrap();
                let found = tape.value(scores);
                close(found, &numbers(&file, "candidate_logits"), &what("candidates"));
            }
            let sizes = model.parameters.iter().map(|(_, _, tensor)| tensor.values().len());
            let sizes: Vec<usize> = sizes.chain([items.len(), contexts.len()]).collect();
            let mut moments: Vec<Moments> =
                sizes.iter().map(|size| Moments(vec![0.0; *size], vec![0.0; *size])).collect();
            let ids: Vec<_> =
                model.parameters.iter().map(|(id, name, _)| (id, name.to_owned())).collect();
            let losses = golden.adam_losses.iter().chain([&golden.adam_loss_after]);
            assert_eq!(golden.adam_losses.len(), 10);
            for (step, expected) in losses.enumerate() {
                let mut tape = Tape::training(&model.parameters, &mut workspace, 1);
                let table = tape.leaf(&items, dim).unwrap();
                let context = (of.context > 0).then(|| tape.leaf(&contexts, dim).unwrap());
                let logits =
                    model.forward(&mut tape, table, context, &rows, Read::Events).unwrap();
                let weights = golden.weights.as_deref();
                let loss = model.loss(&mut tape, logits, &rows, weights).unwrap();
                let part = what(&format!("loss before step {step}"));
                close(tape.value(loss), &[*expected as f32], &part);
                let gradients = tape.backward(loss).unwrap();
                let found: Vec<Vec<f32>> = ids
                    .iter()
                    .map(|(id, name)| {
                        gradients.of(*id).unwrap_or_else(|| panic!("none for {name}")).to_vec()
                    })
                    .chain([gradients.leaf(table).unwrap().to_vec()])
                    .chain(
                        [context.map_or(vec![], |var| gradients.leaf(var).unwrap().to_vec())],
                    )
                    .collect();
                if step == 0 {
                    close(&[*expected as f32], &[golden.loss as f32], "the first loss");
                    let names = ids.iter().map(|(_, name)| name.as_str());
                    let names = names.chain(["items"]);
                    let names = names.chain((of.context > 0).then_some("contexts"));
                    for (name, found) in names.zip(&found) {
                        let stored = ours(&file, "gradient", name, &model.config().hstu);
                        close(found, &stored, &what(name));
                    }
                }
                let at = step as i32 + 1;
                for (which, gradient) in found.iter().enumerate() {
                    let values = match ids.get(which) {
                        Some((id, _)) => model.parameters.get_mut(*id).values_mut(),
                        None if which == ids.len() => &mut items[..],
                        None => &mut contexts[..],
                    };
                    golden.adam.step(at, &mut moments[which], values, gradient);
                }
            }
        }
    }
}

#[test]
fn hstu_that_ranks_is_pytorchs() {
    agrees(
        include_str!("../golden/hstu-ranking.json"),
        include_bytes!("../golden/hstu-ranking.safetensors"),
    );
}

#[test]
fn hstu_that_ranks_without_context_is_pytorchs() {
    agrees(
        include_str!("../golden/hstu-ranking-plain.json"),
        include_bytes!("../golden/hstu-ranking-plain.safetensors"),
    );
}
