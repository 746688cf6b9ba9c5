//! What a run tells while it runs, as facts and as lines.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use data::{Clock, Progress};
use expect_test::expect;
use train::{EpochLine, Report, Run, SequenceConfig, Steps, Trained, fit};

use crate::planted::{log, quick};

/// Shows what it was set to.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A run in which every step takes `step_ms`: what it told, and what progress heard.
fn told(config: &SequenceConfig, step_ms: i64) -> (Trained, Vec<Report>, Vec<(String, u64)>) {
    let (events, held) = log(400);
    let clock = Hand(AtomicI64::new(7_000));
    let heard = Mutex::new(Vec::new());
    let report = |step: data::Step<'_>| {
        clock.0.fetch_add(step_ms, Ordering::Relaxed);
        assert_eq!(step.total, Some(1800));
        heard.lock().unwrap().push((step.what.to_owned(), step.done));
    };
    let never = AtomicBool::new(false);
    let mut reports = Vec::new();
    let trained = fit(Run {
        config,
        train: &events,
        held: Some(&held),
        seed: 5,
        checkpoints: None,
        resume: false,
        table: None,
        clock: &clock,
        progress: &Progress::new(&report, &never),
        tell: &mut |report| reports.push(report.clone()),
    })
    .unwrap();
    (trained, reports, heard.into_inner().unwrap())
}

#[test]
fn an_epoch_has_a_line_and_a_step_a_report() {
    let config = SequenceConfig { epochs: 3, batch_tokens: 1000, validate_every: 2, ..quick() };
    let (trained, reports, heard) = told(&config, 500);
    let lines: Vec<String> = reports.iter().filter_map(Report::line).collect();
    // Digits of losses may differ where instructions do.
    let shown: Vec<String> = lines
        .iter()
        .map(|line| {
            let hidden = |word: &str| match word.contains('.') && word.len() == 6 {
                true => "#.####".to_owned(),
                false => word.to_owned(),
            };
            line.split(' ').map(hidden).collect::<Vec<_>>().join(" ")
        })
        .collect();
    expect![[r#"
        epoch 1 of 3  loss #.####  1.2 k tokens/s  0 GFLOP/s  at most 3 s left
        epoch 2 of 3  loss #.####  NDCG@10 #.#### (best)  1.2 k tokens/s  0 GFLOP/s  at most 2 s left
        epoch 3 of 3  loss #.####  NDCG@10 #.#### (best)  1.2 k tokens/s  0 GFLOP/s"#]].assert_eq(&shown.join("\n"));
    assert!(lines[0].contains(&format!("loss {:.4}", trained.epochs[0].loss)));
    assert_eq!(heard[0], ("epoch 1".into(), 0));
    assert_eq!(heard.iter().filter(|(_, done)| *done == 0).count(), 3);
    assert!(heard.iter().all(|(_, done)| *done < 1800));
    assert!(trained.epochs.iter().all(|facts| facts.tokens == 1800));
}

#[test]
fn steps_are_told_a_few_times_a_second() {
    let config = SequenceConfig { epochs: 2, validate_every: 2, ..quick() };
    let (trained, reports, heard) = told(&config, 100);
    let Report::Begin(begin) = &reports[0] else { panic!("{:?}", reports[0]) };
    assert_eq!((begin.epochs, begin.tokens_an_epoch, begin.validates), (2, 1800, true));
    assert!(begin.done.is_empty());
    let steps: Vec<&Steps> = reports
        .iter()
        .filter_map(|report| match report {
            Report::Steps(steps) => Some(steps),
            _ => None,
        })
        .collect();
    // A quarter of a second is three steps here.
    assert!(steps.len() >= 4 && steps.len() <= heard.len() / 3, "{}", steps.len());
    for steps in &steps {
        assert!((steps.seconds - 0.3).abs() < 1e-9 && steps.flops > 0, "{steps:?}");
        assert!(steps.tokens > 0 && steps.tokens_of_epoch <= 1800, "{steps:?}");
        assert!(steps.loss > 0.0 && steps.loss.is_finite() && steps.seconds_left >= 0.0);
    }
    assert!(steps.windows(2).all(|pair| pair[0].step + 3 <= pair[1].step));
    assert!(steps.windows(2).all(|pair| pair[0].seconds_left > pair[1].seconds_left - 0.5));
    // What was told while it ran is in the epoch's line as well.
    let epochs: Vec<&EpochLine> = reports
        .iter()
        .filter_map(|report| match report {
            Report::Epoch(line) => Some(line),
            _ => None,
        })
        .collect();
    for (at, epoch) in epochs.iter().enumerate() {
        let own = steps.iter().filter(|steps| steps.epoch == epoch.epoch);
        let (tokens, flops) =
            own.fold((0, 0), |sum, steps| (sum.0 + steps.tokens, sum.1 + steps.flops));
        assert!(tokens > 900 && tokens <= epoch.tokens && flops <= epoch.flops);
        assert_eq!(epoch.tokens, trained.epochs[at].tokens);
    }
    let last: Vec<bool> =
        reports.iter().map(|report| matches!(report, Report::Validating(2))).collect();
    assert_eq!(last.iter().filter(|is| **is).count(), 1);
    assert!(last[reports.len() - 2], "just before its epoch's line");
}
