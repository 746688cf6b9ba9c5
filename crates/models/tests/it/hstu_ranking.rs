//! HSTU's ranking form: its rows, who feels what, and what it refuses.

use models::{
    Candidates, HstuConfig, HstuRanking, HstuRankingConfig, Positions, RankingEvents,
    RankingRows, Read, interleave, parameters_from_bytes, parameters_to_bytes,
};
use proptest::prelude::*;
use tensor::{Device, Offsets, Tape, Tensor, Workspace};

const ITEMS: u32 = 30;
const KINDS: u32 = 3;
const DIM: usize = 8;

/// Histories that can be changed.
#[derive(Debug, Clone)]
struct Histories {
    lengths: Vec<usize>,
    items: Vec<u32>,
    actions: Vec<u32>,
    times: Vec<i64>,
    now: Vec<i64>,
    contexts: Vec<u32>,
    candidates: Vec<Vec<u32>>,
}

impl Histories {
    fn rows(&self, context: u32) -> RankingRows {
        let offsets = Offsets::from_lengths(&self.lengths).unwrap();
        let counts: Vec<usize> = self.candidates.iter().map(Vec::len).collect();
        let scored = Offsets::from_lengths(&counts).unwrap();
        let items = self.candidates.concat();
        let candidates = Candidates { offsets: &scored, items: &items };
        let events = RankingEvents {
            offsets: &offsets,
            items: &self.items,
            actions: &self.actions,
            times: &self.times,
            now: &self.now,
            contexts: &self.contexts,
            candidates: (!counts.is_empty()).then_some(candidates),
        };
        interleave(&events, context, KINDS).unwrap()
    }

    /// The first events of row 0 alone, asked about `candidates`.
    fn first_row(&self, context: u32, candidates: &[u32]) -> Histories {
        let count = self.lengths[0];
        Histories {
            lengths: vec![count],
            items: self.items[..count].to_vec(),
            actions: self.actions[..count].to_vec(),
            times: self.times[..count].to_vec(),
            now: self.now[..1].to_vec(),
            contexts: self.contexts[..context as usize].to_vec(),
            candidates: vec![candidates.to_vec()],
        }
    }
}

/// One to three histories of 1 to 7 events over anything from seconds to years.
fn histories(context: u32) -> impl Strategy<Value = Histories> {
    let event = (0..ITEMS, 0u32..1 << KINDS, 0i64..8);
    let row = (
        prop::collection::vec(event, 1..8),
        prop::collection::vec(0..5u32, context as usize),
        prop::collection::vec(0..ITEMS, 0..5),
    );
    prop::collection::vec(row, 1..4).prop_map(|rows| {
        let (mut times, mut now) = (Vec::new(), Vec::new());
        for (events, _, _) in &rows {
            let mut time = 1_000_000_000;
            for (_, _, gap) in events {
                time += 10i64.pow(*gap as u32) - 1;
                times.push(time);
            }
            now.push(time + 77);
        }
        let events = rows.iter().flat_map(|(events, _, _)| events);
        Histories {
            lengths: rows.iter().map(|(events, _, _)| events.len()).collect(),
            items: events.clone().map(|(item, _, _)| *item).collect(),
            actions: events.map(|(_, set, _)| *set).collect(),
            times,
            now,
            contexts: rows.iter().flat_map(|(_, context, _)| context.clone()).collect(),
            candidates: rows.iter().map(|(_, _, candidates)| candidates.clone()).collect(),
        }
    })
}

fn config(context: u32) -> HstuRankingConfig {
    HstuRankingConfig {
        hstu: HstuConfig {
            dim: DIM as u32,
            heads: 2,
            query_width: 3,
            value_width: 5,
            length_max: 8,
            score_length: 2 * 8 + context,
            dropout: 0.5, // must not be felt
            ..HstuConfig::default()
        },
        actions: KINDS,
        context,
        head: vec![6],
    }
}

/// With weights that are large enough to matter.
fn model(context: u32) -> HstuRanking {
    let mut model = HstuRanking::init(&config(context), 3).unwrap();
    for id in model.parameters.iter().map(|(id, _, _)| id).collect::<Vec<_>>() {
        let values = model.parameters.get_mut(id).values_mut();
        values.iter_mut().for_each(|value| *value *= 8.0);
    }
    model
}

