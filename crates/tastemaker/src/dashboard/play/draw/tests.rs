use evaluate::Tally;
use expect_test::{Expect, expect};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;

/// What stands on a terminal of this size.
fn picture(state: &PlayState, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| state.draw(frame)).unwrap();
    let cells: Vec<&str> =
        terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect();
    let lines = cells.chunks(usize::from(width.max(1)));
    lines.map(|line| line.concat().trim_end().to_owned() + "\n").collect()
}

#[track_caller]
fn check(state: &PlayState, size: (u16, u16), expected: &Expect) {
    expected.assert_eq(&picture(state, size));
}

const WHOLE: (u16, u16) = (80, 24);
const SMALL: (u16, u16) = (40, 10);

/// `days` of one policy whose people are pleased so much, and a little more each day.
fn played(state: &mut PlayState, arm: usize, days: std::ops::RangeInclusive<u32>, level: f64) {
    for day in days {
        let tally = Tally {
            visits: 900,
            impressions: 50_000,
            clicks: (50_000.0 * level) as u64,
            satisfaction: 2_000.0 * level * (1.0 + f64::from(day) / 20.0),
            ..Tally::default()
        };
        state.heard(arm, day, 2_000, &tally, 310_000.0);
    }
}

#[test]
fn before_the_first_day() {
    let state = PlayState::new("item-knn", "epsilon:0.2:popular", 28);
    check(&state, WHOLE, &expect![[r#""#]]);
    check(&state, SMALL, &expect![[r#""#]]);
}

#[test]
fn while_the_second_plays() {
    let mut state = PlayState::new("item-knn", "epsilon:0.2:popular", 28);
    played(&mut state, 0, 1..=28, 0.061);
    played(&mut state, 1, 1..=13, 0.054);
    check(&state, WHOLE, &expect![[r#""#]]);
    check(&state, SMALL, &expect![[r#""#]]);
    state.stop();
    assert!(picture(&state, SMALL).lines().next().unwrap().ends_with(" stopping"));
}

#[test]
fn at_the_end_of_a_single_day() {
    let mut state = PlayState::new("random", "popular", 1);
    played(&mut state, 0, 1..=1, 0.02);
    played(&mut state, 1, 1..=1, 0.03);
    check(&state, WHOLE, &expect![[r#""#]]);
}

#[test]
fn some_lines_are_told_of_each() {
    let mut state = PlayState::new("item-knn", "popular", 365);
    played(&mut state, 0, 1..=365, 0.061);
    assert!((8..=12).contains(&state.lines.len()), "{:?}", state.lines);
    let last = state.lines.last().unwrap();
    expect![[r#""#]].assert_eq(last);
    played(&mut state, 1, 1..=365, 0.05);
    assert_eq!(state.done(), (730, 730));
    assert_eq!(state.seconds_left(), Some(0.0));
}

#[test]
fn nothing_shown_and_nobody_there_is_no_panic() {
    let mut state =
        PlayState::new("", "a policy with a name that is far too long to stand anywhere", 3);
    for (arm, people) in [(0, 0), (1, 10), (7, 10)] {
        for day in 1..=9 {
            let tally = Tally { satisfaction: f64::NAN, ..Tally::default() };
            state.heard(arm, day, people, &tally, f64::NAN);
        }
    }
    for size in [(1, 1), (0, 0), (3, 40), (200, 3), SMALL, WHOLE, (300, 90)] {
        assert!(!picture(&state, size).contains("NaN"), "{size:?}");
    }
    assert_eq!(state.seconds_left(), None);
}
