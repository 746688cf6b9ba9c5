//! Layer norm (Ba et al. 2016) and RMS norm (Zhang and Sennrich 2019) of each row.

use crate::Real;
use crate::kernel::Grad;
use crate::op::NormKind;

/// `x [rows, width]`; writes `y` of the same shape and `stats [rows, 2]`: mean (0 for RMS) and
/// 1 / deviation. `scale` and `shift` are `[width]`, or none.
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
pub fn forward<F: Real>(
    width: usize,
    kind: NormKind,
    eps: F,
    x: &[F],
    scale: Option<&[F]>,
    shift: Option<&[F]>,
    y: &mut [F],
    stats: &mut [F],
) {
    let count = F::of(width as f64);
    for ((x, y), stats) in
        x.chunks_exact(width).zip(y.chunks_exact_mut(width)).zip(stats.chunks_exact_mut(2))
    {
        let mean = match kind {
            NormKind::Layer => x.iter().copied().sum::<F>() / count,
            NormKind::Rms => F::ZERO,
        };
        let square = x.iter().map(|x| (*x - mean) * (*x - mean)).sum::<F>() / count;
        let inverse = F::ONE / (square + eps).sqrt();
        (stats[0], stats[1]) = (mean, inverse);
        for column in 0..width {
            let normal = (x[column] - mean) * inverse;
            y[column] = normal * scale.map_or(F::ONE, |scale| scale[column])
                + shift.map_or(F::ZERO, |shift| shift[column]);
        }
    }
}

/// Gradients from `dy`.
#[allow(clippy::too_many_arguments, reason = "one argument a tensor")]
pub fn backward<F: Real>(
    width: usize,
    kind: NormKind,
    x: &[F],
    scale: Option<&[F]>,
    stats: &[F],
    dy: &[F],
    dx: Option<Grad<'_, F>>,
    dscale: Option<Grad<'_, F>>,
    dshift: Option<Grad<'_, F>>,
) {
    let count = F::of(width as f64);
    let (mut dx, mut dscale, mut dshift) =
        (dx.map(Grad::zeroed), dscale.map(Grad::zeroed), dshift.map(Grad::zeroed));
    for row in 0..stats.len() / 2 {
        let at = row * width;
        let (mean, inverse) = (stats[2 * row], stats[2 * row + 1]);
        let normal = |column: usize| (x[at + column] - mean) * inverse;
        let inner =
            |column: usize| dy[at + column] * scale.map_or(F::ONE, |scale| scale[column]);
        let mut sum = (0..width).map(inner).sum::<F>() / count;
        let along = (0..width).map(|column| inner(column) * normal(column)).sum::<F>() / count;
        if kind == NormKind::Rms {
            sum = F::ZERO;
        }
        for column in 0..width {
            if let Some(dx) = &mut dx {
                dx[at + column] += inverse * (inner(column) - sum - normal(column) * along);
            }
            if let Some(dscale) = &mut dscale {
                dscale[column] += dy[at + column] * normal(column);
            }
            if let Some(dshift) = &mut dshift {
                dshift[column] += dy[at + column];
            }
        }
    }
}
