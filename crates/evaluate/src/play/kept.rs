//! Numbers of a play in JSON, which has no word for what is no number: `null` stands for it, and
//! is read as NaN. What is infinite is kept as `null` too.

use serde::{Deserialize, Deserializer};

use crate::Interval;

/// A number or `null`.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

/// An interval of which any number may be `null`.
pub(super) fn interval<'de, D: Deserializer<'de>>(from: D) -> Result<Interval, D::Error> {
    #[derive(Deserialize)]
    struct Kept {
        value: Option<f64>,
        low: Option<f64>,
        high: Option<f64>,
    }
    let kept = Kept::deserialize(from)?;
    let [value, low, high] =
        [kept.value, kept.low, kept.high].map(|number| number.unwrap_or(f64::NAN));
    Ok(Interval { value, low, high })
}
