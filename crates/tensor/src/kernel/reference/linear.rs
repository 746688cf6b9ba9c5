//! y = act(x W + b).

use crate::Real;
use crate::kernel::Grad;
use crate::op::{Activation, LinearShape};

/// `x [rows, in]`, `weight [in, out]`, `bias [out]`; writes `y [rows, out]` and, where asked
/// for, `before`, the same before the activation.
pub fn forward<F: Real>(
    shape: LinearShape,
    x: &[F],
    weight: &[F],
    bias: Option<&[F]>,
    activation: Activation,
    y: &mut [F],
    mut before: Option<&mut [F]>,
) {
    for row in 0..shape.rows {
        for column in 0..shape.output {
            let mut sum = bias.map_or(F::ZERO, |bias| bias[column]);
            for inner in 0..shape.input {
                sum += x[row * shape.input + inner] * weight[inner * shape.output + column];
            }
            let at = row * shape.output + column;
            if let Some(before) = &mut before {
                before[at] = sum;
            }
            y[at] = activation.of(sum);
        }
    }
}

/// Gradients from `dy`. `known` is what [`Activation::slope`] needs: the value before the
/// activation where it [`Activation::keeps_input`], else `y`.
#[allow(clippy::too_many_arguments, reason = "three inputs, three gradients")]
pub fn backward<F: Real>(
    shape: LinearShape,
    x: &[F],
    weight: &[F],
    activation: Activation,
    known: &[F],
    dy: &[F],
    dx: Option<Grad<'_, F>>,
    dweight: Option<Grad<'_, F>>,
    dbias: Option<Grad<'_, F>>,
) {
    let dz: Vec<F> =
        dy.iter().zip(known).map(|(dy, known)| *dy * activation.slope(*known)).collect();
    let (mut dx, mut dweight, mut dbias) =
        (dx.map(Grad::zeroed), dweight.map(Grad::zeroed), dbias.map(Grad::zeroed));
    for row in 0..shape.rows {
        for column in 0..shape.output {
            let dz = dz[row * shape.output + column];
            for inner in 0..shape.input {
                if let Some(dx) = &mut dx {
                    dx[row * shape.input + inner] += dz * weight[inner * shape.output + column];
                }
                if let Some(dweight) = &mut dweight {
                    dweight[inner * shape.output + column] += dz * x[row * shape.input + inner];
                }
            }
            if let Some(dbias) = &mut dbias {
                dbias[column] += dz;
            }
        }
    }
}
