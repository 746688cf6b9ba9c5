//! Ours beside theirs, in a word.

use serde::{Deserialize, Serialize};

use super::recipe::Published;

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Within the band around the published number.
    Reproduced,
    /// Above the band.
    Above,
    /// Below the band, but at least what was asked for.
    TargetReached,
    /// Below.
    Below,
}

impl Verdict {
    /// Of our mean.
    pub(crate) fn of(ours: f64, published: &Published) -> Verdict {
        let Published { value, band, target, .. } = published;
        if (ours - value).abs() <= band * value {
            Verdict::Reproduced
        } else if ours > *value {
            Verdict::Above
        } else if target.is_some_and(|target| ours >= target) {
            Verdict::TargetReached
        } else {
            Verdict::Below
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Verdict::Reproduced => "reproduced",
            Verdict::Above => "above",
            Verdict::TargetReached => "below, target reached",
            Verdict::Below => "below",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_relative_and_a_target_is_a_floor() {
        let text = "grid = 'g'\narm = 'a'\nmetric = 'ndcg@10'\nvalue = 0.2\nsource = 's'\n\
                    band = 0.05\ntarget = 0.17";
        let published: Published = toml::from_str(text).unwrap();
        let of = |ours| Verdict::of(ours, &published);
        assert_eq!(of(0.191), Verdict::Reproduced);
        assert_eq!(of(0.22), Verdict::Above);
        assert_eq!(of(0.18), Verdict::TargetReached);
        assert_eq!(of(0.16), Verdict::Below);
    }
}
