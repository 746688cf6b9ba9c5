//! What a log is like, whoever wrote it: how often ids are used again, how unequal items are, how long
//! visits last. So that a made world can be held against real ones.

mod page;
mod terminal;

use serde::{Deserialize, Serialize};

/// A log in three curves, each left out where the log cannot tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// What was counted, in words.
    pub what: String,
    /// Whether it is made and not real.
    pub made: bool,
    /// Share of look-ups that fall on ids used at most [`REUSE`] times.
    pub reuse: Option<Vec<f64>>,
    /// Share of events that fall on the most popular [`SKEW`] of items.
    pub skew: Option<Vec<f64>>,
    /// Share of visits with at most [`LENGTHS`] events.
    pub lengths: Option<Vec<f64>>,
    /// Mean events of a visit.
    pub length_mean: Option<f64>,
}

/// Uses of an id, as the histograms beside Meta's embedding traces count them; what is used more
/// often makes the rest.
pub const REUSE: [u64; 16] =
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768];
/// Shares of the items, the most popular first.
pub const SKEW: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
/// Events of a visit.
pub const LENGTHS: [u64; 12] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

impl Shape {
    /// Of nothing yet.
    pub fn new(name: impl Into<String>, what: impl Into<String>, made: bool) -> Shape {
        Shape {
            name: name.into(),
            what: what.into(),
            made,
            reuse: None,
            skew: None,
            lengths: None,
            length_mean: None,
        }
    }

    /// With the uses of each id.
    #[must_use]
    pub fn with_uses(mut self, uses: impl IntoIterator<Item = u64>) -> Shape {
        let uses: Vec<u64> = uses.into_iter().filter(|uses| *uses > 0).collect();
        let all: u64 = uses.iter().sum();
        let upto = |most: u64| {
            let within: u64 = uses.iter().filter(|uses| **uses <= most).sum();
            within as f64 / all as f64
        };
        self.reuse = (all > 0).then(|| REUSE.map(upto).to_vec());
        self
    }

    /// With the events of each item; items without one count as items only where they are given.
    #[must_use]
    pub fn with_events(mut self, events: impl IntoIterator<Item = u64>) -> Shape {
        let mut events: Vec<u64> = events.into_iter().collect();
        events.sort_unstable_by(|a, b| b.cmp(a));
        let all: u64 = events.iter().sum();
        let top = |share: f64| {
            // A share of few items may be less than one: then part of the first.
            let items = share * events.len() as f64;
            let whole = items.floor() as usize;
            let sum: u64 = events[..whole].iter().sum();
            let part = (items - whole as f64) * events.get(whole).copied().unwrap_or(0) as f64;
            (sum as f64 + part) / all as f64
        };
        self.skew = (all > 0).then(|| SKEW.map(top).to_vec());
        self
    }

    /// With the events of each visit; visits without one are not seen by a log and left out.
    #[must_use]
    pub fn with_visits(mut self, visits: impl IntoIterator<Item = u64>) -> Shape {
        let visits: Vec<u64> = visits.into_iter().filter(|events| *events > 0).collect();
        let all = visits.len() as f64;
        let upto = |most| visits.iter().filter(|events| **events <= most).count() as f64 / all;
        self.lengths = (!visits.is_empty()).then(|| LENGTHS.map(upto).to_vec());
        self.length_mean =
            (!visits.is_empty()).then(|| visits.iter().sum::<u64>() as f64 / all);
        self
    }
}

/// Made logs beside real ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// All, the real ones first.
    pub shapes: Vec<Shape>,
    /// For each real one and curve, which made one is nearest.
    pub nearest: Vec<Nearest>,
    /// What there was to hold against, and was not found.
    pub missing: Vec<String>,
}

/// How far made logs are from a real one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// `reuse`, `skew` or `lengths`.
    pub curve: String,
    /// The real log.
    pub real: String,
    /// The nearest made one.
    pub made: String,
    /// Largest difference between the two curves, 0 to 1 (as Kolmogorov and Smirnov's).
    pub distance: f64,
    /// The same of every made one.
    pub all: Vec<(String, f64)>,
}

/// One of the three curves.
type Curve = fn(&Shape) -> Option<&Vec<f64>>;

/// The curves, and what their axes say.
const CURVES: [(&str, Curve); 3] = [
    ("reuse", |shape| shape.reuse.as_ref()),
    ("skew", |shape| shape.skew.as_ref()),
    ("lengths", |shape| shape.lengths.as_ref()),
];

impl Calibration {
    /// Holds all against all.
    pub fn new(shapes: Vec<Shape>, missing: Vec<String>) -> Calibration {
        let mut nearest = Vec::new();
        for (curve, of) in CURVES {
            for real in shapes.iter().filter(|shape| !shape.made) {
                let Some(wanted) = of(real) else { continue };
                let mut all: Vec<(String, f64)> = shapes
                    .iter()
                    .filter(|shape| shape.made)
                    .filter_map(|made| Some((made.name.clone(), apart(wanted, of(made)?))))
                    .collect();
                all.sort_by(|(_, a), (_, b)| a.total_cmp(b));
                if let Some((made, distance)) = all.first().cloned() {
                    let (curve, real) = (curve.to_owned(), real.name.clone());
                    nearest.push(Nearest { curve, real, made, distance, all });
                }
            }
        }
        Calibration { shapes, nearest, missing }
    }

    /// As text.
    pub fn to_terminal(&self) -> String {
        terminal::text(self)
    }

    /// As a page of its own.
    pub fn to_html(&self) -> String {
        page::document(self).into_string()
    }
}

/// Largest difference of two curves.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_count_what_they_say() {
        let shape = Shape::new("a", "b", true)
            .with_uses([1, 1, 2, 4, 0])
            .with_events([6, 2, 1, 1, 0, 0, 0, 0, 0, 0])
            .with_visits([1, 1, 3, 0]);
        let reuse = shape.reuse.unwrap();
        assert_eq!(&reuse[..3], [0.25, 0.5, 1.0]);
        let skew = shape.skew.unwrap();
        // 5 % of ten items is half of the first; 20 % the first two.
        assert!((skew[5] - 0.3).abs() < 1e-12 && (skew[7] - 0.8).abs() < 1e-12, "{skew:?}");
        let lengths = shape.lengths.unwrap();
        assert!((lengths[0] - 2.0 / 3.0).abs() < 1e-12 && (lengths[2] - 1.0).abs() < 1e-12);
        assert!((shape.length_mean.unwrap() - 5.0 / 3.0).abs() < 1e-12);
        assert_eq!(Shape::new("a", "b", true).with_visits([0]).lengths, None);
    }

    #[test]
    fn the_nearest_is_named() {
        let real = Shape::new("real", "", false).with_visits([1, 2, 3, 4]);
        let near = Shape::new("near", "", true).with_visits([1, 2, 3, 6]);
        let far = Shape::new("far", "", true).with_visits([64]);
        let held = Calibration::new(vec![real, far, near], Vec::new());
        let [found] = &held.nearest[..] else { panic!("one curve") };
        assert_eq!((found.made.as_str(), found.real.as_str()), ("near", "real"));
        assert!((found.distance - 0.25).abs() < 1e-12);
        let (page, text) = (held.to_html(), held.to_terminal());
        for words in [&page, &text] {
            assert!(words.contains("near") && words.contains("far"), "{words}");
        }
    }
}