fn logits(model: &HstuRanking, rows: &RankingRows, read: Read) -> Vec<f32> {
    let [items, contexts] = [("items", ITEMS), ("contexts", 5)]
        .map(|(name, count)| models::normal(count as usize, DIM, 1.0, 4, name));
    let mut workspace = Workspace::new(Device::Cpu);
    let mut tape = Tape::inference(&model.parameters, &mut workspace);
    let table = tape.leaf(items.values(), DIM).unwrap();
    let contexts = (model.config().context > 0)
        .then(|| tape.leaf(contexts.values(), DIM))
        .transpose()
        .unwrap();
    let logits = model.forward(&mut tape, table, contexts, rows, read).unwrap();
    tape.value(logits).to_vec()
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

const EVENT: usize = KINDS as usize;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_after_an_item_never_changes_its_logits(
        (context, before) in (0..3u32).prop_flat_map(|c| (Just(c), histories(c))),
        at in any::<prop::sample::Index>(),
        other in 1..ITEMS,
        flipped in 1u32..1 << KINDS,
        gap in 1i64..1_000_000,
    ) {
        let model = model(context);
        let usual = logits(&model, &before.rows(context), Read::Events);
        let event = at.index(before.items.len());
        let mut after = before.clone();
        // Its own action; in its row items, actions and times after it; what is asked.
        after.actions[event] ^= flipped;
        let offsets = Offsets::from_lengths(&before.lengths).unwrap();
        let row = (0..offsets.rows()).find(|row| offsets.range(*row).contains(&event)).unwrap();
        for later in event + 1..offsets.range(row).end {
            after.items[later] = (after.items[later] + other) % ITEMS;
            after.actions[later] ^= flipped;
            after.times[later] += gap;
        }
        after.now[row] += gap;
        after.candidates[row].push(other);
        let found = logits(&model, &after.rows(context), Read::Events);
        let range = offsets.range(row);
        for other in (0..before.items.len()).filter(|one| *one <= event || !range.contains(one)) {
            let of = other * EVENT..(other + 1) * EVENT;
            prop_assert!(furthest(&usual[of.clone()], &found[of]) < 1e-5, "event {}", other);
        }
    }

    #[test]
    fn an_action_changes_what_comes_after_it_and_nothing_else(
        before in histories(0),
        at in any::<prop::sample::Index>(),
        flipped in 1u32..1 << KINDS,
    ) {
        let model = model(0);
        let mut after = before.clone();
        let event = at.index(before.items.len());
        after.actions[event] ^= flipped;
        let offsets = Offsets::from_lengths(&before.lengths).unwrap();
        let row = (0..offsets.rows()).find(|row| offsets.range(*row).contains(&event)).unwrap();
        let [one, two] = [&before, &after].map(|one| logits(&model, &one.rows(0), Read::Events));
        for other in 0..before.items.len() {
            let of = other * EVENT..(other + 1) * EVENT;
            let apart = furthest(&one[of.clone()], &two[of]);
            let follows = other > event && offsets.range(row).contains(&other);
            prop_assert!(follows == (apart > 1e-5), "event {} by {}", other, apart);
        }
        let scored = before.candidates.iter().enumerate();
        let rows = scored.flat_map(|(row, items)| vec![row; items.len()]);
        let [one, two] =
            [&before, &after].map(|one| logits(&model, &one.rows(0), Read::Candidates));
        for (at, of) in rows.enumerate() {
            let range = at * EVENT..(at + 1) * EVENT;
            let apart = furthest(&one[range.clone()], &two[range]);
            prop_assert!((of == row) == (apart > 1e-5), "candidate {} by {}", at, apart);
        }
    }

    #[test]
    fn candidates_get_what_each_gets_alone(
        (context, of) in (0..3u32).prop_flat_map(|c| (Just(c), histories(c))),
    ) {
        let model = model(context);
        let together = logits(&model, &of.rows(context), Read::Candidates);
        for (at, candidate) in of.candidates[0].iter().enumerate() {
            let own = &together[at * EVENT..(at + 1) * EVENT];
            let one = of.first_row(context, &[*candidate]);
            let alone = logits(&model, &one.rows(context), Read::Candidates);
            prop_assert!(furthest(own, &alone) < 1e-5);
            // And what a training would read there, had it happened.
            let mut event = of.first_row(context, &[]);
            event.lengths[0] += 1;
            event.items.push(*candidate);
            event.actions.push(5);
            event.times.push(event.now[0]);
            event.now[0] += 1000;
            let read = logits(&model, &event.rows(context), Read::Events);
            prop_assert!(furthest(own, &read[read.len() - EVENT..]) < 1e-5);
        }
    }
}

