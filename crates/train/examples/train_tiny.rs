//! Trains on a tiny made-up log, and goes on where it was cut off: `train_tiny DIR SEED`.
//!
//! Prints a line an epoch and, at last, `checksum HEX` of all weights. Kill it and start it again
//! as often as you like: the checksum is the same.
#![allow(clippy::print_stdout, reason = "an example speaks to people")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use data::{Progress, RealFiles, Sequences, SystemClock};
use models::{SasRecConfig, SequenceModelConfig};
use train::sample::{Layout, Negatives};
use train::{Checkpoints, Run, SequenceConfig, fit};
use xxhash_rust::xxh3::Xxh3;

const ITEMS: u32 = 101;
const USERS: u32 = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), Some(seed)) = (arguments.next(), arguments.next()) else {
        return Err("say where to keep checkpoints, and a seed: train_tiny DIR SEED".into());
    };
    let (train, held) = log()?;
    let checkpoints = Checkpoints::new(Arc::new(RealFiles), Path::new(&dir));
    let resume = checkpoints.any()?;
    let trained = fit(Run {
        config: &config(),
        train: &train,
        held: Some(&held),
        seed: seed.parse()?,
        checkpoints: Some(checkpoints),
        resume,
        table: None,
        clock: &SystemClock,
        progress: &Progress::silent(),
        tell: &mut |report| {
            if let Some(line) = report.line() {
                println!("{line}");
            }
        },
    })?;
    let mut hash = Xxh3::new();
    let parameters = trained.model.parameters().iter().map(|(_, _, tensor)| tensor);
    for value in parameters.chain([&trained.items]).flat_map(|tensor| tensor.values()) {
        hash.update(&value.to_le_bytes());
    }
    println!("checksum {:016x}", hash.digest());
    Ok(())
}

fn config() -> SequenceConfig {
    SequenceConfig {
        model: SequenceModelConfig::SasRec(SasRecConfig {
            dim: 16,
            blocks: 1,
            hidden: 32,
            length_max: 12,
            dropout: 0.2,
            ..SasRecConfig::default()
        }),
        negatives: Negatives::Uniform { count: 32, layout: Layout::PerRow, unseen: true },
        batch_tokens: 200,
        epochs: 12,
        patience: 0,
        checkpoint_every: 3,
        ..SequenceConfig::default()
    }
}

/// Walks on a circle of items, and where they went next.
fn log() -> Result<(Sequences, Sequences), data::Error> {
    let (mut train, mut held) = (Vec::new(), Vec::new());
    for user in 0..USERS {
        let length = 2 + user % 12;
        let item = |at: u32| (user * 13 + at * 7) % ITEMS;
        train.extend((0..length).map(|at| (user, item(at), i64::from(at), 1.0)));
        held.push((user, item(length), i64::from(length), 1.0));
    }
    let of = |events: &[_]| Sequences::from_events(USERS as usize, ITEMS, events);
    Ok((of(&train)?, of(&held)?))
}
