//! Thinned windows as batches show them.

use train::{EpochSpec, Keep, Spread, StochasticLength, Window};

use crate::histories::{Histories, spec};

fn thinned(keep: Keep, window: Window) -> EpochSpec {
    // 100^(3/4) is 31.6.
    let stochastic_length = StochasticLength { alpha: 1.5, keep };
    EpochSpec { stochastic_length, batch_tokens: 300, ..spec(100, window) }
}

/// Inputs that a window of n has on average.
fn mean(n: usize) -> f64 {
    let whole = (1000.0 / (n * n) as f64).min(1.0);
    if n <= 32 { n as f64 } else { whole * n as f64 + (1.0 - whole) * 32.0 }
}

#[test]
fn the_mean_length_is_that_of_the_formula() {
    let lengths: Vec<usize> = (1..=30).map(|at| at * 5).collect();
    let histories = Histories::new(&lengths);
    // The window comes first: of 150 events it takes 101.
    let expected: f64 = lengths.iter().map(|n| mean((n - 1).min(100))).sum();
    let epochs = 400;
    let mut tokens = 0;
    for number in 0..epochs {
        let spec = thinned(Keep::Newest, Window::Sliding { stride: 0 });
        for (user, places) in histories.rows(EpochSpec { number, ..spec }) {
            let inputs = (histories.length(user) - 1).min(100);
            assert!([inputs, 32.min(inputs)].contains(&(places.len() - 1)));
            tokens += places.len() - 1;
        }
    }
    let found = tokens as f64 / f64::from(epochs);
    // One epoch deviates by about 77.
    assert!((found - expected).abs() < 12.0, "{found}, not {expected}");
}

#[test]
fn it_is_drawn_again_each_epoch_and_for_each_window() {
    let histories = Histories::new(&[500; 4]);
    let window = Window::All { stride: 0, spread: Spread::SameEpoch };
    let spec = thinned(Keep::Uniform, window);
    let rows = histories.rows(spec);
    assert_eq!(rows, histories.rows(spec));
    assert_eq!(rows.len(), 4 * 5);
    let other = histories.rows(EpochSpec { number: 1, ..spec });
    let of = |rows: &[(u32, Vec<usize>)]| -> Vec<(u32, usize, Vec<usize>)> {
        // Gaps between places: the shape of the choice, whichever the window.
        let gaps = |places: &[usize]| places.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let thin = rows.iter().filter(|(_, places)| places.len() == 33);
        let mut all: Vec<_> =
            thin.map(|(user, places)| (*user, places[32] / 100, gaps(places))).collect();
        all.sort_unstable();
        all
    };
    let (first, second) = (of(&rows), of(&other));
    assert!(first.len() > 10 && second.len() > 10);
    assert!(first.iter().all(|choice| !second.iter().any(|other| other.2 == choice.2)));
    assert!(first.iter().enumerate().all(|(at, choice)| {
        first.iter().enumerate().all(|(other, its)| at == other || choice.2 != its.2)
    }));
}
