//! Queries: the last hidden state of each history.

use models::{
    BlockKind, HstuConfig, Past, Rows, SasRecConfig, SequenceModel, SequenceModelConfig,
};
use tensor::{Device, Offsets, Tape, Tensor, Workspace};

const ITEMS: u32 = 50;

/// The models of this crate, with positions that matter.
fn models(length_max: u32) -> Vec<(SequenceModel, Tensor)> {
    let sasrec = |block| {
        SequenceModelConfig::SasRec(SasRecConfig {
            block,
            dim: 16,
            hidden: 24,
            length_max,
            dropout: 0.5, // must not be felt
            cosine: block == BlockKind::Ligr,
            ..SasRecConfig::default()
        })
    };
    let hstu = SequenceModelConfig::Hstu(HstuConfig {
        dim: 16,
        heads: 2,
        query_width: 5,
        value_width: 7,
        length_max,
        score_length: length_max + 3,
        dropout: 0.5,
        ..HstuConfig::default()
    });
    let configs =
        [sasrec(BlockKind::Classic), sasrec(BlockKind::PreNorm), sasrec(BlockKind::Ligr), hstu];
    configs.map(|config| model(&config)).into()
}

fn model(config: &SequenceModelConfig) -> (SequenceModel, Tensor) {
    let mut model = SequenceModel::init(config, 3).unwrap();
    let parameters = model.parameters_mut();
    for id in parameters.iter().map(|(id, _, _)| id).collect::<Vec<_>>() {
        let values = parameters.get_mut(id).values_mut();
        values.iter_mut().for_each(|value| *value *= 8.0);
    }
    (model, models::normal(ITEMS as usize, 16, 1.0, 4, "items"))
}

fn history(length: u32, from: u32) -> Vec<u32> {
    (0..length).map(|at| (from + at * 7) % ITEMS).collect()
}

/// A second more before each event than before the one after it; asked a minute after the last.
fn times_ms(length: usize) -> Vec<i64> {
    let ago = |at: usize| (length - at) * (length - at) * 500;
    (0..length).map(|at| NOW_MS - 60_000 - ago(at) as i64).collect()
}

const NOW_MS: i64 = 1_700_000_000_000;

fn encode(model: &SequenceModel, items: &Tensor, histories: &[&[u32]]) -> Vec<f32> {
    let times: Vec<Vec<i64>> = histories.iter().map(|items| times_ms(items.len())).collect();
    let past = |(items, times_ms)| Past { items, times_ms, now_ms: NOW_MS };
    let times = times.iter().map(Vec::as_slice);
    let pasts: Vec<Past<'_>> = histories.iter().copied().zip(times).map(past).collect();
    model.encode(&mut Workspace::new(Device::Cpu), items.values(), &pasts).unwrap()
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
    for (model, items) in models(9) {
        let histories = [history(4, 1), history(1, 2), history(9, 3)];
        let lengths: Vec<usize> = histories.iter().map(Vec::len).collect();
        let offsets = Offsets::from_lengths(&lengths).unwrap();
        let (index, mut positions) = (histories.concat(), Vec::new());
        model.config().positions().places(&offsets, &mut positions);
        let times = lengths.iter().map(|length| times_ms(*length));
        let happened_at: Vec<Vec<i64>> =
            times.map(|times| times.into_iter().map(models::seconds).collect()).collect();
        let mut asked_at = Vec::new();
        for times in &happened_at {
            asked_at.extend(times.iter().skip(1));
            asked_at.push(models::seconds(NOW_MS));
        }
        let happened_at = happened_at.concat();
        let mut workspace = Workspace::new(Device::Reference);
        let mut tape = Tape::inference(model.parameters(), &mut workspace);
        let table = tape.leaf(items.values(), 16).unwrap();
        let rows = Rows {
            index: &index,
            positions: &positions,
            offsets: &offsets,
            happened_at: &happened_at,
            asked_at: &asked_at,
        };
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
    for (model, items) in models(5) {
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
}

#[test]
fn who_else_is_encoded_changes_nothing() {
    for (model, items) in models(40) {
        // More tokens than one pass takes.
        let histories: Vec<Vec<u32>> =
            (0..500).map(|user| history(user * 7 % 45, user)).collect();
        let all: Vec<&[u32]> = histories.iter().map(Vec::as_slice).collect();
        assert!(all.iter().map(|history| history.len().min(40)).sum::<usize>() > 8192);
        let together = encode(&model, &items, &all);
        for (user, state) in together.chunks_exact(16).enumerate().step_by(17) {
            close(&encode(&model, &items, &all[user..=user]), state);
        }
        assert_eq!(encode(&model, &items, &all), together);
    }
}

#[test]
fn when_things_happened_matters_to_hstu_alone() {
    for (model, items) in models(9) {
        let items_read = history(6, 1);
        let state = |times_ms: &[i64], now_ms| {
            let past = Past { items: &items_read, times_ms, now_ms };
            let mut workspace = Workspace::new(Device::Cpu);
            model.encode(&mut workspace, items.values(), &[past]).unwrap()
        };
        let usual = state(&times_ms(6), NOW_MS);
        let later = state(&times_ms(6), NOW_MS + 1_000_000_000);
        let timed = matches!(model, SequenceModel::Hstu(_));
        assert_eq!(usual != later, timed);
        // Where times are unknown everything is now.
        assert_eq!(state(&[], NOW_MS), state(&[NOW_MS; 6], NOW_MS));
    }
}

#[test]
fn an_item_beyond_the_catalogue_is_refused() {
    for (model, items) in models(5) {
        let past = Past { items: &[1, ITEMS], ..Past::default() };
        let mut workspace = Workspace::new(Device::Cpu);
        let error = model.encode(&mut workspace, items.values(), &[past]).unwrap_err();
        assert_eq!(error.to_string(), "gather: row 50 of 50");
    }
}
