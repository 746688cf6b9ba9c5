//! Kept histories against fresh ones.

use models::{Error, Hstu, HstuCache, HstuConfig, Past, Positions, SequenceModel, normal};
use tensor::{Device, EventRows, Offsets, Tape, Tensor, Workspace};

const ITEMS: u32 = 40;
const NOW_MS: i64 = 1_700_000_000_000;

fn model(length_max: u32) -> (Hstu, Tensor) {
    let config = HstuConfig {
        dim: 16,
        blocks: 3,
        heads: 2,
        query_width: 5,
        value_width: 7,
        length_max,
        score_length: length_max,
        dropout: 0.5, // must not be felt
        ..HstuConfig::default()
    };
    let mut model = Hstu::init(&config, 3).unwrap();
    let ids: Vec<_> = model.parameters.iter().map(|(id, _, _)| id).collect();
    for id in ids {
        let values = model.parameters.get_mut(id).values_mut();
        values.iter_mut().for_each(|value| *value *= 8.0);
    }
    (model, normal(ITEMS as usize, 16, 1.0, 4, "items"))
}

/// Items and times of `count` events, some of them at once.
fn events(count: usize) -> (Vec<u32>, Vec<i64>) {
    let items = (0..count as u32).map(|at| at * 7 % ITEMS).collect();
    let times =
        (0..count as i64).map(|at| NOW_MS - 1000 * (300 - at) * (300 - at) / 2 * 2).collect();
    (items, times)
}

#[track_caller]
fn close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-5, "{a}, not {b}");
    }
}

fn fresh(model: &Hstu, items: &Tensor, past: Past<'_>) -> Vec<f32> {
    let model = SequenceModel::Hstu(model.clone());
    model.encode(&mut Workspace::new(Device::Cpu), items.values(), &[past]).unwrap()
}

#[test]
fn a_history_that_grows_is_a_fresh_one_at_every_request() {
    for device in [Device::Reference, Device::Cpu] {
        let (model, items) = model(200);
        let (read, times_ms) = events(180);
        let mut workspace = Workspace::new(device);
        let mut cache = HstuCache::default();
        // One event more, several, none; asked sooner and later.
        for (count, later_ms) in
            [(1, 0), (2, 5000), (2, 90_000), (63, 0), (64, 1), (65, 0), (130, 7000), (180, 0)]
        {
            let past = Past {
                items: &read[..count],
                times_ms: &times_ms[..count],
                now_ms: NOW_MS + later_ms,
            };
            let found = model.ask(&mut workspace, items.values(), &mut cache, &past).unwrap();
            close(&found, &fresh(&model, &items, past));
            assert_eq!(cache.len(), count);
            assert!(cache.bytes() > count * 3 * 2 * 12 * 4);
        }
    }
}

#[test]
fn candidates_are_each_what_they_are_alone() {
    let (model, items) = model(90);
    let candidates: Vec<u32> = (0..70).map(|at| at * 11 % ITEMS).collect();
    for count in [1, 64, 89] {
        let (read, times_ms) = events(count);
        let past = Past { items: &read, times_ms: &times_ms, now_ms: NOW_MS + 4000 };
        let mut alone = Vec::new();
        for candidate in &candidates {
            let index: Vec<u32> = read.iter().copied().chain([*candidate]).collect();
            let now = NOW_MS / 1000 + 4;
            let mut happened_at: Vec<i64> = times_ms.iter().map(|ms| ms / 1000).collect();
            happened_at.push(now);
            let mut asked_at = happened_at[1..].to_vec();
            asked_at.push(now);
            let offsets = Offsets::from_lengths(&[count + 1]).unwrap();
            let positions: Vec<u32> = (0..=count as u32).collect();
            let mut workspace = Workspace::new(Device::Reference);
            let mut tape = Tape::inference(&model.parameters, &mut workspace);
            let table = tape.leaf(items.values(), 16).unwrap();
            let rows = EventRows {
                candidates: &[1],
                ..EventRows::histories(&offsets, &happened_at, &asked_at)
            };
            let hidden =
                model.forward_events(&mut tape, table, &index, &positions, rows).unwrap();
            alone.extend_from_slice(&tape.value(hidden)[count * 16..]);
        }
        for device in [Device::Reference, Device::Cpu] {
            for micro_batch in [1, 33, 256] {
                let mut workspace = Workspace::new(device);
                let mut cache = HstuCache::default();
                model.ask(&mut workspace, items.values(), &mut cache, &past).unwrap();
                let found = model
                    .candidates(
                        &mut workspace,
                        items.values(),
                        &cache,
                        &candidates,
                        micro_batch,
                    )
                    .unwrap();
                close(&found, &alone);
            }
        }
    }
}

#[test]
fn what_cannot_go_on_is_refused_and_leaves_the_cache() {
    let (model, items) = model(10);
    let (read, times_ms) = events(10);
    let mut workspace = Workspace::new(Device::Cpu);
    let mut cache = HstuCache::default();
    let past = |count: usize| Past {
        items: &read[..count],
        times_ms: &times_ms[..count],
        now_ms: NOW_MS,
    };
    let mut ask = |cache: &mut HstuCache, past: &Past<'_>| {
        model.ask(&mut workspace, items.values(), cache, past)
    };
    assert!(ask(&mut cache, &past(0)).is_err());
    let before = ask(&mut cache, &past(4)).unwrap();
    let other: Vec<u32> = read[1..6].to_vec();
    let elsewhere = Past { items: &other, ..past(5) };
    assert!(ask(&mut cache, &elsewhere).unwrap_err().to_string().contains("beginning"));
    let beyond: Vec<u32> = read[..4].iter().copied().chain([ITEMS]).collect();
    let unknown = Past { items: &beyond, ..past(5) };
    assert!(matches!(ask(&mut cache, &unknown), Err(Error::Tensor(_))));
    let untimed = Past { times_ms: &[], ..past(5) };
    assert!(ask(&mut cache, &untimed).is_err());
    close(&ask(&mut cache, &past(4)).unwrap(), &before);
    ask(&mut cache, &past(10)).unwrap();
    let mut workspace = Workspace::new(Device::Cpu);
    let full = model.candidates(&mut workspace, items.values(), &cache, &[1], 8);
    assert!(full.unwrap_err().to_string().contains("no place after 10 events"));
    let none = HstuCache::default();
    assert!(model.candidates(&mut workspace, items.values(), &none, &[1], 8).is_err());
    let config = HstuConfig { positions: Positions::FromEnd, ..model.config().clone() };
    let backwards = Hstu::init(&config, 1).unwrap();
    let mut cache = HstuCache::default();
    assert!(backwards.ask(&mut workspace, items.values(), &mut cache, &past(3)).is_err());
}
