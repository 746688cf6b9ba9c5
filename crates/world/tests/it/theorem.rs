//! The best slate is never beaten, where all of them can be tried (Wu et al. 2024).

use world::{Examination, Mode, Preset, World};

use crate::playing::small;

/// Every order of these, each given to `each`.
fn orders(items: &mut Vec<u32>, fixed: usize, each: &mut impl FnMut(&[u32])) {
    if fixed == items.len() {
        each(items);
        return;
    }
    for at in fixed..items.len() {
        items.swap(fixed, at);
        orders(items, fixed + 1, each);
        items.swap(fixed, at);
    }
}

#[test]
fn no_order_beats_the_best_one() {
    let models = [
        Examination::Cascade { many: false },
        Examination::Cascade { many: true },
        Examination::PositionBased { decay: 0.7 },
    ];
    for examination in models {
        for seed in 0..4 {
            let mut config = small(Preset::ShortVideo);
            (config.mode, config.examination) = (Mode::Slates, examination);
            // Strong memory and clickbait, so that some clicks are worth less than none.
            (config.comeback.memory, config.satisfaction.clickbait) = (0.5, 3.0);
            (config.click.base, config.session.hazard) = (-1.0, 0.3);
            let mut world = World::new(config, seed).expect("a world");
            let count = world.next_requests().len();
            let (mut negative, mut worse) = (0, 0.0f64);
            for at in 0..count.min(10) {
                let truth = world.truth(at);
                let mut items: Vec<u32> = (0..6).map(|item| item * 7 + at as u32).collect();
                let best = truth.best(&items, 6);
                let value = truth.value(&best).lift;
                negative += truth.places(&best).iter().filter(|place| place.lift < 0.0).count();
                orders(&mut items, 0, &mut |order| {
                    let other = truth.value(order).lift;
                    assert!(
                        other <= value + 1e-4 * value.abs().max(1.0),
                        "{examination:?} {order:?}: {other} > {value}"
                    );
                    worse = worse.max(value - other);
                });
            }
            assert!(worse > 0.01, "orders differ");
            assert!(negative > 0, "some clicks are worth less than leaving");
        }
    }
}

/// A shorter slate of more candidates: independent places and a cascade of one click with only
/// gains, over every choice and order.
#[test]
fn no_choice_beats_the_best_one_where_places_are_few() {
    let mut config = small(Preset::Shop);
    config.examination = Examination::PositionBased { decay: 0.7 };
    let mut world = World::new(config, 3).expect("a world");
    let count = world.next_requests().len();
    for at in 0..count.min(10) {
        let truth = world.truth(at);
        let items: Vec<u32> = (0..8).map(|item| item * 5 + at as u32).collect();
        let best = truth.value(&truth.best(&items, 2)).lift;
        for a in &items {
            for b in &items {
                if a != b {
                    assert!(truth.value(&[*a, *b]).lift <= best + 1e-6);
                }
            }
        }
    }
}
