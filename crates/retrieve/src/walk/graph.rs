//! The co-visitation graph: which items are taken shortly after one another.
//!
//! Every pair of events of one user that lies at most `window` events apart (and at most
//! `gap_hours_max`) is an edge from the earlier item to the later one, and with the factor
//! `backward` one back. Pairs `d` events apart, whose later event is `age` old at the end of the
//! training data, add up to
//!
//! ```text
//! weight(i, j) = Σ 1/d × 2^(-age / half_life) / strength(j)^popularity_penalty
//! ```
//!
//! where strength(j) is the weight of all edges into j before that division. Repeats in a row
//! count as one event. The `neighbours` heaviest edges of an item are kept, and its row is
//! scaled to sum to one.

use data::{Progress, Sequences};

use crate::best::Best;
use crate::config::WalkConfig;
use crate::neighbours::{Build, Neighbours};
use crate::recency::decay;
use crate::{Error, Result};

/// Every user's events without repeats in a row.
struct Visits {
    items: Vec<u32>,
    times_ms: Vec<i64>,
    /// Row of each event: pairs do not cross from one user to the next.
    users: Vec<u32>,
}

/// What an edge weighs.
struct Weigher<'a> {
    visits: &'a Visits,
    window: usize,
    gap_ms_max: i64,
    half_life_days: f64,
    end_ms: i64,
}

/// Events between two looks at the stop flag.
const EVENTS_A_STEP: usize = 1 << 14;
const HOUR_MS: f64 = 3_600_000.0;

pub(super) fn covisitation(
    train: &Sequences,
    config: &WalkConfig,
    end_ms: i64,
    seed: u64,
    progress: &Progress<'_>,
) -> Result<Neighbours> {
    let visits = Visits::of(train)?;
    let weigher = Weigher {
        visits: &visits,
        window: config.window as usize,
        gap_ms_max: match config.gap_hours_max {
            0.0 => i64::MAX,
            hours => (hours * HOUR_MS) as i64,
        },
        half_life_days: config.half_life_days,
        end_ms,
    };
    let penalties = penalties(&weigher, train.item_count(), config, progress)?;
    let (offsets, places) = visits.by_item(train.item_count());
    let items = train.item_count();
    let what = "joining items";
    let build = Build { items, kept: config.neighbours, seed, what, progress };
    let backward = config.backward as f32;
    let mut graph = Neighbours::build(
        &build,
        || Row { weights: vec![0.0; items as usize], touched: Vec::new() },
        |row, item, best| {
            let places = &places[offsets[item as usize]..offsets[item as usize + 1]];
            for some in places.chunks(EVENTS_A_STEP) {
                for at in some {
                    let at = *at as usize;
                    weigher.after(at, |later, weight| row.add(visits.items[later], weight));
                    if backward > 0.0 {
                        weigher.before(at, |earlier, weight| {
                            row.add(visits.items[earlier], weight * backward);
                        });
                    }
                }
                progress.check()?;
            }
            row.keep(&penalties, best);
            Ok(())
        },
    )?;
    graph.normalise();
    Ok(graph)
}

/// strength^penalty by item.
fn penalties(
    weigher: &Weigher<'_>,
    items: u32,
    config: &WalkConfig,
    progress: &Progress<'_>,
) -> Result<Vec<f32>> {
    if config.popularity_penalty <= 0.0 {
        return Ok(vec![1.0; items as usize]);
    }
    let visits = weigher.visits;
    let mut strengths = vec![0.0f64; items as usize];
    for (at, item) in visits.items.iter().enumerate() {
        weigher.after(at, |later, weight| {
            strengths[visits.items[later] as usize] += f64::from(weight);
            strengths[*item as usize] += f64::from(weight) * config.backward;
        });
        if at % EVENTS_A_STEP == 0 {
            progress.check()?;
        }
    }
    Ok(strengths.iter().map(|sum| sum.powf(config.popularity_penalty) as f32).collect())
}

impl Visits {
    fn of(train: &Sequences) -> Result<Visits> {
        if u32::try_from(train.events()).is_err() {
            return Err(Error::Refused(format!(
                "the walk trains on at most 2^32 - 1 events, not on {}; train on a shorter time",
                train.events()
            )));
        }
        let mut visits = Visits { items: Vec::new(), times_ms: Vec::new(), users: Vec::new() };
        for user in 0..train.users() as u32 {
            let history = train.user(user);
            for at in 0..history.len() {
                if at == 0 || history.items[at] != history.items[at - 1] {
                    visits.items.push(history.items[at]);
                    visits.times_ms.push(history.times_ms[at]);
                    visits.users.push(user);
                }
            }
        }
        Ok(visits)
    }

    /// Places of each item's events: offsets by item, and places in order.
    fn by_item(&self, items: u32) -> (Vec<usize>, Vec<u32>) {
        let mut offsets = vec![0; items as usize + 1];
        for item in &self.items {
            offsets[*item as usize + 1] += 1;
        }
        for item in 0..items as usize {
            offsets[item + 1] += offsets[item];
        }
        let mut next = offsets.clone();
        let mut places = vec![0; self.items.len()];
        for (at, item) in self.items.iter().enumerate() {
            let place = &mut next[*item as usize];
            places[*place] = at as u32;
            *place += 1;
        }
        (offsets, places)
    }
}

impl Weigher<'_> {
    /// The events that follow the one at `at`, with the weight of the pair.
    fn after(&self, at: usize, mut edge: impl FnMut(usize, f32)) {
        let end = self.visits.items.len().min(at.saturating_add(self.window).saturating_add(1));
        for later in at + 1..end {
            if self.visits.users[later] != self.visits.users[at] {
                break;
            }
            if let Some(weight) = self.weight(at, later) {
                edge(later, weight);
            }
        }
    }

    /// The events that come before the one at `at`, with the weight of the pair.
    fn before(&self, at: usize, mut edge: impl FnMut(usize, f32)) {
        for earlier in (at.saturating_sub(self.window)..at).rev() {
            if self.visits.users[earlier] != self.visits.users[at] {
                break;
            }
            if let Some(weight) = self.weight(earlier, at) {
                edge(earlier, weight);
            }
        }
    }

    fn weight(&self, earlier: usize, later: usize) -> Option<f32> {
        let (from_ms, to_ms) = (self.visits.times_ms[earlier], self.visits.times_ms[later]);
        let loops = self.visits.items[earlier] == self.visits.items[later];
        if loops || to_ms.saturating_sub(from_ms) > self.gap_ms_max {
            return None;
        }
        let fresh = decay(self.end_ms.saturating_sub(to_ms), self.half_life_days);
        Some((fresh / (later - earlier) as f64) as f32)
    }
}

/// The accumulator of a thread.
struct Row {
    weights: Vec<f32>,
    touched: Vec<u32>,
}

impl Row {
    fn add(&mut self, item: u32, weight: f32) {
        let sum = &mut self.weights[item as usize];
        if *sum == 0.0 && weight > 0.0 {
            self.touched.push(item);
        }
        *sum += weight;
    }

    /// Moves the row into `best` and zeroes the accumulator.
    fn keep(&mut self, penalties: &[f32], best: &mut Best) {
        for item in self.touched.drain(..) {
            let weight =
                std::mem::take(&mut self.weights[item as usize]) / penalties[item as usize];
            if weight > 0.0 && best.wants(weight) {
                best.push(item, weight);
            }
        }
    }
}
