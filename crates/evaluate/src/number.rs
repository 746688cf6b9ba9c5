//! Numbers as people read them; where there is no number, that is said without one.

use crate::Interval;

/// What stands where there is no number.
pub(crate) const NONE: &str = "—";

/// With so many digits after the point.
pub(crate) fn fixed(value: f64, digits: usize) -> String {
    written(value, |value| format!("{value:.digits$}"))
}

/// The same with its sign.
pub(crate) fn signed(value: f64, digits: usize) -> String {
    written(value, |value| format!("{value:+.digits$}"))
}

/// Digits after the point that a value of this size is read with: four below 10, fewer above.
pub(crate) fn digits(value: f64) -> usize {
    match value.abs() {
        size if size >= 1e4 => 0,
        size if size >= 1e3 => 1,
        size if size >= 1e2 => 2,
        size if size >= 10.0 => 3,
        _ => 4,
    }
}

/// `0.0512 (0.0498 to 0.0526)`.
pub(crate) fn with_interval(it: Interval) -> String {
    format!("{} ({})", fixed(it.value, 4), interval(it, 4))
}

/// `0.0498 to 0.0526`.
pub(crate) fn interval(it: Interval, digits: usize) -> String {
    match it.low.is_nan() || it.high.is_nan() {
        true => NONE.to_owned(),
        false => format!("{} to {}", fixed(it.low, digits), fixed(it.high, digits)),
    }
}

/// The same with signs.
pub(crate) fn signed_interval(it: Interval, digits: usize) -> String {
    match it.low.is_nan() || it.high.is_nan() {
        true => NONE.to_owned(),
        false => format!("{} to {}", signed(it.low, digits), signed(it.high, digits)),
    }
}

fn written(value: f64, finite: impl Fn(f64) -> String) -> String {
    match value {
        value if value.is_finite() => finite(value),
        f64::INFINITY => "∞".to_owned(),
        f64::NEG_INFINITY => "-∞".to_owned(),
        _ => NONE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_written_without_one() {
        let no = f64::NAN;
        assert_eq!([fixed(no, 4), signed(no, 2)], [NONE, NONE]);
        assert_eq!([fixed(f64::INFINITY, 4), signed(f64::NEG_INFINITY, 4)], ["∞", "-∞"]);
        let it = Interval { value: 0.5, low: no, high: 1.0 };
        assert_eq!(with_interval(it), "0.5000 (—)");
        let it = Interval { value: 0.5, low: 0.25, high: f64::INFINITY };
        assert_eq!(signed_interval(it, 2), "+0.25 to ∞");
    }

    #[test]
    fn large_values_have_fewer_digits() {
        let shown =
            [0.5, 12.5, 125.0, 1250.0, 12500.0].map(|value| fixed(value, digits(value)));
        assert_eq!(shown, ["0.5000", "12.500", "125.00", "1250.0", "12500"]);
    }
}
