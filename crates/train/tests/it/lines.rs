//! What a run tells while it runs.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use data::{Clock, Progress};
use expect_test::expect;
use train::{Run, SequenceConfig, fit};

use crate::planted::{log, quick};

/// Every look at it is a second later than the last.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now_ms(&self) -> i64 {
        self.0.fetch_add(1000, Ordering::Relaxed)
    }
}

#[test]
fn an_epoch_has_a_line_and_a_step_a_report() {
    let (events, held) = log(400);
    let reports = Mutex::new(Vec::new());
    let report = |step: data::Step<'_>| {
        let report = (step.what.to_owned(), step.done, step.total);
        reports.lock().unwrap().push(report);
    };
    let never = AtomicBool::new(false);
    let mut lines = Vec::new();
    let config = SequenceConfig { epochs: 3, batch_tokens: 1000, validate_every: 2, ..quick() };
    let trained = fit(Run {
        config: &config,
        train: &events,
        held: Some(&held),
        seed: 5,
        checkpoints: None,
        resume: false,
        clock: &Ticking(AtomicI64::new(0)),
        progress: &Progress::new(&report, &never),
        tell: &mut |line| lines.push(line.to_owned()),
    })
    .unwrap();
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
        epoch 1 of 3  loss #.####  1.8 k tokens/s  0 GFLOP/s  at most 6 s left
        epoch 2 of 3  loss #.####  NDCG@10 #.#### (best)  1.8 k tokens/s  0 GFLOP/s  at most 3 s left
        epoch 3 of 3  loss #.####  NDCG@10 #.#### (best)  1.8 k tokens/s  0 GFLOP/s"#]].assert_eq(&shown.join("\n"));
    assert!(lines[0].contains(&format!("loss {:.4}", trained.epochs[0].loss)));
    let reports = reports.into_inner().unwrap();
    assert_eq!(reports[0], ("epoch 1".into(), 0, Some(1800)));
    let epochs = reports.iter().filter(|(_, done, _)| *done == 0).count();
    assert_eq!(epochs, 3);
    assert!(reports.iter().all(|(_, done, total)| *total == Some(1800) && *done < 1800));
    assert!(trained.epochs.iter().all(|facts| facts.tokens == 1800));
}
