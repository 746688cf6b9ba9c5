//! Who asks again gets what a fresh encode gives, for less.

use data::History;
use retrieve::{Everything, Model, Query, Retriever};

use super::worlds::untrained;

const ITEMS: u32 = 60;
const SECOND: i64 = 1000;

struct Told {
    items: Vec<u32>,
    times_ms: Vec<i64>,
    values: Vec<f32>,
}

impl Told {
    fn of(count: u32) -> Told {
        Told {
            items: (0..count).map(|at| at * 13 % ITEMS).collect(),
            times_ms: (0..i64::from(count)).map(|at| at * at * 40 * SECOND).collect(),
            values: vec![1.0; count as usize],
        }
    }

    fn first(&self, count: usize) -> History<'_> {
        History {
            items: &self.items[..count],
            times_ms: &self.times_ms[..count],
            values: &self.values[..count],
        }
    }
}

fn ask(model: &Model, user: Option<u32>, history: History<'_>, now_ms: i64) -> Vec<(u32, f32)> {
    let query = Query { user, history, now_ms, filter: &Everything, k: 20, seed: 7 };
    model.retrieve(&query).iter().map(|found| (found.item, found.score)).collect()
}

#[track_caller]
fn alike(kept: &[(u32, f32)], fresh: &[(u32, f32)]) {
    assert_eq!(kept.len(), fresh.len());
    for ((item, score), (other, wanted)) in kept.iter().zip(fresh) {
        assert!((score - wanted).abs() < 1e-5, "{item}: {score}, not {wanted} of {other}");
    }
}

#[test]
fn a_kept_history_answers_as_a_fresh_one() {
    let (model, told) = (untrained("hstu", ITEMS), Told::of(40));
    model.keep_histories(1 << 20);
    // The network reads ten: the window moves on again and again.
    for count in [1, 2, 2, 5, 9, 10, 11, 12, 13, 14, 30, 31, 40] {
        let now_ms = told.times_ms[count - 1] + 50 * SECOND;
        let history = told.first(count);
        let fresh = ask(&model, None, history, now_ms);
        alike(&ask(&model, Some(3), history, now_ms), &fresh);
        assert_eq!(model.histories_kept().0, 1);
        // Another user is somebody else.
        let other = told.first(count.min(4));
        alike(&ask(&model, Some(4), other, now_ms), &ask(&model, None, other, now_ms));
        assert_eq!(model.histories_kept().0, 2);
        model.keep_histories(0);
        assert_eq!(model.histories_kept(), (0, 0));
        model.keep_histories(1 << 20);
        alike(&ask(&model, Some(3), history, now_ms), &fresh);
    }
    // The log was changed: what is kept is of no use.
    let mut changed = Told::of(9);
    changed.items[2] = 59;
    let fresh = ask(&model, None, changed.first(9), 9_000_000);
    alike(&ask(&model, Some(3), changed.first(9), 9_000_000), &fresh);
}

#[test]
fn many_requests_at_once_are_each_right() {
    let (model, told) = (untrained("hstu", ITEMS), Told::of(10));
    model.keep_histories(1 << 20);
    let (model, told) = (&model, &told);
    std::thread::scope(|scope| {
        for user in 0..8 {
            scope.spawn(move || {
                for count in 1..10 {
                    let now_ms = told.times_ms[count] + i64::from(user);
                    let fresh = ask(model, None, told.first(count), now_ms);
                    alike(&ask(model, Some(user % 3), told.first(count), now_ms), &fresh);
                }
            });
        }
    });
}

#[test]
fn other_models_keep_nothing() {
    let (model, told) = (untrained("sasrec", ITEMS), Told::of(10));
    model.keep_histories(1 << 20);
    ask(&model, Some(3), told.first(9), 0);
    assert_eq!(model.histories_kept(), (0, 0));
}
