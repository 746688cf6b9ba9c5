//! What the page and the terminal both say.

use data::{grouped, seconds_in_words};

use super::{ArmReport, Interleaved, PlayReport, PolicyEstimates};
use crate::number::{fixed, signed, signed_interval};

/// Name of the first or second arm.
pub(super) fn arm_name(play: &PlayReport, at: usize) -> &str {
    play.arms.get(at).map_or("—", |arm| &arm.name)
}

/// `What the log of popular says of item-knn: clicks of a slate`.
pub(super) fn of_the_log(play: &PlayReport, estimates: &PolicyEstimates) -> String {
    let (first, second) = (arm_name(play, 0), arm_name(play, 1));
    format!("What the log of {second} says of {first}: {}", estimates.of)
}

/// What the estimates rest on.
pub(super) fn weights(estimates: &PolicyEstimates) -> String {
    let share = match estimates.effective_share.is_finite() {
        true => format!("{:.1} %", estimates.effective_share * 100.0),
        false => fixed(estimates.effective_share, 0),
    };
    format!(
        "{} requests in the log, worth {share} of as many of its own; weights: mean {} (1 where \
         propensities are right), largest {}; the log's own policy reached {}",
        grouped(estimates.rows),
        fixed(estimates.weight_mean, 3),
        fixed(estimates.weight_max, 1),
        fixed(estimates.logged_value, 4)
    )
}

/// What interleaving says, and how sure it is.
pub(super) fn interleaved_words(play: &PlayReport, it: &Interleaved) -> String {
    let (first, second) = (arm_name(play, 0), arm_name(play, 1));
    let share = |won: u64| format!("{:.1} %", 100.0 * won as f64 / it.requests.max(1) as f64);
    let preferred = if it.credit.low > 0.0 {
        format!("people prefer {first}")
    } else if it.credit.high < 0.0 {
        format!("people prefer {second}")
    } else {
        "people prefer neither".to_owned()
    };
    format!(
        "Both in one slate, drafted by turns ({} requests): {first} has more clicks in {}, {second} in \
         {}; {} clicks a request for {first}, {}: {preferred}, by clicks",
        grouped(it.requests),
        share(it.first_won),
        share(it.second_won),
        signed(it.credit.value, 4),
        signed_interval(it.credit, 4),
    )
}

/// The world, one line a fact.
pub(super) fn world_words(play: &PlayReport) -> Vec<String> {
    let world = &play.world;
    let warm = match world.warm_impressions {
        0 => "nothing known before".to_owned(),
        warm => format!("{} impressions by chance before, to learn from", grouped(warm)),
    };
    vec![
        format!(
            "world {}, seed {}: {} people, {} items at the start, {} days; {warm}",
            world.preset,
            world.seed,
            grouped(world.users),
            grouped(world.items),
            world.days
        ),
        format!(
            "a slate has {} places and is chosen from {} candidates; each policy plays in a world of \
             its own, and both begin the same",
            world.places, world.candidates
        ),
    ]
}

/// `item-knn 12 s, 310,000 impressions/s`.
pub(super) fn pace(arm: &ArmReport) -> String {
    let rate = arm.total.impressions as f64 / arm.seconds;
    match rate.is_finite() {
        true => format!(
            "{} {}, {} impressions/s",
            arm.name,
            seconds_in_words(arm.seconds),
            grouped(rate as u64)
        ),
        false => arm.name.clone(),
    }
}
