//! Arithmetic against that of the standard library, in f64.

use super::{dot_centred, exp, largest, sigmoid, softplus, sum};

#[test]
fn exponentials_over_all_of_their_range() {
    for step in -870_000..=880_000 {
        let x = step as f32 * 1e-4;
        let truth = f64::from(x).exp();
        let error = (f64::from(exp(x)) - truth).abs() / truth;
        assert!(error < 2e-7, "e^{x} is off by {error:e} of itself");
    }
}

#[test]
fn exponentials_at_extremes() {
    for x in [-87.9, -88.0, -1e4, f32::MIN, f32::NEG_INFINITY] {
        assert_eq!(exp(x).to_bits(), 0, "e^{x}");
    }
    assert!(exp(-87.5) > 0.0);
    for x in [88.0, 89.0, f32::MAX, f32::INFINITY] {
        assert!(exp(x) > 1.6e38 && exp(x).is_finite(), "e^{x}");
    }
    assert_eq!(exp(0.0).to_bits(), 1.0f32.to_bits());
    assert!(exp(f32::NAN).is_nan());
}

#[test]
fn sigmoid_and_softplus_at_extremes() {
    for x in [-1e4f32, -100.0, -20.0, -1.0, 0.0, 1.0, 20.0, 100.0, 1e4] {
        let wide = f64::from(x);
        let open = 1.0 / (1.0 + (-wide).exp());
        assert!((f64::from(sigmoid(x)) - open).abs() <= 2e-7 * open + 1e-38, "{x}");
        let plus = wide.max(0.0) + (-wide.abs()).exp().ln_1p();
        assert!((f64::from(softplus(x)) - plus).abs() <= 2e-7 * plus + 1e-43, "{x}");
    }
    assert!(sigmoid(f32::NAN).is_nan() && softplus(f32::NAN).is_nan());
    assert_eq!(softplus(f32::NEG_INFINITY).to_bits(), 0);
}

#[test]
fn folds_of_every_length() {
    for len in 0..70usize {
        let x: Vec<f32> = (0..len).map(|at| (at * 7 % 13) as f32 - 6.0).collect();
        let total: f32 = x.iter().sum();
        assert_eq!(sum(&x).to_bits(), (total + 0.0).to_bits());
        let centred: f32 = x.iter().map(|x| x * (x - 2.0)).sum();
        assert_eq!(dot_centred(&x, &x, 2.0).to_bits(), (centred + 0.0).to_bits());
        let most = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        assert_eq!(largest(&x).to_bits(), most.to_bits());
    }
}
