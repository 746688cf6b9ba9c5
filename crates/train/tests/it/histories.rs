//! Histories in which every event has an item and an instant of its own, so that a row says
//! where it comes from.

use std::ops::Range;

use data::Sequences;
use models::Positions;
use train::{EpochSpec, Examples, StochasticLength, Window, epoch};

/// Users with so many events, items in order: item i happened `1500 i - 4000` ms after 1970.
#[derive(Debug)]
pub(crate) struct Histories {
    pub(crate) sequences: Sequences,
}

pub(crate) fn instant_ms(item: u32) -> i64 {
    i64::from(item) * 1500 - 4000
}

impl Histories {
    pub(crate) fn new(lengths: &[usize]) -> Histories {
        let users = lengths.iter().enumerate().flat_map(|(user, n)| vec![user as u32; *n]);
        let events: Vec<(u32, u32, i64, f32)> =
            users.zip(0..).map(|(user, item)| (user, item, instant_ms(item), 1.0)).collect();
        let items = events.len() as u32;
        let sequences = Sequences::from_events(lengths.len(), items, &events).unwrap();
        Histories { sequences }
    }

    pub(crate) fn length(&self, user: u32) -> usize {
        self.sequences.user(user).len()
    }

    /// Those who have a next event.
    pub(crate) fn users(&self) -> Vec<u32> {
        let users = 0..self.sequences.users() as u32;
        users.filter(|user| self.length(*user) >= 2).collect()
    }

    pub(crate) fn batches(&self, spec: EpochSpec) -> Vec<Examples> {
        epoch(&self.sequences, spec).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// User and places of the events of each row of an epoch, in its order.
    pub(crate) fn rows(&self, spec: EpochSpec) -> Vec<(u32, Vec<usize>)> {
        let (mut rows, mut before) = (Vec::new(), None);
        for batch in self.batches(spec) {
            let events = batch.tokens() + batch.users.len();
            assert!(events <= spec.batch_tokens as usize);
            let first = batch.offsets.length(0) + 1;
            let full = before.is_none_or(|events| events + first > spec.batch_tokens as usize);
            assert!(full, "a row that would have fitted the batch before");
            before = Some(events);
            for (row, user) in batch.users.iter().enumerate() {
                let tokens = batch.offsets.range(row);
                let items = self.sequences.user(*user).items;
                let place = |item: &u32| items.iter().position(|own| own == item).unwrap();
                let places: Vec<usize> = self.row(&batch, tokens).iter().map(place).collect();
                assert!(places.is_sorted_by(|a, b| a < b));
                rows.push((*user, places));
            }
        }
        rows
    }

    /// Items of a row: inputs and the last target, after checking that the columns agree.
    fn row(&self, batch: &Examples, tokens: Range<usize>) -> Vec<u32> {
        let (inputs, targets) = (&batch.inputs[tokens.clone()], &batch.targets[tokens.clone()]);
        assert_eq!(inputs[1..], targets[..targets.len() - 1]);
        let positions: Vec<u32> = (0..tokens.len() as u32).rev().collect();
        assert_eq!(batch.positions[tokens.clone()], positions);
        let seconds = |item: &u32| (instant_ms(*item) as f64 / 1e3).floor() as i64;
        let of = |items: &[u32]| items.iter().map(seconds).collect::<Vec<i64>>();
        assert_eq!(batch.happened_at[tokens.clone()], of(inputs));
        assert_eq!(batch.asked_at[tokens], of(targets));
        inputs.iter().chain(targets.last()).copied().collect()
    }
}

pub(crate) fn spec(length_max: u32, window: Window) -> EpochSpec {
    EpochSpec {
        batch_tokens: 3 * length_max + 5,
        length_max,
        positions: Positions::FromEnd,
        window,
        stochastic_length: StochasticLength::default(),
        seed: 3,
        number: 0,
        epochs: 6,
    }
}
