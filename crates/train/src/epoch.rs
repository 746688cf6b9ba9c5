//! The batches of one epoch: which part of whose history, in which order.

use data::Sequences;
use data::batch::{Batches, Part, Which};
use data::order::tie;
use models::Positions;
use rayon::slice::ParallelSliceMut;

use crate::example::Examples;
use crate::stochastic_length::StochasticLength;
use crate::stream::Stream;
use crate::window::{Window, Windows};
use crate::{Error, Result};

/// Keeps the thinning of windows apart from whatever else a run draws with the same seed.
const THINNING: u64 = 0x7468_696e_6e69_6e67;

/// What an epoch is cut by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochSpec {
    /// Events of one batch, at most; more than `length_max`.
    pub batch_tokens: u32,
    /// Inputs of one row, at most.
    pub length_max: u32,
    /// Where the positions of a row are counted from.
    pub positions: Positions,
    /// Which part of a history.
    pub window: Window,
    /// Whether it is thinned out.
    pub stochastic_length: StochasticLength,
    /// Seed of the order and of all that is random in a choice.
    pub seed: u64,
    /// Which epoch, from 0.
    pub number: u32,
    /// Epochs in all, for windows that depend on how many are left.
    pub epochs: u32,
}

/// The batches of an epoch of every user with two events or more: a row for each window that the
/// epoch has of the user, in the order of (seed, number), and the event after each of its inputs.
/// A batch holds at most `batch_tokens` events. The same arguments: the same batches.
///
/// # Errors
/// Where one window does not fit a batch, or a setting is out of range.
pub fn epoch(
    sequences: &Sequences,
    spec: EpochSpec,
) -> Result<impl Iterator<Item = Result<Examples>> + Send> {
    let EpochSpec { batch_tokens, length_max, positions, seed, number, .. } = spec;
    if length_max == 0 || batch_tokens <= length_max {
        // A history brings one event more than inputs.
        return Err(Error::Refused(format!(
            "a batch of at most {batch_tokens} tokens cannot hold a history of {}, which has two \
             events at least",
            u64::from(length_max) + 1
        )));
    }
    spec.window.check(length_max)?;
    spec.stochastic_length.check()?;
    let windows = Windows::new(spec.window, length_max, seed, number, spec.epochs);
    let rows = rows(sequences, &windows, seed ^ scatter(number));
    let parts = rows.into_iter().map(move |(user, which)| {
        let history = sequences.user(user);
        let range = windows.events(user, which as usize, history.len());
        let epoch_and_row = u64::from(which) << 32 | u64::from(number);
        let mut rng = Stream::new(THINNING, seed, epoch_and_row).at(user as usize);
        let times_ms = &history.times_ms[range.clone()];
        let events = match spec.stochastic_length.thin(times_ms, length_max, &mut rng) {
            None => Which::Range(range),
            Some(places) => {
                Which::Places(places.into_iter().map(|place| range.start + place).collect())
            }
        };
        Part { user, events }
    });
    let batches = Batches::new(sequences, batch_tokens as usize, parts);
    Ok(batches.map(move |batch| Examples::of(batch?, positions)))
}

/// (User, number of the window) of each row, in an order that `seed` gives.
fn rows(sequences: &Sequences, windows: &Windows, seed: u64) -> Vec<(u32, u32)> {
    let mut rows: Vec<(u32, u32)> = (0..sequences.users() as u32)
        .filter_map(|user| Some((user, sequences.user(user).len())).filter(|(_, n)| *n >= 2))
        .flat_map(|(user, length)| (0..windows.count(length) as u32).map(move |at| (user, at)))
        .collect();
    // The windows of a user each have a place of their own.
    rows.par_sort_by_key(|(user, which)| (tie(*user, seed ^ scatter(*which)), *user, *which));
    rows
}

/// Apart for neighbours; 0 for 0.
fn scatter(number: u32) -> u64 {
    u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
