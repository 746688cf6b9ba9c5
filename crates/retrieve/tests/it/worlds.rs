//! Small logs with a known truth, and a query to ask of them.

use data::{History, Progress, Sequences};
use models::{HstuConfig, SasRecConfig, SequenceModel, SequenceModelConfig};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use retrieve::{Everything, Filter, Model, ModelsConfig, Query};

pub(crate) const DAY: i64 = 86_400_000;

/// Two groups of users; group g takes items g * 20 .. g * 20 + 20 only, popular ones more
/// often. 60 users, 40 items, an event a day.
pub(crate) fn two_tastes() -> Sequences {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut events = Vec::new();
    for user in 0..60u32 {
        let group = user % 2 * 20;
        for day in 0..12 {
            let item = group + rng.random_range(0..20u32).min(rng.random_range(0..20));
            events.push((user, item, (1000 + day) * DAY, 1.0));
        }
    }
    Sequences::from_events(60, 40, &events).expect("indices are in range")
}

/// A few users and items, repeats and equal times included, as proptest likes them.
pub(crate) fn any_log() -> impl Strategy<Value = Sequences> {
    let event = (0..8u32, 0..12u32, 0..40i64, 0.5f32..5.0);
    prop::collection::vec(event, 1..80).prop_map(|mut events| {
        events.sort_by_key(|(_, _, day, _)| *day);
        for event in &mut events {
            event.2 = (1000 + event.2) * DAY;
        }
        // Items 12 and 13 are in the catalogue, and nobody took them.
        Sequences::from_events(8, 14, &events).expect("indices are in range")
    })
}

/// Settings for logs as small as these.
pub(crate) fn small() -> ModelsConfig {
    let mut config = ModelsConfig::default();
    config.item_knn.shrinkage = 0.0;
    config.als.factors = 8;
    config.als.iterations = 3;
    config.ease.l2 = 1.0;
    config
}

pub(crate) fn fit(name: &str, config: &ModelsConfig, train: &Sequences) -> Model {
    let end_ms = train.last_ms().expect("events");
    if name == "sasrec" || name == "hstu" {
        return untrained(name, train.item_count());
    }
    Model::fit(name, config, train, end_ms, 7, &Progress::silent()).expect("it can be trained")
}

/// A network with its first weights: training is the affair of another crate.
pub(crate) fn untrained(name: &str, items: u32) -> Model {
    let config: SequenceModelConfig = match name {
        "sasrec" => {
            let small = SasRecConfig { dim: 8, hidden: 16, ..SasRecConfig::default() };
            SasRecConfig { length_max: 10, ..small }.into()
        }
        _ => {
            let small = HstuConfig { dim: 8, query_width: 8, ..HstuConfig::default() };
            HstuConfig { length_max: 10, value_width: 8, ..small }.into()
        }
    };
    let network = SequenceModel::init(&config, 7).expect("settings of a model");
    let items = SequenceModel::init_items(&config, items, 7);
    Model::sequence(network, &items).expect("finite")
}

pub(crate) fn query<'a>(history: History<'a>, filter: &'a dyn Filter, k: usize) -> Query<'a> {
    Query { user: None, history, now_ms: 2000 * DAY, filter, k, seed: 7 }
}

/// The items that a model gives for `history`, everything admitted.
pub(crate) fn items(
    model: &impl retrieve::Retriever,
    history: History<'_>,
    k: usize,
) -> Vec<u32> {
    model.retrieve(&query(history, &Everything, k)).iter().map(|found| found.item).collect()
}

/// A history, one event a day.
pub(crate) struct Told {
    items: Vec<u32>,
    times_ms: Vec<i64>,
    values: Vec<f32>,
}

impl Told {
    pub(crate) fn of(items: &[u32]) -> Told {
        let times_ms = (0..items.len() as i64).map(|day| (1500 + day) * DAY).collect();
        Told { items: items.to_vec(), times_ms, values: vec![1.0; items.len()] }
    }

    pub(crate) fn history(&self) -> History<'_> {
        History { items: &self.items, times_ms: &self.times_ms, values: &self.values }
    }
}
