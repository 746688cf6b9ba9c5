//! SASRec as a retriever: what it reads, what it scores, why it says so, and what it refuses.

use std::path::Path;

use data::order;
use models::{Past, SasRecConfig, SequenceModel};
use retrieve::{Everything, Model, Query, Reason, Retriever};
use tensor::{Device, Tensor, Workspace};

use super::worlds::{Told, items, query};

const ITEMS: u32 = 300;

fn config() -> SasRecConfig {
    SasRecConfig { dim: 16, hidden: 32, length_max: 6, ..SasRecConfig::default() }
}

fn parts() -> (SequenceModel, Tensor) {
    let config = config().into();
    let network = SequenceModel::init(&config, 3).expect("settings of a model");
    (network, SequenceModel::init_items(&config, ITEMS, 3))
}

fn model() -> Model {
    let (network, items) = parts();
    Model::sequence(network, &items).expect("finite")
}

#[test]
fn it_ranks_as_scoring_every_item_does() {
    let (network, table) = parts();
    let told = Told::of(&[4, 9, 250, 17]);
    let mut workspace = Workspace::new(Device::Reference);
    let state = network.encode(
        &mut workspace,
        table.values(),
        &[Past { items: &[4, 9, 250, 17], ..Past::default() }],
    );
    let state = state.unwrap();
    let score = |item: u32| {
        let row = table.row(item as usize).iter().zip(&state);
        row.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() as f32
    };
    let mut all: Vec<(u32, f32)> = (0..ITEMS).map(|item| (item, score(item))).collect();
    order::top_k(&mut all, 20, 7);
    let wanted: Vec<u32> = all.iter().map(|(item, _)| *item).collect();
    let found = model().retrieve(&query(told.history(), &Everything, 20));
    assert_eq!(found.iter().map(|found| found.item).collect::<Vec<_>>(), wanted);
    for (found, (_, score)) in found.iter().zip(&all) {
        assert!((found.score - score).abs() < 1e-4, "{found:?}, not {score}");
    }
}

#[test]
fn it_reads_the_latest_items_that_it_knows_in_order() {
    let model = model();
    let of = |history: &[u32]| items(&model, Told::of(history).history(), 10);
    let six = of(&[1, 2, 3, 4, 5, 6]);
    assert_eq!(of(&[99, 98, 1, 2, 3, 4, 5, 6]), six, "six are read");
    assert_eq!(of(&[1, 2, 3, 1000, 4, 5, u32::MAX, 6]), six, "others are unknown");
    assert_ne!(of(&[6, 5, 4, 3, 2, 1]), six, "order matters");
}

#[test]
fn the_reason_is_the_nearest_item_that_was_read() {
    let (network, mut table) = parts();
    let (told, like) = (5, 40);
    let row: Vec<f32> = table.row(told).iter().map(|value| value * 0.5).collect();
    table.values_mut()[like * 16..][..16].copy_from_slice(&row);
    let model = Model::sequence(network, &table).unwrap();
    let history = Told::of(&[200, 5, 201, 202]);
    let asked = query(history.history(), &Everything, 5);
    assert_eq!(model.reason(&asked, like as u32), Reason::Because { item: 5 });
    // Read no more: the latest six are others.
    let history = Told::of(&[5, 200, 201, 202, 203, 204, 205]);
    let asked = query(history.history(), &Everything, 5);
    assert_ne!(model.reason(&asked, like as u32), Reason::Because { item: 5 });
    assert_eq!(model.reason(&asked, 5000), Reason::Taste, "an item it does not know");
}

#[test]
fn requests_at_the_same_time_get_what_they_get_alone() {
    let model = model();
    let told: Vec<Told> =
        (0..16).map(|first| Told::of(&[first, first + 7, 2 * first])).collect();
    let ask =
        |told: &Told| model.retrieve(&Query { k: 15, ..query(told.history(), &Everything, 1) });
    let alone: Vec<_> = told.iter().map(ask).collect();
    for _ in 0..20 {
        let together: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> =
                told.iter().map(|told| scope.spawn(move || ask(told))).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        assert_eq!(together, alone);
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let (network, _) = parts();
    let narrow = Tensor::zeros(10, 8);
    let why = Model::sequence(network.clone(), &narrow).unwrap_err().to_string();
    assert!(why.contains("8 columns for a network of 16"), "{why}");
    let mut items = Tensor::zeros(10, 16);
    items.values_mut()[40] = f32::NAN;
    let why = Model::sequence(network, &items).unwrap_err().to_string();
    assert!(why.contains("row 2"), "{why}");
}

/// The file with other words of the same length in its header.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("no {from} in the header"));
    let mut bytes = bytes.to_vec();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

#[test]
fn a_file_that_states_what_cannot_be_is_refused() {
    // Room for more digits.
    let config = SasRecConfig { length_max: 10_000, dim: 16, hidden: 1000, ..config() };
    let config = config.into();
    let network = SequenceModel::init(&config, 3).unwrap();
    let items = SequenceModel::init_items(&config, 20, 3);
    let bytes = Model::sequence(network, &items).unwrap().to_bytes().unwrap();
    let read = |bytes: &[u8]| Model::from_bytes("sasrec", bytes, Path::new("some.safetensors"));
    assert!(read(&bytes).is_ok());
    for (from, to, word) in [
        (r#"length_max\":10000"#, r#"length_max\":65000"#, "larger network"),
        (r#"length_max\":10000"#, r#"length_max\":99999"#, "length_max"),
        (r#"length_max\":10000"#, r#"length_max\":00000"#, "header"),
        (r#"hidden\":1000"#, r#"hidden\":9999"#, "larger network"),
        (r#"dim\":16"#, r#"dim\":14"#, "not [20, 14]"),
        (r#"heads\":2"#, r#"heads\":0"#, "heads"),
        (r#"heads\":2"#, r#"heads\":3"#, "heads"),
        (r#"blocks\":2"#, r#"blocks\":1"#, "tensors"),
        (r#"blocks\":2"#, r#"blocks\":3"#, "tensors"),
        (r#"items\":20"#, r#"items\":21"#, "not [21, 16]"),
        (r#"dropout\":0.1"#, r#"dropout\":9.1"#, "dropout"),
    ] {
        let why = read(&replaced(&bytes, from, to)).unwrap_err().to_string();
        assert!(why.contains(word) && why.contains("some.safetensors"), "{to}: {why}");
    }
    let mut endless = bytes.clone();
    let last = endless.len() - 4;
    endless[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    let why = read(&endless).unwrap_err().to_string();
    assert!(why.contains("not finite"), "{why}");
}
