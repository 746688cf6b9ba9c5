//! What a tally says in one number each: the rows of every table of totals.

use data::grouped;

use super::{PlayReport, Tally};
use crate::number::{NONE, digits, fixed, signed};

/// How a measure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Count,
    Percent,
    Number,
}

/// One number of a tally.
#[derive(Clone, Copy)]
pub(super) struct Measure {
    pub(super) name: &'static str,
    written: Written,
    /// Of what happened to so many people. NaN where nothing did.
    pub(super) of: fn(&Tally, f64) -> f64,
}

/// What counts, then what brings it about, then what is told of it.
pub(super) const MEASURES: [Measure; 17] = [
    Measure {
        name: "satisfaction a person",
        written: Written::Number,
        of: satisfaction_a_person,
    },
    Measure {
        name: "satisfaction a visit",
        written: Written::Number,
        of: satisfaction_a_visit,
    },
    Measure {
        name: "satisfaction a click",
        written: Written::Number,
        of: satisfaction_a_click,
    },
    Measure { name: "satisfaction", written: Written::Number, of: |it, _| it.satisfaction },
    Measure { name: "visits a person", written: Written::Number, of: visits_a_person },
    Measure { name: "visits", written: Written::Count, of: |it, _| it.visits as f64 },
    Measure {
        name: "visits abandoned",
        written: Written::Percent,
        of: |it, _| per(it.abandons as f64, it.visits as f64),
    },
    Measure { name: "abandons", written: Written::Count, of: |it, _| it.abandons as f64 },
    Measure { name: "requests", written: Written::Count, of: |it, _| it.requests as f64 },
    Measure { name: "impressions", written: Written::Count, of: |it, _| it.impressions as f64 },
    Measure { name: "clicks", written: Written::Count, of: |it, _| it.clicks as f64 },
    Measure { name: "click rate", written: Written::Percent, of: |it, _| click_rate(it) },
    Measure {
        name: "click rate expected",
        written: Written::Percent,
        of: |it, _| per(it.expected_clicks, it.impressions as f64),
    },
    Measure {
        name: "hours watched",
        written: Written::Number,
        of: |it, _| it.watched_s / 3600.0,
    },
    Measure { name: "likes", written: Written::Count, of: |it, _| it.likes as f64 },
    Measure { name: "buys", written: Written::Count, of: |it, _| it.buys as f64 },
    Measure { name: "creations", written: Written::Count, of: |it, _| it.creations as f64 },
];

/// What a person got out of it: over all days, the value that a policy has in the long term.
pub(super) fn satisfaction_a_person(it: &Tally, people: f64) -> f64 {
    per(it.satisfaction, people)
}

pub(super) fn satisfaction_a_visit(it: &Tally, _: f64) -> f64 {
    per(it.satisfaction, it.visits as f64)
}

fn satisfaction_a_click(it: &Tally, _: f64) -> f64 {
    per(it.satisfaction, it.clicks as f64)
}

pub(super) fn visits_a_person(it: &Tally, people: f64) -> f64 {
    per(it.visits as f64, people)
}

pub(super) fn click_rate(it: &Tally) -> f64 {
    per(it.clicks as f64, it.impressions as f64)
}

fn per(sum: f64, over: f64) -> f64 {
    if over > 0.0 { sum / over } else { f64::NAN }
}

impl Measure {
    /// As text.
    pub(super) fn text(&self, tally: &Tally, people: f64) -> String {
        let value = (self.of)(tally, people);
        match self.written {
            _ if !value.is_finite() => fixed(value, 0),
            Written::Count => grouped(value as u64),
            Written::Percent => format!("{:.2} %", value * 100.0),
            Written::Number if value >= 1e4 => grouped(value.round() as u64),
            Written::Number => fixed(value, digits(value)),
        }
    }

    /// The first arm against the second in percent, where there are two and both are numbers.
    pub(super) fn change(&self, play: &PlayReport) -> String {
        let people = play.world.users as f64;
        let [first, second] = play.arms.as_slice() else { return NONE.to_owned() };
        let before = (self.of)(&second.total, people);
        let change = ((self.of)(&first.total, people) / before - 1.0) * 100.0;
        match change.is_finite() {
            true => format!("{} %", signed(change, 1)),
            false => NONE.to_owned(),
        }
    }
}
