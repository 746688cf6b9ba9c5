//! The loss of a step against the plain formulas of `logq` and gBCE, on the sampler's own draws.

use data::Sequences;
use models::Rows;
use tensor::{Device, Tape, Workspace};
use train::logq::Query;
use train::sample::{Interacted, Labels, Layout, Negatives, Sampler, Targets};
use train::{Examples, LogQ, Loss, SequenceConfig, Trainer, epoch, gbce_beta};

use crate::planted::{ITEMS, log, quick};

/// Score of an item for each token of `examples` under the trainer's weights, `[tokens][items]`.
fn scores(trainer: &mut Trainer, examples: &Examples, scale: f64) -> Vec<Vec<f64>> {
    let mut workspace = Workspace::new(Device::Reference);
    let items = trainer.items.matrix().unwrap();
    let mut tape = Tape::inference(trainer.model.parameters(), &mut workspace);
    let table = tape.leaf(items.values(), items.width()).unwrap();
    let Examples { inputs: index, positions, offsets, happened_at, asked_at, .. } = examples;
    let rows = Rows { index, positions, offsets, happened_at, asked_at };
    let hidden = trainer.model.forward(&mut tape, table, rows).unwrap();
    let states = tape.value(hidden).chunks_exact(items.width());
    let score = |state: &[f32], item: u32| {
        let pairs = state.iter().zip(items.row(item as usize));
        scale * pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    };
    states.map(|state| (0..ITEMS).map(|item| score(state, item)).collect()).collect()
}

fn expected(
    config: &SequenceConfig,
    trainer: &mut Trainer,
    examples: &Examples,
    train: &Sequences,
) -> f64 {
    let sampler = Sampler::new(config.negatives.clone(), &train.popularity(), 3).unwrap();
    let targets = Targets {
        users: &examples.users,
        offsets: examples.offsets.as_slice(),
        items: &examples.targets,
        interacted: &Interacted::of(train),
    };
    let sampled = sampler.sample(0, &targets).unwrap();
    let scale = match config.loss {
        Loss::SampledSoftmax { temperature, .. } => 1.0 / f64::from(temperature),
        _ => 1.0,
    };
    let scores = scores(trainer, examples, scale);
    let mut sum = 0.0;
    for (row, range) in examples.offsets.ranges().enumerate() {
        for token in range {
            let (positive, scores) = (examples.targets[token], &scores[token]);
            let places = sampled.list(row, token);
            let kept: Vec<usize> =
                places.filter(|place| sampled.items[*place] != positive).collect();
            let negatives: Vec<f64> =
                kept.iter().map(|place| scores[sampled.items[*place] as usize]).collect();
            let log_q: Vec<f64> =
                kept.iter().map(|place| f64::from(sampled.log_q[*place])).collect();
            let positive = scores[positive as usize];
            let positive_log_q = f64::from(sampled.positive_log_q[token]);
            sum += match config.loss {
                Loss::SampledSoftmax { log_q: form, .. } => {
                    let never = form == LogQ::Corrected && !sampled.hits;
                    form.gradient(&Query {
                        positive,
                        positive_log_q: if never { f64::NEG_INFINITY } else { positive_log_q },
                        negatives: &negatives,
                        log_q: &log_q,
                        drawn: sampled.count,
                    })
                    .loss
                }
                Loss::Gbce { t } => {
                    let beta = gbce_beta(sampled.count, ITEMS as usize, t);
                    let softplus = |x: f64| (1.0 + x.exp()).ln();
                    let rest: f64 = negatives.iter().map(|score| softplus(*score)).sum();
                    (beta * softplus(-positive) + rest) / (negatives.len() as f64 + 1.0)
                }
                Loss::FullSoftmax { .. } => unreachable!("nothing is drawn for it"),
            };
        }
    }
    sum / examples.tokens() as f64
}

#[test]
fn each_form_weighs_what_was_drawn() {
    let (train, _) = log(40);
    let softmax = |log_q| Loss::SampledSoftmax { log_q, temperature: 0.5 };
    let losses = [
        softmax(LogQ::None),
        softmax(LogQ::Standard),
        softmax(LogQ::NegativesOnly),
        softmax(LogQ::Corrected),
        Loss::Gbce { t: 0.75 },
        Loss::Gbce { t: 0.0 },
    ];
    let (layout, labels) = (Layout::PerToken, Labels::Unique);
    let samplers = [
        Negatives::Uniform { count: 9, layout: Layout::Shared, unseen: false },
        Negatives::Uniform { count: 9, layout: Layout::PerRow, unseen: true },
        Negatives::Popularity { count: 9, power: 0.75, layout, unseen: false },
        Negatives::Popularity { count: 9, power: 0.75, layout, unseen: true },
        Negatives::InBatch { count: Some(20), labels },
        Negatives::Mixed { count: 30, share: 0.5, labels },
    ];
    for loss in &losses {
        for negatives in &samplers {
            let (loss, negatives) = (loss.clone(), negatives.clone());
            let config = SequenceConfig { loss, negatives, ..quick() };
            let mut batches = epoch(&train, config.epoch(1, 0)).unwrap();
            let examples = batches.next().unwrap().unwrap();
            let mut trainer = Trainer::new(&config, &train, 3, Device::Cpu, 100).unwrap();
            // Scores that differ.
            trainer
                .items
                .matrix_mut()
                .unwrap()
                .values_mut()
                .iter_mut()
                .for_each(|value| *value *= 30.0);
            let expected = expected(&config, &mut trainer, &examples, &train);
            let found = f64::from(trainer.step(&examples).unwrap().loss);
            let what = format!("{:?} with {:?}", config.loss, config.negatives);
            let apart = (found - expected).abs();
            assert!(apart < 1e-4 * (1.0 + expected.abs()), "{what}: {found}, not {expected}");
        }
    }
}
