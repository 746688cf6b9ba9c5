//! Batches of examples: what is an input, what its target, and who is in them.

use std::collections::BTreeSet;

use data::Sequences;
use proptest::prelude::*;
use train::{EpochSpec, Examples, Window, epoch};

use crate::histories::spec;

fn sequences(histories: &[Vec<u32>]) -> Sequences {
    let events: Vec<(u32, u32, i64, f32)> = histories
        .iter()
        .enumerate()
        .flat_map(|(user, items)| {
            let events = items.iter().enumerate();
            events.map(move |(at, item)| (user as u32, *item, at as i64, 1.0))
        })
        .collect();
    Sequences::from_events(histories.len(), 1000, &events).unwrap()
}

fn batches(
    histories: &[Vec<u32>],
    tokens: u32,
    length_max: u32,
    seed: u64,
    number: u32,
) -> Vec<Examples> {
    let sequences = sequences(histories);
    let spec =
        EpochSpec { batch_tokens: tokens, seed, number, ..spec(length_max, Window::default()) };
    epoch(&sequences, spec).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_target_is_the_event_after_its_input() {
    let histories = [vec![5, 6, 7, 8], vec![9], vec![], vec![1, 1]];
    let batches = batches(&histories, 100, 10, 1, 0);
    let [batch] = &batches[..] else { panic!("one batch") };
    let users: BTreeSet<u32> = batch.users.iter().copied().collect();
    assert_eq!(users, [0, 3].into(), "one event has no next");
    for (row, user) in batch.users.iter().enumerate() {
        let range = batch.offsets.range(row);
        let (inputs, targets, positions): (&[u32], &[u32], &[u32]) = match user {
            0 => (&[5, 6, 7], &[6, 7, 8], &[2, 1, 0]),
            _ => (&[1], &[1], &[0]),
        };
        assert_eq!(&batch.inputs[range.clone()], inputs);
        assert_eq!(&batch.targets[range.clone()], targets);
        assert_eq!(&batch.positions[range], positions);
    }
}

#[test]
fn the_latest_of_long_histories_are_taken() {
    let batches = batches(&[(0..20).collect()], 100, 4, 1, 0);
    assert_eq!(batches[0].inputs, [15, 16, 17, 18]);
    assert_eq!(batches[0].targets, [16, 17, 18, 19]);
}

#[test]
fn a_history_that_fits_no_batch_is_refused() {
    let sequences = sequences(&[(0..20).collect()]);
    let spec = |batch_tokens| EpochSpec { batch_tokens, ..spec(4, Window::default()) };
    assert!(epoch(&sequences, spec(5)).is_ok());
    let error = epoch(&sequences, spec(4)).err().unwrap().to_string();
    assert!(error.contains("at most 4 tokens cannot hold a history of 5"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_epoch_has_every_user_once_and_nothing_else(
        lengths in prop::collection::vec(0usize..12, 1..40),
        tokens in 8u32..40,
        length_max in 1u32..8,
        seed in any::<u64>(),
    ) {
        // Every event its own item, so that a stray one would show.
        let mut item = 0;
        let histories: Vec<Vec<u32>> = lengths
            .iter()
            .map(|length| {
                item += *length as u32;
                (item - *length as u32..item).collect()
            })
            .collect();
        let mut orders = Vec::new();
        for number in 0..2 {
            let batches = batches(&histories, tokens, length_max, seed, number);
            let mut users: Vec<u32> = Vec::new();
            for batch in &batches {
                prop_assert!(batch.tokens() + batch.users.len() <= tokens as usize);
                prop_assert_eq!(batch.offsets.rows(), batch.users.len());
                for (row, user) in batch.users.iter().enumerate() {
                    let range = batch.offsets.range(row);
                    let history = &histories[*user as usize];
                    let kept = history.len().min(length_max as usize + 1);
                    let history = &history[history.len() - kept..];
                    prop_assert_eq!(&batch.inputs[range.clone()], &history[..kept - 1]);
                    prop_assert_eq!(&batch.targets[range.clone()], &history[1..]);
                    let positions: Vec<u32> = (0..range.len() as u32).rev().collect();
                    prop_assert_eq!(&batch.positions[range], &positions[..]);
                }
                users.extend(&batch.users);
            }
            orders.push(users.clone());
            users.sort_unstable();
            let expected: Vec<u32> =
                (0..lengths.len() as u32).filter(|user| lengths[*user as usize] >= 2).collect();
            prop_assert_eq!(users, expected);
        }
        prop_assert!(orders[0].len() < 10 || orders[0] != orders[1], "each epoch has its order");
    }
}
