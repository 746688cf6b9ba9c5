use pulp::Scalar;

use super::*;

#[derive(Clone, Copy)]
struct Decayed;

impl Update<2> for Decayed {
    #[inline(always)]
    fn element(self, parameter: &mut f32, [first, second]: [&mut f32; 2], gradient: f32) {
        *first += 0.1 * (gradient - *first);
        *second = *second * 0.98 + 0.02 * gradient * gradient;
        *parameter = *parameter * 0.999 - 0.01 * *first / (second.sqrt() / 0.3 + 1e-6);
    }
}

#[test]
fn the_width_of_the_registers_changes_no_bit() {
    let gradient: Vec<f32> = (0..1003).map(|at| (at as f32 * 0.37).sin()).collect();
    let run = |wide: bool| {
        let mut tables = [gradient.clone(), vec![0.0; 1003], vec![0.0; 1003]];
        for _ in 0..5 {
            let [parameter, first, second] = &mut tables;
            let two = Two { update: Decayed, parameter, first, second, gradient: &gradient };
            if wide { Arch::new().dispatch(two) } else { two.with_simd(Scalar) }
        }
        tables.concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(run(true), run(false));
}
