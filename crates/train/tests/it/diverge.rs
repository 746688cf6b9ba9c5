//! Numbers that are none: the run stops, says where, and leaves what was good.

use std::sync::Arc;

use data::RealFiles;
use tensor::Device;
use train::{
    Checkpoints, Examples, ItemUpdates, Loss, Schedule, SequenceConfig, Trainer, epoch,
};

use crate::planted::{attempt, log, quick};

fn trainer(config: &SequenceConfig) -> (Trainer, Examples) {
    let (events, _) = log(20);
    let mut batches = epoch(&events, config.epoch(1, 0)).unwrap();
    let examples = batches.next().unwrap().unwrap();
    (Trainer::new(config, &events, 1, Device::Cpu, 100).unwrap(), examples)
}

fn bits(trainer: &mut Trainer) -> Vec<u32> {
    let parameters = trainer.model.parameters().iter().map(|(_, _, tensor)| tensor);
    let items = trainer.items.matrix().unwrap();
    let tensors = parameters.chain([items.as_ref()]);
    tensors.flat_map(|tensor| tensor.values().iter().map(|value| value.to_bits())).collect()
}

#[track_caller]
fn stops(trainer: &mut Trainer, examples: &Examples, why: &str) {
    let before = bits(trainer);
    for _ in 0..2 {
        let error = trainer.step(examples).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(bits(trainer), before, "no weight was changed");
    }
}

#[test]
fn a_weight_that_is_no_number_is_named() {
    let loss = Loss::FullSoftmax { temperature: 1.0 };
    for config in [
        SequenceConfig { loss, ..quick() },
        SequenceConfig { item_updates: ItemUpdates::Rows, ..quick() },
        quick(),
    ] {
        let (mut trainer, examples) = trainer(&config);
        trainer.step(&examples).unwrap();
        let row = examples.inputs[0];
        trainer.items.matrix_mut().unwrap().values_mut()[row as usize * 16 + 3] = f32::NAN;
        let why = format!("items: weight is not finite at row {row}, column 3");
        stops(&mut trainer, &examples, &why);
    }
    let (mut trainer, examples) = trainer(&quick());
    let id = trainer.model.parameters().find("block.0.feed_forward.up.weight").unwrap();
    trainer.model.parameters_mut().get_mut(id).values_mut()[17] = f32::INFINITY;
    let why = "block.0.feed_forward.up.weight: weight is not finite at row 1, column 1";
    stops(&mut trainer, &examples, why);
}

#[test]
fn the_first_node_that_overflows_is_named() {
    let (mut trainer, examples) = trainer(&quick());
    let id = trainer.model.parameters().find("block.0.feed_forward.up.weight").unwrap();
    trainer.model.parameters_mut().get_mut(id).values_mut().fill(3e38);
    stops(&mut trainer, &examples, "block.0.feed_forward.linear: value is not finite at row");
}

#[test]
fn a_gradient_that_overflows_is_named() {
    let (mut trainer, examples) = trainer(&quick());
    // Scores as ever, of tiny states and huge items: what flows back to the states is huge.
    let id = trainer.model.parameters().find("norm.weight").unwrap();
    trainer.model.parameters_mut().get_mut(id).values_mut().fill(1e-30);
    trainer
        .items
        .matrix_mut()
        .unwrap()
        .values_mut()
        .iter_mut()
        .for_each(|value| *value *= 1e37);
    stops(&mut trainer, &examples, ": gradient is not finite at row");
}

#[test]
fn a_run_that_diverges_keeps_its_checkpoints() {
    let (events, held) = log(20);
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = || Checkpoints::new(Arc::new(RealFiles), dir.path());
    let schedule = Schedule { peak: 1e37, ..Schedule::default() };
    let config = SequenceConfig { schedule, checkpoint_every: 1, ..quick() };
    let mut ends = Vec::new();
    for resume in [false, true] {
        let mut lines = Vec::new();
        let mut tell = |line: &str| lines.push(line.to_owned());
        let parts = (&events, &held);
        let error =
            attempt(&config, parts, Some(checkpoints()), resume, &mut tell).unwrap_err();
        assert!(error.to_string().contains("is not finite at row"), "{error}");
        let last = lines.pop().unwrap();
        assert!(last.starts_with("training broke off after step 1: set a lower"), "{last}");
        ends.push(error.to_string());
        let ids = data::sealed::ids(&RealFiles, dir.path()).unwrap();
        assert_eq!(ids, ["000001"]);
        assert!(data::sealed::verify(&RealFiles, &dir.path().join("000001")).is_empty());
    }
    assert_eq!(ends[0], ends[1]);
}

#[test]
fn broken_weights_are_neither_saved_nor_given() {
    let (events, held) = log(20);
    let dir = tempfile::tempdir().unwrap();
    let schedule = Schedule { peak: 3e38, ..Schedule::default() };
    // The first step breaks them. Then a checkpoint is due; or the run is at its end.
    for (checkpoint_every, batch_tokens) in [(1, 30), (0, 1000)] {
        let config =
            SequenceConfig { schedule, checkpoint_every, batch_tokens, epochs: 1, ..quick() };
        let checkpoints = Checkpoints::new(Arc::new(RealFiles), dir.path());
        let checkpoints = (checkpoint_every > 0).then_some(checkpoints);
        let parts = (&events, &held);
        let error = attempt(&config, parts, checkpoints, false, &mut |_| {}).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(": weight is not finite at row"), "{error}");
        assert!(data::sealed::ids(&RealFiles, dir.path()).unwrap().is_empty());
    }
}
