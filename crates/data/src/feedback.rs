//! Which events count as positive feedback.

use serde::{Deserialize, Serialize};

/// `[feedback]` of the config: an event is positive when any rule holds. No rule at all: every
/// event with an item is positive.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Feedback {
    /// The rules.
    pub positive: Vec<PositiveRule>,
}

/// One rule: of this kind, with a value in this range. What is left out is not asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PositiveRule {
    /// The event's kind (`rating`, `click`, `play`).
    pub kind: Option<String>,
    /// Least value that counts.
    pub min_value: Option<f32>,
    /// Largest value that counts.
    pub max_value: Option<f32>,
}

impl Feedback {
    /// Whether an event of this kind and value is positive. An event without a value fails a
    /// rule that asks for one.
    pub fn is_positive(&self, kind: &str, value: Option<f32>) -> bool {
        self.positive.is_empty() || self.positive.iter().any(|rule| rule.holds(kind, value))
    }
}

impl PositiveRule {
    fn holds(&self, kind: &str, value: Option<f32>) -> bool {
        self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self.min_value.is_none_or(|least| value.is_some_and(|value| value >= least))
            && self.max_value.is_none_or(|most| value.is_some_and(|value| value <= most))
    }
}
