//! A length of time as people write it: `30s`, `1m`, `2h`.

use std::str::FromStr;
use std::time::Duration;

/// Seconds at most: a week.
const SECONDS_MAX: u64 = 7 * 86_400;

/// A length of time, a second at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period(Duration);

impl Period {
    pub(crate) fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Period, String> {
        let wrong = || format!("{text:?} is no period; write 30s, 1m or 2h, at most 168h");
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            _ => return Err(wrong()),
        };
        let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        let seconds = number.checked_mul(unit).filter(|it| (1..=SECONDS_MAX).contains(it));
        seconds.map(|seconds| Period(Duration::from_secs(seconds))).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_others_refused() {
        let seconds = |text: &str| text.parse::<Period>().map(|it| it.duration().as_secs());
        assert_eq!(seconds("1m"), Ok(60));
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("168h"), Ok(604_800));
        for text in
            ["", "m", "1", "0s", "-1m", "1d", "1.5h", "169h", "99999999999999999999s", "1µ"]
        {
            assert!(seconds(text).unwrap_err().contains("30s"), "{text}");
        }
    }
}
