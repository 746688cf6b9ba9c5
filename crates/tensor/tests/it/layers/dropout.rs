//! What dropout promises.

use proptest::prelude::*;
use tensor::{Device, Tape, Workspace};

use super::PARAMETERS;

const DEVICES: [Device; 2] = [Device::Reference, Device::Cpu];

/// Value of `drop(x)` and the gradient of its sum, of ones.
fn dropped(device: Device, seed: u64, rate: f32, count: usize) -> (Vec<f32>, Vec<f32>) {
    let ones = vec![1.0; count];
    let mut workspace = Workspace::new(device);
    let mut tape = Tape::training(&PARAMETERS, &mut workspace, seed);
    let x = tape.leaf(&ones, 1).unwrap();
    let y = tape.dropout(x, rate).unwrap();
    let value = tape.value(y).to_vec();
    let loss = tape.weighted_sum(y, &ones).unwrap();
    let gradients = tape.backward(loss).unwrap();
    (value, gradients.leaf(x).unwrap().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn one_mask_forward_and_backward_at_the_rate(seed: u64, rate in 0.01f32..0.95) {
        let count = 20_000;
        for device in DEVICES {
            let (value, gradient) = dropped(device, seed, rate, count);
            prop_assert_eq!(&value, &gradient);
            let kept = 1.0 / (1.0 - rate);
            prop_assert!(value.iter().all(|value| *value == 0.0 || *value == kept));
            let share = value.iter().filter(|value| **value == 0.0).count() as f32 / count as f32;
            // Six deviations of a share of so many.
            let bound = 6.0 * (rate * (1.0 - rate) / count as f32).sqrt();
            prop_assert!((share - rate).abs() < bound, "{} of {}", share, rate);
        }
        let others = dropped(Device::Cpu, seed.wrapping_add(1), rate, count);
        prop_assert!(others.0 != dropped(Device::Cpu, seed, rate, count).0);
    }
}

#[test]
fn nodes_of_a_step_differ_and_kernels_drop_the_same() {
    let ones = vec![1.0; 1000];
    let on = |device| {
        let mut workspace = Workspace::new(device);
        let mut tape = Tape::training(&PARAMETERS, &mut workspace, 0);
        let x = tape.leaf(&ones, 10).unwrap();
        let (one, other) = (tape.dropout(x, 0.5).unwrap(), tape.dropout(x, 0.5).unwrap());
        let gated = tape.gated_residual(x, x, x, 0.5).unwrap();
        [one, other, gated].map(|var| tape.value(var).to_vec())
    };
    let [one, other, gated] = on(Device::Cpu);
    assert_ne!(one, other);
    let both = one.iter().zip(&other).filter(|(one, other)| one == other).count();
    assert!((400..600).contains(&both), "{both} of 1000 alike: masks depend on each other");
    let [reference, second, third] = on(Device::Reference);
    assert_eq!((one, other), (reference, second));
    super::close("gated", &third, &gated);
}

#[test]
fn nothing_is_dropped_in_inference() {
    let ones = vec![1.0; 100];
    for device in DEVICES {
        let mut workspace = Workspace::new(device);
        let mut tape = Tape::inference(&PARAMETERS, &mut workspace);
        let x = tape.leaf(&ones, 10).unwrap();
        assert_eq!(tape.dropout(x, 0.9).unwrap(), x);
        let y = tape.residual(x, x, 0.9).unwrap();
        assert_eq!(tape.value(y), [2.0; 100]);
        let loss = tape.weighted_sum(y, &ones).unwrap();
        let refusal = tape.backward(loss).unwrap_err();
        assert_eq!(refusal.to_string(), "backward: this pass was for inference");
    }
}
