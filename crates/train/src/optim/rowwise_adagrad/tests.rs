use pulp::{Arch, Simd, WithSimd};

use super::*;

struct One<'a> {
    update: RowwiseUpdate,
    parameter: &'a mut [f32],
    squares: &'a mut [f32],
    gradient: &'a [f32],
}

impl WithSimd for One<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.update.row(self.parameter, self.squares, &mut [], self.gradient);
    }
}

#[test]
fn the_width_of_the_registers_changes_no_bit() {
    let gradient: Vec<f32> = (0..71).map(|at| (at as f32 * 0.37).sin()).collect();
    let run = |wide: bool| {
        let (mut parameter, mut squares) = (gradient.clone(), [0.1]);
        let update = RowwiseUpdate { eps: 1e-8, rate: 0.01 };
        let one = One {
            update,
            parameter: &mut parameter,
            squares: &mut squares,
            gradient: &gradient,
        };
        if wide {
            Arch::new().dispatch(one)
        } else {
            one.with_simd(pulp::Scalar)
        }
        parameter.push(squares[0]);
        parameter.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(run(true), run(false));
}
