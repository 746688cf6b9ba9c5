//! Cutting a log into what models may see and what they are judged by.
//!
//! The default is a cut in time: a model that is trained at noon knows nothing of the
//! afternoon, of anybody. Leave-last-out cuts every user's own sequence instead; a model then
//! trains on events of other users that happened after the target, so its numbers are too good
//! (arXiv 2010.11060). It exists to compare with papers, and is labelled leaky.

use serde::{Deserialize, Serialize};

use crate::{ClockKind, Error, Result, Sequences, format_ms, parse_ms};

/// How to split.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitSpec {
    /// By time: test events are those at or after a cut.
    Time {
        /// Events from here to `test_from` are for validation; none: no validation part.
        validation_from: Option<Cut>,
        /// Events from here on are for the test.
        test_from: Cut,
    },
    /// Each user's last event is the test, the one before it validation; users with fewer than
    /// three events are wholly in training.
    LeaveLastOut,
}

/// A place in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// At an instant, milliseconds since the epoch.
    Instant(i64),
    /// At the instant before which this share of all events lies.
    Share(f64),
}

impl std::str::FromStr for Cut {
    type Err = String;

    /// `0.9` is a share, `2018-06-01` or `2018-06-01T12:00:00Z` or `1527811200` an instant.
    fn from_str(text: &str) -> Result<Cut, String> {
        if let Ok(share) = text.trim().parse::<f64>()
            && (0.0..=1.0).contains(&share)
        {
            return Ok(Cut::Share(share));
        }
        parse_ms(text).map(Cut::Instant).ok_or_else(|| {
            format!(
                "{text:?} is neither a share between 0 and 1 nor an instant like 2018-06-01"
            )
        })
    }
}

/// The parts of a split. All have the users and the catalogue of the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What models train on.
    pub train: Sequences,
    /// For choosing between settings; may be empty.
    pub validation: Sequences,
    /// What models are judged by. Look at it once.
    pub test: Sequences,
    /// For the record.
    pub facts: SplitFacts,
}

/// What a report and a model version record of their split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitFacts {
    /// `time`, `leave-last-out` or `none` (trained on everything).
    pub kind: String,
    /// Whether training saw events from after a test event.
    pub leaky: bool,
    /// How far the times can be trusted.
    pub clock: ClockKind,
    /// First instant of validation, for a split by time that has one.
    pub validation_from_ms: Option<i64>,
    /// First instant of the test, for a split by time.
    pub test_from_ms: Option<i64>,
    /// Events of training.
    pub train_events: u64,
    /// Events of validation.
    pub validation_events: u64,
    /// Events of the test.
    pub test_events: u64,
}

/// Splits.
///
/// # Errors
/// Where a time split is asked of a log without real instants, or leaves nothing to train on
/// or to test.
pub fn split(all: &Sequences, clock: ClockKind, spec: &SplitSpec) -> Result<Split> {
    let split = match spec {
        SplitSpec::Time { validation_from, test_from } => {
            by_time(all, clock, *validation_from, *test_from)?
        }
        SplitSpec::LeaveLastOut => leave_last_out(all, clock)?,
    };
    for (part, what) in [(&split.train, "training"), (&split.test, "the test")] {
        if part.events() == 0 {
            return Err(Error::Refused(format!(
                "the split leaves no event for {what}; move the cut or import more"
            )));
        }
    }
    Ok(split)
}

/// Everything is for training: what a model that serves is trained on.
pub fn everything(all: &Sequences, clock: ClockKind) -> SplitFacts {
    SplitFacts {
        kind: "none".into(),
        leaky: false,
        clock,
        validation_from_ms: None,
        test_from_ms: None,
        train_events: all.events() as u64,
        validation_events: 0,
        test_events: 0,
    }
}

