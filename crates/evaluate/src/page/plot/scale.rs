//! Round numbers along an axis.

/// From one round number to another.
pub(super) struct Scale {
    step: f64,
    first: i64,
    steps: i64,
}

impl Scale {
    /// Whatever of `values` is finite, and 0.
    pub(super) fn from_zero(values: impl Iterator<Item = f64>) -> Scale {
        let (low, high) = ends(values).unwrap_or_default();
        Scale::between(low.min(0.0), high.max(1e-4))
    }

    /// Whatever of `values` is finite, with 0 only where that is near.
    pub(super) fn around(values: impl Iterator<Item = f64>) -> Scale {
        let (low, high) = ends(values).unwrap_or_default();
        // Values that hardly differ are not pulled apart.
        let least = (high.abs().max(low.abs()) * 1e-3).max(1e-6);
        let (low, high) = match high - low < least {
            true => (low - least, high + least),
            false => (low, high),
        };
        let span = high - low;
        match low >= 0.0 && low < span {
            true => Scale::between(0.0, high),
            false => Scale::between(low, high),
        }
    }

    fn between(low: f64, high: f64) -> Scale {
        let rough = high / 5.0 - low / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|times| times * power)
            .into_iter()
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(10.0 * power);
        let first = ((low / step) + 1e-9).floor() as i64;
        let last = ((high / step) - 1e-9).ceil() as i64;
        Scale { step, first, steps: (last - first).max(1) }
    }

    /// Where a value is, 0 at the lower end and 1 at the upper one.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value / self.step - self.first as f64) / self.steps as f64
    }

    pub(super) fn ticks(&self) -> Vec<f64> {
        (self.first..=self.first + self.steps).map(|at| at as f64 * self.step).collect()
    }

    pub(super) fn label(&self, tick: f64) -> String {
        let digits = (-self.step.log10()).ceil().max(0.0) as usize;
        let digits =
            digits + usize::from((self.step * 10f64.powi(digits as i32)).fract() > 1e-6);
        format!("{tick:.digits$}")
    }
}

/// The lowest and the highest finite value.
fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |ends, value| match ends {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        scale.ticks().into_iter().map(|tick| scale.label(tick)).collect()
    }

    #[test]
    fn an_axis_has_round_numbers_and_holds_its_values() {
        let of_zero = |values: &[f64]| labels(&Scale::from_zero(values.iter().copied()));
        assert_eq!(of_zero(&[0.031, 0.047]), ["0.00", "0.01", "0.02", "0.03", "0.04", "0.05"]);
        assert_eq!(of_zero(&[-0.2, 0.9]).first().unwrap(), "-0.25");
        assert!(of_zero(&[]).len() >= 2);
        let around = |values: &[f64]| labels(&Scale::around(values.iter().copied()));
        assert_eq!(
            around(&[0.101, 0.109]),
            ["0.100", "0.102", "0.104", "0.106", "0.108", "0.110"]
        );
        assert_eq!(around(&[0.03, 0.1]).first().unwrap(), "0.00");
        assert_eq!(around(&[-1.0, 1.0]), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
    }

    #[test]
    fn what_is_no_number_bends_no_axis() {
        let values = [f64::NAN, f64::INFINITY, 2.0, f64::NEG_INFINITY, 2.0];
        for scale in [Scale::around(values.into_iter()), Scale::from_zero(values.into_iter())] {
            let share = scale.share(2.0);
            assert!((0.0..=1.0).contains(&share), "{share}");
            assert!(scale.ticks().len() >= 2 && scale.ticks().len() < 12);
        }
        for values in [vec![], vec![0.0], vec![1e300, -1e300], vec![f64::NAN]] {
            assert!(Scale::around(values.into_iter()).ticks().len() < 12);
        }
    }
}
