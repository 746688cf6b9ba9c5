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
    check(
        &state,
        WHOLE,
        &expect![[r#"
         item-knn against epsilon:0.2:popular  beginning                        q stops
        ┌satisfaction a person, day by day─────────────────────────────────────────────┐
        │                             no day has ended yet                             │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        └──────────────────────────────────────────────────────────────────────────────┘
         days  ──────────────────────────────   0 %  0 of 56 days

                                          satisfaction      visits      clicks     items
         ⠒⠒ item-knn                            0.0000           0           –
         •• epsilon:0.2:popular                 0.0000           0           –

    "#]],
    );
    check(
        &state,
        SMALL,
        &expect![[r#"
         item-knn against epsilon:0.2:popular  b
        ┌satisfaction a person, day by day─────┐
        │         no day has ended yet         │
        │                                      │
        │                                      │
        │                                      │
        └──────────────────────────────────────┘
         days  ─────────────────────────   0 %
         ⠒⠒ 0.0000 –  item-knn
         •• 0.0000 –  epsilon:0.2:popular
    "#]],
    );
}

#[test]
fn while_the_second_plays() {
    let mut state = PlayState::new("item-knn", "epsilon:0.2:popular", 28);
    played(&mut state, 0, 1..=28, 0.061);
    played(&mut state, 1, 1..=13, 0.054);
    check(
        &state,
        WHOLE,
        &expect![[r#"
         item-knn against epsilon:0.2:popular  day 14 of 28                     q stops
        ┌satisfaction a person, day by day─────────────────────────────────────────────┐
        │0.1505│                                                                     ⣀⠤│
        │      │                                                              ⣀⡠⠤⠒⠒⠉⠉  │
        │      │                                                        ⣀⠤⠤⠒⠒⠉         │
        │      │                                                 ⣀⣀⠤⠤⠒⠊⠉               │
        │      │                                           ⣀⠤⠤⠒⠒⠉                      │
        │      │                                    ⣀⣀⠤⠤⠒⠊⠉                            │
        │      │                              ⢀⣀⡠⠔⠒⠉                                   │
        │      │                        ⢀⡠⠤⠒⠉⠉⠁                                        │
        │      │                 ⢀⣀⡠⠔⠒⠊⠉⠁•••••••                                       │
        │      │           ⢀⡠⠤⠒⠉⠉⠁•••••••                                              │
        │      │    ⢀⣀⠤⠔⠒⠊⠉⠁••••••                                                     │
        │      │⠤⠔⠒⠊⠁•••••                                                             │
        │0.0551│••                                                                     │
        │      └───────────────────────────────────────────────────────────────────────│
        │  day 1                                                                 day 28│
        └──────────────────────────────────────────────────────────────────────────────┘
         days  ━━━━━━━━━━━━━━━━━━━━━━────────  73 %  41 of 56 days
         about 2 s left
                                          satisfaction      visits      clicks     items
         ⠒⠒ item-knn                            2.9463      25,200      6.10 %       310
         •• epsilon:0.2:popular                 0.9477      11,700      5.40 %       310

    "#]],
    );
    check(
        &state,
        SMALL,
        &expect![[r#"
         item-knn against epsilon:0.2:popular  d
        ┌satisfaction a person, day by day─────┐
        │                              ⣀⣀⣀⠤⠤⠔⠒⠒│
        │                 ⢀⣀⣀⡠⠤⠤⠒⠒⠒⠉⠉⠉⠉        │
        │      ⢀⣀⣀⡠⠤⠤⠒⠒⠒⠉⠉⠁                    │
        │⠤⠒⠒⠒⠉⠉⠁•                              │
        └──────────────────────────────────────┘
         days  ━━━━━━━━━━━━━━━━━━───────  73 %
         ⠒⠒ 2.9463 6.10 %  item-knn
         •• 0.9477 5.40 %  epsilon:0.2:popular
    "#]],
    );
    state.stop();
    assert!(picture(&state, WHOLE).lines().next().unwrap().ends_with("stopping"));
}

#[test]
fn at_the_end_of_a_single_day() {
    let mut state = PlayState::new("random", "popular", 1);
    played(&mut state, 0, 1..=1, 0.02);
    played(&mut state, 1, 1..=1, 0.03);
    check(
        &state,
        WHOLE,
        &expect![[r#"
         random against popular  1 days are played                              q stops
        ┌satisfaction a person, day by day─────────────────────────────────────────────┐
        │0.0315│•                                                                      │
        │      │                                                                       │
        │      │                                                                       │
        │      │                                                                       │
        │      │                                                                       │
        │      │                                                                       │
        │      │                                                                       │
        │      │                                                                       │
        │      │                                                                       │
        │      │                                                                       │
        │      │                                                                       │
        │      │                                                                       │
        │0.0210│⡀                                                                      │
        │      └───────────────────────────────────────────────────────────────────────│
        │  day 1                                                                  day 2│
        └──────────────────────────────────────────────────────────────────────────────┘
         days  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 100 %  2 of 2 days

                                          satisfaction      visits      clicks     items
         ⠒⠒ random                              0.0210         900      2.00 %       310
         •• popular                             0.0315         900      3.00 %       310

    "#]],
    );
}

#[test]
fn some_lines_are_told_of_each() {
    let mut state = PlayState::new("item-knn", "popular", 365);
    played(&mut state, 0, 1..=365, 0.061);
    assert!((8..=12).contains(&state.lines.len()), "{:?}", state.lines);
    let last = state.lines.last().unwrap();
    expect!["item-knn: day 365 of 365  satisfaction 1.1743 a person  clicks 6.10 %  310 k impressions/s"].assert_eq(last);
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