fn by_time(
    all: &Sequences,
    clock: ClockKind,
    validation_from: Option<Cut>,
    test_from: Cut,
) -> Result<Split> {
    if clock == ClockKind::OrderOnly {
        return Err(Error::Refused(
            "this log only knows the order within each user (clock: order-only), so it cannot be \
             split by time; use leave-last-out, and read its numbers as leaky"
                .into(),
        ));
    }
    let mut times: Vec<i64> = all.times_ms().to_vec();
    times.sort_unstable();
    let test_ms = instant(&times, test_from)?;
    let validation_ms = validation_from.map(|cut| instant(&times, cut)).transpose()?;
    if let Some(validation_ms) = validation_ms
        && validation_ms > test_ms
    {
        return Err(Error::Refused(format!(
            "validation begins {} after the test at {}",
            format_ms(validation_ms),
            format_ms(test_ms)
        )));
    }
    let train_end_ms = validation_ms.unwrap_or(test_ms);
    let part = |from_ms: i64, to_ms: i64| {
        keep(all, |_, time_ms, _| (from_ms..to_ms).contains(&time_ms))
    };
    let train = part(i64::MIN, train_end_ms)?;
    let validation = part(train_end_ms, test_ms)?;
    // The one part that includes its end.
    let test = keep(all, |_, time_ms, _| time_ms >= test_ms)?;
    let facts = facts(
        "time",
        false,
        clock,
        (validation_ms, Some(test_ms)),
        [&train, &validation, &test],
    );
    Ok(Split { train, validation, test, facts })
}

fn leave_last_out(all: &Sequences, clock: ClockKind) -> Result<Split> {
    let part = |places_from_end: std::ops::Range<usize>| {
        keep(all, |user, _, place| {
            let length = all.user(user).len();
            let from_end = length - 1 - place;
            if length < 3 {
                places_from_end.end > 3
            } else {
                places_from_end.contains(&from_end)
            }
        })
    };
    let (train, validation, test) = (part(2..usize::MAX)?, part(1..2)?, part(0..1)?);
    let facts =
        facts("leave-last-out", true, clock, (None, None), [&train, &validation, &test]);
    Ok(Split { train, validation, test, facts })
}

fn facts(
    kind: &str,
    leaky: bool,
    clock: ClockKind,
    (validation_from_ms, test_from_ms): (Option<i64>, Option<i64>),
    [train, validation, test]: [&Sequences; 3],
) -> SplitFacts {
    SplitFacts {
        kind: kind.to_owned(),
        leaky,
        clock,
        validation_from_ms,
        test_from_ms,
        train_events: train.events() as u64,
        validation_events: validation.events() as u64,
        test_events: test.events() as u64,
    }
}

fn instant(sorted_ms: &[i64], cut: Cut) -> Result<i64> {
    match cut {
        Cut::Instant(time_ms) => Ok(time_ms),
        Cut::Share(share) if (0.0..=1.0).contains(&share) => {
            let place = (share * sorted_ms.len() as f64).floor() as usize;
            match sorted_ms.get(place.min(sorted_ms.len().saturating_sub(1))) {
                Some(time_ms) => Ok(*time_ms),
                None => Err(Error::Refused("there is no event to split".into())),
            }
        }
        Cut::Share(share) => {
            Err(Error::Refused(format!("a share lies between 0 and 1, not at {share}")))
        }
    }
}

/// The events for which `wanted(user, time_ms, place in the user's history)` holds.
fn keep(all: &Sequences, wanted: impl Fn(u32, i64, usize) -> bool) -> Result<Sequences> {
    let mut offsets = vec![0];
    let (mut items, mut times_ms, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for user in 0..all.users() as u32 {
        let history = all.user(user);
        for place in 0..history.len() {
            if wanted(user, history.times_ms[place], place) {
                items.push(history.items[place]);
                times_ms.push(history.times_ms[place]);
                values.push(history.values[place]);
            }
        }
        offsets.push(items.len());
    }
    Sequences::new(offsets, items, times_ms, values, all.item_count())
}
