//! Queries: the last hidden state of each history.

use models::{BlockKind, Rows, SasRec, SasRecConfig};
use tensor::{Device, Offsets, Tape, Tensor, Workspace};

const ITEMS: u32 = 50;

fn model(block: BlockKind, length_max: u32) -> (SasRec, Tensor) {
    let config = SasRecConfig {
        block,
        dim: 16,
        hidden: 24,
        length_max,
        dropout: 0.5, // must not be felt
        ..SasRecConfig::default()
    };
    let mut model = SasRec::init(&config, 3).unwrap();
    // Positions that matter.
    let positions = model.parameters.find("positions").unwrap();
    let values = model.parameters.get_mut(positions).values_mut();
    values.iter_mut().for_each(|value| *value *= 50.0);
    (model, models::normal(ITEMS as usize, 16, 1.0, 4, "items"))
}

fn history(length: u32, from: u32) -> Vec<u32> {
    (0..length).map(|at| (from + at * 7) % ITEMS).collect()
}

fn encode(model: &SasRec, items: &Tensor, histories: &[&[u32]]) -> Vec<f32> {
    model.encode(&mut Workspace::new(Device::Cpu), items.values(), histories).unwrap()
}

#[track_caller]
fn close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-5, "{a}, not {b}");
    }
}

#[test]
fn a_state_is_the_last_of_forward() {
    for block in [BlockKind::Classic, BlockKind::PreNorm, BlockKind::Ligr] {
        let (model, items) = model(block, 9);
        let histories = [history(4, 1), history(1, 2), history(9, 3)];
        let lengths: Vec<usize> = histories.iter().map(Vec::len).collect();
        let offsets = Offsets::from_lengths(&lengths).unwrap();
        let (index, mut positions) = (histories.concat(), Vec::new());
        models::Positions::FromEnd.places(&offsets, &mut positions);
        let mut workspace = Workspace::new(Device::Reference);
        let mut tape = Tape::inference(&model.parameters, &mut workspace);
        let table = tape.leaf(items.values(), 16).unwrap();
        let rows = Rows { index: &index, positions: &positions, offsets: &offsets };
        let hidden = model.forward(&mut tape, table, rows).unwrap();
        let hidden = tape.value(hidden);
        let lasts: Vec<f32> =
            [3, 4, 13].iter().flat_map(|at| hidden[at * 16..][..16].to_vec()).collect();
        let all: Vec<&[u32]> = histories.iter().map(Vec::as_slice).collect();
        close(&encode(&model, &items, &all), &lasts);
    }
}

#[test]
fn empty_histories_are_zeros_and_long_ones_are_cut() {
    let (model, items) = model(BlockKind::PreNorm, 5);
    assert!(encode(&model, &items, &[]).is_empty());
    assert_eq!(encode(&model, &items, &[&[], &[]]), [0.0; 32]);
    let long = history(12, 4);
    let states = encode(&model, &items, &[&[], &long, &[], &long[7..]]);
    assert_eq!(states[..16], [0.0; 16]);
    assert_eq!(states[32..48], [0.0; 16]);
    close(&states[16..32], &states[48..]);
    assert!(states[16..32].iter().any(|value| value.abs() > 0.1));
    let other = encode(&model, &items, &[&long[6..11]]);
    assert!(other.iter().zip(&states[16..32]).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn who_else_is_encoded_changes_nothing() {
    let (model, items) = model(BlockKind::Ligr, 40);
    // More tokens than one pass takes.
    let histories: Vec<Vec<u32>> = (0..500).map(|user| history(user * 7 % 45, user)).collect();
    let all: Vec<&[u32]> = histories.iter().map(Vec::as_slice).collect();
    assert!(all.iter().map(|history| history.len().min(40)).sum::<usize>() > 8192);
    let together = encode(&model, &items, &all);
    for (user, state) in together.chunks_exact(16).enumerate().step_by(17) {
        close(&encode(&model, &items, &all[user..=user]), state);
    }
    assert_eq!(encode(&model, &items, &all), together);
}

#[test]
fn an_item_beyond_the_catalogue_is_refused() {
    let (model, items) = model(BlockKind::Classic, 5);
    let mut workspace = Workspace::new(Device::Cpu);
    let error = model.encode(&mut workspace, items.values(), &[&[1, ITEMS]]).unwrap_err();
    assert_eq!(error.to_string(), "gather: row 50 of 50");
}
