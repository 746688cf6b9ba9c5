//! A log whose next item is a function of the last, and short runs on it.

use data::{FixedClock, Progress, Sequences};
use models::{BlockKind, SasRecConfig, SequenceModelConfig};
use train::optim::AdamConfig;
use train::sample::{Layout, Negatives};
use train::{
    Checkpoints, Loss, Optimizer, Result, Run, Schedule, SequenceConfig, Trained, fit,
};

pub(crate) const ITEMS: u32 = 41;

/// What comes after `item`: one cycle through all.
pub(crate) fn next(item: u32) -> u32 {
    (item + 7) % ITEMS
}

/// Walks of 2 to 9 events a user in training, and the event after.
pub(crate) fn log(users: u32) -> (Sequences, Sequences) {
    let (mut train, mut held) = (Vec::new(), Vec::new());
    for user in 0..users {
        let mut item = user * 11 % ITEMS;
        for at in 0..2 + user % 8 {
            train.push((user, item, i64::from(at), 1.0));
            item = next(item);
        }
        held.push((user, item, 100, 1.0));
    }
    let of = |events: &[_]| Sequences::from_events(users as usize, ITEMS, events).unwrap();
    (of(&train), of(&held))
}

/// The model of [`quick`], to be changed.
pub(crate) fn sasrec(config: &mut SequenceConfig) -> &mut SasRecConfig {
    match &mut config.model {
        SequenceModelConfig::SasRec(model) => model,
        SequenceModelConfig::Hstu(_) => panic!("not a SASRec"),
    }
}

/// A small model that learns quickly.
pub(crate) fn quick() -> SequenceConfig {
    SequenceConfig {
        model: SequenceModelConfig::SasRec(SasRecConfig {
            block: BlockKind::PreNorm,
            dim: 16,
            blocks: 1,
            heads: 2,
            hidden: 16,
            length_max: 8,
            dropout: 0.0,
            dropout_hidden: 0.0,
            dropout_attention: 0.0,
            ..SasRecConfig::default()
        }),
        loss: Loss::SampledSoftmax { log_q: train::LogQ::None, temperature: 1.0 },
        // Masks over the table and over touched rows differ.
        item_dropout: 0.0,
        negatives: Negatives::Uniform { count: 16, layout: Layout::Shared, unseen: false },
        optimizer: Optimizer::Adam(AdamConfig::default()),
        schedule: Schedule { peak: 0.01, ..Schedule::default() },
        batch_tokens: 100,
        epochs: 30,
        validate_every: 10,
        patience: 0,
        ..SequenceConfig::default()
    }
}

/// Runs without a word.
pub(crate) fn train(config: &SequenceConfig, train: &Sequences, held: &Sequences) -> Trained {
    attempt(config, (train, held), None, false, &mut |_| {}).unwrap()
}

/// A run whose lines `tell` hears.
pub(crate) fn attempt(
    config: &SequenceConfig,
    (train, held): (&Sequences, &Sequences),
    checkpoints: Option<Checkpoints>,
    resume: bool,
    tell: &mut dyn FnMut(&str),
) -> Result<Trained> {
    fit(Run {
        config,
        train,
        held: Some(held),
        seed: 5,
        checkpoints,
        resume,
        table: None,
        clock: &FixedClock(0),
        progress: &Progress::silent(),
        tell: &mut |report| {
            if let Some(line) = report.line() {
                tell(&line);
            }
        },
    })
}

/// Every bit of what was learned.
pub(crate) fn bits(trained: &Trained) -> Vec<u32> {
    let parameters = trained.model.parameters().iter().map(|(_, _, tensor)| tensor);
    let tensors = parameters.chain([&trained.items]);
    tensors.flat_map(|tensor| tensor.values().iter().map(|value| value.to_bits())).collect()
}
