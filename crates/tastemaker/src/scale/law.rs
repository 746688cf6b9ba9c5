//! Laws of scaling through measured points, by least squares: `y = a + b ln C` (as Zhai et al.,
//! ICML 2024, arXiv 2402.17152, for hit rates) and `y = c C^e` (as Kaplan et al., 2020, arXiv
//! 2001.08361, for losses; without a floor, so it holds only far above it).
//!
//! When not to use it: beyond the measured compute, or where the largest model already does worse.

use serde::Serialize;

/// `y = a + b ln C`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct LogLaw {
    pub(crate) a: f64,
    /// What e times the compute brings.
    pub(crate) b: f64,
    /// Share of the variance that the law accounts for.
    pub(crate) r2: f64,
}

/// `y = factor · C^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct PowerLaw {
    pub(crate) factor: f64,
    pub(crate) exponent: f64,
    /// Of y itself, so that it compares with [`LogLaw::r2`].
    pub(crate) r2: f64,
}

impl LogLaw {
    /// Through (C, y); none where fewer than 3 points, no two C or all y are equal.
    pub(crate) fn fit(points: &[(f64, f64)]) -> Option<LogLaw> {
        let logs: Vec<(f64, f64)> = points.iter().map(|(c, y)| (c.ln(), *y)).collect();
        let (a, b) = line(&logs)?;
        let r2 = r2(points, |c| a + b * c.ln())?;
        Some(LogLaw { a, b, r2 })
    }

    pub(crate) fn at(&self, compute: f64) -> f64 {
        self.a + self.b * compute.ln()
    }
}

impl PowerLaw {
    /// As [`LogLaw::fit`]; none, too, where a y is not above 0. The squares are those of ln y.
    pub(crate) fn fit(points: &[(f64, f64)]) -> Option<PowerLaw> {
        let logs: Vec<(f64, f64)> = points.iter().map(|(c, y)| (c.ln(), y.ln())).collect();
        let (a, exponent) = line(&logs)?;
        let factor = a.exp();
        let r2 = r2(points, |c| factor * c.powf(exponent))?;
        Some(PowerLaw { factor, exponent, r2 })
    }

    pub(crate) fn at(&self, compute: f64) -> f64 {
        self.factor * compute.powf(self.exponent)
    }
}

/// a and b of `y = a + b x`.
fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    if points.len() < 3 || points.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
        return None;
    }
    let count = points.len() as f64;
    let x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let across: f64 = points.iter().map(|(at, _)| (at - x).powi(2)).sum();
    let both: f64 = points.iter().map(|(at, to)| (at - x) * (to - y)).sum();
    let b = both / across;
    b.is_finite().then_some((y - b * x, b))
}

/// 1 less what is left of the squares.
fn r2(points: &[(f64, f64)], law: impl Fn(f64) -> f64) -> Option<f64> {
    let mean = points.iter().map(|(_, y)| y).sum::<f64>() / points.len() as f64;
    let all: f64 = points.iter().map(|(_, y)| (y - mean).powi(2)).sum();
    let left: f64 = points.iter().map(|(c, y)| (y - law(*c)).powi(2)).sum();
    let share = 1.0 - left / all;
    share.is_finite().then_some(share)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::E;

    use super::*;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9, "{found}, not {wanted}");
    }

    #[test]
    fn a_line_by_hand() {
        // x = ln C = 0, 1, 2; y = 1, 2, 2: mean 1 and 5/3; b = 1/2, a = 7/6.
        let law = LogLaw::fit(&[(1.0, 1.0), (E, 2.0), (E * E, 2.0)]).unwrap();
        near(law.a, 7.0 / 6.0);
        near(law.b, 0.5);
        // Left: 1/36 + 4/36 + 1/36; all: 2/3.
        near(law.r2, 1.0 - (1.0 / 6.0) / (2.0 / 3.0));
        near(law.at(E), 5.0 / 3.0);
    }

    #[test]
    fn a_power_is_found_and_beats_the_line() {
        let points: Vec<(f64, f64)> =
            [1.0, 10.0, 100.0, 1e4].iter().map(|c: &f64| (*c, 8.0 * c.powf(-0.5))).collect();
        let law = PowerLaw::fit(&points).unwrap();
        near(law.factor, 8.0);
        near(law.exponent, -0.5);
        near(law.r2, 1.0);
        near(law.at(100.0), 0.8);
        assert!(LogLaw::fit(&points).unwrap().r2 < 0.9);
    }

    #[test]
    fn what_has_no_law_is_given_none() {
        assert_eq!(LogLaw::fit(&[(1.0, 1.0), (2.0, 2.0)]), None);
        assert_eq!(LogLaw::fit(&[(2.0, 1.0), (2.0, 2.0), (2.0, 3.0)]), None);
        assert_eq!(LogLaw::fit(&[(1.0, 1.0), (2.0, 1.0), (3.0, 1.0)]), None);
        assert_eq!(LogLaw::fit(&[(0.0, 1.0), (2.0, 1.5), (3.0, 1.0)]), None);
        assert_eq!(PowerLaw::fit(&[(1.0, 0.0), (2.0, 1.0), (3.0, 2.0)]), None);
    }
}
