//! One step: on every device, by table and by rows, it is the same step.

use tensor::Device;
use train::sample::{HardWeight, Labels, Layout, Negatives};
use train::{ItemUpdates, LogQ, Loss, SequenceConfig, StepFacts, Trainer, epoch};

use crate::planted::{log, quick, sasrec};

fn first_step(config: &SequenceConfig, device: Device) -> StepFacts {
    let (events, _) = log(40);
    let mut batches = epoch(&events, config.epoch(1, 0)).unwrap();
    let examples = batches.next().unwrap().unwrap();
    let mut trainer = Trainer::new(config, &events, 1, device, 100).unwrap();
    let facts = trainer.step(&examples).unwrap();
    assert_eq!((facts.tokens, trainer.step), (examples.tokens(), 1));
    trainer.check_finite().unwrap();
    facts
}

#[test]
fn devices_and_item_updates_agree() {
    let softmax = |log_q| Loss::SampledSoftmax { log_q, temperature: 0.5 };
    let cases = [
        (
            softmax(LogQ::None),
            Negatives::Uniform { count: 9, layout: Layout::PerRow, unseen: true },
        ),
        (
            softmax(LogQ::Standard),
            Negatives::Popularity {
                count: 9,
                power: 0.75,
                layout: Layout::PerToken,
                unseen: true,
            },
        ),
        (
            softmax(LogQ::NegativesOnly),
            Negatives::InBatch { count: Some(20), labels: Labels::Unique },
        ),
        (
            softmax(LogQ::Corrected),
            Negatives::Mixed { count: 30, share: 0.5, labels: Labels::Repeated },
        ),
        (
            Loss::Gbce { t: 0.75 },
            Negatives::Uniform { count: 9, layout: Layout::PerToken, unseen: false },
        ),
        (
            softmax(LogQ::Corrected),
            Negatives::Hard { count: 10, share: 0.3, weight: HardWeight::Drawn, power: 0.0 },
        ),
    ];
    for (loss, negatives) in cases {
        let what = format!("{loss:?}, {negatives:?}");
        let hard = matches!(negatives, Negatives::Hard { .. });
        let mut config = SequenceConfig { loss, negatives, ..quick() };
        let expected = first_step(&config, Device::Reference);
        let close = |facts: StepFacts| {
            assert!((facts.loss - expected.loss).abs() < 1e-4 * expected.loss, "{what}");
            let apart = (facts.gradient_norm - expected.gradient_norm).abs();
            assert!(apart < 1e-4 * expected.gradient_norm, "{what}");
        };
        close(first_step(&config, Device::Cpu));
        if !hard {
            config.item_updates = ItemUpdates::Rows;
            close(first_step(&config, Device::Cpu));
        }
    }
}

#[test]
fn each_step_drops_other_numbers() {
    let loss = Loss::FullSoftmax { temperature: 1.0 };
    let mut config = SequenceConfig { loss, ..quick() };
    config.schedule.peak = 1e-30; // weights stay
    sasrec(&mut config).dropout = 0.5;
    let (events, _) = log(40);
    let mut batches = epoch(&events, config.epoch(1, 0)).unwrap();
    let examples = batches.next().unwrap().unwrap();
    let losses = |seed| {
        let mut trainer = Trainer::new(&config, &events, seed, Device::Cpu, 100).unwrap();
        [(); 3].map(|()| trainer.step(&examples).unwrap().loss.to_bits())
    };
    let [a, b, c] = losses(1);
    assert!(a != b && b != c && a != c, "the loss of a step is the next one's");
    assert_eq!(losses(1), [a, b, c]);
    assert_ne!(losses(2), [a, b, c]);
}

#[test]
fn the_items_table_is_dropped_out_as_asked() {
    let loss = Loss::FullSoftmax { temperature: 1.0 };
    let mut config = SequenceConfig { loss, ..quick() };
    config.schedule.peak = 1e-30; // weights stay
    let (events, _) = log(40);
    let mut batches = epoch(&events, config.epoch(1, 0)).unwrap();
    let examples = batches.next().unwrap().unwrap();
    let losses = |rate| {
        let config = SequenceConfig { item_dropout: rate, ..config.clone() };
        let mut trainer = Trainer::new(&config, &events, 1, Device::Cpu, 100).unwrap();
        [(); 2].map(|()| trainer.step(&examples).unwrap().loss.to_bits())
    };
    let [a, b] = losses(0.0);
    assert_eq!(a, b, "nothing is dropped");
    let [c, d] = losses(0.5);
    assert!(c != a && c != d, "each step drops other numbers");
    assert_eq!(losses(0.5), [c, d]);
}

#[test]
fn the_rate_of_a_step_is_the_schedules() {
    // Adam's first step moves each weight that has a gradient by the rate.
    let mut config = quick();
    config.schedule.warm_up = 4;
    config.schedule.peak = 0.04;
    let (events, _) = log(40);
    let mut batches = epoch(&events, config.epoch(1, 0)).unwrap();
    let examples = batches.next().unwrap().unwrap();
    let mut trainer = Trainer::new(&config, &events, 1, Device::Cpu, 100).unwrap();
    let before = trainer.items.matrix().unwrap().into_owned();
    trainer.step(&examples).unwrap();
    let after = trainer.items.matrix().unwrap();
    let pairs = before.values().iter().zip(after.values());
    let moved = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!((moved - 0.01).abs() < 1e-4, "{moved}");
}
