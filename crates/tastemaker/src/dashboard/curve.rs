//! Points of a curve, never too many, and the box they lie in.

/// Points kept at most.
const POINTS_MAX: usize = 1024;

/// Points from left to right; only finite ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Curve {
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// Adds a point to the right. One that is not finite is left out. Of too many, each two
    /// neighbours become their mean.
    pub(crate) fn push(&mut self, x: f64, y: f64) {
        if !(x.is_finite() && y.is_finite()) {
            return;
        }
        if self.points.len() == POINTS_MAX {
            let mean = |pair: &[(f64, f64)]| {
                let of = |take: fn(&(f64, f64)) -> f64| {
                    pair.iter().map(take).sum::<f64>() / pair.len() as f64
                };
                (of(|point| point.0), of(|point| point.1))
            };
            self.points = self.points.chunks(2).map(mean).collect();
        }
        self.points.push((x, y));
    }

    pub(crate) fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// From 0 to the last point; 1 at least.
    pub(crate) fn width(&self) -> f64 {
        self.points.last().map_or(1.0, |last| last.0.max(1.0))
    }

    /// The lowest and the highest point with a little room, the second above the first.
    pub(crate) fn heights(&self) -> (f64, f64) {
        let ys = self.points.iter().map(|point| point.1);
        let low = ys.clone().fold(f64::INFINITY, f64::min);
        let high = ys.fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return (0.0, 1.0);
        }
        // The room keeps a curve that does not move in the middle, however large it is.
        let room = ((high - low) * 0.05).max(high.abs().max(low.abs()) * 1e-3).max(1e-6);
        (low - room, high + room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_of_any_length_stays_small_and_in_order() {
        let mut curve = Curve::default();
        for at in 0..100_000 {
            curve.push(f64::from(at), f64::from(at % 10));
        }
        let points = curve.points();
        assert!(points.len() <= POINTS_MAX && points.len() >= POINTS_MAX / 2);
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(points.last(), Some(&(99_999.0, 9.0)));
    }

    #[test]
    fn a_box_is_never_empty_and_never_no_number() {
        let mut curve = Curve::default();
        assert_eq!((curve.width(), curve.heights()), (1.0, (0.0, 1.0)));
        for (x, y) in [(1.0, f64::NAN), (f64::INFINITY, 1.0), (2.0, f64::NEG_INFINITY)] {
            curve.push(x, y);
        }
        assert!(curve.points().is_empty());
        for y in [0.0, 0.0, 3.0, 1e30] {
            curve.push(1.0, y);
            let (low, high) = curve.heights();
            assert!(low < high && low.is_finite() && high.is_finite(), "{low} {high}");
        }
    }
}
