use std::collections::BTreeSet;

use super::*;

/// Windows of 3 inputs in each of `epochs` epochs, of one user's history of `length` events.
fn turns(window: Window, length: usize, user: u32, epochs: u32) -> Vec<Range<usize>> {
    let of = |number| Windows::new(window, 3, 7, number, epochs).events(user, 0, length);
    (0..epochs).map(of).collect()
}

#[track_caller]
fn each_once(found: &[Range<usize>], expected: &[Range<usize>]) {
    let starts = |ranges: &[Range<usize>]| -> Vec<(usize, usize)> {
        let mut all: Vec<_> = ranges.iter().map(|range| (range.start, range.end)).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(starts(found), starts(expected));
}

#[test]
fn a_short_history_is_its_only_window() {
    for window in [
        Window::Latest {},
        Window::Sliding { stride: 0 },
        Window::Sliding { stride: 2 },
        Window::Mixed { back_max: 4, latest_share: 0.3 },
        Window::All { stride: 0, spread: Spread::SameEpoch },
        Window::All { stride: 1, spread: Spread::OverEpochs },
    ] {
        for length in [2, 3, 4] {
            assert_eq!(turns(window, length, 1, 5), vec![0..length; 5]);
            assert_eq!(Windows::new(window, 3, 7, 0, 5).count(length), 1);
        }
    }
}

#[test]
fn sliding_by_a_stride_ends_flush() {
    let sliding = |stride| Window::Sliding { stride };
    each_once(&turns(sliding(3), 10, 1, 3), &[0..4, 3..7, 6..10]);
    each_once(&turns(sliding(3), 11, 1, 4), &[0..4, 3..7, 6..10, 7..11]);
    each_once(&turns(sliding(1), 6, 1, 3), &[0..4, 1..5, 2..6]);
    // In turn: after the last the first.
    let twice = turns(sliding(3), 11, 1, 8);
    assert_eq!(twice[..4], twice[4..]);
    let begins: BTreeSet<usize> =
        (0..40).map(|user| turns(sliding(3), 11, user, 1)[0].start).collect();
    assert_eq!(begins, [0, 3, 6, 7].into(), "users do not begin alike");
}

#[test]
fn all_windows_make_every_event_a_target_once() {
    let (stride, spread) = (0, Spread::SameEpoch);
    let windows = Windows::new(Window::All { stride, spread }, 3, 7, 0, 1);
    assert_eq!((windows.count(10), windows.count(11)), (3, 4));
    let of = |length| -> Vec<Range<usize>> {
        (0..windows.count(length)).map(|which| windows.events(5, which, length)).collect()
    };
    assert_eq!(of(10), [6..10, 3..7, 0..4]);
    // Targets 8 to 10, 5 to 7, 2 to 4, and 1.
    assert_eq!(of(11), [7..11, 4..8, 1..5, 0..2]);
    let spread = Spread::OverEpochs;
    each_once(&turns(Window::All { stride, spread }, 11, 5, 4), &of(11));
    let overlapping =
        Windows::new(Window::All { stride: 2, spread: Spread::SameEpoch }, 3, 7, 0, 1);
    let of = (0..overlapping.count(7)).map(|which| overlapping.events(5, which, 7));
    assert_eq!(of.collect::<Vec<_>>(), [3..7, 1..5, 0..3]);
}

#[test]
fn anywhere_is_everywhere_alike() {
    let mut counts = [0; 6];
    for range in turns(Window::Sliding { stride: 0 }, 9, 3, 1200) {
        assert_eq!(range.len(), 4);
        counts[range.start] += 1;
    }
    // Expected 200, deviation 13.
    assert!(counts.iter().all(|count| (140..260).contains(count)), "{counts:?}");
    let recent = Window::Mixed { back_max: 6, latest_share: 0.5 };
    let starts: BTreeSet<usize> = turns(recent, 9, 3, 60).iter().map(|r| r.start).collect();
    assert_eq!(starts, [3, 4, 5].into());
    let whole = Window::Mixed { back_max: 0, latest_share: 0.1 };
    let starts: BTreeSet<usize> = turns(whole, 9, 3, 200).iter().map(|r| r.start).collect();
    assert_eq!(starts, (0..6).collect());
}

#[test]
fn latest_epochs_are_spread_and_the_last_is_one() {
    let of = |share, epochs| -> String {
        let sign = |number| if is_latest(share, number, epochs) { 'L' } else { '.' };
        (0..epochs).map(sign).collect()
    };
    assert_eq!(of(0.5, 4), ".L.L");
    assert_eq!(of(0.5, 5), "L.L.L");
    assert_eq!(of(0.25, 8), "...L...L");
    assert_eq!(of(1.0 / 3.0, 6), "..L..L");
    assert_eq!(of(1.0, 3), "LLL");
    assert_eq!(of(0.01, 3), "..L");
    for (share, epochs, latest) in [(0.7, 10, 7), (0.07, 100, 7), (0.1, 30, 3), (0.9, 20, 18)] {
        assert_eq!(of(share, epochs).matches('L').count(), latest, "{share} of {epochs}");
    }
}

#[test]
fn seeds_users_and_epochs_differ() {
    let start = |seed, user, number| {
        let windows = Windows::new(Window::Sliding { stride: 0 }, 3, seed, number, 9);
        windows.events(user, 0, 100_000).start
    };
    let all = [start(1, 1, 1), start(2, 1, 1), start(1, 2, 1), start(1, 1, 2)];
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 4, "{all:?}");
    assert_eq!(start(1, 1, 1), start(1, 1, 1));
}
