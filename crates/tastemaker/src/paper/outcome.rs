//! What became of a case: how much was relevant, and at which places it was found. Every metric
//! of accuracy follows from that, at any length of list.

use serde::{Deserialize, Serialize};

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Relevant items.
    pub(crate) relevant: u32,
    /// Places of those that were found, from 1, rising.
    pub(crate) places: Vec<u32>,
}

impl Outcome {
    /// Of a ranking without repetition; `relevant` is sorted.
    pub(crate) fn of(ranked: &[u32], relevant: &[u32]) -> Outcome {
        let places =
            (1u32..).zip(ranked).filter(|(_, item)| relevant.binary_search(item).is_ok());
        Outcome {
            relevant: relevant.len() as u32,
            places: places.map(|(place, _)| place).collect(),
        }
    }
}

/// All cases of a cell, in a short text: `3` is one relevant item found at place 3, `-` one that
/// was not found, `4:2,17` four of which two were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Outcomes(pub(crate) Vec<Outcome>);

impl From<Outcomes> for String {
    fn from(outcomes: Outcomes) -> String {
        let word = |outcome: &Outcome| {
            let places: Vec<String> = outcome.places.iter().map(u32::to_string).collect();
            let places = if places.is_empty() { "-".to_owned() } else { places.join(",") };
            match outcome.relevant {
                1 => places,
                relevant => format!("{relevant}:{places}"),
            }
        };
        outcomes.0.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

impl TryFrom<String> for Outcomes {
    type Error = String;

    fn try_from(text: String) -> Result<Outcomes, String> {
        let number = |text: &str| {
            let number = text.parse::<u32>().ok().filter(|number| *number > 0);
            number.ok_or_else(|| format!("{text:?} is no place"))
        };
        let outcome = |word: &str| {
            let (relevant, places) = match word.split_once(':') {
                Some((relevant, places)) => (number(relevant)?, places),
                None => (1, word),
            };
            let places = match places {
                "-" => Vec::new(),
                places => places.split(',').map(number).collect::<Result<Vec<_>, String>>()?,
            };
            Ok(Outcome { relevant, places })
        };
        let words = text.split_ascii_whitespace().map(outcome);
        Ok(Outcomes(words.collect::<Result<Vec<_>, String>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_as_it_was() {
        let outcomes = Outcomes(vec![
            Outcome::of(&[7, 3, 9], &[9]),
            Outcome::of(&[7, 3, 9], &[1]),
            Outcome::of(&[7, 3, 9], &[3, 7, 11, 12]),
            Outcome::of(&[], &[3, 7]),
        ]);
        let text = String::from(outcomes.clone());
        assert_eq!(text, "3 - 4:1,2 2:-");
        assert_eq!(Outcomes::try_from(text).unwrap(), outcomes);
        assert!(Outcomes::try_from("0".to_owned()).is_err());
        assert!(Outcomes::try_from("2:x".to_owned()).is_err());
    }
}
