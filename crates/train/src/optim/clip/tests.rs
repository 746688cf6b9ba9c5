use pulp::Scalar;

use super::*;

#[test]
fn the_width_of_the_registers_changes_no_bit() {
    let piece: Vec<f32> = (0..1003).map(|at| (at as f32 * 0.37).sin()).collect();
    let wide = Arch::new().dispatch(Squares { piece: &piece });
    let narrow = Squares { piece: &piece }.with_simd(Scalar);
    assert_eq!(wide.to_bits(), narrow.to_bits());
    let plain: f64 = piece.iter().map(|value| f64::from(*value).powi(2)).sum();
    assert!((wide - plain).abs() < 1e-10);
}
