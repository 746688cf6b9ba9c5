use expect_test::{Expect, expect};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use train::{Begin, EpochFacts, EpochLine, Report, Steps};

use super::*;

/// What stands on a terminal of this size.
fn picture(state: &State, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let cells: Vec<&str> =
        terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect();
    let lines = cells.chunks(usize::from(width.max(1)));
    lines.map(|line| line.concat().trim_end().to_owned() + "\n").collect()
}

#[track_caller]
fn check(state: &State, size: (u16, u16), expected: &Expect) {
    expected.assert_eq(&picture(state, size));
}

const LARGE: (u16, u16) = (80, 24);
const SMALL: (u16, u16) = (40, 10);

fn begun(epochs: u32, done: Vec<EpochFacts>) -> State {
    let mut state = State { peak_gflops: 123.0, ..State::default() };
    state.begin("sasrec");
    state.hear(&Report::Begin(Begin {
        epochs,
        steps: u64::from(epochs) * 100,
        tokens_an_epoch: 90_000,
        validates: true,
        done,
    }));
    state
}

/// `count` reports of an epoch whose loss falls.
fn stepped(state: &mut State, epoch: u32, count: u32) {
    for at in 1..=count {
        let done = f64::from(epoch - 1) + f64::from(at) / 10.0;
        state.hear(&Report::Steps(Steps {
            epoch,
            step: u64::from(epoch - 1) * 100 + u64::from(at) * 10,
            tokens_of_epoch: u64::from(at) * 9_000,
            loss: 2.0 + 4.0 / (1.0 + done),
            seconds: 0.25,
            tokens: 37_750,
            flops: 24_000_000_000,
            seconds_left: 123.0,
        }));
    }
}

/// The end of an epoch; NDCG@10 rises to epoch 9 and falls after it.
fn ended(state: &mut State, epoch: u32) {
    state.hear(&Report::Validating(epoch));
    let far = (f64::from(epoch) - 9.0).abs() / 100.0;
    state.hear(&Report::Epoch(EpochLine {
        epoch,
        epochs: state.epochs,
        loss: 2.0 + 4.0 / (1.0 + f64::from(epoch)),
        validated: Some((0.1 - far.min(0.08), epoch <= 9)),
        seconds: 2.0,
        tokens: 90_000,
        flops: 192_000_000_000,
        seconds_left: 122.0,
    }));
}

