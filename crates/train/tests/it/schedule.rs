//! The learning rate of a step.

use train::{Decay, Schedule};

fn rates(schedule: Schedule, total: u64) -> Vec<f32> {
    (0..total + 2).map(|step| schedule.rate(step, total)).collect()
}

#[track_caller]
fn close(ours: &[f32], expected: &[f32]) {
    assert_eq!(ours.len(), expected.len());
    for (a, b) in ours.iter().zip(expected) {
        assert!((a - b).abs() < 1e-6, "{ours:?}, not {expected:?}");
    }
}

#[test]
fn constant_is_the_peak() {
    let schedule = Schedule { peak: 0.5, ..Schedule::default() };
    close(&rates(schedule, 3), &[0.5; 5]);
}

#[test]
fn warm_up_rises_to_the_peak_and_stays() {
    let schedule = Schedule { peak: 1.0, warm_up: 4, ..Schedule::default() };
    close(&rates(schedule, 5), &[0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0]);
}

#[test]
fn linear_falls_to_the_floor_and_stays() {
    let schedule = Schedule { peak: 2.0, warm_up: 2, decay: Decay::Linear, floor: 0.0 };
    close(&rates(schedule, 6), &[1.0, 2.0, 2.0, 1.5, 1.0, 0.5, 0.0, 0.0]);
    let schedule = Schedule { warm_up: 0, floor: 0.5, ..schedule };
    close(&rates(schedule, 2), &[2.0, 1.5, 1.0, 1.0]);
}

#[test]
fn cosine_falls_slowly_first() {
    let schedule = Schedule { peak: 1.0, warm_up: 0, decay: Decay::Cosine, floor: 0.1 };
    let root = 0.5f32.sqrt();
    let share = |weight: f32| 0.1 + 0.9 * weight;
    close(
        &rates(schedule, 4),
        &[1.0, share(0.5 + root / 2.0), share(0.5), share(0.5 - root / 2.0), 0.1, 0.1],
    );
}

#[test]
fn a_run_shorter_than_its_warm_up_only_rises() {
    let schedule = Schedule { peak: 1.0, warm_up: 10, decay: Decay::Linear, floor: 0.0 };
    close(&rates(schedule, 3), &[0.1, 0.2, 0.3, 0.4, 0.5]);
}

#[test]
fn settings_are_read_and_checked() {
    let read = |text: &str| serde_json::from_str::<Schedule>(text);
    let schedule = read(r#"{"peak": 0.01, "warm_up": 100, "decay": "cosine"}"#).unwrap();
    assert_eq!(schedule.decay, Decay::Cosine);
    schedule.check().unwrap();
    assert!(read(r#"{"warmup": 100}"#).is_err());
    let error = Schedule { peak: 0.0, ..schedule }.check().unwrap_err().to_string();
    assert!(error.starts_with("schedule.peak: 0 is no learning rate"), "{error}");
    let error = Schedule { floor: 1.5, ..schedule }.check().unwrap_err().to_string();
    assert_eq!(error, "schedule.floor: 1.5 is not a share of the peak, 0 to 1");
}