#[test]
fn tokens_of_a_row() {
    let of = Histories {
        lengths: vec![2, 0, 1],
        items: vec![7, 8, 9],
        actions: vec![0b101, 0, 0b10],
        times: vec![10, 20, 30],
        now: vec![25, 26, 35],
        contexts: vec![1, 2, 3],
        candidates: vec![vec![4], vec![5, 6], vec![]],
    };
    let rows = of.rows(1);
    let tokens = rows.tokens();
    assert_eq!(tokens.offsets.as_slice(), [0, 6, 9, 12]);
    assert_eq!(tokens.happened_at, [0, 10, 10, 20, 20, 25, 0, 26, 26, 0, 30, 30]);
    assert_eq!(tokens.asked_at, [0, 10, 20, 20, 25, 25, 0, 26, 26, 0, 30, 35]);
    assert_eq!((tokens.context, tokens.candidates, tokens.window), (1, &[1, 2, 0][..], 0));
    assert_eq!(rows.positions(), [0, 1, 2, 3, 4, 5, 0, 1, 1, 0, 1, 2]);
    assert_eq!(rows.event_tokens(), [1, 3, 10]);
    assert_eq!(rows.candidate_tokens(), [5, 7, 8]);
    assert_eq!(rows.labels(), [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    // A history of nothing is asked about, too.
    assert_eq!(logits(&model(1), &rows, Read::Candidates).len(), 3 * EVENT);
    let none = Histories { candidates: vec![], ..of }.rows(1);
    assert!(none.tokens().candidates.is_empty());
    assert!(logits(&model(1), &none, Read::Candidates).is_empty());
}

#[test]
fn no_histories() {
    let (offsets, nothing) = (Offsets::from_lengths(&[]).unwrap(), &[][..]);
    let events = RankingEvents {
        offsets: &offsets,
        items: nothing,
        actions: nothing,
        times: &[],
        now: &[],
        contexts: nothing,
        candidates: None,
    };
    let rows = interleave(&events, 2, KINDS).unwrap();
    assert!(logits(&model(2), &rows, Read::Events).is_empty());
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let (offsets, one) =
        (Offsets::from_lengths(&[2, 1]).unwrap(), Offsets::from_lengths(&[1]).unwrap());
    let good = RankingEvents {
        offsets: &offsets,
        items: &[1, 2, 3],
        actions: &[0, 1, 2],
        times: &[1, 2, 3],
        now: &[4, 5],
        contexts: &[],
        candidates: None,
    };
    interleave(&good, 0, 2).unwrap();
    let with = |words: &str, events: RankingEvents<'_>, context: u32, actions: u32| {
        let error = interleave(&events, context, actions).unwrap_err();
        assert_eq!(error.to_string(), format!("ranking rows: {words}"));
    };
    with("2 items for 3 events", RankingEvents { items: &[1, 2], ..good }, 0, 2);
    with("0 actions for 3 events", RankingEvents { actions: &[], ..good }, 0, 2);
    with("1 times for 3 events", RankingEvents { times: &[1], ..good }, 0, 2);
    with("3 times now for 2 histories", RankingEvents { now: &[1, 2, 3], ..good }, 0, 2);
    with("0 contexts for 2 histories of 2 each", good, 2, 2);
    let candidates = |items| Some(Candidates { offsets: &one, items });
    let words = "candidates of 1 histories, where there are 2";
    with(words, RankingEvents { candidates: candidates(&[1]), ..good }, 0, 2);
    let two = Candidates { offsets: &offsets, items: &[1] };
    with("1 items for 3 candidates", RankingEvents { candidates: Some(two), ..good }, 0, 2);
    with("0 kinds of actions are not in 1 to 32", good, 0, 0);
    with("33 kinds of actions are not in 1 to 32", good, 0, 33);
    with("event 2 has actions 0b10, of 1 kinds", good, 0, 1);
    let all = RankingEvents { actions: &[u32::MAX; 3], ..good };
    assert_eq!(interleave(&all, 0, 32).unwrap().labels(), [1.0; 96]);
}

#[test]
fn rows_of_another_model_are_refused() {
    let of = Histories {
        lengths: vec![8],
        items: vec![1; 8],
        actions: vec![1; 8],
        times: vec![1; 8],
        now: vec![1],
        contexts: vec![],
        candidates: vec![],
    };
    let refused = |words: &str, config: HstuRankingConfig, rows: &RankingRows, given: bool| {
        let model = HstuRanking::init(&config, 1).unwrap();
        let table = Tensor::zeros(3, DIM);
        let mut workspace = Workspace::new(Device::Cpu);
        let mut tape = Tape::inference(&model.parameters, &mut workspace);
        let items = tape.leaf(table.values(), DIM).unwrap();
        let contexts = given.then_some(items);
        let found = model.forward(&mut tape, items, contexts, rows, Read::Events);
        assert_eq!(found.unwrap_err().to_string(), format!("ranking rows: {words}"));
    };
    let rows = of.rows(0);
    refused("0 tokens of context for a model of 1", config(1), &rows, true);
    refused("a model of 0 contexts has none", config(0), &rows, true);
    let one = Histories { contexts: vec![0], ..of.clone() }.rows(1);
    refused("a model of 1 contexts needs them", config(1), &one, false);
    let fewer = HstuRankingConfig { actions: 2, ..config(0) };
    refused("3 kinds of actions for a model of 2", fewer, &rows, false);
    let asked = Histories { candidates: vec![vec![1, 2]], ..of }.rows(0);
    let words = "a row has 9 events, candidates counted as one; the model sees 8 (length_max)";
    refused(words, config(0), &asked, false);
}

#[test]
fn each_setting_is_checked() {
    HstuRankingConfig::default().check().unwrap();
    type Change = fn(&mut HstuRankingConfig);
    let cases: [(Change, &str); 8] = [
        (|config| config.hstu.dim = 0, "dim: 0 is not in 1 to 8192"),
        (|config| config.actions = 0, "actions: 0 is not in 1 to 32"),
        (|config| config.actions = 33, "actions: 33 is not in 1 to 32"),
        (|config| config.context = 1025, "context: 1025 is not in 0 to 1024"),
        (|config| config.head = vec![4, 0], "head: 0 is not in 1 to 65536"),
        (|config| config.head = vec![4; 17], "head: 17 layers are more than 16"),
        (
            |config| config.hstu.positions = Positions::FromEnd,
            "positions: from-end tells an item how much came after it; use from-start",
        ),
        (
            |config| config.context = 1,
            "score_length: 400 is less than 401, the tokens of a row: 1 of context, two for each \
             of the 200 events of length_max",
        ),
    ];
    for (change, why) in cases {
        let mut config = HstuRankingConfig::default();
        change(&mut config);
        assert_eq!(config.check().unwrap_err().to_string(), why);
        assert_eq!(HstuRanking::init(&config, 1).unwrap_err().to_string(), why);
    }
    let read = |text: &str| serde_json::from_str::<HstuRankingConfig>(text);
    let config = config(2);
    assert_eq!(read(&serde_json::to_string(&config).unwrap()).unwrap(), config);
    assert!(read(r#"{"kinds": 2}"#).is_err());
}

#[test]
fn parameters_have_stable_names() {
    let model = model(1);
    let names: Vec<&str> = model.parameters.iter().map(|(_, name, _)| name).collect();
    assert_eq!(names[..3], ["positions", "actions", "block.0.gate.weight"]);
    assert_eq!(
        names[names.len() - 5..],
        ["block.1.output.bias", "head.0.weight", "head.0.bias", "head.1.weight", "head.1.bias"]
    );
    let bytes = parameters_to_bytes(&model.parameters, "{}").unwrap();
    let mut other = HstuRanking::init(&config(1), 9).unwrap();
    parameters_from_bytes(&mut other.parameters, &bytes).unwrap();
    assert_eq!(other.parameters, model.parameters);
}