#[test]
fn before_anything_is_known() {
    let mut state = State::default();
    state.begin("sasrec");
    check(
        &state,
        LARGE,
        &expect![[r#"
         sasrec  beginning                                                      q stops
        ┌loss──────────────────────────────────┐┌NDCG@10───────────────────────────────┐
        │              no step yet             ││           no validation yet          │
        │                                      ││                                      │
        │                                      ││                                      │
        │                                      ││                                      │
        │                                      ││                                      │
        │                                      ││                                      │
        │                                      ││                                      │
        │                                      ││                                      │
        │                                      ││                                      │
        │                                      ││                                      │
        │                                      ││                                      │
        │                                      ││                                      │
        └──────────────────────────────────────┘└──────────────────────────────────────┘
         epoch ──────────────────────────────   0 %  0 of 0 tokens
         run   ──────────────────────────────   0 %  step 0 of 0

        ┌──────────────────────────────────────────────────────────────────────────────┐
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        └──────────────────────────────────────────────────────────────────────────────┘
    "#]],
    );
    check(
        &state,
        SMALL,
        &expect![[r#"
         sasrec  beginning              q stops
        ┌loss──────────────┐┌NDCG@10───────────┐
        │    no step yet   ││ no validation yet│
        │                  ││                  │
        │                  ││                  │
        └──────────────────┘└──────────────────┘
         run   ─────────────────────────   0 %



    "#]],
    );
}

#[test]
fn in_the_first_epoch() {
    let mut state = begun(30, Vec::new());
    stepped(&mut state, 1, 4);
    check(
        &state,
        LARGE,
        &expect![[r#"
         sasrec  epoch 1 of 30                                                  q stops
        ┌loss 4.8571───────────────────────────┐┌NDCG@10───────────────────────────────┐
        │5.6753│   ⡄                           ││           no validation yet          │
        │      │   ⠘⡄                          ││                                      │
        │      │    ⠸⡀                         ││                                      │
        │      │     ⠱⡀                        ││                                      │
        │      │      ⠱⡀                       ││                                      │
        │      │       ⠱⡀                      ││                                      │
        │      │        ⠱⡀                     ││                                      │
        │      │         ⠘⡄                    ││                                      │
        │      │          ⠈⢆                   ││                                      │
        │4.8182│           ⠈⠂                  ││                                      │
        │      └───────────────────────────────││                                      │
        │      0                        epoch 1││                                      │
        └──────────────────────────────────────┘└──────────────────────────────────────┘
         epoch ━━━━━━━━━━━━──────────────────  40 %  36,000 of 90,000 tokens
         run   ──────────────────────────────   1 %  step 40 of 3,000
         151 k tokens/s  96 GFLOP/s, 78 % of the GEMM peak, 123  at most 2 min 3 s left
        ┌──────────────────────────────────────────────────────────────────────────────┐
        │                                                                              │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        └──────────────────────────────────────────────────────────────────────────────┘
    "#]],
    );
}

#[test]
fn one_epoch() {
    let mut state = begun(30, Vec::new());
    stepped(&mut state, 1, 10);
    ended(&mut state, 1);
    check(
        &state,
        LARGE,
        &expect![[r#"
         sasrec  epoch 2 of 30                                                  q stops
        ┌loss 4.0000───────────────────────────┐┌NDCG@10 0.0200  • 0.0200 epoch 1──────┐
        │5.7182│   ⢄                           ││0.0200│                               │
        │      │    ⠑⢄                         ││      │                               │
        │      │      ⠑⢄                       ││      │                               │
        │      │        ⠑⢄                     ││      │                               │
        │      │          ⠉⠢⡀                  ││      │                               │
        │      │            ⠈⠑⠢⢄⡀              ││      │                              •│
        │      │                ⠈⠑⠢⣀           ││      │                               │
        │      │                    ⠑⠢⢄⣀       ││      │                               │
        │      │                        ⠉⠑⠢⢄⡀  ││      │                               │
        │3.9182│                            ⠈⠉⠒││0.0200│                               │
        │      └───────────────────────────────││      └───────────────────────────────│
        │      0                        epoch 1││      0                        epoch 1│
        └──────────────────────────────────────┘└──────────────────────────────────────┘
         epoch ──────────────────────────────   0 %  0 of 90,000 tokens
         run   ━─────────────────────────────   3 %  step 100 of 3,000
         151 k tokens/s  96 GFLOP/s, 78 % of the GEMM peak, 123  at most 2 min 2 s left
        ┌──────────────────────────────────────────────────────────────────────────────┐
        │ epoch 1 of 30  loss 4.0000  NDCG@10 0.0200 (best)  45 k tokens/s  96 GFLOP/s │
        │                                                                              │
        │                                                                              │
        │                                                                              │
        └──────────────────────────────────────────────────────────────────────────────┘
    "#]],
    );
    check(
        &state,
        SMALL,
        &expect![[r#"
         sasrec  epoch 2 of 30          q stops
        ┌loss 4.0000───────┐┌NDCG@10 0.0200────┐
        │  ⠒⠤⢄⡀            ││                  │
        │     ⠈⠑⠒⠢⠤⣀⣀      ││                 •│
        │            ⠉⠑⠒⠢⠤⠤││                  │
        └──────────────────┘└──────────────────┘
         run   ━────────────────────────   3 %
         151 k tokens/s  96 GFLOP/s, 78 %
         at most 2 min 2 s left
         epoch 1 of 30  loss 4.0000  NDCG@10 0.0
    "#]],
    );
}

#[test]
fn the_best_epoch_is_marked() {
    let mut state = begun(30, Vec::new());
    for epoch in 1..=13 {
        stepped(&mut state, epoch, 10);
        ended(&mut state, epoch);
    }
    stepped(&mut state, 14, 5);
    assert_eq!(state.best, Some((9, 0.1)));
    check(
        &state,
        LARGE,
        &expect![[r#"
         sasrec  epoch 14 of 30                                                 q stops
        ┌loss 2.2759───────────────────────────┐┌NDCG@10 0.0600  • 0.1000 epoch 9──────┐
        │5.8044│⡄                              ││0.1040│                    ⢀•         │
        │      │⢸                              ││      │                  ⢀⠔⠁ ⠉⠢⡀      │
        │      │⠘⡄                             ││      │                ⢀⠔⠁     ⠈⠢⡀    │
        │      │ ⢣                             ││      │              ⡠⠒⠁         ⠈⠢⡀  │
        │      │ ⠈⢆                            ││      │            ⡠⠊              ⠈⠢⡀│
        │      │  ⠘⣄                           ││      │          ⡠⠊                  ⠈│
        │      │   ⠈⢢⡀                         ││      │       ⢀⠤⠊                     │
        │      │     ⠈⠓⢤⣀                      ││      │     ⢀⠔⠁                       │
        │      │         ⠉⠑⠒⠦⠤⢤⣀⣀⣀⡀            ││      │   ⢀⠔⠁                         │
        │2.1078│                  ⠈⠉⠉⠉⠉⠉⠓⠒⠒⠒⠒⠒⠒││0.0160│  ⠐⠁                           │
        │      └───────────────────────────────││      └───────────────────────────────│
        │      0                       epoch 14││      0                       epoch 13│
        └──────────────────────────────────────┘└──────────────────────────────────────┘
         epoch ━━━━━━━━━━━━━━━───────────────  50 %  45,000 of 90,000 tokens
         run   ━━━━━━━━━━━━━━────────────────  45 %  step 1,350 of 3,000
         151 k tokens/s  96 GFLOP/s, 78 % of the GEMM peak, 123  at most 2 min 3 s left
        ┌──────────────────────────────────────────────────────────────────────────────┐
        │ epoch 10 of 30  loss 2.3636  NDCG@10 0.0900  45 k tokens/s  96 GFLOP/s  at mo│
        │ epoch 11 of 30  loss 2.3333  NDCG@10 0.0800  45 k tokens/s  96 GFLOP/s  at mo│
        │ epoch 12 of 30  loss 2.3077  NDCG@10 0.0700  45 k tokens/s  96 GFLOP/s  at mo│
        │ epoch 13 of 30  loss 2.2857  NDCG@10 0.0600  45 k tokens/s  96 GFLOP/s  at mo│
        └──────────────────────────────────────────────────────────────────────────────┘
    "#]],
    );
    check(
        &state,
        SMALL,
        &expect![[r#"
         sasrec  epoch 14 of 30         q stops
        ┌loss 2.2759───────┐┌NDCG@10 0.0600────┐
        │⢲                 ││         ⣀⡠⠤•⠤⢄⣀  │
        │ ⠳⣄               ││     ⣀⡠⠒⠉       ⠑⠢│
        │   ⠉⠑⠒⠒⠢⠤⠤⠤⠤⠤⠤⠤⠤⠤⢤││ ⢀⠔⠊⠉             │
        └──────────────────┘└──────────────────┘
         run   ━━━━━━━━━━━──────────────  45 %
         151 k tokens/s  96 GFLOP/s, 78 %
         at most 2 min 3 s left
         epoch 13 of 30  loss 2.2857  NDCG@10 0.
    "#]],
    );
    state.stopping = true;
    assert!(picture(&state, SMALL).lines().next().unwrap().ends_with(" stopping"));
}

#[test]
fn hundreds_of_epochs() {
    let mut state = begun(400, Vec::new());
    for epoch in 1..=400 {
        stepped(&mut state, epoch, 10);
        ended(&mut state, epoch);
    }
    check(
        &state,
        LARGE,
        &expect![[r#"
         sasrec  400 epochs are run                                             q stops
        ┌loss 2.0100───────────────────────────┐┌NDCG@10 0.0200  • 0.1000 epoch 9──────┐
        │3.2851│⡄                              ││0.1040│⢠•                             │
        │      │⡇                              ││      │⢸⡆                             │
        │      │⡇                              ││      │⢸⡇                             │
        │      │⢇                              ││      │⢸⡇                             │
        │      │⢸                              ││      │⢸⡇                             │
        │      │⢸                              ││      │⢸⡇                             │
        │      │⢸                              ││      │⡸⡇                             │
        │      │⠈⡆                             ││      │⡇⡇                             │
        │      │ ⠑⠤⣀⡀                          ││      │⡇⡇                             │
        │1.9493│    ⠈⠉⠉⠉⠉⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒││0.0160│⠃⠘⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒│
        │      └───────────────────────────────││      └───────────────────────────────│
        │      0                      epoch 400││      0                      epoch 400│
        └──────────────────────────────────────┘└──────────────────────────────────────┘
         epoch ──────────────────────────────   0 %  0 of 90,000 tokens
         run   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 100 %  step 40,000 of 40,000
         151 k tokens/s  96 GFLOP/s, 78 % of the GEMM peak, 123
        ┌──────────────────────────────────────────────────────────────────────────────┐
        │ epoch 397 of 400  loss 2.0101  NDCG@10 0.0200  45 k tokens/s  96 GFLOP/s  at │
        │ epoch 398 of 400  loss 2.0100  NDCG@10 0.0200  45 k tokens/s  96 GFLOP/s  at │
        │ epoch 399 of 400  loss 2.0100  NDCG@10 0.0200  45 k tokens/s  96 GFLOP/s  at │
        │ epoch 400 of 400  loss 2.0100  NDCG@10 0.0200  45 k tokens/s  96 GFLOP/s     │
        └──────────────────────────────────────────────────────────────────────────────┘
    "#]],
    );
    check(
        &state,
        SMALL,
        &expect![[r#"
         sasrec  400 epochs are run     q stops
        ┌loss 2.0100───────┐┌NDCG@10 0.0200────┐
        │⡆                 ││•                 │
        │⢱                 ││⣼                 │
        │⠘⠲⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⢤││⣿⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀│
        └──────────────────┘└──────────────────┘
         run   ━━━━━━━━━━━━━━━━━━━━━━━━━ 100 %
         151 k tokens/s  96 GFLOP/s, 78 %

         epoch 400 of 400  loss 2.0100  NDCG@10
    "#]],
    );
}

#[test]
fn a_run_that_goes_on_has_the_curves_of_what_was_done() {
    let facts = |epoch: u32| EpochFacts {
        epoch,
        loss: 5.0 - f64::from(epoch),
        ndcg: epoch.is_multiple_of(2).then(|| f64::from(epoch) / 100.0),
        seconds: 1.0,
        tokens: 90_000,
        flops: 0,
    };
    let mut state = begun(10, vec![facts(1), facts(2), facts(3)]);
    state.hear(&Report::Message("going on after step 310, in epoch 4 of 10".into()));
    assert_eq!(state.loss.points(), [(1.0, 4.0), (2.0, 3.0), (3.0, 2.0)]);
    assert_eq!(state.ndcg.points(), [(2.0, 0.02)]);
    let shown = picture(&state, LARGE);
    assert!(shown.contains("epoch 4 of 10"), "{shown}");
    assert!(shown.contains(" going on after step 310"), "{shown}");
    // The second run, on everything, starts anew below the lines of the first.
    state.begin("sasrec on all events");
    assert!(state.loss.points().is_empty() && state.epochs == 0);
    assert!(picture(&state, LARGE).contains("sasrec: going on after step 310"));
}

#[test]
fn no_number_is_never_drawn() {
    let mut state = begun(3, Vec::new());
    let steps = Steps {
        epoch: 1,
        step: 1,
        tokens_of_epoch: 200_000,
        loss: f64::NAN,
        seconds: 0.0,
        tokens: 0,
        flops: 0,
        seconds_left: f64::INFINITY,
    };
    state.hear(&Report::Steps(steps));
    let known = Steps { loss: 2.5, ..steps };
    for report in [known, steps] {
        state.hear(&Report::Steps(report));
        let shown = picture(&state, LARGE);
        assert!(!shown.contains("NaN") && !shown.contains("inf"), "{shown}");
        assert!(shown.contains("loss 2.5000") && shown.contains("100 %"), "{shown}");
    }
}

#[test]
fn every_size_is_drawn() {
    let mut state = begun(3, Vec::new());
    for epoch in 1..=3 {
        for of in [1, 4, 10] {
            stepped(&mut state, epoch, of);
        }
        for width in [1, 2, 5, 11, 20, 59, 60, 61, 200] {
            for height in [1, 2, 3, 5, 6, 9, 17, 18, 19, 60] {
                let shown = picture(&state, (width, height));
                assert_eq!(shown.lines().count(), usize::from(height));
            }
        }
        ended(&mut state, epoch);
    }
    let shown = picture(&state, LARGE);
    assert!(shown.contains("3 epochs are run") && !shown.contains(" left"), "{shown}");
}
