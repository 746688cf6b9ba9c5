//! SASRec as a retriever: what it reads, what it scores, why it says so, and what it refuses.

use std::path::Path;

use data::order;
use models::{Past, SasRecConfig, SequenceModel};
use retrieve::{Everything, LiveFacts, Model, Query, Reason, Retriever, Sequence};
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

#[test]
fn weights_and_rows_that_came_by_themselves_make_the_same_model() {
    let (network, table) = parts();
    let facts = LiveFacts {
        config: config().into(),
        items: ITEMS,
        items_blake3: String::new(),
        users: 0,
        users_blake3: String::new(),
        learned_until_ms: 0,
        events: 0,
        made_ms: 0,
    };
    let dense = facts.with(&network).unwrap();
    let place = Path::new("a delta");
    let write = |item: u32, out: &mut [f32]| {
        out.copy_from_slice(table.row(item as usize));
        true
    };
    let (live, told) = Sequence::live("sasrec", &dense, place, 300, write).unwrap();
    assert_eq!(told, facts);
    assert_eq!(Model::live(live), model());

    // Item 9 has no row: it is not recommended and not read.
    let without = |item: u32, out: &mut [f32]| item != 9 && write(item, out);
    let (live, _) = Sequence::live("sasrec", &dense, place, 299, without).unwrap();
    let live = Model::live(live);
    let history = Told::of(&[4, 17]);
    let all = items(&live, history.history(), ITEMS as usize);
    assert_eq!(all.len(), ITEMS as usize - 1);
    assert!(!all.contains(&9));
    assert_eq!(items(&live, Told::of(&[4, 9, 17]).history(), 20), all[..20]);

    let refused = |dense: &[u8], rows: usize, row: &dyn Fn(u32, &mut [f32]) -> bool| {
        Sequence::live("sasrec", dense, place, rows, row).unwrap_err().to_string()
    };
    assert!(refused(&dense[..dense.len() - 1], 300, &write).contains("a delta"));
    let nan = |_: u32, out: &mut [f32]| {
        out.fill(f32::NAN);
        true
    };
    assert!(refused(&dense, 300, &nan).contains("item 0 is not finite"));
    let huge = LiveFacts { items: u32::MAX, ..facts }.with(&network).unwrap();
    assert!(refused(&huge, 300, &write).contains("300 rows for a catalogue of"));
    let other = Sequence::live("hstu", &dense, place, 300, write);
    assert!(other.unwrap_err().to_string().contains("sasrec"));
}
